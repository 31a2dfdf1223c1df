// Activations in arithmetic. Sources: ONNX, Operators.md; for those of com.microsoft, ONNX Runtime's ContribOperators.md.
import type { CompositeCall, Decomposition } from "./call.ts";

/** x · Φ(x) = x/2 · (1 + erf(x/√2)) (Hendrycks and Gimpel, arXiv 1606.08415). */
function gelu(call: CompositeCall, x: string): string {
  return call.mul(call.mul(x, 0.5), call.add(call.op("Erf", [call.div(x, Math.SQRT2)]), 1));
}

/** The same, approximated by x/2 · (1 + tanh(√(2/π) · (x + 0.044715 · x³))) (as above, section 2). */
function approximateGelu(call: CompositeCall, x: string): string {
  const cubic = call.mul(call.mul(x, call.mul(x, x)), 0.044715);
  const bent = call.op("Tanh", [call.mul(call.add(x, cubic), Math.sqrt(2 / Math.PI))]);
  return call.mul(call.mul(x, 0.5), call.add(bent, 1));
}

/** α·x + β, held between 0 and 1. */
function hardSigmoid(call: CompositeCall, x: string, alpha: number, beta: number): string {
  return call.op("Clip", [call.add(call.mul(x, alpha), beta), 0, 1]);
}

export const ACTIVATIONS: Readonly<Record<string, Decomposition>> = {
  Gelu: (call) => [
    call.string("approximate", "none") === "tanh" ? approximateGelu(call, call.x()) : gelu(call, call.x()),
  ],
  HardSigmoid: (call) => [hardSigmoid(call, call.x(), call.float("alpha", 0.2), call.float("beta", 0.5))],
  HardSwish: (call) => [call.mul(call.x(), hardSigmoid(call, call.x(), 1 / 6, 0.5))],
  Mish: (call) => [call.mul(call.x(), call.op("Tanh", [call.op("Softplus", [call.x()])]))],
  CastLike: (call) => {
    const to = call.dtypeOf(call.x(1));
    return to === undefined ? null : [call.dtype === to ? call.op("Identity", [call.x()]) : call.cast(call.x(), to)];
  },
};

export const CONTRIBUTED_ACTIVATIONS: Readonly<Record<string, Decomposition>> = {
  Gelu: (call) => [gelu(call, call.x())],
  BiasGelu: (call) => [gelu(call, call.add(call.x(), call.x(1)))],
  FastGelu: (call) => [approximateGelu(call, call.hasInput(1) ? call.add(call.x(), call.x(1)) : call.x())],
  QuickGelu: (call) => [call.mul(call.x(), call.op("Sigmoid", [call.mul(call.x(), call.float("alpha", 1.702))]))],
};
