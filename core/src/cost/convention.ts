// What one elementary function counts as, in floating-point operations of one element. Everything that is not a
// multiply-accumulate is counted with these, so that all tables agree.
//
// Source: onnx-tool 1.0 (`onnx_tool/node.py`), which takes them from the x86 instructions of avx_mathfun; its TANH and ATANH
// are sums of these, as are ours. Norms at inference and at large are those of fvcore 0.1.5 (`jit_handles.py`).

/** Floating-point operations of one element, by elementary function. */
export const FUNCTION_FLOPS = {
  /** An addition, a multiplication, a comparison, a rounding, a choice, an operation on bits. */
  simple: 1,
  divide: 4,
  squareRoot: 24,
  /** Also the error function, for which onnx-tool has no number: both are a polynomial and a scaling. */
  exponential: 32,
  power: 32,
  logarithm: 43,
  sine: 39,
} as const;

const { simple, divide, squareRoot, exponential, logarithm } = FUNCTION_FLOPS;

/** 1 / (1 + e^-x) */
export const SIGMOID_FLOPS = exponential + simple + divide;
/** (e^2x - 1) / (e^2x + 1) */
export const TANH_FLOPS = exponential + 2 * simple + divide;
/** By an approximation with one root. */
export const ARCTANGENT_FLOPS = squareRoot + 4 * simple + divide;
/** log(1 + e^x) */
export const SOFTPLUS_FLOPS = exponential + simple + logarithm;
/** Largest, difference from it, exponential, sum and quotient. */
export const SOFTMAX_FLOPS = 3 * simple + exponential + divide;
/** Mean, variance, scaling and shift, as fvcore's rough estimate for every affine norm. */
export const NORM_FLOPS = 5;
/** A norm without a mean: square, sum, scaling by the root and by the weight. */
export const RMS_NORM_FLOPS = 4;
/** A batch norm at inference: one factor and one shift for each channel, known beforehand. */
export const FROZEN_NORM_FLOPS = 2;
