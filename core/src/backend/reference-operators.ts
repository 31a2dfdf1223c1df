// The operators of the reference back end, as a table: each is written the way the standard describes it.
// Source: onnx/docs/Operators.md.
import { attributeValue, tensorFromInitializer } from "#graph";
import { tensorOf } from "./elements.ts";
import { binary, cast, clip, div, unary, where } from "./reference-elementwise.ts";
import { need, type Operator, refuse } from "./reference-operator.ts";
import { argument, gemm, greatest, least, matMul, reduce, softmax, sum } from "./reference-reductions.ts";
import { concat, flatten, gather, reshape, shapeOf, squeeze, transpose, unsqueeze } from "./reference-shapes.ts";

const constant: Operator = (node) => {
  const tensor = attributeValue(node, "value", "tensor");
  if (tensor !== undefined) return [tensorFromInitializer(tensor)];
  const float = attributeValue(node, "value_float", "float");
  if (float !== undefined) return [tensorOf("float32", [], [float])];
  const int = attributeValue(node, "value_int", "int");
  if (int !== undefined) return [tensorOf("int64", [], [int])];
  const ints = attributeValue(node, "value_ints", "ints");
  if (ints !== undefined) return [tensorOf("int64", [ints.length], Array.from(ints))];
  throw refuse(node, "holds no value this back end reads");
};

/** The operators there are, by their names in the ONNX domain. */
export const OPERATORS: Readonly<Record<string, Operator>> = {
  Abs: unary(Math.abs),
  Add: binary(
    (a, b) => a + b,
    (a, b) => a + b,
  ),
  And: binary((a, b) => a !== 0 && b !== 0, undefined, "bool"),
  ArgMax: argument((value, best) => value > best),
  ArgMin: argument((value, best) => value < best),
  Cast: cast,
  Clip: clip,
  Concat: concat,
  Constant: constant,
  Div: div,
  Equal: binary(
    (a, b) => a === b,
    (a, b) => a === b,
    "bool",
  ),
  Exp: unary(Math.exp),
  Flatten: flatten,
  Gather: gather,
  Gemm: gemm,
  Greater: binary(
    (a, b) => a > b,
    (a, b) => a > b,
    "bool",
  ),
  Identity: (node, inputs) => [need(node, inputs, 0)],
  Less: binary(
    (a, b) => a < b,
    (a, b) => a < b,
    "bool",
  ),
  Log: unary(Math.log),
  MatMul: matMul,
  Mul: binary(
    (a, b) => a * b,
    (a, b) => a * b,
  ),
  Neg: unary((value) => -value),
  Not: unary((value) => (value === 0 ? 1 : 0)),
  Or: binary((a, b) => a !== 0 || b !== 0, undefined, "bool"),
  Pow: binary((a, b) => a ** b),
  ReduceMax: reduce(greatest),
  ReduceMean: reduce((values) => sum(values) / values.length),
  ReduceMin: reduce(least),
  ReduceSum: reduce(sum),
  Relu: unary((value) => Math.max(0, value)),
  Reshape: reshape,
  Shape: shapeOf,
  Sigmoid: unary((value) => 1 / (1 + Math.exp(-value))),
  Softmax: softmax,
  Sqrt: unary(Math.sqrt),
  Squeeze: squeeze,
  Sub: binary(
    (a, b) => a - b,
    (a, b) => a - b,
  ),
  Tanh: unary(Math.tanh),
  Transpose: transpose,
  Unsqueeze: unsqueeze,
  Where: where,
};
