// What a column tells of the target, by the measure that fits both, over the rows that have both.
import {
  correlationRatio,
  cramersV,
  entropy,
  mannWhitneyTest,
  mutualInformation,
  spearmanCorrelation,
} from "@slipway/core/stats";
import type { Association } from "./inspection.ts";
import { binned, type Coded } from "./values.ts";

/** The target's rows: classes by code, or numbers; −1 and NaN where there is none. */
export type TargetValues =
  | { readonly kind: "classes"; readonly codes: Int32Array; readonly classes: number }
  | { readonly kind: "number"; readonly values: Float64Array };

/** A column's rows: numbers, or categories by code. */
export interface ColumnValues {
  readonly name: string;
  readonly numbers: Float64Array | null;
  readonly coded: Coded;
}

/** Numbers are put in so many bins at most, and of so many rows at least, where information is estimated. */
const BINS = 10;
const LEAST_BIN_ROWS = 10;
/** With fewer rows measures are chance. */
const LEAST_ROWS = 10;

/** null where too few rows have both, or either is the same in all of them. */
export function associationOf(column: ColumnValues, target: TargetValues): Association | null {
  const kept: number[] = [];
  for (let row = 0; row < column.coded.codes.length; row++) {
    const isThere = column.numbers === null ? column.coded.codes[row]! >= 0 : Number.isFinite(column.numbers[row]);
    const hasTarget = target.kind === "classes" ? target.codes[row]! >= 0 : Number.isFinite(target.values[row]);
    if (isThere && hasTarget) kept.push(row);
  }
  if (kept.length < LEAST_ROWS) return null;
  const codes = packed(kept, column.coded.codes);
  const numbers = column.numbers === null ? null : Float64Array.from(kept, (row) => column.numbers![row]!);
  const goal =
    target.kind === "classes"
      ? { kind: target.kind, codes: packed(kept, target.codes) }
      : { kind: target.kind, values: Float64Array.from(kept, (row) => target.values[row]!) };
  const bins = Math.max(2, Math.min(BINS, Math.floor(kept.length / LEAST_BIN_ROWS)));
  const goalCodes = goal.kind === "classes" ? goal.codes : binned(goal.values, bins);
  const own = numbers === null ? codes : binned(numbers, bins);
  const known = entropy(goalCodes);
  if (known === 0 || new Set(codes).size < 2) return null;
  const information = mutualInformation(own, goalCodes);
  const measures = measured(numbers, codes, goal);
  return {
    column: column.name,
    auc: null,
    cramersV: null,
    correlationRatio: null,
    spearman: null,
    ...measures,
    mutualInformation: information,
    informationShare: Math.max(0, information - chanceOf(own, goalCodes)) / known,
    rows: kept.length,
  };
}

/** What mutual information is too high by where nothing is told. Source: G. A. Miller, "Note on the bias of information" (1955). */
function chanceOf(own: Int32Array, goal: Int32Array): number {
  return ((new Set(own).size - 1) * (new Set(goal).size - 1)) / (2 * own.length);
}

type Goal =
  | { readonly kind: "classes"; readonly codes: Int32Array }
  | { readonly kind: "number"; readonly values: Float64Array };

function measured(
  numbers: Float64Array | null,
  codes: Int32Array,
  goal: Goal,
): Partial<Association> & Pick<Association, "measure" | "strength"> {
  if (goal.kind === "number") {
    if (numbers === null) {
      const ratio = correlationRatio(goal.values, codes);
      return { measure: "correlation-ratio", strength: ratio, correlationRatio: ratio };
    }
    const rank = spearmanCorrelation(numbers, goal.values);
    return { measure: "spearman", strength: Math.abs(rank), spearman: rank };
  }
  if (numbers === null) {
    const v = cramersV(codes, goal.codes);
    return { measure: "cramers-v", strength: v, cramersV: v };
  }
  const ratio = correlationRatio(numbers, goal.codes);
  const ofSecond = goal.codes.reduce((sum, code) => sum + (code === 1 ? 1 : 0), 0);
  const isBinary = goal.codes.every((code) => code <= 1) && ofSecond >= 2 && goal.codes.length - ofSecond >= 2;
  if (!isBinary) return { measure: "correlation-ratio", strength: ratio, correlationRatio: ratio };
  const ofClass = (wanted: number) => numbers.filter((_, at) => goal.codes[at] === wanted);
  // In how many pairs the second class has the greater number, a tie counting ½.
  const wins = mannWhitneyTest(ofClass(1), ofClass(0)).statistic;
  const auc = wins / (ofSecond * (goal.codes.length - ofSecond));
  return { measure: "auc", strength: 2 * Math.abs(auc - 0.5), auc, correlationRatio: ratio };
}

/** The codes of some rows, renumbered so that each is there, in the same order. */
function packed(rows: readonly number[], codes: Int32Array): Int32Array {
  const there = [...new Set(rows.map((row) => codes[row]!))].toSorted((a, b) => a - b);
  const places = new Map(there.map((code, place) => [code, place]));
  return Int32Array.from(rows, (row) => places.get(codes[row]!)!);
}
