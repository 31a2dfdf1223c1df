// What a step of training can be told: who learns and how fast, and what is kept of it.
import {
  gradient,
  inGradientWords,
  learningRateAt,
  parametersOf,
  trainLoop,
  type TrainStepOptions,
  trainStep,
  withLoss,
} from "@slipway/core/autodiff";
import { graphBuilder, type Model, verifyModel } from "@slipway/core/graph";
import { describe, expect, it } from "vitest";
import { randomFrom } from "../support/random.ts";
import { answersOf, engineOn, tensorOf } from "./gradient-check.ts";

/** y = x·a·b, of one number each, so that what a step does can be told by hand. */
function product() {
  const g = graphBuilder({ opset: 17 });
  const x = g.input("x", "float32", [1, 1]);
  const scaled = g.op("Mul", [x, g.values("float32", [2], [1], "head.a")]);
  g.output("y", g.op("Mul", [scaled, g.values("float32", [3], [1], "body.b")]), "float32", [1, 1]);
  return inGradientWords(g.model());
}

const numbers = (size: number, seed: number): number[] => {
  const random = randomFrom(seed);
  return Array.from({ length: size }, () => random() * 2 - 1);
};

const model = product();
const engine = engineOn({});
const step = (options: Partial<TrainStepOptions>) =>
  trainStep(model, {
    parameters: parametersOf(model),
    loss: { kind: "mean-squared-error" },
    optimizer: { kind: "sgd" },
    typesOf: (one) => engine.typesOf(one),
    ...options,
  });

async function once(options: Partial<TrainStepOptions>): Promise<Record<string, number>> {
  const made = await step(options);
  const start: Readonly<Record<string, number>> = { "head.a": 2, "body.b": 3 };
  const answered = await answersOf(made.model, {
    x: tensorOf("float32", [1], [1, 1]),
    [made.target]: tensorOf("float32", [5], [1, 1]),
    [made.learningRate]: tensorOf("float32", [0.1], []),
    ...(made.step === null ? {} : { [made.step]: tensorOf("float64", [1], []) }),
    ...Object.fromEntries(
      made.carried.map(({ of, input, start: from }) => [
        input,
        tensorOf("float32", [from === "zeros" ? 0 : start[of]!], [1]),
      ]),
    ),
  });
  return Object.fromEntries(
    Object.entries(answered).map(([name, { data }]) => [name, Math.round(Number(data[0]) * 1e5) / 1e5]),
  );
}

describe("a step", () => {
  // y = 6 against 5: the loss is 1, its gradient by y 2, by a 6, by b 4.
  it("moves every parameter against its gradient", async () => {
    expect(await once({})).toEqual({ y: 6, loss: 1, "head.a_next": 1.4, "body.b_next": 2.6 });
  });

  it("gives groups their own rate and decay, and leaves frozen ones out", async () => {
    const groups = [
      { names: /^head/, learningRate: 0.5, weightDecay: 1 },
      { names: /^body/, isFrozen: true },
    ];
    expect(await once({ groups })).toEqual({ y: 6, loss: 1, "head.a_next": 1.6 });
  });

  it("tells groups by patterns that are global too", async () => {
    const groups = [{ names: /^(?:head|body)/g, isFrozen: true }];
    await expect(step({ groups })).rejects.toThrow("All parameters are frozen");
  });

  it("keeps moving averages", async () => {
    expect(await once({ averageDecay: 0.9 })).toMatchObject({ "head.a_next": 1.4, "head.a_average_next": 1.94 });
  });

  it("scales gradients together", async () => {
    // Their norm is √52; to 1 each is divided by it.
    expect(await once({ maxNorm: 1 })).toMatchObject({ "head.a_next": 1.9168, "body.b_next": 2.94453 });
  });

  it.each<[string, Partial<TrainStepOptions>, RegExp]>([
    [
      "a group that no parameter is in",
      { groups: [{ names: /bias$/, weightDecay: 0 }] },
      /group \/bias\$\/ matches no parameter, of which there are 'head\.a', 'body\.b';/,
    ],
    [
      "a group of what does not learn",
      { parameters: ["head.a"], groups: [{ names: /^body/, isFrozen: true }] },
      /group \/\^body\/ matches no parameter, of which there are 'head\.a';/,
    ],
    ["all frozen", { groups: [{ names: /./, isFrozen: true }] }, /All parameters are frozen/],
    [
      "a momentum of 1",
      { optimizer: { kind: "sgd", momentum: 1 } },
      /momentum is 1; it must be at least 0 and less than 1/,
    ],
    ["Nesterov without momentum", { optimizer: { kind: "sgd", nesterov: true } }, /needs a momentum/],
    ["a negative decay", { optimizer: { kind: "adam", weightDecay: -1 } }, /weight decay is -1/],
    [
      "an optimiser there is not",
      { optimizer: { kind: "lion" } as unknown as TrainStepOptions["optimizer"] },
      /no optimiser 'lion'; there are sgd, adam, adamw, rmsprop/,
    ],
    ["a norm of 0", { maxNorm: 0 }, /maxNorm is 0/],
    [
      "a group that learns backwards",
      { groups: [{ names: /^head/, learningRate: -1 }] },
      /learning rate of the group \/\^head\/ is -1/,
    ],
    [
      "a group whose weights grow",
      { groups: [{ names: /^head/, weightDecay: -0.1 }] },
      /weight decay of the group \/\^head\/ is -0\.1/,
    ],
  ])("is refused with %s", async (_says, options, message) => {
    await expect(step(options)).rejects.toEqual(
      expect.objectContaining({ code: "PARAMETER_INVALID", message: expect.stringMatching(message) as string }),
    );
  });
});

it("runs convolutions over few windows as products, which changes nothing", async () => {
  const g = graphBuilder({ opset: 17 });
  const x = g.input("x", "float32", ["N", 2, 5, 4]);
  const kernel = g.values("float32", numbers(36, 1), [3, 2, 3, 2], "kernel");
  const made = g.op("Conv", [x, kernel, g.values("float32", numbers(3, 2), [3], "bias")], {
    kernel_shape: [3, 2],
    strides: [2, 2],
    auto_pad: "SAME_UPPER",
  });
  g.output("y", g.op("GlobalAveragePool", [made]), "float32", ["N", 3, 1, 1]);
  const convolving = inGradientWords(g.model());
  const parameters = parametersOf(convolving);
  const loss = { kind: "mean-squared-error" } as const;
  const typesOf = (one: Model) => engine.typesOf(one);
  const stepped = await trainStep(convolving, { parameters, loss, optimizer: { kind: "sgd" }, typesOf });
  verifyModel(stepped.model);
  expect(stepped.model.graph.nodes.filter(({ opType }) => opType === "Conv")).toEqual([]);
  const judged = withLoss(convolving, { loss, types: await typesOf(convolving) });
  const plain = gradient(judged.model, { wrt: parameters, of: judged.loss, types: await typesOf(judged.model) });
  const feeds = {
    x: tensorOf("float32", numbers(80, 3), [2, 2, 5, 4]),
    target: tensorOf("float32", numbers(6, 4), [2, 3, 1, 1]),
  };
  const weights = { kernel: numbers(36, 1), bias: numbers(3, 2) };
  const after = await answersOf(stepped.model, {
    ...feeds,
    kernel: tensorOf("float32", weights.kernel, [3, 2, 3, 2]),
    bias: tensorOf("float32", weights.bias, [3]),
    learning_rate: tensorOf("float32", [0.5], []),
  });
  const gradients = await answersOf(plain.model, feeds);
  expect(after["loss"]!.data[0]).toBeCloseTo(Number(gradients["loss"]!.data[0]), 5);
  for (const [name, before] of Object.entries(weights)) {
    const slope = gradients[`grad_${name}`]!.data as Float32Array;
    const expected = before.map((value, at) => expect.closeTo(value - 0.5 * slope[at]!, 5) as number);
    expect(Array.from(after[`${name}_next`]!.data as Float32Array), name).toEqual(expected);
  }
});

it("renews running statistics by their momentum, and leaves those it was given alone", async () => {
  const g = graphBuilder({ opset: 17 });
  const x = g.input("x", "float32", [4, 1]);
  const stored = { scale: 1, shift: 0, mean: 0.5, variance: 2 };
  const inputs = Object.entries(stored).map(([name, value]) => g.values("float32", [value], [1], name));
  g.output("y", g.op("BatchNormalization", [x, ...inputs], { momentum: 0.75 }), "float32", [4, 1]);
  const normalizing = inGradientWords(g.model());
  const made = await trainStep(normalizing, {
    parameters: parametersOf(normalizing),
    loss: { kind: "mean-squared-error" },
    optimizer: { kind: "sgd" },
    typesOf: (one) => engine.typesOf(one),
  });
  const given = Object.fromEntries(
    Object.entries(stored).map(([name, value]) => [name, tensorOf("float32", [value], [1])]),
  );
  const answered = await answersOf(made.model, {
    ...given,
    // Of these the mean is 4 and the variance 5.
    x: tensorOf("float32", [1, 3, 5, 7], [4, 1]),
    [made.target]: tensorOf("float32", [0, 0, 0, 0], [4, 1]),
    [made.learningRate]: tensorOf("float32", [0.1], []),
  });
  expect(answered["mean_next"]!.data[0]).toBeCloseTo(0.75 * 0.5 + 0.25 * 4, 5);
  expect(answered["variance_next"]!.data[0]).toBeCloseTo(0.75 * 2 + 0.25 * 5, 5);
  expect([given["mean"]!.data[0], given["variance"]!.data[0]]).toEqual([0.5, 2]);
});

it.each<TrainStepOptions["optimizer"]>([
  { kind: "sgd", momentum: 0.9, weightDecay: 0.1 },
  { kind: "adamw", weightDecay: 0.1 },
  { kind: "rmsprop" },
])("steps in double precision as in single: $kind", async (optimizer) => {
  const stepped = async (dtype: "float32" | "float64"): Promise<number[]> => {
    const g = graphBuilder({ opset: 17 });
    const x = g.input("x", dtype, [2, 1]);
    g.output("y", g.op("Mul", [x, g.values(dtype, [3], [1], "w")]), dtype, [2, 1]);
    const made = await trainStep(inGradientWords(g.model()), {
      parameters: ["w"],
      loss: { kind: "mean-squared-error" },
      optimizer,
      groups: [{ names: /w/, learningRate: 0.5 }],
      maxNorm: 1,
      averageDecay: 0.9,
      typesOf: (one) => engine.typesOf(one),
    });
    const answers = await answersOf(made.model, {
      x: tensorOf(dtype, [1, 2], [2, 1]),
      [made.target]: tensorOf(dtype, [0, 0], [2, 1]),
      [made.learningRate]: tensorOf("float32", [0.1], []),
      ...(made.step === null ? {} : { [made.step]: tensorOf("float64", [1], []) }),
      ...Object.fromEntries(
        made.carried.map(({ input, start }) => [input, tensorOf(dtype, [start === "stored" ? 3 : 0], [1])]),
      ),
    });
    return made.carried.map(({ output }) => Number(answers[output]!.data[0]));
  };
  const double = await stepped("float64");
  expect(await stepped("float32")).toEqual(double.map((value) => expect.closeTo(value, 5) as number));
});

it("renews statistics that two nodes share by each in turn", async () => {
  const g = graphBuilder({ opset: 17 });
  const stored = { scale: 1, shift: 0, mean: 0, variance: 1 };
  const inputs = Object.entries(stored).map(([name, value]) => g.values("float32", [value], [1], name));
  const [a, b] = ["a", "b"].map((name) => g.input(name, "float32", [2, 1]));
  const normalized = [a!, b!].map((x) => g.op("BatchNormalization", [x, ...inputs], { momentum: 0.5 }));
  g.output("y", g.op("Add", normalized), "float32", [2, 1]);
  const siamese = inGradientWords(g.model());
  const options = {
    parameters: parametersOf(siamese),
    loss: { kind: "mean-squared-error" },
    optimizer: { kind: "sgd" },
    typesOf: (one: Model) => engine.typesOf(one),
  } as const;
  const made = await trainStep(siamese, options);
  const carried = made.carried.map(({ input }) => input);
  expect(carried).toEqual(["mean", "variance", "scale", "shift"]);
  const one = (value: number) => tensorOf("float32", [value], [1]);
  const answers = await answersOf(made.model, {
    a: tensorOf("float32", [3, 5], [2, 1]),
    b: tensorOf("float32", [7, 9], [2, 1]),
    target: tensorOf("float32", [0, 0], [2, 1]),
    learning_rate: tensorOf("float32", [0.1], []),
    ...Object.fromEntries(Object.entries(stored).map(([name, value]) => [name, one(value)])),
  });
  // (0 · ½ + 4 · ½) · ½ + 8 · ½
  expect(answers[made.carried[0]!.output]!.data[0]).toBeCloseTo(5);
  verifyModel(trainLoop(made).model);
});

it("says where running statistics are not stored", async () => {
  const g = graphBuilder({ opset: 17 });
  const x = g.input("x", "float32", [2, 1]);
  const inputs = ["scale", "shift"].map((name) => g.values("float32", [1], [1], name));
  const statistics = ["mean", "variance"].map((name) => g.input(name, "float32", [1]));
  g.output("y", g.op("BatchNormalization", [x, ...inputs, ...statistics], {}, { name: "norm" }), "float32", [2, 1]);
  const options = { loss: { kind: "mean-squared-error" }, optimizer: { kind: "sgd" } } as const;
  const typesOf = (one: Model) => engine.typesOf(one);
  await expect(trainStep(g.model(), { ...options, parameters: ["scale"], typesOf })).rejects.toThrow(
    "BatchNormalization node 'norm' has the running statistic 'mean', which the model does not store",
  );
});

it("takes names with numbers where the model has those of a step already", async () => {
  const g = graphBuilder({ opset: 17 });
  const x = g.input("learning_rates", "float32", [1, 1]);
  const rate = g.input("learning_rate", "float32", [1]);
  const scaled = g.op("Mul", [g.op("Mul", [x, g.values("float32", [2], [1], "step")]), rate]);
  g.output("losses", scaled, "float32", [1, 1]);
  g.output("step_next", g.op("Neg", [scaled]), "float32", [1, 1]);
  const options = { loss: { kind: "mean-squared-error" }, optimizer: { kind: "adam" } } as const;
  const typesOf = (one: Model) => engine.typesOf(one);
  const made = await trainStep(g.model(), { ...options, parameters: ["step"], typesOf });
  expect(made).toMatchObject({ learningRate: "learning_rate_1", step: "step_1", target: "target" });
  expect(made.carried.map(({ output }) => output)).toContain("step_next_1");
  const loop = trainLoop(made);
  verifyModel(loop.model);
  expect(loop).toMatchObject({
    batches: ["learning_rates", "learning_rate", "target"],
    learningRates: "learning_rates_1",
  });
});

describe("learning rates", () => {
  const run = { learningRate: 0.1, steps: 11 };
  const rates = (options: Parameters<typeof learningRateAt>[1]): number[] =>
    Array.from({ length: options.steps }, (_, at) => Number(learningRateAt(at + 1, options).toFixed(5)));

  it("stay, fall in steps or along a cosine", () => {
    expect(rates({ ...run, steps: 3, schedule: { kind: "constant" } })).toEqual([0.1, 0.1, 0.1]);
    expect(rates({ ...run, steps: 5, schedule: { kind: "step", every: 2, factor: 0.5 } })).toEqual([
      0.1, 0.1, 0.05, 0.05, 0.025,
    ]);
    expect(rates({ ...run, steps: 5, schedule: { kind: "cosine", floor: 0.2 } })).toEqual([
      0.1, 0.08828, 0.06, 0.03172, 0.02,
    ]);
  });

  it("rise first where they warm up", () => {
    expect(rates({ ...run, steps: 6, warmUp: 3, schedule: { kind: "cosine" } })).toEqual([
      0.03333, 0.06667, 0.1, 0.1, 0.05, 0,
    ]);
  });

  it("go up and down once", () => {
    const cycle = rates({ ...run, schedule: { kind: "one-cycle" } });
    expect([cycle[0], Math.max(...cycle), cycle.indexOf(Math.max(...cycle)), cycle.at(-1)]).toEqual([0.004, 0.1, 3, 0]);
  });

  it.each<[string, number, Partial<Parameters<typeof learningRateAt>[1]>, string]>([
    ["a rate", 1, { learningRate: 0 }, "both must be positive"],
    ["steps", 1, { steps: 0 }, "both must be positive"],
    ["steps numbered from 1", 0, {}, "The step is 0; steps are numbered from 1"],
    ["a warm-up of some length", 1, { warmUp: Number.NaN }, "The warm-up is NaN steps"],
    ["steps between changes", 1, { schedule: { kind: "step", every: 0, factor: 0.5 } }, "after every 0 steps"],
    ["a factor", 1, { schedule: { kind: "step", every: 1, factor: -1 } }, "factor is -1"],
    ["a floor that is a share", 1, { schedule: { kind: "cosine", floor: 2 } }, "floor is 2; it is a share"],
  ])("need %s", (_says, step, options, message) => {
    expect(() => learningRateAt(step, { ...run, schedule: { kind: "constant" }, ...options })).toThrow(
      expect.objectContaining({ code: "PARAMETER_INVALID", message: expect.stringContaining(message) as string }),
    );
  });
});
