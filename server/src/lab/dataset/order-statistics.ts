// Exact order statistics of numbers that come as a stream which can be read again, in memory that does not grow with them:
// each pass narrows down the bits of what is looked for until few enough values are left to be kept.
// Source: Munro, Paterson, "Selection and sorting with limited storage", Theoretical Computer Science 12 (1980).
import { assert } from "@slipway/core/base";

/** Values kept at most; above that they are counted by their leading bits. */
const KEPT = 16_384;
const BITS = 12;
const BINS = 2 ** BITS;
const LEVELS = 6; // of 12 bits each, the last of 4
const bits = new Float64Array(1);
const words = new Uint32Array(bits.buffer);

/** One stretch of values: those that begin with the digits of a prefix. */
interface Stretch {
  readonly prefix: readonly number[];
  /** Values below the stretch. */
  readonly below: number;
  /** Places looked for, among all values, from 0. */
  readonly places: readonly number[];
  kept: number[] | null;
  counts: Float64Array | null;
}

/** Finds the values at some places of the sorted order. Feed it all values, again and again until `endPass` says it is done. */
export class OrderStatistics {
  readonly #found = new Map<number, { readonly value: number; readonly below: number }>();
  #open: Stretch[];
  #isCounting = false;

  /** @param places from 0, each below the number of values */
  constructor(places: readonly number[]) {
    this.#open = places.length === 0 ? [] : [{ prefix: [], below: 0, places, kept: [], counts: null }];
  }

  get isDone(): boolean {
    return this.#open.length === 0;
  }

  /** @param value any number but NaN */
  push(value: number): void {
    for (const stretch of this.#open) {
      if (!this.#isIn(stretch, value)) continue;
      if (stretch.kept !== null) {
        stretch.kept.push(value);
        if (stretch.kept.length > KEPT) count(stretch);
      } else stretch.counts![digit(value, stretch.prefix.length)]! += 1;
    }
  }

  /** Ends a pass over all values. */
  endPass(): void {
    const next: Stretch[] = [];
    for (const { prefix, below, places, kept, counts } of this.#open) {
      if (kept !== null) {
        const sorted = Float64Array.from(kept).sort();
        for (const place of places) {
          const value = sorted[place - below];
          assert(value !== undefined, `Place ${place} is beyond the ${sorted.length + below} values.`);
          this.#found.set(place, { value, below: below + firstOf(sorted, value) });
        }
        continue;
      }
      let start = below;
      for (let bin = 0; bin < BINS; bin++) {
        const end = start + counts![bin]!;
        const inside = places.filter((place) => place >= start && place < end);
        if (inside.length > 0) next.push(this.#narrowed([...prefix, bin], start, end - start, inside));
        start = end;
      }
    }
    this.#open = next.filter((stretch) => {
      if (stretch.prefix.length < LEVELS) return true;
      // All bits are known: every value of the stretch is the same.
      for (const place of stretch.places) {
        this.#found.set(place, { value: numberFrom(stretch.prefix), below: stretch.below });
      }
      return false;
    });
    this.#isCounting = true;
  }

  #narrowed(prefix: readonly number[], below: number, size: number, places: readonly number[]): Stretch {
    const fits = size <= KEPT;
    return { prefix, below, places, kept: fits ? [] : null, counts: fits ? null : new Float64Array(BINS) };
  }

  #isIn({ prefix }: Stretch, value: number): boolean {
    if (!this.#isCounting) return true;
    for (let level = 0; level < prefix.length; level++) if (digit(value, level) !== prefix[level]) return false;
    return true;
  }

  /** The value at a place, once done, and how many values are below it. */
  at(place: number): { readonly value: number; readonly below: number } {
    const found = this.#found.get(place);
    assert(found !== undefined, `The value at place ${place} was not looked for.`);
    return found;
  }
}

/** The first place of a value among sorted ones. */
function firstOf(sorted: Float64Array, value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function count(stretch: Stretch): void {
  stretch.counts = new Float64Array(BINS);
  for (const value of stretch.kept!) stretch.counts[digit(value, stretch.prefix.length)]! += 1;
  stretch.kept = null;
}

/** Twelve bits of a number, most significant first, of bits that order as the numbers do. */
function digit(value: number, level: number): number {
  bits[0] = value === 0 ? 0 : value; // -0 is 0
  const flip = words[1]! >>> 31 === 1 ? 0xffffffff : 0;
  const high = (words[1]! ^ (flip | 0x80000000)) >>> 0;
  const low = (words[0]! ^ flip) >>> 0;
  switch (level) {
    case 0:
      return high >>> 20;
    case 1:
      return (high >>> 8) & 0xfff;
    case 2:
      return ((high & 0xff) << 4) | (low >>> 28);
    case 3:
      return (low >>> 16) & 0xfff;
    case 4:
      return (low >>> 4) & 0xfff;
    default:
      return low & 0xf;
  }
}

function numberFrom(digits: readonly number[]): number {
  const [a, b, c, d, e, f] = digits as readonly [number, number, number, number, number, number];
  const high = ((a << 20) | (b << 8) | (c >>> 4)) >>> 0;
  const low = (((c & 0xf) << 28) | (d << 16) | (e << 4) | f) >>> 0;
  const flip = high >>> 31 === 1 ? 0 : 0xffffffff;
  words[1] = (high ^ (flip | 0x80000000)) >>> 0;
  words[0] = (low ^ flip) >>> 0;
  return bits[0]!;
}
