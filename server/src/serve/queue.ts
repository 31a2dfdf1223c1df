// The order in which admitted requests wait for a runner: by priority, earliest deadline first within one, and none
// starves. Bounded in requests and bytes; every operation is O(log n).
//
// Ageing without moving anything: time is counted in intervals of `agingMs`, and a request's turn is its priority plus
// the interval it arrived in. One interval of waiting therefore weighs as much as one priority, and since everybody ages
// alike, the order of two requests never changes while they wait. A request of priority p can only be overtaken by
// requests that arrive within p intervals of it; that, times what the queue may hold, bounds every wait.
import { assert } from "@slipway/core/base";
import { type HeapOrder, IndexedHeap } from "./heap.ts";

export interface QueueLimits {
  readonly maxRequests: number;
  readonly maxBytes: number;
  /** Priorities are 1 (first) to this number. */
  readonly priorityLevels: number;
  /** Waiting this long weighs as much as one priority. */
  readonly agingMs: number;
}

/** A request that can wait. The queue writes `turn`, `order` and `queuePosition`; start them at 0, 0 and -1. */
export interface Waiting {
  /** 1 (first) to `priorityLevels`. */
  readonly priority: number;
  readonly deadline: number;
  readonly sizeBytes: number;
  turn: number;
  order: number;
  queuePosition: number;
}

const BY_TURN: HeapOrder<Waiting> = {
  isBefore: (a, b) =>
    a.turn < b.turn ||
    (a.turn === b.turn && (a.deadline < b.deadline || (a.deadline === b.deadline && a.order < b.order))),
  positionOf: (item) => item.queuePosition,
  place: (item, position) => {
    item.queuePosition = position;
  },
};

export class RequestQueue<T extends Waiting> {
  readonly limits: QueueLimits;
  readonly #heap = new IndexedHeap<T>(BY_TURN);
  #sizeBytes = 0;
  #order = 0;
  /** How many wait at each of the latest turns, in a ring; an entry counts only for the turn written beside it. */
  readonly #atTurn: Float64Array;
  readonly #turnOf: Float64Array;

  constructor(limits: QueueLimits) {
    this.limits = limits;
    this.#atTurn = new Float64Array(limits.priorityLevels + 1);
    this.#turnOf = new Float64Array(limits.priorityLevels + 1).fill(-1);
  }

  /** Requests that wait. */
  get size(): number {
    return this.#heap.size;
  }

  /** Bytes of the inputs that wait. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Whether a request of `sizeBytes` may still wait. */
  hasRoom(sizeBytes: number): boolean {
    return this.size < this.limits.maxRequests && this.#sizeBytes + sizeBytes <= this.limits.maxBytes;
  }

  /** Adds a request for which there is room. */
  push(item: T, now: number): void {
    assert(this.hasRoom(item.sizeBytes), "A request was queued without room for it.");
    item.turn = this.#turn(item.priority, now);
    item.order = this.#order++;
    this.#heap.push(item);
    this.#sizeBytes += item.sizeBytes;
    const slot = item.turn % this.#atTurn.length;
    if (this.#turnOf[slot] !== item.turn) {
      this.#turnOf[slot] = item.turn;
      this.#atTurn[slot] = 0;
    }
    this.#atTurn[slot]!++;
  }

  /** The request whose turn it is. */
  peek(): T | undefined {
    return this.#heap.peek();
  }

  /** Takes the request whose turn it is. */
  pop(): T | undefined {
    const item = this.#heap.pop();
    if (item !== undefined) this.#left(item);
    return item;
  }

  /** Takes a request out wherever it stands; answers false when it was not waiting. */
  remove(item: T): boolean {
    if (!this.#heap.remove(item)) return false;
    this.#left(item);
    return true;
  }

  /** How many of those waiting would go before a request that came now. Some of its own turn may yet let it pass. */
  ahead(priority: number, now: number): number {
    const latest = this.#turn(this.limits.priorityLevels, now);
    let behind = 0;
    for (let turn = this.#turn(priority, now) + 1; turn <= latest; turn++) {
      const slot = turn % this.#atTurn.length;
      if (this.#turnOf[slot] === turn) behind += this.#atTurn[slot]!;
    }
    return this.size - behind;
  }

  #turn(priority: number, now: number): number {
    return priority + Math.floor(now / this.limits.agingMs);
  }

  #left(item: T): void {
    this.#sizeBytes -= item.sizeBytes;
    const slot = item.turn % this.#atTurn.length;
    if (this.#turnOf[slot] === item.turn) this.#atTurn[slot]!--;
  }
}
