// The numbers people send, read in one tight loop: plain decimals and whole numbers, a comma between them. A request of
// mid size is mostly numbers, and here each takes a fraction of what `readNumber` takes. Whatever is not plain (an
// exponent, a lone tail, NaN, a fault) is left where it stands for `readNumber`, which alone decides what is an error.
import { FIRST_INEXACT, POWERS_OF_TEN, roundsAlike } from "./decimal.ts";
import type { Scanner } from "./scan.ts";

const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const SPACE = 0x20;
const LOWER_CASE = 0x20;
const E = 0x65;
const LARGEST_POWER = POWERS_OF_TEN.length - 1;
/** The tail of a text is left to the careful reader, so that four bytes at a time never reach past its end. */
const MARGIN_BYTES = 32;
/** So many digits fit a whole number of 32 bits. */
const WHOLE_DIGITS = 9;

/** What plain decimals are written to. */
export type Decimals = Float32Array | Float64Array;
/** What plain whole numbers are written to. */
export type Wholes = Int8Array | Int16Array | Int32Array | Uint8Array | Uint16Array | Uint32Array;

/**
 * Reads decimals into `data` from `offset` on: those from the `from`-th to the last of `count`, a comma before each but
 * the first of all. The cursor ends behind the last it read. Each value is what `readNumber` gives for the same text.
 *
 * Digits after the point are taken four at a time: masks tell whether four bytes are all digits, two multiplications
 * join them (the usual trick of fast parsers, in 32-bit arithmetic).
 *
 * @param isSingle see `readNumber`
 * @returns the first it did not read; `from` where the cursor stands at nothing plain
 */
export function readPlainDecimals(
  s: Scanner,
  data: Decimals,
  isSingle: boolean,
  offset: number,
  from: number,
  count: number,
): number {
  const { bytes } = s;
  s.view ??= new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { view } = s;
  const last = bytes.length - MARGIN_BYTES;
  let end = s.at;
  let index = from;
  for (; index < count; index++) {
    let at = end;
    if (at > last) break;
    if (index > 0) {
      if (bytes[at] !== COMMA) break;
      at++;
    }
    let byte = bytes[at]!;
    if (byte === SPACE) byte = bytes[++at]!;
    const isNegative = byte === MINUS;
    if (isNegative) byte = bytes[++at]!;
    let value = byte - ZERO;
    if (value < 0 || value > 9) break;
    byte = bytes[++at]!;
    let digit = byte - ZERO;
    if (value === 0) {
      if (digit >= 0 && digit <= 9) break;
    } else {
      while (digit >= 0 && digit <= 9) {
        value = value * 10 + digit;
        byte = bytes[++at]!;
        digit = byte - ZERO;
      }
      if (at > last) break;
    }
    if (byte === DOT) {
      const first = ++at;
      let four = view.getUint32(at, true);
      while (areDigits(four)) {
        value = value * 10_000 + joined(four);
        at += 4;
        if (at > last) break;
        four = view.getUint32(at, true);
      }
      byte = bytes[at]!;
      digit = byte - ZERO;
      while (digit >= 0 && digit <= 9) {
        value = value * 10 + digit;
        byte = bytes[++at]!;
        digit = byte - ZERO;
      }
      const scale = at - first;
      if (scale === 0 || at > last) break;
      if (value < FIRST_INEXACT && scale <= LARGEST_POWER) value /= POWERS_OF_TEN[scale]!;
      else {
        if (!isSingle) break;
        value = roundsAlike(value, scale);
        if (Number.isNaN(value)) break;
      }
    } else if (value >= FIRST_INEXACT) break;
    if ((byte | LOWER_CASE) === E) break;
    data[offset + index] = isNegative ? -value : value;
    end = at;
  }
  s.at = end;
  return index;
}

/**
 * Reads whole numbers of up to nine digits, as `readPlainDecimals` reads decimals.
 * @param stride elements of `data` for each number; with 2, `data` is the low and high halves of 64-bit numbers in turn
 * @param least the least value `data` takes; a number outside it and `greatest` is not plain
 */
export function readPlainWholes(
  s: Scanner,
  data: Wholes,
  stride: 1 | 2,
  [least, greatest]: readonly [number, number],
  offset: number,
  from: number,
  count: number,
): number {
  const { bytes } = s;
  const last = bytes.length - MARGIN_BYTES;
  let end = s.at;
  let index = from;
  for (; index < count; index++) {
    let at = end;
    if (at > last) break;
    if (index > 0) {
      if (bytes[at] !== COMMA) break;
      at++;
    }
    let byte = bytes[at]!;
    if (byte === SPACE) byte = bytes[++at]!;
    const isNegative = byte === MINUS;
    if (isNegative) byte = bytes[++at]!;
    const first = at;
    let value = byte - ZERO;
    if (value < 0 || value > 9) break;
    byte = bytes[++at]!;
    let digit = byte - ZERO;
    if (value === 0 && digit >= 0 && digit <= 9) break;
    while (digit >= 0 && digit <= 9) {
      value = (Math.imul(value, 10) + digit) | 0;
      byte = bytes[++at]!;
      digit = byte - ZERO;
    }
    if (at - first > WHOLE_DIGITS || byte === DOT || (byte | LOWER_CASE) === E) break;
    if (isNegative) value = -value;
    if (value < least || value > greatest) break;
    const to = stride * (offset + index);
    data[to] = value;
    if (stride === 2) data[to + 1] = value < 0 ? -1 : 0;
    end = at;
  }
  s.at = end;
  return index;
}

/** Whether each of four bytes is an ASCII digit. */
function areDigits(four: number): boolean {
  return (four & 0xf0f0f0f0) === (0x30303030 | 0) && ((four + 0x06060606) & 0xf0f0f0f0) === (0x30303030 | 0);
}

/** The number four ASCII digits write, the first in the lowest byte. */
function joined(four: number): number {
  const nibbles = four & 0x0f0f0f0f;
  const pairs = (Math.imul(nibbles, 10) + (nibbles >>> 8)) & 0x00ff00ff;
  return (Math.imul(pairs, 100) + (pairs >>> 16)) & 0xffff;
}
