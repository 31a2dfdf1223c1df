// Numbers of files as elements of a model's datatypes: what is kept to the bit, what is rounded, what is refused.
import type { DType, NumericData } from "@slipway/core/tensor";
import { expect, test } from "vitest";
import { conversionTo } from "./elements.ts";

const TARGETS: Partial<Record<DType, (length: number) => NumericData>> = {
  float16: (length) => new Uint16Array(length),
  bfloat16: (length) => new Uint16Array(length),
  float32: (length) => new Float32Array(length),
  float64: (length) => new Float64Array(length),
  int8: (length) => new Int8Array(length),
  uint8: (length) => new Uint8Array(length),
  int16: (length) => new Int16Array(length),
  uint16: (length) => new Uint16Array(length),
  int32: (length) => new Int32Array(length),
  uint32: (length) => new Uint32Array(length),
  int64: (length) => new BigInt64Array(length),
  uint64: (length) => new BigUint64Array(length),
  bool: (length) => new Uint8Array(length),
};

test.each<[DType, readonly (number | bigint)[], readonly (number | bigint)[]]>([
  ["float64", [-0, 0.1, 5e-324, 1.7976931348623157e308], []],
  ["float32", [0.5, 16_777_217, 3.4028234663852886e38, -1e-46], [3.5e38, -1e39]],
  ["float16", [1, -2, 65_504, 65_519], [65_520, -70_000]],
  ["bfloat16", [1, -2, 3.38e38], [3.4e38]],
  ["int8", [-128, 127, -0], [-129, 128, 0.5, Number.NaN]],
  ["uint8", [0, 255], [-1, 256]],
  ["int16", [-32_768, 32_767], [32_768]],
  ["uint16", [65_535], [65_536, -1]],
  ["int32", [-(2 ** 31), 2 ** 31 - 1], [2 ** 31]],
  ["uint32", [2 ** 32 - 1], [2 ** 32]],
  ["int64", [-(2n ** 63n), 2n ** 63n - 1n, 5], [2n ** 63n, 2 ** 53, 0.5]],
  ["uint64", [0n, 2n ** 64n - 1n], [-1n, -1]],
  ["bool", [0, 1, 1n], [2, -1, 0.5]],
])("%s takes what it holds and refuses the rest", (dtype, fine, bad) => {
  const { write } = conversionTo(dtype)!;
  const source = (values: readonly (number | bigint)[]) => values as unknown as NumericData;
  const isPlain = dtype === "float32" || dtype === "float64";
  const of = (values: readonly (number | bigint)[]) => (isPlain ? Float64Array.from(values, Number) : source(values));
  expect(write(of(fine), 0, fine.length, TARGETS[dtype]!(fine.length), 0, 1)).toBe(-1);
  for (const value of bad) {
    // The place is told, and what came before it does not matter.
    expect(write(of([fine[0]!, value]), 0, 2, TARGETS[dtype]!(2), 0, 1)).toBe(1);
  }
});

test("halves are rounded to the nearest, ties to even", () => {
  const target = new Uint16Array(4);
  // 1 + 2^-11 is between 1 and the next half; 65519 is nearer to 65504 than to what would be 65536.
  conversionTo("float16")!.write(Float64Array.of(1 + 2 ** -11, 1 + 3 * 2 ** -11, 65_519, -0), 0, 4, target, 0, 1);
  expect([...target]).toEqual([0x3c00, 0x3c02, 0x7bff, 0x8000]);
});

test.each<[string, NumericData]>([
  ["float32", Float32Array.of(9, 1, 2, 3)],
  ["float64", Float64Array.of(9, 1, 2, 3)],
  ["bytes", Uint8Array.of(9, 1, 2, 3)],
  ["longs", BigInt64Array.of(9n, 1n, 2n, 3n)],
])("columns lie side by side, whatever they are stored as: %s", (_, source) => {
  for (const dtype of ["float32", "float64", "int32", "uint8"] as const) {
    const target = TARGETS[dtype]!(8);
    expect(conversionTo(dtype)!.write(source, 1, 3, target, 1, 3)).toBe(-1);
    expect(Array.from(target as Float32Array)).toEqual([0, 1, 0, 0, 2, 0, 0, 3]);
  }
});

test("infinities pass, where floats have them; complex numbers have no conversion", () => {
  const target = new Float32Array(1);
  expect(conversionTo("float32")!.write(Float64Array.of(Number.POSITIVE_INFINITY), 0, 1, target, 0, 1)).toBe(-1);
  expect(target[0]).toBe(Number.POSITIVE_INFINITY);
  expect(conversionTo("complex64")).toBeUndefined();
  expect(conversionTo("string")).toBeUndefined();
});
