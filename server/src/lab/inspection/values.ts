// Columns as codes: whole numbers from 0 for their different values, by which they can be counted against each other.
import type { SampledColumn } from "#lab/dataset";

/** A column's values by code; −1 where there is none. */
export interface Coded {
  readonly codes: Int32Array;
  /** By code, in order: numbers ascending, texts by code unit. */
  readonly values: readonly (number | string)[];
}

export function coded({ numbers, texts, hashes }: SampledColumn): Coded {
  const given: ArrayLike<number | string | null> = numbers ?? texts ?? hashes ?? [];
  const seen = new Set<number | string>();
  for (let row = 0; row < given.length; row++) {
    const value = given[row]!;
    if (isThere(value)) seen.add(value);
  }
  const values = [...seen].toSorted((a, b) => (a < b ? -1 : 1));
  const places = new Map(values.map((value, place) => [value, place]));
  const codes = Int32Array.from({ length: given.length }, (_, row) => places.get(given[row] ?? "") ?? -1);
  return { codes, values };
}

function isThere(value: number | string | null): value is number | string {
  return value !== null && !Number.isNaN(value);
}

/** Numbers in bins of as many rows, as far as equal values allow: no more bins than `most`, no more than values. */
export function binned(numbers: ArrayLike<number>, most: number): Int32Array {
  const sorted = Float64Array.from(numbers).sort();
  const cuts = new Set<number>();
  for (let bin = 1; bin < most; bin++) cuts.add(sorted[Math.floor((bin * sorted.length) / most)]!);
  // What is least begins no bin of its own, since the first has it.
  cuts.delete(sorted[0]!);
  const edges = [...cuts].toSorted((a, b) => a - b);
  return Int32Array.from(numbers, (value) => {
    let bin = 0;
    while (bin < edges.length && value >= edges[bin]!) bin++;
    return bin;
  });
}
