// Rows that are there twice, or nearly so: within the data, where they count twice, and across splits, where a model is
// asked what it was taught.
import { murmur32, fractionOfText, type SampledColumn, type TableSample } from "#lab/dataset";
import type { Duplicates, NearDuplicates } from "./inspection.ts";
import { similarPairs } from "./similar-sets.ts";

export interface DuplicateOptions {
  readonly sample: TableSample;
  /** Columns in which duplicates agree: all but label, weight, ids and what decides the split. */
  readonly columns: readonly SampledColumn[];
  /** Each row's label by code; null where there are no classes. */
  readonly labels: Int32Array | null;
  /** A row of the sample as people find it: "rows.csv, row 7". */
  readonly placeOf: (row: number) => string;
}

const MOST_EXAMPLES = 5;
/** Rows that are compared for likeness; more take too long. */
const MOST_NEAR_ROWS = 50_000;
/** Rows of fewer members are alike by chance. */
const LEAST_MEMBERS = 9;
/** A member that more than a fifth of rows have tells nothing. */
const COMMON = 0.2;
const LEAST_SIMILARITY = 0.8;

export function duplicatesOf(options: DuplicateOptions): Duplicates {
  const { sample, columns, labels, placeOf } = options;
  const groups = columns.length === 0 ? [] : groupsOf(sample, columns);
  const isContradicting = (group: readonly number[]) =>
    labels !== null && new Set(group.map((row) => labels[row]!).filter((code) => code >= 0)).size > 1;
  const splitsOf = (group: readonly number[]) => new Set(group.map((row) => sample.splits?.[row] ?? 0));
  const across = groups.filter((group) => splitsOf(group).size > 1);
  const sizes: number[] = [];
  for (const split of sample.splits ?? []) sizes[split] = (sizes[split] ?? 0) + 1;
  const leaked = across.map((group) => {
    const largest = [...splitsOf(group)].toSorted((a, b) => sizes[b]! - sizes[a]!)[0];
    return group.filter((row) => sample.splits![row] !== largest).length;
  });
  const examples = [...across, ...groups.filter((group) => !across.includes(group))].slice(0, MOST_EXAMPLES);
  const why = nearWhy(columns, sample.rows);
  return {
    rows: groups.reduce((sum, group) => sum + group.length, 0),
    groups: groups.length,
    contradicting: groups.filter(isContradicting).length,
    acrossSplits: across.length,
    leakedRows: leaked.reduce((sum, rows) => sum + rows, 0),
    examples: examples.map((group) => group.slice(0, 3).map(placeOf)),
    near: why === null ? nearOf(options, groups) : null,
    nearWhy: why,
  };
}

/** Rows with the same values, in groups of two and more. */
function groupsOf({ rows }: TableSample, columns: readonly SampledColumn[]): readonly (readonly number[])[] {
  const byKey = new Map<number, number[]>();
  for (let row = 0; row < rows; row++) {
    const key = fractionOfText(columns.map((column) => valueText(column, row) ?? "").join("\u0000"), 0);
    const group = byKey.get(key);
    if (group === undefined) byKey.set(key, [row]);
    else group.push(row);
  }
  return [...byKey.values()].filter((group) => group.length > 1);
}

function valueText({ numbers, texts, hashes }: SampledColumn, row: number): string | null {
  const values = numbers ?? hashes;
  if (values === null) return texts?.[row] ?? null;
  const value = values[row]!;
  return Number.isNaN(value) ? null : String(value);
}

function nearWhy(columns: readonly SampledColumn[], rows: number): string | null {
  if (rows > MOST_NEAR_ROWS) return `more than ${MOST_NEAR_ROWS} rows were looked at`;
  const hasProse = columns.some(({ texts }) => texts?.some((text) => wordsOf(text ?? "").length >= LEAST_MEMBERS));
  if (columns.length >= LEAST_MEMBERS || hasProse) return null;
  return `rows of fewer than ${LEAST_MEMBERS} columns are alike by chance`;
}

function nearOf(
  { sample, columns, placeOf }: DuplicateOptions,
  groups: readonly (readonly number[])[],
): NearDuplicates {
  // Of rows that are the same, one stands for all.
  const twice = new Set(groups.flatMap((group) => group.slice(1)));
  const rows = Array.from({ length: sample.rows }, (_, row) => row).filter((row) => !twice.has(row));
  const members = rows.map((row) => [...new Set(columns.flatMap((column) => membersOf(column, row)))]);
  const counts = new Map<number, number>();
  for (const set of members) for (const member of set) counts.set(member, (counts.get(member) ?? 0) + 1);
  const most = Math.max(2, COMMON * rows.length);
  const sets = members.map((set) => Uint32Array.from(set.filter((member) => counts.get(member)! <= most)));
  const usable = sets.map((set) => (set.length < LEAST_MEMBERS ? new Uint32Array(0) : set));
  const pairs = similarPairs(usable, LEAST_SIMILARITY);
  const splitOf = (place: number) => sample.splits?.[rows[place]!] ?? 0;
  const across = pairs.filter(({ first, second }) => splitOf(first) !== splitOf(second));
  const shown = [...across, ...pairs.filter((pair) => !across.includes(pair))].slice(0, MOST_EXAMPLES);
  return {
    pairs: pairs.length,
    acrossSplits: across.length,
    examples: shown.map(({ first, second, similarity }) => {
      return { rows: [placeOf(rows[first]!), placeOf(rows[second]!)] as const, similarity };
    }),
  };
}

/** What a row's value says, as hashes: numbers to three digits, words of prose in threes, other texts whole. */
function membersOf(column: SampledColumn, row: number): readonly number[] {
  const text = valueText(column, row);
  if (text === null) return [];
  const hash = (value: string) => murmur32(utf8.encode(`${column.name}\u0000${value}`), 0);
  if (column.numbers !== null) return [hash(Number(text).toPrecision(3))];
  const words = wordsOf(text);
  if (words.length < LEAST_MEMBERS) return [hash(text)];
  return words.slice(2).map((_, at) => hash(words.slice(at, at + 3).join(" ")));
}

function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

const utf8 = new TextEncoder();
