// Gradients of activation functions.
import { float } from "#graph";
import type { Emitter } from "../emitter.ts";
import { once } from "../once.ts";
import { type OperatorCall, type OperatorGradient, rule } from "../operator-gradient.ts";
import { pointwise } from "./elementwise.ts";

const INVERSE_ROOT_2 = Math.SQRT1_2;
const INVERSE_ROOT_2PI = 1 / Math.sqrt(2 * Math.PI);
/** Of the approximation of GELU by a hyperbolic tangent. Source: Hendrycks and Gimpel, arXiv 1606.08415. */
const ROOT_2_OVER_PI = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

/** Φ(x) + x·φ(x), with Φ and φ of the standard normal distribution. */
function geluDerivative(x: string, e: Emitter): string {
  // Each node is a pass over memory, so the density is the inverse of e^(u²), u = x/√2, whose square is not scaled again.
  const u = e.mul(x, INVERSE_ROOT_2);
  const cumulative = e.op("HardSigmoid", [e.op("Erf", [u])], { alpha: float(0.5), beta: float(0.5) });
  const inverse = e.exp(e.square(u));
  return e.add(cumulative, e.div(e.mul(x, INVERSE_ROOT_2PI), inverse));
}

/** The derivative of x/2 · (1 + tanh u), u = √(2/π)·(x + 0.044715·x³). */
function tanhGeluDerivative(x: string, e: Emitter): string {
  const squared = e.square(x);
  const u = e.mul(e.mul(ROOT_2_OVER_PI, x), e.add(1, e.mul(CUBIC, squared)));
  const t = e.tanh(u);
  const slope = e.mul(ROOT_2_OVER_PI, e.add(1, e.mul(3 * CUBIC, squared)));
  const rest = e.mul(e.mul(e.mul(0.5, x), e.sub(1, e.square(t))), slope);
  return e.add(e.mul(0.5, e.add(1, t)), rest);
}

/** s·(1 + α·x·(1 − s)), s = sigmoid(α·x): the derivative of x·sigmoid(α·x). */
function swishDerivative(x: string, alpha: number, e: Emitter): string {
  const scaled = alpha === 1 ? x : e.mul(alpha, x);
  const s = e.sigmoid(scaled);
  return e.mul(s, e.add(1, e.mul(scaled, e.sub(1, s))));
}

/** float32's largest number: times it, all positive numbers but those below 3e-39 are 1 or more. */
const STEEPEST = (2 - 2 ** -23) * 2 ** 127;

/** 1 where X > 0, else 0: in float32 of one node in place of two. */
function isPositive(call: OperatorCall): string {
  const { e } = call;
  if (e.dtype !== "float32") return e.indicator(e.greater(call.x(), 0));
  return e.op("HardSigmoid", [call.x()], { alpha: float(STEEPEST), beta: float(0) });
}

/** G where X > 0, else G times a derivative. */
function gated(formula: string, otherwise: (call: OperatorCall) => string): OperatorGradient {
  return rule(formula, (call) => [() => call.e.where(call.e.greater(call.x(), 0), call.g, otherwise(call))]);
}

export const ACTIVATIONS: Readonly<Record<string, OperatorGradient>> = {
  // Times 0 or 1, which is measured to take a third of the time of a choice.
  Relu: rule("dX = G where X > 0, else 0", (call) => [() => call.e.mul(call.g, isPositive(call))]),
  LeakyRelu: gated("dX = G where X > 0, else α · G", (call) => call.e.mul(call.float("alpha", 0.01), call.g)),
  PRelu: rule("dX = G where X > 0, else slope · G; dslope = Σ G · min(X, 0)", (call) => {
    const { e, g } = call;
    return [
      () => e.where(e.greater(call.x(), 0), g, e.mul(call.x(1), g)),
      () => call.sumToInput(e.mul(g, e.op("Min", [call.x(), 0])), 1),
    ];
  }),
  ThresholdedRelu: rule("dX = G where X > α, else 0", (call) => [
    () => call.e.where(call.e.greater(call.x(), call.float("alpha", 1)), call.g, 0),
  ]),
  Elu: gated("dX = G where X > 0, else G · (Y + α)", (call) =>
    call.e.mul(call.g, call.e.add(call.y(), call.float("alpha", 1))),
  ),
  Selu: rule("dX = γ · G where X > 0, else G · (Y + γα)", (call) => {
    const { e, g } = call;
    const gamma = call.float("gamma", 1.0507009873554805);
    const alpha = call.float("alpha", 1.6732632423543772);
    return [() => e.where(e.greater(call.x(), 0), e.mul(gamma, g), e.mul(g, e.add(call.y(), gamma * alpha)))];
  }),
  Celu: gated("dX = G where X > 0, else G · e^(X/α)", (call) =>
    call.e.mul(call.g, call.e.exp(call.e.div(call.x(), call.float("alpha", 1)))),
  ),
  Sigmoid: pointwise("Y · (1 − Y)", (_x, y, e) => e.mul(y, e.sub(1, y))),
  Tanh: pointwise("(1 − Y²)", (_x, y, e) => e.sub(1, e.square(y))),
  Softplus: pointwise("sigmoid X", (x, _y, e) => e.sigmoid(x)),
  Softsign: rule("dX = G / (1 + |X|)²", (call) => [
    () => call.e.div(call.g, call.e.square(call.e.add(1, call.e.op("Abs", [call.x()])))),
  ]),
  HardSigmoid: rule("dX = α · G where 0 < αX + β < 1, else 0", (call) => {
    const { e } = call;
    const alpha = call.float("alpha", 0.2);
    return [
      () => {
        const isOpen = e.and(e.greater(call.y(), 0), e.less(call.y(), 1));
        return e.where(isOpen, e.mul(alpha, call.g), 0);
      },
    ];
  }),
  HardSwish: rule("dX = G · (0 where X ≤ −3, 1 where X ≥ 3, else X/3 + 1/2)", (call) => {
    const { e } = call;
    return [
      () => {
        const slope = e.add(e.div(call.x(), 3), 0.5);
        const ends = e.indicator(e.atLeast(call.x(), 3));
        const isBetween = e.and(e.greater(call.x(), -3), e.less(call.x(), 3));
        return e.mul(call.g, e.where(isBetween, slope, ends));
      },
    ];
  }),
  Gelu: rule("dX = G · (Φ(X) + X · φ(X)); where it is approximated, the derivative of the approximation", (call) => [
    () => {
      const isApproximated = call.string("approximate", "none") === "tanh";
      const derivative = isApproximated ? tanhGeluDerivative : geluDerivative;
      return call.e.mul(call.g, derivative(call.x(), call.e));
    },
  ]),
  Swish: pointwise("s · (1 + αX · (1 − s)), s = sigmoid αX", (x, _y, e, call) =>
    swishDerivative(x, call.float("alpha", 1), e),
  ),
  Mish: pointwise("(t + X · s · (1 − t²)), t = tanh softplus X, s = sigmoid X", (x, _y, e) => {
    const t = e.tanh(e.op("Softplus", [x]));
    return e.add(t, e.mul(e.mul(x, e.sigmoid(x)), e.sub(1, e.square(t))));
  }),
  Shrink: rule("dX = G where |X| > λ, else 0", (call) => [
    () => call.e.where(call.e.greater(call.e.op("Abs", [call.x()]), call.float("lambd", 0.5)), call.g, 0),
  ]),
};

/** Those of ONNX Runtime's own domain. */
export const CONTRIBUTED_ACTIVATIONS: Readonly<Record<string, OperatorGradient>> = {
  Gelu: pointwise("(Φ(X) + X · φ(X))", (x, _y, e) => geluDerivative(x, e)),
  QuickGelu: pointwise("s · (1 + αX · (1 − s)), s = sigmoid αX", (x, _y, e, call) =>
    swishDerivative(x, call.float("alpha", 1.702), e),
  ),
  FastGelu: biased("of the approximation of GELU by tanh", tanhGeluDerivative),
  BiasGelu: biased("of GELU", geluDerivative),
};

/** An activation of X + B, where B may be left out. */
function biased(formula: string, derivative: (x: string, e: Emitter) => string): OperatorGradient {
  return rule(`dX = G · the derivative ${formula} at X + B; dB = Σ dX`, (call) => {
    const { e } = call;
    const both = once(() => e.mul(call.g, derivative(call.hasInput(1) ? e.add(call.x(), call.x(1)) : call.x(), e)));
    return [both, () => call.sumToInput(both(), 1)];
  });
}
