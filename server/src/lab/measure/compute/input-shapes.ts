// The input shapes a model is examined at: its own, with a length for every axis it leaves open.
import { nearestWords, SlipwayError } from "@slipway/core/base";
import { createValueInfo, type Model, signatureFromModel, type ValueInfo } from "@slipway/core/graph";
import { elementCount, type Port, type Signature, typeText } from "@slipway/core/tensor";
import { z } from "zod";

/** What callers say of a model's open axes. */

const Length = z.number().int().min(0);

/** As JSON, from outside. */
export const INPUT_SHAPES = z
  .strictObject({
    symbols: z.record(z.string(), Length).default({}).describe("lengths of axes the model leaves open, by name"),
    inputs: z.record(z.string(), z.array(Length)).default({}).describe("whole shapes of inputs, by name"),
    fills: z.record(z.string(), z.number()).default({}).describe("numbers that fill inputs, by name"),
  })
  .default({ symbols: {}, inputs: {}, fills: {} })
  .describe("shapes of the inputs it is run with; axes that are not named have length 1");

export interface InputShapes {
  /** Lengths of axes by their names: `{ batch: 1, sequence: 128 }`. */
  readonly symbols: Readonly<Record<string, number>>;
  /** Whole shapes of inputs by their names, before symbols: `{ tokens: [1, 128] }`. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  /**
   * Numbers that fill inputs whose contents decide what a model does, such as a sampling rate: `{ sr: 16000 }`. Others get
   * made-up contents where a run is needed at all.
   */
  readonly fills?: Readonly<Record<string, number>>;
}

/** The shapes with length 1 for every named axis that they say nothing of. */
export function withOpenAxes({ inputs }: Pick<Signature, "inputs">, shapes: InputShapes): InputShapes {
  const axes = inputs.flatMap(({ type }) => (type.kind === "tensor" ? (type.shape ?? []) : []));
  const open = axes.filter((axis) => typeof axis === "string").map((axis) => [axis, 1] as const);
  return { ...shapes, symbols: { ...Object.fromEntries(open), ...shapes.symbols } };
}

/**
 * The shape of every required input.
 * @throws SlipwayError INPUT_SHAPE_MISMATCH for an axis without a length, or a shape that does not fit; PARAMETER_INVALID
 *   for a name the model does not have or a length that is none; MODEL_UNSUPPORTED for inputs that are no tensors
 */
export function boundShapes(model: Model, given: InputShapes): ReadonlyMap<string, readonly number[]> {
  // Outputs do not matter here, and may have no type.
  return boundSignature(signatureFromModel({ ...model, graph: { ...model.graph, outputs: [] } }), given);
}

/** As `boundShapes`, of a signature. @throws SlipwayError as `boundShapes` */
export function boundSignature(
  { inputs }: Pick<Signature, "inputs">,
  given: InputShapes,
): ReadonlyMap<string, readonly number[]> {
  const ports = inputs.filter(({ isOptional }) => isOptional !== true);
  const symbols = new Set(
    ports
      .flatMap(({ type }) => (type.kind === "tensor" ? (type.shape ?? []) : []))
      .filter((axis) => typeof axis === "string"),
  );
  checkNames("axis", Object.keys(given.symbols), [...symbols]);
  const names = ports.map(({ name }) => name);
  checkNames("input", [...Object.keys(given.inputs), ...Object.keys(given.fills ?? {})], names);
  for (const [name, length] of Object.entries(given.symbols)) checkLength(`axis ${JSON.stringify(name)}`, length);
  const shapes = new Map(ports.map((port) => [port.name, boundShape(port, given)]));
  for (const shape of shapes.values()) elementCount(shape); // refuses what no tensor can hold
  return shapes;
}

function boundShape({ name, type }: Port, { symbols, inputs }: InputShapes): readonly number[] {
  const port = `Input ${JSON.stringify(name)}, ${typeText(type)},`;
  if (type.kind !== "tensor") {
    throw new SlipwayError("MODEL_UNSUPPORTED", `${port} is no tensor, and only shapes of tensors can be stated.`);
  }
  const { shape } = type;
  const whole = Object.hasOwn(inputs, name) ? inputs[name]! : null;
  if (whole !== null) {
    for (const length of whole) checkLength(`input ${JSON.stringify(name)}`, length);
    const fits =
      shape === null ||
      (shape.length === whole.length &&
        shape.every((axis, index) => typeof axis !== "number" || axis === whole[index]));
    if (!fits) throw new SlipwayError("INPUT_SHAPE_MISMATCH", `${port} does not take the shape [${whole.join(", ")}].`);
    return whole;
  }
  if (shape === null) {
    throw new SlipwayError("INPUT_SHAPE_MISMATCH", `${port} does not say how many axes it has; state its whole shape.`);
  }
  return shape.map((axis, index) => {
    if (typeof axis === "number") return axis;
    if (axis !== null && Object.hasOwn(symbols, axis)) return symbols[axis]!;
    const what =
      axis === null ? "state its whole shape" : `give ${JSON.stringify(axis)} a length, or state its whole shape`;
    throw new SlipwayError("INPUT_SHAPE_MISMATCH", `${port} leaves axis ${index} open; ${what}.`);
  });
}

function checkNames(what: string, names: readonly string[], known: readonly string[]): void {
  for (const name of names) {
    if (known.includes(name)) continue;
    const near = nearestWords(name, known, 2);
    const hint =
      near.length > 0
        ? `Did you mean ${near.join(" or ")}?`
        : `It has ${known.length === 0 ? "none" : known.join(", ")}.`;
    throw new SlipwayError("PARAMETER_INVALID", `The model has no ${what} ${JSON.stringify(name)}. ${hint}`);
  }
}

function checkLength(what: string, length: number): void {
  if (Number.isSafeInteger(length) && length >= 0) return;
  throw new SlipwayError("PARAMETER_INVALID", `${length} is no length for ${what}; lengths are whole numbers from 0.`);
}

/** The model with these shapes in place of open axes. Inputs that have a default are no inputs any more. */
export function pinInputs(model: Model, shapes: ReadonlyMap<string, readonly number[]>): Model {
  const inputs = model.graph.inputs.flatMap((info): ValueInfo[] => {
    const shape = shapes.get(info.name);
    return shape === undefined || info.type?.kind !== "tensor"
      ? []
      : [createValueInfo(info.name, { ...info.type, shape })];
  });
  // Shapes the file states for other values may still name the open axes; the engine infers them anew.
  return { ...model, graph: { ...model.graph, inputs, valueInfo: [] } };
}
