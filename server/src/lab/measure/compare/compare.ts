// Two models' answers to the same rows, compared: figures with their differences, slices, and a verdict by the headline alone,
// which was chosen before anybody looked.
import type { Clock } from "@slipway/core/base";
import type { JobRun } from "#jobs";
import type { JsonObject, MeasuredValue } from "#registry";
import type { SliceColumn } from "../answers/index.ts";
import { headlineOf, type QualityOptions, resample, resamplingText, selectionOf, unusable } from "../assess/index.ts";
import { MAX_NAMED_CLASSES, pairedFigures } from "../quality/index.ts";
import { comparedFigures, isOfClassifiers, outcomesOf, type PreparedPair } from "./figures.ts";
import { type ComparedColumn, comparedSlices } from "./slices.ts";
import { summaryOf } from "./summary.ts";
import { verdictOf } from "./verdict.ts";

export interface Comparison {
  /** Of each figure "accuracy.baseline", "accuracy.candidate", "accuracy.difference", "accuracy.p". */
  readonly values: Readonly<Record<string, MeasuredValue>>;
  readonly details: JsonObject;
  readonly method: string;
}

/**
 * @param baseline as people name it: "digits@1"
 * @throws SlipwayError PARAMETER_INVALID for models that can't be compared; the signal's reason
 */
export async function compareAnswers(
  pair: PreparedPair,
  baseline: string,
  slices: readonly SliceColumn[],
  options: QualityOptions,
  clock: Clock,
  run: Pick<JobRun, "signal" | "report">,
): Promise<Comparison> {
  const { confidence: level } = options;
  checkComparable(pair, baseline);
  const { weights, rows } = pair.candidate.rows;
  const paired = pairedFigures(pair.baseline.figures, pair.candidate.figures);
  const resampling = await resample(paired, weights, options, clock, run);
  const figures = comparedFigures(pair, resampling, level);
  const [own, other] = [headlineOf(pair.candidate), headlineOf(pair.baseline)];
  const headline = figures.find(({ name }) => name === own.metric)!;
  const verdict = verdictOf(headline.difference.value, headline.p.value, own.isGain, level);
  const columns = [...slices.map((slice) => comparedColumn(slice, own.metric)), ...classColumns(pair)];
  const sliced = comparedSlices(columns, other, own, level);
  const outcomes = isOfClassifiers(pair) ? outcomesOf(pair) : null;
  const details = {
    task: pair.candidate.task,
    headline: headline.name,
    verdict,
    level,
    figures: figures.map(({ name, better }) => ({ name, better })),
    outcomes:
      outcomes === null
        ? null
        : {
            bothRight: outcomes.bothRight,
            onlyCandidate: outcomes.onlyFirst,
            onlyBaseline: outcomes.onlySecond,
            bothWrong: outcomes.bothWrong,
          },
    slices: sliced.details,
    summary: [...summaryOf(baseline, headline, verdict, outcomes, sliced)],
  };
  const values = figures.flatMap(({ name, baseline: a, candidate: b, difference, p }) => [
    [`${name}.baseline`, a] as const,
    [`${name}.candidate`, b] as const,
    [`${name}.difference`, difference] as const,
    [`${name}.p`, p] as const,
  ]);
  return {
    values: { ...Object.fromEntries(values), ...sliced.values },
    details,
    method: `${rows} rows answered by both; differences are this version's less ${baseline}'s. ${resamplingText(resampling, options)} p values of figures are each by itself; those of slices are adjusted.`,
  };
}

function checkComparable({ baseline, candidate }: PreparedPair, name: string): void {
  if (baseline.task !== candidate.task) {
    throw unusable(`This version is measured as a ${candidate.task} and ${name} as a ${baseline.task}.`);
  }
  if (candidate.task !== "classification" || baseline.task !== "classification") return;
  const [own, other] = [candidate.rows.classes, baseline.rows.classes];
  if (own !== other) {
    throw unusable(
      `This version tells ${own} classes apart and ${name} ${other}; only models of the same classes compare.`,
    );
  }
}

function comparedColumn(column: SliceColumn, metric: string): ComparedColumn {
  return { ...column, metric, selectionOf: (value) => selectionOf(column.name, value) };
}

/** Recall is the share of hits on the rows of a class, so classes are slices too. */
function classColumns(pair: PreparedPair): readonly ComparedColumn[] {
  if (!isOfClassifiers(pair)) return [];
  const { rows, names } = pair.candidate;
  if (rows.classes > MAX_NAMED_CLASSES) return [];
  const values = Array.from({ length: rows.classes }, (_none, label) => names?.[label] ?? String(label));
  const codes = Uint16Array.from(rows.labels);
  return [{ name: "class", values, codes, metric: "recall", selectionOf: String }];
}
