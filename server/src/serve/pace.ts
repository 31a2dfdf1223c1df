// How fast a deployment works off its queue, as measured: the source of Retry-After, and of refusing at the door what
// could not be answered in time anyway, which is what keeps goodput up under overload.

/** Dispatches from the queue that weigh fully in the measured pace; older ones fade by halves. */
const WINDOW_DISPATCHES = 64;
/** Fewer than this say nothing yet. */
const LEAST_DISPATCHES = 8;
/** How much the latest answer weighs in the service time, and how far above its mean most runs are taken to stay. */
const SERVICE_WEIGHT = 1 / 16;
const SERVICE_DEVIATIONS = 2;
/** What to tell a refused client while nothing was measured, and the most it is told. */
const UNKNOWN_RETRY_MS = 1000;
const MAX_RETRY_MS = 60_000;

export class Pace {
  /** Time the queue was not empty, and the dispatches from it in that time. */
  #busyMs = 0;
  #dispatches = 0;
  /** Since when the queue is not empty and not yet counted in `busyMs`; null while it is empty. */
  #busySince: number | null = null;
  /** Mean time from dispatch to answer, and the mean distance from it; null before the first answer. */
  #meanMs: number | null = null;
  #deviationMs = 0;

  /** The time from dispatch to answer that most runs stay under; 0 while nothing is known. */
  get serviceMs(): number {
    return this.#meanMs === null ? 0 : this.#meanMs + SERVICE_DEVIATIONS * this.#deviationMs;
  }

  /** The queue began to fill. */
  began(now: number): void {
    this.#busySince ??= now;
  }

  /** The queue ran empty. */
  rested(now: number): void {
    this.#count(now);
    this.#busySince = null;
  }

  /** A request left the queue for a runner. */
  dispatched(now: number): void {
    this.#count(now);
    if (++this.#dispatches < 2 * WINDOW_DISPATCHES) return;
    this.#dispatches /= 2;
    this.#busyMs /= 2;
  }

  /** A run was answered, this long after its dispatch. */
  answered(serviceMs: number): void {
    this.#meanMs ??= serviceMs;
    const difference = serviceMs - this.#meanMs;
    this.#meanMs += SERVICE_WEIGHT * difference;
    this.#deviationMs += SERVICE_WEIGHT * (Math.abs(difference) - this.#deviationMs);
  }

  /** A run was given up this long after its dispatch: it would have taken longer, which says something if that is long. */
  gaveUp(serviceMs: number): void {
    if (serviceMs > this.serviceMs) this.answered(serviceMs);
  }

  /** How long a request waits that has `ahead` others before it; null while nothing is known. */
  waitMs(ahead: number, now: number): number | null {
    if (this.#dispatches < LEAST_DISPATCHES) return null;
    const busyMs = this.#busyMs + (this.#busySince === null ? 0 : now - this.#busySince);
    return (ahead * busyMs) / this.#dispatches;
  }

  /** After how long a refused client may try again, when `queued` requests wait. */
  retryAfterMs(queued: number, now: number): number {
    return Math.min(MAX_RETRY_MS, Math.max(1, Math.ceil(this.waitMs(queued, now) ?? UNKNOWN_RETRY_MS)));
  }

  #count(now: number): void {
    if (this.#busySince === null) return;
    this.#busyMs += now - this.#busySince;
    this.#busySince = now;
  }
}
