// What a training framework asks of steps: samples that count for more or less, batches in parts, and evaluation outside training.
import {
  accumulatingStep,
  type CarriedValue,
  evaluationStep,
  gradient,
  inGradientWords,
  type Loss,
  parametersOf,
  prepareForGradient,
  trainStep,
  type TrainStepOptions,
  withLoss,
} from "@slipway/core/autodiff";
import { graphBuilder, type Initializer, type Model, tensorFromInitializer, verifyModel } from "@slipway/core/graph";
import type { Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { randomFrom } from "../support/random.ts";
import { answersOf, engineOn, type Feeds, tensorOf } from "./gradient-check.ts";

const numbers = (size: number, seed: number): number[] => {
  const random = randomFrom(seed);
  return Array.from({ length: size }, () => random() * 2 - 1);
};
const close = (values: ArrayLike<number>) => Array.from(values, (value) => expect.closeTo(value, 5) as number);

describe("a sample that weighs 2 is a sample that is there twice", () => {
  const classes = 3;
  const softmax = (size: number): number[] => {
    const raw = numbers(size, 5).map(Math.exp);
    return raw.map((value, at) => {
      const row = raw.slice(Math.floor(at / classes) * classes, (Math.floor(at / classes) + 1) * classes);
      return value / row.reduce((sum, one) => sum + one, 0);
    });
  };
  const losses: readonly Loss[] = [
    { kind: "cross-entropy" },
    { kind: "cross-entropy", labelSmoothing: 0.2, classWeights: [1, 2, 0.5], ignoreIndex: 1 },
    { kind: "soft-cross-entropy" },
    { kind: "binary-cross-entropy" },
    { kind: "mean-squared-error" },
    { kind: "mean-absolute-error" },
    { kind: "huber" },
    { kind: "distillation" },
    { kind: "cosine" },
  ];
  const shapes = [[3], [3, 2]];
  const cases = losses.flatMap((loss) => shapes.map((shape) => [JSON.stringify(loss), shape, loss] as const));

  it.each(cases)("%s of [N, %s]", async (_says, shape, loss) => {
    const size = shape.reduce((product, length) => product * length, 1);
    const isLabels = loss.kind === "cross-entropy";
    const x = numbers(2 * size, 3);
    const target = isLabels ? [0, 2, 1, 0].slice(0, (2 * size) / classes) : softmax(2 * size);
    const perSample = target.length / 2;
    const twice = <T>(values: readonly T[], one: number): T[] => [...values.slice(0, one), ...values];
    const run = async (
      rows: number,
      weights: readonly number[] | null,
    ): Promise<{ loss: number; gradient: number[] }> => {
      const g = graphBuilder({ opset: 17 });
      const axes = ["N", ...shape];
      g.output("y", g.op("Identity", [g.input("x", "float32", axes)]), "float32", axes);
      const judged = withLoss(g.model(), { loss, hasSampleWeights: weights !== null, givesWeight: true });
      const values = rows === 3 ? twice(x, size) : x;
      const targets = rows === 3 ? twice(target, perSample) : target;
      const feeds: Feeds = {
        x: tensorOf("float32", values, [rows, ...shape]),
        [judged.target]: isLabels
          ? tensorOf("int64", targets, [rows, ...shape.slice(1)])
          : tensorOf("float32", targets, [rows, ...shape]),
        ...(weights === null ? {} : { [judged.sampleWeights!]: tensorOf("float32", weights, [rows]) }),
      };
      const prepared = await prepareForGradient(judged.model, ["x"], engineOn(feeds));
      const made = gradient(prepared.model, { wrt: ["x"], of: judged.loss, types: prepared.types });
      verifyModel(made.model);
      const answers = await answersOf(made.model, feeds);
      return {
        loss: Number(answers[judged.loss]!.data[0]),
        gradient: Array.from(answers["grad_x"]!.data as Float32Array),
      };
    };
    const weighted = await run(2, [2, 1]);
    const repeated = await run(3, null);
    expect(weighted.loss).toBeCloseTo(repeated.loss, 5);
    const joined = repeated.gradient.slice(size).map((value, at) => value + (at < size ? repeated.gradient[at]! : 0));
    expect(weighted.gradient).toEqual(close(joined));
    expect(await run(2, [0, 0])).toEqual({ loss: 0, gradient: close(x.map(() => 0)) });
  });
});

const CLASSES = 4;
const SHAPE = [3, 4, 4];

/** A small CNN with what is different in training. */
function network(dropout: number): Model {
  const g = graphBuilder({ opset: 17 });
  const x = g.input("x", "float32", ["N", ...SHAPE]);
  const values = (shape: number[], name: string, seed: number): string =>
    g.values(
      "float32",
      numbers(
        shape.reduce((product, length) => product * length, 1),
        seed,
      ),
      shape,
      name,
    );
  const convolved = g.op("Conv", [x, values([5, 3, 3, 3], "kernel", 1)], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
  const statistics = [values([5], "mean", 4), g.values("float32", [1, 2, 1, 0.5, 1], [5], "variance")];
  const normalized = g.op("BatchNormalization", [
    convolved,
    values([5], "scale", 2),
    values([5], "shift", 3),
    ...statistics,
  ]);
  const pooled = g.op("Flatten", [g.op("GlobalAveragePool", [g.op("Relu", [normalized])])]);
  const dropped = g.op("Dropout", [pooled, g.values("float32", [dropout], [])], { seed: 1 });
  const logits = g.op("Gemm", [dropped, values([5, CLASSES], "head", 5), values([CLASSES], "bias", 6)]);
  g.output("logits", logits, "float32", ["N", CLASSES]);
  return g.model();
}

function linear(): Model {
  const g = graphBuilder({ opset: 17 });
  const flat = g.op("Flatten", [g.input("x", "float32", ["N", ...SHAPE])]);
  const product = g.op("MatMul", [flat, g.values("float32", numbers(48 * CLASSES, 1), [48, CLASSES], "weights")]);
  g.output("logits", g.op("Add", [product, g.values("float32", numbers(CLASSES, 2), [CLASSES], "bias")]), "float32", [
    "N",
    CLASSES,
  ]);
  return g.model();
}

async function preparedOf(read: Model, more: Partial<TrainStepOptions> = {}) {
  const worded = inGradientWords(read);
  const parameters = parametersOf(worded);
  const engine = engineOn({ x: tensorOf("float32", numbers(96, 7), [2, ...SHAPE]) });
  const { model } = await prepareForGradient(worded, parameters, engine);
  const options: TrainStepOptions = {
    parameters,
    loss: { kind: "cross-entropy" },
    optimizer: { kind: "sgd" },
    typesOf: (one) => engine.typesOf(one),
    ...more,
  };
  return { model, options };
}

function startOf(carried: readonly CarriedValue[], stored: readonly Initializer[]): Record<string, Tensor> {
  const tensors = new Map(stored.map((one) => [one.name, tensorFromInitializer(one)]));
  return Object.fromEntries(
    carried.map(({ of, input, dtype, shape, start }) => {
      const zeros = Array.from({ length: shape.reduce((product, length) => product * length, 1) }, () => 0);
      const values = start === "zeros" ? zeros : Array.from(tensors.get(of)!.data as Float32Array);
      return [input, tensorOf(dtype, values, shape)];
    }),
  );
}

it.each(["portable", "fast"] as const)("a batch in parts has the gradient that it has whole (%s)", async (emission) => {
  const rows = 6;
  const labels = [0, 3, 1, 2, 0, 1];
  const weights = [1, 2, 0.5, 1, 0, 3];
  const { model, options } = await preparedOf(linear(), {
    loss: { kind: "cross-entropy", classWeights: [1, 2, 3, 0.5], ignoreIndex: 2, labelSmoothing: 0.1 },
    optimizer: { kind: "adamw" },
    maxNorm: 0.1,
    averageDecay: 0.5,
    hasSampleWeights: true,
    emission,
  });
  const x = numbers(rows * 48, 11);
  const part = (
    from: number,
    to: number,
    step: { target: string; sampleWeights: string | null },
  ): Record<string, Tensor> => ({
    x: tensorOf("float32", x.slice(from * 48, to * 48), [to - from, ...SHAPE]),
    [step.target]: tensorOf("int64", labels.slice(from, to), [to - from]),
    [step.sampleWeights!]: tensorOf("float32", weights.slice(from, to), [to - from]),
  });
  const whole = await trainStep(model, options);
  const steps = { learning_rate: tensorOf("float32", [0.01], []), step: tensorOf("float64", [1], []) };
  const expected = await answersOf(whole.model, {
    ...startOf(whole.carried, whole.stored),
    ...part(0, rows, whole),
    ...steps,
  });
  const { accumulate, apply, stored } = await accumulatingStep(model, options);
  verifyModel(accumulate.model);
  verifyModel(apply.model);
  const parameters = startOf(apply.carried, stored);
  let carried = startOf(accumulate.carried, stored);
  let answered: Readonly<Record<string, Tensor>> = {};
  const losses: number[] = [];
  for (const [from, to] of [
    [0, 4],
    [4, 5],
    [5, 6],
  ] as const) {
    const weightsOf = Object.fromEntries(stored.map(({ name }) => [name, parameters[name]!]));
    answered = await answersOf(accumulate.model, { ...weightsOf, ...carried, ...part(from, to, accumulate) });
    carried = Object.fromEntries(accumulate.carried.map(({ input, output }) => [input, answered[output]!]));
    losses.push(Number(answered[accumulate.loss]!.data[0]) * Number(answered[accumulate.weight]!.data[0]));
  }
  const total = Number(answered["loss_weight_sum_next"]!.data[0]);
  expect(losses.reduce((sum, one) => sum + one, 0) / total).toBeCloseTo(Number(expected[whole.loss]!.data[0]), 5);
  const sums = Object.fromEntries(Array.from(apply.sums, ([output, input]) => [input, answered[output]!]));
  const found = await answersOf(apply.model, { ...parameters, ...sums, ...steps });
  expect(apply.carried.map(({ output }) => output)).toEqual(whole.carried.map(({ output }) => output));
  for (const { output } of apply.carried)
    expect(Array.from(found[output]!.data as Float32Array), output).toEqual(
      close(expected[output]!.data as Float32Array),
    );
});

it("evaluation answers what the model answers, by the weights it is sent", async () => {
  const read = network(0.5);
  const { model, options } = await preparedOf(read, { groups: [{ names: /^kernel$/, isFrozen: true }] });
  const step = await trainStep(model, options);
  const evaluation = await evaluationStep(model, options);
  verifyModel(evaluation.model);
  expect([...evaluation.parameters].toSorted()).toEqual(["bias", "head", "mean", "scale", "shift", "variance"]);
  const x = tensorOf("float32", numbers(96, 21), [2, ...SHAPE]);
  const labels = tensorOf("int64", [1, 3], [2]);
  const carried = startOf(step.carried, step.stored);
  const feeds = { x, [evaluation.target]: labels };
  const answers = await answersOf(evaluation.model, { ...carried, ...feeds });
  const { logits } = await answersOf(read, { x });
  expect(Array.from(answers["logits"]!.data as Float32Array)).toEqual(close(logits!.data as Float32Array));
  expect(Number(answers[evaluation.weight]!.data[0])).toBe(2);
  const trained = await answersOf(step.model, { ...carried, ...feeds, learning_rate: tensorOf("float32", [0.1], []) });
  const next = Object.fromEntries(step.carried.map(({ input, output }) => [input, trained[output]!]));
  const after = await answersOf(evaluation.model, { ...next, ...feeds });
  expect(Number(after[evaluation.loss]!.data[0])).toBeLessThan(Number(answers[evaluation.loss]!.data[0]));
  expect(Number(trained[step.loss]!.data[0])).not.toBeCloseTo(Number(answers[evaluation.loss]!.data[0]), 3);
});

it("a loss of the user's own trains as the one it is equal to", async () => {
  const g = graphBuilder({ opset: 19 });
  const [prediction, target] = ["prediction", "target"].map((name) => g.input(name, "float32", ["N", CLASSES]));
  const weights = g.input("sample_weights", "float32", ["N"]);
  const off = g.op("Sub", [prediction!, target!]);
  const own = g.op("ReduceMean", [g.op("Mul", [off, off]), g.values("int64", [1])], { keepdims: 0 });
  const sum = (x: string): string => g.op("ReduceSum", [x], { keepdims: 0 });
  g.output("l", g.op("Div", [sum(g.op("Mul", [own, weights])), sum(weights)]), "float32", []);
  const [own_, named] = await Promise.all(
    [{ kind: "model", model: g.model() } as const, { kind: "mean-squared-error" } as const].map(async (loss) => {
      const { model, options } = await preparedOf(linear(), { loss, hasSampleWeights: true });
      const step = await trainStep(model, options);
      verifyModel(step.model);
      return await answersOf(step.model, {
        ...startOf(step.carried, step.stored),
        x: tensorOf("float32", numbers(96, 31), [2, ...SHAPE]),
        [step.target]: tensorOf("float32", numbers(2 * CLASSES, 32), [2, CLASSES]),
        [step.sampleWeights!]: tensorOf("float32", [1, 3], [2]),
        learning_rate: tensorOf("float32", [0.1], []),
      });
    }),
  );
  for (const name of ["loss", "weights_next", "bias_next"])
    expect(Array.from(own_![name]!.data as Float32Array), name).toEqual(close(named![name]!.data as Float32Array));
});

it("weights of classes have to be those of the classes", async () => {
  const refused = (loss: Loss) => () => withLoss(linear(), { loss });
  expect(refused({ kind: "cross-entropy", classWeights: [1, 2] })).toThrow("2 weights of classes, and 'logits' has 4");
  expect(refused({ kind: "cross-entropy", classWeights: [1, 2, -1, 0] })).toThrow("weight of class 2 is -1");
});
