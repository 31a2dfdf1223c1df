// What a model answers before and after passes, on the same made-up inputs.
import { FREE_AXIS_LENGTHS, sampleInputs } from "#runtime";
import { type Backend, DEFAULT_SESSION_SETTINGS, type ModelBytes, type Session } from "@slipway/core/backend";
import { SlipwayError } from "@slipway/core/base";
import {
  type Dimension,
  type NamedTensor,
  numberFromBfloat16,
  numberFromFloat16,
  type Port,
  type Signature,
  type Tensor,
} from "@slipway/core/tensor";

/** How far an output was from what it was, over all inputs tried. */
export interface OutputDifference {
  readonly name: string;
  /**
   * Largest difference of an element; for strings, how many are other ones. null where there is no number for it: another shape,
   * or NaN or an infinity on one side alone.
   */
  readonly largest: number | null;
  /** Largest absolute value the model answered before. */
  readonly magnitude: number;
  /** A shape that is another than before; null where all are the same. */
  readonly shape: { readonly before: readonly number[]; readonly after: readonly number[] } | null;
}

/**
 * Runs both models on sets of inputs that fit both.
 * @throws SlipwayError MODEL_LOAD_FAILED, and RUN_FAILED where the first takes none of the inputs that are tried
 */
export async function differencesBetween(
  backend: Backend,
  before: ModelBytes,
  after: ModelBytes,
  checks: number,
  seed: number,
): Promise<readonly OutputDifference[]> {
  // As it is written, so that what the engine would change itself is not compared with it.
  const settings = { ...DEFAULT_SESSION_SETTINGS, graphOptimizationLevel: "disabled" } as const;
  const [first, second] = [await backend.load(before, settings), await backend.load(after, settings)];
  try {
    const names = first.signature.outputs.map(({ name }) => name);
    const found = new Map<string, OutputDifference>();
    for (let check = 0; check < checks; check++) {
      const { inputs, answers } = await firstAnswers(first, commonSignature(first, second), names, seed + check);
      const others = await second.run(inputs, names);
      for (const [index, name] of names.entries())
        found.set(name, worse(found.get(name), difference(name, answers[index]!, others[index]!)));
    }
    return [...found.values()];
  } finally {
    await first.unload();
    await second.unload();
  }
}

/** Answers on made-up inputs, with the first length for open axes that the model takes. */
async function firstAnswers(
  session: Session,
  signature: Signature,
  names: readonly string[],
  seed: number,
): Promise<{ readonly inputs: readonly NamedTensor[]; readonly answers: readonly Tensor[] }> {
  let refused: unknown = null;
  for (const freeLength of FREE_AXIS_LENGTHS) {
    const inputs = sampleInputs(signature, { rows: 2, freeLength, scale: 1, seed });
    try {
      return { inputs, answers: await session.run(inputs, names) };
    } catch (error) {
      if (!(error instanceof SlipwayError)) throw error;
      refused ??= error;
    }
  }
  throw refused;
}

/** The inputs of the first with the lengths that either fixes. */
function commonSignature({ signature: first }: Session, { signature: second }: Session): Signature {
  const inputs = first.inputs.map((port): Port => {
    const other = second.inputs.find(({ name }) => name === port.name);
    if (port.type.kind !== "tensor" || other?.type.kind !== "tensor") return port;
    const [shape, otherShape] = [port.type.shape, other.type.shape];
    if (shape === null || otherShape === null) return port;
    const narrowed = shape.map(
      (length, axis): Dimension => (typeof length === "number" ? length : (otherShape[axis] ?? length)),
    );
    return { ...port, type: { ...port.type, shape: narrowed } };
  });
  return { ...first, inputs };
}

function difference(name: string, before: Tensor, after: Tensor): OutputDifference {
  const isSame = before.shape.join() === after.shape.join();
  const shape = isSame ? null : { before: before.shape, after: after.shape };
  if (!isSame || before.dtype !== after.dtype) return { name, largest: null, magnitude: 0, shape };
  if (before.dtype === "string") {
    const texts = after.data as readonly string[];
    const others = (before.data as readonly string[]).filter((text, index) => text !== texts[index]);
    return { name, largest: others.length, magnitude: 0, shape };
  }
  const [values, others] = [numbersOf(before), numbersOf(after)];
  let largest: number | null = 0;
  let magnitude = 0;
  for (const [index, value] of values.entries()) {
    const other = others[index]!;
    if (Number.isFinite(value)) magnitude = Math.max(magnitude, Math.abs(value));
    if (Object.is(value, other) || value === other) continue;
    const apart: number = Math.abs(value - other);
    largest = largest === null || !Number.isFinite(apart) ? null : Math.max(largest, apart);
  }
  return { name, largest, magnitude, shape };
}

function numbersOf({ dtype, data }: Tensor): readonly number[] {
  const decode = dtype === "float16" ? numberFromFloat16 : dtype === "bfloat16" ? numberFromBfloat16 : Number;
  return Array.from(data as ArrayLike<number>, (value) => decode(value));
}

function worse(one: OutputDifference | undefined, other: OutputDifference): OutputDifference {
  if (one === undefined) return other;
  return {
    name: one.name,
    largest: one.largest === null || other.largest === null ? null : Math.max(one.largest, other.largest),
    magnitude: Math.max(one.magnitude, other.magnitude),
    shape: one.shape ?? other.shape,
  };
}
