// Permutation tests: how a statistic compares with all, or many, relabellings of the same values.
import { paired, sample, whole } from "../arguments.ts";
import { mean } from "../intervals/index.ts";
import { type Random, shuffle } from "../random/index.ts";
import { type Alternative, TWO_SIDED } from "../tests/result.ts";

/** What came of a permutation test. */
export interface PermutationResult {
  readonly statistic: number;
  readonly pValue: number;
  /** Whether all relabellings were tried, so that the p value is no estimate. */
  readonly isExact: boolean;
}

export interface PermutationOptions {
  readonly random: Random;
  /** At most how many relabellings to try; 9 999 where nothing is said. Where there are no more than that, all are. */
  readonly permutations?: number;
  readonly alternative?: Alternative;
}

const DEFAULT_PERMUTATIONS = 9999;

/** Statistics within this share of the observed one count as equal to it: they differ by rounding alone. */
const SAME = 1e-12;

/**
 * Whether two samples come from one distribution, by the share of random splits whose statistic is as extreme.
 *
 * Where not all splits are tried the observed one counts as one more of them, which keeps the test valid: p is never 0. A
 * two-sided p value is twice the smaller one-sided one. Source: B. Phipson and G. K. Smyth, "Permutation p-values should never
 * be zero", SAGMB 9 (2010).
 * @param statistic of both samples; the difference of the means a − b where nothing is said
 */
export function permutationTest(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  options: PermutationOptions,
  statistic: (a: Float64Array, b: Float64Array) => number = (x, y) => mean(x) - mean(y),
): PermutationResult {
  const values = Float64Array.of(...Array.from(sample("The first sample", a)), ...Array.from(sample("The second", b)));
  const first = values.subarray(0, a.length);
  const second = values.subarray(a.length);
  const observed = statistic(first, second);
  const tally = createTally(observed, options);
  const every = choices(values.length, a.length);
  if (every <= tally.most) {
    const all = values.slice();
    for (const chosen of combinations(all.length, a.length)) {
      let [into, other] = [0, a.length];
      for (let index = 0; index < all.length; index++) {
        if (chosen[into] === index) values[into++] = all[index]!;
        else values[other++] = all[index]!;
      }
      tally.add(statistic(first, second));
    }
    return tally.result(true);
  }
  for (let round = 0; round < tally.most; round++) {
    shuffle(options.random, values);
    tally.add(statistic(first, second));
  }
  return tally.result(false);
}

/**
 * Whether paired differences are symmetric about 0, by the share of random signs whose statistic is as extreme
 * (R. A. Fisher, The Design of Experiments, 1935). As `permutationTest` otherwise.
 * @param statistic of the differences first − second; their mean where nothing is said
 */
export function signFlipTest(
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  options: PermutationOptions,
  statistic: (differences: Float64Array) => number = mean,
): PermutationResult {
  paired("The first sample", sample("The first sample", first), "the second", sample("The second sample", second));
  const differences = Float64Array.from(first, (value, index) => value - second[index]!);
  const flipped = differences.slice();
  const tally = createTally(statistic(flipped), options);
  const count = differences.length;
  if (2 ** count <= tally.most) {
    for (let signs = 0; signs < 2 ** count; signs++) {
      for (let index = 0; index < count; index++)
        flipped[index] = differences[index]! * ((signs >> index) & 1 ? -1 : 1);
      tally.add(statistic(flipped));
    }
    return tally.result(true);
  }
  for (let round = 0; round < tally.most; round++) {
    let bits = 0;
    for (let index = 0; index < count; index++) {
      if (index % 32 === 0) bits = options.random.bits();
      flipped[index] = bits & 1 ? -differences[index]! : differences[index]!;
      bits >>>= 1;
    }
    tally.add(statistic(flipped));
  }
  return tally.result(false);
}

/** Counts the statistics that are as low or as high as the observed one. */
function createTally(observed: number, { permutations, alternative = TWO_SIDED }: PermutationOptions) {
  const most = whole("The number of permutations", permutations ?? DEFAULT_PERMUTATIONS, 1, 2 ** 30);
  const slack = Math.abs(observed) * SAME;
  let [low, high, tried] = [0, 0, 0];
  return {
    most,
    add(value: number): void {
      tried++;
      if (value <= observed + slack) low++;
      if (value >= observed - slack) high++;
    },
    result(isExact: boolean): PermutationResult {
      const share = (counted: number): number => (isExact ? counted / tried : (counted + 1) / (tried + 1));
      const pValue =
        alternative === "less"
          ? share(low)
          : alternative === "greater"
            ? share(high)
            : Math.min(1, 2 * share(Math.min(low, high)));
      return { statistic: observed, pValue, isExact };
    },
  };
}

/** In how many ways `chosen` of `count` can be chosen; rounded where it is large. */
function choices(count: number, chosen: number): number {
  let ways = 1;
  for (let k = 1; k <= Math.min(chosen, count - chosen); k++) ways = (ways * (count - k + 1)) / k;
  return Math.round(ways);
}

/** Each choice of indices, ascending, in lexicographic order; the array is used again. */
function* combinations(count: number, chosen: number): Generator<Uint32Array> {
  const indices = Uint32Array.from({ length: chosen }, (_none, index) => index);
  for (;;) {
    yield indices;
    let place = chosen - 1;
    while (place >= 0 && indices[place] === count - chosen + place) place--;
    if (place < 0) return;
    const next = indices[place]! + 1;
    for (let later = place; later < chosen; later++) indices[later] = next + later - place;
  }
}
