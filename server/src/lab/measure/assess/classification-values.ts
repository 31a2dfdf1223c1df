// A classifier's figures with their intervals, as evidence keeps them.
import { unreachable } from "@slipway/core/base";
import { aucInterval, type Interval } from "@slipway/core/stats";
import { type MeasuredValue, selectedMetric } from "#registry";
import {
  areEven,
  averagePrecision,
  type ClassificationQuality,
  descendingOrder,
  expectedErrorInterval,
  MAX_NAMED_CLASSES,
  type Metric,
  operatingPoints,
  predictedClass,
  scoreOf,
  shareInterval,
  weightSums,
} from "../quality/index.ts";
import { exact } from "../exact.ts";
import { type Found, type Intervals, measured, methodOf } from "./measured.ts";
import type { PreparedClassifier } from "./prepare.ts";

/** Those of shares are Wilson's, the area of two classes is DeLong's, the others come from resampled rows. */
export function classificationValues(
  prepared: PreparedClassifier,
  quality: ClassificationQuality,
  resampling: Intervals,
  level: number,
): Record<string, MeasuredValue> {
  const { rows, options } = prepared;
  const count = quality.weightedRows;
  const share = (metric: Metric, what: string) => measured(metric, found(metric, what), count, level);
  const all = weightSums(new Uint8Array(rows.rows), rows.weights, 1)[0]!;
  const found = (metric: Metric, what: string): Found => {
    const of = shareInterval(metric.value, all, level);
    return of === null ? { interval: null, method: what } : { ...of, method: methodOf(what, of.method) };
  };
  const resampled = (name: string, metric: Metric, what: string) =>
    measured(metric, resampledFound(resampling, name, what, level), count, level);
  const values: Record<string, MeasuredValue> = {
    rows: exact(count, "1", "rows of a weight above 0"),
    accuracy: share(quality.accuracy, "share of rows that are right"),
    "balanced-accuracy": resampled(
      "balanced-accuracy",
      quality.balancedAccuracy,
      "mean recall of the classes that have labels",
    ),
    precision: resampled("precision", quality.precision.macro, "mean over classes"),
    "precision-weighted": resampled(
      "precision-weighted",
      quality.precision.weighted,
      "mean over classes by their labels",
    ),
    f1: resampled("f1", quality.f1.macro, "mean over classes"),
    "f1-micro": share(quality.f1.micro, "over all rows at once: with one label a row the accuracy"),
    "f1-weighted": resampled("f1-weighted", quality.f1.weighted, "mean over classes by their labels"),
    matthews: resampled("matthews", quality.matthews, "Matthews' correlation"),
    auc: areaValue(prepared, quality, resampling, level),
    "auc-pr": resampled("auc-pr", precisionOf(prepared, quality.ranking), `average precision${rankingText(prepared)}`),
    "log-loss": resampled("log-loss", quality.logLoss, "nats"),
    brier: resampled("brier", quality.brier, "Brier score"),
    "calibration-error": calibrationValue(quality, options.bins, level),
  };
  for (const { k, accuracy } of quality.topK) {
    values[`top-${k}`] = share(accuracy, `label among the ${k} highest scores`);
  }
  return { ...values, ...classValues(prepared, quality, resampling, level) };
}

function resampledFound(resampling: Intervals, name: string, what: string, level: number): Found {
  const { interval, method } = resampling.interval(name, level);
  return { interval, method: methodOf(what, method) };
}

function areaValue(
  prepared: PreparedClassifier,
  quality: ClassificationQuality,
  resampling: Intervals,
  level: number,
): MeasuredValue {
  const { ranking, weightedRows } = quality;
  const area = areaOf(ranking);
  const what = `area under the ROC curve${rankingText(prepared)}`;
  const delong = delongInterval(prepared, level);
  if (delong !== null) {
    return measured(
      area,
      { interval: delong, method: methodOf(what, "DeLong, on the logit scale") },
      weightedRows,
      level,
    );
  }
  return measured(area, resampledFound(resampling, "auc", what, level), weightedRows, level);
}

/** null for weighted rows, which the method does not know, and for fewer than two rows of a class. */
function delongInterval(prepared: PreparedClassifier, level: number): Interval | null {
  const material = rankedMaterial(prepared);
  return material === null ? null : aucInterval(material.scores, material.positives, level);
}

/** What DeLong's method takes of a classifier of two classes; null where it does not hold. */
function rankedMaterial({ rows: checked, options: { positive } }: PreparedClassifier) {
  const { classes, columns, scores, labels, weights } = checked;
  if (classes > 2 || !areEven(weights)) return null;
  const members = Array.from(weights.keys()).filter((row) => weights[row]! > 0);
  const positives = members.map((row) => labels[row] === positive);
  const found = positives.filter(Boolean).length;
  if (found < 2 || members.length - found < 2) return null;
  return { scores: members.map((row) => scoreOf(scores, columns, row, positive)), positives };
}

function rankingText({ rows, names, options }: PreparedClassifier): string {
  if (rows.classes > 2) return ", one against the rest, mean over classes";
  return `, of class ${names?.[options.positive] ?? options.positive}`;
}

function areaOf(ranking: ClassificationQuality["ranking"]): Metric {
  switch (ranking.kind) {
    case "binary":
      return ranking.rocAuc;
    case "multiclass":
      return ranking.rocAuc.macro;
    case "undefined":
      return { value: null, reason: ranking.reason };
    default:
      return unreachable(ranking);
  }
}

/** The area is the same from either of two classes; average precision is not, and wants the one that is looked for. */
function precisionOf(
  { rows: checked, options }: PreparedClassifier,
  ranking: ClassificationQuality["ranking"],
): Metric {
  switch (ranking.kind) {
    case "binary": {
      if (options.positive === 1) return ranking.averagePrecision;
      const { rows, columns, scores: all, labels, weights } = checked;
      const scores = Float64Array.from({ length: rows }, (_none, row) => scoreOf(all, columns, row, options.positive));
      const positives = Uint8Array.from(labels, (label) => Number(label === options.positive));
      return averagePrecision(operatingPoints({ scores, positives, weights }, descendingOrder(scores, weights)));
    }
    case "multiclass":
      return ranking.averagePrecision.macro;
    case "undefined":
      return { value: null, reason: ranking.reason };
    default:
      return unreachable(ranking);
  }
}

function calibrationValue({ calibration, weightedRows }: ClassificationQuality, bins: number, level: number) {
  const what = `expected, ${bins} bins of equal width`;
  const { equalWidth } = calibration;
  if (equalWidth.bins === null) {
    return measured({ value: null, reason: equalWidth.reason }, { interval: null, method: what }, weightedRows, level);
  }
  const interval = expectedErrorInterval(equalWidth, level);
  const method = methodOf(what, "normal over bins, the lower end less all that noise can add");
  return measured(equalWidth.expectedError, { interval, method }, weightedRows, level);
}

/** Recall, precision and F1 of each class, under its name where it has one: by it a policy can ask. More are in the details. */
function classValues(
  { rows: checked, options, names }: PreparedClassifier,
  { counts, weightedRows, recall, precision, f1 }: ClassificationQuality,
  resampling: Intervals,
  level: number,
): Record<string, MeasuredValue> {
  const { rows, labels, weights } = checked;
  const predictions = Int32Array.from({ length: rows }, (_none, row) =>
    predictedClass(checked, row, options.threshold),
  );
  const byLabel = weightSums(labels, weights, counts.classes);
  const byPrediction = weightSums(predictions, weights, counts.classes);
  const values: Record<string, MeasuredValue> = {};
  for (let label = 0; label < Math.min(counts.classes, MAX_NAMED_CLASSES); label++) {
    const selection = names?.[label] ?? String(label);
    for (const [metric, { perClass }, sums, what] of [
      ["recall", recall, byLabel, "hits over labels"],
      ["precision", precision, byPrediction, "hits over predictions"],
    ] as const) {
      const value = perClass[label]!;
      const of = shareInterval(value.value, sums[label]!, level);
      const interval: Interval | null = of?.interval ?? null;
      const found = { interval, method: of === null ? what : methodOf(what, of.method) };
      values[selectedMetric(metric, selection)] = measured(value, found, sums[label]!.rows, level);
    }
    const found = resampledFound(resampling, `f1[${label}]`, "of precision and recall", level);
    values[selectedMetric("f1", selection)] = measured(f1.perClass[label]!, found, weightedRows, level);
  }
  return values;
}
