// Rankings under any weights: the areas under the curves of each class against the rest, from an order that is found once, and
// how much each row moves them.
import { descendingOrder } from "./order.ts";
import type { CheckedRows } from "./rows.ts";

/** Above this many classes, or scores, every class's order is too much to keep and walk through. */
export const MAX_RESAMPLED_RANKINGS = { classes: 100, scores: 2 ** 24 } as const;

/** One class against the rest: rows of a weight above 0 by falling score, and where a run of equal scores ends. */
export interface Ranking {
  readonly order: Uint32Array;
  readonly isEnd: Uint8Array;
  readonly label: number;
}

export function rankingsOf(checked: CheckedRows, positive: number): readonly Ranking[] {
  const { rows, classes, columns, scores, weights } = checked;
  const { classes: mostClasses, scores: mostScores } = MAX_RESAMPLED_RANKINGS;
  if (classes > mostClasses || rows * classes > mostScores) return [];
  const labels = classes === 2 ? [positive] : Array.from({ length: classes }, (_none, label) => label);
  const column = new Float64Array(rows);
  return labels.map((label) => {
    for (let row = 0; row < rows; row++) column[row] = scoreOf(scores, columns, row, label);
    const order = descendingOrder(column, weights);
    const isEnd = Uint8Array.from(order, (row, place) => Number(column[row] !== column[order[place + 1] ?? -1]));
    return { order, isEnd, label };
  });
}

/** A row's score for a class; with one score a row, which is of class 1, the other class's is its negative. */
export function scoreOf(scores: CheckedRows["scores"], columns: number, row: number, label: number): number {
  if (columns > 1) return scores[row * columns + label]!;
  return label === 1 ? scores[row]! : -scores[row]!;
}

/** The areas under a class's ROC curve and its precision-recall curve; NaN where there are no rows of it, or no others. */
export function ranked({ order, isEnd, label }: Ranking, labels: Int32Array, weights: Float64Array) {
  let [positive, negative, positiveBefore, negativeBefore, area, gained] = [0, 0, 0, 0, 0, 0];
  for (let place = 0; place < order.length; place++) {
    const row = order[place]!;
    if (labels[row] === label) positive += weights[row]!;
    else negative += weights[row]!;
    if (isEnd[place] === 0) continue;
    area += ((negative - negativeBefore) * (positive + positiveBefore)) / 2;
    if (positive > positiveBefore) gained += ((positive - positiveBefore) * positive) / (positive + negative);
    positiveBefore = positive;
    negativeBefore = negative;
  }
  return { area: area / positive / negative, precision: gained / positive };
}

/**
 * The influences of rows on the mean over classes of one of the areas, each times its row's weight. A row of a class moves its
 * area by how far the share of others below it lies from the area, in its class's share; so too a row of the others (the
 * placements of DeLong, Biometrics 44 (1988)). Average precision is moved by the row's own precision, and by what the row does
 * to all thresholds at or below its score.
 */
export function rankedInfluences(
  rankings: readonly Ranking[],
  labels: Int32Array,
  weights: Float64Array,
  what: "area" | "precision",
): Float64Array {
  const influences = new Float64Array(weights.length);
  for (const ranking of rankings) {
    const points = pointsOf(ranking, labels, weights);
    const one = what === "area" ? areaMoves(points) : precisionMoves(points);
    let point = 0;
    for (let place = 0; place < ranking.order.length; place++) {
      const row = ranking.order[place]!;
      const moved = labels[row] === ranking.label ? one.positive[point]! : one.negative[point]!;
      influences[row]! += (weights[row]! * moved) / rankings.length;
      if (ranking.isEnd[place] === 1) point++;
    }
  }
  return influences;
}

/** By distinct score, the highest first: weights of positives and negatives down to and with it. */
interface Points {
  readonly positives: Float64Array;
  readonly negatives: Float64Array;
}

/** By distinct score, how much more weight of a positive, or a negative, of that score moves a figure. */
interface Moves {
  readonly positive: Float64Array;
  readonly negative: Float64Array;
}

function pointsOf({ order, isEnd, label }: Ranking, labels: Int32Array, weights: Float64Array): Points {
  const count = isEnd.reduce((sum, one) => sum + one, 0);
  const [positives, negatives] = [new Float64Array(count), new Float64Array(count)];
  let [positive, negative, point] = [0, 0, 0];
  for (let place = 0; place < order.length; place++) {
    const row = order[place]!;
    if (labels[row] === label) positive += weights[row]!;
    else negative += weights[row]!;
    if (isEnd[place] === 0) continue;
    positives[point] = positive;
    negatives[point++] = negative;
  }
  return { positives, negatives };
}

function areaMoves({ positives, negatives }: Points): Moves {
  const [all, others] = [positives.at(-1)!, negatives.at(-1)!];
  let area = 0;
  for (let point = 0; point < positives.length; point++) {
    const [before, fewer] = [positives[point - 1] ?? 0, negatives[point - 1] ?? 0];
    area += ((negatives[point]! - fewer) * (positives[point]! + before)) / 2;
  }
  area /= all * others;
  const below = (counts: Float64Array, point: number) => (counts[point]! + (counts[point - 1] ?? 0)) / 2;
  return {
    positive: positives.map((_none, point) => ((others - below(negatives, point)) / others - area) / all),
    negative: negatives.map((_none, point) => (below(positives, point) / all - area) / others),
  };
}

function precisionMoves({ positives, negatives }: Points): Moves {
  const all = positives.at(-1)!;
  const positive = new Float64Array(positives.length);
  const negative = new Float64Array(positives.length);
  const precisionAt = (point: number) => positives[point]! / (positives[point]! + negatives[point]!);
  const gainedAt = (point: number) => positives[point]! - (positives[point - 1] ?? 0);
  let average = 0;
  for (let point = 0; point < positives.length; point++) average += (gainedAt(point) * precisionAt(point)) / all;
  // From the lowest score up: what a row changes at its own threshold and all below.
  let [more, less] = [0, 0];
  for (let point = positives.length - 1; point >= 0; point--) {
    const both = (positives[point]! + negatives[point]!) ** 2;
    more += (gainedAt(point) * negatives[point]!) / both;
    less -= (gainedAt(point) * positives[point]!) / both;
    positive[point] = (precisionAt(point) + more - average) / all;
    negative[point] = less / all;
  }
  return { positive, negative };
}
