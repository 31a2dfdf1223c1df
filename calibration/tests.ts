// The tests, each tried where nothing is going on: how often they say that something is.
import {
  adjustPValues,
  binomialDistribution,
  compareAucs,
  comparePairedTimings,
  compareSessions,
  type Correction,
  drawInteger,
  drawNormal,
  fisherExactTest,
  goodnessOfFitTest,
  kolmogorovSmirnovTest,
  mannWhitneyTest,
  mcnemarTest,
  normalDistribution,
  pairedTTest,
  permutationTest,
  type Random,
  signFlipTest,
  signTest,
  twoProportionTest,
  welchTest,
  wilcoxonTest,
} from "@slipway/core/stats";
import type { Calibration } from "./calibration.ts";
import {
  drawBinomial,
  drawClasses,
  drawExponential,
  drawSample,
  drawSessions,
  drawTimings,
  overBinomial,
  overClasses,
} from "./truths.ts";

const NOMINAL = 0.05;

type Bounds = readonly [number, number];
/** Of tests that promise to be wrong no more often than they say. */
const AT_MOST: Bounds = [0, NOMINAL];

const rejects = (pValue: number): number => Number(pValue <= NOMINAL);

function falsePositives(
  method: string,
  truth: string,
  bounds: Bounds,
  trial: Calibration["trial"],
  exact?: () => number,
): Calibration {
  const known = exact === undefined ? {} : { exact };
  return { method, truth, measures: "error", nominal: NOMINAL, bounds, trial, ...known };
}

function mcnemar(method: "exact" | "mid-p", cases: number, each: number, bounds: Bounds): Calibration {
  const rejected = ([onlyFirst, onlySecond]: readonly number[]) =>
    rejects(mcnemarTest(onlyFirst!, onlySecond!, method).pValue);
  const shares = [each, each, 1 - 2 * each];
  const exact = () => overClasses(cases, shares, rejected);
  const trial = (random: Random) => rejected(drawClasses(random, cases, shares));
  return falsePositives(`McNemar, ${method}`, `n = ${cases}, ${each} each way`, bounds, trial, exact);
}

function proportions(name: string, each: number, success: number, bounds: Bounds): Calibration {
  const rejected = (a: number, b: number) =>
    rejects(
      name === "Fisher"
        ? fisherExactTest([
            [a, each - a],
            [b, each - b],
          ]).pValue
        : twoProportionTest({ successes: a, trials: each }, { successes: b, trials: each }).pValue,
    );
  const exact = () => overBinomial(each, success, (a) => overBinomial(each, success, (b) => rejected(a, b)));
  const trial = (random: Random) => rejected(drawBinomial(random, each, success), drawBinomial(random, each, success));
  return falsePositives(name, `n = ${each} and ${each}, p = ${success}`, bounds, trial, exact);
}

function sampleRatio(total: number, share: number): Calibration {
  const rejected = (count: number) => rejects(goodnessOfFitTest([count, total - count], [share, 1 - share]).pValue);
  const trial = (random: Random) => rejected(drawBinomial(random, total, share));
  const exact = () => overBinomial(total, share, rejected);
  return falsePositives("chi-square, sample ratio", `n = ${total}, share ${share}`, [0.04, 0.06], trial, exact);
}

/** Rejections of the sign test among as many coins, counted by hand. */
const signSize = (pairs: number): number => {
  const coin = binomialDistribution(pairs, 0.5);
  return overBinomial(pairs, 0.5, (heads) =>
    rejects(Math.min(1, 2 * Math.min(coin.cdf(heads), coin.survival(heads - 1)))),
  );
};

function two(
  method: string,
  truth: string,
  bounds: Bounds,
  sizes: readonly [number, number],
  draw: (random: Random) => number,
  test: (a: Float64Array, b: Float64Array, random: Random) => { readonly pValue: number },
): Calibration {
  const trial = (random: Random) => {
    const [a, b] = sizes.map((size) => drawSample(size, () => draw(random)));
    return rejects(test(a!, b!, random).pValue);
  };
  return falsePositives(method, `n = ${sizes.join(" and ")}, ${truth}`, bounds, trial);
}

/** A family of tests of normal means, of which some are 0. */
function family(
  correction: Correction,
  measured: "any" | "share",
  nulls: number,
  others: number,
  exact: (() => number) | undefined,
  bounds: Bounds,
): Calibration {
  const normal = normalDistribution();
  const trial = (random: Random) => {
    const z = Array.from({ length: nulls + others }, (_none, index) => drawNormal(random) + (index < nulls ? 0 : 3));
    const adjusted = adjustPValues(
      z.map((value) => 2 * normal.survival(Math.abs(value))),
      correction,
    );
    const wrong = adjusted.filter((p, index) => index < nulls && p <= NOMINAL).length;
    const all = adjusted.filter((p) => p <= NOMINAL).length;
    return measured === "any" ? Number(wrong > 0) : wrong / Math.max(1, all);
  };
  const truth = `${nulls} null of ${nulls + others}, ${measured === "any" ? "any wrong" : "share wrong"}`;
  return falsePositives(correction, truth, bounds, trial, exact);
}

function aucs(each: number): Calibration {
  const labels = Array.from({ length: 2 * each }, (_none, index) => index < each);
  const trial = (random: Random) => {
    const shared = labels.map(() => drawNormal(random));
    const scores = () => shared.map((base, index) => 0.8 * base + 0.6 * drawNormal(random) + (labels[index] ? 1.2 : 0));
    return rejects(compareAucs(scores(), scores(), labels).pValue);
  };
  return falsePositives("DeLong, two", `${each} and ${each}, area 0.80 each`, [0.035, 0.065], trial);
}

function timings(pairs: number): Calibration {
  const trial = (random: Random) => {
    const { first, second } = drawTimings(random, pairs, 1);
    return rejects(comparePairedTimings(first, second).pValue);
  };
  return falsePositives("paired timings", `${pairs} pairs, drift and bursts`, AT_MOST, trial, () => signSize(pairs));
}

function sessions(count: number): Calibration {
  const trial = (random: Random) => {
    const { first, second } = drawSessions(random, count, 1);
    return rejects(compareSessions(first, second).pValue);
  };
  return falsePositives("sessions of timings", `${count} sessions, load effects`, [0.02, NOMINAL], trial);
}

const permutations = 199;

export function testCalibrations(): readonly Calibration[] {
  return [
    mcnemar("exact", 50, 0.1, AT_MOST),
    mcnemar("exact", 200, 0.1, AT_MOST),
    mcnemar("mid-p", 50, 0.1, [0.03, 0.055]),
    mcnemar("mid-p", 200, 0.1, [0.03, 0.055]),
    proportions("two proportions, z", 100, 0.3, [0.04, 0.06]),
    proportions("two proportions, z", 40, 0.1, [0.03, 0.065]),
    proportions("Fisher", 25, 0.3, AT_MOST),
    sampleRatio(1000, 0.5),
    sampleRatio(3000, 0.1),
    two("Welch", "deviations 1 and 3", [0.045, 0.057], [8, 15], drawNormal, (a, b) =>
      welchTest(
        a,
        b.map((value) => 3 * value),
      ),
    ),
    two("Welch", "exponential", [0.03, 0.06], [20, 40], drawExponential, (a, b) => welchTest(a, b)),
    falsePositives(
      "paired t",
      "n = 10, normal",
      [NOMINAL, NOMINAL],
      (random) => {
        const [a, b] = [0, 0].map(() => drawSample(10, () => drawNormal(random)));
        return rejects(pairedTTest(a!, b!).pValue);
      },
      () => NOMINAL,
    ),
    two("Mann–Whitney, exact", "exponential", AT_MOST, [10, 12], drawExponential, (a, b) => mannWhitneyTest(a, b)),
    two(
      "Mann–Whitney, exact",
      "five values, ties",
      AT_MOST,
      [12, 15],
      (random) => drawInteger(random, 1, 5),
      (a, b) => mannWhitneyTest(a, b),
    ),
    two("Mann–Whitney, normal", "exponential", [0.042, 0.053], [40, 50], drawExponential, (a, b) =>
      mannWhitneyTest(a, b),
    ),
    two(
      "Mann–Whitney, normal",
      "five values, ties",
      [0.042, 0.055],
      [40, 50],
      (random) => drawInteger(random, 1, 5),
      (a, b) => mannWhitneyTest(a, b),
    ),
    two("Wilcoxon, exact", "normal", AT_MOST, [20, 20], drawNormal, (a, b) => wilcoxonTest(a, b)),
    two(
      "Wilcoxon, exact",
      "five values, ties",
      AT_MOST,
      [25, 25],
      (random) => drawInteger(random, 1, 5),
      (a, b) => wilcoxonTest(a, b),
    ),
    falsePositives(
      "sign",
      "n = 30, exponential",
      AT_MOST,
      (random) => {
        const [a, b] = [0, 0].map(() => drawSample(30, () => drawExponential(random)));
        return rejects(signTest(a!, b!).pValue);
      },
      () => signSize(30),
    ),
    two("Kolmogorov–Smirnov", "normal", AT_MOST, [30, 40], drawNormal, (a, b) => kolmogorovSmirnovTest(a, b)),
    two(
      "Kolmogorov–Smirnov",
      "five values, ties",
      AT_MOST,
      [30, 40],
      (random) => drawInteger(random, 1, 5),
      (a, b) => kolmogorovSmirnovTest(a, b),
    ),
    two("permutation, means", "exponential", AT_MOST, [10, 12], drawExponential, (a, b, random) =>
      permutationTest(a, b, { random, permutations }),
    ),
    two("permutation, signs", "normal", AT_MOST, [15, 15], drawNormal, (a, b, random) =>
      signFlipTest(a, b, { random, permutations }),
    ),
    aucs(60),
    // All ten null and independent: one wrong p value below 0.005 is enough.
    family("bonferroni", "any", 10, 0, () => 1 - 0.995 ** 10, AT_MOST),
    family("holm", "any", 10, 0, () => 1 - 0.995 ** 10, AT_MOST),
    family("holm", "any", 10, 5, undefined, AT_MOST),
    family("hochberg", "any", 10, 5, undefined, AT_MOST),
    // Benjamini and Hochberg's equality for independent tests: the level times the share of nulls.
    family("benjamini-hochberg", "share", 15, 5, () => 0.0375, AT_MOST),
    family("benjamini-yekutieli", "share", 15, 5, undefined, AT_MOST),
    timings(30),
    timings(200),
    sessions(4),
    sessions(6),
    sessions(12),
  ];
}
