// Normalisations in arithmetic. Sources: ONNX, Operators.md; for those of com.microsoft, ONNX Runtime's ContribOperators.md.
import type { DType } from "#tensor";
import type { CompositeCall, Decomposition } from "./call.ts";

/** What a normalisation is computed in, by its code: what is less exact is not enough for a mean of squares. */
const STASH_TYPES: Readonly<Record<number, DType>> = { 1: "float32", 10: "float16", 11: "float64", 16: "bfloat16" };

interface Normalized {
  /** In the type of the input. */
  readonly normalized: string;
  readonly mean: string | null;
  /** 1 / √(variance + ε). */
  readonly inverse: string;
}

/** (x − mean) / √(variance + ε) over some axes; without centring, x / √(mean of x² + ε). */
function normalize(
  call: CompositeCall,
  input: string,
  axes: readonly number[],
  epsilon: number,
  isCentred: boolean,
): Normalized {
  const stash = STASH_TYPES[call.int("stash_type", 1)] ?? "float32";
  // A float64 input is not made less exact.
  const inner = call.dtype === "float64" ? "float64" : stash;
  const x = call.cast(input, inner);
  const mean = isCentred ? call.mean(x, axes) : null;
  const centred = mean === null ? x : call.sub(x, mean);
  const variance = call.mean(call.mul(centred, centred), axes);
  const deviation = call.op("Sqrt", [call.add(variance, call.number(epsilon, inner))]);
  const inverse = call.op("Reciprocal", [deviation]);
  return { normalized: call.cast(call.mul(centred, inverse), call.dtype), mean, inverse };
}

/** The layer normalisation of a value over its last axis, with a scale and a shift, where these are given. */
function layerNorm(call: CompositeCall, x: string, scale: string, shift: string, epsilon: number): Normalized {
  const made = normalize(call, x, [-1], epsilon, true);
  return { ...made, normalized: affine(call, made.normalized, scale, shift) };
}

function affine(call: CompositeCall, x: string, scale: string, shift: string): string {
  const scaled = scale === "" ? x : call.mul(x, scale);
  return shift === "" ? scaled : call.add(scaled, shift);
}

const rmsNormalization: Decomposition = (call) => {
  const axes = call.axesFrom(call.int("axis", -1));
  if (axes === null) return null;
  const { normalized, inverse } = normalize(call, call.x(), axes, call.float("epsilon", 1e-5), false);
  return [affine(call, normalized, call.x(1), ""), inverse];
};

export const NORMALIZATIONS: Readonly<Record<string, Decomposition>> = {
  LayerNormalization: (call) => {
    const axes = call.axesFrom(call.int("axis", -1));
    if (axes === null) return null;
    const made = normalize(call, call.x(), axes, call.float("epsilon", 1e-5), true);
    return [affine(call, made.normalized, call.x(1), call.x(2)), made.mean, made.inverse];
  },
  RMSNormalization: rmsNormalization,
  // What ONNX Runtime had before there was RMSNormalization, in the domain of ONNX.
  SimplifiedLayerNormalization: rmsNormalization,
};

/** The epsilon of contributed normalisations where they name none. */
const CONTRIBUTED_EPSILON = 1e-12;

/** The sum of a skip connection, and its normalisation. */
function skipNormalization(isCentred: boolean): Decomposition {
  return (call) => {
    const bias = call.x(isCentred ? 4 : 3);
    const skipped = call.add(call.x(), call.x(1));
    const sum = bias === "" ? skipped : call.add(skipped, bias);
    const { normalized, mean, inverse } = normalize(
      call,
      sum,
      [-1],
      call.float("epsilon", CONTRIBUTED_EPSILON),
      isCentred,
    );
    return [affine(call, normalized, call.x(2), isCentred ? call.x(3) : ""), mean, inverse, sum];
  };
}

/** Embeddings of words, places and segments, added and normalised. The words that a mask has are counted. */
const embedLayerNormalization: Decomposition = (call) => {
  const [ids, segments, words, places, segmentTable, scale, shift, mask, given] = Array.from(
    { length: 9 },
    (_, index) => call.x(index),
  ) as [string, string, string, string, string, string, string, string, string];
  const { g } = call;
  const dtype = call.dtypeOf(words);
  if (dtype === undefined) return null;
  const length = g.op("Slice", [g.op("Shape", [ids]), call.integers([1]), call.integers([2])]);
  const place =
    given === ""
      ? g.op("Slice", [places, call.integers([0]), length, call.integers([0])])
      : g.op("Gather", [places, given], { axis: 0 });
  const placed = call.add(g.op("Gather", [words, ids], { axis: 0 }), place);
  const sum = segments === "" ? placed : call.add(placed, g.op("Gather", [segmentTable, segments], { axis: 0 }));
  const { normalized } = layerNorm(call, sum, scale, shift, call.float("epsilon", CONTRIBUTED_EPSILON));
  return [normalized, call.hasOutput(1) ? countedWords(call, ids, mask) : null, sum];
};

/** How many words of each row a mask has, int32 [N]; 0 without one. */
function countedWords(call: CompositeCall, ids: string, mask: string): string {
  const { g } = call;
  const isWord = mask === "" ? g.op("Less", [ids, ids]) : g.op("Equal", [mask, g.values("int32", [1], [])]);
  return g.op("ReduceSum", [call.cast(isWord, "int32"), call.integers([1])], { keepdims: 0 });
}

export const CONTRIBUTED_NORMALIZATIONS: Readonly<Record<string, Decomposition>> = {
  SkipLayerNormalization: skipNormalization(true),
  SkipSimplifiedLayerNormalization: skipNormalization(false),
  EmbedLayerNormalization: embedLayerNormalization,
};
