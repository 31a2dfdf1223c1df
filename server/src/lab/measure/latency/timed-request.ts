// What is sent to a model that is timed: made-up inputs that fit its signature, with so many rows.
import { SlipwayError } from "@slipway/core/base";
import type { Dimension, NamedTensor, Port, Signature } from "@slipway/core/tensor";
import { type BatchingPlan, sampleInputs } from "#runtime";
import type { InputShapes } from "../compute/index.ts";
import type { TimedRequest } from "./executor-target.ts";

const SEED = 1;

/**
 * Made-up inputs of so many rows; the first axis is the rows where it is open.
 * @param shapes lengths of other open axes, which are 1 where nothing is said, whole shapes, and numbers that fill inputs
 * @throws SlipwayError PARAMETER_INVALID where the model does not take so many rows, INPUT_SHAPE_MISMATCH for shapes that
 *   don't fit, MODEL_UNSUPPORTED for inputs that can't be made up
 */
export function timedRequest(
  { signature, batching }: { readonly signature: Signature; readonly batching: BatchingPlan },
  batch: number,
  shapes: InputShapes,
): TimedRequest {
  const ports = signature.inputs.filter(({ isOptional }) => isOptional !== true);
  checkNames(ports, shapes);
  const pinned = ports.map((port) => pinnedPort(port, batch, shapes));
  if (batch > 1 && !pinned.every(({ rows }) => rows === batch)) {
    throw new SlipwayError(
      "PARAMETER_INVALID",
      `Requests of ${batch} rows were asked for, and the first axis of ${listed(pinned.filter(({ rows }) => rows !== batch).map(({ port }) => port.name))} is not open for them. Leave the batch at 1.`,
    );
  }
  const inputs = sampleInputs(
    { ...signature, inputs: pinned.map(({ port }) => port) },
    { rows: batch, freeLength: 1, scale: 1, seed: SEED },
  ).map((tensor) => filled(tensor, shapes.fills?.[tensor.name]));
  const outputs = signature.outputs.filter(({ type }) => type.kind === "tensor").map(({ name }) => name);
  return { inputs, outputs, rows: batching.mode === "dynamic" ? batch : 1 };
}

/** The port with a length for every axis, and the length of its first. */
function pinnedPort(port: Port, batch: number, { symbols, inputs }: InputShapes): { port: Port; rows: number | null } {
  const { name, type } = port;
  if (type.kind !== "tensor") {
    throw new SlipwayError("MODEL_UNSUPPORTED", `Input ${JSON.stringify(name)} is no tensor, and can't be made up.`);
  }
  const whole = Object.hasOwn(inputs, name) ? inputs[name]! : null;
  if (whole !== null) {
    const fits =
      type.shape === null ||
      (type.shape.length === whole.length &&
        type.shape.every((axis, index) => typeof axis !== "number" || axis === whole[index]));
    if (!fits) {
      throw new SlipwayError(
        "INPUT_SHAPE_MISMATCH",
        `Input ${JSON.stringify(name)} does not take the shape [${whole.join(", ")}].`,
      );
    }
    return { port: { ...port, type: { ...type, shape: whole } }, rows: whole[0] ?? null };
  }
  if (type.shape === null) {
    throw new SlipwayError(
      "INPUT_SHAPE_MISMATCH",
      `Input ${JSON.stringify(name)} does not say how many axes it has; state its whole shape.`,
    );
  }
  const shape = type.shape.map((axis, index) => lengthOf(axis, index, batch, symbols));
  return { port: { ...port, type: { ...type, shape } }, rows: shape[0] ?? null };
}

function lengthOf(axis: Dimension, index: number, batch: number, symbols: InputShapes["symbols"]): number {
  if (typeof axis === "number") return axis;
  if (index === 0) return batch;
  return axis !== null && Object.hasOwn(symbols, axis) ? symbols[axis]! : 1;
}

function checkNames(ports: readonly Port[], { symbols, inputs, fills = {} }: InputShapes): void {
  const names = ports.map(({ name }) => name);
  const open = ports.flatMap(({ type }) => (type.kind === "tensor" ? (type.shape ?? []) : []));
  const axes = new Set(open.filter((axis) => typeof axis === "string"));
  const unknownAxis = Object.keys(symbols).find((name) => !axes.has(name));
  if (unknownAxis !== undefined) {
    throw new SlipwayError(
      "PARAMETER_INVALID",
      `The model has no axis ${JSON.stringify(unknownAxis)}. It has ${listed([...axes])}.`,
    );
  }
  const unknownInput = [...Object.keys(inputs), ...Object.keys(fills)].find((name) => !names.includes(name));
  if (unknownInput !== undefined) {
    throw new SlipwayError(
      "PARAMETER_INVALID",
      `The model has no input ${JSON.stringify(unknownInput)}. It has ${listed(names)}.`,
    );
  }
}

function filled(tensor: NamedTensor, fill: number | undefined): NamedTensor {
  if (fill === undefined || tensor.dtype === "string") return tensor;
  const { data } = tensor;
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) data.fill(BigInt(Math.round(fill)));
  else (data as Float32Array).fill(fill);
  return tensor;
}

const listed = (names: readonly string[]): string =>
  names.length === 0 ? "none" : names.map((name) => JSON.stringify(name)).join(", ");
