// Shapes of what is computed element by element; lengths in small tensors of integers are computed along.
import { DTYPES, type DType, dtypeFromOnnx } from "#tensor";
import type { Elements } from "../fact.ts";
import { Length } from "../length.ts";
import { alike, made, type Shape, type ShapeCall, type ShapeRule, sameShape } from "../rule.ts";

type Binary = (a: Length, b: Length, isInteger: boolean) => Length | null;

const UNARY = `
  Abs Acos Acosh Asin Asinh Atan Atanh BitwiseNot Celu Clip Cos Cosh CumSum Elu Erf Exp Gelu HardSigmoid HardSwish Hardmax
  IsInf IsNaN LeakyRelu Log LogSoftmax LpNormalization LRN MeanVarianceNormalization Mish Not Reciprocal Relu Selu
  Shrink Sigmoid Sign Sin Sinh Softmax Softplus Softsign Sqrt Swish Tan Tanh ThresholdedRelu Trilu PRelu
  QuantizeLinear DequantizeLinear Bernoulli RandomNormalLike RandomUniformLike Dropout`;

export const ELEMENTWISE: Readonly<Record<string, ShapeRule>> = {
  ...alike(UNARY, sameShape()),
  ...alike(
    "And Or Xor BitShift BitwiseAnd BitwiseOr BitwiseXor Pow Greater GreaterOrEqual Less LessOrEqual",
    broadcasting,
  ),
  ...alike("Sum Mean", broadcasting),
  Identity: passedOn((one) => one),
  Neg: passedOn((one) => one.times(-1)),
  Floor: passedOn((one, isInteger) => (isInteger ? one : roundedTo(one, Math.floor))),
  Ceil: passedOn((one, isInteger) => (isInteger ? one : roundedTo(one, Math.ceil))),
  Round: passedOn((one, isInteger) => (isInteger ? one : roundedTo(one, roundedToEven))),
  Cast: (call) => converted(call, dtypeFromOnnx(call.int("to", 1))),
  CastLike: (call) => converted(call, call.fact(1)?.dtype),
  Add: computed((a, b) => a.plus(b)),
  Sub: computed((a, b) => a.minus(b)),
  Mul: computed((a, b) => a.times(b)),
  Div: computed(quotient),
  Mod: computed((a, b) => (a.number === null || b.number === null || b.is(0) ? null : Length.of(a.number % b.number))),
  Max: computed((a, b) => a.max(b)),
  Min: computed((a, b) => a.min(b)),
  Equal: computed(equality),
  Where: where,
};

export const CONTRIBUTED_ELEMENTWISE: Readonly<Record<string, ShapeRule>> = {
  ...alike("Gelu QuickGelu FastGelu", sameShape()),
  BiasGelu: sameShape(),
};

function broadcasting(call: ShapeCall): ReturnType<ShapeRule> {
  return made(call.broadcast(inputShapes(call)));
}

function inputShapes(call: ShapeCall): readonly (Shape | null)[] {
  return call.node.inputs.map((_, index) => call.shape(index));
}

/** A rule that computes elements one by one, where they are followed. */
function passedOn(compute: (one: Length, isInteger: boolean) => Length | null): ShapeRule {
  return (call) => {
    const isInteger = !isFloating(call.fact(0)?.dtype);
    const elements = call.elements(0)?.map((one) => (one === null ? null : compute(one, isInteger)));
    return made(call.shape(), elements ?? null);
  };
}

/** A rule that computes elements two by two, inputs from the first to the last. */
function computed(compute: Binary): ShapeRule {
  return (call) => {
    const shape = call.broadcast(inputShapes(call));
    if (shape === null || shape.length > 1) return made(shape);
    const isInteger = !isFloating(call.fact(0)?.dtype);
    let elements = call.elements(0);
    for (let index = 1; index < call.inputCount; index++)
      elements = paired(elements, call.elements(index), (a, b) => inPrecision(compute(a, b, isInteger), isInteger));
    return made(shape, elements);
  };
}

/** Numbers that are no integers are taken to be float32. */
function inPrecision(one: Length | null, isInteger: boolean): Length | null {
  return isInteger || one === null || one.number === null ? one : Length.of(Math.fround(one.number));
}

/** Elements of two tensors of at most one axis, with the one that has a single element repeated. */
function paired(
  a: Elements | null,
  b: Elements | null,
  compute: (a: Length, b: Length) => Length | null,
): Elements | null {
  if (a === null || b === null) return null;
  if (a.length !== b.length && a.length !== 1 && b.length !== 1) return null;
  const size = a.length === 1 ? b.length : a.length;
  return Array.from({ length: size }, (_, index) => {
    const [one, two] = [a[a.length === 1 ? 0 : index]!, b[b.length === 1 ? 0 : index]!];
    return one === null || two === null ? null : compute(one, two);
  });
}

/** Division of integers rounds towards 0. */
function quotient(a: Length, b: Length, isInteger: boolean): Length | null {
  if (b.is(0)) return null;
  if (a.number !== null && b.number !== null) {
    const value = a.number / b.number;
    return Length.of(isInteger ? Math.trunc(value) : Math.fround(value));
  }
  const exact = a.dividedBy(b);
  if (exact !== null) return exact;
  const isFloor = isInteger && b.number !== null && b.number > 0 && Number.isInteger(b.number) && a.isNeverNegative;
  return isFloor ? a.floorDividedBy(b.number) : null;
}

function equality(a: Length, b: Length): Length | null {
  if (a.equals(b)) return Length.of(1);
  const difference = a.minus(b);
  const isApart = difference.number !== null || isPositive(difference) || isPositive(difference.times(-1));
  return isApart ? Length.of(0) : null;
}

function isPositive(length: Length): boolean {
  return length.minus(1).isNeverNegative;
}

function where(call: ShapeCall): ReturnType<ShapeRule> {
  const shape = call.broadcast(inputShapes(call));
  if (shape === null || shape.length > 1) return made(shape);
  const [condition, a, b] = [call.elements(0), call.elements(1), call.elements(2)];
  if (condition === null || a === null || b === null) return made(shape);
  const size = Math.max(condition.length, a.length, b.length);
  const at = (elements: Elements, index: number): Length | null => elements[elements.length === 1 ? 0 : index] ?? null;
  return made(
    shape,
    Array.from({ length: size }, (_, index) => {
      const chosen = at(condition, index);
      if (chosen === null) return null;
      return at(chosen.is(0) ? b : a, index);
    }),
  );
}

function converted(call: ShapeCall, to: DType | undefined): ReturnType<ShapeRule> {
  const isWhole = to !== undefined && !isFloating(to);
  const elements = call.elements(0)?.map((one) => {
    if (one === null || to === undefined || to === "string") return null;
    if (to === "bool") return one.number === null ? null : Length.of(one.number === 0 ? 0 : 1);
    return isWhole ? roundedTo(one, Math.trunc) : one;
  });
  return made(call.shape(), elements ?? null);
}

function roundedTo(one: Length, round: (value: number) => number): Length | null {
  if (one.number !== null) return Length.of(round(one.number));
  return one.isWhole ? one : null;
}

function roundedToEven(value: number): number {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

function isFloating(dtype: DType | undefined): boolean {
  if (dtype === undefined) return false;
  const { storage } = DTYPES[dtype];
  return storage === "f32" || storage === "f64" || dtype === "float16" || dtype === "bfloat16";
}
