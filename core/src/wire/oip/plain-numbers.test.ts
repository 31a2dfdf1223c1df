import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createData, type NumericDType } from "#tensor";
import { readData } from "./data.ts";
import { type Decimals, readPlainDecimals, readPlainWholes } from "./plain-numbers.ts";
import { createScanner } from "./scan.ts";

const scannerOf = (text: string) => createScanner(new TextEncoder().encode(text));
/** What follows a list in a request: long enough that all of the list is away from the end. */
const TAIL = `]${" ".repeat(40)}`;

const decimal = fc.oneof(
  { weight: 4, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }).map(String) },
  { weight: 4, arbitrary: fc.float({ noNaN: true, noDefaultInfinity: true }).map(String) },
  { weight: 4, arbitrary: fc.stringMatching(/^-?(0|[1-9]\d{0,11})(\.\d{1,25})?$/) },
  { weight: 1, arbitrary: fc.constantFrom("-0", "0", "0.0", "-0.0", "9007199254740993", "900719925474099.3", "1e-5") },
);
const separator = fc.constantFrom(",", ", ", ",\n  ", " ,");

/** A list as text, with its numbers' texts. */
const listOf = (element: fc.Arbitrary<string>) =>
  fc.tuple(fc.array(element, { minLength: 1, maxLength: 30 }), separator).map(([texts, between]) => ({
    texts,
    text: texts.join(between),
  }));

describe("lists of decimals", () => {
  test.each(["float32", "float64"] as const)("are what Number() makes of each text, stored as %s", (dtype) => {
    fc.assert(
      fc.property(listOf(decimal), fc.constantFrom(TAIL, "]"), ({ texts, text }, tail) => {
        const expected = createData(dtype, texts.length) as Decimals;
        texts.forEach((of, i) => (expected[i] = Number(of)));
        expect(readData(scannerOf(`[${text}${tail}`), dtype, [texts.length])).toEqual(expected);
      }),
      { numRuns: 2000 },
    );
  });

  test("are read in one go where they are plain", () => {
    const s = scannerOf(`1,-2.5, 0.36800000071525574,0,1234567.5${TAIL}`);
    const data = new Float32Array(5);
    expect(readPlainDecimals(s, data, true, 0, 0, 5)).toBe(5);
    expect([...data]).toEqual([1, -2.5, Math.fround(0.36800000071525574), 0, 1234567.5]);
    expect(s.at).toBe(`1,-2.5, 0.36800000071525574,0,1234567.5`.length);
  });

  test.each(["01", "1e5", "1.", "-", "NaN", '"1"', "[1]", "1.5E2", "+1", ".5", ""])(
    "stop before %j, which is not plain",
    (text) => {
      const s = scannerOf(`1.5,${text}${TAIL}`);
      const data = new Float64Array(2);
      expect(readPlainDecimals(s, data, false, 0, 0, 2)).toBe(1);
      expect(s.at).toBe(3);
      expect([...data]).toEqual([1.5, 0]);
    },
  );
});

describe("lists of whole numbers", () => {
  const RANGES: Partial<Record<NumericDType, readonly [bigint, bigint]>> = {
    int8: [-(2n ** 7n), 2n ** 7n - 1n],
    uint16: [0n, 2n ** 16n - 1n],
    int32: [-(2n ** 31n), 2n ** 31n - 1n],
    uint32: [0n, 2n ** 32n - 1n],
    int64: [-(2n ** 63n), 2n ** 63n - 1n],
    uint64: [0n, 2n ** 64n - 1n],
  };

  test.each(Object.keys(RANGES) as NumericDType[])("are kept exactly as %s", (dtype) => {
    const [min, max] = RANGES[dtype]!;
    const near = (limit: bigint) => (limit < 300n && limit > -300n ? limit : limit / 2n ** 20n);
    const whole = fc.oneof(fc.bigInt({ min, max }), fc.bigInt({ min: near(min), max: near(max) })).map(String);
    fc.assert(
      fc.property(listOf(whole), fc.constantFrom(TAIL, "]"), ({ texts, text }, tail) => {
        const data = readData(scannerOf(`[${text}${tail}`), dtype, [texts.length]);
        expect(Array.from(data, String)).toEqual(texts);
      }),
      { numRuns: 1000 },
    );
  });

  test.each(["128", "-129", "1.5", "1e3", "007", "true", "4294967295999"])("stop before %s in int8", (text) => {
    const s = scannerOf(`7,${text}${TAIL}`);
    const data = new Int8Array(2);
    expect(readPlainWholes(s, data, 1, [-128, 127], 0, 0, 2)).toBe(1);
    expect(s.at).toBe(1);
    expect([...data]).toEqual([7, 0]);
  });
});
