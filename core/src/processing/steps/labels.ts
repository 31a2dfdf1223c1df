// Scores with their labels, best first.

/** A label and the score the model gave it: a probability where a softmax came before. */
export interface LabelScore {
  readonly label: string;
  readonly score: number;
}

/** The `top` best scores with their labels, best first; equal ones in the labels' order, NaN last. */
export function bestLabels(scores: ArrayLike<number>, labels: readonly string[], top: number): LabelScore[] {
  const order = labels.map((_label, index) => index);
  order.sort((a, b) => compareScores(scores[a]!, scores[b]!) || a - b);
  return order.slice(0, top).map((index) => ({ label: labels[index]!, score: scores[index]! }));
}

function compareScores(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a === b ? 0 : b > a ? 1 : -1;
}
