// Counts of labels and predictions, and the metrics that need no more than them. Memory: three numbers a class, and the
// confusion matrix where there are few enough classes; however many rows.
import { type Metric, meanOfDefined, metricFrom, ratio, type UndefinedReason, undefinedMetric } from "./metric.ts";

/** Above this many classes the confusion matrix is not kept: 1000 × 1000 numbers are 8 MB. */
export const MAX_CONFUSION_CLASSES = 1000;

/** Sums of weights by class. */
export interface ClassCounts {
  readonly classes: number;
  /** [classes]: rows with this label that were predicted right. */
  readonly hits: Float64Array;
  /** [classes]: rows with this label. */
  readonly labelled: Float64Array;
  /** [classes]: rows predicted to be of this class. */
  readonly predicted: Float64Array;
  /** [classes, classes], label by prediction; null above `MAX_CONFUSION_CLASSES`. */
  readonly confusion: Float64Array | null;
}

export function createCounts(classes: number): ClassCounts {
  return {
    classes,
    hits: new Float64Array(classes),
    labelled: new Float64Array(classes),
    predicted: new Float64Array(classes),
    confusion: classes <= MAX_CONFUSION_CLASSES ? new Float64Array(classes * classes) : null,
  };
}

/** Counts one row in. */
export function countRow(counts: ClassCounts, label: number, predicted: number, weight: number): void {
  counts.labelled[label]! += weight;
  counts.predicted[predicted]! += weight;
  if (label === predicted) counts.hits[label]! += weight;
  if (counts.confusion !== null) counts.confusion[label * counts.classes + predicted]! += weight;
}

/** Adds the counts of other rows. */
export function mergeCounts(counts: ClassCounts, other: ClassCounts): void {
  for (const [into, from] of [
    [counts.hits, other.hits],
    [counts.labelled, other.labelled],
    [counts.predicted, other.predicted],
    [counts.confusion, other.confusion],
  ] as const) {
    from?.forEach((value, index) => {
      if (into !== null) into[index]! += value;
    });
  }
}

/** The sum of weights. In this order of adding, as many hits as labels make an accuracy of exactly 1. */
export function total(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** The weighted share of rows predicted right. */
export function accuracy({ hits, labelled }: ClassCounts): Metric {
  return ratio(total(hits), total(labelled), "no-rows");
}

/** A metric of each class, and its means. */
export interface ClassAverages {
  readonly perClass: readonly Metric[];
  /** The mean over the `macroClasses` classes where it is defined. */
  readonly macro: Metric;
  readonly macroClasses: number;
  /** Over all rows at once; for one label a row this is the accuracy. */
  readonly micro: Metric;
  /** The mean over the classes where it is defined, weighted by their labels. */
  readonly weighted: Metric;
}

/** Precision, recall and F1: of each class hits over predictions, hits over labels, and the harmonic mean of both. */
export interface PrecisionRecall {
  readonly precision: ClassAverages;
  readonly recall: ClassAverages;
  readonly f1: ClassAverages;
}

/**
 * Precision, recall and F1. A class without labels has no recall, one without predictions no precision, one with neither no F1;
 * such classes are left out of the means, as scikit-learn does with zero_division=nan.
 */
export function precisionRecall(counts: ClassCounts): PrecisionRecall {
  const { hits, labelled, predicted } = counts;
  const either = labelled.map((weight, label) => weight + predicted[label]!);
  const twice = hits.map((weight) => 2 * weight);
  return {
    precision: averages(hits, predicted, labelled, "class-never-predicted", "present-never-predicted"),
    recall: averages(hits, labelled, labelled, "class-absent", "no-rows"),
    f1: averages(twice, either, labelled, "class-unseen", "no-rows"),
  };
}

function averages(
  numerators: Float64Array,
  denominators: Float64Array,
  labelled: Float64Array,
  absent: UndefinedReason,
  none: UndefinedReason,
): ClassAverages {
  const perClass = Array.from(numerators, (numerator, label) => ratio(numerator, denominators[label]!, absent));
  const isEmpty = total(labelled) === 0;
  return {
    perClass,
    macro: meanOfDefined(perClass, null, "no-rows"),
    macroClasses: perClass.filter(({ value }) => value !== null).length,
    micro: ratio(total(numerators), total(denominators), "no-rows"),
    weighted: meanOfDefined(perClass, labelled, isEmpty ? "no-rows" : none),
  };
}

/**
 * Matthews' correlation of labels and predictions, from −1 to 1, for any number of classes. Undefined where either is constant.
 * Source: J. Gorodkin, Computational Biology and Chemistry 28 (2004), the R_K statistic.
 */
export function matthewsCorrelation(counts: ClassCounts): Metric {
  const shares = sharesOf(counts);
  if (shares === null) return undefinedMetric("no-rows");
  const { miss, labelled, predicted } = shares;
  if (isOne(labelled)) return undefinedMetric("one-class");
  if (isOne(predicted)) return undefinedMetric("one-prediction");
  const spread = Math.sqrt(disagreement(labelled, labelled)) * Math.sqrt(disagreement(predicted, predicted));
  return metricFrom(Math.max(-1, Math.min(1, (disagreement(labelled, predicted) - miss) / spread)));
}

/**
 * Cohen's kappa: agreement of labels and predictions beyond what their shares alone would bring. Undefined where both are the
 * same constant. Source: J. Cohen, Educational and Psychological Measurement 20 (1960).
 */
export function cohensKappa(counts: ClassCounts): Metric {
  const shares = sharesOf(counts);
  if (shares === null) return undefinedMetric("no-rows");
  const { miss, labelled, predicted } = shares;
  if (isOne(labelled) && isOne(predicted) && miss === 0) return undefinedMetric("one-class");
  return metricFrom(1 - miss / disagreement(labelled, predicted));
}

/** Shares of all weight; null where there is none. Shares, not sums, so that no product over- or underflows. */
function sharesOf({ hits, labelled, predicted }: ClassCounts) {
  const [labels, predictions] = [total(labelled), total(predicted)];
  if (labels === 0) return null;
  return {
    miss: total(labelled.map((weight, label) => weight - hits[label]!)) / labels,
    labelled: labelled.map((weight) => weight / labels),
    predicted: predicted.map((weight) => weight / predictions),
  };
}

/** Whether all is in one class. Asked of the entries, because sums of shares may miss 1 by a rounding. */
function isOne(shares: Float64Array): boolean {
  return shares.filter((share) => share > 0).length <= 1;
}

/**
 * The chance that two draws differ: 1 − Σ aᵢ bᵢ, as a sum without cancellation, so that a class of tiny weight still counts.
 */
function disagreement(a: Float64Array, b: Float64Array): number {
  const largest = b.reduce((best, share, label) => (share > b[best]! ? label : best), 0);
  const rest = b.reduce((sum, share, label) => (label === largest ? sum : sum + share), 0);
  return a.reduce((sum, share, label) => sum + share * (label === largest ? rest : 1 - b[label]!), 0);
}
