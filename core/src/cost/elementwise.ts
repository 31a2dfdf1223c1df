// Operators that compute each output element from the elements in its place, as a table of what one element takes.
import { ARCTANGENT_FLOPS, FUNCTION_FLOPS, SIGMOID_FLOPS, SOFTPLUS_FLOPS, TANH_FLOPS } from "./convention.ts";
import { flops, NO_WORK, type OperatorCall, type OperatorRule } from "./operator-call.ts";

const { simple, divide, squareRoot, exponential, power, logarithm, sine } = FUNCTION_FLOPS;

const ERF_GELU_FLOPS = exponential + 4 * simple;
const TANH_GELU_FLOPS = TANH_FLOPS + 8 * simple;
const QUANTIZE_FLOPS = divide + 4 * simple;

/** Floating-point operations for an element of the first output. */
const PER_ELEMENT: Readonly<Record<string, number>> = {
  Abs: simple,
  Acos: ARCTANGENT_FLOPS,
  Acosh: logarithm + squareRoot + 3 * simple,
  Add: simple,
  And: simple,
  Asin: ARCTANGENT_FLOPS,
  Asinh: logarithm + squareRoot + 3 * simple,
  Atan: ARCTANGENT_FLOPS,
  Atanh: logarithm + 3 * simple + divide,
  BitShift: simple,
  BitwiseAnd: simple,
  BitwiseNot: simple,
  BitwiseOr: simple,
  BitwiseXor: simple,
  Ceil: simple,
  Celu: exponential + divide + 4 * simple,
  Clip: 2 * simple,
  Cos: sine,
  Cosh: exponential + 2 * simple + divide,
  DequantizeLinear: 2 * simple,
  Div: divide,
  Elu: exponential + 3 * simple,
  Equal: simple,
  Erf: exponential,
  Exp: exponential,
  Floor: simple,
  Greater: simple,
  GreaterOrEqual: simple,
  HardSigmoid: 4 * simple,
  HardSwish: 5 * simple,
  IsInf: simple,
  IsNaN: simple,
  LeakyRelu: 2 * simple,
  Less: simple,
  LessOrEqual: simple,
  Log: logarithm,
  Mish: SOFTPLUS_FLOPS + TANH_FLOPS + simple,
  Mod: divide,
  Mul: simple,
  Neg: simple,
  Not: simple,
  Or: simple,
  PRelu: 2 * simple,
  Pow: power,
  QuantizeLinear: QUANTIZE_FLOPS,
  Range: 2 * simple,
  Reciprocal: divide,
  Relu: simple,
  Round: simple,
  Selu: exponential + 4 * simple,
  Shrink: 2 * simple,
  Sigmoid: SIGMOID_FLOPS,
  Sign: simple,
  Sin: sine,
  Sinh: exponential + 2 * simple + divide,
  Softplus: SOFTPLUS_FLOPS,
  Softsign: 2 * simple + divide,
  Sqrt: squareRoot,
  Sub: simple,
  Swish: SIGMOID_FLOPS + 2 * simple,
  Tan: 2 * sine + divide,
  Tanh: TANH_FLOPS,
  ThresholdedRelu: simple,
  Where: simple,
  Xor: simple,
  RotaryEmbedding: 3 * simple,
  BlackmanWindow: 2 * sine + 4 * simple,
  HammingWindow: sine + 3 * simple,
  HannWindow: sine + 3 * simple,
  "ai.onnx.ml.Binarizer": simple,
  "ai.onnx.ml.Imputer": simple,
  "ai.onnx.ml.Scaler": 2 * simple,
  "com.microsoft.BiasGelu": ERF_GELU_FLOPS + simple,
  "com.microsoft.BiasAdd": 2 * simple,
  "com.microsoft.BiasDropout": 2 * simple,
  "com.microsoft.DequantizeLinear": 2 * simple,
  "com.microsoft.FastGelu": TANH_GELU_FLOPS + simple,
  "com.microsoft.Gelu": ERF_GELU_FLOPS,
  "com.microsoft.GatherBlockQuantized": 2 * simple,
  "com.microsoft.QuantizeLinear": QUANTIZE_FLOPS,
  "com.microsoft.QuickGelu": SIGMOID_FLOPS + 2 * simple,
  "com.microsoft.RotaryEmbedding": 3 * simple,
  // Inputs and output are scaled around what the name says.
  "com.microsoft.QLinearAdd": simple + 4 * simple + QUANTIZE_FLOPS,
  "com.microsoft.QLinearMul": simple + 4 * simple + QUANTIZE_FLOPS,
  "com.microsoft.QLinearLeakyRelu": 2 * simple + 2 * simple + QUANTIZE_FLOPS,
  "com.microsoft.QLinearSigmoid": SIGMOID_FLOPS + 2 * simple + QUANTIZE_FLOPS,
};

/** Operators of any number of operands that are joined one after the other. */
const joined =
  (atTheEnd = 0): OperatorRule =>
  (call) =>
    flops(call.elementsOut() * (call.inputCount - 1 + atTheEnd));

/** The largest and the least, then quantising. */
const dynamicQuantize: OperatorRule = (call) => flops(call.elementsIn() * (2 * simple + QUANTIZE_FLOPS));

const gelu: OperatorRule = (call) =>
  flops(call.elementsOut() * (call.string("approximate", "none") === "tanh" ? TANH_GELU_FLOPS : ERF_GELU_FLOPS));

/** At inference nothing is dropped; with an input that may turn training on, as if it did. */
const dropout: OperatorRule = (call) => (call.hasInput(2) ? flops(call.elementsOut() * 2 * simple) : NO_WORK);

/** Nothing where elements are only put in their place. */
const scatter =
  (updates: number): OperatorRule =>
  (call: OperatorCall) =>
    call.string("reduction", "none") === "none" ? NO_WORK : flops(call.elementsIn(updates));

/** Rules by operator; those of other domains with the domain before the name. */
export const ELEMENTWISE_RULES: Readonly<Record<string, OperatorRule>> = {
  ...Object.fromEntries(
    Object.entries(PER_ELEMENT).map(([name, each]): [string, OperatorRule] => [
      name,
      (call) => flops(call.elementsOut() * each),
    ]),
  ),
  Max: joined(),
  Mean: joined(1),
  Min: joined(),
  Sum: joined(),
  Dropout: dropout,
  DynamicQuantizeLinear: dynamicQuantize,
  Gelu: gelu,
  Scatter: () => NO_WORK,
  ScatterElements: scatter(2),
  ScatterND: scatter(2),
};
