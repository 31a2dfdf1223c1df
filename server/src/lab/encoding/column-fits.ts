// What of a column's training values is kept while they pass by, for each kind of encoding. A pass over all rows is followed
// by `endPass`, until a fit says that it is done.
import { SlipwayError } from "@slipway/core/base";
import type { TensorData } from "@slipway/core/tensor";
import { OrderStatistics, roleFlag } from "#lab/dataset";
import {
  type CategoryEncoding,
  type ColumnEncoding,
  type Cycle,
  CYCLES,
  type NumberEncoding,
  type TimeEncoding,
} from "./encoding.ts";

export interface ColumnFit {
  readonly isDone: boolean;
  readonly missing: number;
  /** Values of some rows, NaN or "" where one is missing. */
  add(values: TensorData): void;
  endPass(): void;
  /** Once done. */
  encoding(): ColumnEncoding;
}

/** Mean and variance in one pass. Source: B. P. Welford, Technometrics 4 (1962). */
class Moments {
  count = 0;
  missing = 0;
  mean = 0;
  squares = 0;
  least = Number.POSITIVE_INFINITY;
  most = Number.NEGATIVE_INFINITY;

  push(value: number): void {
    if (Number.isNaN(value)) {
      this.missing += 1;
      return;
    }
    this.count += 1;
    const from = value - this.mean;
    this.mean += from / this.count;
    this.squares += from * (value - this.mean);
    if (value < this.least) this.least = value;
    if (value > this.most) this.most = value;
  }

  /** With each missing value as `imputed`: the mean, and the standard deviation with the number of rows as its divisor. */
  imputed(value: number): { readonly mean: number; readonly deviation: number } {
    const { count, missing } = this;
    const all = count + missing;
    const mean = (count * this.mean + missing * value) / all;
    const squares = this.squares + ((count * missing) / all) * (this.mean - value) ** 2;
    return { mean, deviation: Math.sqrt(squares / all) };
  }
}

/**
 * Numbers of which moments and quartiles are wanted. Where they may be kept, one pass is enough; else the quartiles are looked
 * for in further passes, in memory that does not grow with the rows.
 */
abstract class QuartileFit implements ColumnFit {
  protected readonly moments = new Moments();
  #kept: Float64Array[] | null;
  #sorted: Float64Array | null = null;
  #search: OrderStatistics | null = null;

  constructor(isKept: boolean) {
    this.#kept = isKept ? [] : null;
  }

  get isDone(): boolean {
    return this.#sorted !== null || (this.#search?.isDone ?? false);
  }

  get missing(): number {
    return this.moments.missing;
  }

  add(values: TensorData): void {
    const numbers = values as Float32Array | Float64Array;
    if (this.#search === null) for (const value of numbers) this.moments.push(value);
    else for (const value of numbers) if (!Number.isNaN(value)) this.#search.push(value);
    this.#kept?.push(Float64Array.from(numbers).filter((value) => !Number.isNaN(value)));
  }

  endPass(): void {
    const { count } = this.moments;
    if (this.#kept !== null) {
      const all = new Float64Array(count);
      let at = 0;
      for (const chunk of this.#kept) {
        all.set(chunk, at);
        at += chunk.length;
      }
      this.#sorted = all.sort();
      this.#kept = null;
    } else if (this.#search === null) {
      const places = QUARTILES.flatMap((share) => [...placesOf(share, count)]);
      this.#search = new OrderStatistics(count === 0 ? [] : [...new Set(places)]);
    } else this.#search.endPass();
  }

  /** By linear interpolation between neighbours, as NumPy does unless told otherwise (type 7 of Hyndman and Fan, 1996). */
  protected quantile(share: number): number {
    const { count } = this.moments;
    const [low, high] = placesOf(share, count);
    const [below, above] = [low, high].map((place) => this.#sorted?.[place] ?? this.#search!.at(place).value) as [
      number,
      number,
    ];
    return below + (share * (count - 1) - low) * (above - below);
  }

  abstract encoding(): ColumnEncoding;
}

const QUARTILES = [0.25, 0.5, 0.75];

function placesOf(share: number, count: number): readonly [number, number] {
  const low = Math.floor(share * (count - 1));
  return [low, Math.min(low + 1, count - 1)];
}

/** The standard deviation of a normal distribution is its interquartile range over this. */
const NORMAL_RANGE = 1.3489795003921634;
/** So much more than the quartiles say must the deviation be for a tail to count as heavy. */
const HEAVY = 3;

export class NumberFit extends QuartileFit {
  encoding(): NumberEncoding {
    const imputed = Math.fround(this.quantile(0.5));
    const { mean, deviation } = this.moments.imputed(imputed);
    const spread = (this.quantile(0.75) - this.quantile(0.25)) / NORMAL_RANGE;
    const isHeavy = spread > 0 && deviation > HEAVY * spread;
    const scale = isHeavy ? spread : deviation;
    return {
      kind: "number",
      scaler: isHeavy ? "robust" : "standard",
      imputed,
      centre: Math.fround(isHeavy ? imputed : mean),
      // What is the same in all rows becomes 0.
      scale: Math.fround(scale) > 0 ? Math.fround(scale) : 1,
      hasMissing: this.missing > 0,
    };
  }
}

/** Truth values stay 0 and 1. */
export class TruthFit implements ColumnFit {
  readonly #moments = new Moments();
  isDone = false;

  get missing(): number {
    return this.#moments.missing;
  }

  add(values: TensorData): void {
    for (const value of values as Float32Array) this.#moments.push(value);
  }

  endPass(): void {
    this.isDone = true;
  }

  encoding(): NumberEncoding {
    const imputed = this.#moments.mean > 0.5 ? 1 : 0;
    return { kind: "number", scaler: "none", imputed, centre: 0, scale: 1, hasMissing: this.missing > 0 };
  }
}

export class TimeFit extends QuartileFit {
  #areDays = true;

  override add(values: TensorData): void {
    super.add(values);
    for (const value of values as Float64Array) {
      if (!Number.isNaN(value) && value % CYCLES.day.seconds !== 0) this.#areDays = false;
    }
  }

  encoding(): TimeEncoding {
    const imputed = this.quantile(0.5);
    const { mean, deviation } = this.moments.imputed(imputed);
    const span = this.moments.most - this.moments.least;
    // A cycle that the rows go round less than once is a trend, which the seconds already are.
    const cycles = (Object.keys(CYCLES) as Cycle[]).filter(
      (cycle) => span >= CYCLES[cycle].seconds && !(cycle === "day" && this.#areDays),
    );
    return {
      kind: "time",
      imputed,
      centre: mean,
      scale: deviation > 0 ? deviation : 1,
      cycles,
      hasMissing: this.missing > 0,
    };
  }
}

/** Different values of a categorical column that are counted at most. */
const MOST_VALUES = 100_000;

export class CategoryFit implements ColumnFit {
  readonly #column: string;
  readonly #most: number;
  readonly #least: number;
  readonly #counts = new Map<number | string, number>();
  missing = 0;
  isDone = false;

  /**
   * @param most values that are kept
   * @param least rows of a value that is kept
   */
  constructor(column: string, most: number, least: number) {
    this.#column = column;
    this.#most = most;
    this.#least = least;
  }

  add(values: TensorData): void {
    for (const value of values as readonly string[] | Float32Array) {
      if (value === "" || Number.isNaN(value)) this.missing += 1;
      else this.#counts.set(value, (this.#counts.get(value) ?? 0) + 1);
    }
    if (this.#counts.size <= MOST_VALUES) return;
    throw new SlipwayError(
      "DATASET_INVALID",
      `The column "${this.#column}" has more than ${MOST_VALUES} different values, which are no categories; leave it out: ${roleFlag(this.#column, "ignored")}.`,
    );
  }

  endPass(): void {
    this.isDone = true;
  }

  encoding(): CategoryEncoding {
    const values = [...this.#counts].toSorted(([a, rowsOfA], [b, rowsOfB]) => rowsOfB - rowsOfA || (a < b ? -1 : 1));
    const enough = values.filter(([, rows]) => rows >= this.#least);
    // Where all are rare, the most frequent are kept all the same.
    const kept = (enough.length === 0 ? values : enough).slice(0, this.#most).map(([value]) => value);
    const isKept = new Set(kept);
    const rare = values.map(([value]) => value).filter((value) => !isKept.has(value));
    return { kind: "categories", kept: inOrder(kept), rare: inOrder(rare), hasMissing: this.missing > 0 };
  }
}

/** A column's values are all numbers or all texts. */
function inOrder(values: readonly (number | string)[]): readonly number[] | readonly string[] {
  return values.toSorted((a, b) => (a < b ? -1 : 1)) as readonly number[] | readonly string[];
}
