// Each figure of two models on the same rows: both values, the candidate's less the baseline's with its interval, and how
// likely so large a difference is where there is none. What pairs rows is always used: it tells far more than two intervals
// side by side.
import {
  compareAucs,
  type Interval,
  mcnemarTest,
  normalDistribution,
  pairedProportionDifferenceInterval,
} from "@slipway/core/stats";
import type { MeasuredValue } from "#registry";
import { calibrationOf, figuresOf, type Prepared, type PreparedClassifier } from "../assess/index.ts";
import {
  areEven,
  expectedErrorNoise,
  FEW_CARRIERS,
  outcomesOfHits,
  pairedName,
  type PairedOutcomes,
  type PairedPart,
  pairedScores,
  predictedClass,
  rankOfLabel,
  type Resampling,
  rowsText,
} from "../quality/index.ts";

/** Two models' answers to the same rows. */
export type PreparedPair<Of extends Prepared = Prepared> = { readonly baseline: Of; readonly candidate: Of };

export interface ComparedFigure {
  readonly name: string;
  /** Which way is better; null for a figure that has no better way. */
  readonly better: "more" | "less" | null;
  readonly baseline: MeasuredValue;
  readonly candidate: MeasuredValue;
  /** Candidate − baseline. */
  readonly difference: MeasuredValue;
  /** Two-sided, of this figure by itself. */
  readonly p: MeasuredValue;
}

/** What is better where it is less; all others are better where they are more, but for an error's direction. */
const LESS: ReadonlySet<string> = new Set([
  "log-loss",
  "brier",
  "calibration-error",
  "mae",
  "rmse",
  "median-error",
  "mape",
]);

/** Figures of single classes are left out here; they are compared as recalls, on the rows of the class. */
const OF_CLASS = /^f1\[/;

/** @param resampling of the pair's paired figures */
export function comparedFigures(pair: PreparedPair, resampling: Resampling, level: number): readonly ComparedFigure[] {
  const valuesOf = (prepared: Prepared, part: PairedPart) =>
    figuresOf(prepared, { interval: (name, at) => resampling.interval(pairedName(part, name), at) }, level).values;
  const [baseline, candidate] = [valuesOf(pair.baseline, "first"), valuesOf(pair.candidate, "second")];
  const names = pair.baseline.figures.names.filter((name) => !OF_CLASS.test(name));
  return names.map((name) => {
    const [a, b] = [baseline[name]!, candidate[name]!];
    return {
      name,
      better: betterOf(name),
      baseline: a,
      candidate: b,
      ...differenceOf(name, a, b, pair, resampling, level),
    };
  });
}

function betterOf(name: string): ComparedFigure["better"] {
  if (name === "mean-error") return null;
  return LESS.has(name) || name.startsWith("quantile-loss") ? "less" : "more";
}

interface Tested {
  readonly interval: Interval | null;
  readonly intervalMethod: string;
  readonly pValue: number | null;
  readonly pMethod: string;
}

function differenceOf(
  name: string,
  baseline: MeasuredValue,
  candidate: MeasuredValue,
  pair: PreparedPair,
  resampling: Resampling,
  level: number,
): Pick<ComparedFigure, "difference" | "p"> {
  const { count, unit } = candidate;
  if (baseline.value === null || candidate.value === null) {
    const [whose, reason] = candidate.value === null ? ["candidate", candidate.reason] : ["baseline", baseline.reason];
    const none = {
      value: null,
      reason: `Undefined for the ${whose}: ${reason}`,
      interval: null,
      method: "paired",
      count,
    };
    return { difference: { ...none, unit }, p: { ...none, unit: "1" } };
  }
  const estimate = candidate.value - baseline.value;
  const tested = testedOf(name, estimate, pair, resampling, level);
  const { interval, pValue } = tested;
  return {
    difference: {
      value: estimate,
      reason: null,
      unit,
      interval: interval === null ? null : { lower: interval.lower, upper: interval.upper, level },
      method: `candidate less baseline; ${tested.intervalMethod}`,
      count,
    },
    p: {
      value: pValue,
      reason: pValue === null ? tested.intervalMethod.replace("no interval: ", "There is no test: ") : null,
      unit: "1",
      interval: null,
      method: tested.pMethod,
      count,
    },
  };
}

function testedOf(name: string, estimate: number, pair: PreparedPair, resampling: Resampling, level: number): Tested {
  if (isOfClassifiers(pair) && areEven(pair.candidate.rows.weights)) {
    const isHit = hitOf(name);
    if (isHit !== null) return shareDifference(outcomesOf(pair, isHit), level);
    const areas = name === "auc" ? areaDifference(pair, level) : null;
    if (areas !== null) return areas;
  }
  if (isOfClassifiers(pair) && name === "calibration-error") return calibrationDifference(pair, resampling, level);
  return resampledDifference(pairedName("difference", name), estimate, resampling, level);
}

/** By the paired bootstrap, where the difference rests on rows enough for that. */
function resampledDifference(name: string, estimate: number, resampling: Resampling, level: number): Tested {
  const none = (why: string, pValue: number | null = null): Tested => ({
    interval: null,
    intervalMethod: `no interval: ${why}`,
    pValue,
    pMethod: pValue === null ? "no test" : why,
  });
  if (estimate === 0 && resampling.standardDeviation(name) === 0) {
    return none("both are the same on all rows", 1);
  }
  const carriers = resampling.carriers(name);
  if (carriers < FEW_CARRIERS) {
    return none(`the difference rests on about ${rowsText(carriers)}, too few to resample`);
  }
  const { interval, method } = resampling.interval(name, level);
  const pValue = resampling.pValue(name, 0);
  const least = 2 / (resampling.done + 1);
  // Of 2000 resamples all on one side of 0, as on the other 1 in 1000 could be.
  const floor =
    pValue !== null && resampling.done > 0 && pValue <= least
      ? `, which tell none below ${Number(least.toPrecision(2))}`
      : "";
  return { interval, intervalMethod: `paired ${method}`, pValue, pMethod: `paired ${method}${floor}` };
}

/**
 * Noise adds to either error, as much as `expectedErrorNoise` says at most; so the truth may lie lower by what it adds to the
 * candidate's and higher by what it adds to the baseline's. How far the rest spreads, resamples tell.
 */
function calibrationDifference(
  { baseline, candidate }: PreparedPair<PreparedClassifier>,
  resampling: Resampling,
  level: number,
): Tested {
  const [own, other] = [calibrationOf(candidate), calibrationOf(baseline)];
  const spread = resampling.standardDeviation(pairedName("difference", "calibration-error"));
  const [ours, theirs] = [own.expectedError.value, other.expectedError.value];
  if (spread === null || ours === null || theirs === null) {
    return {
      interval: null,
      intervalMethod: "no interval: the error is undefined on resamples",
      pValue: null,
      pMethod: "no test",
    };
  }
  const estimate = ours - theirs;
  if (estimate === 0 && spread === 0) {
    return {
      interval: null,
      intervalMethod: "no interval: both are the same on all rows",
      pValue: 1,
      pMethod: "both are the same",
    };
  }
  const normal = normalDistribution();
  const reach = normal.quantile((1 + level) / 2) * spread;
  const lower = estimate - expectedErrorNoise(own).bias;
  const upper = estimate + expectedErrorNoise(other).bias;
  const beyond = Math.max(0, lower, -upper);
  const pValue = beyond === 0 ? 1 : Math.min(1, 2 * normal.survival(beyond / spread));
  const method = "paired, normal, either way more by what noise can add";
  const interval = { estimate, lower: Math.max(-1, lower - reach), upper: Math.min(1, upper + reach) };
  return { interval, intervalMethod: method, pValue, pMethod: method };
}

export function isOfClassifiers(pair: PreparedPair): pair is PreparedPair<PreparedClassifier> {
  return pair.baseline.task === "classification" && pair.candidate.task === "classification";
}

type IsHit = (prepared: PreparedClassifier, row: number) => boolean;

/** For figures that are a share of rows: what a hit is. */
function hitOf(name: string): IsHit | null {
  if (name === "accuracy") return isRight;
  const [, k] = /^top-(\d+)$/.exec(name) ?? [];
  return k === undefined ? null : ({ rows, options }, row) => rankOfLabel(rows, row, options.threshold) < Number(k);
}

const isRight: IsHit = ({ rows, options }, row) => predictedClass(rows, row, options.threshold) === rows.labels[row];

/** The rows by who got them right; the first is the candidate. */
export function outcomesOf({ baseline, candidate }: PreparedPair<PreparedClassifier>, isHit = isRight): PairedOutcomes {
  const hits = (prepared: PreparedClassifier) =>
    Uint8Array.from({ length: prepared.rows.rows }, (_none, row) => Number(isHit(prepared, row)));
  return outcomesOfHits(hits(candidate), hits(baseline), candidate.rows.weights);
}

/** Two shares of the same rows. */
export function shareDifference({ bothRight, onlyFirst, onlySecond, bothWrong }: PairedOutcomes, level: number) {
  const counts = { both: bothRight, onlyFirst, onlySecond, neither: bothWrong };
  return {
    interval: pairedProportionDifferenceInterval(counts, level),
    intervalMethod: "Newcombe, paired",
    pValue: mcnemarTest(onlyFirst, onlySecond).pValue,
    pMethod: "McNemar, mid-p",
  } satisfies Tested;
}

/** null where DeLong's method does not hold: more than two classes, or fewer than two rows of one. */
function areaDifference({ baseline, candidate }: PreparedPair<PreparedClassifier>, level: number): Tested | null {
  const { classes } = candidate.rows;
  if (classes > 2) return null;
  const { scale, positive } = candidate.options;
  const counted = ({ rows }: PreparedClassifier) => ({
    ...rows,
    weights: rows.weights.map((weight) => Number(weight > 0)),
  });
  const { first, second, labels } = pairedScores(counted(candidate), counted(baseline), { classes, scale, positive });
  const positives = labels.reduce((sum, label) => sum + label, 0);
  if (positives < 2 || labels.length - positives < 2) return null;
  const { difference, pValue } = compareAucs(first, second, labels, level);
  return { interval: difference, intervalMethod: "DeLong", pValue, pMethod: "DeLong" };
}
