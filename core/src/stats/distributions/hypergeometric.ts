// The hypergeometric distribution: marked items among those drawn without putting back; behind Fisher's exact test.
import { whole } from "../arguments.ts";
import { binomialLogProbability } from "./binomial.ts";

/** An urn, and how many are drawn from it. */
export interface Urn {
  readonly marked: number;
  readonly unmarked: number;
  readonly drawn: number;
}

/**
 * The probabilities of each possible count of marked items among the drawn.
 * Source: Loader (2000): a ratio of three binomial probabilities, none of which is small where the answer is not.
 * @returns `least`, the least possible count, and the probabilities from there on
 */
export function hypergeometricProbabilities({ marked, unmarked, drawn }: Urn): {
  readonly least: number;
  readonly probabilities: Float64Array;
} {
  whole("The number of marked items", marked);
  whole("The number of unmarked items", unmarked);
  whole("The number of drawn items", drawn, 0, marked + unmarked);
  const total = marked + unmarked;
  const least = Math.max(0, drawn - unmarked);
  const most = Math.min(drawn, marked);
  const probabilities = new Float64Array(most - least + 1).fill(1);
  if (drawn === 0 || drawn === total) return { least, probabilities };
  const [p, q] = [drawn / total, (total - drawn) / total];
  const logAll = binomialLogProbability(drawn, total, p, q);
  for (let k = least; k <= most; k++) {
    const log = binomialLogProbability(k, marked, p, q) + binomialLogProbability(drawn - k, unmarked, p, q) - logAll;
    probabilities[k - least] = Math.exp(log);
  }
  return { least, probabilities };
}
