// Tests on ranks and signs, which ask nothing of the shape of a distribution: Mann–Whitney, Wilcoxon, sign.
import { paired, sample } from "../arguments.ts";
import { binomialDistribution, normalDistribution } from "../distributions/index.ts";
import { type Alternative, symmetricPValue, type TestResult, TWO_SIDED } from "./result.ts";

export interface RankTestResult extends TestResult {
  /** Whether the p value is that of the permutation distribution, ties and all, and not of its normal limit. */
  readonly isExact: boolean;
}

/** Up to this many values in both samples together all splits are counted. */
const EXACT_VALUES = 60;
/** Up to this many differences all signs are counted. */
const EXACT_PAIRS = 200;

/** Ranks from 1, equal values sharing the mean of theirs, and Σ (t³ − t) over groups of t equal values. */
export function midranks(values: ArrayLike<number>): { readonly ranks: Float64Array; readonly ties: number } {
  const order = Uint32Array.from({ length: values.length }, (_none, index) => index).sort(
    (a, b) => values[a]! - values[b]!,
  );
  const ranks = new Float64Array(values.length);
  let ties = 0;
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    for (let place = start; place < end; place++) ranks[order[place]!] = (start + 1 + end) / 2;
    const size = end - start;
    ties += size ** 3 - size;
    start = end;
  }
  return { ranks, ties };
}

/**
 * Whether values of one sample tend to be greater than those of the other: the Mann–Whitney U test, that is Wilcoxon's rank
 * sum. Exact up to 60 values, with ties too; beyond that normal, corrected for ties and continuity.
 * Source: H. B. Mann, D. R. Whitney, Annals of Mathematical Statistics 18 (1947); E. L. Lehmann, Nonparametrics (1975), 1.4.
 * @returns U of the first sample: in how many pairs its value is the greater, a tie counting ½
 */
export function mannWhitneyTest(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  alternative: Alternative = TWO_SIDED,
): RankTestResult {
  const [countA, countB] = [sample("The first sample", a).length, sample("The second sample", b).length];
  const { ranks, ties } = midranks([...Array.from(a), ...Array.from(b)]);
  const count = countA + countB;
  let rankSum = 0;
  for (let index = 0; index < countA; index++) rankSum += ranks[index]!;
  const statistic = rankSum - (countA * (countA + 1)) / 2;
  if (count <= EXACT_VALUES) {
    const [low, high] = rankSumTails(ranks, countA, 2 * rankSum);
    return { statistic, pValue: chosen(low, high, alternative), isExact: true };
  }
  const variance = ((countA * countB) / 12) * (count + 1 - ties / (count * (count - 1)));
  const from = statistic - (countA * countB) / 2;
  return { statistic, pValue: normalPValue(from, variance, alternative, 0.5), isExact: false };
}

/** P(S ≤ s) and P(S ≥ s) of twice the rank sum of `chosenCount` ranks drawn at random, counting subsets by size and sum. */
function rankSumTails(ranks: Float64Array, chosenCount: number, twiceSum: number): readonly [number, number] {
  const most = ranks.length * (ranks.length + 1);
  const rows = Array.from({ length: chosenCount + 1 }, () => new Float64Array(most + 1));
  rows[0]![0] = 1;
  let seen = 0;
  for (const rank of ranks) {
    seen++;
    const twice = 2 * rank;
    for (let size = Math.min(seen, chosenCount); size >= 1; size--) {
      const [row, smaller] = [rows[size]!, rows[size - 1]!];
      for (let sum = twice; sum <= most; sum++) row[sum]! += smaller[sum - twice]!;
    }
  }
  return shares(rows[chosenCount]!, twiceSum);
}

/**
 * Whether paired differences are symmetric about 0: Wilcoxon's signed-rank test. Differences of 0 are left out. Exact up to
 * 200 differences, with ties too; beyond that normal, corrected for ties. Source: F. Wilcoxon, Biometrics Bulletin 1 (1945);
 * Lehmann (1975), 3.2.
 * @returns the sum of the ranks of differences first − second above 0
 */
export function wilcoxonTest(
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  alternative: Alternative = TWO_SIDED,
): RankTestResult {
  const differences = nonZeroDifferences(first, second);
  const { ranks, ties } = midranks(differences.map(Math.abs));
  let statistic = 0;
  for (const [index, difference] of differences.entries()) if (difference > 0) statistic += ranks[index]!;
  const count = differences.length;
  if (count <= EXACT_PAIRS) {
    const [low, high] = signedRankTails(ranks, 2 * statistic);
    return { statistic, pValue: chosen(low, high, alternative), isExact: true };
  }
  const variance = (count * (count + 1) * (2 * count + 1)) / 24 - ties / 48;
  const from = statistic - (count * (count + 1)) / 4;
  return { statistic, pValue: normalPValue(from, variance, alternative, 0), isExact: false };
}

/** P(S ≤ s) and P(S ≥ s) of twice the sum of ranks that are each taken or not, as a coin decides. */
function signedRankTails(ranks: Float64Array, twiceSum: number): readonly [number, number] {
  const chances = new Float64Array(ranks.length * (ranks.length + 1) + 1);
  chances[0] = 1;
  let reached = 0;
  for (const rank of ranks) {
    const twice = 2 * rank;
    reached += twice;
    for (let sum = reached; sum >= 0; sum--) {
      chances[sum] = (chances[sum]! + (sum >= twice ? chances[sum - twice]! : 0)) / 2;
    }
  }
  return shares(chances, twiceSum);
}

/**
 * Whether paired differences are above 0 as often as below: the sign test, exact. Differences of 0 are left out. Asks for
 * nothing but independent pairs. Source: Conover (1999), 3.4.
 * @returns how many differences first − second are above 0
 */
export function signTest(
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  alternative: Alternative = TWO_SIDED,
): TestResult {
  const differences = nonZeroDifferences(first, second);
  const statistic = differences.filter((difference) => difference > 0).length;
  const coin = binomialDistribution(differences.length, 0.5);
  return { statistic, pValue: chosen(coin.cdf(statistic), coin.survival(statistic - 1), alternative) };
}

function nonZeroDifferences(first: ArrayLike<number>, second: ArrayLike<number>): Float64Array {
  paired("The first sample", sample("The first sample", first), "the second", sample("The second sample", second));
  return Float64Array.from(first, (value, index) => value - second[index]!).filter((difference) => difference !== 0);
}

/** The shares of what is counted at or below a place, and at or above it. */
function shares(counted: Float64Array, place: number): readonly [number, number] {
  let [low, high] = [0, 0];
  for (let index = 0; index < counted.length; index++) {
    if (index <= place) low += counted[index]!;
    if (index >= place) high += counted[index]!;
  }
  const all = low + high - counted[place]!;
  return [low / all, high / all];
}

function chosen(low: number, high: number, alternative: Alternative): number {
  if (alternative === "less") return low;
  if (alternative === "greater") return high;
  return Math.min(1, 2 * Math.min(low, high));
}

/** From a distance to the mean and a variance; `continuity` moves the distance towards 0 by as much. 1 where nothing varies. */
function normalPValue(from: number, variance: number, alternative: Alternative, continuity: number): number {
  if (variance <= 0) return 1;
  const towards = alternative === "greater" ? 1 : alternative === "less" ? -1 : Math.sign(from);
  const z = (from - towards * continuity) / Math.sqrt(variance);
  if (alternative === TWO_SIDED && z * from < 0) return 1;
  return symmetricPValue(normalDistribution(), z, alternative);
}
