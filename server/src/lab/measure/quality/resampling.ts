// Many figures of the same rows at once, on rows drawn with replacement. A draw is a weight for each row, so what costs time
// (sorting scores, logarithms) is done once, and every figure is seen on the same resamples.
import {
  accelerationFrom,
  bcaFrom,
  bcaPValue,
  type Bootstrapped,
  drawBelow,
  type Interval,
  normalDistribution,
  type Random,
  variance,
} from "@slipway/core/stats";

/** Figures of the same rows, for any weights of these. */
export interface WeightedFigures {
  readonly names: readonly string[];
  /** How many times a row is visited to evaluate all of them: what a resample costs. */
  readonly visits: number;
  /** Writes each figure for the weights, [rows], into `into`, [names]; NaN where it is undefined. */
  readonly evaluate: (weights: Float64Array, into: Float64Array) => void;
  /**
   * How much each row moves a figure, [rows]: its weight times the figure's derivative by that. null where nobody
   * knows, which takes the figure's spread for as wide on either side.
   */
  readonly influences: (index: number, weights: Float64Array) => Float64Array | null;
  /** The least and the greatest a figure can be. */
  readonly boundsOf: (index: number) => Bounds;
}

export type Bounds = readonly [number, number];

/** Row visits that all resamples together may take: a quarter of a minute or so on a server's core. */
const MOST_VISITS = 1e9;
/** Fewer resamples than this say too little of an interval's ends. */
const FEWEST_RESAMPLES = 200;
/**
 * Resampling fewer rows than this tells too little of others. Where differences rested on 8 to 20, tests at 5 % found one that was
 * not there in 10 %; where on more, in 4 to 7 % (simulated: 200 to 500 rows, 2 to 10 classes).
 */
export const FEW_CARRIERS = 20;
/** On either side of the estimate there has to be this share of the resamples: else they are of something else. */
const LEAST_SIDE = 0.05;
/** Above this share of resamples on which a figure is undefined, the others no longer stand for all. */
const MOST_UNDEFINED = 0.05;

/**
 * How many resamples to take: what is wanted, or, where there are many rows, as many as time allows; none where these are too
 * few, since of so many rows their influences alone tell the interval.
 */
export function plannedResamples(wanted: number, rows: number, visits: number): number {
  const affordable = Math.floor(MOST_VISITS / Math.max(1, rows * visits));
  return affordable < Math.min(wanted, FEWEST_RESAMPLES) ? 0 : Math.min(wanted, affordable);
}

export interface ResamplingOptions {
  readonly figures: WeightedFigures;
  /** [rows]; rows of weight 0 are as good as not there. */
  readonly weights: Float64Array;
  readonly random: Random;
  readonly resamples: number;
}

/**
 * The estimates, and the figures on resamples drawn one `step` at a time, so that whoever waits can stop or look. Without
 * resamples, intervals are normal, with the variance that the rows' influences have (the infinitesimal jackknife; B. Efron, The
 * Jackknife, the Bootstrap and Other Resampling Plans, 1982, chapter 6).
 */
export class Resampling {
  readonly estimates: Float64Array;
  readonly resamples: number;
  readonly #figures: WeightedFigures;
  readonly #weights: Float64Array;
  readonly #random: Random;
  /** Rows of a weight above 0. */
  readonly #members: Uint32Array;
  readonly #drawn: Float64Array;
  readonly #out: Float64Array;
  /** [names][resamples] */
  readonly #replicates: readonly Float64Array[];
  #done = 0;

  constructor({ figures, weights, random, resamples }: ResamplingOptions) {
    this.#figures = figures;
    this.#weights = weights;
    this.#random = random;
    this.resamples = resamples;
    this.#members = Uint32Array.from(weights.keys()).filter((row) => weights[row]! > 0);
    this.#drawn = new Float64Array(weights.length);
    this.#out = new Float64Array(figures.names.length);
    this.#replicates = figures.names.map(() => new Float64Array(resamples));
    this.estimates = new Float64Array(figures.names.length);
    figures.evaluate(weights, this.estimates);
  }

  get done(): number {
    return this.#done;
  }

  get isDone(): boolean {
    return this.#done === this.resamples || this.#members.length === 0;
  }

  /** Draws as many rows as there are, and keeps each figure on them. */
  step(): void {
    const [members, drawn] = [this.#members, this.#drawn];
    drawn.fill(0);
    for (let draw = 0; draw < members.length; draw++) {
      const row = members[drawBelow(this.#random, members.length)]!;
      drawn[row]! += this.#weights[row]!;
    }
    this.#figures.evaluate(drawn, this.#out);
    for (let index = 0; index < this.#out.length; index++) {
      this.#replicates[index]![this.#done] = this.#out[index]!;
    }
    this.#done++;
  }

  /** A figure's interval and how it was made; null where there is none, and then why. */
  interval(name: string, confidence: number): ResampledInterval {
    if (!this.#figures.names.includes(name)) {
      return { interval: null, method: "no interval: not worked out for so many classes or scores" };
    }
    if (this.#done === 0) return this.#normalInterval(name, confidence);
    const found = this.#bootstrapped(name);
    if (typeof found === "string") return { interval: null, method: `no interval: ${found}` };
    const interval = bcaFrom(found, found.acceleration, confidence);
    return {
      interval,
      method: `${found.isAccelerated ? "BCa" : "BC"} bootstrap, ${this.#done} resamples${this.#doubt(name)}`,
    };
  }

  /** The two-sided p value of the figure being `value` in truth, in accord with its interval; null where there is none. */
  pValue(name: string, value: number): number | null {
    if (this.#done === 0) {
      const deviation = this.standardDeviation(name);
      if (deviation === null || deviation === 0) return null;
      const distance = Math.abs(this.estimates[this.#indexOf(name)]! - value) / deviation;
      return Number.isFinite(distance) ? Math.min(1, 2 * normalDistribution().survival(distance)) : null;
    }
    const found = this.#bootstrapped(name);
    return typeof found === "string" ? null : bcaPValue(found, found.acceleration, value);
  }

  /** How far the figure varies over resamples, or by its rows' influences without these; null where nobody knows. */
  standardDeviation(name: string): number | null {
    if (this.#done > 0) {
      const defined = this.#definedOf(name);
      return defined.length < 2 ? null : Math.sqrt(variance(defined));
    }
    const influences = this.#figures.influences(this.#indexOf(name), this.#weights);
    const rows = this.#members.length;
    if (influences === null || rows < 2) return null;
    const squares = influences.reduce((sum, influence) => sum + influence ** 2, 0);
    return Math.sqrt((squares * rows) / (rows - 1));
  }

  #normalInterval(name: string, confidence: number): ResampledInterval {
    const index = this.#indexOf(name);
    const estimate = this.estimates[index]!;
    if (!Number.isFinite(estimate)) return { interval: null, method: "no interval: the figure is undefined" };
    const deviation = this.standardDeviation(name);
    if (deviation === null) return { interval: null, method: "no interval: it takes resamples" };
    if (deviation === 0) return { interval: null, method: "no interval: no row moves it" };
    const reach = normalDistribution().quantile((1 + confidence) / 2) * deviation;
    const [least, most] = this.#figures.boundsOf(index);
    return {
      interval: { estimate, lower: Math.max(least, estimate - reach), upper: Math.min(most, estimate + reach) },
      method: `normal, infinitesimal jackknife${this.#doubt(name)}`,
    };
  }

  #doubt(name: string): string {
    const carriers = this.carriers(name);
    return carriers < FEW_CARRIERS ? `, resting on about ${rowsText(carriers)}` : "";
  }

  /**
   * On about how many rows a figure rests: (Σ I²)² / Σ I⁴ of their influences. Of a mean of normal values it is a third of the
   * rows; of a difference that few rows make it is these few, and resampling a handful tells nothing. Infinity where nobody
   * knows.
   */
  carriers(name: string): number {
    const influences = this.#figures.influences(this.#indexOf(name), this.#weights);
    if (influences === null) return Number.POSITIVE_INFINITY;
    const most = influences.reduce((largest, one) => Math.max(largest, Math.abs(one)), 0);
    if (most === 0) return 0;
    let [squares, fourths] = [0, 0];
    for (const influence of influences) {
      const squared = (influence / most) ** 2;
      squares += squared;
      fourths += squared ** 2;
    }
    return squares ** 2 / fourths;
  }

  #indexOf(name: string): number {
    const index = this.#figures.names.indexOf(name);
    if (index < 0) throw new RangeError(`"${name}" is no figure of these. This is a bug.`);
    return index;
  }

  /** Its values on resamples, rising. */
  #definedOf(name: string): Float64Array {
    return this.#replicates[this.#indexOf(name)]!.subarray(0, this.#done).filter(Number.isFinite).sort();
  }

  /** What an interval is made of, or why there can be none. */
  #bootstrapped(
    name: string,
  ): (Bootstrapped & { readonly acceleration: number; readonly isAccelerated: boolean }) | string {
    const index = this.#indexOf(name);
    const estimate = this.estimates[index]!;
    if (!Number.isFinite(estimate)) return "the figure is undefined";
    const defined = this.#definedOf(name);
    const missing = 1 - defined.length / this.#done;
    if (missing > MOST_UNDEFINED) return `undefined on ${Math.ceil(100 * missing)} % of the resamples`;
    if (defined[0] === defined.at(-1)) return "the same on every resample";
    const below = shareBelow(defined, estimate);
    if (below < LEAST_SIDE || below > 1 - LEAST_SIDE) {
      return `${Math.floor(100 * Math.max(below, 1 - below))} % of the resamples lie on one side of it`;
    }
    const influences = this.#figures.influences(index, this.#weights);
    return {
      estimate,
      replicates: defined,
      acceleration: influences === null ? 0 : accelerationFrom(influences),
      isAccelerated: influences !== null,
    };
  }
}

/** "1 row", "3 rows" */
export function rowsText(count: number): string {
  const rows = Math.round(count);
  return `${rows} row${rows === 1 ? "" : "s"}`;
}

/** Of rising values, those equal counted half. */
function shareBelow(values: Float64Array, bound: number): number {
  let [below, equal] = [0, 0];
  for (const value of values) {
    if (value < bound) below++;
    else if (value === bound) equal++;
  }
  return (below + equal / 2) / values.length;
}

export interface ResampledInterval {
  readonly interval: Interval | null;
  readonly method: string;
}

/** The influences of rows on the weighted mean of their values, each times its row's weight. */
export function influencesOfMean(values: Float64Array, weights: Float64Array): Float64Array {
  let [sum, all] = [0, 0];
  for (let row = 0; row < values.length; row++) {
    if (weights[row] === 0) continue;
    sum += weights[row]! * values[row]!;
    all += weights[row]!;
  }
  return values.map((value, row) => (weights[row] === 0 ? 0 : (weights[row]! * (value - sum / all)) / all));
}

/** Which of three a paired figure is: of either model, or the second less the first. */
export type PairedPart = "first" | "second" | "difference";

export function pairedName(part: PairedPart, name: string): string {
  return `${part}/${name}`;
}

/** The figures of two models on the same rows and resamples, and how much more the second has of each; see `pairedName`. */
export function pairedFigures(first: WeightedFigures, second: WeightedFigures): WeightedFigures {
  const [count, other] = [first.names.length, second.names.length];
  if (first.names.some((name, index) => name !== second.names[index]) || count !== other) {
    throw new RangeError(`There are ${count} figures of one model and ${other} of the other. This is a bug.`);
  }
  const names = (["first", "second", "difference"] as const).flatMap((part) =>
    first.names.map((name) => pairedName(part, name)),
  );
  return {
    names,
    visits: first.visits + second.visits,
    evaluate: (weights, into) => {
      first.evaluate(weights, into.subarray(0, count));
      second.evaluate(weights, into.subarray(count, 2 * count));
      for (let index = 0; index < count; index++) into[2 * count + index] = into[count + index]! - into[index]!;
    },
    influences: (index, weights) => {
      const own = index % count;
      if (index < count) return first.influences(own, weights);
      const b = second.influences(own, weights);
      if (index < 2 * count) return b;
      const a = first.influences(own, weights);
      return a === null || b === null ? null : b.map((influence, row) => influence - a[row]!);
    },
    boundsOf: (index) => {
      const [least, most] = first.boundsOf(index % count);
      return index < 2 * count ? [least, most] : [least - most, most - least];
    },
  };
}
