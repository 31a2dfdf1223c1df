// What is known of a model before the engine sees it: that it reads no file it was not given, and its signature.
// ONNX Runtime opens external data relative to the working directory where a model came from bytes, and its metadata
// can't tell a scalar from a tensor of unknown rank, so our own reader is asked for both.
import type { ModelBytes } from "@slipway/core/backend";
import { SlipwayError } from "@slipway/core/base";
import { type Model, tensorsOfModel } from "@slipway/core/graph";
import { modelFromBytes } from "@slipway/core/onnx";
import { type DType, type Port, type Signature, typeText, type ValueType } from "@slipway/core/tensor";

/** The element types onnxruntime-node can pass. */
const PASSABLE: ReadonlySet<DType> = new Set([
  "float32",
  "float64",
  "float16",
  "int8",
  "int16",
  "int32",
  "int64",
  "uint8",
  "uint16",
  "uint32",
  "uint64",
  "bool",
  "string",
  "int4",
  "uint4",
]);

/** A port as the engine sees it; `type` is null where it is no tensor. */
export interface EnginePort {
  readonly name: string;
  readonly type: Extract<ValueType, { kind: "tensor" }> | null;
}

/**
 * Reads a model's graph and refuses what must not reach the engine.
 * @throws SlipwayError MODEL_MALFORMED, MODEL_INVALID; MODEL_UNSAFE for external data that was not given;
 *   MODEL_UNSUPPORTED for inputs and outputs that can't be passed
 */
export function readModelFacts(bytes: ModelBytes): Model {
  const model = modelFromBytes(bytes.model);
  refuseForeignData(model, bytes.externalData);
  for (const { name, type } of model.graph.inputs) refuseUnpassable("input", name, type);
  for (const { name, type } of model.graph.outputs) refuseUnpassable("output", name, type);
  return model;
}

function refuseForeignData(model: Model, given: ReadonlyMap<string, Uint8Array>): void {
  for (const { tensor, place } of tensorsOfModel(model)) {
    if (tensor.data.kind !== "external") continue;
    const { location, offset, length } = tensor.data.reference;
    const file = given.get(location);
    // Sparse tensors and attributes would be read from the disk even where the file was given as bytes.
    if (place !== "initializer" || file === undefined) {
      throw new SlipwayError(
        "MODEL_UNSAFE",
        `Tensor ${JSON.stringify(tensor.name)} refers to the file ${JSON.stringify(location)}, which ${file === undefined ? "is not part of the model" : "only initializers may do"}.`,
      );
    }
    if (offset + (length ?? 0) > file.byteLength) {
      throw new SlipwayError(
        "MODEL_INVALID",
        `Tensor ${JSON.stringify(tensor.name)} needs bytes ${offset} to ${offset + (length ?? 0)} of ${JSON.stringify(location)}, which has ${file.byteLength}.`,
      );
    }
  }
}

function refuseUnpassable(side: "input" | "output", name: string, type: ValueType | null): void {
  if (type === null) return;
  const port = `The ${side} ${JSON.stringify(name)} is ${typeText(type)}`;
  if (type.kind !== "tensor") {
    throw new SlipwayError(
      "MODEL_UNSUPPORTED",
      `${port}; only tensors can be served. Export the model with tensors only (skl2onnx: zipmap=False).`,
    );
  }
  if (!PASSABLE.has(type.dtype)) {
    throw new SlipwayError(
      "MODEL_UNSUPPORTED",
      `${port}, which onnxruntime-node can't pass. Cast it to float32 inside the model.`,
    );
  }
}

/**
 * The signature: the engine's ports in its order, with the shapes the file states, or else those the engine inferred.
 * An input with a default is left out, because onnxruntime-node takes no value for it: it would keep its default.
 */
export function signatureOf(model: Model, inputs: readonly EnginePort[], outputs: readonly EnginePort[]): Signature {
  const stated = new Map<string, ValueType | null>();
  for (const { name, type } of [...model.graph.inputs, ...model.graph.outputs]) stated.set(name, type);
  const port =
    (side: "input" | "output") =>
    (seen: EnginePort): Port => {
      if (seen.type === null) {
        throw new SlipwayError(
          "MODEL_UNSUPPORTED",
          `The ${side} ${JSON.stringify(seen.name)} is no tensor; only tensors can be served.`,
        );
      }
      refuseUnpassable(side, seen.name, seen.type);
      return { name: seen.name, type: mergedType(stated.get(seen.name) ?? null, seen.type) };
    };
  return { inputs: inputs.map(port("input")), outputs: outputs.map(port("output")) };
}

function mergedType(stated: ValueType | null, seen: NonNullable<EnginePort["type"]>): ValueType {
  // An empty shape from the engine means a scalar or an unknown rank; the file's own word, or its silence, decides.
  const statedShape = stated?.kind === "tensor" ? stated.shape : null;
  const seenShape = seen.shape !== null && seen.shape.length > 0 ? seen.shape : null;
  const shape = (statedShape ?? seenShape)?.map((length, axis) => {
    const known = typeof length === "number" && length >= 0 ? length : typeof length === "string" ? length : null;
    return known ?? seenShape?.[axis] ?? null;
  });
  return { kind: "tensor", dtype: seen.dtype, shape: shape ?? null };
}
