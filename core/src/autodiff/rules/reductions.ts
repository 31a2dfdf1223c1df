// Gradients of reductions, and of operators that work along one axis: softmax and running sums.
import { type OperatorCall, type OperatorGradient, rule } from "../operator-gradient.ts";

/** A reduction's result, or its gradient, with the axes put back that it lost, so that it broadcasts to the input. */
function kept(call: OperatorCall, value: string): string {
  if (call.int("keepdims", 1) !== 0) return value;
  const { e } = call;
  if (call.hasInput(1) && call.storedInts(1) === null) return e.op("Unsqueeze", [value, call.x(1)]);
  return e.unsqueeze(value, reducedAxes(call));
}

/** The axes a reduction reduces; all of them where it names none. */
function reducedAxes(call: OperatorCall): readonly number[] {
  const given = call.ints("axes") ?? call.storedInts(1) ?? [];
  const rank = call.rank();
  if (given.length > 0) return given.map((axis) => call.axis(axis, rank));
  return call.int("noop_with_empty_axes", 0) !== 0 ? [] : Array.from({ length: rank }, (_, axis) => axis);
}

/** A gradient that broadcasts to the input, in the input's shape. */
function stretched(call: OperatorCall, gradient: string): string {
  return call.e.op("Expand", [gradient, call.e.shapeOf(call.x())]);
}

/** The rule of a reduction; `gradient` has the upstream gradient and the result in a form that broadcasts to the input. */
function reduction(
  formula: string,
  gradient: (call: OperatorCall, g: string, y: () => string) => string,
): OperatorGradient {
  return rule(formula, (call) => [() => gradient(call, kept(call, call.g), () => kept(call, call.y())), null]);
}

const extremum = reduction("dX = G · [X = Y] / number of equal ones", (call, g, y) => {
  const { e } = call;
  const held = e.indicator(e.equal(call.x(), y()));
  return e.mul(held, e.div(g, sumOver(call, held)));
});

/** The sum over the reduced axes, which stay with length 1. */
function sumOver(call: OperatorCall, x: string): string {
  if (call.hasInput(1) && call.storedInts(1) === null) return call.e.op("ReduceSum", [x, call.x(1)], { keepdims: 1 });
  return call.e.sum(x, reducedAxes(call));
}

export const REDUCTIONS: Readonly<Record<string, OperatorGradient>> = {
  ReduceSum: reduction("dX = G", (call, g) => stretched(call, g)),
  ReduceMean: reduction("dX = G / n", (call, g) => {
    const { e } = call;
    const count = e.div(e.cast(e.op("Size", [call.x()])), e.cast(e.op("Size", [call.y()])));
    return stretched(call, e.div(g, count));
  }),
  ReduceSumSquare: reduction("dX = 2 · G · X", (call, g) => call.e.mul(g, call.e.mul(2, call.x()))),
  ReduceL1: reduction("dX = G · sign X", (call, g) => call.e.mul(g, call.e.sign(call.x()))),
  ReduceL2: reduction("dX = G · X / Y, 0 where Y = 0", (call, g, y) => {
    const { e } = call;
    const norm = y();
    return e.mul(call.x(), e.div(g, e.where(e.equal(norm, 0), 1, norm)));
  }),
  ReduceLogSum: reduction("dX = G / e^Y", (call, g, y) => stretched(call, call.e.div(g, call.e.exp(y())))),
  ReduceLogSumExp: reduction("dX = G · e^(X − Y)", (call, g, y) =>
    call.e.mul(g, call.e.exp(call.e.sub(call.x(), y()))),
  ),
  // Without dividing by X, which may be 0: with one 0 among them only it has a gradient, with two none has.
  ReduceProd: reduction("dX = G · the product of the others", (call, g, y) => {
    const { e } = call;
    const isZero = e.equal(call.x(), 0);
    const zeros = sumOver(call, e.indicator(isZero));
    const others = e.where(isZero, 1, call.x());
    const product = productOver(call, others);
    const ofZero = e.where(e.equal(zeros, 1), product, 0);
    const ofOther = e.div(y(), others);
    return e.mul(g, e.where(isZero, ofZero, ofOther));
  }),
  ReduceMax: extremum,
  ReduceMin: extremum,
  Softmax: rule("dX = Y · (G − Σ G · Y), Σ along the axis", (call) => {
    const { e } = call;
    const axis = call.axis(call.int("axis", -1));
    return [() => e.mul(call.y(), e.sub(call.g, e.sum(e.mul(call.g, call.y()), [axis])))];
  }),
  LogSoftmax: rule("dX = G − e^Y · Σ G, Σ along the axis", (call) => {
    const { e } = call;
    const axis = call.axis(call.int("axis", -1));
    return [() => e.sub(call.g, e.mul(e.exp(call.y()), e.sum(call.g, [axis])))];
  }),
  CumSum: rule("dX = the running sum of G from the other end", (call) => {
    const attributes = { exclusive: call.int("exclusive", 0), reverse: call.int("reverse", 0) === 0 };
    return [() => call.e.op("CumSum", [call.g, call.x(1)], attributes), null];
  }),
};

/** The product over the reduced axes, which stay with length 1. */
function productOver(call: OperatorCall, x: string): string {
  if (call.e.opset >= 18) {
    const axes = call.hasInput(1) ? call.x(1) : call.e.ints(reducedAxes(call));
    return call.e.op("ReduceProd", [x, axes], { keepdims: 1 });
  }
  return call.e.op("ReduceProd", [x], { axes: [...reducedAxes(call)], keepdims: 1 });
}
