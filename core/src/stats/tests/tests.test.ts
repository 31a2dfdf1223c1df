import { describe, expect, test } from "vitest";
import { expectClose, goldensFrom } from "../goldens.testing.ts";
import {
  adjustPValues,
  type Alternative,
  aucInterval,
  compareAucs,
  type Correction,
  fisherExactTest,
  goodnessOfFitTest,
  independenceTest,
  kolmogorovSmirnovTest,
  mannWhitneyTest,
  mcnemarTest,
  pairedTTest,
  signTest,
  type TestResult,
  twoProportionTest,
  welchTest,
  wilcoxonTest,
} from "./index.ts";

// SciPy, statsmodels and definitions spelled out in NumPy; see tools/goldens/statistics.py.
const goldens = goldensFrom("tests.json");
const CLOSE = 1e-9;
const ALTERNATIVES: readonly Alternative[] = ["two-sided", "less", "greater"];

function expectResult(got: TestResult, [statistic, pValue]: readonly [number, number], what: string): void {
  expectClose(got.statistic, statistic, CLOSE, `${what}, statistic`);
  expectClose(got.pValue, pValue, CLOSE, `${what}, p value`);
}

describe("counts", () => {
  test("two proportions", () => {
    for (const { counts, z } of goldens.differences) {
      const [a, m, b, n] = counts as [number, number, number, number];
      expectResult(twoProportionTest({ successes: a, trials: m }, { successes: b, trials: n }), z, `${counts}`);
    }
    expect(twoProportionTest({ successes: 4, trials: 4 }, { successes: 9, trials: 9 })).toEqual({
      statistic: 0,
      pValue: 1,
    });
  });
  test("Fisher's exact", () => {
    for (const { table, fisher } of goldens.tables) {
      for (const alternative of ALTERNATIVES) {
        expectClose(fisherExactTest(table, alternative).pValue, fisher[alternative], CLOSE, `${table}, ${alternative}`);
      }
    }
    expect(
      fisherExactTest([
        [8, 2],
        [1, 5],
      ]).statistic,
    ).toBe(20);
  });
  test("McNemar's, exact and mid-p", () => {
    for (const { counts, exact, midP } of goldens.mcnemars) {
      const [b, c] = counts as [number, number];
      expectClose(mcnemarTest(b, c, "exact").pValue, exact, CLOSE, `exact, ${counts}`);
      expectClose(mcnemarTest(b, c, "mid-p").pValue, midP, CLOSE, `mid-p, ${counts}`);
    }
    // Fagerland, Lydersen and Laake (2013), the data of Bentur and others: exact 0.070, mid-p 0.039.
    expect([mcnemarTest(1, 7, "exact").pValue.toFixed(3), mcnemarTest(1, 7).pValue.toFixed(3)]).toEqual([
      "0.070",
      "0.039",
    ]);
    expect(mcnemarTest(0, 0)).toEqual({ statistic: 0, pValue: 1 });
  });
  test("shares that were planned", () => {
    for (const { observed, shares, chi } of goldens.counts.goodness) {
      expectResult(goodnessOfFitTest(observed, shares), chi, `${observed}`);
    }
  });
  test("tables", () => {
    for (const { table, pearson, likelihoodRatio, degrees } of goldens.counts.independence) {
      expectResult(independenceTest(table), pearson, `${table}`);
      expectResult(independenceTest(table, "likelihood-ratio"), likelihoodRatio, `G of ${table}`);
      expect(independenceTest(table).degrees).toBe(degrees);
    }
    expect(
      independenceTest([
        [3, 0],
        [5, 0],
      ]),
    ).toEqual({ statistic: 0, pValue: 1, degrees: 0 });
    expect(
      independenceTest([
        [3, 0, 2],
        [5, 0, 9],
      ]),
    ).toEqual(
      independenceTest([
        [3, 2],
        [5, 9],
      ]),
    );
  });
});

describe("two samples", () => {
  for (const { a, b, welch, mannWhitney, kolmogorovSmirnov } of goldens.samples) {
    test(`of ${a.length} and ${b.length}`, () => {
      for (const alternative of ALTERNATIVES) {
        expectResult(welchTest(a, b, alternative), welch[alternative], `Welch, ${alternative}`);
        expectResult(mannWhitneyTest(a, b, alternative), mannWhitney[alternative], `Mann–Whitney, ${alternative}`);
      }
      expectResult(kolmogorovSmirnovTest(a, b), kolmogorovSmirnov, "Kolmogorov–Smirnov");
    });
  }
  test("Welch's t does not depend on the unit", () => {
    const [a, b] = [
      [1, 2, 4, 7],
      [3, 5, 9],
    ];
    const small = (values: number[]) => values.map((value) => value * 2 ** -300);
    expectResult(welchTest(small(a), small(b)), [welchTest(a, b).statistic, welchTest(a, b).pValue], "2^−300");
  });
  test("samples without variance have no t", () => {
    expect(() => welchTest([1, 1], [2, 2])).toThrow("The variance of the difference is 0");
    expect(() => mannWhitneyTest([], [1])).toThrow("The first sample has 0 values");
    expect(mannWhitneyTest(Array(40).fill(1), Array(40).fill(1)).pValue).toBe(1);
  });
  test("the normal limit takes over where counting would be long, without a jump", () => {
    const values = (count: number, shift: number) =>
      Array.from({ length: count }, (_none, i) => ((i * 7919) % 1009) / 1009 + shift);
    const exact = mannWhitneyTest(values(30, 0), values(30, 0.12));
    expect(exact.isExact).toBe(true);
    const limit = mannWhitneyTest(values(31, 0), values(30, 0.12));
    expect(limit.isExact).toBe(false);
    expect(Math.abs(limit.pValue / exact.pValue - 1)).toBeLessThan(0.25);
    const many = Array.from({ length: 3000 }, (_none, i) => i);
    const shifted = many.map((value) => value + 100.5);
    const { isExact, pValue } = kolmogorovSmirnovTest(many, shifted);
    expect(isExact).toBe(false);
    expect(pValue).toBeGreaterThan(0.05);
  });
});

describe("pairs", () => {
  for (const { first, second, paired, wilcoxon, sign } of goldens.pairs) {
    test(`of ${first.length}`, () => {
      // Decimal differences are equal only once rounded, as the goldens' are.
      const differences = first.map((value: number, index: number) => Number((value - second[index]).toFixed(3)));
      const zeros = differences.map(() => 0);
      for (const alternative of ALTERNATIVES) {
        expectResult(pairedTTest(first, second, alternative), paired[alternative], `t, ${alternative}`);
        const ranked: [number, number] = [wilcoxon.statistic, wilcoxon[alternative]];
        expectResult(wilcoxonTest(differences, zeros, alternative), ranked, `Wilcoxon, ${alternative}`);
        expectClose(signTest(differences, zeros, alternative).pValue, sign[alternative], CLOSE, `sign, ${alternative}`);
      }
    });
  }
  test("pairs need as many of each, and differences that are all 0 say nothing", () => {
    expect(() => signTest([1, 2], [1])).toThrow("The first sample has 2 values and the second has 1");
    expect(signTest([1, 2], [1, 2])).toEqual({ statistic: 0, pValue: 1 });
    expect(wilcoxonTest([1, 2], [1, 2]).pValue).toBe(1);
  });
});

describe("areas under the ROC curve", () => {
  test("variances and comparison are those from all pairs", () => {
    for (const { labels, first, second, aucs, variances, varianceOfDifference, z, p } of goldens.delong) {
      for (const [index, scores] of [first, second].entries()) {
        const { estimate, lower, upper, variance } = aucInterval(scores, labels);
        expectClose(estimate, aucs[index], CLOSE, "area");
        expectClose(variance, variances[index], CLOSE, "variance");
        // The ends are as far from the estimate, on the logit scale, as 1.96 times the standard error by the delta method.
        const logit = (area: number) => Math.log(area / (1 - area));
        const wanted = (1.959963984540054 * Math.sqrt(variance)) / (estimate * (1 - estimate));
        expectClose(logit(upper) - logit(estimate), wanted, CLOSE, "upper end");
        expectClose(logit(estimate) - logit(lower), wanted, CLOSE, "lower end");
      }
      const compared = compareAucs(first, second, labels);
      expectResult(compared, [z, p], "comparison");
      expectClose(compared.variance, varianceOfDifference, CLOSE, "variance of the difference");
    }
  });
  test("the same order has no difference, and a perfect one no variance", () => {
    const labels = [false, true, false, true, true];
    const scores = [0.1, 0.4, 0.35, 0.8, 0.3];
    const same = compareAucs(
      scores,
      scores.map((score) => score * 2),
      labels,
    );
    expect([same.statistic, same.pValue, same.variance]).toEqual([0, 1, 0]);
    // Two disjoint pairs at most: the area whose square is 0.025.
    const perfect = aucInterval([1, 9, 2, 8, 7], labels);
    expect(perfect).toMatchObject({ estimate: 1, upper: 1, variance: 0 });
    expectClose(perfect.lower ** 2, 0.025, 1e-12, "lower end");
    const reversed = aucInterval([-1, -9, -2, -8, -7], labels);
    expect(reversed).toEqual({ estimate: 0, lower: 0, upper: 1 - perfect.lower, variance: 0 });
    expect(() => aucInterval([1, 2, 3], [0, 0, 1])).toThrow("There are 1 positive and 2 negative cases");
  });
});

test("many p values, adjusted", () => {
  for (const { p, ...adjusted } of goldens.multiple) {
    for (const [correction, wanted] of Object.entries(adjusted) as [Correction, number[]][]) {
      const got = adjustPValues(p, correction);
      for (const [index, value] of wanted.entries())
        expectClose(got[index]!, value, CLOSE, `${correction}, ${p[index]}`);
    }
  }
  expect([...adjustPValues([], "holm")]).toEqual([]);
  expect(() => adjustPValues([0.1, 1.5], "holm")).toThrow("A p value is 1.5");
  expect(() => adjustPValues([-1], "holm")).toThrow("A p value is -1");
});
