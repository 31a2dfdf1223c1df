// Scores with their labels, best first.
import { bestIndices } from "#tensor";

/** A label and the score the model gave it: a probability where a softmax came before. */
export interface LabelScore {
  readonly label: string;
  readonly score: number;
}

/** The `top` best scores with their labels, best first; equal ones in the labels' order, NaN last. */
export function bestLabels(scores: ArrayLike<number>, labels: readonly string[], top: number): LabelScore[] {
  return bestIndices(scores, 0, labels.length, top).map((index) => ({ label: labels[index]!, score: scores[index]! }));
}
