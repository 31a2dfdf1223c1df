// What pictures of a classifier's quality are drawn from.
import type { JsonObject } from "#registry";
import {
  type ClassificationQuality,
  type ClassCounts,
  confidenceOf,
  type Curve,
  descendingOrder,
  operatingPoints,
  type PrecisionRecallPoint,
  precisionRecallCurve,
  type ReliabilityBin,
  type RocPoint,
  rocCurve,
  scoreOf,
  shareInterval,
} from "../quality/index.ts";
import { histogram } from "./histograms.ts";
import type { PreparedClassifier } from "./prepare.ts";

/** Above this many classes only the pairs that are most often confused are kept: evidence is no place for a million counts. */
const MOST_MATRIX_CLASSES = 200;
const MOST_CONFUSIONS = 200;
/** Classes with curves of their own, and points of all of them together. */
const MOST_CURVES = 20;
const MOST_POINTS = 500;
const HISTOGRAM_BINS = 50;

export function classificationDetails(
  prepared: PreparedClassifier,
  quality: ClassificationQuality,
  level: number,
): JsonObject {
  const { counts, impossibleRows } = quality;
  return plain({
    task: "classification",
    classes: counts.classes,
    classNames: prepared.names,
    labelled: Array.from(counts.labelled),
    predicted: Array.from(counts.predicted),
    confusion: counts.classes <= MOST_MATRIX_CLASSES && counts.confusion !== null ? Array.from(counts.confusion) : null,
    confusions: confusionsOf(counts),
    reliability: reliabilityOf(quality, level),
    curves: curvesOf(prepared),
    confidence: confidencesOf(prepared),
    impossibleRows,
  });
}

/** What was most often taken for what, the most frequent first. */
function confusionsOf({ classes, confusion }: ClassCounts) {
  if (confusion === null) return [];
  const cells = Array.from(confusion.keys()).filter(
    (cell) => confusion[cell]! > 0 && Math.floor(cell / classes) !== cell % classes,
  );
  return cells
    .toSorted((a, b) => confusion[b]! - confusion[a]!)
    .slice(0, MOST_CONFUSIONS)
    .map((cell) => ({ label: Math.floor(cell / classes), predicted: cell % classes, weight: confusion[cell]! }));
}

/** Bins that have rows, each share with Wilson's interval. */
function reliabilityOf({ calibration }: ClassificationQuality, level: number) {
  const { equalWidth, of } = calibration;
  if (equalWidth.bins === null) return null;
  const bins = equalWidth.bins.flatMap((bin) => {
    if (bin.accuracy.value === null) return [];
    const { lower, upper, rows, weight, confidence, accuracy } = bin;
    const interval = binInterval(bin, level);
    return [{ lower, upper, rows, weight, confidence: confidence.value, accuracy: accuracy.value, interval }];
  });
  return { of, bins };
}

function binInterval({ accuracy, effectiveRows, rows }: ReliabilityBin, level: number) {
  // The sums whose effective number of rows is the bin's.
  const sums = { rows, weight: effectiveRows, squares: effectiveRows };
  const found = shareInterval(accuracy.value, sums, level);
  return found === null ? null : { lower: found.interval.lower, upper: found.interval.upper, level };
}

/** ROC and precision-recall curves: of the positive class, or of each class against the rest. */
function curvesOf({ rows: checked, options, names }: PreparedClassifier) {
  const { rows, classes, columns, scores, labels, weights } = checked;
  if (classes > MOST_CURVES) return [];
  const shown = classes === 2 ? [options.positive] : Array.from({ length: classes }, (_none, label) => label);
  const most = Math.max(2, Math.floor(MOST_POINTS / shown.length));
  // One score a row is that of class 1; the other's is its negative, and 1 more is a probability again.
  const isMirrored = columns === 1 && options.positive === 0;
  const threshold = (value: number | null) => (value !== null && isMirrored ? value + 1 : value);
  return shown.map((label) => {
    const own = Float64Array.from({ length: rows }, (_none, row) => scoreOf(scores, columns, row, label));
    const positives = Uint8Array.from(labels, (one) => Number(one === label));
    const points = operatingPoints({ scores: own, positives, weights }, descendingOrder(own, weights));
    const roc = pointsOf<RocPoint>(rocCurve(points, most)).map(
      (point) => [threshold(point.threshold), point.falsePositiveRate, point.truePositiveRate] as const,
    );
    const precisionRecall = pointsOf<PrecisionRecallPoint>(precisionRecallCurve(points, most)).map(
      (point) => [threshold(point.threshold), point.recall, point.precision] as const,
    );
    return { class: label, name: names?.[label] ?? null, roc, precisionRecall };
  });
}

function pointsOf<T>({ points }: Curve<T>): readonly T[] {
  return points ?? [];
}

/** How sure the model was where it was right, and where it was wrong. */
function confidencesOf({ rows: checked, options }: PreparedClassifier) {
  const { rows, weights } = checked;
  const confidences = new Float64Array(rows);
  const hits = new Uint8Array(rows);
  for (let row = 0; row < rows; row++) {
    const { confidence, isHit } = confidenceOf(checked, row, "top-label", options.threshold);
    confidences[row] = confidence;
    hits[row] = Number(isHit);
  }
  const of = (isHit: boolean) =>
    histogram(confidences, weights, [0, 1], HISTOGRAM_BINS, (row) => hits[row] === Number(isHit));
  return { right: of(true), wrong: of(false) };
}

function plain(value: unknown): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}
