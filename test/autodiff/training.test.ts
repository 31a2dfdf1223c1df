// Steps of training against PyTorch's with the same first weights, batches and optimiser (tools/goldens/training.py).
import { readFileSync } from "node:fs";
import path from "node:path";
import { inGradientWords, type Optimizer, parametersOf, prepareForGradient, trainStep } from "@slipway/core/autodiff";
import { byteSourceFromBytes, tensorFromInitializer, verifyModel } from "@slipway/core/graph";
import { bytesFromModel, modelFromBytes } from "@slipway/core/onnx";
import { InferenceSession, type Tensor } from "onnxruntime-node";
import { expect, it } from "vitest";
import { type Curve, expectToFollow } from "../goldens/curves.ts";
import { engineOn, tensorOf } from "./gradient-check.ts";

interface Run extends Curve {
  readonly name: string;
  readonly maxNorm: number | null;
  readonly model: string;
  readonly shape: number[];
  readonly optimizer: Optimizer;
  readonly learningRate: number;
}

const FOLDER = path.resolve(import.meta.dirname, "../goldens/training");
const { classes, runs } = JSON.parse(readFileSync(path.join(FOLDER, "losses.json"), "utf8")) as {
  readonly classes: number;
  readonly runs: readonly Run[];
};

/** As the goldens have it. */
function batch(shape: readonly number[], step: number): { x: Tensor; labels: Tensor } {
  const size = shape.reduce((product, length) => product * length, 1);
  const x = Array.from(
    { length: size },
    (_, at) => Math.sin(1 + at * 0.37 + step * 1.3) + 0.5 * Math.sin(at * at * 0.011),
  );
  const labels = Array.from({ length: shape[0]! }, (_, at) => (at * 7 + step * 3) % classes);
  return { x: tensorOf("float32", x, shape), labels: tensorOf("int64", labels, [shape[0]!]) };
}

it.each(runs.map((run) => [run.name, run] as const))("%s", async (_says, run) => {
  const read = modelFromBytes(byteSourceFromBytes(readFileSync(path.join(FOLDER, `${run.model}.onnx`))));
  const engine = engineOn({ x: batch(run.shape, 0).x });
  const parameters = parametersOf(inGradientWords(read));
  const { model } = await prepareForGradient(read, parameters, engine);
  const step = await trainStep(model, {
    loss: { kind: "cross-entropy" },
    optimizer: run.optimizer,
    parameters,
    ...(run.maxNorm === null ? {} : { maxNorm: run.maxNorm }),
    typesOf: (one) => engine.typesOf(one),
  });
  verifyModel(step.model);
  expect(step.model.graph.nodes.filter(({ domain }) => domain !== "")).toEqual([]);
  const session = await InferenceSession.create(bytesFromModel(step.model), {
    intraOpNumThreads: 1,
    logSeverityLevel: 4,
  });
  const stored = new Map(
    step.stored.map((one) => [one.name, Array.from(tensorFromInitializer(one).data as Float32Array)]),
  );
  let carried: Record<string, Tensor> = Object.fromEntries(
    step.carried.map(({ of, input, shape, dtype, start }) => {
      const size = shape.reduce((product, length) => product * length, 1);
      return [
        input,
        tensorOf(dtype, start === "stored" ? stored.get(of)! : Array.from({ length: size }, () => 0), shape),
      ];
    }),
  );
  const losses: number[] = [];
  for (const number of run.losses.keys()) {
    const { x, labels } = batch(run.shape, number % 10);
    const answered = await session.run({
      ...carried,
      x,
      [step.target]: labels,
      [step.learningRate]: tensorOf("float32", [run.learningRate], []),
      ...(step.step === null ? {} : { [step.step]: tensorOf("float64", [number + 1], []) }),
    });
    losses.push(Number(answered[step.loss]!.data[0]));
    carried = Object.fromEntries(step.carried.map(({ input, output }) => [input, answered[output]!]));
  }
  await session.release();
  expectToFollow(losses, run);
});
