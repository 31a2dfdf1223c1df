// What quality evidence keeps for pictures, read from each form it has had: quality@1 kept a ROC curve of two classes and bins
// without intervals, quality@2 keeps curves of each class, confused pairs, bins with intervals, histograms and slices.
import { wilsonInterval } from "@slipway/core/stats";
import { z } from "zod";
import type { ReportEvidence } from "../evidence.ts";
import type { QualityTask } from "./chart.ts";

const METRIC = z.union([
  z.number().nullable(),
  z.object({ value: z.number().nullable() }).transform(({ value }) => value),
]);
const ENDS = z.object({ lower: z.number(), upper: z.number() });
const BIN = z.object({
  lower: z.number(),
  upper: z.number(),
  rows: z.number(),
  weight: z.number(),
  confidence: METRIC,
  accuracy: METRIC,
  interval: ENDS.nullable().optional(),
});
const BINS = z.union([z.array(BIN), z.object({ bins: z.array(BIN) }).transform(({ bins }) => bins)]);
/** threshold (null for what is above all scores), across, up. */
const POINT = z.tuple([z.number().nullable(), z.number(), z.number()]);
const CURVES = z.array(
  z.object({
    class: z.int().min(0),
    name: z.string().nullable(),
    roc: z.array(POINT),
    precisionRecall: z.array(POINT),
  }),
);
const OLD_ROC = z.object({
  points: z.array(
    z
      .object({ threshold: z.number().nullable(), falsePositiveRate: z.number(), truePositiveRate: z.number() })
      .transform((point) => [point.threshold, point.falsePositiveRate, point.truePositiveRate] as const),
  ),
});
const HISTOGRAM = z.object({ lower: z.number(), upper: z.number(), counts: z.array(z.number()).min(1) });
const DETAILS = {
  confusion: z.array(z.number()),
  classes: z.int().min(2),
  classNames: z.array(z.string()),
  labelled: z.array(z.number()),
  confusions: z.array(z.object({ label: z.int(), predicted: z.int(), weight: z.number() })),
  reliability: BINS,
  curves: CURVES,
  roc: OLD_ROC,
  confidence: z.object({ right: HISTOGRAM, wrong: HISTOGRAM }),
  residuals: HISTOGRAM,
  predictedVersusActual: z.object({
    bins: z.int().min(1),
    actual: z.tuple([z.number(), z.number()]),
    predicted: z.tuple([z.number(), z.number()]),
    cells: z.array(z.tuple([z.int(), z.int(), z.number()])),
  }),
  slices: z.object({
    metric: z.string(),
    level: z.number(),
    columns: z.record(
      z.string(),
      z.array(
        z.object({
          value: z.string().nullable(),
          rows: z.number(),
          estimate: ENDS.extend({ value: z.number() }).nullable(),
          verdict: z.string(),
        }),
      ),
    ),
  }),
} as const;

export type QualityDetail = keyof typeof DETAILS;

/** What the rows were answered as; quality@1 knew classifiers alone. */
export function qualityTask({ details }: Pick<ReportEvidence, "details">): QualityTask {
  return details["task"] === "regression" ? "regression" : "classification";
}

/** A part of the details; null where it is not there, or is in a form nobody knows. */
export function qualityDetail<Name extends QualityDetail>(
  { details }: Pick<ReportEvidence, "details">,
  name: Name,
): z.output<(typeof DETAILS)[Name]> | null {
  const found = DETAILS[name].safeParse(details[name]);
  return found.success ? (found.data as z.output<(typeof DETAILS)[Name]>) : null;
}

export interface ReliabilityPoint {
  /** Confidences of the bin lie between them. */
  readonly from: number;
  readonly to: number;
  readonly rows: number;
  /** Means over the bin. */
  readonly confidence: number;
  readonly accuracy: number;
  /** null where there is no interval. */
  readonly lower: number | null;
  readonly upper: number | null;
}

export const LEVEL = 0.95;

/** Bins that have rows. Where the evidence has no intervals they are Wilson's, unless rows are weighted. */
export function reliabilityPoints(evidence: ReportEvidence): readonly ReliabilityPoint[] {
  return (qualityDetail(evidence, "reliability") ?? []).flatMap((bin) => {
    const { lower, upper, rows, weight, confidence, accuracy } = bin;
    if (confidence === null || accuracy === null) return [];
    const isEven = weight === rows && rows > 0;
    const interval = bin.interval ?? (isEven ? wilsonInterval(Math.round(accuracy * rows), rows, LEVEL) : null);
    const ends = { lower: interval?.lower ?? null, upper: interval?.upper ?? null };
    return [{ from: lower, to: upper, rows, confidence, accuracy, ...ends }];
  });
}

export type CurvePoint = z.output<typeof POINT>;

export interface ClassCurve {
  readonly class: number;
  readonly name: string | null;
  readonly points: readonly CurvePoint[];
}

/** Curves with at least two points, of two classes one, of more one for each against the rest. */
export function classCurves(evidence: ReportEvidence, which: "roc" | "precisionRecall"): readonly ClassCurve[] {
  const curves = qualityDetail(evidence, "curves");
  if (curves !== null) {
    return curves
      .map((curve) => ({ class: curve.class, name: curve.name, points: curve[which] }))
      .filter(({ points }) => points.length >= 2);
  }
  const old = which === "roc" ? qualityDetail(evidence, "roc") : null;
  if (old === null || old.points.length < 2) return [];
  return [{ class: 1, name: null, points: old.points.map(([...point]) => point) }];
}

/** Names of the classes as evidence has them, else as the version's processing does. */
export function classNamesOf(evidence: ReportEvidence, named: readonly string[] | null): readonly string[] | null {
  return qualityDetail(evidence, "classNames") ?? named;
}
