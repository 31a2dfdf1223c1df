// Latencies of a load test, counted in log-linear buckets: 128 to an octave, as in HdrHistogram (Tene 2012) with seven
// bits of precision. A percentile is the middle of its bucket and so at most 0.4 % off; the maximum is exact.

const SUB_BITS = 7;
const SUB = 1 << SUB_BITS;
/** A bucket's unit is 100 ns, so that 32 bits reach 429 s; longer ones count in the last bucket. */
const UNITS_PER_MS = 10_000;
const BUCKETS = (33 - SUB_BITS) * SUB;

/** How far a percentile may be from the true one, as a fraction of it. */
export const PERCENTILE_ERROR = 1 / (2 * SUB);

export interface LatencySummary {
  readonly count: number;
  readonly meanMs: number;
  readonly minMs: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

/** Observations between two latencies. */
export interface LatencyBand {
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
}

export class Latencies {
  readonly #counts = new Float64Array(BUCKETS);
  #count = 0;
  #sumMs = 0;
  #minMs = Number.POSITIVE_INFINITY;
  #maxMs = 0;

  get count(): number {
    return this.#count;
  }

  /** Counts one latency in milliseconds; a negative one (a clock's rounding) counts as none. */
  observe(latencyMs: number): void {
    const ms = Math.max(0, latencyMs);
    const index = bucketOf(Math.min(ms * UNITS_PER_MS, 0xffff_ffff));
    this.#counts[index] = this.#counts[index]! + 1;
    this.#count++;
    this.#sumMs += ms;
    if (ms < this.#minMs) this.#minMs = ms;
    if (ms > this.#maxMs) this.#maxMs = ms;
  }

  /** The latency in milliseconds that a fraction of all did not exceed; null without observations. */
  quantile(fraction: number): number | null {
    if (this.#count === 0) return null;
    const rank = Math.max(1, Math.ceil(fraction * this.#count));
    if (rank >= this.#count) return this.#maxMs;
    let seen = 0;
    for (let index = 0; index < BUCKETS; index++) {
      seen += this.#counts[index]!;
      if (seen >= rank) return clamp((lowerMs(index) + lowerMs(index + 1)) / 2, this.#minMs, this.#maxMs);
    }
    return this.#maxMs;
  }

  summary(): LatencySummary | null {
    if (this.#count === 0) return null;
    return {
      count: this.#count,
      meanMs: this.#sumMs / this.#count,
      minMs: this.#minMs,
      p50Ms: this.quantile(0.5)!,
      p90Ms: this.quantile(0.9)!,
      p95Ms: this.quantile(0.95)!,
      p99Ms: this.quantile(0.99)!,
      p999Ms: this.quantile(0.999)!,
      maxMs: this.#maxMs,
    };
  }

  /** The distribution over `count` bands of equal ratio from the shortest to the longest; empty without observations. */
  bands(count: number): LatencyBand[] {
    if (this.#count === 0) return [];
    const first = bucketOf(this.#minMs * UNITS_PER_MS);
    const last = bucketOf(Math.min(this.#maxMs * UNITS_PER_MS, 0xffff_ffff));
    // Bands end at edges of buckets, so that no observation is split. The first buckets are as wide as they are far
    // from nothing; a ratio of one unit keeps the scale finite.
    const low = Math.max(lowerMs(first), 1 / UNITS_PER_MS);
    const ratio = (lowerMs(last + 1) / low) ** (1 / count);
    const bands: LatencyBand[] = [];
    let index = first;
    for (let band = 1; band <= count && index <= last; band++) {
      const edge = band === count ? Number.POSITIVE_INFINITY : low * ratio ** band;
      const from = index;
      let seen = 0;
      while (index <= last && (lowerMs(index + 1) <= edge * (1 + 1e-12) || index === from))
        seen += this.#counts[index++]!;
      bands.push({ fromMs: lowerMs(from), toMs: lowerMs(index), count: seen });
    }
    return bands;
  }
}

function bucketOf(units: number): number {
  const value = units >>> 0;
  if (value < SUB) return value;
  const octave = 31 - Math.clz32(value);
  return ((octave - SUB_BITS + 1) << SUB_BITS) + ((value >>> (octave - SUB_BITS)) & (SUB - 1));
}

/** The shortest latency, in milliseconds, that bucket `index` counts. */
function lowerMs(index: number): number {
  if (index < SUB) return index / UNITS_PER_MS;
  const octave = (index >>> SUB_BITS) - 1 + SUB_BITS;
  return ((SUB + (index & (SUB - 1))) * 2 ** (octave - SUB_BITS)) / UNITS_PER_MS;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
