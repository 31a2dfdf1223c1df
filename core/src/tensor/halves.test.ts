import fc from "fast-check";
import { expect, test } from "vitest";
import { bfloat16FromNumber, float16FromNumber, numberFromBfloat16, numberFromFloat16 } from "./halves.ts";

test("every binary16 equals what Float16Array makes of it", () => {
  const view = new Float16Array(1);
  const bits = new Uint16Array(view.buffer);
  for (let i = 0; i < 65536; i++) {
    bits[0] = i;
    expect(numberFromFloat16(i)).toBe(view[0]);
    if (!Number.isNaN(view[0])) expect(float16FromNumber(view[0]!)).toBe(i);
  }
});

test("numbers round to binary16 as Float16Array rounds them", () => {
  const view = new Float16Array(1);
  const bits = new Uint16Array(view.buffer);
  const near = fc.oneof(
    fc.double({ noNaN: true }),
    fc.double({ min: -70000, max: 70000, noNaN: true }),
    fc.double({ min: -1e-4, max: 1e-4, noNaN: true }),
  );
  fc.assert(
    fc.property(near, (value) => {
      view[0] = value;
      expect(float16FromNumber(value)).toBe(bits[0]);
    }),
    { numRuns: 5000 },
  );
});

test("bfloat16 reads back, and rounds to the nearest, ties to even", () => {
  for (let i = 0; i < 65536; i++) {
    const value = numberFromBfloat16(i);
    if (!Number.isNaN(value)) expect(bfloat16FromNumber(value)).toBe(i);
  }
  fc.assert(
    fc.property(fc.double({ min: -3e38, max: 3e38, noNaN: true }), (value) => {
      const bits = bfloat16FromNumber(value);
      const error = Math.abs(numberFromBfloat16(bits) - value);
      // The same exact search over the neighbours: none is nearer.
      for (const other of [bits - 1, bits + 1]) {
        if ((other & 0x7fff) > 0x7f7f || other < 0 || other > 65535) continue;
        const distance = Math.abs(numberFromBfloat16(other) - value);
        expect(distance > error || (distance === error && (bits & 1) === 0)).toBe(true);
      }
    }),
    { numRuns: 5000 },
  );
  // Just above a tie in binary64, a tie once rounded to binary32: rounding twice would go down.
  expect(bfloat16FromNumber(1 + 2 ** -8 + 2 ** -40)).toBe(0x3f81);
  expect(bfloat16FromNumber(1 + 2 ** -8 - 2 ** -40)).toBe(0x3f80);
  expect(bfloat16FromNumber(1 + 2 ** -8)).toBe(0x3f80);
});
