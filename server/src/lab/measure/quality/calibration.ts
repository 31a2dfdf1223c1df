// Whether probabilities mean what they say: reliability bins, and the calibration errors over them. Bins of equal width are
// sums and need no rows kept; bins of equal mass need all confidences, because where they end depends on them.
import { type Interval, normalDistribution } from "@slipway/core/stats";
import { type Metric, metricFrom, ratio, undefinedMetric } from "./metric.ts";
import { descendingOrder } from "./order.ts";
import { type CheckedRows, predictedClass } from "./rows.ts";

/** What is held against what happened: the probability of class 1, or that of the class predicted. */
export type CalibrationOf = "positive" | "top-label";

/** Rows of about one confidence. */
export interface ReliabilityBin {
  /** Bins hold confidences above `lower`, up to and with `upper`; the first holds its lower end too. */
  readonly lower: number;
  readonly upper: number;
  readonly rows: number;
  readonly weight: number;
  /** (Σ w)² / Σ w²: as how many rows of equal weight it counts. */
  readonly effectiveRows: number;
  readonly confidence: Metric;
  /** How often what was predicted with this confidence was so. */
  readonly accuracy: Metric;
}

export interface Calibration {
  readonly bins: readonly ReliabilityBin[];
  /** The mean distance of accuracy from confidence over bins, by their weight (ECE). */
  readonly expectedError: Metric;
  /** The largest distance of a bin (MCE). */
  readonly maximumError: Metric;
}

/** Sums over the rows of each bin. */
export interface BinSums {
  readonly rows: Float64Array;
  readonly weight: Float64Array;
  /** Of weights squared. */
  readonly squares: Float64Array;
  readonly confidence: Float64Array;
  readonly hits: Float64Array;
}

export function createBins(count: number): BinSums {
  const column = () => new Float64Array(count);
  return { rows: column(), weight: column(), squares: column(), confidence: column(), hits: column() };
}

export function mergeBins(bins: BinSums, other: BinSums): void {
  for (const key of ["rows", "weight", "squares", "confidence", "hits"] as const) {
    other[key].forEach((value, index) => {
      bins[key][index]! += value;
    });
  }
}

/** Adds a row to its bin. */
export function binRow(bins: BinSums, bin: number, confidence: number, isHit: boolean, weight: number): void {
  bins.rows[bin]! += 1;
  bins.weight[bin]! += weight;
  bins.squares[bin]! += weight * weight;
  bins.confidence[bin]! += weight * confidence;
  if (isHit) bins.hits[bin]! += weight;
}

/** Which of `count` bins of equal width over 0 to 1 a confidence falls into; what lies on an edge belongs to the lower bin. */
export function equalWidthBin(confidence: number, count: number): number {
  let bin = Math.max(0, Math.min(count - 1, Math.ceil(confidence * count) - 1));
  // The product is rounded; the edges decide.
  while (bin > 0 && confidence <= bin / count) bin--;
  while (bin < count - 1 && confidence > (bin + 1) / count) bin++;
  return bin;
}

/** A row's confidence, and whether what it was confident of is so. */
export function confidenceOf(
  checked: CheckedRows,
  row: number,
  of: CalibrationOf,
  threshold: number,
): { readonly confidence: number; readonly isHit: boolean } {
  const { scores, columns, labels } = checked;
  if (of === "positive") {
    return { confidence: scores[columns === 1 ? row : row * columns + 1]!, isHit: labels[row] === 1 };
  }
  const predicted = predictedClass(checked, row, threshold);
  const score = scores[columns === 1 ? row : row * columns + predicted]!;
  return { confidence: columns === 1 && predicted === 0 ? 1 - score : score, isHit: labels[row] === predicted };
}

/** Bins of equal width as a calibration. Sources: M. P. Naeini and others, AAAI 2015; C. Guo and others, ICML 2017. */
export function equalWidthCalibration(bins: BinSums): Calibration {
  const count = bins.rows.length;
  const edges = Float64Array.from({ length: count + 1 }, (_, edge) => edge / count);
  return calibrationFrom(bins, edges.subarray(0, count), edges.subarray(1));
}

/**
 * Bins of about equal weight. Their ends are the weighted quantiles k / count of the confidences (the inverse of their
 * distribution function), so equal confidences are never parted and a weight of 2 is the same as the row twice. Where many
 * are equal there are fewer bins than `count`. Source: K. Nguyen and B. O'Connor, EMNLP 2015.
 * @param confidences [rows], with `hits` and `weights` alike; rows of weight 0 are left out
 */
export function equalMassCalibration(
  confidences: Float64Array,
  hits: Uint8Array,
  weights: Float64Array,
  count: number,
): Calibration {
  const order = descendingOrder(confidences, weights).reverse();
  const sum = order.reduce((total, row) => total + weights[row]!, 0);
  const uppers: number[] = [];
  let [below, quantile] = [0, 1];
  for (let place = 0; place < order.length; place++) {
    const row = order[place]!;
    below += weights[row]!;
    let isEnd = false;
    while (quantile < count && below >= (quantile * sum) / count) {
      isEnd = true;
      quantile++;
    }
    if (isEnd && uppers.at(-1) !== confidences[row]) uppers.push(confidences[row]!);
  }
  const last = order.length === 0 ? undefined : confidences[order.at(-1)!]!;
  if (last !== undefined && uppers.at(-1) !== last) uppers.push(last);
  const bins = createBins(uppers.length);
  let bin = 0;
  for (let place = 0; place < order.length; place++) {
    const row = order[place]!;
    while (confidences[row]! > uppers[bin]!) bin++;
    binRow(bins, bin, confidences[row]!, hits[row] === 1, weights[row]!);
  }
  return calibrationFrom(bins, [order.length === 0 ? 0 : confidences[order[0]!]!, ...uppers], uppers);
}

/**
 * What noise alone adds to the expected calibration error of these bins, at most and on average: a sum of distances only grows by
 * it, to what a calibrated model would show. The noise of a bin is binomial, around a share with two hits and two misses
 * added (A. Agresti, B. A. Coull, The American Statistician 52 (1998)).
 * @returns the bias, and the variance of the error
 */
export function expectedErrorNoise({ bins }: Calibration): { readonly bias: number; readonly variance: number } {
  const sum = bins.reduce((total, { weight }) => total + weight, 0);
  let [variance, bias] = [0, 0];
  for (const { weight, effectiveRows, accuracy } of bins) {
    if (accuracy.value === null) continue;
    const share = (effectiveRows * accuracy.value + 2) / (effectiveRows + 4);
    const noise = (share * (1 - share)) / effectiveRows;
    variance += (weight / sum) ** 2 * noise;
    bias += (weight / sum) * Math.sqrt((2 / Math.PI) * noise);
  }
  return { bias, variance };
}

/**
 * The interval for the expected calibration error of these bins. The lower end is moved by all that noise can add, the upper end
 * by none, and so the interval is wide on its lower side but covers whatever the truth is.
 */
export function expectedErrorInterval(calibration: Calibration, confidence: number): Interval | null {
  const estimate = calibration.expectedError.value;
  if (estimate === null) return null;
  const { bias, variance } = expectedErrorNoise(calibration);
  const reach = normalDistribution().quantile((1 + confidence) / 2) * Math.sqrt(variance);
  return { estimate, lower: Math.max(0, estimate - bias - reach), upper: Math.min(1, estimate + reach) };
}

function calibrationFrom(sums: BinSums, lower: ArrayLike<number>, upper: ArrayLike<number>): Calibration {
  const bins = Array.from(sums.rows, (rows, bin): ReliabilityBin => {
    const weight = sums.weight[bin]!;
    return {
      lower: lower[bin]!,
      upper: upper[bin]!,
      rows,
      weight,
      effectiveRows: weight === 0 ? 0 : weight ** 2 / sums.squares[bin]!,
      confidence: ratio(sums.confidence[bin]!, weight, "empty-bin"),
      accuracy: ratio(sums.hits[bin]!, weight, "empty-bin"),
    };
  });
  let [total, distance, most] = [0, 0, 0];
  for (const { weight, confidence, accuracy } of bins) {
    if (confidence.value === null || accuracy.value === null) continue;
    const gap = Math.abs(accuracy.value - confidence.value);
    total += weight;
    distance += weight * gap;
    most = Math.max(most, gap);
  }
  return {
    bins,
    expectedError: ratio(distance, total, "no-rows"),
    maximumError: total === 0 ? undefinedMetric("no-rows") : metricFrom(most),
  };
}
