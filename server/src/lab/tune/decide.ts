// Whether a candidate is better than the current one, beyond the noise. The two are measured in pairs, back to back, in turns
// first and second, after the candidate was chosen: none of what chose it counts. Were they equal, each would win a pair as
// often as the other; so many wins as here are asked for that chance alone brings them in at most one decision of twenty
// (a one-sided sign test, which takes nothing for granted about how measurements scatter).

/** The current settings and its challenger, measured back to back: requests a second. */
export interface Pair {
  readonly current: number;
  readonly challenger: number;
}

export interface Verdict {
  /** The challenger over the current settings, pair by pair; null without a pair. */
  readonly ratio: Spread | null;
  readonly pairs: number;
  readonly wins: number;
  /** Wins that were needed; null where no number of wins in so few pairs is beyond chance. */
  readonly winsNeeded: number | null;
  /** How often chance alone brings at least this many wins. */
  readonly chance: number;
  readonly isBetter: boolean;
}

/** A median and the range around it. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** At most this often a candidate that is no better is taken for one. */
export const MOST_FALSE_SHARE = 0.05;
/** A gain below this is not worth a change, however sure it is. */
export const LEAST_GAIN = 0.03;
/** Fewer pairs than this can't decide: winning all of four happens by chance in one of sixteen. */
export const LEAST_PAIRS = 5;

/** Judges the pairs. */
export function verdictOf(pairs: readonly Pair[]): Verdict {
  const ratios = pairs.map(ratioOf);
  const wins = ratios.filter((ratio) => ratio > 1).length;
  const winsNeeded = winsNeededOf(pairs.length);
  const ratio = spreadOf(ratios);
  const isBetter = winsNeeded !== null && wins >= winsNeeded && ratio !== null && ratio.median >= 1 + LEAST_GAIN;
  return { ratio, pairs: pairs.length, wins, winsNeeded, chance: chanceOf(wins, pairs.length), isBetter };
}

/** A pair's ratio; one where neither did anything. */
export function ratioOf({ current, challenger }: Pair): number {
  return current === challenger ? 1 : challenger / current;
}

/** Median and range; null of nothing. */
export function spreadOf(values: readonly number[]): Spread | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, low: sorted[0]!, high: sorted.at(-1)! };
}

/** The fewest wins in so many pairs that chance brings at most `MOST_FALSE_SHARE` of the time; null where there are none. */
export function winsNeededOf(pairs: number): number | null {
  for (let wins = 0; wins <= pairs; wins++) if (chanceOf(wins, pairs) <= MOST_FALSE_SHARE) return wins;
  return null;
}

/** How often a fair coin shows at least so many heads: the upper tail of the binomial distribution. */
function chanceOf(wins: number, pairs: number): number {
  let tail = 0;
  let ways = 1;
  for (let losses = 0; losses <= pairs - wins; losses++) {
    tail += ways;
    ways = (ways * (pairs - losses)) / (losses + 1);
  }
  return tail / 2 ** pairs;
}
