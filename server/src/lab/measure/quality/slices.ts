// Quality by the values of a column: where a model that is good on the whole is bad for some. A slice of few rows is said to
// be small and gets no figures, because they would mostly be chance and would be read as fact.
import { type ClassificationOptions, type ClassificationQuality, classificationQuality } from "./classification.ts";
import { type RegressionOptions, type RegressionQuality, regressionQuality } from "./regression.ts";
import {
  checkClassified,
  checkRegressed,
  checkWeights,
  type ClassifiedRows,
  invalid,
  type RegressedRows,
  type Scores,
} from "./rows.ts";

/** A value to group by; null, undefined and NaN are all "missing" and make one slice. */
export type Group = string | number | boolean | null | undefined;

export interface SliceOptions {
  /** Below so many rows of a weight above 0 a slice is too small. Default 30. */
  readonly minRows?: number;
  /** More distinct values than this are refused. Default 1000. */
  readonly maxSlices?: number;
}

/** One value's rows, and their quality unless they are too few. */
export type Slice<T> = {
  /** Null for rows without a value. */
  readonly group: string | number | boolean | null;
  readonly rows: number;
  /** Rows of a weight above 0. */
  readonly weightedRows: number;
} & ({ readonly isTooSmall: false; readonly quality: T } | { readonly isTooSmall: true; readonly minRows: number });

/**
 * The rows of each value, in the order in which values first appear.
 * @returns value → row numbers, rising
 * @throws SlipwayError ROWS_INVALID for more than `maxSlices` distinct values
 */
export function rowsByGroup(
  groups: ArrayLike<Group>,
  maxSlices = 1000,
): Map<string | number | boolean | null, number[]> {
  const slices = new Map<string | number | boolean | null, number[]>();
  for (let row = 0; row < groups.length; row++) {
    const value = groups[row] ?? null;
    const group = Number.isNaN(value) ? null : value;
    const rows = slices.get(group);
    if (rows !== undefined) {
      rows.push(row);
      continue;
    }
    if (slices.size === maxSlices) {
      throw invalid(
        `The column to slice by has more than ${maxSlices} distinct values by row ${row}; put its values into ranges or kinds first.`,
      );
    }
    slices.set(group, [row]);
  }
  return slices;
}

/**
 * A classifier's quality for each value of a column.
 * @param groups [rows]
 * @throws SlipwayError ROWS_INVALID naming the first wrong row; RangeError for an option that can't be
 */
export function classificationBySlice(
  rows: ClassifiedRows,
  groups: ArrayLike<Group>,
  options: ClassificationOptions & SliceOptions,
): readonly Slice<ClassificationQuality>[] {
  // Checked as a whole, so that messages name rows as the caller counts them.
  const { columns, labels, scores, weights } = checkClassified(rows, {
    classes: options.classes,
    scale: options.scale ?? "probability",
  });
  return slicesOf(groups, weights, options, (members) =>
    classificationQuality(
      {
        labels: Int32Array.from(members, (row) => labels[row]!),
        scores: scoresOf(scores, columns, members),
        weights: Float64Array.from(members, (row) => weights[row]!),
      },
      options,
    ),
  );
}

/**
 * A regressor's quality for each value of a column.
 * @param groups [rows]
 * @throws SlipwayError ROWS_INVALID naming the first wrong row; RangeError for an option that can't be
 */
export function regressionBySlice(
  rows: RegressedRows,
  groups: ArrayLike<Group>,
  options: RegressionOptions & SliceOptions = {},
): readonly Slice<RegressionQuality>[] {
  const { targets, predictions, weights } = checkRegressed(rows);
  return slicesOf(groups, weights, options, (members) =>
    regressionQuality(
      {
        targets: Float64Array.from(members, (row) => targets[row]!),
        predictions: Float64Array.from(members, (row) => predictions[row]!),
        weights: Float64Array.from(members, (row) => weights[row]!),
      },
      options,
    ),
  );
}

/**
 * Anything measured for each value of a column.
 * @param groups [rows]
 * @param weights [rows], those of the rows
 * @param measure is told the numbers of a slice's rows; only asked of slices that are not too small
 */
export function bySlice<T>(
  groups: ArrayLike<Group>,
  weights: ArrayLike<number> | undefined,
  options: SliceOptions,
  measure: (rows: readonly number[]) => T,
): readonly Slice<T>[] {
  return slicesOf(groups, checkWeights(weights, groups.length), options, measure);
}

function slicesOf<T>(
  groups: ArrayLike<Group>,
  weights: Float64Array,
  { minRows = 30, maxSlices = 1000 }: SliceOptions,
  measure: (rows: readonly number[]) => T,
): readonly Slice<T>[] {
  for (const [what, value] of [
    ["The fewest rows of a slice", minRows],
    ["The most slices", maxSlices],
  ] as const) {
    if (!Number.isInteger(value) || value < 1)
      throw new RangeError(`${what} is ${value}; give a whole number above 0.`);
  }
  if (groups.length !== weights.length) {
    throw invalid(`The column to slice by has ${groups.length} values for ${weights.length} rows; give one a row.`);
  }
  return Array.from(rowsByGroup(groups, maxSlices), ([group, rows]): Slice<T> => {
    const weightedRows = rows.filter((row) => weights[row]! > 0).length;
    const facts = { group, rows: rows.length, weightedRows };
    return weightedRows < minRows
      ? { ...facts, isTooSmall: true, minRows }
      : { ...facts, isTooSmall: false, quality: measure(rows) };
  });
}

function scoresOf(scores: Scores, columns: number, rows: readonly number[]): Scores {
  const picked = scores.slice(0, rows.length * columns);
  rows.forEach((row, place) => picked.set(scores.subarray(row * columns, (row + 1) * columns), place * columns));
  return picked;
}
