// The two curves of a classifier of two classes over all its thresholds: receiver operating characteristic, and precision over
// recall (Davis and Goadrich, ICML 2006).
import { z } from "zod";
import { datasetText, type ReportEvidence } from "../evidence.ts";
import { amountText, intervalText } from "../numbers.ts";
import { type Drawing, type NoChart, numbers, tableOf } from "./chart.ts";
import { ink } from "./palette.ts";
import { chartSpec, HEIGHT, quantity, WIDTH } from "./spec.ts";

const ROC = z.object({
  roc: z.object({
    points: z
      .array(
        z.object({ threshold: z.number().nullable(), falsePositiveRate: z.number(), truePositiveRate: z.number() }),
      )
      .min(2),
  }),
});
const PRECISION_RECALL = z.object({
  precisionRecall: z.object({
    points: z.array(z.object({ threshold: z.number().nullable(), recall: z.number(), precision: z.number() })).min(2),
  }),
});
const NONE = "the details have no curve; there is one for two classes, of which both have rows";
const UNIT = { scale: { domain: [0, 1], nice: false } };

export function rocCurve(evidence: ReportEvidence): Drawing | NoChart {
  const { data } = ROC.safeParse(evidence.details);
  if (data === undefined) return { why: NONE };
  const { points } = data.roc;
  return {
    title: "ROC curve",
    caption: `True positives over false positives as the threshold falls${on(evidence)}. On the dashed line the model knows nothing.`,
    description: `${points.length} points from (0, 0) to (1, 1).${area(evidence, "auc")}`,
    table: tableOf(
      ["threshold", "false positive rate", "true positive rate"].map((name) => numbers(name)),
      points.map((point) => [point.threshold, point.falsePositiveRate, point.truePositiveRate]),
    ),
    spec: curve(points, ["falsePositiveRate", "false positive rate"], ["truePositiveRate", "true positive rate"], true),
    isWide: false,
  };
}

export function precisionRecallCurve(evidence: ReportEvidence): Drawing | NoChart {
  const { data } = PRECISION_RECALL.safeParse(evidence.details);
  if (data === undefined) return { why: NONE };
  const { points } = data.precisionRecall;
  return {
    title: "Precision over recall",
    caption: `What of the positives is found, and how much of what is called positive is${on(evidence)}, as the threshold falls.`,
    description: `${points.length} points.${area(evidence, "average-precision")}`,
    table: tableOf(
      ["threshold", "recall", "precision"].map((name) => numbers(name)),
      points.map((point) => [point.threshold, point.recall, point.precision]),
    ),
    spec: curve(points, ["recall", "recall"], ["precision", "precision"], false),
    isWide: false,
  };
}

type Axis = readonly [field: string, title: string];

function curve(points: readonly object[], across: Axis, up: Axis, hasDiagonal: boolean) {
  const order = points.map((point, index) => ({ ...point, index }));
  const diagonal = {
    data: { values: [{ at: 0 }, { at: 1 }] },
    mark: { type: "line", color: ink("ink-3"), strokeDash: [4, 3], strokeWidth: 1 },
    encoding: { x: { field: "at", type: "quantitative" }, y: { field: "at", type: "quantitative" } },
  };
  return chartSpec({
    width: WIDTH,
    height: HEIGHT,
    layer: [
      ...(hasDiagonal ? [diagonal] : []),
      {
        data: { values: order as never },
        mark: { type: "line", interpolate: "linear" },
        encoding: {
          x: quantity(...across, UNIT),
          y: quantity(...up, UNIT),
          order: { field: "index", type: "quantitative" },
        },
      },
    ],
  });
}

function area({ values }: ReportEvidence, name: string): string {
  const found = values[name];
  if (found === undefined || found.value === null) return "";
  const interval = intervalText(found);
  return ` The area under it is ${amountText(found.value, "1")}${interval === null ? "" : ` (${interval})`}.`;
}

function on(evidence: ReportEvidence): string {
  const where = datasetText(evidence);
  return where === null ? "" : `, on ${where}`;
}
