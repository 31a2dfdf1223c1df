// The deaths of a deployment's runners, and whether they are reason to take it out of service: one input sent again and
// again is one reason, several different ones are a pattern.
import type { Clock } from "@slipway/core/base";
import type { RunnerDeath } from "./executor.ts";

const WINDOW_MS = 10 * 60_000;
const KEPT = 50;

export class DeathRecord {
  readonly #clock: Clock;
  readonly #maxDistinct: number;
  #deaths: RunnerDeath[] = [];
  readonly #byCause: Partial<Record<RunnerDeath["cause"], number>> = {};
  /** When each distinct input last ended a runner, in monotonic milliseconds. */
  readonly #lastSeen = new Map<string, number>();

  constructor(clock: Clock, maxDistinct: number) {
    this.#clock = clock;
    this.#maxDistinct = maxDistinct;
  }

  get deaths(): readonly RunnerDeath[] {
    return this.#deaths;
  }

  /** All there ever were, which no forgetting lowers. */
  get byCause(): Readonly<Partial<Record<RunnerDeath["cause"], number>>> {
    return this.#byCause;
  }

  /** Distinct inputs that ended a runner within the window. */
  get distinct(): number {
    const since = this.#clock.now() - WINDOW_MS;
    for (const [fingerprint, at] of this.#lastSeen) if (at < since) this.#lastSeen.delete(fingerprint);
    return this.#lastSeen.size;
  }

  /** Keeps a death. Answers whether there were too many distinct inputs. */
  add(death: RunnerDeath): boolean {
    this.#deaths = [...this.#deaths.slice(-(KEPT - 1)), death];
    this.#byCause[death.cause] = (this.#byCause[death.cause] ?? 0) + 1;
    if (death.inputFingerprint === null) return false;
    this.#lastSeen.set(death.inputFingerprint, this.#clock.now());
    return this.distinct >= this.#maxDistinct;
  }

  forget(): void {
    this.#deaths = [];
    this.#lastSeen.clear();
  }
}
