// The reliability diagram: does a classifier that says "90 % sure" turn out right 90 % of the time? Murphy and Winkler, Applied
// Statistics 26 (1977); Guo et al., ICML 2017. Below it, how many rows each point rests on.
import { wilsonInterval } from "@slipway/core/stats";
import { z } from "zod";
import { datasetText, type ReportEvidence } from "../evidence.ts";
import { amountText, numberText, shareText } from "../numbers.ts";
import { type Drawing, type NoChart, numbers, tableOf } from "./chart.ts";
import { ink } from "./palette.ts";
import { chartSpec, HEIGHT, quantity, WIDTH } from "./spec.ts";

const METRIC = z.object({ value: z.number().nullable() });
const DETAILS = z.object({
  reliability: z.array(
    z.object({
      lower: z.number(),
      upper: z.number(),
      rows: z.number(),
      weight: z.number(),
      confidence: METRIC,
      accuracy: METRIC,
    }),
  ),
});
const LEVEL = 0.95;

export function reliabilityDiagram(evidence: ReportEvidence): Drawing | NoChart {
  const { data } = DETAILS.safeParse(evidence.details);
  const bins = (data?.reliability ?? []).flatMap(({ lower, upper, rows, weight, confidence, accuracy }) => {
    if (confidence.value === null || accuracy.value === null) return [];
    // Of weighted rows nobody knows how many there were in effect.
    const interval =
      weight === rows && rows > 0 ? wilsonInterval(Math.round(accuracy.value * rows), rows, LEVEL) : null;
    return [
      {
        from: lower,
        to: upper,
        rows,
        confidence: confidence.value,
        accuracy: accuracy.value,
        lower: interval?.lower ?? null,
        upper: interval?.upper ?? null,
      },
    ];
  });
  if (bins.length === 0) return { why: "the details have no bins of confidence with rows" };
  const error = evidence.values["calibration-error"]?.value ?? null;
  const fullest = bins.reduce((most, bin) => (bin.rows > most.rows ? bin : most));
  const where = datasetText(evidence);
  return {
    title: "Reliability",
    caption: `How often answers were right that came with each confidence${where === null ? "" : `, on ${where}`}. On the dashed line confidence is what it says; below it the model is too sure. Whiskers: ${shareText(LEVEL)} Wilson intervals.`,
    description: `${bins.length} bins of confidence have rows. The fullest, around ${shareText(fullest.confidence)}, has ${numberText(fullest.rows)} rows and was right in ${shareText(fullest.accuracy)}.${error === null ? "" : ` The expected calibration error is ${amountText(error, "1")}.`}`,
    table: tableOf(
      ["from", "to", "rows", "mean confidence", "share right", "lower", "upper"].map((name) => numbers(name)),
      bins.map((bin) => [bin.from, bin.to, bin.rows, bin.confidence, bin.accuracy, bin.lower, bin.upper]),
    ),
    spec: spec(bins),
    isWide: false,
  };
}

interface Bin {
  readonly from: number;
  readonly to: number;
  readonly rows: number;
  readonly confidence: number;
  readonly accuracy: number;
  readonly lower: number | null;
  readonly upper: number | null;
}

function spec(bins: readonly Bin[]) {
  const unit = { scale: { domain: [0, 1], nice: false }, axis: { format: "~%" } };
  const x = quantity("confidence", "confidence", unit);
  return chartSpec({
    data: { values: bins as unknown as never },
    vconcat: [
      {
        width: WIDTH,
        height: HEIGHT,
        layer: [
          {
            data: { values: [{ at: 0 }, { at: 1 }] },
            mark: { type: "line", color: ink("ink-3"), strokeDash: [4, 3], strokeWidth: 1 },
            encoding: { x: { field: "at", type: "quantitative" }, y: { field: "at", type: "quantitative" } },
          },
          {
            mark: "rule",
            encoding: { x: { ...x, title: null }, y: quantity("lower", "right", unit), y2: { field: "upper" } },
          },
          { mark: "point", encoding: { x: { ...x, title: null }, y: quantity("accuracy", "right", unit) } },
        ],
      },
      {
        width: WIDTH,
        height: 56,
        mark: { type: "bar", color: ink("chart-5") },
        encoding: {
          x: { ...quantity("from", "confidence", unit), bin: "binned" },
          x2: { field: "to" },
          y: quantity("rows", "rows", { axis: { tickCount: 2, format: "~s" } }),
        },
      },
    ],
  });
}
