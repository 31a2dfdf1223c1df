// Exact decimal to binary: m · 10^k with whole m, the powers it takes, and when an inexact product still rounds right.

/** Powers of ten that binary64 holds exactly. */
export const POWERS_OF_TEN = [
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
  1e21, 1e22,
] as const;
/** Every whole number below this is a binary64; one above it may have been rounded to it. */
export const FIRST_INEXACT = 2 ** 53;
const LARGEST_POWER = POWERS_OF_TEN.length - 1;
/** Fourteen digits more than binary64 holds exactly. */
const LARGEST_APPROXIMATE = FIRST_INEXACT * 1e14;

/**
 * A number that rounds to the binary32 nearest to mantissa / 10^scale, or NaN where this cannot tell.
 *
 * Past 2^53 every digit rounded the mantissa twice, each time by at most 2^-53 of it; with at most 14 such digits and
 * two divisions that is well below 2^-48. Rounding never changes order, so where both ends of that interval round to
 * the same binary32, so does the number between them.
 */
export function roundsAlike(mantissa: number, scale: number): number {
  if (mantissa > LARGEST_APPROXIMATE || Math.abs(scale) > 2 * LARGEST_POWER) return Number.NaN;
  const first = POWERS_OF_TEN[Math.min(Math.abs(scale), LARGEST_POWER)]!;
  const second = POWERS_OF_TEN[Math.max(Math.abs(scale) - LARGEST_POWER, 0)]!;
  const value = scale < 0 ? mantissa * first * second : mantissa / first / second;
  return Math.fround(value * (1 - 2 ** -48)) === Math.fround(value * (1 + 2 ** -48)) ? value : Number.NaN;
}
