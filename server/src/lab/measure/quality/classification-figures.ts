// A classifier's figures for any weights of its rows: what resampling evaluates thousands of times. The same numbers as
// `classificationQuality`, which a test holds them to.
import { type CalibrationOf, confidenceOf, equalWidthBin } from "./calibration.ts";
import { type ClassCounts, matthewsCorrelation, precisionRecall, total } from "./counts.ts";
import { countedDerivative } from "./counted-derivatives.ts";
import { logLossEpsilon, rowBrier, rowLogLoss } from "./losses.ts";
import type { Metric } from "./metric.ts";
import { type Bounds, influencesOfMean, type WeightedFigures } from "./resampling.ts";
import { ranked, rankedInfluences, rankingsOf } from "./resampled-rankings.ts";
import { type CheckedRows, predictedClass, rankOfLabel, type Scale } from "./rows.ts";

export interface ClassificationFiguresOptions {
  readonly scale: Scale;
  readonly threshold: number;
  readonly topK: readonly number[];
  readonly bins: number;
  readonly calibrationOf: CalibrationOf;
  /** With two classes, the one whose ranking is looked at. */
  readonly positive: number;
}

/** What all figures but rankings need of each row. */
interface RowFacts {
  readonly labels: Int32Array;
  readonly predicted: Int32Array;
  readonly ranks: Int32Array;
  readonly logLoss: Float64Array;
  readonly brier: Float64Array;
  readonly bin: Uint16Array;
  readonly confidence: Float64Array;
  readonly isHit: Uint8Array;
}

const COUNTED = [
  "accuracy",
  "balanced-accuracy",
  "precision",
  "precision-weighted",
  "f1",
  "f1-weighted",
  "matthews",
] as const;

/** All others are from 0 to 1. */
const BOUNDS: Readonly<Record<string, Bounds>> = {
  matthews: [-1, 1],
  "log-loss": [0, Number.POSITIVE_INFINITY],
  brier: [0, 2],
};

/** Classes whose F1 is resampled by itself. */
export const MAX_NAMED_CLASSES = 100;

/** The figures by the names that evidence has them by. Rankings are left out where there are too many classes or scores. */
export function classificationFigures(checked: CheckedRows, options: ClassificationFiguresOptions): WeightedFigures {
  const { scale, topK, bins } = options;
  const { classes } = checked;
  const facts = factsOf(checked, options);
  const rankings = rankingsOf(checked, options.positive);
  const isProbability = scale === "probability";
  const lossNames = isProbability ? ["log-loss", "brier", "calibration-error"] : [];
  const rankingNames = rankings.length > 0 ? ["auc", "auc-pr"] : [];
  const ofClass = Array.from({ length: Math.min(classes, MAX_NAMED_CLASSES) }, (_none, label) => `f1[${label}]`);
  const counted = [...COUNTED, ...ofClass];
  const names = [...counted, ...topK.map((k) => `top-${k}`), ...lossNames, ...rankingNames];
  const counts = emptyCounts(classes);
  const [ranks, binGap] = [new Float64Array(classes), new Float64Array(bins)];

  const evaluate = (weights: Float64Array, into: Float64Array): void => {
    const { labels, predicted, isHit, confidence } = facts;
    for (const sums of [counts.hits, counts.labelled, counts.predicted, ranks, binGap]) sums.fill(0);
    let [all, logLoss, brier] = [0, 0, 0];
    for (let row = 0; row < weights.length; row++) {
      const weight = weights[row]!;
      if (weight === 0) continue;
      all += weight;
      addRow(counts, labels[row]!, predicted[row]!, weight);
      ranks[facts.ranks[row]!]! += weight;
      if (!isProbability) continue;
      logLoss += weight * facts.logLoss[row]!;
      brier += weight * facts.brier[row]!;
      binGap[facts.bin[row]!]! += weight * (isHit[row]! - confidence[row]!);
    }
    let at = 0;
    for (const value of countedFigures(counts)) into[at++] = value;
    for (const k of topK) into[at++] = total(ranks.subarray(0, k)) / total(ranks);
    if (isProbability) {
      into[at++] = logLoss / all;
      into[at++] = brier / all;
      into[at++] = binGap.reduce((sum, gap) => sum + Math.abs(gap), 0) / all;
    }
    if (rankings.length === 0) return;
    let [areas, precisions] = [0, 0];
    for (const ranking of rankings) {
      const { area, precision } = ranked(ranking, labels, weights);
      areas += area;
      precisions += precision;
    }
    into[at++] = areas / rankings.length;
    into[at++] = precisions / rankings.length;
  };

  const influences = (index: number, weights: Float64Array): Float64Array | null => {
    const name = names[index]!;
    if (name === "log-loss") return influencesOfMean(facts.logLoss, weights);
    if (name === "brier") return influencesOfMean(facts.brier, weights);
    if (index < counted.length) {
      for (const sums of [counts.hits, counts.labelled, counts.predicted]) sums.fill(0);
      for (let row = 0; row < weights.length; row++) {
        addRow(counts, facts.labels[row]!, facts.predicted[row]!, weights[row]!);
      }
      const derivative = countedDerivative(name, counts);
      return weights.map((weight, row) => {
        const moved = weight === 0 ? 0 : weight * derivative(facts.labels[row]!, facts.predicted[row]!);
        return Number.isFinite(moved) ? moved : 0;
      });
    }
    if (name === "calibration-error") return influencesOfCalibration(facts, weights, bins);
    if (name === "auc") return rankedInfluences(rankings, facts.labels, weights, "area");
    if (name === "auc-pr") return rankedInfluences(rankings, facts.labels, weights, "precision");
    const k = topK[index - counted.length]!;
    const isAmong = Float64Array.from(facts.ranks, (rank) => Number(rank < k));
    return influencesOfMean(isAmong, weights);
  };

  const boundsOf = (index: number): Bounds => BOUNDS[names[index]!] ?? [0, 1];

  return { names, visits: 4 + rankings.length, evaluate, influences, boundsOf };
}

function factsOf(checked: CheckedRows, options: ClassificationFiguresOptions): RowFacts {
  const { rows, labels, scores } = checked;
  const { scale, threshold, bins, calibrationOf, topK } = options;
  const numbers = () => new Float64Array(rows);
  const facts = {
    labels,
    predicted: new Int32Array(rows),
    ranks: new Int32Array(rows),
    logLoss: numbers(),
    brier: numbers(),
    bin: new Uint16Array(rows),
    confidence: numbers(),
    isHit: new Uint8Array(rows),
  };
  const epsilon = logLossEpsilon(scores);
  for (let row = 0; row < rows; row++) {
    facts.predicted[row] = predictedClass(checked, row, threshold);
    if (topK.length > 0) facts.ranks[row] = rankOfLabel(checked, row, threshold);
    if (scale !== "probability") continue;
    facts.logLoss[row] = rowLogLoss(checked, row, epsilon);
    facts.brier[row] = rowBrier(checked, row);
    const { confidence, isHit } = confidenceOf(checked, row, calibrationOf, threshold);
    facts.bin[row] = equalWidthBin(confidence, bins);
    facts.confidence[row] = confidence;
    facts.isHit[row] = Number(isHit);
  }
  return facts;
}

function emptyCounts(classes: number): ClassCounts {
  const column = () => new Float64Array(classes);
  return { classes, hits: column(), labelled: column(), predicted: column(), confusion: null };
}

function addRow(counts: ClassCounts, label: number, predicted: number, weight: number): void {
  counts.labelled[label]! += weight;
  counts.predicted[predicted]! += weight;
  if (label === predicted) counts.hits[label]! += weight;
}

/** In the order of `COUNTED`, then the F1 of each class. */
function countedFigures(counts: ClassCounts): readonly number[] {
  const { precision, recall, f1 } = precisionRecall(counts);
  const share = total(counts.hits) / total(counts.labelled);
  const means = [recall.macro, precision.macro, precision.weighted, f1.macro, f1.weighted];
  return [share, ...[...means, matthewsCorrelation(counts), ...f1.perClass.slice(0, MAX_NAMED_CLASSES)].map(numberOf)];
}

function numberOf({ value }: Metric): number {
  return value ?? Number.NaN;
}

/** Of the sum of bins' gaps, each without its sign: a row counts for the way its bin errs. */
function influencesOfCalibration(
  { bin, isHit, confidence }: RowFacts,
  weights: Float64Array,
  bins: number,
): Float64Array {
  const gaps = new Float64Array(bins);
  const gapOf = (row: number) => isHit[row]! - confidence[row]!;
  for (let row = 0; row < weights.length; row++) gaps[bin[row]!]! += weights[row]! * gapOf(row);
  const signed = Float64Array.from(bin, (one, row) => Math.sign(gaps[one]!) * gapOf(row));
  return influencesOfMean(signed, weights);
}
