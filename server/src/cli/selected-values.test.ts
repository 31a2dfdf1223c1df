// Values of classes and slices as tables: what belongs to what, how names are read, and what is left out.
import type { EvidenceView } from "slipway/client";
import { expect, test } from "vitest";
import { splitValues } from "./selected-values.ts";

const value = (one: number | null, lower?: number): EvidenceView["values"][string] => ({
  value: one,
  reason: one === null ? "Only 3 rows; at least 30 are needed to tell." : null,
  unit: "1",
  interval: lower === undefined ? null : { lower, upper: 1, level: 0.95 },
  method: "Wilson",
  count: 9,
});

test("what is of the whole stays, classes and slices have a table each", () => {
  const { whole, lines } = splitValues({
    accuracy: value(0.9, 0.8),
    "quantile-loss[0.9]": value(2),
    "recall[cat]": value(0.5, 0.25),
    [String.raw`recall[a\]b]`]: value(1),
    "precision[cat]": value(0.123456),
    "accuracy[country=CA]": value(0.75, 0.5),
    "accuracy[country is missing]": value(null),
  });
  expect(Object.keys(whole)).toEqual(["accuracy", "quantile-loss[0.9]"]);
  expect(lines).toEqual([
    "",
    "CLASS  RECALL  INTERVAL   PRECISION  INTERVAL",
    "cat       0.5  0.25 to 1     0.1235",
    "a]b         1                     –",
    "",
    "SLICE               ACCURACY  INTERVAL",
    "country=CA              0.75  0.5 to 1",
    "country is missing         –  Only 3 rows",
  ]);
});

test("of many, what is not shown is counted and named", () => {
  const metrics = ["a", "b", "c", "d", "e", "f"];
  const all = Array.from({ length: 40 }, (_none, label) =>
    metrics.map((metric) => [`${metric}[${label}]`, value(label)] as const),
  );
  const { lines } = splitValues(Object.fromEntries(all.flat()));
  expect(lines.length).toBe(1 + 1 + 30 + 1);
  expect(lines.at(-1)).toBe("Beyond these, with --json: e, f; 10 more.");
  expect(splitValues({ size: value(1) }).lines).toEqual([]);
});
