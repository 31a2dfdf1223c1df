// Convolutions and matrix products, in floating point, quantised and fused.
import { flops, macs, NO_WORK, type OperatorCall, type OperatorRule, type Work } from "./operator-call.ts";
import { volume } from "./shapes.ts";

/** Multiply-accumulates for one output element: the weight's elements for one output channel, [K, C / groups, ...]. */
const perChannel = (weight: readonly number[]): number => volume(weight.slice(1));

/** N·K·OH·OW · (C / groups)·kh·kw, and an addition for each element where there is a bias. */
function convolution(call: OperatorCall, weight: number, bias: number): Work {
  const elements = call.elementsOut();
  return macs(elements * perChannel(call.input(weight)), call.hasInput(bias) ? elements : 0);
}

/** N·C·H·W · (K / groups)·kh·kw: every input element is spread over a kernel. The weight is [C, K / groups, ...]. */
function transposedConvolution(call: OperatorCall): Work {
  const bias = call.hasInput(2) ? call.elementsOut() : 0;
  return macs(call.elementsIn() * perChannel(call.input(1)), bias);
}

/** As a convolution; each tap is interpolated from four neighbours, and multiplied by its mask where there is one. */
function deformableConvolution(call: OperatorCall): Work {
  const { macs: count, others } = convolution(call, 1, 3);
  const taps = volume(call.output().slice(2)) * call.input(0)[0]! * volume(call.input(1).slice(2)) * call.input(0)[1]!;
  return macs(count, others + taps * (8 + (call.hasInput(4) ? 1 : 0)));
}

/** M·N·K for each matrix of a batch: the length of the summed axis for each output element. Bias and factor come extra. */
function product(call: OperatorCall, summed: number | undefined, bias = -1): Work {
  if (summed === undefined) throw call.uncountable("multiplies a scalar as if it were a matrix");
  const elements = call.elementsOut();
  return macs(elements * summed, bias >= 0 && call.hasInput(bias) ? elements : 0);
}

const lastOf = (dims: readonly number[]): number | undefined => dims.at(-1);

function gemm(call: OperatorCall, bias = 2): Work {
  return product(call, call.input(0).at(call.int("transA", 0) === 0 ? -1 : -2), bias);
}

/** Of ONNX Runtime: with `transA` the summed axis is the last but one, with `transBatchA` besides it is the first. */
function fusedMatMul(call: OperatorCall): Work {
  const left = call.input(0);
  if (call.int("transA", 0) === 0) return product(call, lastOf(left));
  return product(call, call.int("transBatchA", 0) === 0 ? left.at(-2) : left[0]);
}

/** Products with a table of weights, whose height the attribute K gives. */
const byAttribute: OperatorRule = (call) => product(call, call.neededInt("K"), 5);

const matMul =
  (bias = -1): OperatorRule =>
  (call) =>
    product(call, lastOf(call.input(0)), bias);

/**
 * Operands are joined from the left, two at a time, and axes summed as soon as nothing later needs them, as ONNX Runtime
 * does it; a better order may exist. Where no axis is summed there are multiplications only.
 */
function einsum(call: OperatorCall): Work {
  const equation = call.string("equation", "").replaceAll(" ", "");
  const [left = "", right] = equation.split("->");
  const operands = left.split(",").map((term, index) => labelsOf(term, call.input(index).length));
  const lengths = new Map<string, number>();
  for (const [index, labels] of operands.entries()) {
    const dims = call.input(index);
    if (labels.length !== dims.length)
      throw call.uncountable(`has the equation '${equation}', which does not fit its inputs`);
    for (const [axis, label] of labels.entries()) lengths.set(label, Math.max(lengths.get(label) ?? 1, dims[axis]!));
  }
  const output = new Set(right === undefined ? impliedOutput(operands) : labelsOf(right, call.output().length));
  const size = (labels: Iterable<string>): number => volume(Array.from(labels, (label) => lengths.get(label) ?? 1));
  let joined = new Set(operands[0]);
  let total = NO_WORK;
  if (operands.length === 1) return [...joined].every((label) => output.has(label)) ? NO_WORK : flops(size(joined));
  for (const [index, labels] of operands.entries()) {
    if (index === 0) continue;
    const all = new Set([...joined, ...labels]);
    const later = new Set([...output, ...operands.slice(index + 1).flat()]);
    joined = new Set([...all].filter((label) => later.has(label)));
    const sums = joined.size < all.size;
    total = { macs: total.macs + (sums ? size(all) : 0), others: total.others + (sums ? 0 : size(all)) };
  }
  return total;
}

/** The labels of a term; an ellipsis stands for as many axes as are left, counted from the last. */
function labelsOf(term: string, rank: number): string[] {
  const [before = "", after] = term.split("...");
  if (after === undefined) return Array.from(term);
  const hidden = Math.max(0, rank - before.length - after.length);
  const unnamed = Array.from({ length: hidden }, (_, index) => `...${hidden - index}`);
  return [...Array.from(before), ...unnamed, ...Array.from(after)];
}

/** Without an arrow the output has the ellipsis and the labels that appear once. */
function impliedOutput(operands: readonly (readonly string[])[]): string[] {
  const all = operands.flat();
  return all.filter((label) => label.startsWith("...") || all.indexOf(label) === all.lastIndexOf(label));
}

/** Rules by operator; those of other domains with the domain before the name. */
export const PRODUCT_RULES: Readonly<Record<string, OperatorRule>> = {
  Conv: (call) => convolution(call, 1, 2),
  ConvInteger: (call) => convolution(call, 1, -1),
  QLinearConv: (call) => convolution(call, 3, 8),
  ConvTranspose: transposedConvolution,
  DeformConv: deformableConvolution,
  Gemm: (call) => gemm(call),
  MatMul: matMul(),
  MatMulInteger: matMul(),
  QLinearMatMul: matMul(),
  Einsum: einsum,
  "com.microsoft.FusedConv": (call) => convolution(call, 1, 2),
  "com.microsoft.NhwcFusedConv": (call) => convolution(call, 1, 2),
  "com.microsoft.QLinearConv": (call) => convolution(call, 3, 8),
  "com.microsoft.ConvTransposeWithDynamicPads": transposedConvolution,
  "com.microsoft.FusedGemm": (call) => gemm(call),
  "com.microsoft.GemmFastGelu": matMul(2),
  "com.microsoft.QGemm": (call) => gemm(call, 6),
  "com.microsoft.FusedMatMul": fusedMatMul,
  "com.microsoft.TransposeMatMul": fusedMatMul,
  "com.microsoft.FusedMatMulActivation": fusedMatMul,
  "com.microsoft.DynamicQuantizeMatMul": matMul(4),
  "com.microsoft.MatMulIntegerToFloat": matMul(6),
  "com.microsoft.MatMulInteger16": matMul(),
  "com.microsoft.MatMulNBits": byAttribute,
  "com.microsoft.MatMulBnb4": byAttribute,
  "com.microsoft.MatMulFpQ4": matMul(),
};
