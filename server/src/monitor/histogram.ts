// Latency histograms that cost a few nanoseconds an observation, merge by addition, and answer percentiles within 6 %.
// Buckets are log-linear in microseconds: eight to an octave, as in HdrHistogram (Tene 2012) with three bits of precision.

const SUB_BITS = 3;
const SUB = 1 << SUB_BITS;
/** Up to 2^32 microseconds, 71 minutes; longer ones count in the last bucket. */
const BUCKETS = (33 - SUB_BITS) * SUB;

/** The bucket of a duration in whole microseconds. */
function bucketOf(us: number): number {
  const value = us >>> 0;
  if (value < SUB) return value;
  const octave = 31 - Math.clz32(value);
  return Math.min(BUCKETS - 1, ((octave - SUB_BITS + 1) << SUB_BITS) + ((value >>> (octave - SUB_BITS)) & (SUB - 1)));
}

/** The smallest duration, in microseconds, above every one that bucket `index` counts. */
function upperBoundUs(index: number): number {
  const next = index + 1;
  if (next <= SUB) return next;
  const octave = (next >>> SUB_BITS) - 1 + SUB_BITS;
  return (SUB + (next & (SUB - 1))) * 2 ** (octave - SUB_BITS);
}

export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

export class Histogram {
  readonly counts = new Float64Array(BUCKETS);
  count = 0;
  /** Sum of all durations, in milliseconds. */
  sumMs = 0;

  /** Counts one duration in milliseconds; a negative one (a clock's rounding) counts as none. */
  observe(durationMs: number): void {
    const ms = Math.max(0, durationMs);
    const index = bucketOf(Math.min(ms * 1000, 0xffff_ffff));
    this.counts[index] = this.counts[index]! + 1;
    this.count++;
    this.sumMs += ms;
  }

  /** What was counted since `earlier`, a copy taken before. */
  since(earlier: Histogram): Histogram {
    const difference = new Histogram();
    for (let i = 0; i < BUCKETS; i++) difference.counts[i] = this.counts[i]! - earlier.counts[i]!;
    difference.count = this.count - earlier.count;
    difference.sumMs = this.sumMs - earlier.sumMs;
    return difference;
  }

  copy(): Histogram {
    const copy = new Histogram();
    copy.counts.set(this.counts);
    copy.count = this.count;
    copy.sumMs = this.sumMs;
    return copy;
  }

  /**
   * The duration in milliseconds that a fraction of all observations did not exceed: the middle of its bucket, at most
   * 6 % off. Null without observations.
   */
  quantile(fraction: number): number | null {
    if (this.count === 0) return null;
    const rank = Math.max(1, Math.ceil(fraction * this.count));
    let seen = 0;
    for (let i = 0; i < BUCKETS; i++) {
      seen += this.counts[i]!;
      if (seen >= rank) return (upperBoundUs(i - 1) + upperBoundUs(i)) / 2000;
    }
    return upperBoundUs(BUCKETS - 1) / 1000;
  }

  percentiles(): Percentiles | null {
    if (this.count === 0) return null;
    return { p50: this.quantile(0.5)!, p90: this.quantile(0.9)!, p99: this.quantile(0.99)!, max: this.quantile(1)! };
  }

  /** Observations below each bound; bounds are powers of two in microseconds, which bucket edges are, so this is exact. */
  cumulative(exponents: readonly number[]): number[] {
    const answer: number[] = [];
    let index = 0;
    let seen = 0;
    for (const exponent of exponents) {
      const boundUs = 2 ** exponent;
      while (index < BUCKETS && upperBoundUs(index) <= boundUs) seen += this.counts[index++]!;
      answer.push(seen);
    }
    return answer;
  }
}
