// What an inspection found, in words and figures.
import type { Distribution, Inspection } from "../api.ts";
import { wholeText } from "../parts/format.ts";

type Association = Inspection["associations"][number];

export const MEASURES: Readonly<Record<Association["measure"], string>> = {
  auc: "area under the curve",
  "cramers-v": "Cramér's V",
  "correlation-ratio": "correlation ratio",
  spearman: "Spearman's correlation",
};

/** The value of the measure that fits column and target. */
export function associationValue({ auc, cramersV, correlationRatio, spearman }: Association): string {
  return (auc ?? cramersV ?? correlationRatio ?? spearman ?? 0).toFixed(3).replace("-", "−");
}

/** Rows by value from least to most, or of the most frequent texts. */
export function barsOf(distribution: Distribution): readonly number[] {
  return distribution.kind === "texts" ? distribution.top.map(({ rows }) => rows) : distribution.bins;
}

const MOST_TEXTS = 3;

/** `18 to 80, median 50`, or the most frequent texts. */
export function valuesText(distribution: Distribution): string {
  if (distribution.kind === "texts") {
    const { top, others } = distribution;
    const shown = top.slice(0, MOST_TEXTS).map(({ value, rows }) => `${value} (${wholeText(rows)})`);
    const rest = top.length - shown.length + others.values;
    return `${shown.join(", ")}${rest === 0 ? "" : ` and ${wholeText(rest)} more`}`;
  }
  const { kind, least, most, quartiles } = distribution;
  const text = kind === "moments" ? dayText : numberText;
  return `${text(least)} to ${text(most)}, median ${text(quartiles[1])}`;
}

function numberText(value: number): string {
  return String(Number(value.toPrecision(4))).replace("-", "−");
}

/** The day of a moment, in UTC. @param seconds since the Unix epoch */
function dayText(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? numberText(seconds) : date.toISOString().slice(0, 10);
}
