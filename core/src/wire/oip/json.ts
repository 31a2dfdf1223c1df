// JSON of any shape, for bodies that are not tensors: the scanner's rules on depth and UTF-8, then the engine's parser.
import { readNumber } from "./numbers.ts";
import { createScanner, failExpecting, finish, peek, type Scanner, skipValue } from "./scan.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Parses a JSON body.
 * @throws SlipwayError REQUEST_MALFORMED, naming the byte
 */
export function parseJson(body: Uint8Array): unknown {
  const s = createScanner(body);
  skipValue(s, readStrictNumber);
  finish(s);
  return JSON.parse(decoder.decode(body));
}

/** A number as JSON knows it: without NaN and Infinity. */
function readStrictNumber(s: Scanner): void {
  const byte = peek(s);
  const next = byte === 0x2d ? s.bytes[s.at + 1]! : byte;
  if (!(next >= 0x30 && next <= 0x39)) failExpecting(s, "a value");
  readNumber(s);
}
