// Both tails of a distribution at a point, as logarithms: the smaller one is computed and the other follows, so that
// neither is ever 1 minus something close to 1, and tails below the smallest double still have a logarithm.

/** log P(X ≤ x) and log P(X > x). */
export interface Tails {
  readonly logLower: number;
  readonly logUpper: number;
}

export const ALL_BELOW: Tails = { logLower: 0, logUpper: Number.NEGATIVE_INFINITY };
export const ALL_ABOVE: Tails = { logLower: Number.NEGATIVE_INFINITY, logUpper: 0 };

/** log(1 − e^value) for value ≤ 0 (Mächler, "Accurately computing log(1 − exp(−|a|))", 2012). */
export function logComplement(value: number): number {
  return value > -Math.LN2 ? Math.log(-Math.expm1(value)) : Math.log1p(-Math.exp(value));
}

/** The tails whose lower one has this logarithm. */
export function tailsFromLower(logLower: number): Tails {
  const log = Math.min(0, logLower);
  return { logLower: log, logUpper: logComplement(log) };
}

/** The tails whose upper one has this logarithm. */
export function tailsFromUpper(logUpper: number): Tails {
  const log = Math.min(0, logUpper);
  return { logLower: logComplement(log), logUpper: log };
}

/** The other way round. */
export function swapped({ logLower, logUpper }: Tails): Tails {
  return { logLower: logUpper, logUpper: logLower };
}
