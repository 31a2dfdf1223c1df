// Warming up until it no longer gets faster: compilers, caches and memory settle over the first requests, and what they
// took is no latency anybody will see again.
import type { Clock } from "@slipway/core/base";
import type { Target } from "./target.ts";
import { median } from "@slipway/core/stats";

export interface WarmUp {
  readonly requests: number;
  readonly tookMs: number;
  /** Whether it stopped getting faster; otherwise the time for it was over. */
  readonly isSettled: boolean;
}

const WARM_UP_RULE = {
  /** A window is as many requests, one at a time, as come in this time; at least one, at most so many. */
  windowMs: 50,
  mostRequestsAWindow: 200,
  /** Settled after so many windows in a row whose median is no more than this share below the least before them. */
  windowsWithoutGain: 3,
  leastGain: 0.03,
  /** Given up after this. */
  mostMs: 3000,
  /** A window slower than the limit is all there is time for. */
  mostWindows: 40,
} as const;

/** @throws what the target's requests end with; the signal's reason */
export async function warmUp(
  target: Target,
  clock: Clock,
  signal: AbortSignal,
  windowMs: number = WARM_UP_RULE.windowMs,
): Promise<WarmUp> {
  const { mostRequestsAWindow, windowsWithoutGain, leastGain, mostMs, mostWindows } = WARM_UP_RULE;
  const startedAt = clock.now();
  let requests = 0;
  let least = Number.POSITIVE_INFINITY;
  let withoutGain = 0;
  for (let window = 0; window < mostWindows && clock.now() - startedAt < mostMs; window++) {
    const order = { concurrency: 1, durationMs: windowMs, mostRequests: mostRequestsAWindow };
    const { latenciesMs } = await target.burst(order, signal);
    requests += latenciesMs.length;
    const middle = median(latenciesMs);
    withoutGain = middle < least * (1 - leastGain) ? 0 : withoutGain + 1;
    least = Math.min(least, middle);
    if (withoutGain >= windowsWithoutGain) return { requests, tookMs: clock.now() - startedAt, isSettled: true };
  }
  return { requests, tookMs: clock.now() - startedAt, isSettled: false };
}
