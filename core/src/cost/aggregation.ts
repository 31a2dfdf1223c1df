// Operators that look at many elements for one: norms, reductions, pooling, softmax, interpolation, transforms, sorting.
import { FROZEN_NORM_FLOPS, FUNCTION_FLOPS, NORM_FLOPS, RMS_NORM_FLOPS, SOFTMAX_FLOPS } from "./convention.ts";
import { flops, NO_WORK, type OperatorCall, type OperatorRule, type Work } from "./operator-call.ts";
import { volume } from "./shapes.ts";

const { simple, divide, squareRoot, exponential, power, logarithm } = FUNCTION_FLOPS;

const perInput =
  (each: number): OperatorRule =>
  (call) =>
    flops(call.elementsIn() * each);

/** What every element read takes, and every result. */
const reduction =
  (each: number, result = 0): OperatorRule =>
  (call) =>
    flops(call.elementsIn() * each + call.elementsOut() * result);

/** The window slides over all axes after the first two. */
const pooling =
  (each: number, result = 0): OperatorRule =>
  (call) => {
    const kernel = call.ints("kernel_shape");
    if (kernel === undefined) throw call.uncountable("has no attribute 'kernel_shape'");
    return flops(call.elementsOut() * (volume(kernel) * each + result));
  };

/** A norm over what is the sum of several inputs, where those after the first are given. */
const skipNorm =
  (each: number, addends: readonly number[]): OperatorRule =>
  (call) =>
    flops(call.elementsOut() * (each + addends.filter((index) => call.hasInput(index)).length * simple));

const batchNorm: OperatorRule = (call) =>
  flops(call.elementsOut() * (call.int("training_mode", 0) === 0 ? FROZEN_NORM_FLOPS : NORM_FLOPS));

/** Squares of `size` neighbouring channels, their power, and a quotient. */
const localResponseNorm: OperatorRule = (call) =>
  flops(call.elementsOut() * (2 * call.neededInt("size") + power + divide + simple));

/** Neighbours of an output element along each axis that changes. A multiply and an addition for each neighbour. */
function interpolated(elements: number, mode: string, axes: number): Work {
  const neighbours = mode.includes("linear") ? 2 : mode.includes("cubic") ? 4 : 0;
  return neighbours === 0 || axes === 0 ? NO_WORK : flops(elements * 2 * neighbours ** axes);
}

/** A wider filter against aliasing is not counted. */
function resize(call: OperatorCall): Work {
  const [from, to] = [call.input(0), call.output()];
  const axes = to.filter((length, axis) => length !== from[axis]).length;
  return interpolated(volume(to), call.string("mode", "nearest"), axes);
}

function gridSample(call: OperatorCall): Work {
  return interpolated(call.elementsOut(), call.string("mode", "linear"), call.input(0).length - 2);
}

/** Samples of a bin are interpolated from four neighbours each. */
function regionAlign(call: OperatorCall): Work {
  const ratio = call.int("sampling_ratio", 0);
  if (ratio === 0) throw call.uncountable("takes as many samples as its regions are large, which only its input says");
  return flops(call.elementsOut() * ratio * ratio * 8);
}

/** 5·N·log2 N, by which transforms are compared whatever their algorithm. Source: FFTW's benchFFT. */
function transform(length: number): number {
  return length > 1 ? 5 * length * Math.log2(length) : 0;
}

function discreteFourier(call: OperatorCall): Work {
  const [from, to] = [call.input(0), call.output()];
  const axis = call.int("axis", 1);
  const length = Math.max(from.at(axis) ?? 1, to.at(axis) ?? 1);
  const batch = volume(from) / Math.max(1, from.at(-1)! * (from.at(axis) ?? 1));
  return flops(Math.round(batch * transform(length)));
}

/** Each frame is multiplied with the window, where there is one, and transformed. */
function shortTimeFourier(call: OperatorCall): Work {
  const [batch = 0, frames = 0, bins = 0] = call.output();
  const length = call.hasInput(2) ? call.elementsIn(2) : call.int("onesided", 1) === 0 ? bins : 2 * (bins - 1);
  return flops(Math.round(batch * frames * (transform(length) + (call.hasInput(2) ? length : 0))));
}

/** Comparisons of keeping the best k of each row: log2 k for every element. */
function best(call: OperatorCall): Work {
  const kept = call.output().at(call.int("axis", -1)) ?? 1;
  return flops(call.elementsIn() * Math.max(1, Math.ceil(Math.log2(Math.max(1, kept)))));
}

/** Comparisons of sorting all elements. */
function sorted(call: OperatorCall): Work {
  const count = call.elementsIn();
  return flops(count <= 1 ? 0 : Math.ceil(count * Math.log2(count)));
}

/** Two thirds of n³ for each matrix, by elimination. */
function determinant(call: OperatorCall): Work {
  const dims = call.input(0);
  return flops(Math.round((volume(dims) * dims.at(-1)! * 2) / 3));
}

const logSoftmaxEach = 4 * simple + exponential;

/** Rules by operator; those of other domains with the domain before the name. */
export const AGGREGATION_RULES: Readonly<Record<string, OperatorRule>> = {
  BatchNormalization: batchNorm,
  GroupNormalization: perInput(NORM_FLOPS),
  InstanceNormalization: perInput(NORM_FLOPS),
  LayerNormalization: perInput(NORM_FLOPS),
  LRN: localResponseNorm,
  LpNormalization: perInput(2 * simple + divide),
  MeanVarianceNormalization: perInput(NORM_FLOPS - simple),
  RMSNormalization: perInput(RMS_NORM_FLOPS),
  SimplifiedLayerNormalization: perInput(RMS_NORM_FLOPS),
  "com.microsoft.EmbedLayerNormalization": (call) => flops(call.elementsOut() * (NORM_FLOPS + 2 * simple)),
  "com.microsoft.GroupNorm": perInput(NORM_FLOPS),
  "com.microsoft.SkipGroupNorm": skipNorm(NORM_FLOPS, [3, 4]),
  "com.microsoft.SkipLayerNormalization": skipNorm(NORM_FLOPS, [1, 4]),
  "com.microsoft.SkipSimplifiedLayerNormalization": skipNorm(RMS_NORM_FLOPS, [1, 3]),
  "com.microsoft.SimplifiedLayerNormalization": perInput(RMS_NORM_FLOPS),
  "ai.onnx.ml.Normalizer": perInput(2 * simple + divide),

  ArgMax: perInput(simple),
  ArgMin: perInput(simple),
  ReduceL1: reduction(2 * simple),
  ReduceL2: reduction(2 * simple, squareRoot),
  ReduceLogSum: reduction(simple, logarithm),
  ReduceLogSumExp: reduction(3 * simple + exponential, logarithm),
  ReduceMax: reduction(simple),
  ReduceMean: reduction(simple, divide),
  ReduceMin: reduction(simple),
  ReduceProd: reduction(simple),
  ReduceSum: reduction(simple),
  ReduceSumSquare: reduction(2 * simple),
  CumProd: perInput(simple),
  CumSum: perInput(simple),
  NonZero: perInput(simple),
  "com.microsoft.QLinearReduceMean": reduction(simple, divide),

  AveragePool: pooling(simple, divide),
  GlobalAveragePool: reduction(simple, divide),
  GlobalLpPool: reduction(2 * simple, power),
  GlobalMaxPool: reduction(simple),
  LpPool: pooling(2 * simple, power),
  MaxPool: pooling(simple),
  Col2Im: perInput(simple),
  "com.microsoft.NhwcMaxPool": pooling(simple),
  "com.microsoft.QLinearAveragePool": pooling(simple, divide),
  "com.microsoft.QLinearGlobalAveragePool": reduction(simple, divide),

  Hardmax: perInput(simple),
  LogSoftmax: perInput(logSoftmaxEach),
  Softmax: perInput(SOFTMAX_FLOPS),
  NegativeLogLikelihoodLoss: (call) => flops(2 * call.elementsIn(1)),
  SoftmaxCrossEntropyLoss: (call) => flops(call.elementsIn() * logSoftmaxEach + 2 * call.elementsIn(1)),
  "com.microsoft.BiasSoftmax": perInput(SOFTMAX_FLOPS + simple),
  "com.microsoft.QLinearSoftmax": perInput(SOFTMAX_FLOPS + 2 * simple),

  GridSample: gridSample,
  Resize: resize,
  RoiAlign: regionAlign,
  Upsample: resize,

  DFT: discreteFourier,
  STFT: shortTimeFourier,
  Det: determinant,
  TopK: best,
  Unique: sorted,
};
