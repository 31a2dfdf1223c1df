// The best of many scores, for everything that answers classes: those with labels, and the classification extension.

/**
 * Indices of the `top` highest scores from `start` up to `end` (exclusive), best first and counted from `start`; of
 * equal ones the lower index, NaN last.
 */
export function bestIndices(scores: ArrayLike<number>, start: number, end: number, top: number): number[] {
  const order = (a: number, b: number): number => compareScores(scores[start + a]!, scores[start + b]!) || a - b;
  const count = end - start;
  return top < count / 8 ? selected(count, top, order) : sorted(count, order).slice(0, top);
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
