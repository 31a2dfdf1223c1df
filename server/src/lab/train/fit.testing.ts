// Small networks and rows to fit them to.
import { graphBuilder, type Model } from "@slipway/core/graph";
import { createRandom, drawNormal } from "@slipway/core/stats";
import { createOnnxRuntimeBackend } from "#runtime";
import { createLearner, type Learner, type LearnerOptions } from "./learner.ts";
import type { FitPlan, FitRun } from "./fit.ts";
import { type TrainingSet, trainingSetFromArrays } from "./training-set.ts";

export const backend = createOnnxRuntimeBackend();

/** x·W₁ + b₁, ReLU, perhaps dropout and batch normalisation, ·W₂ + b₂. */
export function smallNetwork(
  inputs: number,
  hidden: number,
  outputs: number,
  more: { dropout?: number; isNormalised?: boolean } = {},
): Model {
  const random = createRandom(7);
  const g = graphBuilder({ opset: 17 });
  const weights = (name: string, shape: readonly number[]) =>
    g.values(
      "float32",
      Array.from({ length: shape.reduce((product, length) => product * length, 1) }, () => drawNormal(random) * 0.5),
      shape,
      name,
    );
  const constant = (name: string, value: number) =>
    g.values(
      "float32",
      Array.from({ length: hidden }, () => value),
      [hidden],
      name,
    );
  let h = g.op("Gemm", [
    g.input("input", "float32", ["N", inputs]),
    weights("first.weight", [inputs, hidden]),
    weights("first.bias", [hidden]),
  ]);
  if (more.isNormalised === true)
    h = g.op("BatchNormalization", [
      h,
      constant("norm.weight", 1),
      constant("norm.bias", 0),
      constant("norm.mean", 0),
      constant("norm.variance", 1),
    ]);
  h = g.op("Relu", [h]);
  if (more.dropout !== undefined) h = g.op("Dropout", [h, g.values("float32", [more.dropout], [])]);
  g.output(
    "logits",
    g.op("Gemm", [h, weights("last.weight", [hidden, outputs]), weights("last.bias", [outputs])]),
    "float32",
    ["N", outputs],
  );
  return g.model();
}

/** Rows of as many clouds as there are classes. */
export function clouds(rows: number, features: number, classes: number, seed: number): TrainingSet {
  const random = createRandom(seed);
  const labels = Array.from({ length: rows }, (_, row) => row % classes);
  const data = Float32Array.from({ length: rows * features }, (_, at) => {
    const label = labels[Math.floor(at / features)]!;
    return drawNormal(random) * 0.8 + Math.sin(label * 2.1 + (at % features));
  });
  return trainingSetFromArrays({
    inputs: { input: { dtype: "float32", shape: [rows, features], data } },
    target: { dtype: "int64", shape: [rows], data: BigInt64Array.from(labels, BigInt) },
  });
}

export async function learnerOf(network: Model, options: Partial<LearnerOptions> = {}): Promise<Learner> {
  return await createLearner({
    network,
    loss: { kind: "cross-entropy" },
    optimizer: { kind: "adamw", weightDecay: 0.01 },
    backend,
    threads: 1,
    seed: 3,
    ...options,
  });
}

export const PLAN: FitPlan = {
  epochs: 4,
  batchRows: 16,
  seed: 11,
  learningRate: 0.02,
  schedule: { kind: "cosine" },
  warmUpSteps: 3,
  patienceEpochs: null,
  mostSteps: null,
};

/** A run on a clock that goes on by a second each time it is looked at. */
export function runOf(more: Partial<FitRun> = {}): FitRun {
  let time = 0;
  return {
    signal: new AbortController().signal,
    backend,
    now: () => (time += 1000),
    report: () => {},
    saved: null,
    save: async () => {},
    checkpointAfterMs: () => Number.POSITIVE_INFINITY,
    plan: "plan",
    ...more,
  };
}
