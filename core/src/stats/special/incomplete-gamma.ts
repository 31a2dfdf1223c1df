// The regularised incomplete gamma function, both tails, and its inverse: behind the gamma, chi-square, Poisson and normal
// distributions.
import { assert } from "#base";
import { logGamma, logPoissonTerm } from "./log-gamma.ts";
import { solveIncreasing } from "./solve.ts";
import { ALL_ABOVE, ALL_BELOW, type Tails, tailsFromLower, tailsFromUpper } from "./tails.ts";

const EPSILON = 2 ** -53;
const TINY = 1e-300;

/**
 * P(a, x) (lower) and Q(a, x) (upper) for a > 0, x ≥ 0.
 *
 * The power series (DLMF 8.11.4) below x = a + 1, Legendre's continued fraction (DLMF 8.9.2) by the modified Lentz method
 * above (Numerical Recipes, 3rd edition, 6.2), each scaled by a density in Loader's form. Both need about √a terms.
 */
export function incompleteGamma(a: number, x: number): Tails {
  if (x <= 0) return ALL_ABOVE;
  if (x === Number.POSITIVE_INFINITY) return ALL_BELOW;
  const logTerm = logPoissonTerm(a, x);
  if (x < a + 1) return tailsFromLower(logTerm + Math.log(series(a, x)));
  // Where P is almost all and a is small, Q is a small number times the fraction as well: no case needs 1 − P.
  return tailsFromUpper(logTerm + Math.log(a) + Math.log(fraction(a, x)));
}

/** Σ x^n / ((a + 1) … (a + n)). */
function series(a: number, x: number): number {
  const limit = termLimit(a);
  let term = 1;
  let sum = 1;
  for (let n = 1; n < limit; n++) {
    term *= x / (a + n);
    sum += term;
    if (term < sum * EPSILON) return sum;
  }
  assert(false, `The incomplete gamma series did not converge at a = ${a}, x = ${x}.`);
}

/** Γ(a, x) / (x^a e^(−x)). */
function fraction(a: number, x: number): number {
  const limit = termLimit(a);
  let b = x + 1 - a;
  let c = 1 / TINY;
  let d = 1 / b;
  let product = d;
  for (let n = 1; n < limit; n++) {
    const coefficient = -n * (n - a);
    b += 2;
    d = coefficient * d + b;
    if (Math.abs(d) < TINY) d = TINY;
    c = b + coefficient / c;
    if (Math.abs(c) < TINY) c = TINY;
    d = 1 / d;
    const factor = d * c;
    product *= factor;
    if (Math.abs(factor - 1) <= 2 * EPSILON) return product;
  }
  assert(false, `The incomplete gamma fraction did not converge at a = ${a}, x = ${x}.`);
}

const termLimit = (a: number): number => 1000 + 40 * Math.sqrt(a);

/**
 * log x such that the named tail of `incompleteGamma(a, x)` has this logarithm.
 * @returns −Infinity where x is below the smallest double
 */
export function inverseIncompleteGamma(a: number, tail: keyof Tails, logTarget: number): number {
  if (logTarget === Number.NEGATIVE_INFINITY) return tail === "logLower" ? logTarget : Number.POSITIVE_INFINITY;
  const isLower = tail === "logLower";
  // P ≈ x^a / Γ(a + 1) for small x; the mean otherwise.
  const small = (logTarget + logGamma(a + 1)) / a;
  const start =
    isLower && small < Math.log(a) - 1 ? small : Math.log(a + (isLower ? 0 : Math.sqrt(-2 * logTarget * a)));
  return solveIncreasing((u) => {
    const x = Math.exp(u);
    const log = x === 0 ? a * u - logGamma(a + 1) : incompleteGamma(a, x)[tail];
    // d/du of the tail is ± x times the density, x^a e^(−x) / Γ(a).
    const logDerivative = (x === 0 ? log : logPoissonTerm(a, x)) + Math.log(a) - log;
    return { value: isLower ? log - logTarget : logTarget - log, derivative: Math.exp(logDerivative) };
  }, start);
}
