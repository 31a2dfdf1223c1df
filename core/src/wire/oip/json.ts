// JSON of any shape, for bodies that are not tensors, by the same scanner. Not the engine's JSON.parse, for a second reason
// than depth and UTF-8: that of V8 14 takes a key with an escape for one read before it, such as "\n" for "\\" (it compares
// with the text before its escapes are resolved), so that one caller could change how the next one's body is read.
import { readNumber } from "./numbers.ts";
import {
  createScanner,
  enterArray,
  enterObject,
  failExpecting,
  finish,
  nextElement,
  nextKey,
  peek,
  readBoolean,
  readString,
  requireDepth,
  type Scanner,
  skipNull,
} from "./scan.ts";

/**
 * Parses a JSON body: what JSON.parse should give, where of equal keys the last counts.
 * @throws SlipwayError REQUEST_MALFORMED, naming the byte
 */
export function parseJson(body: Uint8Array): unknown {
  const s = createScanner(body);
  const value = readValue(s, 0);
  finish(s);
  return value;
}

function readValue(s: Scanner, depth: number): unknown {
  requireDepth(s, depth);
  switch (peek(s)) {
    case 0x22: // '"'
      return readString(s);
    case 0x7b: // '{'
      return readObject(s, depth);
    case 0x5b: {
      // '['
      const items: unknown[] = [];
      for (let isMore = enterArray(s); isMore; isMore = nextElement(s)) items.push(readValue(s, depth + 1));
      return items;
    }
    case 0x74: // t
    case 0x66: // f
      return readBoolean(s);
    case 0x6e: // n
      return skipNull(s) ? null : failExpecting(s, "a value");
    default:
      return readStrictNumber(s);
  }
}

function readObject(s: Scanner, depth: number): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (let key = enterObject(s); key !== null; key = nextKey(s)) {
    const value = readValue(s, depth + 1);
    // Assigned, it would become the object's prototype.
    if (key === "__proto__") {
      Object.defineProperty(object, key, { value, configurable: true, enumerable: true, writable: true });
    } else object[key] = value;
  }
  return object;
}

/** A number as JSON knows it: without NaN and Infinity. */
function readStrictNumber(s: Scanner): number {
  const byte = peek(s);
  const next = byte === 0x2d ? s.bytes[s.at + 1]! : byte;
  if (!(next >= 0x30 && next <= 0x39)) failExpecting(s, "a value");
  return readNumber(s);
}
