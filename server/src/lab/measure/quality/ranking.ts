// How well scores put the rows of one kind before the others, over all thresholds: the area under the ROC curve, average
// precision, and both curves. All of it needs every row's score.
import { type Metric, metricFrom, type UndefinedReason, undefinedMetric } from "./metric.ts";
import { descendingOrder } from "./order.ts";

/** What is counted when everything from a score upwards is called positive; one entry a distinct score, the highest first. */
export interface OperatingPoints {
  readonly thresholds: Float64Array;
  /** Weights of the positives, and of the negatives, at or above the threshold. */
  readonly truePositives: Float64Array;
  readonly falsePositives: Float64Array;
}

/** Rows for ranking. */
export interface RankedRows {
  /** [rows] */
  readonly scores: Float64Array;
  /** [rows], 1 for positive, else 0. */
  readonly positives: Uint8Array;
  /** [rows] */
  readonly weights: Float64Array;
}

/**
 * The operating points of the rows with a weight above 0. Equal scores are one point: nothing can part them.
 * @param order those rows, the highest score first
 */
export function operatingPoints(
  { scores, positives, weights }: RankedRows,
  order = descendingOrder(scores, weights),
): OperatingPoints {
  const thresholds = new Float64Array(order.length);
  const truePositives = new Float64Array(order.length);
  const falsePositives = new Float64Array(order.length);
  let [points, positive, negative] = [0, 0, 0];
  for (let place = 0; place < order.length; place++) {
    const row = order[place]!;
    if (positives[row] === 1) positive += weights[row]!;
    else negative += weights[row]!;
    thresholds[points] = scores[row]!;
    truePositives[points] = positive;
    falsePositives[points] = negative;
    if (place + 1 === order.length || scores[order[place + 1]!] !== scores[row]) points++;
  }
  return {
    thresholds: thresholds.subarray(0, points),
    truePositives: truePositives.subarray(0, points),
    falsePositives: falsePositives.subarray(0, points),
  };
}

/** Why positives and negatives can't be told apart by these points, or null when they can. */
function missing({ truePositives, falsePositives }: OperatingPoints): UndefinedReason | null {
  if (truePositives.length === 0) return "no-rows";
  return truePositives.at(-1) === 0 || falsePositives.at(-1) === 0 ? "one-class" : null;
}

/**
 * The area under the ROC curve, by trapezoids: the probability that a positive row scores above a negative one, a tie counting
 * half. Source: J. A. Hanley and B. J. McNeil, Radiology 143 (1982).
 */
export function rocAuc(points: OperatingPoints): Metric {
  const reason = missing(points);
  if (reason !== null) return undefinedMetric(reason);
  const { truePositives, falsePositives } = points;
  const [positives, negatives] = [truePositives.at(-1)!, falsePositives.at(-1)!];
  let [area, before, left] = [0, 0, 0];
  truePositives.forEach((count, point) => {
    const [height, right] = [count / positives, falsePositives[point]! / negatives];
    area += ((right - left) * (height + before)) / 2;
    [before, left] = [height, right];
  });
  return metricFrom(Math.min(1, area));
}

/**
 * Average precision: the sum of precisions, each by the recall gained at its threshold; the area under the precision-recall
 * curve without interpolating it, which would be too kind. Source: J. Davis and M. Goadrich, ICML 2006.
 */
export function averagePrecision({ truePositives, falsePositives }: OperatingPoints): Metric {
  if (truePositives.length === 0) return undefinedMetric("no-rows");
  const positives = truePositives.at(-1)!;
  if (positives === 0) return undefinedMetric("class-absent");
  let [sum, before] = [0, 0];
  truePositives.forEach((count, point) => {
    sum += ((count - before) / positives) * (count / (count + falsePositives[point]!));
    before = count;
  });
  return metricFrom(Math.min(1, sum));
}

/** A point of a ROC curve. At threshold null nothing is called positive. */
export interface RocPoint {
  readonly threshold: number | null;
  readonly falsePositiveRate: number;
  readonly truePositiveRate: number;
}

/** A point of a precision-recall curve. At threshold null nothing is called positive, and precision is 1 by convention. */
export interface PrecisionRecallPoint {
  readonly threshold: number | null;
  readonly recall: number;
  readonly precision: number;
}

/** A curve's points, or why there are none. */
export type Curve<T> = { readonly points: readonly T[] } | { readonly points: null; readonly reason: UndefinedReason };

/**
 * The ROC curve from (0, 0) to (1, 1), thresholds falling.
 * @param most how many points there may be, at least 2; of more, those are kept that lie evenly along the curve
 */
export function rocCurve(operating: OperatingPoints, most: number): Curve<RocPoint> {
  const reason = missing(operating);
  if (reason !== null) return { points: null, reason };
  const { thresholds, truePositives, falsePositives } = operating;
  const [positives, negatives] = [truePositives.at(-1)!, falsePositives.at(-1)!];
  const points: RocPoint[] = [{ threshold: null, falsePositiveRate: 0, truePositiveRate: 0 }];
  thresholds.forEach((threshold, point) => {
    points.push({
      threshold,
      falsePositiveRate: falsePositives[point]! / negatives,
      truePositiveRate: truePositives[point]! / positives,
    });
  });
  return {
    points: thinned(
      points,
      most,
      (a, b) => Math.abs(a.falsePositiveRate - b.falsePositiveRate) + Math.abs(a.truePositiveRate - b.truePositiveRate),
    ),
  };
}

/**
 * The precision-recall curve, recall rising and thresholds falling.
 * @param most as of `rocCurve`
 */
export function precisionRecallCurve(operating: OperatingPoints, most: number): Curve<PrecisionRecallPoint> {
  const { thresholds, truePositives, falsePositives } = operating;
  if (thresholds.length === 0) return { points: null, reason: "no-rows" };
  const positives = truePositives.at(-1)!;
  if (positives === 0) return { points: null, reason: "class-absent" };
  const points: PrecisionRecallPoint[] = [{ threshold: null, recall: 0, precision: 1 }];
  thresholds.forEach((threshold, point) => {
    const count = truePositives[point]!;
    points.push({ threshold, recall: count / positives, precision: count / (count + falsePositives[point]!) });
  });
  return {
    points: thinned(points, most, (a, b) => Math.abs(a.recall - b.recall) + Math.abs(a.precision - b.precision)),
  };
}

/**
 * At most `most` of a curve's points, with both ends: whenever the way along the curve passes another (most − 1)th part of
 * the whole, the point before which it does. The way to the next point that is kept, less one step of the curve itself, is
 * then never longer than such a part.
 */
function thinned<T>(points: readonly T[], most: number, distance: (a: T, b: T) => number): readonly T[] {
  if (points.length <= most) return points;
  const way = new Float64Array(points.length);
  for (let index = 1; index < points.length; index++) {
    way[index] = way[index - 1]! + distance(points[index - 1]!, points[index]!);
  }
  const part = way.at(-1)! / (most - 1);
  let passed = 0;
  return points.filter((_, index) => {
    if (index === 0 || index === points.length - 1) return true;
    const parts = Math.min(most - 2, Math.floor(way[index]! / part));
    if (parts <= passed) return false;
    passed = parts;
    return true;
  });
}
