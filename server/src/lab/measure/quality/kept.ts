// Numbers of all rows, kept while batches come in: what ranking metrics and medians can't do without.

type Numbers = Int32Array | Float32Array | Float64Array;

/** More values than this are not kept in one list: 2^27 are 1 GiB in double precision. */
export const MAX_KEPT_VALUES = 2 ** 27;

/** A list of numbers that grows by doubling, up to a limit. */
export class KeptValues<T extends Numbers> {
  readonly #most: number;
  #values: T;
  #length = 0;

  /** @param empty an array of the type to keep */
  constructor(empty: T, most = MAX_KEPT_VALUES) {
    this.#values = empty;
    this.#most = most;
  }

  get length(): number {
    return this.#length;
  }

  /** The values so far; valid until the next `add`. */
  get values(): T {
    return this.#values.subarray(0, this.#length) as T;
  }

  /** Whether `count` more may be added. */
  hasRoom(count: number): boolean {
    return this.#length + count <= this.#most;
  }

  /** Adds values for which there is room. */
  add(values: ArrayLike<number>): void {
    const needed = this.#length + values.length;
    if (!this.hasRoom(values.length)) throw new RangeError(`${needed} values are more than the ${this.#most} kept.`);
    if (needed > this.#values.length) {
      const grown = new (this.#values.constructor as new (length: number) => T)(
        Math.min(this.#most, Math.max(needed, 2 * this.#values.length, 1024)),
      );
      grown.set(this.values);
      this.#values = grown;
    }
    this.#values.set(values, this.#length);
    this.#length = needed;
  }
}
