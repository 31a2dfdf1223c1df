import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseJson } from "./json.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

type Outcome = { value: unknown } | "refused";

function ours(bytes: Uint8Array): Outcome {
  try {
    return { value: parseJson(bytes) };
  } catch (error) {
    expect(error).toMatchObject({ name: "SlipwayError", code: "REQUEST_MALFORMED" });
    return "refused";
  }
}

function engines(bytes: Uint8Array): Outcome {
  try {
    return { value: JSON.parse(decoder.decode(bytes)) };
  } catch {
    return "refused";
  }
}

describe("parseJson", () => {
  it("takes what JSON.parse takes, and gives the same", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), fc.constantFrom("", " ", "\n\t", "\r\n "), (text, space) => {
        const bytes = encoder.encode(space + text + space);
        expect(ours(bytes)).toEqual(engines(bytes));
      }),
      { numRuns: 1000 },
    );
  });

  it("refuses what JSON.parse refuses, when bytes of a text are changed, dropped or put in", () => {
    const edit = fc.record({
      at: fc.nat(),
      kind: fc.constantFrom("change", "drop", "insert"),
      byte: fc.oneof(fc.constantFrom(...encoder.encode('{}[],:"\\0123e.-tfn \u0000\u001f')), fc.nat(255)),
    });
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), fc.array(edit, { minLength: 1, maxLength: 4 }), (text, edits) => {
        const list = [...encoder.encode(text)];
        for (const { at, kind, byte } of edits) {
          const index = at % (list.length + 1);
          if (kind === "change") list[index] = byte;
          else if (kind === "drop") list.splice(index, 1);
          else list.splice(index, 0, byte);
        }
        const bytes = Uint8Array.from(list);
        // The one difference meant: an escape of half a surrogate pair.
        const expected = engines(bytes);
        const isWellFormed = expected === "refused" || JSON.stringify(expected.value).search(/\\ud[89a-f]/) < 0;
        expect(ours(bytes)).toEqual(isWellFormed ? expected : "refused");
      }),
      { numRuns: 5000 },
    );
  });

  it("reads a key the same whatever keys were read before it", () => {
    for (const before of ['{"before":1,"\\\\":2}', '{"before":1,"\\\\n":2}']) JSON.parse(before);
    for (const [text, key] of [
      ['{"before":1,"\\n":3}', "\n"],
      ['{"before":1,"\\u0041":3}', "A"],
      ['{"before":1,"\\nx":3}', "\nx"],
    ] as const) {
      expect(parseJson(encoder.encode(text))).toEqual({ before: 1, [key]: 3 });
    }
  });

  it("gives the last of equal keys, and keeps __proto__ a key like others", () => {
    expect(parseJson(encoder.encode('{"a":1,"b":2,"a":3}'))).toEqual({ a: 3, b: 2 });
    const value = parseJson(encoder.encode('{"__proto__":{"x":1},"__proto__":[2]}')) as object;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.entries(value)).toEqual([["__proto__", [2]]]);
  });

  it.each(["NaN", "[Infinity]", "[-Inf]", "[1,]", "{,}", '{"a":1,}', "[1 2]", '{"a" 1}', "tru", "nul", "", "  "])(
    "refuses %j",
    (text) => {
      expect(() => parseJson(encoder.encode(text))).toThrow(expect.objectContaining({ code: "REQUEST_MALFORMED" }));
    },
  );

  it("bounds depth, of arrays and objects", () => {
    expect(parseJson(encoder.encode("[".repeat(64) + "]".repeat(64)))).toBeInstanceOf(Array);
    expect(() => parseJson(encoder.encode("[".repeat(100_000)))).toThrow(/deeper than 64 levels/);
    expect(() => parseJson(encoder.encode('{"a":'.repeat(100_000)))).toThrow(/deeper than 64 levels/);
  });

  it.each([
    ["an overlong slash", [0x22, 0xc0, 0xaf, 0x22]],
    ["a lone continuation", [0x22, 0x80, 0x22]],
    ["a surrogate in UTF-8", [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ["a cut sequence", [0x22, 0xe2, 0x82, 0x22]],
    ["a byte order mark", [0xef, 0xbb, 0xbf, 0x31]],
    ["UTF-16", [0x31, 0x00]],
  ])("refuses %s", (_, bytes) => {
    expect(() => parseJson(Uint8Array.from(bytes))).toThrow(expect.objectContaining({ code: "REQUEST_MALFORMED" }));
  });
});
