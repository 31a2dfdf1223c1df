// What numbers have to do with labels, and with other numbers, of the same cases.
import { paired, sample } from "../arguments.ts";
import { mean } from "../intervals/index.ts";
import { midranks } from "../tests/ranks.ts";

/**
 * The correlation ratio η: 0 where the mean of the numbers is the same for every label, 1 where labels tell the numbers. Its
 * square is the share of the variance that lies between labels.
 * Source: K. Pearson, Drapers' Company Research Memoirs 2 (1905).
 * @param labels whole numbers from 0, as many as numbers
 * @returns 0 where the numbers do not vary
 */
export function correlationRatio(numbers: ArrayLike<number>, labels: ArrayLike<number>): number {
  paired("The numbers", sample("The numbers", numbers), "the labels", labels);
  const centre = mean(numbers);
  const sums: number[] = [];
  const counts: number[] = [];
  let all = 0;
  for (let index = 0; index < numbers.length; index++) {
    const label = labels[index]!;
    const from = numbers[index]! - centre;
    sums[label] = (sums[label] ?? 0) + from;
    counts[label] = (counts[label] ?? 0) + 1;
    all += from * from;
  }
  if (all === 0) return 0;
  const between = counts.reduce((sum, count, label) => sum + sums[label]! ** 2 / count, 0);
  return Math.sqrt(Math.min(1, between / all));
}

/**
 * Pearson's correlation, from −1 to 1.
 * @returns 0 where either does not vary
 */
export function pearsonCorrelation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  paired("The first sample", sample("The first sample", a), "the second", sample("The second sample", b));
  const [centreA, centreB] = [mean(a), mean(b)];
  let [squaresA, squaresB, products] = [0, 0, 0];
  for (let index = 0; index < a.length; index++) {
    const [fromA, fromB] = [a[index]! - centreA, b[index]! - centreB];
    squaresA += fromA * fromA;
    squaresB += fromB * fromB;
    products += fromA * fromB;
  }
  if (squaresA === 0 || squaresB === 0) return 0;
  return Math.max(-1, Math.min(1, products / Math.sqrt(squaresA) / Math.sqrt(squaresB)));
}

/**
 * Spearman's rank correlation, from −1 to 1: whether the one grows with the other, however; ties share the mean of their ranks.
 * Source: C. Spearman, American Journal of Psychology 15 (1904).
 * @returns 0 where either does not vary
 */
export function spearmanCorrelation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  paired("The first sample", sample("The first sample", a), "the second", sample("The second sample", b));
  return pearsonCorrelation(midranks(a).ranks, midranks(b).ranks);
}
