// The seeded generator: xoshiro128**, whose 32-bit arithmetic is what JavaScript does fast, and the same everywhere.

/** A source of random bits. What it yields depends on its seed alone. */
export interface Random {
  /** The next 32 random bits, as a whole number from 0 to 2^32 − 1. */
  bits(): number;
}

/** A `Random` that can be split into streams that do not overlap. */
export interface SplittableRandom extends Random {
  /**
   * A generator that goes on from here, while this one jumps 2^64 steps ahead: for parts of a simulation whose numbers
   * shall not depend on how many others drew.
   */
  split(): SplittableRandom;
}

/** Equals 2^64 calls (Blackman and Vigna's `jump`). */
const JUMP = [0x8764000b, 0xf542d2d3, 0x6fa035c3, 0x77f2db5b] as const;

type State = readonly [number, number, number, number];

class Xoshiro128 implements SplittableRandom {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor([a, b, c, d]: State) {
    this.#a = a | 0;
    this.#b = b | 0;
    this.#c = c | 0;
    this.#d = d | 0;
  }

  bits(): number {
    const result = Math.imul(rotated(Math.imul(this.#b, 5), 7), 9);
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = rotated(this.#d, 11);
    return result >>> 0;
  }

  split(): SplittableRandom {
    const rest = new Xoshiro128([this.#a, this.#b, this.#c, this.#d]);
    let [a, b, c, d] = [0, 0, 0, 0];
    for (const word of JUMP) {
      for (let bit = 0; bit < 32; bit++) {
        if (word & (1 << bit)) {
          a ^= this.#a;
          b ^= this.#b;
          c ^= this.#c;
          d ^= this.#d;
        }
        this.bits();
      }
    }
    [this.#a, this.#b, this.#c, this.#d] = [a, b, c, d];
    return rest;
  }
}

const rotated = (value: number, by: number): number => (value << by) | (value >>> (32 - by));

/**
 * A generator with this seed. Its state is filled by SplitMix64, so that near seeds give unrelated streams.
 *
 * Source: D. Blackman, S. Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47 (2021), xoshiro128** 1.1;
 * G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014. Not for secrets.
 * @param seed a whole number, taken modulo 2^64
 * @throws RangeError for a number that is not whole, or too large to be exact
 */
export function createRandom(seed: number | bigint): SplittableRandom {
  if (typeof seed === "number" && !Number.isSafeInteger(seed)) {
    throw new RangeError(`The seed is ${seed}; give a whole number of at most 2^53 − 1, or a bigint.`);
  }
  const next = splitMix64(BigInt(seed));
  const [first, second] = [next(), next()];
  return randomFromState([low(first), high(first), low(second), high(second)]);
}

/**
 * A generator in this state, four words of 32 bits: to go on as another implementation did.
 * @throws RangeError when all are 0, from where the generator could not move
 */
export function randomFromState(state: State): SplittableRandom {
  if (state.every((word) => (word | 0) === 0)) {
    throw new RangeError("The state of a generator is all 0; give at least one word that is not.");
  }
  return new Xoshiro128(state);
}

const low = (value: bigint): number => Number(value & 0xffffffffn);
const high = (value: bigint): number => Number(value >> 32n);

/** The 64-bit generator that fills seeds (Vigna's public-domain `splitmix64.c`). */
export function splitMix64(seed: bigint): () => bigint {
  const mask = (1n << 64n) - 1n;
  let state = seed & mask;
  return () => {
    state = (state + 0x9e3779b97f4a7c15n) & mask;
    let mixed = state;
    mixed = ((mixed ^ (mixed >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
    mixed = ((mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn) & mask;
    return mixed ^ (mixed >> 31n);
  };
}
