// Gradients of arithmetic, element by element, with broadcasting.
import { type OperatorCall, type OperatorGradient, rule } from "../operator-gradient.ts";
import type { Emitter } from "../emitter.ts";

/** What a derivative is made of: input, output, the call. */
type Derivative = (x: string, y: string, e: Emitter, call: OperatorCall) => string;

/** The rule of an operator Y = f(X) whose derivative f' is written in X and Y: dX = G·f'. */
export function pointwise(formula: string, derivative: Derivative): OperatorGradient {
  return rule(`dX = G · ${formula}`, (call) => [
    () => call.e.mul(call.g, derivative(call.x(), call.y(), call.e, call)),
  ]);
}

/** The rule of an operator that is constant wherever it has a derivative. */
const flat = rule("dX = 0", () => [null]);

/** Shares the gradient among the inputs that hold the extremum: each of n equal ones gets 1/n of it. */
const extremum = rule("dXᵢ = Σ G · [Xᵢ = Y] / number of j with Xⱼ = Y", (call) => {
  const { e } = call;
  const held = call.node.inputs.map((_, index) => e.indicator(e.equal(call.x(index), call.y())));
  const share =
    held.length === 1
      ? call.g
      : e.div(
          call.g,
          held.reduce((sum, one) => e.add(sum, one)),
        );
  return call.each((index) => call.sumToInput(e.mul(share, held[index]!), index));
});

const TWO_OVER_ROOT_PI = 2 / Math.sqrt(Math.PI);

export const ELEMENTWISE: Readonly<Record<string, OperatorGradient>> = {
  Add: rule("dA = Σ G; dB = Σ G", (call) => call.each((index) => call.sumToInput(call.g, index))),
  Sub: rule("dA = Σ G; dB = −Σ G", (call) => [
    () => call.sumToInput(call.g, 0),
    () => call.sumToInput(call.e.neg(call.g), 1),
  ]),
  Mul: rule("dA = Σ G · B; dB = Σ G · A", (call) => [
    () => call.sumToInput(call.e.mul(call.g, call.x(1)), 0),
    () => call.sumToInput(call.e.mul(call.g, call.x(0)), 1),
  ]),
  Div: rule("dA = Σ G / B; dB = −Σ G · Y / B", (call) => [
    () => call.sumToInput(call.e.div(call.g, call.x(1)), 0),
    () => call.sumToInput(call.e.neg(call.e.div(call.e.mul(call.g, call.y()), call.x(1))), 1),
  ]),
  Sum: rule("dXᵢ = Σ G", (call) => call.each((index) => call.sumToInput(call.g, index))),
  Mean: rule("dXᵢ = Σ G / n", (call) =>
    call.each((index) => call.sumToInput(call.e.div(call.g, call.inputCount), index)),
  ),
  Max: extremum,
  Min: extremum,
  Mod: rule("dA = Σ G; dB = −Σ G · trunc(A / B)", (call) => [
    () => call.sumToInput(call.g, 0),
    () => {
      const { e } = call;
      const whole = e.div(e.sub(call.x(0), call.y()), call.x(1));
      return call.sumToInput(e.neg(e.mul(call.g, e.op("Round", [whole]))), 1);
    },
  ]),
  // The exponent's gradient is 0 where the base is not positive: a power there has no derivative by its exponent.
  Pow: rule("dA = Σ G · B · A^(B−1); dB = Σ G · Y · ln A where A > 0, else 0", (call) => {
    const { e } = call;
    const [a, b] = [call.x(0), call.x(1)];
    const exponent = e.axesOf(b) !== null && call.storedNumbers(1) !== null ? call.storedNumbers(1)! : null;
    const base = (): string => {
      if (exponent?.length === 1 && exponent[0] === 2) return e.mul(2, a);
      const inDType = isOf(call, b) ? b : e.cast(b);
      // 0 · 0^(−1) would not be a number; with an exponent of 0 nothing depends on the base.
      const power = e.mul(inDType, e.op("Pow", [a, e.sub(inDType, 1)]));
      return exponent !== null && exponent.every((one) => one !== 0) ? power : e.where(e.equal(inDType, 0), 0, power);
    };
    return [
      () => call.sumToInput(e.mul(call.g, base()), 0),
      () => {
        const isPositive = e.greater(a, 0);
        const byExponent = e.mul(call.y(), e.log(e.where(isPositive, a, 1)));
        return call.sumToInput(e.mul(call.g, e.where(isPositive, byExponent, 0)), 1);
      },
    ];
  }),
  Where: rule("dA = Σ G where C, else 0; dB = Σ 0 where C, else G", (call) => [
    null,
    () => call.sumToInput(call.e.where(call.x(0), call.g, 0), 1),
    () => call.sumToInput(call.e.where(call.x(0), 0, call.g), 2),
  ]),
  // At a bound that is reached exactly the gradient is the input's, as in PyTorch.
  Clip: rule("dX = G where min ≤ X ≤ max, else 0; dmin, dmax = Σ G where the bound holds X", (call) => {
    const { e } = call;
    const [below, above] = [1, 2].map((index) => (call.hasInput(index) ? call.x(index) : null));
    const x = call.x();
    return [
      () => {
        const bounds = [
          ...(below === null ? [] : [e.atLeast(x, below!)]),
          ...(above === null ? [] : [e.atMost(x, above!)]),
        ];
        return bounds.length === 0
          ? call.g
          : e.where(
              bounds.reduce((a, b) => e.and(a, b)),
              call.g,
              0,
            );
      },
      () => call.sumToInput(e.where(e.less(x, below!), call.g, 0), 1),
      () => call.sumToInput(e.where(e.greater(x, above!), call.g, 0), 2),
    ];
  }),
  Neg: rule("dX = −G", (call) => [() => call.e.neg(call.g)]),
  Identity: rule("dX = G", (call) => [() => call.g]),
  // To an integer type the walk does not come: those have no gradient.
  Cast: rule("dX = G in the type of X", (call) => [() => castBack(call)]),
  CastLike: rule("dX = G in the type of X", (call) => [() => castBack(call), null]),
  Abs: pointwise("sign X", (x, _y, e) => e.sign(x)),
  Exp: pointwise("Y", (_x, y) => y),
  Log: rule("dX = G / X", (call) => [() => call.e.div(call.g, call.x())]),
  Sqrt: rule("dX = G / 2Y", (call) => [() => call.e.div(call.g, call.e.mul(2, call.y()))]),
  Reciprocal: pointwise("−Y²", (_x, y, e) => e.neg(e.square(y))),
  Erf: pointwise("2/√π · e^(−X²)", (x, _y, e) => e.mul(TWO_OVER_ROOT_PI, e.exp(e.neg(e.square(x))))),
  Sin: pointwise("cos X", (x, _y, e) => e.op("Cos", [x])),
  Cos: pointwise("−sin X", (x, _y, e) => e.neg(e.op("Sin", [x]))),
  Tan: pointwise("(1 + Y²)", (_x, y, e) => e.add(1, e.square(y))),
  Asin: pointwise("1/√(1 − X²)", (x, _y, e) => e.div(1, e.sqrt(e.sub(1, e.square(x))))),
  Acos: pointwise("−1/√(1 − X²)", (x, _y, e) => e.div(-1, e.sqrt(e.sub(1, e.square(x))))),
  Atan: pointwise("1/(1 + X²)", (x, _y, e) => e.div(1, e.add(1, e.square(x)))),
  Sinh: pointwise("cosh X", (x, _y, e) => e.op("Cosh", [x])),
  Cosh: pointwise("sinh X", (x, _y, e) => e.op("Sinh", [x])),
  Asinh: pointwise("1/√(1 + X²)", (x, _y, e) => e.div(1, e.sqrt(e.add(1, e.square(x))))),
  Acosh: pointwise("1/√(X² − 1)", (x, _y, e) => e.div(1, e.sqrt(e.sub(e.square(x), 1)))),
  Atanh: pointwise("1/(1 − X²)", (x, _y, e) => e.div(1, e.sub(1, e.square(x)))),
  Sign: flat,
  Floor: flat,
  Ceil: flat,
  Round: flat,
};

function castBack(call: OperatorCall): string | null {
  const dtype = call.e.dtypeOf(call.x());
  if (dtype === null) throw call.unavailable(`casts '${call.x()}', whose element type is not known`);
  return call.e.dtypeOf(call.y()) === dtype ? call.g : call.e.cast(call.g, dtype);
}

/** Whether a value has the element type that gradients of this call have. */
function isOf(call: OperatorCall, value: string): boolean {
  return call.e.dtypeOf(value) === call.e.dtype;
}
