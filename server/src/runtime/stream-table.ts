// What is in flight, by the number of its stream. A Map would do, if it were not for V8: a Map that outgrows its table, or has
// deleted much of it, gets a new one, to which the old one points for the sake of iterators. Under load, one such table in the
// old generation is enough: dead as it is, it keeps the next one alive when the young generation is collected, which is moved to
// the old one with all requests in it, and so on from table to table. Nothing here is ever replaced by what it points to.

const LEAST_SLOTS = 64;

function emptySlots<T>(count: number): (T | undefined)[] {
  return Array.from<T | undefined>({ length: count });
}

/** Values by whole numbers of 32 bits, given in order for the most part. */
export class StreamTable<T> {
  /** A power of two; at most half are taken. Linear probing: a stream is at its number's slot or behind it, without a gap. */
  #streams = new Uint32Array(LEAST_SLOTS);
  #values: (T | undefined)[] = emptySlots<T>(LEAST_SLOTS);
  #newest = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(stream: number): T | undefined {
    return this.#values[this.#find(stream)];
  }

  set(stream: number, value: T): void {
    if (2 * (this.#size + 1) > this.#streams.length) this.#grow();
    const at = this.#find(stream);
    if (this.#values[at] === undefined) this.#size++;
    this.#streams[at] = stream;
    this.#values[at] = value;
    this.#newest = stream;
  }

  /** Answers whether it was there. */
  delete(stream: number): boolean {
    const values = this.#values;
    const mask = this.#streams.length - 1;
    let gap = this.#find(stream);
    if (values[gap] === undefined) return false;
    this.#size--;
    // Those behind it move up, unless they would come before their own slot.
    for (let at = (gap + 1) & mask; values[at] !== undefined; at = (at + 1) & mask) {
      const home = this.#streams[at]! & mask;
      if (((at - home) & mask) < ((at - gap) & mask)) continue;
      this.#streams[gap] = this.#streams[at]!;
      values[gap] = values[at];
      gap = at;
    }
    values[gap] = undefined;
    return true;
  }

  clear(): void {
    this.#values.fill(undefined);
    this.#size = 0;
  }

  /** Those there are now, oldest stream first. */
  values(): T[] {
    const age = (at: number): number => (this.#newest - this.#streams[at]!) >>> 0;
    const taken = [...this.#values.keys()].filter((at) => this.#values[at] !== undefined);
    return taken.sort((a, b) => age(b) - age(a)).map((at) => this.#values[at]!);
  }

  /** Where the stream is, or the free slot where it would be. */
  #find(stream: number): number {
    const mask = this.#streams.length - 1;
    let at = stream & mask;
    while (this.#values[at] !== undefined && this.#streams[at] !== stream) at = (at + 1) & mask;
    return at;
  }

  #grow(): void {
    const [streams, values] = [this.#streams, this.#values];
    this.#streams = new Uint32Array(2 * streams.length);
    this.#values = emptySlots(2 * streams.length);
    for (const [from, value] of values.entries()) {
      if (value === undefined) continue;
      const at = this.#find(streams[from]!);
      this.#streams[at] = streams[from]!;
      this.#values[at] = value;
    }
  }
}
