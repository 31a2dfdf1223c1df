// Which split a row falls to. A row's key is a hash of its place, a hash of its group, or its time; the rows in the order of
// their keys are cut where the fractions say. So sizes are exact, a seed gives the same split on every machine, and rows
// with one key (a group, a moment) are never torn apart. Nothing is kept in memory but the cuts.
import path from "node:path";
import { assert, SlipwayError } from "@slipway/core/base";
import type { DatasetDescription } from "./description.ts";
import { findFiles } from "./files.ts";
import { checkSingle } from "./labels.ts";
import { fractionOfRow, fractionOfText } from "./murmur.ts";
import { OrderStatistics } from "./order-statistics.ts";
import { type Block, type ColumnBlock, misfitError, type RowSource, type Wanted } from "./source.ts";

/** The splits of a dataset, known before its rows are read. */
export interface Splits {
  readonly names: readonly string[];
  /** Rows of each, as `names`. */
  readonly sizes: readonly number[];
  /** What of the rule decides where rows fall, for the hash: nothing of where files lie. */
  readonly decides: unknown;
  /** What has to be read to tell a row's split, as first columns of a block. */
  readonly wanted: readonly Wanted[];
  /** The split of each row of a block, by its place in `names`. @throws SlipwayError ROWS_INVALID */
  assign(block: Block): Promise<Uint8Array>;
}

/** Splits are told in a byte; no dataset has more. */
export const MOST_SPLITS = 100;
/** Each class is cut by itself, and holds some memory while the cuts are looked for. */
const MOST_STRATA = 1000;
/** Rows whose places decide their keys, from which cuts are guessed; with fewer they are found by sorting. */
const LEAST_GUESSED = 16_384;

type Assign = Splits["assign"];
type SplitRule = Exclude<DatasetDescription["split"], null>;

/**
 * Finds the cuts, in a few passes over the columns they depend on.
 * @param shownAs a path as it is told
 * @throws SlipwayError DATASET_INVALID for a column there is not or too many splits; ROWS_INVALID for a row without a value
 *   there; the signal's reason
 */
export async function findSplits(
  rule: SplitRule,
  source: RowSource,
  shownAs: (path: string) => string,
  signal: AbortSignal,
): Promise<Splits> {
  if (typeof rule === "string") return await splitsByColumn(rule, source, signal);
  if ("column" in rule) return await splitsByColumn(rule.column, source, signal);
  if ("files" in rule) return await splitsByFile(rule.files, source, shownAs, signal);
  const names = Object.keys(rule.fractions);
  const keys = keysOf(rule, source);
  const found = await findCuts(Object.values(rule.fractions), keys, source, signal);
  const cuts = new Map([...found].map(([stratum, all]) => [stratum, all.cuts.map(({ value }) => value)]));
  const assign: Assign = async (block) => {
    const { strata, values } = await keys.of(block);
    const only = strata === null ? (cuts.get("") ?? []) : null;
    return Uint8Array.from(values, (value, row) => placeAmong(only ?? cuts.get(strata![row]!)!, value));
  };
  const sizes = names.map(() => 0);
  for (const { rows, cuts: all } of found.values()) {
    const bounds = [0, ...all.map(({ below }) => below), rows];
    for (const place of names.keys()) sizes[place]! += bounds[place + 1]! - bounds[place]!;
  }
  return { names, sizes, decides: rule, wanted: keys.wanted, assign };
}

async function splitsByColumn(column: string, source: RowSource, signal: AbortSignal): Promise<Splits> {
  checkSingle(column, "split", source);
  const wanted = [{ column, form: "text" as const }];
  const seen = new Map<string, number>();
  for await (const block of source.read(wanted, 0, signal)) {
    for (const [row, name] of textsOf(block.columns[0]!).entries()) {
      if (name === null)
        throw await misfitError(source, block.firstRow + row, column, "it has to name the split of the row");
      if (seen.size === MOST_SPLITS && !seen.has(name)) {
        throw new SlipwayError(
          "DATASET_INVALID",
          `"split": the column "${column}" has more than ${MOST_SPLITS} values; it has to name the split of each row.`,
        );
      }
      seen.set(name, (seen.get(name) ?? 0) + 1);
    }
  }
  const names = [...seen.keys()].toSorted();
  const places = new Map(names.map((name, place) => [name, place]));
  const assign: Assign = async (block) =>
    Uint8Array.from(textsOf(block.columns[0]!), (name) => {
      const place = places.get(name ?? "");
      assert(place !== undefined, `The split "${name}" was not there when the rows were read first.`);
      return place;
    });
  return { names, sizes: names.map((name) => seen.get(name)!), decides: { column }, wanted, assign };
}

/** @param described absolute files, folders and patterns of each split */
async function splitsByFile(
  described: Readonly<Record<string, string | readonly string[]>>,
  source: RowSource,
  shownAs: (path: string) => string,
  signal: AbortSignal,
): Promise<Splits> {
  const names = Object.keys(described);
  const found = await Promise.all(
    Object.values(described).map((named) => findFiles(typeof named === "string" ? [named] : named, shownAs)),
  );
  const known = new Map<string, number>();
  const splitOf = (file: string): number => {
    const before = known.get(file);
    if (before !== undefined) return before;
    const places = [...found.keys()].filter((place) => holds(found[place]!, file));
    const [place, other] = places;
    if (place === undefined || other !== undefined) {
      const what = place === undefined ? "no split" : `the splits ${places.map((one) => names[one]).join(" and ")}`;
      throw new SlipwayError("DATASET_INVALID", `"split.files": ${shownAs(file)} is in ${what}; each file is in one.`);
    }
    known.set(file, place);
    return place;
  };
  const assign: Assign = async ({ firstRow, rows }) =>
    Uint8Array.from({ length: rows }, (_, row) => splitOf(source.where(firstRow + row).file));
  const sizes = names.map(() => 0);
  for await (const block of blocksOf([], source, 0, signal)) {
    for (const place of await assign(block)) sizes[place]! += 1;
  }
  // By the files in their order.
  return { names, sizes, decides: { files: { names, places: [...known.values()] } }, wanted: [], assign };
}

function holds({ files, folders }: Awaited<ReturnType<typeof findFiles>>, file: string): boolean {
  return files.some((one) => one.path === file) || folders.some((folder) => file.startsWith(`${folder}${path.sep}`));
}

/** What rows are ordered by before they are cut. */
interface Keys {
  readonly wanted: readonly Wanted[];
  /** Whether they are as random numbers from 0 to 1, each row's its own. */
  readonly areUniform: boolean;
  of(block: Block): Promise<{ readonly strata: readonly string[] | null; readonly values: Float64Array }>;
}

function keysOf(rule: Extract<SplitRule, { fractions: unknown }>, source: RowSource): Keys {
  const { by, seed } = rule;
  const places = ({ firstRow, rows }: Block) =>
    Float64Array.from({ length: rows }, (_, row) => fractionOfRow(firstRow + row, seed));
  if (by === "rows")
    return { wanted: [], areUniform: true, of: async (block) => ({ strata: null, values: places(block) }) };
  if ("time" in by) {
    checkSingle(by.time, "split.by.time", source);
    const takes = "it has to be a date, a time or a number, since rows are split by it";
    return {
      wanted: [{ column: by.time, form: "moment" }],
      areUniform: false,
      of: async (block) => ({ strata: null, values: await momentsOf(block, by.time, source, takes) }),
    };
  }
  const [column, key] =
    "group" in by ? ([by.group, "split.by.group"] as const) : ([by.stratified, "split.by.stratified"] as const);
  checkSingle(column, key, source);
  const texts = async (block: Block): Promise<readonly string[]> => {
    const found = textsOf(block.columns[0]!);
    const missing = found.indexOf(null);
    if (missing >= 0) throw await misfitError(source, block.firstRow + missing, column, "rows are split by it");
    return found as readonly string[];
  };
  return {
    wanted: [{ column, form: "text" }],
    areUniform: "stratified" in by,
    of: async (block) => {
      const found = await texts(block);
      if ("stratified" in by) return { strata: found, values: places(block) };
      return { strata: null, values: Float64Array.from(found, (group) => fractionOfText(group, seed)) };
    },
  };
}

/** A key at which a next split begins, and how many rows have keys below it. */
interface Cut {
  readonly value: number;
  readonly below: number;
}

/** The cuts of each stratum, and how many rows it has. */
async function findCuts(
  fractions: readonly number[],
  keys: Keys,
  source: RowSource,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, { readonly rows: number; readonly cuts: readonly Cut[] }>> {
  const sizes = await strataSizes(keys, source, signal);
  const searches = new Map(
    [...sizes].map(([stratum, rows]) => [stratum, new CutSearch(fractions, rows, keys.areUniform)]),
  );
  while ([...searches.values()].some(({ isDone }) => !isDone)) {
    for await (const block of blocksOf(keys.wanted, source, 0, signal)) {
      const { strata, values } = await keys.of(block);
      const only = strata === null ? searches.get("")! : null;
      for (let row = 0; row < block.rows; row++) (only ?? searches.get(strata![row]!)!).push(values[row]!);
    }
    for (const search of searches.values()) search.endPass();
  }
  return new Map(
    [...searches].map(([stratum, search]) => [stratum, { rows: sizes.get(stratum)!, cuts: search.cuts() }]),
  );
}

async function strataSizes(keys: Keys, source: RowSource, signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  if (keys.wanted.length === 0) return sizes.set("", source.rows);
  for await (const block of blocksOf(keys.wanted, source, 0, signal)) {
    const { strata } = await keys.of(block);
    if (strata === null) return sizes.set("", source.rows);
    for (const stratum of strata) sizes.set(stratum, (sizes.get(stratum) ?? 0) + 1);
    if (sizes.size > MOST_STRATA) {
      throw new SlipwayError(
        "DATASET_INVALID",
        `"split.by.stratified": the column has more than ${MOST_STRATA} values; stratify by a class, or split by rows.`,
      );
    }
  }
  return sizes;
}

/**
 * The cuts among the keys of one stratum. Where keys are as random numbers, a cut lies near its fraction: within six standard
 * deviations of a binomial, one pass finds it. Where it does not, and for other keys, it is searched for.
 */
class CutSearch {
  readonly #rows: number;
  readonly #places: readonly number[];
  readonly #inside: readonly number[];
  #brackets: Bracket[] | null = null;
  #search: OrderStatistics;

  constructor(fractions: readonly number[], rows: number, areUniform: boolean) {
    this.#rows = rows;
    this.#places = placesOf(fractions, rows);
    this.#inside = [...new Set(this.#places.filter((place) => place > 0 && place < rows))];
    this.#search = new OrderStatistics(this.#inside);
    if (areUniform && rows > LEAST_GUESSED) this.#brackets = this.#inside.map((place) => new Bracket(place, rows));
  }

  get isDone(): boolean {
    return this.#brackets?.every(({ found }) => found !== null) ?? this.#search.isDone;
  }

  push(key: number): void {
    if (this.#brackets === null) this.#search.push(key);
    else for (const bracket of this.#brackets) bracket.push(key);
  }

  endPass(): void {
    if (this.#brackets === null) return this.#search.endPass();
    for (const bracket of this.#brackets) bracket.endPass();
    if (!this.isDone) this.#brackets = null;
  }

  cuts(): readonly Cut[] {
    return this.#places.map((place) => {
      if (place === 0) return { value: Number.NEGATIVE_INFINITY, below: 0 };
      if (place >= this.#rows) return { value: Number.POSITIVE_INFINITY, below: this.#rows };
      if (this.#brackets === null) return this.#search.at(place);
      return this.#brackets[this.#inside.indexOf(place)]!.found!;
    });
  }
}

/** Keeps the keys around where a cut should be. */
class Bracket {
  found: Cut | null = null;
  readonly #place: number;
  readonly #low: number;
  readonly #high: number;
  #below = 0;
  #kept: number[] = [];

  constructor(place: number, rows: number) {
    const fraction = place / rows;
    const deviation = Math.sqrt((fraction * (1 - fraction)) / rows);
    this.#place = place;
    this.#low = fraction - 6 * deviation;
    this.#high = fraction + 6 * deviation;
  }

  push(key: number): void {
    if (key < this.#low) this.#below += 1;
    else if (key < this.#high) this.#kept.push(key);
  }

  endPass(): void {
    const sorted = Float64Array.from(this.#kept).sort();
    const value = this.#place < this.#below ? undefined : sorted[this.#place - this.#below];
    if (value !== undefined) this.found = { value, below: this.#below + sorted.indexOf(value) };
    this.#kept = [];
  }
}

/** How many rows come before each split but the first. */
function placesOf(fractions: readonly number[], rows: number): number[] {
  let sum = 0;
  return fractions.slice(0, -1).map((fraction) => Math.round((sum += fraction) * rows));
}

/** How many cuts a key has passed; a key on a cut has. */
function placeAmong(cuts: readonly number[], key: number): number {
  let place = 0;
  while (place < cuts.length && key >= cuts[place]!) place++;
  return place;
}

/** The source's row that a row of a split is; the number of its rows where the split is shorter. */
export async function sourceRowOf(
  splits: Splits,
  split: number,
  row: number,
  source: RowSource,
  signal: AbortSignal,
): Promise<number> {
  let left = row;
  for await (const block of blocksOf(splits.wanted, source, 0, signal)) {
    const assigned = await splits.assign(block);
    for (let at = 0; at < block.rows; at++) {
      if (assigned[at] === split && left-- === 0) return block.firstRow + at;
    }
  }
  return source.rows;
}

const MADE_ROWS = 8192;

/** Blocks of the source; where no column is wanted, only their places, for which nothing is read. */
async function* blocksOf(
  wanted: readonly Wanted[],
  source: RowSource,
  firstRow: number,
  signal: AbortSignal,
): AsyncGenerator<Block> {
  if (wanted.length > 0) {
    yield* source.read(wanted, firstRow, signal);
    return;
  }
  for (let at = firstRow; at < source.rows; at += MADE_ROWS) {
    signal.throwIfAborted();
    yield { firstRow: at, rows: Math.min(MADE_ROWS, source.rows - at), columns: [] };
  }
}

async function momentsOf(block: Block, column: string, source: RowSource, takes: string): Promise<Float64Array> {
  const read = block.columns[0]!;
  if (read.kind !== "numbers" || read.shape.length > 0) throw await misfitError(source, block.firstRow, column, takes);
  const moments = Float64Array.from(read.values as ArrayLike<number | bigint>, Number);
  for (const [row, moment] of moments.entries()) {
    if (Number.isNaN(moment) || read.nulls?.[row] === 1)
      throw await misfitError(source, block.firstRow + row, column, takes);
  }
  return moments;
}

function textsOf(block: ColumnBlock): readonly (string | null)[] {
  assert(block.kind === "texts", "A column wanted as text came in another form.");
  return block.values;
}
