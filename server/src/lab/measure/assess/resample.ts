// Takes resamples until there are enough, letting others have their turn in between: it takes seconds, and whoever waits wants
// to see how far it is, or stop it.
import { setImmediate } from "node:timers/promises";
import type { Clock } from "@slipway/core/base";
import { createRandom } from "@slipway/core/stats";
import type { JobRun } from "#jobs";
import { plannedResamples, Resampling, type WeightedFigures } from "../quality/index.ts";
import type { QualityOptions } from "./options.ts";

const TURN_MS = 50;

/** @throws the signal's reason */
export async function resample(
  figures: WeightedFigures,
  weights: Float64Array,
  { resamples: wanted, seed }: Pick<QualityOptions, "resamples" | "seed">,
  clock: Clock,
  { signal, report }: Pick<JobRun, "signal" | "report">,
  text = "resampling rows for intervals",
): Promise<Resampling> {
  const resamples = plannedResamples(wanted, weights.length, figures.visits);
  const resampling = new Resampling({ figures, weights, random: createRandom(seed), resamples });
  let turnedAt = clock.now();
  while (!resampling.isDone) {
    resampling.step();
    if (clock.now() - turnedAt < TURN_MS) continue;
    report({ done: resampling.done, total: resamples, text });
    await setImmediate();
    signal.throwIfAborted();
    turnedAt = clock.now();
  }
  return resampling;
}
