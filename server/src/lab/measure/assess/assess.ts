// All that is said of prepared answers: figures with intervals, slices, details for pictures.
import type { Clock } from "@slipway/core/base";
import type { JobRun } from "#jobs";
import type { JsonObject, MeasuredValue } from "#registry";
import type { SliceColumn } from "../answers/index.ts";
import type { Resampling } from "../quality/index.ts";
import { figuresOf } from "./figures.ts";
import { headlineOf } from "./headline.ts";
import type { QualityOptions } from "./options.ts";
import type { Prepared } from "./prepare.ts";
import { resample } from "./resample.ts";
import { sliceFigures } from "./slice-figures.ts";
import { sliceFindings } from "./slice-values.ts";

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
  const more = await sliceFigures(prepared, slices, options, clock, run);
  return {
    // The headline's own are shown first, and count: they say why there are none where rows are few.
    values: { ...values, ...sliced.values, ...more.values, ...sliced.values },
    details: { ...found.details(), slices: sliced.details, summary: [...sliced.summary] },
    method: `${method} ${more.method}`.trim(),
  };
}

/** How often rows were resampled, and why not as often as was asked for. */
export function resamplingText({ done, resamples }: Resampling, { resamples: wanted, seed }: QualityOptions): string {
  if (done === 0) {
    const why = wanted === 0 ? "No resamples were asked for" : "Rows are too many to resample";
    return `${why}: intervals are normal, by how much each row moves a figure.`;
  }
  const fewer = resamples < wanted ? ` instead of ${wanted}, because rows are many` : "";
  return `Bootstrap intervals from ${done} resamples of rows${fewer}, seed ${seed}.`;
}
