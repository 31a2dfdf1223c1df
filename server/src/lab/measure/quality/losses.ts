// Losses of a classifier's probabilities, row by row. Their weighted means are the log loss and the Brier score; the rows by
// themselves are what intervals and paired tests need.
import type { CheckedRows, Scores } from "./rows.ts";

/**
 * Probabilities are kept this far from 0 and 1 before a logarithm: the precision of their type, as scikit-learn does. A label
 * that was given probability 0 would otherwise make any log loss infinite.
 */
export function logLossEpsilon(scores: Scores): number {
  return scores instanceof Float32Array ? 2 ** -23 : Number.EPSILON;
}

/** The probability a row gives its own label. */
export function probabilityOfLabel({ scores, columns, labels }: CheckedRows, row: number): number {
  const label = labels[row]!;
  if (columns > 1) return scores[row * columns + label]!;
  return label === 1 ? scores[row]! : 1 - scores[row]!;
}

/** −ln of the probability given to the label, in nats. */
export function rowLogLoss(checked: CheckedRows, row: number, epsilon: number): number {
  return -Math.log(Math.min(1 - epsilon, Math.max(epsilon, probabilityOfLabel(checked, row))));
}

/**
 * The squared distance of the probabilities from the label's: from 0 to 1 for two classes, where it is (p − y)², and from 0 to
 * 2 for more, summed over classes. Source: G. W. Brier, Monthly Weather Review 78 (1950).
 */
export function rowBrier({ scores, columns, labels }: CheckedRows, row: number): number {
  const label = labels[row]!;
  if (columns === 1) return (scores[row]! - label) ** 2;
  let sum = 0;
  for (let column = 0; column < columns; column++) {
    sum += (scores[row * columns + column]! - (column === label ? 1 : 0)) ** 2;
  }
  return columns === 2 ? sum / 2 : sum;
}
