// All that is said of prepared answers: figures with intervals, slices, details for pictures.
import type { Clock } from "@slipway/core/base";
import type { JobRun } from "#jobs";
import type { JsonObject, MeasuredValue } from "#registry";
import type { SliceColumn } from "../answers/index.ts";
import { classificationQuality, type Resampling } from "../quality/index.ts";
import { classificationDetails } from "./classification-details.ts";
import { classificationValues } from "./classification-values.ts";
import { headlineOf } from "./headline.ts";
import type { Intervals } from "./measured.ts";
import type { QualityOptions } from "./options.ts";
import type { Prepared, PreparedClassifier } from "./prepare.ts";
import { qualityOfRegressor, regressionDetails, regressionValues } from "./regression-values.ts";
import { resample } from "./resample.ts";
import { sliceFindings } from "./slice-values.ts";

/** Points of a curve that the figures themselves keep; details draw their own. */
const CURVE_POINTS = 2;

export interface Assessment {
  readonly values: Readonly<Record<string, MeasuredValue>>;
  readonly details: JsonObject;
  /** In sentences, for people. */
  readonly method: string;
}

/** @throws the signal's reason */
export async function assess(
  prepared: Prepared,
  slices: readonly SliceColumn[],
  options: QualityOptions,
  clock: Clock,
  run: Pick<JobRun, "signal" | "report">,
): Promise<Assessment> {
  const { confidence: level } = options;
  const resampling = await resample(prepared.figures, prepared.rows.weights, options, clock, run);
  const found = figuresOf(prepared, resampling, level);
  const { values, method } = { ...found, method: `${found.method} ${resamplingText(resampling, options)}` };
  if (slices.length === 0) return { values, details: found.details(), method };
  const sliced = sliceFindings(slices, headlineOf(prepared), level);
  return {
    values: { ...values, ...sliced.values },
    details: { ...found.details(), slices: sliced.details, summary: [...sliced.summary] },
    method,
  };
}

/** A model's figures over all rows. */
export interface Figures {
  readonly values: Readonly<Record<string, MeasuredValue>>;
  readonly method: string;
  readonly details: () => JsonObject;
}

export function figuresOf(prepared: Prepared, intervals: Intervals, level: number): Figures {
  const { rows } = prepared.rows;
  if (prepared.task === "regression") {
    return {
      values: regressionValues(qualityOfRegressor(prepared), intervals, level),
      method: `${rows} rows; errors in the targets' unit.`,
      details: () => regressionDetails(prepared),
    };
  }
  const quality = qualityOfClassifier(prepared);
  return {
    values: classificationValues(prepared, quality, intervals, level),
    method: `${rows} rows, ${prepared.rows.classes} classes; scores taken as ${prepared.scale}.`,
    details: () => classificationDetails(prepared, quality, level),
  };
}

function qualityOfClassifier({ rows: { labels, scores, weights, classes }, options }: PreparedClassifier) {
  const { scale, threshold, topK, bins, calibrationOf } = options;
  return classificationQuality(
    { labels, scores, weights },
    { classes, scale, threshold, topK, bins, calibrationOf, curvePoints: CURVE_POINTS },
  );
}

/** How often rows were resampled, and why not as often as was asked for. */
export function resamplingText({ done, resamples }: Resampling, { resamples: wanted, seed }: QualityOptions): string {
  if (wanted === 0) return "No resamples were asked for.";
  if (done === 0) return "There was nothing to resample.";
  const fewer = resamples < wanted ? ` instead of ${wanted}, because rows are many` : "";
  return `Bootstrap intervals from ${done} resamples of rows${fewer}, seed ${seed}.`;
}
