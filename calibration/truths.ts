// What trials are drawn from, and sums over all their outcomes where these can be listed.
import {
  binomialDistribution,
  drawNormal,
  drawUniform,
  median,
  poissonDistribution,
  type Random,
} from "@slipway/core/stats";

/** Outcomes rarer than this are left out of sums. */
const NEGLIGIBLE = 1e-14;

export const drawSample = (count: number, draw: () => number): Float64Array =>
  Float64Array.from({ length: count }, draw);

export const drawExponential = (random: Random): number => -Math.log1p(-drawUniform(random));

export function drawBinomial(random: Random, trials: number, success: number): number {
  let successes = 0;
  for (let trial = 0; trial < trials; trial++) if (drawUniform(random) < success) successes++;
  return successes;
}

/** Events before the sum of exponential waits passes the mean. */
export function drawPoisson(random: Random, mean: number): number {
  let events = 0;
  for (let waited = drawExponential(random); waited <= mean; waited += drawExponential(random)) events++;
  return events;
}

/** How many of `trials` fall into each class. */
export function drawClasses(random: Random, trials: number, shares: readonly number[]): number[] {
  const counts = shares.map(() => 0);
  for (let trial = 0; trial < trials; trial++) {
    let left = drawUniform(random);
    let place = 0;
    while (place < shares.length - 1 && left >= shares[place]!) left -= shares[place++]!;
    counts[place]!++;
  }
  return counts;
}

/**
 * Pairs of times on a machine whose mood wanders: what both share follows a first-order autoregression and has bursts, and
 * each has noise of its own with a heavy tail.
 */
export function drawTimings(
  random: Random,
  count: number,
  factor: number,
): { first: Float64Array; second: Float64Array } {
  const [first, second] = [new Float64Array(count), new Float64Array(count)];
  let mood = 0.3 * drawNormal(random);
  for (let index = 0; index < count; index++) {
    mood = 0.95 * mood + 0.1 * drawNormal(random);
    const burst = drawUniform(random) < 0.03 ? 1 + 4 * drawUniform(random) : 1;
    const own = () => 1 + 0.05 * Math.exp(1.2 * drawNormal(random));
    first[index] = Math.exp(mood) * burst * own();
    second[index] = factor * Math.exp(mood) * burst * own();
  }
  return { first, second };
}

/**
 * Medians of sessions of timings, as `drawTimings` has them: what stays with each of the two for a session, as where a
 * process's memory lies, moves its times by 3 % on average, at times by 10 % and more (Laplace).
 */
export function drawSessions(
  random: Random,
  sessions: number,
  factor: number,
): { first: Float64Array; second: Float64Array } {
  const [first, second] = [new Float64Array(sessions), new Float64Array(sessions)];
  const loaded = () => Math.exp(0.03 * (drawExponential(random) - drawExponential(random)));
  for (let session = 0; session < sessions; session++) {
    const times = drawTimings(random, 20, factor);
    first[session] = loaded() * median(times.first);
    second[session] = loaded() * median(times.second);
  }
  return { first, second };
}

/** Groups of log-normal values that have something in common: exp(own + shared), both normal. */
export function drawGroups(
  random: Random,
  groups: number,
  each: number,
  deviations: { readonly shared: number; readonly own: number },
): Float64Array[] {
  return Array.from({ length: groups }, () => {
    const shared = deviations.shared * drawNormal(random);
    return drawSample(each, () => Math.exp(shared + deviations.own * drawNormal(random)));
  });
}

/** Σ probability × value over a binomial count. */
export function overBinomial(trials: number, success: number, value: (successes: number) => number): number {
  const distribution = binomialDistribution(trials, success);
  let sum = 0;
  for (let successes = 0; successes <= trials; successes++) {
    const chance = distribution.density(successes);
    if (chance > NEGLIGIBLE) sum += chance * value(successes);
  }
  return sum;
}

/** Σ probability × value over a Poisson count. */
export function overPoisson(mean: number, value: (events: number) => number): number {
  const distribution = poissonDistribution(mean);
  const most = distribution.inverseSurvival(NEGLIGIBLE);
  let sum = 0;
  for (let events = 0; events <= most; events++) sum += distribution.density(events) * value(events);
  return sum;
}

/** Σ probability × value over the counts of classes: binomial for the first, then among what is left. */
export function overClasses(
  trials: number,
  shares: readonly number[],
  value: (counts: readonly number[]) => number,
): number {
  const [share, ...rest] = shares;
  if (rest.length === 0) return value([trials]);
  const left = rest.reduce((sum, one) => sum + one, 0);
  return overBinomial(trials, share! / (share! + left), (count) =>
    overClasses(trials - count, rest, (others) => value([count, ...others])),
  );
}
