// Tests on counts: of two proportions, of a two by two table, of the same cases judged twice, of shares that were planned.
import { positive, whole } from "../arguments.ts";
import {
  binomialDistribution,
  chiSquareDistribution,
  hypergeometricProbabilities,
  normalDistribution,
} from "../distributions/index.ts";
import type { Counts } from "../intervals/index.ts";
import { type Alternative, symmetricPValue, type TestResult, TWO_SIDED } from "./result.ts";

/**
 * Whether two proportions differ, by the score test with a pooled variance. Asymptotic: for small counts use
 * `fisherExactTest`. Source: A. Agresti, Categorical Data Analysis, 3rd edition (2013), 3.2.
 * @returns z of first − second; 0 with p = 1 where all, or none, succeeded
 */
export function twoProportionTest(first: Counts, second: Counts, alternative: Alternative = TWO_SIDED): TestResult {
  for (const { successes, trials } of [first, second]) {
    whole("The number of trials", trials, 1);
    whole("The number of successes", successes, 0, trials);
  }
  const pooled = (first.successes + second.successes) / (first.trials + second.trials);
  const error = Math.sqrt(pooled * (1 - pooled) * (1 / first.trials + 1 / second.trials));
  const difference = first.successes / first.trials - second.successes / second.trials;
  const statistic = error === 0 ? 0 : difference / error;
  return { statistic, pValue: symmetricPValue(normalDistribution(), statistic, alternative) };
}

/** Rows of counts: [[a, b], [c, d]]. */
export type TwoByTwo = readonly [readonly [number, number], readonly [number, number]];

/** Tables whose probability is within this share of the observed one's count as equal to it, as in R and SciPy. */
const SAME_PROBABILITY = 1e-7;

/**
 * Fisher's exact test of independence in a two by two table: the probability, margins given, of tables as unlikely as this
 * one or more. Source: R. A. Fisher, Statistical Methods for Research Workers, 5th edition (1934); two-sided as in Freeman
 * and Halton (1951).
 * @returns the sample's odds ratio, Infinity or NaN where a cell is 0, and the p value
 */
export function fisherExactTest(table: TwoByTwo, alternative: Alternative = TWO_SIDED): TestResult {
  const [[a, b], [c, d]] = table;
  for (const count of [a, b, c, d]) whole("A count of the table", count);
  const statistic = (a * d) / (b * c);
  const { least, probabilities } = hypergeometricProbabilities({ marked: a + c, unmarked: b + d, drawn: a + b });
  const observed = probabilities[a - least]!;
  let pValue = 0;
  for (const [place, chance] of probabilities.entries()) {
    const isAsExtreme =
      alternative === "less"
        ? place <= a - least
        : alternative === "greater"
          ? place >= a - least
          : chance <= observed * (1 + SAME_PROBABILITY);
    if (isAsExtreme) pValue += chance;
  }
  return { statistic, pValue: Math.min(1, pValue) };
}

/**
 * McNemar's test: whether two judges of the same cases are right equally often, by the cases that only one got right.
 *
 * "exact" never rejects more often than it says; "mid-p" comes closer to it and hardly ever exceeds it. Source: Q. McNemar,
 * Psychometrika 12 (1947); M. W. Fagerland, S. Lydersen, P. Laake, BMC Medical Research Methodology 13:91 (2013).
 * @returns the smaller of the two counts, and the two-sided p value
 */
export function mcnemarTest(onlyFirst: number, onlySecond: number, method: "exact" | "mid-p" = "mid-p"): TestResult {
  whole("The count of cases only the first got right", onlyFirst);
  whole("The count of cases only the second got right", onlySecond);
  const cases = onlyFirst + onlySecond;
  const statistic = Math.min(onlyFirst, onlySecond);
  if (cases === 0) return { statistic, pValue: 1 };
  const distribution = binomialDistribution(cases, 0.5);
  const exact = Math.min(1, 2 * distribution.cdf(statistic));
  // Half the probability of what was observed: of one outcome where the counts are equal, else of it and its mirror image.
  const half = (distribution.density(statistic) * (onlyFirst === onlySecond ? 1 : 2)) / 2;
  return { statistic, pValue: method === "exact" ? exact : exact - half };
}

/**
 * Pearson's chi-square test of counts against the shares that were planned: a sample ratio mismatch where a split of traffic
 * is not the one configured. Source: K. Pearson, Philosophical Magazine 50 (1900).
 * @param shares in any unit: [1, 1] is an equal split
 */
export function goodnessOfFitTest(counts: readonly number[], shares: readonly number[]): TestResult {
  if (counts.length !== shares.length || counts.length < 2) {
    throw new RangeError(`There are ${counts.length} counts and ${shares.length} shares; give as many, at least two.`);
  }
  const total = counts.reduce((sum, count) => sum + whole("A count", count), 0);
  const parts = shares.reduce((sum, share) => sum + positive("A share", share), 0);
  positive("The sum of the counts", total);
  const statistic = counts.reduce((sum, count, index) => {
    const expected = (total * shares[index]!) / parts;
    return sum + (count - expected) ** 2 / expected;
  }, 0);
  return { statistic, pValue: chiSquareDistribution(counts.length - 1).survival(statistic) };
}

/**
 * Whether rows of counts have one distribution over the columns: Pearson's chi-square, without continuity correction, or the
 * likelihood ratio G (Agresti 2013, 3.2). Columns without counts are left out.
 */
export function independenceTest(
  rows: readonly (readonly number[])[],
  method: "pearson" | "likelihood-ratio" = "pearson",
): TestResult & { readonly degrees: number } {
  const width = rows[0]?.length ?? 0;
  if (rows.length < 2 || rows.some((row) => row.length !== width)) {
    throw new RangeError(`The table has ${rows.length} rows; give at least two, of as many columns each.`);
  }
  const columnSums = Array.from({ length: width }, (_none, column) =>
    rows.reduce((sum, row) => sum + whole("A count of the table", row[column]!), 0),
  );
  const rowSums = rows.map((row) => row.reduce((sum, count) => sum + count, 0));
  for (const sum of rowSums) positive("The sum of a row", sum);
  const used = columnSums.filter((sum) => sum > 0).length;
  const total = rowSums.reduce((sum, count) => sum + count, 0);
  let statistic = 0;
  for (const [index, row] of rows.entries()) {
    for (const [column, count] of row.entries()) {
      const expected = (rowSums[index]! * columnSums[column]!) / total;
      if (expected === 0) continue;
      if (method === "pearson") statistic += (count - expected) ** 2 / expected;
      else if (count > 0) statistic += 2 * count * Math.log(count / expected);
    }
  }
  const degrees = (rows.length - 1) * (used - 1);
  if (degrees === 0) return { statistic: 0, pValue: 1, degrees };
  return { statistic, pValue: chiSquareDistribution(degrees).survival(Math.max(0, statistic)), degrees };
}
