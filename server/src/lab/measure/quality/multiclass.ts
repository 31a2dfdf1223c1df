// Ranking metrics of more than two classes, from those of two: each class against the rest, and each pair of classes.
import { type Metric, meanOfDefined, metricFrom, undefinedMetric } from "./metric.ts";
import { descendingOrder } from "./order.ts";
import { averagePrecision, operatingPoints, rocAuc } from "./ranking.ts";
import type { CheckedRows } from "./rows.ts";

/** Pairs grow with the square of the classes; above this many classes they are not gone through. */
export const MAX_PAIRED_CLASSES = 100;

/** A ranking metric of each class against the rest. */
export interface OneVersusRest {
  readonly perClass: readonly Metric[];
  /** The plain mean over all classes: undefined as soon as one class is. */
  readonly macro: Metric;
  /** The mean weighted by labels, which classes without labels don't change. */
  readonly weighted: Metric;
}

/** The area under the ROC curve over pairs of the classes that have labels. */
export interface OneVersusOne {
  /** The plain mean over pairs. Source: D. J. Hand and R. J. Till, Machine Learning 45 (2001). */
  readonly macro: Metric;
  /** The mean weighted by how many labels a pair has. */
  readonly weighted: Metric;
}

/** How well scores of more than two classes order rows. */
export interface MulticlassRanking {
  readonly rocAuc: OneVersusRest;
  readonly averagePrecision: OneVersusRest;
  readonly rocAucOneVersusOne: OneVersusOne;
}

/**
 * Area and average precision of each class's score for its own rows against all others; and the area over pairs of classes:
 * among the rows of two, how well each one's score tells them apart, and the mean of both. Rows are put in order once a class.
 */
export function multiclassRanking(checked: CheckedRows): MulticlassRanking {
  const { rows, classes, labels, scores, weights } = checked;
  const support = labelWeights(checked);
  const areas: Metric[] = [];
  const precisions: Metric[] = [];
  /** [classes][classes]: the area of the first's score for its rows against those of the second. */
  const against: Float64Array[] = [];
  const column = new Float64Array(rows);
  const positives = new Uint8Array(rows);
  for (let label = 0; label < classes; label++) {
    for (let row = 0; row < rows; row++) {
      column[row] = scores[row * classes + label]!;
      positives[row] = labels[row] === label ? 1 : 0;
    }
    const order = descendingOrder(column, weights);
    const points = operatingPoints({ scores: column, positives, weights }, order);
    areas.push(support[label] === 0 && order.length > 0 ? undefinedMetric("class-absent") : rocAuc(points));
    precisions.push(averagePrecision(points));
    if (classes <= MAX_PAIRED_CLASSES) against.push(areasAgainst(label, checked, column, order));
  }
  return {
    rocAuc: means(areas, support),
    averagePrecision: means(precisions, support),
    rocAucOneVersusOne: oneVersusOne(support, against),
  };
}

function means(perClass: readonly Metric[], support: Float64Array): OneVersusRest {
  const isEmpty = support.every((weight) => weight === 0);
  const isWhole = perClass.every(({ value }) => value !== null);
  const absent = isEmpty ? "no-rows" : "some-class-absent";
  return {
    perClass,
    macro: isWhole ? meanOfDefined(perClass, null, absent) : undefinedMetric(absent),
    weighted: meanOfDefined(perClass, support, isEmpty ? "no-rows" : "one-class"),
  };
}

/** The means over pairs of classes with labels. */
function oneVersusOne(support: Float64Array, against: readonly Float64Array[]): OneVersusOne {
  if (support.length > MAX_PAIRED_CLASSES) return both("too-many-classes");
  const present = [...support.keys()].filter((label) => support[label]! > 0);
  if (present.length < 2) return both(present.length === 0 ? "no-rows" : "one-class");
  const pairs: Metric[] = [];
  const shares: number[] = [];
  present.forEach((first, place) => {
    for (const second of present.slice(place + 1)) {
      pairs.push(metricFrom((against[first]![second]! + against[second]![first]!) / 2));
      shares.push(support[first]! + support[second]!);
    }
  });
  return { macro: meanOfDefined(pairs, null, "one-class"), weighted: meanOfDefined(pairs, shares, "one-class") };
}

function both(reason: "no-rows" | "one-class" | "too-many-classes"): OneVersusOne {
  return { macro: undefinedMetric(reason), weighted: undefinedMetric(reason) };
}

/** The area of one class's score for its rows against those of each other class; [classes], 0 where either has none. */
function areasAgainst(
  label: number,
  { classes, labels, weights }: CheckedRows,
  column: Float64Array,
  order: Uint32Array,
) {
  const rowsOf = Array.from({ length: classes }, (): number[] => []);
  for (const row of order) rowsOf[labels[row]!]!.push(row);
  return Float64Array.from(rowsOf, (others, other) =>
    other === label ? 0 : areaBetween(rowsOf[label]!, others, column, weights),
  );
}

/** The share of pairs in which the positive row scores higher, a tie counting half. Both are in falling order of score. */
function areaBetween(
  positives: readonly number[],
  negatives: readonly number[],
  scores: Float64Array,
  weights: Float64Array,
): number {
  // Of the positives: the weight above the present score, the weight at it, and how many are counted in either.
  let [above, equal, counted] = [0, 0, 0];
  let [area, sum, last] = [0, 0, Number.NaN];
  for (const negative of negatives) {
    const score = scores[negative]!;
    if (score !== last) {
      above += equal;
      equal = 0;
      for (; counted < positives.length && scores[positives[counted]!]! >= score; counted++) {
        const weight = weights[positives[counted]!]!;
        if (scores[positives[counted]!] === score) equal += weight;
        else above += weight;
      }
      last = score;
    }
    area += weights[negative]! * (above + equal / 2);
    sum += weights[negative]!;
  }
  const all = positives.reduce((total, row) => total + weights[row]!, 0);
  return all === 0 || sum === 0 ? 0 : area / sum / all;
}

/** [classes]: the weight of each class's labels. */
function labelWeights({ classes, labels, weights }: CheckedRows): Float64Array {
  const support = new Float64Array(classes);
  for (const [row, label] of labels.entries()) support[label]! += weights[row]!;
  return support;
}
