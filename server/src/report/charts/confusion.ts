// The confusion matrix: which class was answered for which. Of many classes nobody reads a matrix; then it is the pairs that
// are taken for each other most.
import { datasetText, type ReportEvidence } from "../evidence.ts";
import { numberText, shareText } from "../numbers.ts";
import { type ChartContext, type Drawing, type NoChart, numbers, tableOf, words } from "./chart.ts";
import { ink } from "./palette.ts";
import { classNamesOf, qualityDetail } from "./quality-details.ts";
import { bars, chartSpec } from "./spec.ts";

/** Above, cells are too small to see. */
const MOST_IN_MATRIX = 40;
/** Up to so many, cells have their numbers written in. */
const MOST_WITH_NUMBERS = 16;
const MOST_PAIRS = 25;
const MOST_PAIRS_IN_TABLE = 500;
/** Half-opaque cells and more are dark enough for light numbers. */
const DARK_SHARE = 0.5;

interface Cell {
  readonly label: string;
  readonly predicted: string;
  readonly rows: number;
  /** Of the label's rows; null where nobody counted those. */
  readonly share: number | null;
}

export function confusionMatrix(evidence: ReportEvidence, context: ChartContext): Drawing | NoChart {
  const classes = qualityDetail(evidence, "classes");
  if (classes === null) return { why: "the details have no classes" };
  const confusion = qualityDetail(evidence, "confusion");
  const names = { classes: classNamesOf(evidence, context.classes) };
  const where = datasetText(evidence);
  const on = where === null ? "" : ` on ${where}`;
  const nameOf = (index: number) => classText(index, names);
  if (confusion === null) {
    const kept = keptPairs(evidence, nameOf);
    if (kept === null) return { why: "the details have no counts of labels and predictions" };
    return pairs(kept, classes, on);
  }
  if (confusion.length !== classes ** 2) {
    return { why: `the details have ${confusion.length} counts, which is no matrix of ${classes} classes` };
  }
  const named = distinct(Array.from({ length: classes }, (_, index) => nameOf(index)));
  return classes <= MOST_IN_MATRIX ? matrix(confusion, named, on) : pairs(worstPairs(confusion, named), classes, on);
}

/** Where evidence has no whole matrix, the pairs it kept. */
function keptPairs(evidence: ReportEvidence, nameOf: (index: number) => string): readonly Cell[] | null {
  const kept = qualityDetail(evidence, "confusions");
  const labelled = qualityDetail(evidence, "labelled") ?? [];
  if (kept === null) return null;
  return kept.map(({ label, predicted, weight }) => ({
    label: nameOf(label),
    predicted: nameOf(predicted),
    rows: weight,
    share: (labelled[label] ?? 0) > 0 ? weight / labelled[label]! : null,
  }));
}

/** Two classes of one name would share a row of the matrix. */
function distinct(named: readonly string[]): readonly string[] {
  return named.map((name, index) => (named.indexOf(name) === index ? name : `${name} (${index})`));
}

/** A class as charts name it. */
export function classText(index: number, { classes }: ChartContext): string {
  return classes?.[index] ?? String(index);
}

function matrix(confusion: readonly number[], named: readonly string[], on: string): Drawing {
  const count = named.length;
  const labelled = named.map((_, label) => sum(confusion.slice(label * count, (label + 1) * count)));
  const cells = confusion.map((rows, at): Cell => {
    const label = Math.floor(at / count);
    return {
      label: named[label]!,
      predicted: named[at % count]!,
      rows,
      share: rows === 0 ? 0 : rows / labelled[label]!,
    };
  });
  const hits = sum(named.map((_, label) => confusion[label * count + label]!));
  const worst = worstPairs(confusion, named)[0];
  const said = `${numberText(hits)} of ${numberText(sum(labelled))} rows are on the diagonal`;
  return {
    title: "Confusion matrix",
    caption: `How often each class was answered for each label${on}. Shade: the share of the label's rows.`,
    description: `${said}.${worst === undefined ? "" : ` Most often ${worst.label} was taken for ${worst.predicted}: ${numberText(worst.rows)} times.`}`,
    table: tableOf(
      [words("label"), ...named.map((name) => numbers(name)), numbers("rows"), numbers("recall")],
      named.map((name, label) => [
        name,
        ...confusion.slice(label * count, (label + 1) * count),
        labelled[label]!,
        (labelled[label] ?? 0) === 0 ? null : confusion[label * count + label]! / labelled[label]!,
      ]),
    ),
    spec: matrixSpec(cells, named),
    isWide: count > 12,
  };
}

function matrixSpec(cells: readonly Cell[], named: readonly string[]) {
  const step = named.length <= 6 ? 44 : named.length <= 12 ? 32 : named.length <= MOST_WITH_NUMBERS ? 36 : 18;
  const longest = Math.max(...named.map((name) => name.length));
  const axis = { grid: false, domain: false, labelLimit: 110 };
  const across = {
    field: "predicted",
    type: "nominal",
    title: "predicted",
    sort: [...named],
    scale: { paddingInner: 0.06 },
    axis: { ...axis, orient: "top", labelAngle: longest > 3 ? -45 : 0 },
  };
  const down = {
    field: "label",
    type: "nominal",
    title: "label",
    sort: [...named],
    scale: { paddingInner: 0.06 },
    axis,
  };
  const data = cells.map(({ share, ...cell }) => ({
    ...cell,
    // The smallest share still shows: only a cell without rows is as good as blank.
    opacity: cell.rows === 0 ? 0.04 : 0.1 + 0.9 * (share ?? 0),
    isDark: (share ?? 0) >= DARK_SHARE,
    text: cell.rows === 0 ? "" : numberText(cell.rows),
  }));
  return chartSpec({
    width: { step },
    height: { step: Math.min(step, 32) },
    data: { values: data },
    encoding: { x: across, y: down },
    layer: [
      {
        mark: { type: "rect", color: ink("chart-1"), cornerRadius: 2 },
        encoding: { opacity: { field: "opacity", type: "quantitative", scale: null, legend: null } },
      },
      ...(named.length > MOST_WITH_NUMBERS
        ? []
        : [
            {
              mark: { type: "text", fontSize: 11 },
              encoding: {
                text: { field: "text", type: "nominal" },
                color: {
                  condition: { test: { field: "isDark", equal: true }, value: ink("ground") },
                  value: ink("ink"),
                },
              },
            },
          ]),
    ],
  });
}

function pairs(all: readonly Cell[], classes: number, on: string): Drawing {
  const shown = all.slice(0, MOST_PAIRS);
  const wrong = sum(all.map(({ rows }) => rows));
  return {
    title: "Most confused classes",
    caption: `Of ${numberText(classes)} classes${on}, the pairs that are taken for each other most: label → prediction. A matrix of so many could not be read.`,
    description:
      shown.length === 0
        ? "No row was answered wrongly."
        : `${numberText(wrong)} rows were answered wrongly, in ${all.length} pairs. Most often ${shown[0]!.label} was taken for ${shown[0]!.predicted}: ${numberText(shown[0]!.rows)} times.`,
    table: tableOf(
      [words("label"), words("predicted"), numbers("rows"), numbers("share of the label's rows")],
      all.map(({ label, predicted, rows, share }) => [label, predicted, rows, share]),
      MOST_PAIRS_IN_TABLE,
    ),
    spec: bars(
      shown.map(({ label, predicted, rows, share }) => ({
        name: `${label} → ${predicted}`,
        value: rows,
        text: share === null ? numberText(rows) : `${numberText(rows)} (${shareText(share)})`,
      })),
      "rows",
      true,
    ),
    isWide: true,
  };
}

/** Off the diagonal, the most rows first. */
function worstPairs(confusion: readonly number[], named: readonly string[]): readonly Cell[] {
  const count = named.length;
  const labelled = named.map((_, label) => sum(confusion.slice(label * count, (label + 1) * count)));
  return confusion
    .map((rows, at) => ({ rows, label: Math.floor(at / count), predicted: at % count }))
    .filter(({ rows, label, predicted }) => rows > 0 && label !== predicted)
    .toSorted((one, other) => other.rows - one.rows)
    .map(({ rows, label, predicted }) => ({
      label: named[label]!,
      predicted: named[predicted]!,
      rows,
      share: rows / labelled[label]!,
    }));
}

function sum(numbersOf: readonly number[]): number {
  return numbersOf.reduce((total, one) => total + one, 0);
}
