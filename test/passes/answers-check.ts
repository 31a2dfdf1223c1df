// Runs a model before and after a pass on ONNX Runtime, on the same random inputs, and compares what they answer.
import { type GraphBuilder, type Model, verifyModel } from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import { elementCount } from "@slipway/core/tensor";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect } from "vitest";
import { randomFrom } from "../support/random.ts";

export type Feeds = Readonly<Record<string, Tensor>>;

/** Without the engine's own rewriting, so that what is run is what was written. */
async function answers(model: Model, feeds: Feeds): Promise<InferenceSession.OnnxValueMapType> {
  const session = await InferenceSession.create(bytesFromModel(model), {
    graphOptimizationLevel: "disabled",
    intraOpNumThreads: 1,
    logSeverityLevel: 4,
  });
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

/** A stored tensor of which no two numbers are alike, in [-0.2, 0.2]. */
export function wave(g: GraphBuilder, shape: readonly number[], name: string): string {
  const values = Array.from({ length: elementCount(shape) }, (_, at) => Math.sin(at * 1.3) / 5);
  return g.values("float32", values, shape, name);
}

/** Random numbers in [-1, 1) for every input, whose open axes have the lengths given, or 2. */
export function randomFeeds(model: Model, lengths: Readonly<Record<string, number>> = {}, seed = 1): Feeds {
  const random = randomFrom(seed);
  const feeds = model.graph.inputs.map(({ name, type }) => {
    if (type?.kind !== "tensor" || type.shape === null) throw new Error(`${name} needs a shape.`);
    const shape = type.shape.map((axis) => (typeof axis === "number" ? axis : (lengths[axis ?? ""] ?? 2)));
    const size = shape.reduce((product, length) => product * length, 1);
    const values = Array.from({ length: size }, () => random() * 2 - 1);
    const data = type.dtype === "float64" ? Float64Array.from(values) : Float32Array.from(values);
    return [name, new Tensor(type.dtype as "float32", data as Float32Array, shape)] as const;
  });
  return Object.fromEntries(feeds);
}

/**
 * Checks that two models answer the same, within `tolerance` of the largest number each output holds.
 * @returns the largest difference, relative to that number
 */
export async function expectSameAnswers(before: Model, after: Model, feeds: Feeds, tolerance = 2e-6): Promise<number> {
  verifyModel(after);
  const [wanted, found] = [await answers(before, feeds), await answers(after, feeds)];
  expect(Object.keys(found)).toEqual(Object.keys(wanted));
  let largest = 0;
  for (const [name, value] of Object.entries(wanted)) {
    const [one, other] = [value, found[name]!];
    expect(other.dims, name).toEqual(one.dims);
    expect(other.type, name).toBe(one.type);
    const [expected, actual] = [one, other].map(({ data }) => Array.from(data as Float32Array, Number)) as [
      number[],
      number[],
    ];
    const scale = expected.reduce(
      (most, number) => (Number.isFinite(number) ? Math.max(most, Math.abs(number)) : most),
      1e-6,
    );
    for (const [index, number] of expected.entries()) {
      const difference = Object.is(number, actual[index]) ? 0 : Math.abs(number - actual[index]!) / scale;
      // NaN is no number to be near to.
      if (!(difference <= tolerance) && !(Number.isNaN(number) && Number.isNaN(actual[index])))
        throw new Error(`${name}[${index}] is ${actual[index]}, before ${number}`);
      if (difference > largest) largest = difference;
    }
  }
  return largest;
}

/** How many nodes of each operator a model has. */
export function operatorsOf(model: Model): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { opType } of model.graph.nodes) counts[opType] = (counts[opType] ?? 0) + 1;
  return counts;
}
