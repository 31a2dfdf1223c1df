// Learning rates by the number of the step.
import { SlipwayError } from "#base";

/** A learning rate over the steps of a run. */
export type Schedule =
  | { readonly kind: "constant" }
  /** Times `factor` after every so many steps. */
  | { readonly kind: "step"; readonly every: number; readonly factor: number }
  /** Half a cosine from 1 to `floor`, a share of the highest rate: 0 unless said. Source: Loshchilov and Hutter, arXiv 1608.03983. */
  | { readonly kind: "cosine"; readonly floor?: number }
  /** Up from 1/25 over three tenths of the run, then down to 1/250 000. Source: Smith and Topin, arXiv 1708.07120. */
  | { readonly kind: "one-cycle" };

export interface ScheduleOptions {
  readonly schedule: Schedule;
  /** The highest rate. */
  readonly learningRate: number;
  /** Steps of the whole run. */
  readonly steps: number;
  /** Steps over which the rate rises from 0 to the schedule's; none unless said. */
  readonly warmUp?: number;
}

const CYCLE_START = 25;
const CYCLE_END = 250_000;
const CYCLE_RISE = 0.3;

/**
 * The learning rate of a step, numbered from 1.
 * @throws SlipwayError PARAMETER_INVALID for a rate that is not positive, a run without steps, a step before the first, and what of a
 *   schedule is out of its range
 */
export function learningRateAt(step: number, { schedule, learningRate, steps, warmUp = 0 }: ScheduleOptions): number {
  if (!(learningRate > 0) || !(steps >= 1))
    throw invalid(`A run of ${steps} steps at a rate of ${learningRate} can't learn; both must be positive.`);
  if (!(step >= 1)) throw invalid(`The step is ${step}; steps are numbered from 1.`);
  if (!(warmUp >= 0)) throw invalid(`The warm-up is ${warmUp} steps; it must be at least 0.`);
  checkSchedule(schedule);
  const rise = step <= warmUp ? step / warmUp : 1;
  // Share of the steps behind the warm-up that are done, from 0 in its first to 1 in its last.
  const done = Math.min(Math.max((step - 1 - warmUp) / Math.max(steps - 1 - warmUp, 1), 0), 1);
  return learningRate * rise * shareAt(schedule, done, Math.max(step - 1 - warmUp, 0));
}

function checkSchedule(schedule: Schedule): void {
  if (schedule.kind === "step") {
    if (!(schedule.every >= 1)) throw invalid(`The rate changes after every ${schedule.every} steps; take at least 1.`);
    if (!(schedule.factor > 0)) throw invalid(`The rate's factor is ${schedule.factor}; it must be positive.`);
  }
  if (schedule.kind === "cosine") {
    const { floor = 0 } = schedule;
    if (!(floor >= 0 && floor <= 1))
      throw invalid(`The cosine's floor is ${floor}; it is a share of the highest rate, from 0 to 1.`);
  }
}

function invalid(message: string): SlipwayError {
  return new SlipwayError("PARAMETER_INVALID", message);
}

function shareAt(schedule: Schedule, done: number, stepsDone: number): number {
  switch (schedule.kind) {
    case "constant":
      return 1;
    case "step":
      return schedule.factor ** Math.floor(stepsDone / schedule.every);
    case "cosine":
      return between(1, schedule.floor ?? 0, done);
    case "one-cycle":
      return done < CYCLE_RISE
        ? between(1 / CYCLE_START, 1, done / CYCLE_RISE)
        : between(1, 1 / CYCLE_END, (done - CYCLE_RISE) / (1 - CYCLE_RISE));
  }
}

/** Half a cosine from one value to another. */
function between(from: number, to: number, done: number): number {
  return to + ((from - to) * (1 + Math.cos(Math.PI * done))) / 2;
}
