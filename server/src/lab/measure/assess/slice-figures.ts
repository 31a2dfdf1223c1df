// The other figures of slices: each value's rows are answers like any, so everything is said of them that is said of all rows.
import type { Clock } from "@slipway/core/base";
import type { JobRun } from "#jobs";
import { type MeasuredValue, selectedMetric } from "#registry";
import type { SliceColumn } from "../answers/index.ts";
import { plannedResamples } from "../quality/index.ts";
import { figuresOf } from "./figures.ts";
import type { QualityOptions } from "./options.ts";
import { type Prepared, subsetOf } from "./prepare.ts";
import { resample } from "./resample.ts";
import { FEWEST_SLICE_ROWS, selectionOf } from "./slice-values.ts";

/** Slices of which all figures are told; of more, evidence would be thousands of numbers. */
const MOST_SLICES = 50;

export interface SliceFigures {
  readonly values: Readonly<Record<string, MeasuredValue>>;
  /** Why there are none, in a sentence; empty where there are. */
  readonly method: string;
}

/** @throws the signal's reason */
export async function sliceFigures(
  prepared: Prepared,
  columns: readonly SliceColumn[],
  options: QualityOptions,
  clock: Clock,
  run: Pick<JobRun, "signal" | "report">,
): Promise<SliceFigures> {
  const { weights, rows } = prepared.rows;
  const slices = columns.flatMap((column) => slicesOf(column, weights));
  if (slices.length > MOST_SLICES) {
    return {
      values: {},
      method: `Of ${slices.length} slices only the headline is told; all figures of up to ${MOST_SLICES}.`,
    };
  }
  // Each column takes as long as all rows do.
  const resamples = plannedResamples(options.resamples, rows * columns.length, prepared.figures.visits);
  const values: Record<string, MeasuredValue> = {};
  for (const { selection, members } of slices) {
    const subset = subsetOf(prepared, members);
    const what = `resampling rows of ${selection}`;
    const resampling = await resample(subset.figures, subset.rows.weights, { ...options, resamples }, clock, run, what);
    const found = figuresOf(subset, resampling, options.confidence).values;
    for (const name of subset.figures.names) {
      // Of what is singled out already, a class or a quantile, there is no slice.
      if (!name.includes("[")) values[selectedMetric(name, selection)] = found[name]!;
    }
  }
  return { values, method: "" };
}

/** Those with rows enough, and their rows. */
function slicesOf({ name, values, codes }: SliceColumn, weights: Float64Array) {
  const counts = values.map(() => 0);
  codes.forEach((code, row) => {
    if (weights[row]! > 0) counts[code]!++;
  });
  return values.flatMap((value, place) => {
    if (counts[place]! < FEWEST_SLICE_ROWS) return [];
    const members = Uint32Array.from(codes.keys()).filter((row) => codes[row] === place);
    return [{ selection: selectionOf(name, value), members }];
  });
}
