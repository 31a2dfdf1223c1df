import { expect, test } from "vitest";
import { expectClose, goldensFrom } from "./goldens.testing.ts";
import {
  adjustPValues,
  betaDistribution,
  chiSquareDistribution,
  clopperPearsonInterval,
  fisherExactTest,
  gammaDistribution,
  goodnessOfFitTest,
  type Interval,
  independenceTest,
  jeffreysInterval,
  kolmogorovSmirnovTest,
  kolmogorovSurvival,
  mannWhitneyTest,
  normalDistribution,
  proportionDifferenceInterval,
  proportionRatioInterval,
  type TestResult,
  tDistribution,
  twoProportionTest,
  welchTest,
  wilsonInterval,
} from "./index.ts";

// Single values of SciPy and statsmodels, made apart from those of tools/goldens: a second look at the same functions.
const known = goldensFrom("known-values.json");
const CLOSE = 1e-9;

const ends = ({ lower, upper }: Interval) => [lower, upper];
const pair = ({ statistic, pValue }: TestResult) => [statistic, pValue];

function expectAll(got: ArrayLike<number>, wanted: readonly number[], what: string): void {
  expect(got.length).toBe(wanted.length);
  for (const [index, value] of wanted.entries()) expectClose(got[index]!, value, CLOSE, `${what} [${index}]`);
}

test("distributions", () => {
  const values: Readonly<Record<string, number>> = {
    "norm_ppf_.975": normalDistribution().quantile(0.975),
    norm_sf_6: normalDistribution().survival(6),
    "t_cdf(2.1,7.3)": tDistribution(7.3).cdf(2.1),
    "t_ppf(.975,12.5)": tDistribution(12.5).quantile(0.975),
    "chi2_sf(11.07,5)": chiSquareDistribution(5).survival(11.07),
    "chi2_sf(50,3)": chiSquareDistribution(3).survival(50),
    "beta_cdf(.3;2.5,4.5)": betaDistribution(2.5, 4.5).cdf(0.3),
    "beta_ppf(.025;51,951)": betaDistribution(51, 951).quantile(0.025),
    "kolmogorov_sf(1.36)": kolmogorovSurvival(1.36),
    "gammainc(2.5,1.7)": gammaDistribution(2.5).cdf(1.7),
  };
  expect(Object.keys(values).sort()).toEqual(Object.keys(known.dist).sort());
  for (const [name, wanted] of Object.entries(known.dist)) expectClose(values[name]!, wanted as number, CLOSE, name);
});

test("proportions", () => {
  const [first, second] = [
    { successes: 120, trials: 1000 },
    { successes: 150, trials: 1000 },
  ];
  const values: Readonly<Record<string, number[]>> = {
    wilson_48_100: ends(wilsonInterval(48, 100)),
    clopper_48_100: ends(clopperPearsonInterval(48, 100)),
    wilson_0_10: ends(wilsonInterval(0, 10)),
    jeffreys_3_20: ends(jeffreysInterval(3, 20)),
    ztest_120_1000_vs_150_1000: pair(twoProportionTest(first, second)),
    newcombe_diff_120_1000_150_1000: ends(proportionDifferenceInterval(first, second)),
    ratio_log_ci_120_1000_150_1000: ends(proportionRatioInterval(first, second)),
  };
  expect(Object.keys(values).sort()).toEqual(Object.keys(known.proportion).sort());
  for (const [name, wanted] of Object.entries(known.proportion)) expectAll(values[name]!, wanted as number[], name);
});

test("two samples", () => {
  const { a, b, ks_exact, welch_t, mwu_auto } = known.two_sample_ab;
  expectAll(pair(kolmogorovSmirnovTest(a, b)), ks_exact, "Kolmogorov–Smirnov");
  expectAll(pair(welchTest(a, b)), welch_t, "Welch");
  expectAll(pair(mannWhitneyTest(a, b)), mwu_auto, "Mann–Whitney");
  const grid = (count: number) => Array.from({ length: count }, (_none, index) => ((index * 7919) % 1000) / 1000);
  const bent = grid(300).map((value) => value ** 1.2);
  expectAll(pair(kolmogorovSmirnovTest(grid(200), bent)), [known.ks_grid.D, known.ks_grid.p_auto], "grid");
});

test("counts with many ties", () => {
  const { ref_counts, cur_counts, chi2_contingency, g_test_contingency, mwu, ks } = known.ties;
  const table = [ref_counts, cur_counts];
  const { degrees, ...pearson } = independenceTest(table);
  expectAll([...pair(pearson), degrees], chi2_contingency, "chi-square");
  expectAll([...pair(independenceTest(table, "likelihood-ratio")), 5], g_test_contingency, "G");
  const spread = (counts: readonly number[]) => counts.flatMap((count, value) => Array<number>(count).fill(value));
  expectAll(pair(mannWhitneyTest(spread(ref_counts), spread(cur_counts))), mwu, "Mann–Whitney");
  expectAll(pair(kolmogorovSmirnovTest(spread(ref_counts), spread(cur_counts))), ks, "Kolmogorov–Smirnov");
});

test("tables, planned shares and many p values", () => {
  for (const { table, p } of known.fisher) expectClose(fisherExactTest(table).pValue, p, CLOSE, `Fisher, ${table}`);
  for (const { obs, w, chi2_p } of known.srm) expectAll(pair(goodnessOfFitTest(obs, w)), chi2_p, `shares, ${obs}`);
  const { p, bh, holm, by } = known.multitest;
  expectAll(adjustPValues(p, "benjamini-hochberg"), bh, "Benjamini–Hochberg");
  expectAll(adjustPValues(p, "holm"), holm, "Holm");
  expectAll(adjustPValues(p, "benjamini-yekutieli"), by, "Benjamini–Yekutieli");
});
