// How parameters begin: the usual distributions of first weights, told by how many values go into an output and come out of an
// input, and drawing from them.
import { drawNormal, drawUniform, type Random } from "#stats";

/**
 * How a parameter begins: a name for what is usual, or an object to say more. With `in` and `out` for its fans (see `Fans`):
 *
 * | name | distribution | made for |
 * |---|---|---|
 * | `zeros`, `ones` | one number | biases, scales |
 * | `torch-default` | uniform within ±1/√in | what PyTorch gives the weights and biases of Linear and Conv |
 * | `glorot-uniform`, `glorot-normal` | variance gain² · 2/(in + out) | tanh, sigmoid, attention |
 * | `he-uniform`, `he-normal` | variance 2/in | ReLU |
 * | `lecun-uniform`, `lecun-normal` | variance 1/in | SELU |
 * | `truncated-normal` | normal of deviation 0.02, within two of them | Transformers |
 * | `normal`, `uniform` | standard normal; within ±1 | embeddings |
 * | `orthogonal` | orthonormal rows or columns, uniform among all such | deep and recurrent networks |
 *
 * Sources: Glorot and Bengio, AISTATS 2010; He et al., arXiv 1502.01852; LeCun et al., "Efficient BackProp" (1998); Saxe et al.,
 * arXiv 1312.6120. Fans, gains and bounds are as in `torch.nn.init`.
 */
export type Initialization = InitializationName | InitializationOptions;

/** An initialization with all its options left out. */
export type InitializationName = Exclude<InitializationOptions["kind"], "constant">;

/** See `Initialization`. */
export type InitializationOptions =
  | { readonly kind: "zeros" }
  | { readonly kind: "ones" }
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "torch-default" }
  /** Between `low` and `high`, −1 and 1 unless said. */
  | { readonly kind: "uniform"; readonly low?: number; readonly high?: number }
  | { readonly kind: "normal"; readonly mean?: number; readonly deviation?: number }
  /**
   * Of this deviation (0.02) before what is further from the mean than `bound` deviations (2) is drawn again, which leaves 0.88
   * of it: as in BERT and ViT. `torch.nn.init.trunc_normal_` takes its bounds as values, not in deviations.
   */
  | {
      readonly kind: "truncated-normal";
      readonly mean?: number;
      readonly deviation?: number;
      readonly bound?: number;
    }
  /** `gain` is 1 unless said; see `gainOf`. */
  | { readonly kind: "glorot-uniform" | "glorot-normal" | "orthogonal"; readonly gain?: number }
  /**
   * By the values that go in, or with `fan: "out"` by those that come out; for rectifiers that let this slope through where they
   * are negative, 0 unless said.
   */
  | {
      readonly kind: "he-uniform" | "he-normal";
      readonly fan?: "in" | "out";
      readonly negativeSlope?: number;
    }
  | { readonly kind: "lecun-uniform" | "lecun-normal" };

const GAIN = ["gain"];
const HE_OPTIONS = ["fan", "negativeSlope"];
/** What each kind may say. */
const INITIALIZATIONS: { readonly [K in InitializationOptions["kind"]]: readonly string[] } = {
  zeros: [],
  ones: [],
  constant: ["value"],
  "torch-default": [],
  uniform: ["low", "high"],
  normal: ["mean", "deviation"],
  "truncated-normal": ["mean", "deviation", "bound"],
  "glorot-uniform": GAIN,
  "glorot-normal": GAIN,
  orthogonal: GAIN,
  "he-uniform": HE_OPTIONS,
  "he-normal": HE_OPTIONS,
  "lecun-uniform": [],
  "lecun-normal": [],
};
export const INITIALIZATION_KINDS: readonly string[] = Object.keys(INITIALIZATIONS);

/** How many values each output is a sum of, and how many outputs each input goes into. */
export interface Fans {
  readonly in: number;
  readonly out: number;
}

/** Of a matrix of weights [inputs, outputs]. */
export function linearFans(inputs: number, outputs: number): Fans {
  return { in: inputs, out: outputs };
}

/**
 * Of the weights of a convolution, [channels, channels in a group, …kernel]. As PyTorch counts them: `out` is that of all groups
 * together, so that a depthwise convolution's is as many times too large as it has channels.
 */
export function convolutionFans(shape: readonly number[]): Fans {
  const [outputs = 1, inputs = 1, ...kernel] = shape;
  const places = kernel.reduce((product, length) => product * length, 1);
  return { in: inputs * places, out: outputs * places };
}

/**
 * The factor by which an activation shrinks what goes through it, as `torch.nn.init.calculate_gain` has it: √2 for ReLU,
 * √(2/(1 + slope²)) for leaky ones, 5/3 for tanh, 3/4 for SELU, and 1.
 */
export function gainOf(
  activation: "linear" | "sigmoid" | "tanh" | "relu" | "leaky-relu" | "selu",
  slope = 0.01,
): number {
  if (activation === "tanh") return 5 / 3;
  if (activation === "relu") return Math.SQRT2;
  if (activation === "leaky-relu") return Math.sqrt(2 / (1 + slope ** 2));
  return activation === "selu" ? 3 / 4 : 1;
}

/** A distribution with its numbers worked out. */
export type Law =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "uniform"; readonly low: number; readonly high: number }
  | { readonly kind: "normal"; readonly mean: number; readonly deviation: number }
  | { readonly kind: "truncated-normal"; readonly mean: number; readonly deviation: number; readonly bound: number }
  | { readonly kind: "orthogonal"; readonly gain: number };

/** The distribution an initialization means for a parameter with these fans. */
export function lawOf(initialization: Initialization, fans: Fans): Law {
  const options = typeof initialization === "string" ? named(initialization) : initialization;
  switch (options.kind) {
    case "zeros":
      return { kind: "constant", value: 0 };
    case "ones":
      return { kind: "constant", value: 1 };
    case "constant":
      return options;
    case "uniform":
      return { kind: "uniform", low: options.low ?? -1, high: options.high ?? 1 };
    case "normal":
      return { kind: "normal", mean: options.mean ?? 0, deviation: options.deviation ?? 1 };
    case "truncated-normal": {
      const { mean = 0, deviation = 0.02, bound = 2 } = options;
      return { kind: "truncated-normal", mean, deviation, bound };
    }
    case "torch-default":
      // PyTorch says He's with a negative slope of √5: a gain of √(1/3), so that the bound √3 · √(1/3) / √in is this.
      return within(1 / Math.sqrt(fans.in));
    case "glorot-uniform":
    case "glorot-normal":
      return ofDeviation(options.kind, (options.gain ?? 1) * Math.sqrt(2 / (fans.in + fans.out)));
    case "he-uniform":
    case "he-normal":
      return ofDeviation(
        options.kind,
        gainOf("leaky-relu", options.negativeSlope ?? 0) / Math.sqrt(fans[options.fan ?? "in"]),
      );
    case "lecun-uniform":
    case "lecun-normal":
      return ofDeviation(options.kind, 1 / Math.sqrt(fans.in));
    case "orthogonal":
      return { kind: "orthogonal", gain: options.gain ?? 1 };
  }
}

/** What is wrong with an initialization, in words that go on from its name; null where nothing is. */
export function faultOf(initialization: Initialization): string | null {
  const options = typeof initialization === "string" ? named(initialization) : initialization;
  const numbers = Object.entries(options).filter(([key]) => key !== "kind" && key !== "fan");
  for (const [key, value] of numbers) {
    const known = INITIALIZATIONS[options.kind];
    if (!known.includes(key))
      return `has no option '${key}'; ${known.length === 0 ? "give none" : `it may have ${known.join(" and ")}`}`;
    if (!Number.isFinite(value)) return `has the ${key} ${String(value)}; give a number`;
    if ((key === "deviation" || key === "gain") && !((value as unknown as number) > 0))
      return `has the ${key} ${value}; it must be positive`;
  }
  if (options.kind === "constant" && options.value === undefined) return "has no value; give the number";
  if (options.kind === "uniform" && !((options.low ?? -1) < (options.high ?? 1)))
    return `goes from ${options.low ?? -1} to ${options.high ?? 1}; low must be less than high`;
  if (options.kind === "truncated-normal" && (options.bound ?? 2) < LEAST_BOUND)
    return `has the bound ${options.bound}; give at least ${LEAST_BOUND} deviations, or take 'uniform'`;
  if ("fan" in options && options.fan !== "in" && options.fan !== "out")
    return `has the fan '${String(options.fan)}'; it is 'in' or 'out'`;
  return null;
}

/** Nearer to its mean a normal distribution is all but uniform, and most draws would be thrown away. */
const LEAST_BOUND = 0.5;

/** First values of a parameter, row-major. */
export function drawInitial(law: Law, shape: readonly number[], random: Random): Float32Array<ArrayBuffer> {
  const count = shape.reduce((product, length) => product * length, 1);
  const values = new Float32Array(count);
  switch (law.kind) {
    case "constant":
      return values.fill(law.value);
    case "uniform":
      for (let index = 0; index < count; index++) values[index] = law.low + (law.high - law.low) * drawUniform(random);
      return values;
    case "normal":
      for (let index = 0; index < count; index++) values[index] = law.mean + law.deviation * drawNormal(random);
      return values;
    case "truncated-normal":
      for (let index = 0; index < count; index++) {
        let drawn = drawNormal(random);
        while (Math.abs(drawn) > law.bound) drawn = drawNormal(random);
        values[index] = law.mean + law.deviation * drawn;
      }
      return values;
    case "orthogonal":
      return drawOrthogonal(law.gain, shape[0] ?? 1, count, random);
  }
}

/**
 * A matrix whose shorter side's vectors are orthonormal, times a gain. Gram and Schmidt's R has a positive diagonal, which is
 * what makes Q uniform among all such matrices (Mezzadri, arXiv math-ph/0609050); going over each vector twice keeps it
 * orthogonal to rounding (Giraud et al., 2005). Takes rows · columns · the lesser of both, four times.
 */
function drawOrthogonal(gain: number, rows: number, count: number, random: Random): Float32Array<ArrayBuffer> {
  const values = new Float32Array(count);
  const columns = rows === 0 ? 0 : count / rows;
  const [vectors, size] = rows < columns ? [rows, columns] : [columns, rows];
  const basis: Float64Array[] = [];
  for (let index = 0; index < vectors; index++) {
    const vector = Float64Array.from({ length: size }, () => drawNormal(random));
    for (const other of [...basis, ...basis]) addMultiple(vector, other, -dot(vector, other));
    const norm = Math.sqrt(dot(vector, vector));
    for (let at = 0; at < size; at++) vector[at]! /= norm;
    basis.push(vector);
  }
  for (const [index, vector] of basis.entries()) {
    for (let at = 0; at < size; at++)
      values[rows < columns ? index * columns + at : at * columns + index] = gain * vector[at]!;
  }
  return values;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += a[at]! * b[at]!;
  return sum;
}

function addMultiple(to: Float64Array, of: Float64Array, factor: number): void {
  for (let at = 0; at < to.length; at++) to[at]! += factor * of[at]!;
}

const named = (kind: InitializationName): InitializationOptions => ({ kind });

const within = (bound: number): Law => ({ kind: "uniform", low: -bound, high: bound });

/** A uniform distribution within ±√3·σ has the deviation σ. */
function ofDeviation(kind: `${string}-uniform` | `${string}-normal`, deviation: number): Law {
  return kind.endsWith("uniform") ? within(Math.sqrt(3) * deviation) : { kind: "normal", mean: 0, deviation };
}
