// Evidence put in order: by kind, then by what the same question was asked of, the newest answer first.
import type { Evidence, MeasuredValue } from "../api.ts";

export interface Finding {
  /** The newest. */
  readonly evidence: Evidence;
  /** What was found before of the same: the same kind, data, machine and settings; newest first. */
  readonly older: readonly Evidence[];
}

export interface KindOfEvidence {
  readonly kind: string;
  readonly findings: readonly Finding[];
}

/** What people ask first comes first; other kinds follow by name. */
const ORDER = [
  "quality",
  "slices",
  "comparison",
  "latency",
  "throughput",
  "plan",
  "memory",
  "energy",
  "size",
  "compute",
];

/** @param evidence newest first, as the server answers it */
export function kindsOf(evidence: readonly Evidence[]): readonly KindOfEvidence[] {
  const kinds = new Map<string, Map<string, Evidence[]>>();
  for (const one of evidence) {
    const subjects = kinds.get(one.kind) ?? new Map<string, Evidence[]>();
    kinds.set(one.kind, subjects);
    const subject = subjectOf(one);
    subjects.set(subject, [...(subjects.get(subject) ?? []), one]);
  }
  const place = (kind: string): number => (ORDER.includes(kind) ? ORDER.indexOf(kind) : ORDER.length);
  return [...kinds]
    .map(([kind, subjects]) => ({
      kind,
      findings: [...subjects.values()].map(([newest, ...older]) => ({ evidence: newest!, older })),
    }))
    .sort((a, b) => place(a.kind) - place(b.kind) || a.kind.localeCompare(b.kind));
}

/** What two pieces of evidence share where the newer stands for the older. */
export function subjectOf({ kind, dataset, machine, settings }: Evidence): string {
  return JSON.stringify([kind, dataset?.name, dataset?.split, machine?.fingerprint, settings]);
}

/** `digits/test`; null where it was measured on no data. */
export function datasetText({ dataset }: Pick<Evidence, "dataset">): string | null {
  if (dataset === null) return null;
  return dataset.split === null ? dataset.name : `${dataset.name}/${dataset.split}`;
}

export type NamedValue = readonly [name: string, value: MeasuredValue];

export interface SplitValues {
  /** What stands for itself: accuracy, p99. */
  readonly plain: readonly NamedValue[];
  /** Metrics with a value for each class or slice: recall[7]. */
  readonly parts: PartedValues | null;
}

export interface PartedValues {
  readonly metrics: readonly string[];
  readonly rows: readonly { readonly part: string; readonly values: readonly (NamedValue | null)[] }[];
}

const PARTED = /^([^[]+)\[([^\]]*)\]$/;

/** Values of a whole, and those of its parts as a matrix. */
export function splitValues(values: Evidence["values"]): SplitValues {
  const plain: NamedValue[] = [];
  const parts = new Map<string, Map<string, NamedValue>>();
  const metrics = new Set<string>();
  for (const [name, value] of Object.entries(values)) {
    const found = PARTED.exec(name);
    if (found === null) {
      plain.push([name, value]);
      continue;
    }
    const [, metric, part] = found as unknown as [string, string, string];
    metrics.add(metric);
    const row = parts.get(part) ?? new Map<string, NamedValue>();
    parts.set(part, row.set(metric, [name, value]));
  }
  if (parts.size === 0) return { plain, parts: null };
  const columns = [...metrics];
  const rows = [...parts].map(([part, row]) => ({ part, values: columns.map((metric) => row.get(metric) ?? null) }));
  return { plain, parts: { metrics: columns, rows } };
}

export interface Axis {
  readonly from: number;
  readonly to: number;
}

/** How much wider than the narrowest interval on it an axis may be, so that each can still be seen. */
const WIDEST = 24;

/**
 * An axis for each value that has an interval, by name. Values of one unit share one where all their intervals can be seen
 * on it, so that whiskers can be held against each other: an accuracy near 1 and a loss near 0 do not.
 */
export function axesOf(values: readonly NamedValue[]): ReadonlyMap<string, Axis> {
  const groups: { unit: string; names: string[]; from: number; to: number; narrowest: number }[] = [];
  const sorted = values
    .flatMap(([name, { unit, interval }]) => (interval === null ? [] : [{ name, unit, ...interval }]))
    .sort((a, b) => a.lower - b.lower);
  for (const { name, unit, lower, upper } of sorted) {
    const group = groups.findLast((one) => one.unit === unit);
    const narrowest = Math.min(group?.narrowest ?? Number.POSITIVE_INFINITY, upper - lower);
    if (group !== undefined && Math.max(group.to, upper) - group.from <= WIDEST * narrowest) {
      Object.assign(group, { to: Math.max(group.to, upper), narrowest });
      group.names.push(name);
    } else groups.push({ unit, names: [name], from: lower, to: upper, narrowest: upper - lower });
  }
  return new Map(
    groups.flatMap(({ unit, names, from, to }) => {
      const axis = roundedAxis(from, to, unit);
      return names.map((name) => [name, axis] as const);
    }),
  );
}

/** One axis for all values, whatever their intervals; null where none has a number. */
export function commonAxis(values: readonly MeasuredValue[]): Axis | null {
  const ends = values.flatMap(({ value, interval }) =>
    value === null ? [] : [value, ...(interval === null ? [] : [interval.lower, interval.upper])],
  );
  if (ends.length === 0) return null;
  return roundedAxis(Math.min(...ends), Math.max(...ends), values[0]?.unit ?? "1");
}

/** Out to the next round number on both sides; shares stay within 0 to 1, and nothing that is positive goes below 0. */
function roundedAxis(from: number, to: number, unit: string): Axis {
  const width = to - from || Math.abs(to) || 1;
  const step = 10 ** Math.floor(Math.log10(width)) / 2;
  const low = Math.floor(from / step) * step;
  const high = Math.ceil(to / step) * step;
  const tidy = (value: number): number => Number(value.toPrecision(12));
  const isShare = unit === "1" && from >= 0 && to <= 1;
  return {
    from: tidy(from >= 0 ? Math.max(0, low) : low),
    to: tidy(high === low ? low + step : isShare ? Math.min(1, high) : high),
  };
}
