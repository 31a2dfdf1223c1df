// Scores with their labels, best first.

/** A label and the score the model gave it: a probability where a softmax came before. */
export interface LabelScore {
  readonly label: string;
  readonly score: number;
}

/** The `top` best scores with their labels, best first; equal ones in the labels' order, NaN last. */
export function bestLabels(scores: ArrayLike<number>, labels: readonly string[], top: number): LabelScore[] {
  const order = (a: number, b: number): number => compareScores(scores[a]!, scores[b]!) || a - b;
  const best = top < labels.length / 8 ? selected(labels.length, top, order) : sorted(labels.length, order);
  return best.slice(0, top).map((index) => ({ label: labels[index]!, score: scores[index]! }));
}

type Order = (a: number, b: number) => number;

function sorted(count: number, order: Order): number[] {
  return Array.from({ length: count }, (_none, index) => index).sort(order);
}

/** The first few in order, without sorting the many others: answers leave the process that takes requests. */
function selected(count: number, few: number, order: Order): number[] {
  const best: number[] = [];
  for (let index = 0; index < count; index++) {
    if (best.length === few && order(index, best[few - 1]!) > 0) continue;
    let place = best.length;
    while (place > 0 && order(index, best[place - 1]!) < 0) place--;
    best.splice(place, 0, index);
    if (best.length > few) best.pop();
  }
  return best;
}

function compareScores(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a === b ? 0 : b > a ? 1 : -1;
}
