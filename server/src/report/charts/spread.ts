// How values spread: how sure a classifier was where it was right and where it was wrong, the errors of a regressor, and what
// it predicted over what was so.
import { datasetText, type ReportEvidence } from "../evidence.ts";
import { amountText, numberText, shareText } from "../numbers.ts";
import { type Drawing, type NoChart, numbers, tableOf } from "./chart.ts";
import { ink } from "./palette.ts";
import { qualityDetail } from "./quality-details.ts";
import { chartSpec, HEIGHT, quantity, WIDTH } from "./spec.ts";

interface Histogram {
  readonly lower: number;
  readonly upper: number;
  readonly counts: readonly number[];
}

export function confidenceHistogram(evidence: ReportEvidence): Drawing | NoChart {
  const found = qualityDetail(evidence, "confidence");
  if (found === null) return { why: "the details have no histogram of confidences" };
  const [right, wrong] = [shares(found.right), shares(found.wrong)];
  const [allRight, allWrong] = [total(found.right), total(found.wrong)];
  if (allRight + allWrong === 0) return { why: "no row has a confidence" };
  const rows = [
    ...right.map((bin) => ({ ...bin, kind: "right" })),
    ...wrong.map((bin) => ({ ...bin, kind: "wrong" })),
  ].filter(({ share }) => share > 0);
  const order = ["right", "wrong"];
  return {
    title: "Confidence where right and wrong",
    caption: `How sure the model was${on(evidence)}: of the rows it got right, and of those it got wrong, the share at each confidence. The further apart, the better confidence tells them.`,
    description: `${numberText(allRight)} rows are right, with a confidence of ${shareText(meanOf(found.right))} in the mean, and ${numberText(allWrong)} wrong${allWrong === 0 ? "" : `, with ${shareText(meanOf(found.wrong))}`}.`,
    table: tableOf(
      [numbers("from"), numbers("to"), numbers("right"), numbers("wrong")],
      right.map(({ from, to }, bin) => [from, to, found.right.counts[bin]!, found.wrong.counts[bin] ?? 0]),
    ),
    spec: chartSpec({
      width: WIDTH,
      height: HEIGHT - 40,
      data: { values: rows },
      mark: { type: "bar", opacity: 0.7 },
      encoding: {
        x: { ...quantity("from", "confidence", { axis: { format: "~%" } }), bin: "binned" },
        x2: { field: "to" },
        y: quantity("share", "of its rows", { axis: { format: "~%" }, stack: null }),
        color: {
          field: "kind",
          type: "nominal",
          sort: order,
          scale: { domain: order, range: [ink("chart-1"), ink("chart-2")] },
        },
      },
    }),
    isWide: false,
  };
}

export function residualHistogram(evidence: ReportEvidence): Drawing | NoChart {
  const found = qualityDetail(evidence, "residuals");
  if (found === null) return { why: "the details have no errors of predictions" };
  const rows = total(found);
  if (rows === 0) return { why: "no row has an error" };
  const bins = shares(found);
  const fullest = bins.reduce((most, bin) => (bin.share > most.share ? bin : most));
  const error = evidence.values["mean-error"]?.value ?? null;
  return {
    title: "Errors",
    caption: `Predictions less what was so${on(evidence)}; right of zero the model predicts too much.`,
    description: `${numberText(rows)} errors from ${numberText(found.lower)} to ${numberText(found.upper)}, most from ${numberText(fullest.from)} to ${numberText(fullest.to)}.${error === null ? "" : ` The mean is ${amountText(error, "1")}.`}`,
    table: tableOf(
      [numbers("from"), numbers("to"), numbers("rows")],
      bins.map(({ from, to }, bin) => [from, to, found.counts[bin]!]),
    ),
    spec: chartSpec({
      width: WIDTH,
      height: HEIGHT - 40,
      layer: [
        {
          data: { values: bins.map((bin) => ({ ...bin })) },
          mark: { type: "bar", color: ink("chart-1") },
          encoding: {
            x: { ...quantity("from", "prediction less target"), bin: "binned" },
            x2: { field: "to" },
            y: quantity("share", "of rows", { axis: { format: "~%" } }),
          },
        },
        {
          data: { values: [{ from: 0 }] },
          mark: { type: "rule", color: ink("ink-3"), strokeDash: [4, 3], strokeWidth: 1 },
          encoding: { x: { field: "from", type: "quantitative" } },
        },
      ],
    }),
    isWide: false,
  };
}

export function predictedOverActual(evidence: ReportEvidence): Drawing | NoChart {
  const found = qualityDetail(evidence, "predictedVersusActual");
  if (found === null) return { why: "the details have no predictions over targets" };
  const { bins, actual, predicted, cells } = found;
  const most = cells.reduce((best, [, , weight]) => Math.max(best, weight), 0);
  if (most === 0) return { why: "no row has a prediction" };
  const edge = ([lower, upper]: readonly [number, number], bin: number) => lower + ((upper - lower) * bin) / bins;
  const rows = cells.map(([across, up, weight]) => ({
    from: edge(actual, across),
    to: edge(actual, across + 1),
    low: edge(predicted, up),
    high: edge(predicted, up + 1),
    // By the root, so that few rows are seen beside many.
    opacity: 0.12 + 0.88 * Math.sqrt(weight / most),
    weight,
  }));
  const ends = [Math.min(actual[0], predicted[0]), Math.max(actual[1], predicted[1])];
  const r2 = evidence.values["r2"]?.value ?? null;
  return {
    title: "Predicted over actual",
    caption: `What was predicted over what was so${on(evidence)}; the darker, the more rows. On the dashed line predictions are right.`,
    description: `Targets lie between ${numberText(actual[0])} and ${numberText(actual[1])}, predictions between ${numberText(predicted[0])} and ${numberText(predicted[1])}.${r2 === null ? "" : ` R² is ${amountText(r2, "1")}.`}`,
    table: tableOf(
      ["actual from", "actual to", "predicted from", "predicted to", "rows"].map((name) => numbers(name)),
      rows.map(({ from, to, low, high, weight }) => [from, to, low, high, weight]),
    ),
    spec: chartSpec({
      width: WIDTH,
      height: WIDTH - 60,
      layer: [
        {
          data: { values: ends.map((at) => ({ at })) },
          mark: { type: "line", color: ink("ink-3"), strokeDash: [4, 3], strokeWidth: 1 },
          encoding: { x: { field: "at", type: "quantitative" }, y: { field: "at", type: "quantitative" } },
        },
        {
          data: { values: rows },
          mark: { type: "rect", color: ink("chart-1") },
          encoding: {
            x: quantity("from", "actual", { scale: { zero: false } }),
            x2: { field: "to" },
            y: quantity("low", "predicted", { scale: { zero: false } }),
            y2: { field: "high" },
            opacity: { field: "opacity", type: "quantitative", scale: null, legend: null },
          },
        },
      ],
    }),
    isWide: false,
  };
}

/** Bins with their share of all; a histogram of equal values has one bin of no width, which gets one. */
function shares({ lower, upper, counts }: Histogram) {
  const all = counts.reduce((sum, count) => sum + count, 0);
  const width = upper > lower ? (upper - lower) / counts.length : 1;
  return counts.map((count, bin) => ({
    from: lower + bin * width,
    to: lower + (bin + 1) * width,
    share: all === 0 ? 0 : count / all,
  }));
}

function total({ counts }: Histogram): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

function meanOf(histogram: Histogram): number {
  return shares(histogram).reduce((sum, { from, to, share }) => sum + share * ((from + to) / 2), 0);
}

function on(evidence: ReportEvidence): string {
  const where = datasetText(evidence);
  return where === null ? "" : `, on ${where}`;
}
