// What scores of loans are worth where the probability of every label is known: no luck of drawn labels is in these figures.
import { type Applicant, type Gender, repaidProbability } from "./population.ts";

export interface Judged {
  /** The chance that who is recorded as repaying is ranked above who is not. */
  readonly auc: number;
  /** The chance that the likelier label is the recorded one. */
  readonly accuracy: number;
}

/** Of a group of people. */
export interface JudgedGroup {
  readonly rows: number;
  /** Mean probability that their loans are repaid, as they are and as they are recorded. */
  readonly repaid: number;
  readonly recorded: number;
  /** Mean score: what is believed of them. */
  readonly believed: number;
  /** The share called likely to repay, of all and of those who will. */
  readonly approved: number;
  readonly approvedOfRepaying: number;
}

/**
 * @param scores of the people, from 0 to 1
 * @param probabilities that the records say "repaid"
 */
export function judged(scores: ArrayLike<number>, probabilities: ArrayLike<number>): Judged {
  const order = Array.from(probabilities, (_, row) => row).toSorted((a, b) => scores[a]! - scores[b]!);
  let [pairs, positives, negatives, right] = [0, 0, 0, 0];
  for (let from = 0; from < order.length; ) {
    let [tiedPositives, tiedNegatives, to] = [0, 0, from];
    for (; to < order.length && scores[order[to]!] === scores[order[from]!]; to++) {
      const probability = probabilities[order[to]!]!;
      tiedPositives += probability;
      tiedNegatives += 1 - probability;
      right += scores[order[to]!]! > 0.5 ? probability : 1 - probability;
    }
    // Equal scores are a pair half won.
    pairs += tiedPositives * (negatives + tiedNegatives / 2);
    positives += tiedPositives;
    negatives += tiedNegatives;
    from = to;
  }
  return { auc: pairs / (positives * negatives), accuracy: right / order.length };
}

/** @param recorded probabilities that the records say "repaid" */
export function judgedGroup(
  gender: Gender,
  people: readonly Applicant[],
  scores: ArrayLike<number>,
  recorded: ArrayLike<number>,
): JudgedGroup {
  const rows = people.flatMap((one, row) => (one.gender === gender ? [row] : []));
  const mean = (of: (row: number) => number): number => rows.reduce((sum, row) => sum + of(row), 0) / rows.length;
  const isApproved = (row: number): number => (scores[row]! > 0.5 ? 1 : 0);
  const repaid = mean((row) => repaidProbability(people[row]!));
  return {
    rows: rows.length,
    repaid,
    recorded: mean((row) => recorded[row]!),
    believed: mean((row) => scores[row]!),
    approved: mean(isApproved),
    approvedOfRepaying: mean((row) => isApproved(row) * repaidProbability(people[row]!)) / repaid,
  };
}
