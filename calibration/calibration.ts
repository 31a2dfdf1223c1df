// What a calibration is: a method, a truth to try it on again and again, and what share of trials it must come to.
import { createRandom, type Random } from "@slipway/core/stats";

/** A method on one truth. */
export interface Calibration {
  readonly method: string;
  /** The truth that trials are drawn from. */
  readonly truth: string;
  /** "coverage": how often an interval holds the truth. "error": how often a test, or a family of them, is wrong. */
  readonly measures: "coverage" | "error";
  /** What the method says of itself: 0.95 of intervals, 0.05 of tests. */
  readonly nominal: number;
  /** The share that is computed from the truth and not simulated, where it can be: summed over all outcomes. */
  readonly exact?: () => number;
  /** Between which shares it must be. An exact method must reach, or not exceed, its nominal share. */
  readonly bounds: readonly [number, number];
  /** One trial: 1 where the interval covers, or the test is wrong; of a family of tests the share that is wrong. */
  readonly trial: (random: Random) => number;
}

/** What came of one. */
export interface Outcome {
  readonly method: string;
  readonly truth: string;
  readonly measures: Calibration["measures"];
  readonly nominal: number;
  readonly exact: number | null;
  readonly bounds: readonly [number, number];
  readonly trials: number;
  /** The share over all trials. */
  readonly simulated: number;
  /** The Monte Carlo standard error of that share. */
  readonly error: number;
  readonly holds: boolean;
}

/** How many standard errors simulation may be away: by chance about once in 16 000 rows. */
const REACH = 4;

/** Tries a method; its random numbers depend on the seed and on its own name, not on what is tried beside it. */
export function calibrate(calibration: Calibration, trials: number, seed: number): Outcome {
  const { method, truth, measures, nominal, bounds, trial } = calibration;
  const exact = calibration.exact?.();
  const random = createRandom(BigInt(seed) + hash(`${method}/${truth}`));
  let [sum, squares] = [0, 0];
  for (let round = 0; round < trials; round++) {
    const share = trial(random);
    sum += share;
    squares += share * share;
  }
  const simulated = sum / trials;
  // Of the share that is expected, so that a simulation without a single miss still has an error.
  const expected = exact ?? Math.min(bounds[1], Math.max(bounds[0], simulated));
  const isBinary = squares === sum;
  const variance = isBinary ? Math.max(expected * (1 - expected), 1 / trials) : squares / trials - simulated ** 2;
  const error = Math.sqrt(variance / trials);
  const within = (share: number, slack: number) => share >= bounds[0] - slack && share <= bounds[1] + slack;
  const holds =
    exact === undefined
      ? within(simulated, REACH * error)
      : within(exact, 1e-9) && Math.abs(simulated - exact) <= REACH * error;
  return { method, truth, measures, nominal, exact: exact ?? null, bounds, trials, simulated, error, holds };
}

/** FNV-1a of 64 bits, over the text's code units. */
function hash(text: string): bigint {
  let value = 0xcbf29ce484222325n;
  for (let index = 0; index < text.length; index++) {
    value = ((value ^ BigInt(text.charCodeAt(index))) * 0x100000001b3n) & 0xffffffffffffffffn;
  }
  return value;
}
