// Reads JSON straight from its bytes: the grammar, as a cursor that moves over a body once. Objects and arrays are walked
// by their reader, so nothing is built that a request does not keep. Numbers are in `numbers.ts`.
import { type ErrorCode, LIMITS, SlipwayError } from "#base";

/** A cursor over a JSON text, and where in the request it is, for messages. */
export interface Scanner {
  readonly bytes: Uint8Array;
  /** The next byte. */
  at: number;
  /** What is being read: `inputs[2].shape` is the section "inputs", index 2 and field "shape". */
  section: string;
  index: number;
  field: string;
  /** A character for each byte, once a number needed one; see `textAt`. */
  characters: string | null;
  /** The same bytes, several at a time, once numbers are read. */
  view: DataView | null;
}

export function createScanner(bytes: Uint8Array): Scanner {
  return { bytes, at: 0, section: "", index: -1, field: "", characters: null, view: null };
}

/** What `peek` answers after the last byte. */
export const END = -1;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The place being read, as `inputs[2].shape`; "" at the top. */
export function place(s: Scanner): string {
  const base = s.index < 0 ? s.section : `${s.section}[${s.index}]`;
  if (s.field === "") return base;
  return base === "" ? s.field : `${base}.${s.field}`;
}

/** Throws a coded error that names the place and the byte. */
export function fail(s: Scanner, reason: string, at = s.at, code: ErrorCode = "REQUEST_MALFORMED"): never {
  const where = place(s);
  throw new SlipwayError(code, `${where === "" ? "" : `${where}: `}${reason} (byte ${at}).`);
}

/** Throws that `wanted` should stand at the cursor, saying what does. */
export function failExpecting(s: Scanner, wanted: string, code: ErrorCode = "REQUEST_MALFORMED"): never {
  const byte = peek(s);
  fail(s, `expected ${wanted}, found ${byteText(byte)}`, s.at, byte === END ? "REQUEST_MALFORMED" : code);
}

function byteText(byte: number): string {
  if (byte === END) return "the end of the JSON";
  return byte > 0x20 && byte < 0x7f ? `'${String.fromCharCode(byte)}'` : `byte 0x${byte.toString(16).padStart(2, "0")}`;
}

/** Skips white space; answers the byte at the cursor, or END. */
export function peek(s: Scanner): number {
  const { bytes } = s;
  let { at } = s;
  while (at < bytes.length) {
    const byte = bytes[at]!;
    if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) {
      s.at = at;
      return byte;
    }
    at++;
  }
  s.at = at;
  return END;
}

/** Whether the next value is an array. */
export function isArrayNext(s: Scanner): boolean {
  return peek(s) === OPEN_BRACKET;
}

/** Enters an object: its first key, or null where it is empty. The cursor then stands before the key's value. */
export function enterObject(s: Scanner): string | null {
  if (peek(s) !== OPEN_BRACE) failExpecting(s, "an object");
  s.at++;
  if (peek(s) === CLOSE_BRACE) {
    s.at++;
    return null;
  }
  return readKey(s);
}

/** The next key of an object whose last value was read; null at its end. */
export function nextKey(s: Scanner): string | null {
  const byte = peek(s);
  if (byte === COMMA) {
    s.at++;
    return readKey(s);
  }
  if (byte !== CLOSE_BRACE) failExpecting(s, "',' or '}'");
  s.at++;
  return null;
}

/** Enters an array; answers whether it has an element. */
export function enterArray(s: Scanner): boolean {
  if (peek(s) !== OPEN_BRACKET) failExpecting(s, "an array");
  s.at++;
  if (peek(s) !== CLOSE_BRACKET) return true;
  s.at++;
  return false;
}

/** Moves to the next element of an array; false at its end. */
export function nextElement(s: Scanner): boolean {
  const byte = peek(s);
  if (byte !== COMMA && byte !== CLOSE_BRACKET) failExpecting(s, "',' or ']'");
  s.at++;
  return byte === COMMA;
}

/** Checks that nothing follows the value that was read. */
export function finish(s: Scanner): void {
  s.section = s.field = "";
  s.index = -1;
  if (peek(s) !== END) failExpecting(s, "nothing after the closing '}'");
}

function readKey(s: Scanner): string {
  if (peek(s) !== QUOTE) failExpecting(s, "a key in quotes");
  const key = readString(s);
  if (peek(s) !== COLON) failExpecting(s, "':'");
  s.at++;
  return key;
}

/** Reads a string: escapes resolved, UTF-8 checked, unpaired surrogates refused. */
export function readString(s: Scanner, code: ErrorCode = "REQUEST_MALFORMED"): string {
  if (peek(s) !== QUOTE) failExpecting(s, "a string", code);
  const { bytes } = s;
  const start = s.at + 1;
  let at = start;
  let isPlain = true;
  for (;;) {
    if (at >= bytes.length) {
      s.at = bytes.length;
      fail(s, `the string that begins at byte ${start - 1} does not end`);
    }
    const byte = bytes[at]!;
    if (byte === QUOTE) break;
    if (byte < 0x20) fail(s, "a control character in a string must be escaped", at);
    if (byte === BACKSLASH) {
      isPlain = false;
      at++;
    } else if (byte >= 0x80) isPlain = false;
    at++;
  }
  s.at = at + 1;
  if (!isPlain) return readEscapedString(s, start, at);
  return asciiText(bytes, start, at);
}

/** Up to here text is joined byte by byte, which is faster than the decoder's fixed cost. */
const SHORT_TEXT = 24;

/** The text of ASCII bytes. */
function asciiText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > SHORT_TEXT) return decoder.decode(bytes.subarray(start, end));
  let text = "";
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at]!);
  return text;
}

const byteDecoder = new TextDecoder("latin1");

/**
 * The text of ASCII bytes of which there are many in a body, such as its longer numbers: all of it is decoded once, into
 * one character a byte, since decoding each by itself costs several times more.
 */
export function textAt(s: Scanner, start: number, end: number): string {
  s.characters ??= byteDecoder.decode(s.bytes);
  return s.characters.slice(start, end);
}

function readEscapedString(s: Scanner, start: number, end: number): string {
  let raw: string;
  try {
    raw = decoder.decode(s.bytes.subarray(start - 1, end + 1));
  } catch {
    return fail(s, "a string is not valid UTF-8", start);
  }
  let text: string;
  try {
    // The quotes are included: a JSON string by itself, whose escapes the engine knows best.
    text = JSON.parse(raw) as string;
  } catch {
    return fail(s, "a string has an escape JSON does not know", start);
  }
  if (!text.isWellFormed()) fail(s, "a string has an unpaired surrogate escape", start);
  return text;
}

/** Reads `true` or `false`. */
export function readBoolean(s: Scanner, code: ErrorCode = "REQUEST_MALFORMED"): boolean {
  peek(s);
  if (skipLiteral(s, "true")) return true;
  if (skipLiteral(s, "false")) return false;
  return failExpecting(s, "true or false", code);
}

/** Reads `null` where it stands; answers whether it did. */
export function skipNull(s: Scanner): boolean {
  return peek(s) === 0x6e && skipLiteral(s, "null");
}

/** Moves over `literal` where it stands at the cursor; answers whether it did. */
export function skipLiteral(s: Scanner, literal: string): boolean {
  for (let i = 0; i < literal.length; i++) if (s.bytes[s.at + i] !== literal.charCodeAt(i)) return false;
  s.at += literal.length;
  return true;
}

/** Refuses what is nested too deep to be walked safely. */
export function requireDepth(s: Scanner, depth: number): void {
  if (depth > LIMITS.jsonDepth) fail(s, `values are nested deeper than ${LIMITS.jsonDepth} levels`);
}

/**
 * Moves over any value, checking that it is one.
 * @param skipNumber reads a number, from `numbers.ts`
 */
export function skipValue(s: Scanner, skipNumber: (s: Scanner) => unknown, depth = 0): void {
  requireDepth(s, depth);
  switch (peek(s)) {
    case QUOTE:
      readString(s);
      return;
    case OPEN_BRACE:
      for (let key = enterObject(s); key !== null; key = nextKey(s)) skipValue(s, skipNumber, depth + 1);
      return;
    case OPEN_BRACKET:
      for (let isMore = enterArray(s); isMore; isMore = nextElement(s)) skipValue(s, skipNumber, depth + 1);
      return;
    case 0x74: // t
    case 0x66: // f
      readBoolean(s);
      return;
    case 0x6e: // n
      if (!skipLiteral(s, "null")) failExpecting(s, "a value");
      return;
    default:
      skipNumber(s);
  }
}
