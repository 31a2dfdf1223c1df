// Rounds as a job keeps them between runs, and how far it is.
import type { Clock } from "@slipway/core/base";
import { z } from "zod";
import type { JobRun } from "#jobs";
import type { Round } from "./rounds.ts";
import type { Burst } from "./target.ts";

const STAGES = z.strictObject({
  queueMs: z.number(),
  inputMs: z.number(),
  inferMs: z.number(),
  outputMs: z.number(),
});
const BURST = z.strictObject({
  latenciesMs: z.array(z.number()),
  answered: z.number().int().min(1),
  failed: z.number().int().min(0),
  longestMs: z.number(),
  elapsedMs: z.number(),
  stages: STAGES.nullable(),
  batchRows: z.number().nullable(),
});

/** Rounds of bursts, as they are kept. */
export const KEPT_ROUNDS = z.array(z.strictObject({ load: z.number().int().min(0), results: z.array(BURST).min(1) }));

/** A ten-thousandth of a millisecond is less than a clock's call takes. */
const DECIMALS = 1e4;

/** Latencies kept of one burst, and of a measurement: some 12 MB as JSON, of the 16 MiB a job may save. */
export const MOST_OF_A_BURST = 500;
const MOST_OF_ALL = 1_500_000;

/** How many latencies each burst keeps, so that all together can be saved. */
export function latenciesKept(burstsOfAll: number): number {
  return Math.min(MOST_OF_A_BURST, Math.floor(MOST_OF_ALL / burstsOfAll));
}

/**
 * The burst with times that take little room as JSON. Of more than `most` latencies it keeps every so-manieth in ascending
 * order, which moves a quantile by half of 1 / most at the most; intervals then count only what is kept.
 */
export function keptBurst(burst: Burst, most: number): Burst {
  const all = burst.latenciesMs;
  const kept =
    all.length <= most
      ? all
      : evenlySpaced(
          all.toSorted((a, b) => a - b),
          most,
        );
  return { ...burst, latenciesMs: kept.map((ms) => Math.round(ms * DECIMALS) / DECIMALS) };
}

function evenlySpaced(sorted: readonly number[], count: number): number[] {
  return Array.from({ length: count }, (_none, place) => sorted[Math.floor(((place + 0.5) * sorted.length) / count)]!);
}

/** What an earlier run left behind, where it is of the same form and fits; null else: then everything is measured anew. */
export function savedState<State>(
  run: JobRun,
  schema: z.ZodType<State>,
  fits: (state: State) => boolean,
): State | null {
  const parsed = schema.safeParse(run.saved);
  return parsed.success && fits(parsed.data) ? parsed.data : null;
}

/** Reports rounds with the time they leave, judged by those of this run. */
export function roundProgress(run: JobRun, clock: Clock, what: string, firstRound: number, total: number) {
  const startedAt = clock.now();
  return (rounds: readonly Round<unknown>[], isLoading: boolean): void => {
    const done = rounds.length - firstRound;
    const leftMs = done === 0 ? null : ((clock.now() - startedAt) / done) * (total - rounds.length);
    const left = leftMs === null || leftMs === 0 ? "" : `, about ${Math.ceil(leftMs / 1000)} s left`;
    const now = isLoading ? "loading" : `round ${rounds.length} of ${total}`;
    run.report({ done: rounds.length, total, text: `${what}: ${now}${left}` });
  };
}
