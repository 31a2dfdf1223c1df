// A metric as every report holds it: a number, or the reason why there is none. What is undefined is never 0 or NaN, because
// a reader would take the one for a bad model and the other for a bug.

/** Why a metric can have no value, by code; reports print the sentence. */
export const UNDEFINED_REASONS = {
  "no-rows": "There is no row of a weight above zero.",
  "class-absent": "No row has this class as its label.",
  "class-never-predicted": "No row is predicted to be of this class.",
  "class-unseen": "No row has this class as its label, and none is predicted to be of it.",
  "one-class": "All rows have the same label.",
  "one-prediction": "All rows are predicted to be of the same class.",
  "present-never-predicted": "No class that is among the labels is ever predicted.",
  "some-class-absent": "Some class is no row's label, so a mean over all classes is undefined.",
  "two-classes": "With two classes this is what the binary metric says.",
  "too-many-classes": "There are more classes than this is worked out for.",
  "not-probabilities": "The scores are not probabilities.",
  "scores-not-kept": "This needs the scores of all rows, and they were not kept.",
  "errors-not-kept": "This needs the errors of all rows, and they were not kept.",
  "empty-bin": "No row falls into this bin.",
  "too-few-rows": "Fewer than two rows have a weight above zero.",
  "constant-target": "All targets are equal, so there is no variance to explain.",
  "zero-target": "A target is zero, so a relative error is undefined.",
  "out-of-range": "The result, or a sum on the way to it, is too large or too small for a number.",
} as const satisfies Record<string, string>;

export type UndefinedReason = keyof typeof UNDEFINED_REASONS;

/** A finite number, or why there is none. */
export type Metric = { readonly value: number } | { readonly value: null; readonly reason: UndefinedReason };

export function undefinedMetric(reason: UndefinedReason): Metric {
  return { value: null, reason };
}

/** The value as a metric; infinities and what comes of them are out of range. */
export function metricFrom(value: number): Metric {
  return Number.isFinite(value) ? { value } : undefinedMetric("out-of-range");
}

/** numerator / denominator, undefined for `reason` where the denominator is 0. */
export function ratio(numerator: number, denominator: number, reason: UndefinedReason): Metric {
  return denominator === 0 ? undefinedMetric(reason) : metricFrom(numerator / denominator);
}

/** The mean of the metrics that are defined, undefined for `reason` where none is or their weights are all 0. */
export function meanOfDefined(
  metrics: readonly Metric[],
  weights: ArrayLike<number> | null,
  reason: UndefinedReason,
): Metric {
  let [sum, total] = [0, 0];
  metrics.forEach(({ value }, index) => {
    if (value === null) return;
    const weight = weights === null ? 1 : weights[index]!;
    sum += weight * value;
    total += weight;
  });
  return ratio(sum, total, reason);
}
