// Time as an argument. Code below the composition root never reads a clock of its own, so simulations can drive it.

/** Cancels a timer; calling it again, or after the timer ran, does nothing. */
export type CancelTimer = () => void;

export interface Clock {
  /** Monotonic milliseconds, with fractions; only differences mean something. */
  now(): number;
  /** Milliseconds since the Unix epoch. */
  wall(): number;
  /** Runs `task` once, `delayMs` from now. */
  after(delayMs: number, task: () => void): CancelTimer;
  /** Runs `task` once what is already waiting in this turn of the event loop was handled. */
  soon(task: () => void): void;
}

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly task: () => void;
}

/** A clock for simulations: time moves only when told to, and tasks run in a fixed order. */
export class FakeClock implements Clock {
  #now = 0;
  #order = 0;
  readonly #epoch: number;
  readonly #timers: Timer[] = []; // a binary heap on (at, order)

  constructor(epochMs = Date.UTC(2026, 0, 1)) {
    this.#epoch = epochMs;
  }

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#epoch + this.#now;
  }

  after(delayMs: number, task: () => void): CancelTimer {
    let live = true;
    this.#push({ at: this.#now + Math.max(0, delayMs), order: this.#order++, task: () => live && task() });
    return () => {
      live = false;
    };
  }

  soon(task: () => void): void {
    this.after(0, task);
  }

  /** Runs the next task, moving time to it. Answers false when none is left. */
  step(): boolean {
    const timer = this.#pop();
    if (timer === undefined) return false;
    this.#now = timer.at;
    timer.task();
    return true;
  }

  /** Moves time on by `durationMs`, running every task on the way. */
  advance(durationMs: number): void {
    const end = this.#now + durationMs;
    while (this.#timers[0] !== undefined && this.#timers[0].at <= end) this.step();
    this.#now = end;
  }

  /** As `advance`, giving promises a chance to settle after every task. */
  async advanceAsync(durationMs: number): Promise<void> {
    const end = this.#now + durationMs;
    await settle();
    while (this.#timers[0] !== undefined && this.#timers[0].at <= end) {
      this.step();
      await settle();
    }
    this.#now = end;
  }

  #push(timer: Timer): void {
    const heap = this.#timers;
    let index = heap.push(timer) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(timer, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = timer;
  }

  #pop(): Timer | undefined {
    const heap = this.#timers;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

async function settle(): Promise<void> {
  for (let i = 0; i < 16; i++) await Promise.resolve();
}
