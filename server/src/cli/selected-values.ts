// Values that single out a class or a slice, recall[7] and accuracy[country=CA], as tables: a line for each of them and a column
// for each figure, where a line for each value would bury everything else.
import type { EvidenceView } from "slipway/client";
import { table } from "./text.ts";

type Values = EvidenceView["values"];

const SELECTED = /^([^[]+)\[((?:[^\]\\]|\\.)*)\]$/;
const MOST_COLUMNS = 4;
const MOST_LINES = 30;

interface Group {
  readonly head: string;
  readonly metrics: string[];
  /** By what is singled out, then by metric. */
  readonly lines: Map<string, Map<string, Values[string]>>;
}

export interface SplitValues {
  /** Values of the whole. */
  readonly whole: Values;
  /** Tables of the others. */
  readonly lines: readonly string[];
}

export function splitValues(values: Values): SplitValues {
  const whole: Record<string, Values[string]> = {};
  const groups: Readonly<Record<"class" | "slice", Group>> = {
    class: { head: "class", metrics: [], lines: new Map() },
    slice: { head: "slice", metrics: [], lines: new Map() },
  };
  for (const [name, value] of Object.entries(values)) {
    const [, metric, escaped] = SELECTED.exec(name) ?? [];
    // A quantile is no class, and there are few.
    if (metric === undefined || metric === "quantile-loss") {
      whole[name] = value;
      continue;
    }
    const selection = escaped!.replaceAll(/\\(.)/g, "$1");
    const isSlice = selection.includes("=") || selection.endsWith(" is missing");
    const { metrics, lines } = groups[isSlice ? "slice" : "class"];
    if (!metrics.includes(metric)) metrics.push(metric);
    const line = lines.get(selection) ?? new Map<string, Values[string]>();
    lines.set(selection, line.set(metric, value));
  }
  return { whole, lines: [...groupText(groups.class), ...groupText(groups.slice)] };
}

function groupText({ head, metrics, lines }: Group): readonly string[] {
  if (lines.size === 0) return [];
  const shown = metrics.slice(0, MOST_COLUMNS);
  const rows = Array.from(lines)
    .slice(0, MOST_LINES)
    .map(([selection, line]) => [selection, ...shown.flatMap((metric) => cells(line.get(metric)))]);
  const hidden = [
    metrics.length > shown.length ? metrics.slice(MOST_COLUMNS).join(", ") : null,
    lines.size > rows.length ? `${lines.size - rows.length} more` : null,
  ].filter((part) => part !== null);
  const more = hidden.length === 0 ? [] : [`Beyond these, with --json: ${hidden.join("; ")}.`];
  const heads = [head, ...shown.flatMap((metric) => [metric, "interval"])];
  return ["", ...table(heads, rows, `l${"rl".repeat(shown.length)}`), ...more];
}

/** The value, and its interval. */
function cells(value: Values[string] | undefined): readonly [string, string] {
  if (value === undefined || value.value === null) return ["–", value?.reason?.split(";")[0] ?? ""];
  const { interval } = value;
  const ends = interval === null ? "" : `${short(interval.lower)} to ${short(interval.upper)}`;
  return [short(value.value), ends];
}

function short(value: number): string {
  return Number(value.toPrecision(4)).toString();
}
