// Two models on the same rows, in the form that paired tests and intervals take: they know nothing of classes and scores, and
// this folder nothing of tests. McNemar's test takes `onlyFirst` and `onlySecond`, an interval for a mean takes `differences`,
// DeLong's comparison takes `first`, `second` and `labels`.
import { logLossEpsilon, rowBrier, rowLogLoss } from "./losses.ts";
import { type Metric, ratio } from "./metric.ts";
import { checkQuantile, pinballLoss } from "./regression.ts";
import {
  checkClassified,
  checkRegressed,
  type ClassifiedRows,
  invalid,
  predictedClass,
  type RegressedRows,
  type Scale,
} from "./rows.ts";

/** What one row costs. `zero-one` is 1 for a wrong prediction, `log` in nats; the others as their metrics. */
export type ClassificationLoss = "zero-one" | "log" | "brier";
export type RegressionLoss = "absolute" | "squared" | { readonly quantile: number };

export interface LossOptions {
  readonly classes: number;
  readonly loss: ClassificationLoss;
  /** Default "probability", which `log` and `brier` need. */
  readonly scale?: Scale;
  /** As of `ClassificationOptions`. */
  readonly threshold?: number;
}

/** Losses by row, with the weights by which their mean is the metric. */
export interface RowLosses {
  /** [rows] */
  readonly losses: Float64Array;
  /** [rows] */
  readonly weights: Float64Array;
}

/**
 * What each row of a classifier costs: its share in one minus the accuracy, the log loss or the Brier score.
 * @throws SlipwayError ROWS_INVALID naming the first wrong row; RangeError for a loss that needs probabilities and has none
 */
export function classificationLosses(rows: ClassifiedRows, options: LossOptions): RowLosses {
  const { classes, loss, scale = "probability", threshold = scale === "probability" ? 0.5 : 0 } = options;
  if (loss !== "zero-one" && scale !== "probability") {
    throw new RangeError(`The loss "${loss}" needs probabilities, and the scale is "${scale}"; take "zero-one".`);
  }
  const checked = checkClassified(rows, { classes, scale });
  const epsilon = logLossEpsilon(checked.scores);
  const costs: Record<ClassificationLoss, (row: number) => number> = {
    "zero-one": (row) => (predictedClass(checked, row, threshold) === checked.labels[row] ? 0 : 1),
    log: (row) => rowLogLoss(checked, row, epsilon),
    brier: (row) => rowBrier(checked, row),
  };
  const cost = costs[loss];
  return { losses: new Float64Array(checked.rows).map((_, row) => cost(row)), weights: checked.weights };
}

/**
 * What each row of a regressor costs.
 * @throws SlipwayError ROWS_INVALID naming the first wrong row; RangeError for a quantile outside 0 to 1
 */
export function regressionLosses(rows: RegressedRows, loss: RegressionLoss): RowLosses {
  if (typeof loss === "object") checkQuantile(loss.quantile);
  const { targets, predictions, weights } = checkRegressed(rows);
  const cost = (excess: number): number => {
    if (loss === "absolute") return Math.abs(excess);
    return loss === "squared" ? excess * excess : pinballLoss(excess, loss.quantile);
  };
  const losses = new Float64Array(targets.length).map((_, row) => cost(targets[row]! - predictions[row]!));
  return { losses, weights };
}

/** Losses of two models on the same rows. Below 0 the first is better. */
export interface PairedDifferences {
  /** first − second, of the rows of a weight above 0, in their order. */
  readonly differences: Float64Array;
  /** Of the same rows. */
  readonly weights: Float64Array;
  /** The weighted mean difference, which is that of the metrics. */
  readonly mean: Metric;
  /** (Σ w)² / Σ w²: how many rows of equal weight would tell as much (L. Kish, Survey Sampling, 1965). */
  readonly effectiveRows: number;
}

/**
 * What the first model's rows cost more than the second's.
 * @throws SlipwayError ROWS_INVALID when the two have other rows or weights
 */
export function pairedDifferences(first: RowLosses, second: RowLosses): PairedDifferences {
  checkSame("losses", first.losses.length, second.losses.length);
  checkSameValues("weight", first.weights, second.weights);
  const rows = Array.from(first.losses.keys()).filter((row) => first.weights[row]! > 0);
  const differences = Float64Array.from(rows, (row) => first.losses[row]! - second.losses[row]!);
  const weights = Float64Array.from(rows, (row) => first.weights[row]!);
  const most = weights.reduce((largest, weight) => Math.max(largest, weight), 0);
  let [sum, total, shares, squares] = [0, 0, 0, 0];
  weights.forEach((weight, place) => {
    sum += weight * differences[place]!;
    total += weight;
    shares += weight / most;
    squares += (weight / most) ** 2;
  });
  const effectiveRows = rows.length === 0 ? 0 : shares ** 2 / squares;
  return { differences, weights, mean: ratio(sum, total, "no-rows"), effectiveRows };
}

/** The rows of a weight above 0 by which of two models got them right. */
export interface PairedOutcomes {
  readonly bothRight: number;
  readonly onlyFirst: number;
  readonly onlySecond: number;
  readonly bothWrong: number;
}

/**
 * The 2 × 2 table of two classifiers. It counts rows, however heavy, because McNemar's test is about counts.
 * @param options.threshold as of `ClassificationOptions`, for each model
 * @throws SlipwayError ROWS_INVALID naming the first wrong row, or when the two have other labels or weights
 */
export function pairedOutcomes(
  first: ClassifiedRows,
  second: ClassifiedRows,
  options: Omit<LossOptions, "loss">,
): PairedOutcomes {
  checkSame("labels", first.labels.length, second.labels.length);
  checkSameValues("label", first.labels, second.labels);
  const [a, b] = [first, second].map((rows) => classificationLosses(rows, { ...options, loss: "zero-one" })) as [
    RowLosses,
    RowLosses,
  ];
  checkSameValues("weight", a.weights, b.weights);
  const hits = ({ losses }: RowLosses) => losses.map((loss) => 1 - loss);
  return outcomesOfHits(hits(a), hits(b), a.weights);
}

/**
 * The same of any hits.
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
