import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readNumber } from "./numbers.ts";
import { createScanner } from "./scan.ts";

const encoder = new TextEncoder();

function read(text: string, isSingle = false): { value: number; rest: string } {
  const s = createScanner(encoder.encode(text));
  const value = readNumber(s, isSingle);
  return { value, rest: text.slice(s.at) };
}

function isJsonNumber(text: string): boolean {
  try {
    return typeof JSON.parse(text) === "number" && text.trim() === text;
  } catch {
    return false;
  }
}

/** Decimals of every kind JSON allows, with more digits and larger exponents than numbers are usually written with. */
const decimal = fc
  .record({
    sign: fc.constantFrom("", "-"),
    whole: fc.oneof(fc.constant("0"), fc.stringMatching(/^[1-9]\d{0,24}$/)),
    fraction: fc.oneof(fc.constant(""), fc.stringMatching(/^\.\d{1,30}$/)),
    exponent: fc.oneof(fc.constant(""), fc.stringMatching(/^[eE][+-]?\d{1,3}$/)),
  })
  .map(({ sign, whole, fraction, exponent }) => sign + whole + fraction + exponent);

describe("readNumber", () => {
  it("gives the bits Number() gives", () => {
    fc.assert(
      fc.property(fc.oneof(decimal, fc.double({ noNaN: true, noDefaultInfinity: true }).map(String)), (text) => {
        expect(read(text)).toEqual({ value: Number(text), rest: "" });
      }),
      { numRuns: 3000 },
    );
  });

  it("gives the binary32 that rounding Number() gives, where binary32 is what is stored", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          decimal,
          fc.float({ noNaN: true, noDefaultInfinity: true }).map(String), // a binary32 printed as the binary64 it is
          fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => value.toPrecision(9)),
          fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
        ),
        (text) => {
          expect(Math.fround(read(text, true).value)).toBe(Math.fround(Number(text)));
        },
      ),
      { numRuns: 3000 },
    );
  });

  it.each([
    // Halfway between two binary32 values, and a digit to either side of it.
    "16777217",
    "16777217.000000000000001",
    "16777216.999999999999999",
    "1.00000005960464477539062",
    "1.000000059604644775390625",
    "1.00000005960464477539063",
    "7.0064923216240853546186479164495806564013097093825788587853e-46", // half the least subnormal
    "3.4028235677973366e38", // the first that overflows
    "3.4028235677973362e38",
  ])("rounds %s to binary32 as its binary64 does", (text) => {
    expect(Math.fround(read(text, true).value)).toBe(Math.fround(Number(text)));
    expect(Math.fround(read(`-${text}`, true).value)).toBe(Math.fround(-Number(text)));
  });

  it.each([
    "9007199254740993",
    "9007199254740992",
    "9007199254740993e2",
    "90071992547409.93",
    "1e23",
    "1e22",
    "8.5e-23",
    "0.1e-21",
    "1e400",
    "-1e400",
    "1e-400",
  ])("reads %s as Number() does", (text) => {
    expect(read(text).value).toBe(Number(text));
  });

  it("keeps the sign of zero", () => {
    expect(read("-0").value).toBe(-0);
    expect(read("-0.0e5", true).value).toBe(-0);
  });

  it.each([
    ["NaN", Number.NaN],
    ["-NaN", Number.NaN],
    ["Infinity", Number.POSITIVE_INFINITY],
    ["Inf", Number.POSITIVE_INFINITY],
    ["-Infinity", Number.NEGATIVE_INFINITY],
    ["-Inf", Number.NEGATIVE_INFINITY],
  ])("reads %s, as Triton does", (text, value) => {
    expect(read(text)).toEqual({ value, rest: "" });
  });

  it.each(["01", "-01", "-", "+1", ".5", "1.", "1.e5", "1e", "1e+", "--1", "nan", "-nan", "infinity", "e5", "", "x"])(
    "refuses %j",
    (text) => {
      expect(() => read(text)).toThrow(expect.objectContaining({ code: "REQUEST_MALFORMED" }));
    },
  );

  it("takes exactly the texts that JSON takes", () => {
    const near = fc.string({ unit: fc.constantFrom(...Array.from("0123456789.-+eE")), minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(near, (text) => {
        let isWhole: boolean;
        try {
          isWhole = read(text).rest === "";
        } catch {
          isWhole = false;
        }
        expect(isWhole).toBe(isJsonNumber(text));
      }),
      { numRuns: 5000 },
    );
  });

  it("refuses a number of endless digits", () => {
    expect(() => read("1".repeat(100_000))).toThrow(/65536 digits/);
  });
});
