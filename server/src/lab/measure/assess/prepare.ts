// Answers made ready for figures: checked, as probabilities or predictions, with the options that hold for these rows.
import { SlipwayError } from "@slipway/core/base";
import type { Dataset } from "#lab/dataset";
import { type Answers, classifiedAnswers, type ScoreScale } from "../answers/index.ts";
import {
  checkClassified,
  type CheckedRows,
  type CheckedTargets,
  checkRegressed,
  type ClassificationFiguresOptions,
  classificationFigures,
  regressionFigures,
  type WeightedFigures,
} from "../quality/index.ts";
import { type QualityOptions, unusable } from "./options.ts";

export interface PreparedClassifier {
  readonly task: "classification";
  readonly rows: CheckedRows;
  /** What rows, figures and curves go by; the threshold is that of class 1. */
  readonly options: ClassificationFiguresOptions;
  readonly scale: ScoreScale;
  /** By class index; null where classes have no names. */
  readonly names: readonly string[] | null;
  readonly figures: WeightedFigures;
}

export interface PreparedRegressor {
  readonly task: "regression";
  readonly rows: CheckedTargets;
  readonly quantiles: readonly number[];
  readonly figures: WeightedFigures;
}

export type Prepared = PreparedClassifier | PreparedRegressor;

/** Bins of the calibration error, as most papers take. */
const CALIBRATION_BINS = 15;
const DEFAULT_TOP = 5;

/**
 * @throws SlipwayError ROWS_INVALID naming the first row that can't be used; PARAMETER_INVALID for options that don't fit the
 *   labels or the output
 */
export function prepare(answers: Answers, dataset: Dataset, options: QualityOptions): Prepared {
  return taskOf(answers, dataset, options) === "classification"
    ? prepareClassifier(answers, dataset, options)
    : prepareRegressor(answers, options);
}

function taskOf({ labels }: Answers, { classes, manifest }: Dataset, { task }: QualityOptions): PreparedTask {
  if (task === "auto") return labels.kind === "class" ? "classification" : "regression";
  if (task === "classification" && labels.kind === "number") {
    throw unusable(
      `The labels of "${manifest.name}" are numbers, so there are no classes to tell. Give class indices or names, or leave the task to be found out.`,
    );
  }
  if (task === "regression" && classes !== null) {
    throw unusable(
      `The labels of "${manifest.name}" are names (${classes.slice(0, 3).join(", ")} …), which are no numbers to predict. Leave the task to be found out.`,
    );
  }
  return task;
}
type PreparedTask = Prepared["task"];

function prepareClassifier(
  answers: Answers,
  { classes: names }: Dataset,
  { scores, positive, threshold, topK }: QualityOptions,
): PreparedClassifier {
  const { classified, classes, scale } = classifiedAnswers(answers, scores, threshold !== null);
  if (names !== null && names.length > classes) {
    throw new SlipwayError(
      "ROWS_INVALID",
      `The labels have ${names.length} classes and output "${answers.output}" has scores for ${classes}; the model is for other classes, or another output is meant.`,
    );
  }
  if (classes > 2 && (positive !== null || threshold !== null)) {
    throw unusable(
      `A positive class and a threshold are for two classes, and output "${answers.output}" has ${classes}.`,
    );
  }
  const tooMany = topK?.find((k) => k > classes);
  if (tooMany !== undefined) throw unusable(`Top ${tooMany} was asked for, and there are ${classes} classes.`);
  const looked = positiveOf(positive, names);
  const chosen: ClassificationFiguresOptions = {
    scale: "probability",
    threshold: thresholdOf(threshold, looked),
    topK: topK ?? (classes > DEFAULT_TOP ? [DEFAULT_TOP] : []),
    bins: CALIBRATION_BINS,
    calibrationOf: classes === 2 ? "positive" : "top-label",
    positive: looked,
  };
  const rows = checkClassified(classified, { classes, scale: "probability" });
  return classifierOf(rows, { options: chosen, scale, names });
}

function classifierOf(
  rows: CheckedRows,
  about: Pick<PreparedClassifier, "options" | "scale" | "names">,
): PreparedClassifier {
  const { options, scale, names } = about;
  return { task: "classification", rows, options, scale, names, figures: classificationFigures(rows, options) };
}

/** Some of the rows, by themselves. */
export function subsetOf(prepared: Prepared, members: Uint32Array): Prepared {
  const pick = (values: ArrayLike<number>) => Float64Array.from(members, (row) => values[row]!);
  const weights = pick(prepared.rows.weights);
  if (prepared.task === "regression") {
    const { targets, predictions } = prepared.rows;
    const rows = { rows: members.length, targets: pick(targets), predictions: pick(predictions), weights };
    return { ...prepared, rows, figures: regressionFigures(rows, prepared.quantiles) };
  }
  const { rows: all } = prepared;
  const { columns } = all;
  // In their own precision, by which probabilities are kept from 0 and 1.
  const scores = all.scores.slice(0, members.length * columns);
  members.forEach((row, place) => {
    scores.set(all.scores.subarray(row * columns, (row + 1) * columns), place * columns);
  });
  const labels = Int32Array.from(members, (row) => all.labels[row]!);
  return classifierOf({ ...all, rows: members.length, labels, scores, weights }, prepared);
}

function prepareRegressor(
  { labels, numbers, width, weights, output }: Answers,
  { quantiles }: QualityOptions,
): PreparedRegressor {
  if (width !== 1) {
    throw unusable(
      `Output "${output}" has ${width} numbers a row, and a regression takes one. Name another output, or measure as a classification.`,
    );
  }
  const targets = Float64Array.from(labels.values);
  const rows = checkRegressed({ targets, predictions: numbers, weights: weights ?? undefined });
  return { task: "regression", rows, quantiles, figures: regressionFigures(rows, quantiles) };
}

function positiveOf(wanted: number | string | null, names: readonly string[] | null): number {
  if (wanted === null) return 1;
  if (wanted === 0 || wanted === 1) return wanted;
  const named = (names ?? []).indexOf(String(wanted));
  if (named === 0 || named === 1) return named;
  throw unusable(`There is no class "${wanted}" of two; there are ${(names ?? ["0", "1"]).join(", ")}.`);
}

/** From which probability class 1 is predicted, where the positive class is from `threshold` on. */
function thresholdOf(threshold: number | null, positive: number): number {
  if (threshold === null) return 0.5;
  // Class 0 is predicted up to and with 1 − threshold, so class 1 from just above it.
  return positive === 1 ? threshold : 1 - threshold + Number.EPSILON;
}
