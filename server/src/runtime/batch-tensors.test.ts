import { createData, type DType, elementCount, type NumericDType, type Tensor } from "@slipway/core/tensor";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { joinRows, trimRows } from "./batch-tensors.ts";

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
          const joined = joinRows(tensors, null, used);
          expect(joined.shape).toEqual([rows.reduce((sum, count) => sum + count, 0), ...rest]);
          expect(Array.from(joined.data as ArrayLike<unknown>)).toEqual(
            tensors.flatMap(({ data }) => Array.from(data as ArrayLike<unknown>)),
          );
        },
      ),
    );
  });

  it("come back as they were padded, and the padding is zeros", () => {
    fc.assert(
      fc.property(
        fc.constantFrom<DType>("float32", "int64", "uint8", "float16"),
        fc.array(fc.record({ rows: fc.integer({ min: 1, max: 3 }), length: fc.nat(5) }), {
          minLength: 2,
          maxLength: 4,
        }),
        fc.constantFrom([], [2]),
        fc.constantFrom([], [3]),
        (dtype, items, between, inner) => {
          const axis = 1 + between.length;
          const tensors = items.map(({ rows, length }, i) =>
            tensorOf(dtype, [rows, ...between, length, ...inner], i + 1),
          );
          const joined = joinRows(tensors, axis, used);
          const longest = Math.max(...items.map(({ length }) => length));
          expect(joined.shape[axis]).toBe(longest);
          let start = 0;
          let kept = 0;
          for (const [i, { rows, length }] of items.entries()) {
            const cut = trimRows(joined, start, start + rows, axis, length);
            expect(cut).toEqual(tensors[i]);
            start += rows;
            kept += cut.data.length;
          }
          // Elements that are no request's: all zero.
          const values = Array.from(joined.data as ArrayLike<unknown>, Number);
          const total = (values_: readonly number[]): number => values_.reduce((sum, value) => sum + value, 0);
          expect(values.length - kept).toBeGreaterThanOrEqual(0);
          expect(total(values)).toBe(
            total(tensors.flatMap(({ data }) => Array.from(data as ArrayLike<unknown>, Number))),
          );
        },
      ),
    );
  });

  it("of one request are not copied", () => {
    const only = tensorOf("float32", [3, 2], 1);
    expect(joinRows([only], null, used)).toBe(only);
  });
});
