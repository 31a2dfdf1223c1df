// Two models on the same rows, in the form that paired tests and intervals take: they know nothing of classes and scores, and
// this folder nothing of tests. McNemar's test takes `onlyFirst` and `onlySecond`, DeLong's comparison takes `first`, `second` and
// `labels`.
import { checkClassified, type ClassifiedRows, invalid, type Scale } from "./rows.ts";

/** The rows of a weight above 0 by which of two models got them right. */
export interface PairedOutcomes {
  readonly bothRight: number;
  readonly onlyFirst: number;
  readonly onlySecond: number;
  readonly bothWrong: number;
}

/**
 * The 2 × 2 table of two models' hits. It counts rows, however heavy, because McNemar's test is about counts.
 * @param first and @param second [rows], 1 where right, else 0
 * @param weights [rows]; rows of weight 0 are left out, all others count once
 */
export function outcomesOfHits(
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  weights: ArrayLike<number>,
): PairedOutcomes {
  const cells: [number, number, number, number] = [0, 0, 0, 0]; // by 2 × (first is wrong) + (second is wrong)
  for (let row = 0; row < weights.length; row++) {
    if (weights[row]! > 0) cells[2 * Number(first[row] !== 1) + Number(second[row] !== 1)]! += 1;
  }
  const [bothRight, onlyFirst, onlySecond, bothWrong] = cells;
  return { bothRight, onlyFirst, onlySecond, bothWrong };
}

/** Scores of one class by two models, with whether each row is of it. */
export interface PairedScores {
  /** [rows of a weight above 0] */
  readonly first: Float64Array;
  readonly second: Float64Array;
  /** 1 where the row is of the class, else 0. */
  readonly labels: Uint8Array;
}

/**
 * The scores by which two models tell a class from the rest, for DeLong's comparison of areas. That knows no weights: rows of
 * weight 0 are left out, other weights refused.
 * @param options.positive the class, default 1
 * @throws SlipwayError ROWS_INVALID naming the first wrong row, or when the two have other labels or weights
 */
export function pairedScores(
  first: ClassifiedRows,
  second: ClassifiedRows,
  options: { readonly classes: number; readonly positive?: number; readonly scale?: Scale },
): PairedScores {
  const { classes, positive = 1, scale = "probability" } = options;
  if (!Number.isInteger(positive) || positive < 0 || positive >= classes) {
    throw new RangeError(`The positive class is ${positive}; give a whole number from 0 to ${classes - 1}.`);
  }
  checkSame("labels", first.labels.length, second.labels.length);
  checkSameValues("label", first.labels, second.labels);
  const [a, b] = [checkClassified(first, { classes, scale }), checkClassified(second, { classes, scale })];
  checkSameValues("weight", a.weights, b.weights);
  const rows = Array.from(a.labels.keys()).filter((row) => a.weights[row]! > 0);
  const other = rows.find((row) => a.weights[row] !== 1);
  if (other !== undefined) {
    throw invalid(
      `The weight of row ${other} is ${a.weights[other]}; areas are compared over rows of weight 0 or 1 alone.`,
    );
  }
  const scoresOf = ({ scores, columns }: typeof a) =>
    Float64Array.from(rows, (row) => {
      if (columns > 1) return scores[row * columns + positive]!;
      // One score a row is that of class 1; lower is likelier for class 0.
      return positive === 1 ? scores[row]! : -scores[row]!;
    });
  return {
    first: scoresOf(a),
    second: scoresOf(b),
    labels: Uint8Array.from(rows, (row) => (a.labels[row] === positive ? 1 : 0)),
  };
}

function checkSame(what: string, first: number, second: number): void {
  if (first !== second) throw invalid(`The models have ${first} and ${second} ${what}; compare them on the same rows.`);
}

function checkSameValues(what: string, first: ArrayLike<number>, second: ArrayLike<number>): void {
  for (let row = 0; row < first.length; row++) {
    if (first[row] !== second[row]) {
      throw invalid(
        `The ${what} of row ${row} is ${first[row]} for one model and ${second[row]} for the other; compare them on the same rows.`,
      );
    }
  }
}
