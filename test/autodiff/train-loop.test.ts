// Many steps inside one Loop against the same steps one by one.
import { readFileSync } from "node:fs";
import path from "node:path";
import {
  inGradientWords,
  type Optimizer,
  parametersOf,
  prepareForGradient,
  trainLoop,
  trainStep,
} from "@slipway/core/autodiff";
import { byteSourceFromBytes, tensorFromInitializer, verifyModel } from "@slipway/core/graph";
import { bytesFromModel, modelFromBytes } from "@slipway/core/onnx";
import { InferenceSession, type Tensor } from "onnxruntime-node";
import { expect, it } from "vitest";
import { randomFrom } from "../support/random.ts";
import { answersOf, engineOn, tensorOf } from "./gradient-check.ts";

const FOLDER = path.resolve(import.meta.dirname, "../goldens/training");
const STEPS = 4;

it.each<[string, readonly number[], Optimizer, boolean]>([
  ["mlp", [16, 12], { kind: "adamw", weightDecay: 0.01 }, true],
  ["cnn", [8, 2, 8, 8], { kind: "sgd", momentum: 0.9, nesterov: true }, false],
  ["transformer", [8, 6, 4], { kind: "adam" }, false],
])("%s of %s", async (name, shape, optimizer, hasSampleWeights) => {
  const random = randomFrom(3);
  const size = shape.reduce((product, length) => product * length, 1);
  const rows = shape[0]!;
  const x = Array.from({ length: STEPS * size }, () => random() * 2 - 1);
  const labels = Array.from({ length: STEPS * rows }, () => Math.floor(random() * 4));
  const weights = labels.map(() => random());
  const read = modelFromBytes(byteSourceFromBytes(readFileSync(path.join(FOLDER, `${name}.onnx`))));
  const engine = engineOn({ x: tensorOf("float32", x.slice(0, size), shape) });
  const parameters = parametersOf(inGradientWords(read));
  const { model } = await prepareForGradient(read, parameters, engine);
  const step = await trainStep(model, {
    loss: { kind: "cross-entropy" },
    optimizer,
    parameters,
    averageDecay: 0.9,
    hasSampleWeights,
    // Either emission, in turn.
    emission: hasSampleWeights ? "fast" : "portable",
    typesOf: (one) => engine.typesOf(one),
  });
  const loop = trainLoop(step);
  verifyModel(loop.model);
  const stored = new Map(step.stored.map((one) => [one.name, tensorFromInitializer(one)]));
  const start = Object.fromEntries(
    step.carried.map(({ of, input, dtype, shape: axes, start: from }) => {
      const zeros = Array.from({ length: axes.reduce((product, length) => product * length, 1) }, () => 0);
      return [
        input,
        tensorOf(dtype, from === "zeros" ? zeros : Array.from(stored.get(of)!.data as Float32Array), axes),
      ];
    }),
  );
  const rates = [0.1, 0.05, 0.02, 0.01];
  let carried: Record<string, Tensor> = start;
  const losses: number[] = [];
  const session = await InferenceSession.create(bytesFromModel(step.model), { intraOpNumThreads: 1 });
  for (const [at, rate] of rates.entries()) {
    const part = <T>(values: readonly T[], count: number): T[] => values.slice(at * count, (at + 1) * count);
    const answered = await session.run({
      ...carried,
      x: tensorOf("float32", part(x, size), shape),
      [step.target]: tensorOf("int64", part(labels, rows), [rows]),
      ...(hasSampleWeights ? { [step.sampleWeights!]: tensorOf("float32", part(weights, rows), [rows]) } : {}),
      [step.learningRate]: tensorOf("float32", [rate], []),
      ...(step.step === null ? {} : { [step.step]: tensorOf("float64", [at + 3], []) }),
    });
    losses.push(Number(answered[step.loss]!.data[0]));
    carried = Object.fromEntries(step.carried.map(({ input, output }) => [input, answered[output]!]));
  }
  await session.release();
  const answered = await answersOf(loop.model, {
    ...start,
    x: tensorOf("float32", x, [STEPS, ...shape]),
    [step.target]: tensorOf("int64", labels, [STEPS, rows]),
    ...(hasSampleWeights ? { [step.sampleWeights!]: tensorOf("float32", weights, [STEPS, rows]) } : {}),
    [loop.learningRates]: tensorOf("float32", rates, [STEPS]),
    ...(loop.firstStep === null ? {} : { [loop.firstStep]: tensorOf("float64", [3], []) }),
  });
  expect(Array.from(answered[loop.losses]!.data as Float32Array)).toEqual(losses);
  for (const { input, output } of loop.carried)
    expect(Array.from(answered[output]!.data as Float32Array), output).toEqual(
      Array.from(carried[input]!.data as Float32Array),
    );
});
