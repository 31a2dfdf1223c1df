// The reliability diagram: does a classifier that says "90 % sure" turn out right 90 % of the time? Murphy and Winkler, Applied
// Statistics 26 (1977); Guo et al., ICML 2017. Below it, how many rows each point rests on.
import { datasetText, type ReportEvidence } from "../evidence.ts";
import { amountText, numberText, shareText } from "../numbers.ts";
import { type Drawing, type NoChart, numbers, tableOf } from "./chart.ts";
import { ink } from "./palette.ts";
import { LEVEL, type ReliabilityPoint, reliabilityPoints } from "./quality-details.ts";
import { chartSpec, HEIGHT, quantity, WIDTH } from "./spec.ts";

const UNIT = { scale: { domain: [0, 1], nice: false }, axis: { format: "~%" } };

export function reliabilityDiagram(evidence: ReportEvidence): Drawing | NoChart {
  const bins = reliabilityPoints(evidence);
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

function spec(bins: readonly ReliabilityPoint[]) {
  const x = { ...quantity("confidence", "confidence", UNIT), title: null };
  return chartSpec({
    data: { values: bins.map((bin) => ({ ...bin })) },
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
          { mark: "rule", encoding: { x, y: quantity("lower", "right", UNIT), y2: { field: "upper" } } },
          { mark: "point", encoding: { x, y: quantity("accuracy", "right", UNIT) } },
        ],
      },
      {
        width: WIDTH,
        height: 56,
        mark: { type: "bar", color: ink("chart-5") },
        encoding: {
          x: { ...quantity("from", "confidence", UNIT), bin: "binned" },
          x2: { field: "to" },
          y: quantity("rows", "rows", { axis: { tickCount: 2, format: "~s" } }),
        },
      },
    ],
  });
}
