// The two curves over all thresholds: receiver operating characteristic, and precision over recall (Davis and Goadrich, ICML
// 2006). Of two classes there is one curve, of more one for each class against the rest, and the worst of them is told apart.
import { datasetText, type ReportEvidence } from "../evidence.ts";
import { amountText, intervalText, numberText } from "../numbers.ts";
import { type ChartContext, type Drawing, type NoChart, numbers, tableOf, words } from "./chart.ts";
import { classText } from "./confusion.ts";
import { ink } from "./palette.ts";
import { type ClassCurve, classCurves, classNamesOf, type CurvePoint } from "./quality-details.ts";
import { chartSpec, HEIGHT, LABEL_LIMIT, quantity, WIDTH } from "./spec.ts";

const NONE: NoChart = { why: "the details have no curve; one needs rows of the class and others" };
const UNIT = { scale: { domain: [0, 1], nice: false } };
/** So many points of all curves are in the table. */
const MOST_POINTS = 500;

type Axis = readonly [field: string, title: string];
const FALSE_RATE: Axis = ["across", "false positive rate"];
const TRUE_RATE: Axis = ["up", "true positive rate"];
const RECALL: Axis = ["across", "recall"];
const PRECISION: Axis = ["up", "precision"];

export function rocCurve(evidence: ReportEvidence, context: ChartContext): Drawing | NoChart {
  const curves = named(evidence, "roc", context);
  if (curves.length === 0) return NONE;
  return {
    title: curves.length === 1 ? "ROC curve" : "ROC curves, each class against the rest",
    caption: `True positives over false positives as the threshold falls${on(evidence)}. On the dashed line the model knows nothing.${worstText(curves)}`,
    description: `${sizeText(curves)} from (0, 0) to (1, 1).${areaText(evidence, "auc")}${leastText(curves)}`,
    table: table(curves, FALSE_RATE, TRUE_RATE),
    spec: spec(curves, FALSE_RATE, TRUE_RATE, true),
    isWide: false,
  };
}

export function precisionRecallCurve(evidence: ReportEvidence, context: ChartContext): Drawing | NoChart {
  const curves = named(evidence, "precisionRecall", context);
  if (curves.length === 0) return NONE;
  return {
    title: curves.length === 1 ? "Precision over recall" : "Precision over recall, each class against the rest",
    caption: `What of the positives is found, and how much of what is called positive is${on(evidence)}, as the threshold falls.${worstText(curves)}`,
    description: `${sizeText(curves)}.${areaText(evidence, "auc-pr")}${leastText(curves)}`,
    table: table(curves, RECALL, PRECISION),
    spec: spec(curves, RECALL, PRECISION, false),
    isWide: false,
  };
}

interface NamedCurve {
  readonly name: string;
  readonly points: readonly CurvePoint[];
  readonly area: number;
}

/** The least area first. */
function named(
  evidence: ReportEvidence,
  which: "roc" | "precisionRecall",
  { classes }: ChartContext,
): readonly NamedCurve[] {
  const names = { classes: classNamesOf(evidence, classes) };
  return classCurves(evidence, which)
    .map((curve: ClassCurve) => ({
      name: curve.name ?? classText(curve.class, names),
      points: curve.points,
      area: areaUnder(curve.points, which),
    }))
    .toSorted((one, other) => one.area - other.area);
}

/** By trapezoids for ROC curves, by steps for precision over recall, where straight lines promise too much. */
function areaUnder(points: readonly CurvePoint[], which: "roc" | "precisionRecall"): number {
  return points.slice(1).reduce((sum, [, across, up], index) => {
    const [, before, upBefore] = points[index]!;
    return sum + (across - before) * (which === "roc" ? (up + upBefore) / 2 : up);
  }, 0);
}

function spec(curves: readonly NamedCurve[], across: Axis, up: Axis, hasDiagonal: boolean) {
  const worst = curves[0]!;
  const rows = curves.toReversed().flatMap(({ points }, place) =>
    points.map(([, x, y], index) => ({
      across: x,
      up: y,
      index,
      curve: place,
      isWorst: place === curves.length - 1,
    })),
  );
  const isSeveral = curves.length > 1;
  const diagonal = {
    data: { values: [{ at: 0 }, { at: 1 }] },
    mark: { type: "line", color: ink("ink-3"), strokeDash: [4, 3], strokeWidth: 1 },
    encoding: { x: { field: "at", type: "quantitative" }, y: { field: "at", type: "quantitative" } },
  };
  const colour = {
    condition: { test: { field: "isWorst", equal: true }, value: ink(isSeveral ? "chart-2" : "chart-1") },
    value: ink("chart-5"),
  };
  // Between two points of a ROC curve lies what choosing between their thresholds at random gives, a line; precision is no such
  // mixture, so it goes in steps. Source: Davis and Goadrich 2006, ICML, section 4; Fawcett 2006, Pattern Recognition Letters 27.
  const mark = {
    type: "line",
    interpolate: hasDiagonal ? "linear" : "step-before",
    strokeWidth: isSeveral ? 1.25 : 1.75,
  };
  const corner = {
    data: { values: [{ text: worst.name }] },
    mark: { type: "text", align: "right", limit: LABEL_LIMIT, color: ink("chart-2") },
  };
  return chartSpec({
    width: WIDTH,
    height: HEIGHT,
    layer: [
      ...(hasDiagonal ? [diagonal] : []),
      {
        data: { values: rows },
        mark,
        encoding: {
          x: quantity(...across, UNIT),
          y: quantity(...up, UNIT),
          order: { field: "index", type: "quantitative" },
          detail: { field: "curve", type: "nominal" },
          color: colour,
        },
      },
      ...(isSeveral
        ? [
            {
              ...corner,
              encoding: {
                x: { value: WIDTH - 6 },
                y: { value: HEIGHT - 10 },
                text: { field: "text", type: "nominal" },
              },
            },
          ]
        : []),
    ],
  });
}

function table(curves: readonly NamedCurve[], [, across]: Axis, [, up]: Axis) {
  const isSeveral = curves.length > 1;
  const head = [numbers("threshold"), numbers(across), numbers(up)];
  return tableOf(
    isSeveral ? [words("class"), ...head] : head,
    curves.flatMap(({ name, points }) => points.map(([...point]) => (isSeveral ? [name, ...point] : point))),
    MOST_POINTS,
  );
}

function sizeText(curves: readonly NamedCurve[]): string {
  const points = curves.reduce((sum, one) => sum + one.points.length, 0);
  return curves.length === 1
    ? `${numberText(points)} points`
    : `${curves.length} curves of ${numberText(points)} points`;
}

function worstText(curves: readonly NamedCurve[]): string {
  return curves.length === 1 ? "" : ` In colour: ${curves[0]!.name}, which has the least area under it.`;
}

function leastText(curves: readonly NamedCurve[]): string {
  const [worst, best] = [curves[0]!, curves.at(-1)!];
  if (curves.length === 1) return "";
  return ` Of these points the area is least for ${worst.name}, ${amountText(worst.area, "1")}, and most for ${best.name}, ${amountText(best.area, "1")}.`;
}

function areaText({ values }: ReportEvidence, name: string): string {
  const found = values[name];
  if (found === undefined || found.value === null) return "";
  const interval = intervalText(found);
  return ` The area is ${amountText(found.value, "1")}${interval === null ? "" : ` (${interval})`} over all rows.`;
}

function on(evidence: ReportEvidence): string {
  const where = datasetText(evidence);
  return where === null ? "" : `, on ${where}`;
}
