// The intervals, each tried on truths where it is at ease and where it is not.
import {
  aucInterval,
  bcaInterval,
  clopperPearsonInterval,
  compareAucs,
  comparePairedTimings,
  compareSessions,
  drawNormal,
  drawUniform,
  groupedQuantileInterval,
  type Interval,
  jeffreysInterval,
  mean,
  meanInterval,
  medianRatioInterval,
  normalDistribution,
  pairedProportionDifferenceInterval,
  percentileInterval,
  proportionDifferenceInterval,
  proportionRatioInterval,
  quantileInterval,
  quantileRanks,
  type Random,
  rateInterval,
  statisticOf,
  wilsonInterval,
} from "@slipway/core/stats";
import type { Calibration } from "./calibration.ts";
import {
  drawBinomial,
  drawClasses,
  drawExponential,
  drawGroups,
  drawPoisson,
  drawSample,
  drawSessions,
  drawTimings,
  overBinomial,
  overClasses,
  overPoisson,
} from "./truths.ts";

const NOMINAL = 0.95;
/** Resamples of a bootstrap within a trial. */
const RESAMPLES = 299;

const covers = ({ lower, upper }: Interval, truth: number): number => Number(lower <= truth && truth <= upper);

type Bounds = readonly [number, number];
/** Of methods that promise to cover at least as often as they say. */
const AT_LEAST: Bounds = [NOMINAL, 1];

function coverage(
  method: string,
  truth: string,
  bounds: Bounds,
  trial: Calibration["trial"],
  exact?: () => number,
): Calibration {
  const known = exact === undefined ? {} : { exact };
  return { method, truth, measures: "coverage", nominal: NOMINAL, bounds, trial, ...known };
}

function proportion(
  name: string,
  method: typeof wilsonInterval,
  trials: number,
  success: number,
  bounds: Bounds,
): Calibration {
  const covered = (successes: number) => covers(method(successes, trials, NOMINAL), success);
  const trial = (random: Random) => covered(drawBinomial(random, trials, success));
  return coverage(name, `n = ${trials}, p = ${success}`, bounds, trial, () => overBinomial(trials, success, covered));
}

function twoProportions(
  name: string,
  truth: (a: number, b: number) => number,
  method: (a: number, m: number, b: number, n: number) => Interval | null,
  [m, p, n, q]: readonly [number, number, number, number],
  bounds: Bounds,
): Calibration {
  const covered = (a: number, b: number) => {
    const interval = method(a, m, b, n);
    return interval === null ? 0 : covers(interval, truth(p, q));
  };
  const exact = () => overBinomial(m, p, (a) => overBinomial(n, q, (b) => covered(a, b)));
  const trial = (random: Random) => covered(drawBinomial(random, m, p), drawBinomial(random, n, q));
  return coverage(name, `n = ${m}, p = ${p}; n = ${n}, p = ${q}`, bounds, trial, exact);
}

const difference = (a: number, m: number, b: number, n: number) =>
  proportionDifferenceInterval({ successes: a, trials: m }, { successes: b, trials: n }, NOMINAL);
/** Without a success there is no interval, and so none that covers. */
const ratio = (a: number, m: number, b: number, n: number) =>
  a === 0 || b === 0
    ? null
    : proportionRatioInterval({ successes: a, trials: m }, { successes: b, trials: n }, NOMINAL);

function paired(cases: number, shares: readonly [number, number, number, number], bounds: Bounds): Calibration {
  const covered = ([both, onlyFirst, onlySecond, neither]: readonly number[]) =>
    covers(
      pairedProportionDifferenceInterval(
        { both: both!, onlyFirst: onlyFirst!, onlySecond: onlySecond!, neither: neither! },
        NOMINAL,
      ),
      shares[1] - shares[2],
    );
  const trial = (random: Random) => covered(drawClasses(random, cases, shares));
  const exact = () => overClasses(cases, shares, covered);
  return coverage("Newcombe, paired (10)", `n = ${cases}, cells ${shares.join(", ")}`, bounds, trial, exact);
}

function rate(expected: number): Calibration {
  const covered = (events: number) => covers(rateInterval(events, 1, NOMINAL), expected);
  const exact = () => overPoisson(expected, covered);
  return coverage(
    "Poisson rate",
    `mean ${expected}`,
    AT_LEAST,
    (random) => covered(drawPoisson(random, expected)),
    exact,
  );
}

function quantile(count: number, p: number): Calibration {
  const truth = Math.exp(normalDistribution().quantile(p));
  const trial = (random: Random) =>
    covers(
      quantileInterval(
        drawSample(count, () => Math.exp(drawNormal(random))),
        p,
        NOMINAL,
      ),
      truth,
    );
  const exact = () => quantileRanks(count, p, NOMINAL).coverage;
  return coverage("order statistics", `n = ${count}, p = ${p}, log-normal`, AT_LEAST, trial, exact);
}

function groupedQuantile(groups: number, each: number, p: number, bounds: Bounds): Calibration {
  const deviations = { shared: 0.05, own: 0.15 };
  const truth = Math.exp(Math.hypot(deviations.shared, deviations.own) * normalDistribution().quantile(p));
  const trial = (random: Random) =>
    covers(groupedQuantileInterval(drawGroups(random, groups, each, deviations), p, NOMINAL), truth);
  return coverage("order statistics, grouped", `${groups} groups of ${each}, p = ${p}, log-normal`, bounds, trial);
}

/** Scores of positives are shifted by as much as this area asks. */
const shiftFor = (auc: number): number => Math.SQRT2 * normalDistribution().quantile(auc);

function auc(each: number, area: number, bounds: Bounds): Calibration {
  const labels = Array.from({ length: 2 * each }, (_none, index) => index < each);
  const trial = (random: Random) =>
    covers(
      aucInterval(
        labels.map((label) => drawNormal(random) + (label ? shiftFor(area) : 0)),
        labels,
        NOMINAL,
      ),
      area,
    );
  return coverage("DeLong, one", `${each} and ${each}, area ${area}`, bounds, trial);
}

function aucDifference(each: number): Calibration {
  const labels = Array.from({ length: 2 * each }, (_none, index) => index < each);
  const trial = (random: Random) => {
    const shared = labels.map(() => drawNormal(random));
    const scores = (area: number) =>
      shared.map((base, index) => 0.8 * base + 0.6 * drawNormal(random) + (labels[index] ? shiftFor(area) : 0));
    return covers(compareAucs(scores(0.85), scores(0.75), labels, NOMINAL).difference, 0.1);
  };
  return coverage("DeLong, two", `${each} and ${each}, areas 0.85, 0.75`, [0.935, 0.965], trial);
}

const skewed = (count: number, random: Random) => drawSample(count, () => drawExponential(random));

const STRATA = Array.from({ length: 120 }, (_none, index) => (index < 40 ? "small" : "large"));

/** Two groups of right and wrong answers, each resampled within itself; the statistic weighs them alike. */
function stratified(random: Random): number {
  const answers = STRATA.map((stratum) => Number(drawUniform(random) < (stratum === "small" ? 0.6 : 0.85)));
  const statistic = (indices: Uint32Array) => {
    let [small, large] = [0, 0];
    for (const index of indices) {
      if (index < 40) small += answers[index]!;
      else large += answers[index]!;
    }
    return (small / 40 + large / 80) / 2;
  };
  return covers(
    percentileInterval({ count: 120, statistic, strata: STRATA, random, resamples: RESAMPLES }, NOMINAL),
    0.725,
  );
}

export function intervalCalibrations(): readonly Calibration[] {
  return [
    proportion("Wilson", wilsonInterval, 100, 0.99, [0.92, 0.97]),
    proportion("Wilson", wilsonInterval, 20, 0.3, [0.93, 0.98]),
    proportion("Wilson", wilsonInterval, 1000, 0.8, [0.945, 0.955]),
    proportion("Clopper–Pearson", clopperPearsonInterval, 100, 0.99, AT_LEAST),
    proportion("Clopper–Pearson", clopperPearsonInterval, 20, 0.3, AT_LEAST),
    proportion("Clopper–Pearson", clopperPearsonInterval, 1000, 0.8, AT_LEAST),
    proportion("Jeffreys", jeffreysInterval, 100, 0.99, [0.9, 0.99]),
    proportion("Jeffreys", jeffreysInterval, 20, 0.3, [0.93, 0.98]),
    proportion("Jeffreys", jeffreysInterval, 1000, 0.8, [0.945, 0.955]),
    twoProportions("Newcombe", (p, q) => p - q, difference, [30, 0.2, 40, 0.35], [0.94, 0.97]),
    twoProportions("Newcombe", (p, q) => p - q, difference, [100, 0.95, 100, 0.98], [0.93, 0.98]),
    twoProportions("Katz, ratio", (p, q) => p / q, ratio, [100, 0.3, 100, 0.2], [0.94, 0.97]),
    paired(50, [0.7, 0.1, 0.05, 0.15], [0.93, 0.985]),
    paired(100, [0.9, 0.04, 0.02, 0.04], [0.93, 0.985]),
    coverage(
      "mean, t",
      "n = 10, normal",
      [NOMINAL, NOMINAL],
      (random) =>
        covers(
          meanInterval(
            drawSample(10, () => drawNormal(random)),
            NOMINAL,
          ),
          0,
        ),
      () => NOMINAL,
    ),
    coverage("mean, t", "n = 50, exponential", [0.92, 0.95], (random) =>
      covers(meanInterval(skewed(50, random), NOMINAL), 1),
    ),
    quantile(100, 0.5),
    quantile(500, 0.99),
    groupedQuantile(5, 400, 0.5, [0.94, 0.99]),
    groupedQuantile(5, 400, 0.99, [0.94, 1]),
    groupedQuantile(20, 100, 0.9, [0.94, 0.99]),
    rate(3),
    rate(50),
    coverage("bootstrap, percentile", "mean, n = 50, exponential", [0.91, 0.95], (random) =>
      covers(
        percentileInterval({ ...statisticOf(skewed(50, random), mean), random, resamples: RESAMPLES }, NOMINAL),
        1,
      ),
    ),
    coverage("bootstrap, BCa", "mean, n = 50, exponential", [0.92, 0.955], (random) =>
      covers(bcaInterval({ ...statisticOf(skewed(50, random), mean), random, resamples: RESAMPLES }, NOMINAL), 1),
    ),
    coverage("bootstrap, stratified", "accuracy, strata of 40 and 80", [0.925, 0.955], stratified),
    coverage("bootstrap, ratio of medians", "50 pairs of times, factor 1.1", [0.94, 0.99], (random) => {
      const { first, second } = drawTimings(random, 50, 1.1);
      return covers(medianRatioInterval(first, second, { random, resamples: 199 }, NOMINAL), 1.1);
    }),
    auc(60, 0.8, [0.94, 0.97]),
    auc(30, 0.95, [0.925, 0.97]),
    auc(30, 0.99, [0.94, 1]),
    aucDifference(60),
    coverage("sessions of timings", "6 sessions, factor 1.1", [0.95, 0.98], (random) => {
      const { first, second } = drawSessions(random, 6, 1.1);
      return covers(compareSessions(first, second, NOMINAL).ratio, 1.1);
    }),
    coverage(
      "paired timings",
      "30 pairs, factor 1.1",
      AT_LEAST,
      (random) => {
        const { first, second } = drawTimings(random, 30, 1.1);
        return covers(comparePairedTimings(first, second, NOMINAL).ratio, 1.1);
      },
      () => quantileRanks(30, 0.5, NOMINAL).coverage,
    ),
  ];
}
