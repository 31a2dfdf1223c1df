// Chance from a seed, fast enough to be asked a hundred times for each of ten million inputs.

export class Random {
  #state: number;

  constructor(seed: number) {
    // Neighbouring seeds must not begin alike, which xorshift alone would let them.
    this.#state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) | 1;
    for (let turn = 0; turn < 8; turn++) this.#next();
  }

  /** A whole number from 0 up to, not including, `limit`. */
  below(limit: number): number {
    return Math.floor(((this.#next() >>> 0) / 2 ** 32) * limit);
  }

  /** Whether one of `sides` came up. */
  oneIn(sides: number): boolean {
    return this.below(sides) === 0;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** Marsaglia's xorshift32. */
  #next(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return state;
  }
}
