import { expect, test } from "vitest";
import { tensorsJson, tensorsText } from "./answer-text.ts";

const outputs = [
  { name: "label", dtype: "int32", shape: [2], data: Int32Array.of(12_345_678, -1) },
  { name: "id", dtype: "int64", shape: [1], data: BigInt64Array.of(9_007_199_254_740_993n) },
  { name: "score", dtype: "float32", shape: [3], data: Float32Array.of(0.1, Number.NaN, 1 / 3) },
  { name: "half", dtype: "float16", shape: [1], data: Uint16Array.of(0x3e00) },
  { name: "flag", dtype: "bool", shape: [2], data: Uint8Array.of(1, 0) },
  { name: "text", dtype: "string", shape: [1], data: ["a b"] },
] as const;

test("tensors in lines: whole numbers to the last digit, others rounded", () => {
  const lines = tensorsText(outputs).split("\n");
  expect(lines.map((line) => line.split(/ {2,}/))).toEqual([
    ["label", "int32[2]", "12345678, -1"],
    ["id", "int64[1]", "9007199254740993"],
    ["score", "float32[3]", "0.1, NaN, 0.333333"],
    ["half", "float16[1]", "1.5"],
    ["flag", "bool[2]", "true, false"],
    ["text", "string[1]", '"a b"'],
  ]);
});

test("tensors as JSON: what JSON has no number for is text", () => {
  const { outputs: written } = tensorsJson(outputs) as { outputs: readonly { data: readonly unknown[] }[] };
  expect(written.map(({ data }) => data)).toEqual([
    [12_345_678, -1],
    ["9007199254740993"],
    [Math.fround(0.1), "NaN", Math.fround(1 / 3)],
    [1.5],
    [true, false],
    ["a b"],
  ]);
});
