import { createData, type DType, elementCount, type NumericDType, type Tensor } from "@slipway/core/tensor";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { joinRows, padValueFrom, trimRows } from "./batch-tensors.ts";

const DTYPES: readonly DType[] = ["float32", "int64", "uint8", "float16", "string"];

function tensorOf(dtype: DType, shape: readonly number[], seed: number): Tensor {
  const count = elementCount(shape);
  if (dtype === "string") return { dtype, shape, data: Array.from({ length: count }, (_, i) => `${seed}:${i}`) };
  const data = createData(dtype, count);
  for (let i = 0; i < count; i++)
    data[i] = (dtype === "int64" ? BigInt(seed * 31 + i) : (seed * 31 + i) % 251) as never;
  return { dtype, shape, data };
}

/** An array that was used before, so that what is not written shows. */
function used(dtype: NumericDType, length: number): ReturnType<typeof createData> {
  const data = createData(dtype, length);
  new Uint8Array(data.buffer).fill(0xee);
  return data;
}

describe("rows", () => {
  it("come back as they were joined", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...DTYPES),
        fc.array(fc.nat(4), { minLength: 1, maxLength: 5 }),
        fc.array(fc.nat(4), { maxLength: 3 }),
        (dtype, rows, rest) => {
          const tensors = rows.map((count, i) => tensorOf(dtype, [count, ...rest], i));
          const joined = joinRows(tensors, null, 0, used);
          expect(joined.shape).toEqual([rows.reduce((sum, count) => sum + count, 0), ...rest]);
          expect(Array.from(joined.data as ArrayLike<unknown>)).toEqual(
            tensors.flatMap(({ data }) => Array.from(data as ArrayLike<unknown>)),
          );
        },
      ),
    );
  });

  it("come back as they were padded, and what was filled up holds the padding", () => {
    fc.assert(
      fc.property(
        fc.constantFrom<NumericDType>("float32", "float64", "int64", "uint8", "float16", "bool"),
        fc.array(fc.record({ rows: fc.integer({ min: 1, max: 3 }), length: fc.nat(5) }), {
          minLength: 2,
          maxLength: 4,
        }),
        fc.constantFrom([], [2]),
        fc.constantFrom([], [3]),
        fc.constantFrom(0, 1, 7),
        (dtype, items, between, inner, wanted) => {
          const axis = 1 + between.length;
          const padding = padValueFrom(dtype, dtype === "bool" ? Math.min(1, wanted) : wanted)!;
          const tensors = items.map(({ rows, length }, i) =>
            tensorOf(dtype, [rows, ...between, length, ...inner], i + 1),
          );
          const joined = joinRows(tensors, axis, padding, used);
          const longest = Math.max(...items.map(({ length }) => length));
          expect(joined.shape[axis]).toBe(longest);
          let start = 0;
          for (const [i, { rows, length }] of items.entries()) {
            expect(trimRows(joined, start, start + rows, axis, length)).toEqual(tensors[i]);
            // Every element past the request's own length, one by one.
            const step = inner.reduce((product, length_) => product * length_, 1);
            const pieces = rows * between.reduce((product, length_) => product * length_, 1);
            const first = start * between.reduce((product, length_) => product * length_, 1);
            for (let piece = first; piece < first + pieces; piece++) {
              const rest = joined.data.slice((piece * longest + length) * step, (piece + 1) * longest * step);
              expect(Array.from(rest as ArrayLike<unknown>).every((value) => value === padding)).toBe(true);
            }
            start += rows;
          }
        },
      ),
    );
  });

  it("are padded only with what their type holds", () => {
    expect(padValueFrom("int64", 1)).toBe(1n);
    expect(padValueFrom("int64", 0.5)).toBeNull();
    expect(padValueFrom("uint8", 255)).toBe(255);
    expect(padValueFrom("uint8", 256)).toBeNull();
    expect(padValueFrom("uint64", -1)).toBeNull();
    expect(padValueFrom("float32", -0.5)).toBe(-0.5);
    expect(padValueFrom("float32", 1e300)).toBeNull();
    expect(padValueFrom("float16", 1)).toBe(0x3c00);
    expect(padValueFrom("bool", 2)).toBeNull();
    expect(padValueFrom("string", 0)).toBeNull();
  });

  it("of one request are not copied", () => {
    const only = tensorOf("float32", [3, 2], 1);
    expect(joinRows([only], null, 0, used)).toBe(only);
  });
});
