// Recall by class, with intervals: where a classifier that is good on the whole is bad.
import type { ReportEvidence } from "../evidence.ts";
import { shareText } from "../numbers.ts";
import { type ChartContext, type Drawing, type NoChart, numbers, tableOf, words } from "./chart.ts";
import { classText } from "./confusion.ts";
import { classNamesOf } from "./quality-details.ts";
import { dots } from "./spec.ts";

/** Of more classes, the worst are drawn. */
const MOST_CLASSES = 30;

export function classRecalls(evidence: ReportEvidence, context: ChartContext): Drawing | NoChart {
  const { values } = evidence;
  const names = { classes: classNamesOf(evidence, context.classes) };
  const rows = Object.entries(values).flatMap(([name, { value, interval, count, method }]) => {
    const selection = /^recall\[(.*)\]$/s.exec(name)?.[1];
    if (selection === undefined || value === null) return [];
    const precision = values[`precision[${selection}]`]?.value ?? null;
    const lower = interval?.lower ?? null;
    return [
      {
        name: className(selection, names),
        value,
        lower,
        upper: interval?.upper ?? null,
        count,
        precision,
        method,
      },
    ];
  });
  if (rows.length < 2) return { why: "the evidence has no recall by class" };
  const isCut = rows.length > MOST_CLASSES;
  const worst = rows.toSorted((one, other) => one.value - other.value);
  const shown = isCut ? worst.slice(0, MOST_CLASSES) : rows;
  const level = Object.values(values).find(({ interval }) => interval !== null)?.interval?.level;
  const least = Math.min(...shown.map(({ value, lower }) => lower ?? value));
  const width = level === undefined ? "" : ` Whiskers: ${shareText(level)} intervals (${rows[0]!.method}).`;
  return {
    title: isCut ? `Recall by class, the worst ${MOST_CLASSES} of ${rows.length}` : "Recall by class",
    caption: `Of the rows with a label, the share that was answered with it.${width}`,
    description: `The lowest is ${worst[0]!.name} with ${shareText(worst[0]!.value)}, the highest ${worst.at(-1)!.name} with ${shareText(worst.at(-1)!.value)}.`,
    table: tableOf(
      [words("class"), numbers("recall"), numbers("lower"), numbers("upper"), numbers("rows"), numbers("precision")],
      rows.map(({ name, value, lower, upper, count, precision }) => [name, value, lower, upper, count, precision]),
      1000,
    ),
    spec: dots(shown, "recall", { domain: [Math.floor(least * 10) / 10, 1] }),
    isWide: false,
  };
}

/** Evidence names classes by index, or by name with a backslash before brackets. */
function className(selection: string, names: ChartContext): string {
  return /^\d+$/.test(selection) ? classText(Number(selection), names) : selection.replaceAll(/\\([\\\]])/g, "$1");
}
