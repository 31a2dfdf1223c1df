// Built networks learn: steps of training over them lower the loss, whatever they are made of.
import {
  inGradientWords,
  type Optimizer,
  parametersOf,
  prepareForGradient,
  trainStep,
  type TrainStepOptions,
} from "@slipway/core/autodiff";
import { cnn, mlp, resNet18, transformerDecoder, transformerEncoder } from "@slipway/core/build";
import { type Model, tensorFromInitializer, verifyModel } from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import { InferenceSession, type Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { engineOn, type Feeds, tensorOf } from "../autodiff/gradient-check.ts";

const STEPS = 12;

interface Run {
  readonly losses: readonly number[];
  /** Names of what learned. */
  readonly learned: readonly string[];
  /** Outputs of the last step by name. */
  readonly answered: Readonly<Record<string, Tensor>>;
}

/** Trains on one batch. */
async function trained(
  built: Model,
  feeds: Feeds,
  target: Tensor,
  options: Partial<TrainStepOptions> & { readonly rate?: number } = {},
): Promise<Run> {
  verifyModel(built);
  const engine = engineOn(feeds);
  const parameters = parametersOf(inGradientWords(built));
  const { model } = await prepareForGradient(built, parameters, engine);
  const optimizer: Optimizer = { kind: "adam" };
  const step = await trainStep(model, {
    parameters,
    loss: { kind: "cross-entropy" },
    optimizer,
    typesOf: (one) => engine.typesOf(one),
    ...options,
  });
  verifyModel(step.model);
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
      const zeros = (): number[] => Array.from({ length: size }, () => 0);
      return [input, tensorOf(dtype, start === "stored" ? stored.get(of)! : zeros(), shape)];
    }),
  );
  const losses: number[] = [];
  let answered: Readonly<Record<string, Tensor>> = {};
  for (let number = 1; number <= STEPS; number++) {
    answered = await session.run({
      ...carried,
      ...feeds,
      [step.target]: target,
      [step.learningRate]: tensorOf("float32", [options.rate ?? 0.01], []),
      ...(step.step === null ? {} : { [step.step]: tensorOf("float64", [number], []) }),
    });
    losses.push(Number(answered[step.loss]!.data[0]));
    carried = Object.fromEntries(step.carried.map(({ input, output }) => [input, answered[output]!]));
  }
  await session.release();
  return { losses, learned: step.carried.filter(({ start }) => start === "stored").map(({ of }) => of), answered };
}

/** Numbers around 0 that a formula makes. */
function numbers(shape: readonly number[]): Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  const values = Array.from({ length: size }, (_, at) => Math.sin(1 + at * 0.37) + Math.sin(at * at * 0.011));
  return tensorOf("float32", values, shape);
}

function wholes(shape: readonly number[], below: number): Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  const values = Array.from({ length: size }, (_, at) => (at * at * 5 + at * 3 + 1) % below);
  return tensorOf("int64", values, shape);
}

const tokens = { vocabulary: 11, maximumLength: 8, width: 16, heads: 2, seed: 3 } as const;

describe("steps of training lower the loss", () => {
  it("of a perceptron with dropout and normalisation", async () => {
    const model = mlp({ inputs: 6, hidden: [16, 16], outputs: 3, normalization: "batch", dropout: 0.1, seed: 1 });
    const { losses, learned } = await trained(model, { input: numbers([12, 6]) }, wholes([12], 3));
    expect(losses.at(-1)!).toBeLessThan(0.6 * losses[0]!);
    // Statistics are renewed, and are no parameters that an optimiser moves.
    expect(learned).toContain("hidden1.batchNorm.mean");
    expect(learned).toContain("head.weight");
  });

  it.each(["residual", "separable"] as const)("of a convolutional network of %s blocks", async (block) => {
    const model = cnn({ channels: 1, height: 8, width: 8, classes: 3, stages: [4, 6], block, seed: 1 });
    const { losses } = await trained(model, { input: numbers([8, 1, 8, 8]) }, wholes([8], 3));
    expect(losses.at(-1)!).toBeLessThan(0.7 * losses[0]!);
  });

  it("of a ResNet, of which only the head learns", async () => {
    const model = resNet18({
      channels: 1,
      height: 16,
      width: 16,
      classes: 3,
      stem: 4,
      isForSmallImages: true,
      seed: 1,
    });
    const groups = [{ names: /^(?!head\.)/, isFrozen: true }];
    const { losses, learned } = await trained(model, { input: numbers([8, 1, 16, 16]) }, wholes([8], 3), {
      groups,
      rate: 0.1,
    });
    expect(losses.at(-1)!).toBeLessThan(losses[0]!);
    expect(learned.filter((name) => !/\.(?:mean|variance)$/.test(name))).toEqual(["head.weight", "head.bias"]);
  });

  it.each(["learned", "sinusoidal"] as const)("of an encoder with %s positions and a mask", async (positions) => {
    const model = transformerEncoder({ ...tokens, depth: 1, positions, classes: 3, dropout: 0.1, padding: "mask" });
    const mask = tensorOf("bool", [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 1, 1, 1, 0], [4, 6]);
    const feeds = { input: wholes([4, 6], 11), mask };
    const { losses } = await trained(model, feeds, wholes([4], 3));
    expect(losses.at(-1)!).toBeLessThan(0.8 * losses[0]!);
  });

  it.each([true, false])("of a decoder, tied: %s", async (tied) => {
    const model = transformerDecoder({ ...tokens, depth: 1, tied });
    const input = wholes([4, 7], 11);
    const next = tensorOf(
      "int64",
      Array.from(input.data as BigInt64Array, (token) => (Number(token) + 1) % 11),
      [4, 7],
    );
    const { losses, answered } = await trained(model, { input }, next, { axis: 2 });
    expect(losses.at(-1)!).toBeLessThan(0.9 * losses[0]!);
    expect(answered["logits"]!.dims).toEqual([4, 7, 11]);
  });

  it("the same each time from the same seed, dropout and all", async () => {
    const run = () => {
      const model = mlp({ inputs: 6, hidden: [8], outputs: 3, dropout: 0.5, seed: 1 });
      return trained(model, { input: numbers([12, 6]) }, wholes([12], 3));
    };
    expect((await run()).losses).toEqual((await run()).losses);
  });
});
