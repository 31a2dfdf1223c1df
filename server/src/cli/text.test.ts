import * as fc from "fast-check";
import { expect, test } from "vitest";
import { columns, count, duration, size, wrapped } from "./text.ts";

test.each([
  [0, "0 ms"],
  [0.1234, "0.123 ms"],
  [0.0100001, "0.01 ms"],
  [12.34, "12.3 ms"],
  [999.4, "999 ms"],
  [999.6, "1 s"],
  [1234, "1.23 s"],
  [59_940, "59.9 s"],
  [60_000, "1 min"],
  [125_000, "2 min 5 s"],
  [3_600_000, "1 h"],
  [273_600_000, "3 d 4 h"],
])("the duration %d ms is %s", (ms, text) => expect(duration(ms)).toBe(text));

test.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1024, "1 KiB"],
  [1536, "1.5 KiB"],
  [4 * 2 ** 30, "4 GiB"],
])("the size %d is %s", (bytes, text) => expect(size(bytes)).toBe(text));

test.each([
  [0, "0"],
  [3.456, "3.46"],
  [999, "999"],
  [12_345.6, "12 346"],
  [1_234_567, "1 234 567"],
  [Number.POSITIVE_INFINITY, "–"],
])("the count %d is %s", (value, text) => expect(count(value)).toBe(text));

test("columns line up, whatever is in them, and lines have no blanks at their end", () => {
  expect(
    columns(
      [
        ["a", "1"],
        ["größer", "22"],
      ],
      "lr",
    ),
  ).toEqual(["a        1", "größer  22"]);
  const cell = fc.string({ maxLength: 8 }).map((text) => text.replace(/\s/g, "_"));
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 6 }), (rows) => {
      const lines = columns(rows.map((row) => [...row, "|"]));
      expect(new Set(lines.map((line) => Array.from(line).length)).size).toBe(1);
      for (const line of lines) expect(line).toBe(line.trimEnd());
    }),
  );
});

test("wrapping keeps every word and the limit", () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-z]{1,9}$/), { minLength: 1, maxLength: 30 }), (words) => {
      const lines = wrapped(words.join(" "), 20);
      expect(lines.join(" ")).toBe(words.join(" "));
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(20);
    }),
  );
});
