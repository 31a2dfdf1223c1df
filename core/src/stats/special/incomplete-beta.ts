// The regularised incomplete beta function, both tails, and its inverse: behind the beta, binomial, t and F distributions.
import { assert } from "#base";
import { logBinomialTerm } from "./log-gamma.ts";
import { solveIncreasing } from "./solve.ts";
import { ALL_ABOVE, ALL_BELOW, type Tails, tailsFromLower, tailsFromUpper } from "./tails.ts";

const EPSILON = 2 ** -53;
const TINY = 1e-300;

/**
 * I_x(a, b) (lower) and 1 − I_x(a, b) (upper) for a, b > 0. x and y = 1 − x are both taken, so that neither end loses digits.
 *
 * The continued fraction DLMF 8.17.22 by the modified Lentz method, on the side of the mean where it converges (Numerical
 * Recipes, 3rd edition, 6.4), scaled by a density in Loader's form. It needs about √max(a, b) terms.
 */
export function incompleteBeta(a: number, b: number, x: number, y: number): Tails {
  if (x <= 0) return ALL_ABOVE;
  if (y <= 0) return ALL_BELOW;
  const logTerm = logBinomialTerm(a, b, x, y);
  // x^a y^b / (a B(a, b)) is that term times b / (a + b); the same from the other end.
  if (x * (a + b + 2) < a + 1) return tailsFromLower(logTerm + Math.log((b / (a + b)) * fraction(a, b, x)));
  return tailsFromUpper(logTerm + Math.log((a / (a + b)) * fraction(b, a, y)));
}

function fraction(a: number, b: number, x: number): number {
  const limit = 1000 + 40 * Math.sqrt(Math.max(a, b));
  const sum = a + b;
  let c = 1;
  let d = 1 - (sum * x) / (a + 1);
  if (Math.abs(d) < TINY) d = TINY;
  d = 1 / d;
  let product = d;
  for (let m = 1; m < limit; m++) {
    const twice = a + 2 * m;
    const even = (m * (b - m) * x) / ((twice - 1) * twice);
    d = 1 + even * d;
    if (Math.abs(d) < TINY) d = TINY;
    c = 1 + even / c;
    if (Math.abs(c) < TINY) c = TINY;
    d = 1 / d;
    product *= d * c;
    const odd = (-(a + m) * (sum + m) * x) / (twice * (twice + 1));
    d = 1 + odd * d;
    if (Math.abs(d) < TINY) d = TINY;
    c = 1 + odd / c;
    if (Math.abs(c) < TINY) c = TINY;
    d = 1 / d;
    const factor = d * c;
    product *= factor;
    if (Math.abs(factor - 1) <= 2 * EPSILON) return product;
  }
  assert(false, `The incomplete beta fraction did not converge at a = ${a}, b = ${b}, x = ${x}.`);
}

/**
 * log(x / (1 − x)) such that the named tail of `incompleteBeta(a, b, x, 1 − x)` has this logarithm: in this coordinate both
 * ends keep their digits.
 */
export function inverseIncompleteBeta(a: number, b: number, tail: keyof Tails, logTarget: number): number {
  if (logTarget === Number.NEGATIVE_INFINITY) return tail === "logLower" ? logTarget : Number.POSITIVE_INFINITY;
  const isLower = tail === "logLower";
  const toTheBeta = Math.log(a * b) - Math.log(a + b);
  return solveIncreasing(
    (u) => {
      const [x, y] = fromLogit(u);
      const log = incompleteBeta(a, b, x, y)[tail];
      // dx/du = x y, so d/du of the lower tail is x^a y^b / B(a, b).
      const logDerivative = logBinomialTerm(a, b, x, y) + toTheBeta - log;
      return { value: isLower ? log - logTarget : logTarget - log, derivative: Math.exp(logDerivative) };
    },
    Math.log(a / b),
  );
}

/** x and 1 − x from log(x / (1 − x)). */
export function fromLogit(u: number): readonly [number, number] {
  const small = Math.exp(-Math.abs(u));
  const lesser = small / (1 + small);
  const greater = 1 / (1 + small);
  return u < 0 ? [lesser, greater] : [greater, lesser];
}
