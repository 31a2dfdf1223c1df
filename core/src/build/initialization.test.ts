// First weights: their distributions as PyTorch defines them (tools/goldens/networks.py), what is drawn against closed forms, and
// that a seed says all of it.
import { readFileSync } from "node:fs";
import path from "node:path";
import { createRandom, kolmogorovSurvival, normalDistribution, uniformDistribution } from "#stats";
import { tensorFromInitializer } from "#graph";
import { describe, expect, it, test } from "vitest";
import {
  build,
  conv,
  convTranspose,
  depthwiseConv,
  embedding,
  gainOf,
  type Initialization,
  type Input,
  type Layers,
  linear,
  selfAttention,
} from "./index.ts";
import { convolutionFans, drawInitial, type Law, lawOf, linearFans } from "./initialization.ts";

type Uniform = Extract<Law, { kind: "uniform" }>;

const GOLDENS = path.resolve(import.meta.dirname, "../../../test/goldens/networks.json");
const { laws } = JSON.parse(readFileSync(GOLDENS, "utf8")) as {
  readonly laws: {
    readonly gains: Readonly<Record<string, number>>;
    readonly initializations: readonly {
      readonly shape: readonly number[];
      readonly initialization: Initialization;
      readonly law: Law;
    }[];
    readonly layers: readonly { readonly layer: string; readonly laws: readonly Law[] }[];
  };
};

/** Fans by the shape that PyTorch has. */
function fansOf(shape: readonly number[]) {
  return shape.length === 2 ? linearFans(shape[1]!, shape[0]!) : convolutionFans(shape);
}

test.each(laws.initializations.map((one) => [JSON.stringify(one.initialization), one.shape.join("×"), one] as const))(
  "%s of %s is PyTorch's",
  (_initialization, _shape, { initialization, shape, law }) => {
    const found = lawOf(initialization, fansOf(shape));
    expect(found.kind).toBe(law.kind);
    for (const [key, value] of Object.entries(law)) {
      if (typeof value === "number") expect((found as unknown as Record<string, number>)[key]).toBeCloseTo(value, 14);
    }
  },
);

test("gains are PyTorch's", () => {
  const names = ["linear", "sigmoid", "tanh", "relu", "leaky-relu", "selu"] as const;
  expect(Object.keys(laws.gains)).toEqual([...names]);
  for (const name of names) expect(gainOf(name)).toBeCloseTo(laws.gains[name]!, 15);
  expect(gainOf("leaky-relu", 0.2)).toBeCloseTo(Math.sqrt(2 / 1.04), 15);
});

/** The parameters of a layer by their roles. */
function drawnBy(layers: Layers, input: Input): Map<string, Float32Array> {
  const { initializers } = build(layers, { input, seed: 5 }).graph;
  return new Map(
    initializers
      .filter(({ data }) => data.kind === "deferred")
      .map((one) => [one.name, tensorFromInitializer(one).data as Float32Array]),
  );
}

describe("layers begin as PyTorch's", () => {
  const image: Input = { kind: "image", channels: 4, height: 9, width: 9 };
  const layers: Readonly<Record<string, readonly [layer: Layers, input: Input, roles: readonly string[]]>> = {
    linear: [linear(7), { kind: "features", features: 5 }, ["linear.weight", "linear.bias"]],
    conv: [conv({ channels: 8, kernel: 3, groups: 2 }), image, ["conv.weight", "conv.bias"]],
    depthwiseConv: [
      depthwiseConv({ kernel: [3, 5], multiplier: 2 }),
      image,
      ["depthwiseConv.weight", "depthwiseConv.bias"],
    ],
    convTranspose: [convTranspose({ channels: 8, kernel: 3 }), image, ["convTranspose.weight", "convTranspose.bias"]],
    embedding: [embedding({ width: 8 }), { kind: "tokens", vocabulary: 9 }, ["embedding.weight"]],
    // PyTorch draws the map out of heads as that of Linear, and then sets its biases to zeros.
    selfAttention: [
      selfAttention({ heads: 2 }),
      { kind: "sequence", features: 8 },
      ["selfAttention.out.weight", "", "selfAttention.qkv.weight"],
    ],
  };
  it.each(laws.layers)("$layer", ({ layer, laws: wanted }) => {
    const [built, input, roles] = layers[layer]!;
    const drawn = drawnBy(built, input);
    expect(wanted).toHaveLength(roles.length);
    for (const [index, role] of roles.entries()) {
      if (role === "") continue;
      const values = drawn.get(role)!;
      const law = wanted[index]!;
      if (law.kind === "normal") {
        expect(Math.abs(deviationOf(values) - law.deviation)).toBeLessThan(
          (5 * law.deviation) / Math.sqrt(2 * values.length),
        );
        continue;
      }
      // Within its bounds, and near to them as so many draws come: further off than this is one draw of all in 10⁶.
      const { high } = law as Uniform;
      const extreme = Math.max(...values.map(Math.abs));
      expect(extreme).toBeLessThanOrEqual(Math.fround(high));
      expect(extreme).toBeGreaterThan(high * 1e-6 ** (1 / values.length));
    }
    expect(drawn.get("selfAttention.out.bias")?.every((value) => value === 0) ?? true).toBe(true);
  });
});

function meanOf(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
}

function deviationOf(values: ArrayLike<number>): number {
  const mean = meanOf(values);
  return Math.sqrt(meanOf(Array.from(values, (value) => (value - mean) ** 2)));
}

describe("what is drawn has the distribution", () => {
  const normal = normalDistribution();
  const fans = { in: 50, out: 200 };
  /** Probability to be below, mean and deviation, in closed form. */
  const closed = (
    law: Law,
  ): { readonly below: (x: number) => number; readonly mean: number; readonly deviation: number } => {
    switch (law.kind) {
      case "uniform": {
        const uniform = uniformDistribution(law.low, law.high);
        return {
          below: (x) => uniform.cdf(x),
          mean: (law.low + law.high) / 2,
          deviation: (law.high - law.low) / Math.sqrt(12),
        };
      }
      case "normal":
        return { ...law, below: (x) => normal.cdf((x - law.mean) / law.deviation) };
      case "truncated-normal": {
        const { mean, deviation, bound } = law;
        const inside = 1 - 2 * normal.cdf(-bound);
        const density = Math.exp(-(bound ** 2) / 2) / Math.sqrt(2 * Math.PI);
        return {
          below: (x) => Math.min(1, Math.max(0, (normal.cdf((x - mean) / deviation) - normal.cdf(-bound)) / inside)),
          mean,
          deviation: deviation * Math.sqrt(1 - (2 * bound * density) / inside),
        };
      }
      case "constant":
      case "orthogonal":
        throw new Error("no closed form is asked for");
    }
  };
  it.each<[Initialization]>([
    ["uniform"],
    ["normal"],
    ["torch-default"],
    ["glorot-uniform"],
    ["glorot-normal"],
    ["he-uniform"],
    ["he-normal"],
    ["lecun-uniform"],
    ["lecun-normal"],
    ["truncated-normal"],
    [{ kind: "truncated-normal", mean: 1, deviation: 2, bound: 0.7 }],
    [{ kind: "uniform", low: 2, high: 5 }],
    [{ kind: "normal", mean: -1, deviation: 0.1 }],
    [{ kind: "he-normal", fan: "out", negativeSlope: 0.2 }],
  ])("%j", (initialization) => {
    const law = lawOf(initialization, fans);
    const count = 5000;
    const values = Float64Array.from(drawInitial(law, [count], createRandom(7))).sort();
    const { below, mean, deviation } = closed(law);
    // Five standard errors; of the deviation that of a normal one's, the widest among these.
    expect(Math.abs(meanOf(values) - mean)).toBeLessThan((5 * deviation) / Math.sqrt(count));
    expect(Math.abs(deviationOf(values) - deviation)).toBeLessThan((5 * deviation) / Math.sqrt(2 * count));
    const distance = values.reduce((most, value, at) => {
      const p = below(value);
      return Math.max(most, Math.abs(p - at / count), Math.abs(p - (at + 1) / count));
    }, 0);
    expect(kolmogorovSurvival(distance * Math.sqrt(count))).toBeGreaterThan(1e-3);
  });

  it("of the variances the papers give", () => {
    const variance = (initialization: Initialization) =>
      deviationOf(drawInitial(lawOf(initialization, fans), [200, 200], createRandom(1))) ** 2;
    for (const kind of ["uniform", "normal"] as const) {
      expect(variance(`glorot-${kind}`)).toBeCloseTo(2 / 250, 3);
      expect(variance(`he-${kind}`)).toBeCloseTo(2 / 50, 3);
      expect(variance(`lecun-${kind}`)).toBeCloseTo(1 / 50, 3);
    }
  });

  it("stays in its bounds where it is truncated", () => {
    const values = drawInitial(lawOf("truncated-normal", fans), [10_000], createRandom(2));
    expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(Math.fround(0.04));
  });

  it("of one number", () => {
    expect(drawInitial(lawOf({ kind: "constant", value: 0.5 }, fans), [2], createRandom(1))).toEqual(
      Float32Array.of(0.5, 0.5),
    );
    expect(drawInitial(lawOf("ones", fans), [1], createRandom(1))).toEqual(Float32Array.of(1));
  });
});

describe("orthogonal matrices", () => {
  it.each([
    [[6, 6], 1],
    [[8, 3], 1],
    [[3, 8], 2],
    [[4, 2, 3, 3], Math.SQRT2],
    [[64, 64], 1],
  ])("of %j times %d have orthonormal rows or columns", (shape, gain) => {
    const values = drawInitial({ kind: "orthogonal", gain }, shape, createRandom(3));
    const rows = shape[0]!;
    const columns = values.length / rows;
    const at = (row: number, column: number): number => values[row * columns + column]!;
    const [count, size] = rows < columns ? [rows, columns] : [columns, rows];
    for (let a = 0; a < count; a++) {
      for (let b = 0; b <= a; b++) {
        let product = 0;
        for (let k = 0; k < size; k++) product += rows < columns ? at(a, k) * at(b, k) : at(k, a) * at(k, b);
        expect(product).toBeCloseTo(a === b ? gain ** 2 : 0, 5);
      }
    }
  });

  // Over all orthogonal matrices alike, E tr Q = 0 and E (tr Q)² = 1 (Diaconis and Shahshahani, J. Appl. Prob. 31A (1994)); a
  // decomposition whose signs are not put right fails the first.
  it("are drawn from all alike", () => {
    const random = createRandom(4);
    const traces = Array.from({ length: 10_000 }, () => {
      const values = drawInitial({ kind: "orthogonal", gain: 1 }, [3, 3], random);
      return values[0]! + values[4]! + values[8]!;
    });
    expect(Math.abs(meanOf(traces))).toBeLessThan(5 / Math.sqrt(10_000));
    // (tr Q)² has a variance below E (tr Q)⁴ = 3.
    expect(Math.abs(meanOf(traces.map((trace) => trace ** 2)) - 1)).toBeLessThan(
      (5 * Math.sqrt(3)) / Math.sqrt(10_000),
    );
  });
});
