// What metrics are computed from, checked at the door: a label, a score or a target that can't be used is an error that names
// its row, never a number that looks like a result.
import { SlipwayError } from "@slipway/core/base";

/** Scores as engines answer them; computed with in double precision. */
export type Scores = Float32Array | Float64Array;

/** Whether scores are probabilities, or only larger for what is likelier (logits, distances). */
export type Scale = "probability" | "any";

/** Rows of a classifier and what it said of them. */
export interface ClassifiedRows {
  /** [rows], a class index from 0 each. */
  readonly labels: ArrayLike<number>;
  /** [rows, classes], row after row; or [rows] for two classes: the score of class 1. */
  readonly scores: Scores;
  /** [rows], 0 or from 1e-100 to 1e100; 1 each when left out. A row of weight 0 is as good as not there. */
  readonly weights?: ArrayLike<number> | undefined;
}

/** Rows of a regressor and what it said of them. */
export interface RegressedRows {
  /** [rows], finite. */
  readonly targets: ArrayLike<number>;
  /** [rows], finite. */
  readonly predictions: ArrayLike<number>;
  /** [rows], 0 or from 1e-100 to 1e100; 1 each when left out. A row of weight 0 is as good as not there. */
  readonly weights?: ArrayLike<number> | undefined;
}

/** Classified rows that passed `checkClassified`. */
export interface CheckedRows {
  readonly rows: number;
  readonly classes: number;
  /** Scores a row: 1 (of class 1) or as many as classes. */
  readonly columns: number;
  readonly labels: Int32Array;
  readonly scores: Scores;
  readonly weights: Float64Array;
}

/** How far from 1 a row's probabilities may sum: softmax in half precision over a thousand classes stays within. */
const SUM_TOLERANCE = 1e-3;

/** What a weight that is not 0 may be: so far apart that nobody needs more, so near that no sum or product leaves the numbers. */
const WEIGHTS = { least: 1e-100, most: 1e100 } as const;

/** Classes are indices in 32 bits; more than this many is a mistake. */
const MAX_CLASSES = 1 << 24;

/**
 * The rows in the form that metrics read.
 * @param firstRow the number of the first row, for messages: batches are numbered through
 * @throws SlipwayError ROWS_INVALID for lengths that don't fit, a label that is no class, a score that is NaN or, where scores
 * are probabilities, outside 0 to 1 or not summing to 1 in its row, a weight that can't be one
 */
export function checkClassified(
  { labels, scores, weights }: ClassifiedRows,
  { classes, scale }: { readonly classes: number; readonly scale: Scale },
  firstRow = 0,
): CheckedRows {
  checkClasses(classes);
  const rows = labels.length;
  const columns = rows > 0 && classes === 2 && scores.length === rows ? 1 : classes;
  if (scores.length !== rows * columns) {
    const single = classes === 2 ? `, or ${rows} with one a row` : "";
    throw invalid(
      `There are ${scores.length} scores for ${rows} rows of ${classes} classes; give ${rows * classes}${single}.`,
    );
  }
  checkScores(scores, columns, scale, firstRow);
  return {
    rows,
    classes,
    columns,
    labels: checkLabels(labels, classes, firstRow),
    scores,
    weights: checkWeights(weights, rows, firstRow),
  };
}

/** Regressed rows that passed `checkRegressed`. */
export interface CheckedTargets {
  readonly rows: number;
  readonly targets: ArrayLike<number>;
  readonly predictions: ArrayLike<number>;
  readonly weights: Float64Array;
}

/**
 * The rows in the form that metrics read.
 * @param firstRow the number of the first row, for messages: batches are numbered through
 * @throws SlipwayError ROWS_INVALID for lengths that don't fit, a target or prediction that is not finite, a weight that
 * can't be one
 */
export function checkRegressed({ targets, predictions, weights }: RegressedRows, firstRow = 0): CheckedTargets {
  const rows = targets.length;
  if (predictions.length !== rows) {
    throw invalid(`There are ${predictions.length} predictions for ${rows} targets; give one a row.`);
  }
  for (let row = 0; row < rows; row++) {
    checkFinite("target", targets[row], firstRow + row);
    checkFinite("prediction", predictions[row], firstRow + row);
  }
  return { rows, targets, predictions, weights: checkWeights(weights, rows, firstRow) };
}

/** Throws a RangeError unless there can be this many classes. */
export function checkClasses(classes: number): void {
  if (!Number.isInteger(classes) || classes < 2 || classes > MAX_CLASSES) {
    throw new RangeError(`There are ${classes} classes; give a whole number from 2 to ${MAX_CLASSES}.`);
  }
}

/** The labels as class indices. @throws SlipwayError ROWS_INVALID naming the first row whose label is none */
export function checkLabels(labels: ArrayLike<number>, classes: number, firstRow = 0): Int32Array {
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row]!;
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      throw invalid(`The label of row ${firstRow + row} is ${label}; give a whole number from 0 to ${classes - 1}.`);
    }
  }
  return Int32Array.from(labels);
}

/** The weights, 1 each when there are none. @throws SlipwayError ROWS_INVALID naming the first row whose weight is none */
export function checkWeights(weights: ArrayLike<number> | undefined, rows: number, firstRow = 0): Float64Array {
  if (weights === undefined) return new Float64Array(rows).fill(1);
  if (weights.length !== rows) throw invalid(`There are ${weights.length} weights for ${rows} rows; give one a row.`);
  for (let row = 0; row < rows; row++) {
    const weight = weights[row]!;
    if (!(weight === 0 || (weight >= WEIGHTS.least && weight <= WEIGHTS.most))) {
      throw invalid(
        `The weight of row ${firstRow + row} is ${weight}; give 0, or a number from ${WEIGHTS.least} to ${WEIGHTS.most}.`,
      );
    }
  }
  return Float64Array.from(weights);
}

function checkScores(scores: Scores, columns: number, scale: Scale, firstRow: number): void {
  for (let start = 0; start < scores.length; start += columns) {
    const row = firstRow + start / columns;
    let sum = 0;
    for (let column = 0; column < columns; column++) {
      const score = scores[start + column]!;
      const of = columns === 1 ? `row ${row}` : `row ${row} for class ${column}`;
      if (Number.isNaN(score))
        throw invalid(`The score of ${of} is NaN; give a number, or leave the row out and say so.`);
      if (scale === "probability" && (score < 0 || score > 1)) {
        throw invalid(`The score of ${of} is ${score}; give a probability from 0 to 1, or the scale "any".`);
      }
      sum += score;
    }
    if (scale === "probability" && columns > 1 && Math.abs(sum - 1) > SUM_TOLERANCE) {
      throw invalid(`The probabilities of row ${row} sum to ${sum}; they must sum to 1, or give the scale "any".`);
    }
  }
}

function checkFinite(what: string, value: number | undefined, row: number): void {
  if (!Number.isFinite(value)) throw invalid(`The ${what} of row ${row} is ${value}; give a finite number.`);
}

/** The error for rows that can't be measured with. */
export function invalid(message: string): SlipwayError {
  return new SlipwayError("ROWS_INVALID", message);
}

/**
 * The class that a row is predicted to be of: of the largest score, the lowest where several are; with one score a row class 1
 * from the threshold on.
 */
export function predictedClass({ scores, columns }: CheckedRows, row: number, threshold: number): number {
  if (columns === 1) return scores[row]! >= threshold ? 1 : 0;
  let best = 0;
  const start = row * columns;
  for (let column = 1; column < columns; column++) if (scores[start + column]! > scores[start + best]!) best = column;
  return best;
}

/** How many classes come before the label when a row's classes are ordered by score, the lower class first among equals. */
export function rankOfLabel(checked: CheckedRows, row: number, threshold: number): number {
  const { scores, columns, labels } = checked;
  const label = labels[row]!;
  if (columns === 1) return predictedClass(checked, row, threshold) === label ? 0 : 1;
  const start = row * columns;
  const own = scores[start + label]!;
  let before = 0;
  for (let column = 0; column < columns; column++) {
    const score = scores[start + column]!;
    if (score > own || (score === own && column < label)) before++;
  }
  return before;
}
