// Quality by the values of columns: each value's headline figure, and how far it lies from that of all other rows. Comparing
// many slices finds differences by chance alone, so what is called worse or better is so after correction; a slice of few
// rows is undecided and not bad.
import { adjustPValues, fisherExactTest, type Interval, tDistribution } from "@slipway/core/stats";
import { type JsonObject, type MeasuredValue, selectedMetric } from "#registry";
import type { SliceColumn } from "../answers/index.ts";
import { effectiveRows } from "../quality/index.ts";
import type { Headline } from "./headline.ts";
import { addRow, emptyPart, type Estimate, less, meanOf, type Part, studentPValue } from "./parts.ts";

/** Below so many rows of a weight above 0 a slice has no figures: they would mostly be chance. */
export const FEWEST_SLICE_ROWS = 30;
const CORRECTION = "holm";

interface Compared {
  readonly column: string;
  readonly value: string | null;
  readonly part: Part;
  readonly own: Estimate;
  /** null where there are no, or too few, other rows. */
  readonly gap: (Interval & { readonly pValue: number }) | null;
}

interface Ends {
  readonly value: number;
  readonly lower: number;
  readonly upper: number;
}

/** A value of a column, as details have it. */
interface SliceRow {
  /** null for rows without one. */
  readonly value: string | null;
  readonly rows: number;
  readonly estimate: Ends | null;
  readonly gap: Ends | null;
  readonly pValue: number | null;
  readonly adjustedPValue: number | null;
  readonly verdict: SliceVerdict;
}

export interface SliceFindings {
  readonly values: Readonly<Record<string, MeasuredValue>>;
  /** For pictures: by column, each value with its figure, gap and verdict. */
  readonly details: JsonObject;
  /** In plain words: the worst of each column. */
  readonly summary: readonly string[];
}

export function sliceFindings(columns: readonly SliceColumn[], subject: Headline, level: number): SliceFindings {
  const compared = columns.flatMap((column) => comparedOf(column, subject, level));
  const tested = compared.filter(({ gap }) => gap !== null);
  const adjusted = adjustPValues(
    tested.map(({ gap }) => gap!.pValue),
    CORRECTION,
  );
  const byCompared = new Map(tested.map((one, index) => [one, adjusted[index]!]));
  const values: Record<string, MeasuredValue> = {};
  const rowsByColumn = new Map<string, SliceRow[]>(columns.map(({ name }) => [name, []]));
  for (const one of compared) {
    const { column, value, part, own, gap } = one;
    const selection = selectionOf(column, value);
    const isSmall = part.rows < FEWEST_SLICE_ROWS;
    const reason = isSmall ? `Only ${part.rows} rows; at least ${FEWEST_SLICE_ROWS} are needed to tell.` : null;
    const gapReason = reason ?? (gap === null ? "There are too few other rows to compare with." : null);
    const { metric } = subject;
    const difference = `${metric} of these rows less that of all others`;
    values[selectedMetric(metric, selection)] = valueOf(isSmall ? null : own, reason, own.method, part.rows, level);
    values[selectedMetric(`${metric}-gap`, selection)] = valueOf(gap, gapReason, difference, part.rows, level);
    const pValue = byCompared.get(one) ?? null;
    rowsByColumn.get(column)!.push({
      value,
      rows: part.rows,
      estimate: isSmall ? null : endsOf(own),
      gap: gap === null ? null : endsOf(gap),
      pValue: gap?.pValue ?? null,
      adjustedPValue: pValue,
      verdict: verdictOf(gap, pValue, subject, level),
    });
  }
  return {
    values,
    details: {
      metric: subject.metric,
      level,
      correction: CORRECTION,
      tests: tested.length,
      columns: Object.fromEntries(rowsByColumn) as unknown as JsonObject,
    },
    summary: columns.map(({ name }) => summaryOf(name, rowsByColumn.get(name)!, subject, tested.length)),
  };
}

/** How a slice is singled out in names: "country=CA". */
export function selectionOf(column: string, value: string | null): string {
  return value === null ? `${column} is missing` : `${column}=${value}`;
}

function comparedOf({ name, values, codes }: SliceColumn, subject: Headline, level: number): readonly Compared[] {
  const parts = values.map(emptyPart);
  const all = emptyPart();
  subject.weights.forEach((weight, row) => {
    if (weight === 0) return;
    for (const part of [parts[codes[row]!]!, all]) addRow(part, subject.values[row]!, weight);
  });
  return values.map((value, place): Compared => {
    const part = parts[place]!;
    const rest = less(all, part);
    const own = meanOf(part, subject.isShare, level);
    const isTested = part.rows >= FEWEST_SLICE_ROWS && rest.rows >= FEWEST_SLICE_ROWS;
    const gap = isTested ? gapOf(part, own, rest, meanOf(rest, subject.isShare, level), subject, level) : null;
    return { column: name, value, part, own, gap };
  });
}

/**
 * The difference of two means over different rows. Of shares by Newcombe's hybrid of their intervals (Statistics in Medicine 17
 * (1998) 873–890, method 10) and Fisher's exact test; of other means, and of weighted shares, tested by Welch's t.
 */
function gapOf(part: Part, own: Estimate, rest: Part, other: Estimate, { isShare }: Headline, level: number) {
  const estimate = own.estimate - other.estimate;
  const squared = own.variance + other.variance;
  const degrees = squared ** 2 / (own.variance ** 2 / own.degrees + other.variance ** 2 / other.degrees);
  const isCounted = isShare && part.rows === effectiveRows(part) && rest.rows === effectiveRows(rest);
  const pValue = isCounted
    ? fisherExactTest([
        [part.hits, part.rows - part.hits],
        [rest.hits, rest.rows - rest.hits],
      ]).pValue
    : studentPValue(estimate, squared, degrees);
  if (isShare) {
    const lower = estimate - Math.hypot(own.estimate - own.lower, other.upper - other.estimate);
    const upper = estimate + Math.hypot(own.upper - own.estimate, other.estimate - other.lower);
    return { estimate, lower, upper, pValue };
  }
  const reach = squared === 0 ? 0 : tDistribution(degrees).quantile((1 + level) / 2) * Math.sqrt(squared);
  return { estimate, lower: estimate - reach, upper: estimate + reach, pValue };
}

function valueOf(
  interval: Interval | null,
  reason: string | null,
  method: string,
  count: number,
  level: number,
): MeasuredValue {
  if (interval === null) return { value: null, reason, unit: "1", interval: null, method, count };
  const { estimate, lower, upper } = interval;
  return { value: estimate, reason: null, unit: "1", interval: { lower, upper, level }, method, count };
}

type SliceVerdict = "worse" | "better" | "no difference shown" | "undecided";

function verdictOf(gap: Interval | null, pValue: number | null, { isGain }: Headline, level: number): SliceVerdict {
  if (gap === null || pValue === null) return "undecided";
  if (pValue > 1 - level) return "no difference shown";
  return gap.estimate > 0 === isGain ? "better" : "worse";
}

function summaryOf(column: string, rows: readonly SliceRow[], { metric, isGain }: Headline, tests: number): string {
  const worst = rows
    .flatMap(({ verdict, gap, value }) => (verdict === "worse" && gap !== null ? [{ value, gap: gap.value }] : []))
    .toSorted((a, b) => (a.gap - b.gap) * (isGain ? 1 : -1));
  const small = rows.filter(({ verdict }) => verdict === "undecided").length;
  const undecided = small === 0 ? "" : ` ${small} of ${rows.length} values have too few rows to tell.`;
  const corrected = `after correction for ${tests} comparisons (Holm)`;
  if (worst.length === 0) {
    return `By ${column}: no value is shown to be worse than the others ${corrected}.${undecided}`;
  }
  const named = worst.slice(0, 3).map(({ value, gap }) => `${value ?? "missing"} (${metric} ${signed(gap)})`);
  const more = worst.length > 3 ? ` and ${worst.length - 3} more` : "";
  return `By ${column}: worse than all others ${corrected} are ${named.join(", ")}${more}.${undecided}`;
}

function endsOf({ estimate, lower, upper }: Interval): Ends {
  return { value: estimate, lower, upper };
}

function signed(value: number): string {
  return `${value < 0 ? "−" : "+"}${Number(Math.abs(value).toPrecision(3))}`;
}
