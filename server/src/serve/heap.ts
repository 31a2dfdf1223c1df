// A binary heap whose items know where they are, so that any of them can be taken out in O(log n): the order of a queue
// and of deadlines, where clients leave from the middle.

/** The order of a heap, and where in its items a heap may note their position. */
export interface HeapOrder<T> {
  isBefore(a: T, b: T): boolean;
  /** The position `place` noted last; negative for an item that is in no heap. */
  positionOf(item: T): number;
  place(item: T, position: number): void;
}

export class IndexedHeap<T> {
  readonly #order: HeapOrder<T>;
  readonly #items: T[] = [];

  constructor(order: HeapOrder<T>) {
    this.#order = order;
  }

  get size(): number {
    return this.#items.length;
  }

  /** The item before all others. */
  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    this.#items.push(item);
    this.#rise(item, this.#items.length - 1);
  }

  pop(): T | undefined {
    const first = this.#items[0];
    if (first !== undefined) this.#removeAt(first, 0);
    return first;
  }

  /** Takes an item out; answers false when it was not in. */
  remove(item: T): boolean {
    const position = this.#order.positionOf(item);
    if (position < 0) return false;
    this.#removeAt(item, position);
    return true;
  }

  #removeAt(item: T, position: number): void {
    const items = this.#items;
    const last = items.pop()!;
    this.#order.place(item, -1);
    if (position === items.length) return;
    if (position > 0 && this.#order.isBefore(last, items[(position - 1) >> 1]!)) this.#rise(last, position);
    else this.#sink(last, position);
  }

  #rise(item: T, from: number): void {
    const items = this.#items;
    const order = this.#order;
    let position = from;
    while (position > 0) {
      const parent = (position - 1) >> 1;
      const above = items[parent]!;
      if (!order.isBefore(item, above)) break;
      items[position] = above;
      order.place(above, position);
      position = parent;
    }
    items[position] = item;
    order.place(item, position);
  }

  #sink(item: T, from: number): void {
    const items = this.#items;
    const order = this.#order;
    const { length } = items;
    let position = from;
    for (;;) {
      let child = 2 * position + 1;
      if (child >= length) break;
      if (child + 1 < length && order.isBefore(items[child + 1]!, items[child]!)) child++;
      const below = items[child]!;
      if (!order.isBefore(below, item)) break;
      items[position] = below;
      order.place(below, position);
      position = child;
    }
    items[position] = item;
    order.place(item, position);
  }
}
