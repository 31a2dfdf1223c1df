// Gradients of each sample's own loss: against every sample in a batch of its own, and against PyTorch's vmap over grad
// (tools/goldens/per_sample.py).
import { readFileSync } from "node:fs";
import path from "node:path";
import { gradient, prepareForGradient, sampleGradient, withLoss } from "@slipway/core/autodiff";
import { byteSourceFromBytes, float, type GraphBuilder, graphBuilder, type Model } from "@slipway/core/graph";
import { modelFromBytes } from "@slipway/core/onnx";
import type { Dimension } from "@slipway/core/tensor";
import { describe, expect, it } from "vitest";
import { randomFrom } from "../support/random.ts";
import { answersOf, engineOn, type Feeds, tensorOf } from "./gradient-check.ts";
import { checkSampleGradients } from "./sample-gradient-check.ts";

const numbers = (size: number, seed: number): number[] => {
  const random = randomFrom(seed);
  return Array.from({ length: size }, () => random() * 2 - 1);
};
const sizeOf = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);

/** Builds what is behind an input `x`; `weights` stores a parameter. */
type Build = (g: GraphBuilder, x: string, weights: (name: string, ...shape: number[]) => string) => string;

interface Case {
  readonly says: string;
  /** One sample's shape; whole numbers below `words` where that is said. */
  readonly input: readonly number[];
  readonly words?: number;
  readonly output: readonly number[];
  readonly build: Build;
  readonly opset?: number;
  /** Parameters for which samples have to run one by one. */
  readonly looped?: readonly string[];
}

const SAMPLES = 3;

function modelOf({ input, words, output, build, opset }: Case): { model: Model; wrt: readonly string[]; feeds: Feeds } {
  const g = graphBuilder({ opset: opset ?? 18 });
  const x = g.input("x", words === undefined ? "float32" : "int64", ["N", ...input]);
  const wrt: string[] = [];
  const weights = (name: string, ...shape: number[]): string => {
    wrt.push(name);
    return g.values("float32", numbers(sizeOf(shape), 100 + wrt.length), shape, name);
  };
  g.output("y", build(g, x, weights), "float32", ["N", ...output]);
  const shape = [SAMPLES, ...input];
  const values = numbers(sizeOf(shape), 5).map((value) =>
    words === undefined ? value : Math.floor(((value + 1) / 2) * words),
  );
  return { model: g.model(), wrt, feeds: { x: tensorOf(words === undefined ? "float32" : "int64", values, shape) } };
}

const ints = (g: GraphBuilder, ...values: number[]): string => g.values("int64", values);
const CASES: readonly Case[] = [
  {
    says: "products of rows, one of them turned and scaled",
    input: [4],
    output: [3],
    build: (g, x, w) => {
      const first = g.op("Tanh", [
        g.op("Gemm", [x, w("a", 5, 4), w("b", 5)], { transB: 1, alpha: 0.5, beta: float(2) }),
      ]);
      return g.op("Gemm", [g.op("Mul", [first, w("scale", 1)]), w("c", 5, 3)]);
    },
  },
  {
    says: "long sequences of few numbers, and short ones of many",
    input: [9, 2],
    output: [9, 3],
    build: (g, x, w) =>
      g.op("Add", [g.op("MatMul", [g.op("Add", [x, w("places", 1, 9, 2)]), w("a", 2, 3)]), w("b", 3)]),
  },
  {
    says: "short sequences of many numbers",
    input: [2, 9],
    output: [2, 8],
    build: (g, x, w) => g.op("MatMul", [x, w("a", 9, 8)]),
  },
  {
    says: "rows of all samples in one matrix",
    input: [4, 3],
    output: [4, 2],
    build: (g, x, w) => {
      const flat = g.op("Reshape", [x, ints(g, -1, 3)]);
      const made = g.op("Relu", [g.op("Gemm", [flat, w("a", 3, 2), w("b", 2)])]);
      return g.op("Reshape", [made, ints(g, -1, 4, 2)]);
    },
  },
  {
    says: "samples along the second axis, apart and with what follows them",
    input: [4, 6],
    output: [4, 5],
    build: (g, x, w) => {
      const turned = g.op("Transpose", [x], { perm: [1, 0, 2] });
      const made = g.op("Tanh", [g.op("Add", [g.op("MatMul", [turned, w("a", 6, 6)]), w("b", 4, 1, 6)])]);
      const heads = g.op("Reshape", [made, ints(g, 4, -1, 3)]);
      const scaled = g.op("Mul", [heads, w("c", 3)]);
      const flat = g.op("Reshape", [scaled, ints(g, -1, 6)]);
      const out = g.op("Reshape", [g.op("Gemm", [flat, w("d", 6, 5)]), ints(g, 4, -1, 5)]);
      return g.op("Transpose", [out], { perm: [1, 0, 2] });
    },
  },
  {
    says: "a matrix before the samples, and a parameter on its way to them",
    input: [4, 3],
    output: [2, 3],
    build: (g, x, w) => {
      const turned = g.op("Transpose", [w("a", 4, 2)]);
      const picked = g.op("Gather", [w("table", 3, 2, 4), ints(g, 1, 1, 0)], { axis: 0 });
      const part = g.op("Reshape", [g.op("Slice", [picked, ints(g, 0), ints(g, 1), ints(g, 0)]), ints(g, 2, 4)]);
      const stretched = g.op("Expand", [w("row", 1, 4), ints(g, 2, 2, 4)]);
      const second = g.op("Reshape", [g.op("Slice", [stretched, ints(g, 1), ints(g, 2), ints(g, 0)]), ints(g, 2, 4)]);
      return g.op("MatMul", [g.op("Sub", [turned, g.op("Neg", [g.op("Add", [part, second])])]), x]);
    },
  },
  {
    says: "one parameter at two places",
    input: [5],
    words: 4,
    output: [5, 4],
    build: (g, x, w) => {
      const table = w("table", 4, 3);
      const state = g.op("Tanh", [g.op("Gather", [table, x])]);
      return g.op("MatMul", [state, g.op("Transpose", [table])]);
    },
  },
  {
    says: "numbers of a table, from its end as well",
    input: [2, 3],
    words: 5,
    output: [2, 3, 2],
    build: (g, x, w) => g.op("Gather", [w("table", 5, 2), g.op("Sub", [x, ints(g, 2)])]),
  },
  {
    says: "a few windows over many channels, and many over few",
    input: [4, 5, 5],
    output: [6],
    build: (g, x, w) => {
      const many = g.op("Conv", [x, w("a", 6, 2, 3, 3), w("b", 6)], { group: 2, pads: [1, 1, 1, 1] });
      const few = g.op("Conv", [g.op("Tanh", [many]), w("c", 6, 6, 3, 3)], { strides: [2, 2], dilations: [2, 1] });
      return g.op("Flatten", [g.op("GlobalAveragePool", [few])]);
    },
  },
  {
    says: "transposed convolutions",
    input: [3, 4],
    output: [2, 9],
    build: (g, x, w) => g.op("ConvTranspose", [x, w("a", 3, 2, 3), w("b", 2)], { strides: [2] }),
  },
  {
    says: "normalisations",
    input: [4, 3, 3],
    output: [4, 3, 3],
    opset: 21,
    build: (g, x, w) => {
      const group = g.op("GroupNormalization", [x, w("a", 4), w("b", 4)], { num_groups: 2 });
      const instance = g.op("InstanceNormalization", [g.op("Sin", [group]), w("c", 4), w("d", 4)]);
      const layer = g.op("LayerNormalization", [g.op("Tanh", [instance]), w("e", 3, 3), w("f", 3, 3)], { axis: 2 });
      const statistics = [g.values("float32", numbers(4, 8)), g.values("float32", [1, 2, 0.5, 1])];
      return g.op("BatchNormalization", [g.op("Sin", [layer]), w("g", 4), w("h", 4), ...statistics]);
    },
  },
  {
    says: "a token that begins every sample",
    input: [2, 3],
    output: [3, 3],
    build: (g, x, w) => {
      const shape = g.op("Concat", [g.op("Shape", [x], { start: 0, end: 1 }), ints(g, 1, 3)], { axis: 0 });
      return g.op("Sin", [g.op("Concat", [g.op("Expand", [w("token", 1, 1, 3), shape]), x], { axis: 1 })]);
    },
  },
  {
    says: "contractions by letters",
    input: [3, 4],
    output: [2, 3],
    build: (g, x, w) => {
      const made = g.op("Einsum", [x, w("a", 4, 2, 3)], { equation: "nij,jki->nki" });
      return g.op("Einsum", [w("b", 3, 3), g.op("Tanh", [made])], { equation: "ji,nki->nkj" });
    },
  },
  {
    says: "operators without a shorter way",
    input: [3, 4],
    output: [3, 2],
    looped: ["a", "b"],
    build: (g, x, w) => {
      const made = g.op("Tanh", [g.op("MatMul", [x, g.op("Exp", [w("a", 4, 5)])])]);
      const shaped = g.op("Softmax", [w("b", 5, 2)], { axis: 0 });
      return g.op("Add", [g.op("MatMul", [made, shaped]), w("c", 2)]);
    },
  },
];

it.each(CASES.map((one) => [one.says, one] as const))("%s", async (_says, one) => {
  const { model, wrt, feeds } = modelOf(one);
  const shape = [SAMPLES, ...one.output];
  const made = await checkSampleGradients({
    model,
    wrt,
    feeds,
    loss: { kind: "mean-squared-error" },
    target: tensorOf("float32", numbers(sizeOf(shape), 9), shape),
  });
  expect(made.norms.looped).toEqual(one.looped ?? []);
  expect(made.gradients.looped).toEqual(one.looped ?? []);
});

const GOLDENS = path.resolve(import.meta.dirname, "../goldens");
const readModel = (file: string): Model => modelFromBytes(byteSourceFromBytes(readFileSync(path.join(GOLDENS, file))));

interface Values {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

const { cases } = JSON.parse(readFileSync(path.join(GOLDENS, "per-sample/gradients.json"), "utf8")) as {
  readonly cases: readonly {
    readonly name: string;
    readonly axis: number;
    readonly inputs: Values & { readonly dtype: string };
    readonly labels: Values;
    readonly gradients: Readonly<Record<string, readonly number[]>>;
  }[];
};

it.each(cases.map((one) => [one.name, one] as const))("PyTorch's of a model of %s", async (name, one) => {
  const wrt = Object.keys(one.gradients);
  const x = tensorOf(one.inputs.dtype, one.inputs.values, one.inputs.shape);
  const labels = tensorOf("int64", one.labels.values, one.labels.shape);
  const prepared = await prepareForGradient(readModel(`per-sample/${name}.onnx`), wrt, engineOn({ x }));
  const judged = withLoss(prepared.model, {
    loss: { kind: "cross-entropy" },
    axis: one.axis,
    isPerSample: true,
    types: prepared.types,
  });
  const feeds = { x, [judged.target]: labels };
  const types = await engineOn(feeds).typesOf(judged.model);
  const answersOfForm = async (form: "gradients" | "norms") => {
    const made = sampleGradient(judged.model, { wrt, of: judged.loss, form, types });
    expect(made.looped).toEqual([]);
    return { made, answers: await answersOf(made.model, feeds) };
  };
  const [rows, norms] = [await answersOfForm("gradients"), await answersOfForm("norms")];
  for (const parameter of wrt) {
    const golden = one.gradients[parameter]!;
    const found = Array.from(rows.answers[rows.made.gradients.get(parameter)!]!.data as Float32Array);
    expect(found, parameter).toEqual(golden.map((value) => expect.closeTo(value, 5) as number));
    const size = golden.length / SAMPLES;
    for (let at = 0; at < SAMPLES; at++) {
      const norm = Math.hypot(...golden.slice(at * size, (at + 1) * size));
      expect(Number(norms.answers[norms.made.gradients.get(parameter)!]!.data[at]), parameter).toBeCloseTo(norm, 4);
    }
  }
});

it("norms clip each sample's gradient, in a second run that never holds them apart", async () => {
  const { model: read, wrt, feeds } = modelOf(CASES[0]!);
  const judged = withLoss(read, { loss: { kind: "mean-squared-error" }, isPerSample: true });
  const all = { ...feeds, [judged.target]: tensorOf("float32", numbers(9, 9), [3, 3]) };
  const { model, types } = await prepareForGradient(judged.model, wrt, engineOn(all));
  const made = (form: "gradients" | "norms") => sampleGradient(model, { wrt, of: judged.loss, form, types });
  const norms = (await answersOf(made("norms").model, all))["grad_norm"]!.data as Float32Array;
  const largest = norms.toSorted()[1]!;
  const factors = Array.from(norms, (norm) => Math.min(1, largest / norm));
  const rows = await answersOf(made("gradients").model, all);
  const clipped = await answersOf(gradient(model, { wrt, types }).model, {
    ...all,
    grad_y: tensorOf(
      "float32",
      numbers(9, 9).map(() => 0),
      [3, 3],
    ),
    [`grad_${judged.loss}`]: tensorOf("float32", factors, [3]),
  });
  for (const name of wrt) {
    const found = Array.from(clipped[`grad_${name}`]!.data as Float32Array);
    const apart = Array.from(rows[`grad_${name}`]!.data as Float32Array);
    const size = found.length;
    const wanted = found.map((_, at) =>
      factors.reduce((sum, factor, row) => sum + factor * apart[row * size + at]!, 0),
    );
    expect(found, name).toEqual(wanted.map((value) => expect.closeTo(value, 5) as number));
  }
});

describe("an input that all samples share, of a length as open as theirs", () => {
  const g = graphBuilder({ opset: 18 });
  const [x, table] = [g.input("x", "float32", ["N", 2]), g.input("table", "float32", ["K", 2])];
  const rate = g.input("rate", "float32", []);
  const made = g.op("Mul", [g.op("MatMul", [x, g.values("float32", [1, 2, 3, 4], [2, 2], "w")]), rate]);
  g.output("y", g.op("MatMul", [made, g.op("Transpose", [table], { perm: [1, 0] })]), "float32", ["N", "K"]);
  const byRows = async (samples?: readonly string[]) => {
    const judged = withLoss(g.model(), { loss: { kind: "mean-squared-error" }, isPerSample: true });
    const types = await engineOn({}).typesOf(judged.model);
    return sampleGradient(judged.model, {
      wrt: ["w"],
      of: judged.loss,
      form: "gradients",
      types,
      ...(samples === undefined ? {} : { samples }),
    });
  };

  it("is taken for samples unless they are named", async () => {
    await expect(byRows()).rejects.toMatchObject({ code: "GRADIENT_UNAVAILABLE" });
    const { model, looped } = await byRows(["x", "target", "x"]);
    expect(looped).toEqual([]);
    // y = [[1, 2, 3], [3, 4, 7]] against targets that are 1 off at one place of the first row and 3 at one of the second.
    const answers = await answersOf(model, {
      x: tensorOf("float32", [1, 0, 0, 1], [2, 2]),
      table: tensorOf("float32", [1, 0, 0, 1, 1, 1], [3, 2]),
      rate: tensorOf("float32", [1], []),
      target: tensorOf("float32", [0, 2, 3, 3, 4, 4], [2, 3]),
    });
    expect(Array.from(answers["grad_w"]!.data as Float32Array)).toEqual(
      [2 / 3, 0, 0, 0, 0, 0, 2, 2].map((value) => expect.closeTo(value, 6) as number),
    );
  });

  it.each([
    [
      "tabel",
      /no input 'tabel' to carry samples; its inputs are 'x', 'table', 'rate', 'target'\. Did you mean 'table'\?/,
    ],
    ["w", /no input 'w' to carry samples/],
    ["rate", /Input 'rate' is a single number/],
  ])("'%s' carries none", async (name, message) => {
    await expect(byRows(["x", name])).rejects.toMatchObject({
      code: "PARAMETER_INVALID",
      message: expect.stringMatching(message) as string,
    });
  });
});

describe("is refused", () => {
  const refused = async (build: Build, batch: Dimension = "N", of = "losses"): Promise<unknown> => {
    const g = graphBuilder({ opset: 18 });
    const x = g.input("x", "float32", [batch, 4]);
    const weights = (name: string, ...shape: number[]): string =>
      g.values("float32", numbers(sizeOf(shape), 1), shape, name);
    g.output("y", build(g, x, weights), "float32", [batch, 3]);
    const judged = withLoss(g.model(), { loss: { kind: "mean-squared-error" }, isPerSample: true });
    const types = await engineOn({}).typesOf(judged.model);
    return sampleGradient(judged.model, { wrt: ["w"], of, form: "norms", types });
  };
  const product: Build = (g, x, w) => g.op("MatMul", [x, w("w", 4, 3)]);
  const error = (code: string, message: RegExp) =>
    expect.objectContaining({ code, message: expect.stringMatching(message) as string });

  it("where a batch is normalised together", async () => {
    const build: Build = (g, x, w) => {
      const [scale, shift, mean, variance] = ["a", "b", "c", "d"].map((name) => w(name, 3));
      const inputs = [product(g, x, w), scale!, shift!, mean!, variance!];
      return g.opOutputs("BatchNormalization", inputs, 3, { training_mode: 1 }, { name: "normalised" })[0]!;
    };
    await expect(refused(build)).rejects.toEqual(
      error("GRADIENT_UNAVAILABLE", /BatchNormalization node 'normalised' mixes the samples.*GroupNormalization/),
    );
  });

  it("where samples are compared with their mean", async () => {
    const build: Build = (g, x, w) => {
      const made = product(g, x, w);
      return g.op("Sub", [made, g.op("ReduceMean", [made, ints(g, 0)], { keepdims: 1 }, { name: "average" })]);
    };
    await expect(refused(build)).rejects.toEqual(
      error("GRADIENT_UNAVAILABLE", /ReduceMean node 'average' mixes the samples/),
    );
  });

  it("where samples would have to run one by one and can't", async () => {
    const build: Build = (g, x, w) => g.op("MatMul", [x, g.op("Softmax", [w("w", 4, 3)], {}, { name: "shares" })]);
    await expect(refused(build, 2)).rejects.toEqual(
      error("GRADIENT_UNAVAILABLE", /Softmax node 'shares'.*takes 2 at 'x'.*open number of samples/),
    );
  });

  it("of what is no loss for each sample", async () => {
    await expect(refused(product, "N", "y")).rejects.toEqual(
      error("PARAMETER_INVALID", /'y' has the shape \[N, 3\]; gradients by sample need a loss of its own for each/),
    );
  });
});
