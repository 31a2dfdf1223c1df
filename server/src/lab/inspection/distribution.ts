// How a column's values are distributed: a histogram and quartiles of numbers, the most frequent texts.
import { mean, sortedQuantile, variance } from "@slipway/core/stats";
import type { SampledColumn } from "#lab/dataset";
import type { Distribution, NumberDistribution, TextDistribution } from "./inspection.ts";
import type { Coded } from "./values.ts";

const BINS = 20;
const MOST_TOP = 20;
const LONGEST_VALUE = 120;

/** null where there is no value to show. */
export function distributionOf(column: SampledColumn, { codes, values }: Coded): Distribution | null {
  // Of several values a row only hashes are known.
  if (values.length === 0 || column.hashes !== null) return null;
  if (column.kind === "truth") return texts(codes, ["false", "true"].slice(values[0] === 1 ? 1 : 0));
  if (column.numbers !== null) {
    const there = column.numbers.filter((value) => Number.isFinite(value));
    return there.length === 0 ? null : numbers(there, column.kind === "moment" ? "moments" : "numbers");
  }
  return texts(codes, values.map(String));
}

function numbers(values: Float64Array, kind: NumberDistribution["kind"]): NumberDistribution {
  const sorted = values.toSorted();
  const [least, most] = [sorted[0]!, sorted.at(-1)!];
  const width = (most - least) / BINS;
  const bins = Array.from({ length: width > 0 ? BINS : 1 }, () => 0);
  for (const value of sorted) bins[width > 0 ? Math.min(BINS - 1, Math.floor((value - least) / width)) : 0]! += 1;
  const quartile = (share: number) => sortedQuantile(sorted, share);
  return {
    kind,
    least,
    most,
    mean: mean(sorted),
    deviation: sorted.length < 2 ? 0 : Math.sqrt(variance(sorted)),
    quartiles: [quartile(0.25), quartile(0.5), quartile(0.75)],
    bins,
  };
}

function texts(codes: Int32Array, values: readonly string[]): TextDistribution {
  const counts = values.map(() => 0);
  for (const code of codes) if (code >= 0) counts[code]! += 1;
  const order = [...values.keys()].toSorted((a, b) => counts[b]! - counts[a]! || a - b);
  const shown = order.slice(0, MOST_TOP);
  const rest = order.slice(MOST_TOP);
  return {
    kind: "texts",
    top: shown.map((place) => ({ value: values[place]!.slice(0, LONGEST_VALUE), rows: counts[place]! })),
    others: { values: rest.length, rows: rest.reduce((sum, place) => sum + counts[place]!, 0) },
  };
}
