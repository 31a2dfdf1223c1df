// The JSON scanner, against the engine's own parser and against a plain second one. Deliberate differences, and no others:
// nesting over the limit, unpaired surrogates and endless numbers are refused, and tensor data may be NaN or infinite.
import { SlipwayError } from "@slipway/core/base";
import { parseJson } from "@slipway/core/wire";
import { readNumber } from "../../../core/src/wire/oip/numbers.ts";
import {
  createScanner,
  enterArray,
  enterObject,
  finish,
  nextElement,
  nextKey,
  peek,
  readBoolean,
  readString,
  type Scanner,
  skipNull,
  skipValue,
} from "../../../core/src/wire/oip/scan.ts";
import { valueText } from "../json-grammar.ts";
import { type PlainValue, plainJson } from "../plain-json.ts";
import { bytesOf, type FuzzTarget, sortOf } from "../target.ts";

const TOKENS = [
  '"',
  "\\",
  "\\u",
  "\\ud800",
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  "null",
  "true",
  "NaN",
  "-Infinity",
  "1e5",
  "\ufeff",
  "0.",
  "\0",
];
const BACKSLASH = 0x5c;
const utf8 = new TextEncoder();

export const jsonTarget: FuzzTarget = {
  name: "json",
  share: 50,
  maxBytes: 512,
  seeds: () =>
    [
      '{"a":[1,-2.5e3,true,null,"x\\u00e9"],"b":{}}',
      "[]",
      "0",
      '"\\ud83d\\ude00"',
      "[NaN,Infinity,-Inf]",
      "[1e400,-0,5e-324]",
    ].map(bytesOf),
  tokens: TOKENS.map((token) => utf8.encode(token)),
  generate: (random) => utf8.encode(valueText(random)),
  run(input) {
    const strict = plainJson(input, { hasNonFinite: false });
    const engine = enginesValue(input);
    const parsed = outcomeOf(() => parseJson(input));
    if (parsed.ok !== (strict !== null)) throw new Error(`parseJson: ${parsed.end}; JSON: ${strict !== null}`);
    if (strict !== null) {
      requireSame(strict, parsed.value);
      // What is JSON here is JSON to the engine, and the same, but for keys with escapes; see core/src/wire/oip/json.ts.
      if (engine === undefined) throw new Error("JSON here and not to the engine");
      if (!input.includes(BACKSLASH)) requireSame(strict, engine);
    }
    const lenient = strict ?? plainJson(input, { hasNonFinite: true });
    const scanned = outcomeOf(() => scan(input));
    if (scanned.ok !== (lenient !== null))
      throw new Error(`Scanner: ${scanned.end}; JSON with NaN: ${lenient !== null}`);
    if (scanned.ok) requireEqual(scanned.value as PlainValue, lenient!);
    return `${parsed.end}, ${scanned.end}`;
  },
};

type Outcome = { readonly ok: boolean; readonly end: string; readonly value?: unknown };

function outcomeOf(read: () => unknown): Outcome {
  try {
    return { ok: true, end: "read", value: read() };
  } catch (error) {
    if (!(error instanceof SlipwayError) || error.code !== "REQUEST_MALFORMED") throw error;
    return { ok: false, end: sortOf(error.code, error.message) };
  }
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function enginesValue(input: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(input));
  } catch {
    return undefined;
  }
}

/** All of a value, read with the scanner's own steps, after it was skipped as what nobody wants is. */
function scan(input: Uint8Array): PlainValue {
  const s = createScanner(input);
  skipValue(s, readNumber);
  finish(s);
  s.at = 0;
  const value = scanValue(s);
  finish(s);
  return value;
}

function scanValue(s: Scanner): PlainValue {
  switch (String.fromCharCode(peek(s))) {
    case "{": {
      const entries: [string, PlainValue][] = [];
      for (let key = enterObject(s); key !== null; key = nextKey(s)) entries.push([key, scanValue(s)]);
      return { kind: "object", entries };
    }
    case "[": {
      const items: PlainValue[] = [];
      for (let isMore = enterArray(s); isMore; isMore = nextElement(s)) items.push(scanValue(s));
      return { kind: "array", items };
    }
    case '"':
      return { kind: "string", value: readString(s) };
    case "t":
    case "f":
      return { kind: "literal", value: readBoolean(s) };
    case "n":
      skipNull(s);
      return { kind: "literal", value: null };
    default:
      return scanNumber(s);
  }
}

function scanNumber(s: Scanner): PlainValue {
  const start = s.at;
  const value = readNumber(s);
  const end = s.at;
  s.at = start;
  const single = readNumber(s, true);
  if (!Object.is(Math.fround(single), Math.fround(value)))
    throw new Error(`As binary32 ${single}, as binary64 ${value}`);
  return { kind: "number", text: Buffer.from(s.bytes.subarray(start, end)).toString("latin1"), value };
}

function requireEqual(found: PlainValue, wanted: PlainValue): void {
  const isSame =
    found.kind === wanted.kind &&
    (found.kind === "object"
      ? sameLists(found.entries, (wanted as typeof found).entries, ([key, value], [other, otherValue]) => {
          requireEqual(value, otherValue);
          return key === other;
        })
      : found.kind === "array"
        ? sameLists(found.items, (wanted as typeof found).items, (item, other) => {
            requireEqual(item, other);
            return true;
          })
        : Object.is(found.value, (wanted as typeof found).value));
  if (!isSame) throw new Error(`Read ${JSON.stringify(found)}, wanted ${JSON.stringify(wanted)}`);
}

function sameLists<T>(found: readonly T[], wanted: readonly T[], isSame: (a: T, b: T) => boolean): boolean {
  return found.length === wanted.length && found.every((item, index) => isSame(item, wanted[index]!));
}

/** Holds a value against plain data, where the last of equal keys counts. */
function requireSame(plain: PlainValue, other: unknown): void {
  let isSame: boolean;
  if (plain.kind === "array") {
    const items = other as unknown[];
    isSame = Array.isArray(other) && items.length === plain.items.length;
    if (isSame) for (const [index, item] of plain.items.entries()) requireSame(item, items[index]);
  } else if (plain.kind === "object") {
    const last = new Map(plain.entries);
    isSame = typeof other === "object" && other !== null && Object.keys(other).length === last.size;
    if (isSame) for (const [key, value] of last) requireSame(value, (other as Record<string, unknown>)[key]);
  } else isSame = Object.is(plain.value, other);
  if (!isSame) throw new Error(`${JSON.stringify(plain)} here, ${JSON.stringify(other)} there`);
}
