// A comparison in plain words.
import { unreachable } from "@slipway/core/base";
import type { PairedOutcomes } from "../quality/index.ts";
import type { ComparedFigure } from "./figures.ts";
import type { ComparedSlice, ComparedSlices } from "./slices.ts";
import type { ComparedVerdict } from "./verdict.ts";

/** Names in a sentence; more are counted. */
const MOST_NAMED = 3;

/** @param baseline as people name it: "digits@1" */
export function summaryOf(
  baseline: string,
  headline: ComparedFigure,
  verdict: ComparedVerdict,
  outcomes: PairedOutcomes | null,
  slices: ComparedSlices,
): readonly string[] {
  const lines = [headlineText(baseline, headline, verdict)];
  if (outcomes !== null) lines.push(outcomesText(baseline, outcomes));
  for (const [column, rows] of slices.columns) lines.push(columnText(column, rows, slices.tests));
  return lines;
}

function headlineText(name: string, headline: ComparedFigure, verdict: ComparedVerdict): string {
  const { name: metric, baseline, candidate, difference, p } = headline;
  if (difference.value === null) return `Not compared with ${name} in ${metric}: ${difference.reason}`;
  const both = `${metric} is ${numberText(candidate.value!)} against ${numberText(baseline.value!)}`;
  const { interval } = difference;
  const ends = interval === null ? null : `${signed(interval.lower)} to ${signed(interval.upper)}`;
  const facts = [
    ends === null ? null : `${percent(interval!.level)} interval ${ends}`,
    p.value === null ? null : `${pText(p.value)} by ${p.method}`,
  ].filter((fact) => fact !== null);
  const said = facts.length === 0 ? "" : ` (${facts.join("; ")})`;
  const change = `${both}, a difference of ${signed(difference.value)}${said}.`;
  switch (verdict) {
    case "better":
      return `Better than ${name}: ${change}`;
    case "worse":
      return `Worse than ${name}: ${change}`;
    case "undecided":
      return `Undecided against ${name}: ${change}`;
    case "no difference shown": {
      const open = ends === null ? "" : " What these rows leave open is the interval: more rows would narrow it.";
      return `No difference from ${name} is shown: ${change}${open}`;
    }
    default:
      return unreachable(verdict);
  }
}

function outcomesText(name: string, { bothRight, onlyFirst, onlySecond, bothWrong }: PairedOutcomes): string {
  const rows = bothRight + onlyFirst + onlySecond + bothWrong;
  return `Of ${rows} rows, both get ${bothRight} right and ${bothWrong} wrong; only this version ${onlyFirst}, only ${name} ${onlySecond}.`;
}

function columnText(column: string, rows: readonly ComparedSlice[], tests: number): string {
  const corrected = `after correction for ${tests} comparison${tests === 1 ? "" : "s"} (Holm)`;
  const parts = (["worse", "better"] as const).flatMap((verdict) => {
    const found = rows.filter((row) => row.verdict === verdict);
    if (found.length === 0) return [];
    const most = found.toSorted((a, b) => Math.abs(b.difference!.value) - Math.abs(a.difference!.value));
    const named = most
      .slice(0, MOST_NAMED)
      .map((row) => `${row.value ?? "missing"} (${signed(row.difference!.value)})`);
    const more = found.length > MOST_NAMED ? ` and ${found.length - MOST_NAMED} more` : "";
    return [`${verdict} for ${named.join(", ")}${more}`];
  });
  const undecided = rows.filter((row) => row.verdict === "undecided").length;
  const few = undecided === 0 ? "" : ` ${undecided} of ${rows.length} have too few rows to tell.`;
  const found = parts.length === 0 ? "no difference is shown for any" : parts.join("; ");
  return `By ${column}, ${corrected}: ${found}.${few}`;
}

function numberText(value: number): string {
  return Number(value.toPrecision(4)).toString();
}

function signed(value: number): string {
  const text = Number(Math.abs(value).toPrecision(3)).toString();
  return value === 0 ? "0" : `${value < 0 ? "−" : "+"}${text}`;
}

function pText(value: number): string {
  return value < 0.0001 ? "p < 0.0001" : `p = ${Number(value.toPrecision(2))}`;
}

function percent(level: number): string {
  return `${Number((100 * level).toPrecision(4))} %`;
}
