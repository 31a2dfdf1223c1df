// Each figure of two models on the same rows: both values, the candidate's less the baseline's with its interval, and how
// likely so large a difference is where there is none. What pairs rows is always used: it tells far more than two intervals
// side by side.
import { compareAucs, type Interval, mcnemarTest, pairedProportionDifferenceInterval } from "@slipway/core/stats";
import type { MeasuredValue } from "#registry";
import { figuresOf, type Prepared, type PreparedClassifier } from "../assess/index.ts";
import {
  areEven,
  pairedName,
  type PairedOutcomes,
  pairedOutcomes,
  type PairedPart,
  pairedScores,
  type Resampling,
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
      reason: pValue === null ? `There is no test: ${tested.intervalMethod}.` : null,
      unit: "1",
      interval: null,
      method: tested.pMethod,
      count,
    },
  };
}

function testedOf(name: string, estimate: number, pair: PreparedPair, resampling: Resampling, level: number): Tested {
  if (isOfClassifiers(pair) && areEven(pair.candidate.rows.weights)) {
    if (name === "accuracy") return shareDifference(outcomesOf(pair), level);
    const areas = name === "auc" ? areaDifference(pair, level) : null;
    if (areas !== null) return areas;
  }
  const paired = pairedName("difference", name);
  const { interval, method } = resampling.interval(paired, level);
  const pValue = resampling.pValue(paired, 0);
  // Where both always answer alike there is nothing that could vary.
  if (pValue === null && estimate === 0 && interval === null && resampling.done > 0) {
    return { interval: null, intervalMethod: method, pValue: 1, pMethod: "both answer alike" };
  }
  return { interval, intervalMethod: `paired ${method}`, pValue, pMethod: `paired ${method}` };
}

export function isOfClassifiers(pair: PreparedPair): pair is PreparedPair<PreparedClassifier> {
  return pair.baseline.task === "classification" && pair.candidate.task === "classification";
}

/** The rows by who got them right; the first is the candidate. */
export function outcomesOf({ baseline, candidate }: PreparedPair<PreparedClassifier>): PairedOutcomes {
  const { scale, threshold } = candidate.options;
  return pairedOutcomes(candidate.rows, baseline.rows, { classes: candidate.rows.classes, scale, threshold });
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
