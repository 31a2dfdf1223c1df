// Watches the deadlines of everything that was admitted, with one timer. The timer is left alone when a request ends:
// if it was for that one, it looks for the next when it rings. So a request costs no timer of its own.
import type { CancelTimer, Clock } from "@slipway/core/base";
import { type HeapOrder, IndexedHeap } from "./heap.ts";

/** What can expire. The watch writes `watchPosition`; start it at -1. */
export interface Expiring {
  readonly deadline: number;
  watchPosition: number;
}

const BY_DEADLINE: HeapOrder<Expiring> = {
  isBefore: (a, b) => a.deadline < b.deadline,
  positionOf: (item) => item.watchPosition,
  place: (item, position) => {
    item.watchPosition = position;
  },
};

/** Timers can't be set further ahead than about 24 days; one that rings early only looks again. */
const LONGEST_TIMER_MS = 2 ** 30;

export class DeadlineWatch<T extends Expiring> {
  readonly #clock: Clock;
  readonly #expire: (expired: T[], now: number) => void;
  readonly #heap = new IndexedHeap<T>(BY_DEADLINE);
  #ringsAt = Number.POSITIVE_INFINITY;
  #cancelTimer: CancelTimer | null = null;

  /** @param expire called with those whose deadline passed, earliest first; they are no longer watched */
  constructor(clock: Clock, expire: (expired: T[], now: number) => void) {
    this.#clock = clock;
    this.#expire = expire;
  }

  add(item: T, now: number): void {
    this.#heap.push(item);
    if (item.deadline < this.#ringsAt) this.#set(item.deadline, now);
  }

  remove(item: T): void {
    this.#heap.remove(item);
  }

  /** Lets go of everything, and answers what was still watched, earliest deadline first. */
  stop(): T[] {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#ringsAt = Number.POSITIVE_INFINITY;
    const watched: T[] = [];
    for (let next = this.#heap.pop(); next !== undefined; next = this.#heap.pop()) watched.push(next);
    return watched;
  }

  #set(deadline: number, now: number): void {
    this.#cancelTimer?.();
    const delayMs = Math.min(LONGEST_TIMER_MS, Math.max(0, deadline - now));
    this.#ringsAt = now + delayMs;
    this.#cancelTimer = this.#clock.after(delayMs, this.#ring);
  }

  readonly #ring = (): void => {
    const now = this.#clock.now();
    this.#cancelTimer = null;
    this.#ringsAt = Number.POSITIVE_INFINITY;
    const expired: T[] = [];
    for (let next = this.#heap.peek(); next !== undefined; next = this.#heap.peek()) {
      if (next.deadline > now) {
        this.#set(next.deadline, now);
        break;
      }
      this.#heap.pop();
      expired.push(next);
    }
    if (expired.length > 0) this.#expire(expired, now);
  };
}
