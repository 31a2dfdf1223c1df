// Passing on what changes often: the first at once, then the newest, at most one in each stretch of time.
import type { CancelTimer, Clock } from "@slipway/core/base";

export class LatestOnly<Value> {
  readonly #clock: Pick<Clock, "now" | "after">;
  readonly #intervalMs: number;
  readonly #pass: (value: Value) => void;
  #passedAt = Number.NEGATIVE_INFINITY;
  #waiting: { readonly value: Value } | null = null;
  #cancelTimer: CancelTimer | null = null;

  constructor(clock: Pick<Clock, "now" | "after">, intervalMs: number, pass: (value: Value) => void) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#pass = pass;
  }

  /** Looks at the clock itself, so that work which never lets timers run is heard too. */
  set(value: Value): void {
    this.#waiting = { value };
    const waitMs = this.#passedAt + this.#intervalMs - this.#clock.now();
    if (waitMs <= 0) this.flush();
    else this.#cancelTimer ??= this.#clock.after(waitMs, () => this.flush());
  }

  /** Passes on what waits. */
  flush(): void {
    const waiting = this.#waiting;
    this.close();
    if (waiting === null) return;
    this.#passedAt = this.#clock.now();
    this.#pass(waiting.value);
  }

  /** Forgets what waits. */
  close(): void {
    this.#waiting = null;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }
}
