// Two models by the values of columns, and by class: on the rows of each value, which of them does better. Many are compared, so
// p values are adjusted over all of them before anything is called better or worse.
import { adjustPValues } from "@slipway/core/stats";
import { type JsonObject, type MeasuredValue, selectedMetric } from "#registry";
import type { SliceColumn } from "../answers/index.ts";
import {
  addRow,
  emptyPart,
  FEWEST_SLICE_ROWS,
  type Headline,
  meanOf,
  type Part,
  studentPValue,
} from "../assess/index.ts";
import { areEven } from "../quality/index.ts";
import { shareDifference } from "./figures.ts";
import { type ComparedVerdict, verdictOf } from "./verdict.ts";

const CORRECTION = "holm";

/** Rows in groups, each compared by itself. */
export interface ComparedColumn extends SliceColumn {
  /** What the figure is called on the rows of a value: "recall" of a class, else the headline. */
  readonly metric: string;
  /** How a value is singled out in names: "country=CA", or a class's name. */
  readonly selectionOf: (value: string | null) => string;
}

interface Group {
  readonly baseline: Part;
  readonly candidate: Part;
  readonly differences: Part;
  bothRight: number;
  onlyFirst: number;
  onlySecond: number;
  bothWrong: number;
}

/** A value of a column, as details have it. */
export interface ComparedSlice {
  readonly value: string | null;
  readonly rows: number;
  readonly baseline: number | null;
  readonly candidate: number | null;
  readonly difference: { readonly value: number; readonly lower: number; readonly upper: number } | null;
  readonly pValue: number | null;
  readonly adjustedPValue: number | null;
  readonly verdict: ComparedVerdict;
}

export interface ComparedSlices {
  readonly values: Readonly<Record<string, MeasuredValue>>;
  readonly columns: ReadonlyMap<string, readonly ComparedSlice[]>;
  /** How many were compared, over which p values are adjusted. */
  readonly tests: number;
  readonly details: JsonObject;
}

/** @param baseline and @param candidate: the same headline of the same rows */
export function comparedSlices(
  columns: readonly ComparedColumn[],
  baseline: Headline,
  candidate: Headline,
  level: number,
): ComparedSlices {
  const isCounted = candidate.isShare && areEven(candidate.weights);
  const found = columns.flatMap((column) =>
    groupsOf(column, baseline, candidate).map((group, place) => {
      const value = column.values[place]!;
      return { column, value, group, tested: testedOf(group, isCounted, level) };
    }),
  );
  const tested = found.flatMap((one) => (one.tested === null ? [] : [one.tested]));
  const adjusted = adjustPValues(
    tested.map(({ pValue }) => pValue),
    CORRECTION,
  );
  const byTested = new Map(tested.map((one, index) => [one, adjusted[index]!]));
  const values: Record<string, MeasuredValue> = {};
  const rows = new Map<string, ComparedSlice[]>(columns.map(({ name }) => [name, []]));
  for (const { column, value, group, tested: one } of found) {
    const adjustedPValue = one === null ? null : byTested.get(one)!;
    const count = group.differences.rows;
    const reason = one === null ? `Only ${count} rows; at least ${FEWEST_SLICE_ROWS} are needed to tell.` : null;
    const name = selectedMetric(column.metric, column.selectionOf(value));
    const shared = { reason, unit: "1", count };
    values[`${name}.difference`] = {
      ...shared,
      value: one === null ? null : one.value,
      interval: one === null ? null : { lower: one.lower, upper: one.upper, level },
      method: `candidate less baseline; ${one?.method ?? "paired"}`,
    };
    const method = `${one?.pMethod ?? "paired"}; Holm over ${tested.length} comparisons`;
    values[`${name}.p`] = { ...shared, value: adjustedPValue, interval: null, method };
    rows.get(column.name)!.push({
      value,
      rows: count,
      baseline: one === null ? null : group.baseline.sum / group.baseline.weight,
      candidate: one === null ? null : group.candidate.sum / group.candidate.weight,
      difference: one === null ? null : { value: one.value, lower: one.lower, upper: one.upper },
      pValue: one?.pValue ?? null,
      adjustedPValue,
      verdict: verdictOf(one?.value ?? null, adjustedPValue, candidate.isGain, level),
    });
  }
  const shown = Object.fromEntries(rows) as unknown as JsonObject;
  return {
    values,
    columns: rows,
    tests: tested.length,
    details: { correction: CORRECTION, tests: tested.length, level, columns: shown },
  };
}

function groupsOf({ values, codes }: SliceColumn, baseline: Headline, candidate: Headline): readonly Group[] {
  const groups = values.map((): Group => {
    const parts = { baseline: emptyPart(), candidate: emptyPart(), differences: emptyPart() };
    return { ...parts, bothRight: 0, onlyFirst: 0, onlySecond: 0, bothWrong: 0 };
  });
  candidate.weights.forEach((weight, row) => {
    if (weight === 0) return;
    const group = groups[codes[row]!]!;
    const [own, other] = [candidate.values[row]!, baseline.values[row]!];
    addRow(group.candidate, own, weight);
    addRow(group.baseline, other, weight);
    addRow(group.differences, own - other, weight);
    if (own === 1) group[other === 1 ? "bothRight" : "onlyFirst"]++;
    else group[other === 1 ? "onlySecond" : "bothWrong"]++;
  });
  return groups;
}

/** Of counted hits as of the whole; of other means, and of weighted hits, Student's t over the differences of rows. */
function testedOf(group: Group, isCounted: boolean, level: number) {
  const { differences } = group;
  if (differences.rows < FEWEST_SLICE_ROWS) return null;
  if (isCounted) {
    const { interval, intervalMethod, pValue, pMethod } = shareDifference(group, level);
    return { value: interval.estimate, ...interval, pValue, method: intervalMethod, pMethod };
  }
  const { estimate, lower, upper, variance, degrees } = meanOf(differences, false, level);
  const pValue = studentPValue(estimate, variance, degrees);
  return { value: estimate, lower, upper, pValue, method: "Student's t, paired", pMethod: "Student's t, paired" };
}
