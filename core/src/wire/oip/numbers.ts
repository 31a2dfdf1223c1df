// JSON numbers from their bytes, bit for bit what `Number()` of the same text gives, without making the text for the
// numbers people send. Beside JSON's grammar the tokens NaN, Inf and Infinity are read, as Triton does.

import type { ErrorCode } from "#base";
import { FIRST_INEXACT, POWERS_OF_TEN, roundsAlike } from "./decimal.ts";
import { fail, failExpecting, type Scanner, skipLiteral, textAt } from "./scan.ts";

const MINUS = 0x2d;
const PLUS = 0x2b;
const DOT = 0x2e;
const ZERO = 0x30;
const LARGEST_POWER = POWERS_OF_TEN.length - 1;
const LARGEST_TEXT = 1 << 16;

/**
 * Reads the number at the cursor (white space already skipped).
 *
 * A decimal is m · 10^k with whole m. Where m < 2^53 and |k| ≤ 22, both factors are exact, so one multiplication or
 * division rounds once and is the nearest binary64: W. D. Clinger, "How to read floating point numbers accurately",
 * PLDI 1990. Anything else goes through `Number()`.
 *
 * @param isSingle the number will be stored as binary32: then only its binary32 rounding is exact, which spares the
 *   slow path for the 17 digits that a widened binary32 prints as
 * @param code of the error where something stands there that is a value, but no number
 */
export function readNumber(s: Scanner, isSingle = false, code: ErrorCode = "REQUEST_MALFORMED"): number {
  const { bytes } = s;
  const start = s.at;
  let at = start;
  // Reading past the end gives undefined, which is no digit in any comparison below.
  let byte = bytes[at]!;
  const isNegative = byte === MINUS;
  if (isNegative) byte = bytes[++at]!;
  let mantissa = byte - ZERO;
  if (!(mantissa >= 0 && mantissa <= 9)) return readNonFinite(s, isNegative, code);
  byte = bytes[++at]!;
  let digit = byte - ZERO;
  if (mantissa === 0 && digit >= 0 && digit <= 9) fail(s, "a number begins with a needless zero", start);
  while (digit >= 0 && digit <= 9) {
    mantissa = mantissa * 10 + digit;
    byte = bytes[++at]!;
    digit = byte - ZERO;
  }
  let scale = 0; // the number is mantissa / 10^scale
  if (byte === DOT) {
    const first = ++at;
    byte = bytes[at]!;
    digit = byte - ZERO;
    while (digit >= 0 && digit <= 9) {
      mantissa = mantissa * 10 + digit;
      byte = bytes[++at]!;
      digit = byte - ZERO;
    }
    scale = at - first;
    if (scale === 0) fail(s, "a number has no digit after its point", at);
  }
  if ((byte | 0x20) === 0x65) {
    byte = bytes[++at]!;
    const isDivided = byte === MINUS;
    if (isDivided || byte === PLUS) byte = bytes[++at]!;
    digit = byte - ZERO;
    if (!(digit >= 0 && digit <= 9)) fail(s, "a number has no digit in its exponent", at);
    let exponent = 0;
    while (digit >= 0 && digit <= 9) {
      exponent = Math.min(exponent * 10 + digit, 1e9);
      byte = bytes[++at]!;
      digit = byte - ZERO;
    }
    scale += isDivided ? exponent : -exponent;
  }
  s.at = at;
  let value: number;
  if (mantissa < FIRST_INEXACT && scale <= LARGEST_POWER && scale >= -LARGEST_POWER) {
    if (scale > 0) value = mantissa / POWERS_OF_TEN[scale]!;
    else value = scale === 0 ? mantissa : mantissa * POWERS_OF_TEN[-scale]!;
  } else {
    value = isSingle ? roundsAlike(mantissa, scale) : Number.NaN;
    if (Number.isNaN(value)) value = Number(numberTextAt(s, isNegative ? start + 1 : start, at));
  }
  return isNegative ? -value : value;
}

/** The text of a number's bytes. */
export function numberTextAt(s: Scanner, start: number, end: number): string {
  if (end - start > LARGEST_TEXT) fail(s, `a number has more than ${LARGEST_TEXT} digits`, start);
  return textAt(s, start, end);
}

/** NaN, Inf and Infinity, with a sign or without: what RapidJSON's kParseNanAndInfFlag takes. */
function readNonFinite(s: Scanner, isNegative: boolean, code: ErrorCode): number {
  const start = s.at;
  if (isNegative) s.at++;
  if (skipLiteral(s, "NaN")) return Number.NaN;
  if (skipLiteral(s, "Infinity") || skipLiteral(s, "Inf")) {
    return isNegative ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  s.at = start;
  if (isNegative) fail(s, "a '-' is not followed by a number");
  return failExpecting(s, "a number", isValueStart(s.bytes[start]) ? code : "REQUEST_MALFORMED");
}

/** Whether a byte begins a JSON value other than a number. */
function isValueStart(byte: number | undefined): boolean {
  return byte !== undefined && '"[{tfn'.includes(String.fromCharCode(byte));
}
