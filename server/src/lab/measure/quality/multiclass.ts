// Ranking metrics of more than two classes, from those of two: each class against the rest, and each pair of classes.
import { type Metric, meanOfDefined, undefinedMetric } from "./metric.ts";
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

/** Area and average precision of each class's score for its own rows against all others. */
export function oneVersusRest(checked: CheckedRows): {
  readonly rocAuc: OneVersusRest;
  readonly averagePrecision: OneVersusRest;
} {
  const { rows, classes, labels, scores, weights } = checked;
  const areas: Metric[] = [];
  const precisions: Metric[] = [];
  const support = labelWeights(checked);
  for (let label = 0; label < classes; label++) {
    const points = operatingPoints({
      rows,
      score: (row) => scores[row * classes + label]!,
      isPositive: (row) => labels[row] === label,
      weight: (row) => weights[row]!,
    });
    // With no positives the area lacks this class, with no negatives it lacks all others.
    areas.push(support[label] === 0 && points.thresholds.length > 0 ? undefinedMetric("class-absent") : rocAuc(points));
    precisions.push(averagePrecision(points));
  }
  return { rocAuc: means(areas, support), averagePrecision: means(precisions, support) };
}

function means(perClass: readonly Metric[], support: Float64Array): OneVersusRest {
  const empty = support.every((weight) => weight === 0);
  const isWhole = perClass.every(({ value }) => value !== null);
  const absent = empty ? "no-rows" : "some-class-absent";
  return {
    perClass,
    macro: isWhole ? meanOfDefined(perClass, null, absent) : undefinedMetric(absent),
    weighted: meanOfDefined(perClass, support, empty ? "no-rows" : "one-class"),
  };
}

/**
 * The area over pairs of classes: among the rows of two, how well each one's score tells them apart, and the mean of both.
 * Classes without labels are in no pair.
 */
export function oneVersusOne(checked: CheckedRows): OneVersusOne {
  const { classes, labels, scores, weights } = checked;
  if (classes > MAX_PAIRED_CLASSES) return both("too-many-classes");
  const support = labelWeights(checked);
  const present = [...support.keys()].filter((label) => support[label]! > 0);
  if (present.length < 2) return both(present.length === 0 ? "no-rows" : "one-class");
  const rowsOf = new Map(present.map((label): [number, number[]] => [label, []]));
  labels.forEach((label, row) => {
    if (weights[row]! > 0) rowsOf.get(label)!.push(row);
  });
  const pairs: Metric[] = [];
  const shares: number[] = [];
  present.forEach((first, place) => {
    for (const second of present.slice(place + 1)) {
      const rows = [...rowsOf.get(first)!, ...rowsOf.get(second)!];
      const areas = [first, second].map((label) =>
        rocAuc(
          operatingPoints({
            rows: rows.length,
            score: (index) => scores[rows[index]! * classes + label]!,
            isPositive: (index) => labels[rows[index]!] === label,
            weight: (index) => weights[rows[index]!]!,
          }),
        ),
      );
      pairs.push(meanOfDefined(areas, null, "one-class"));
      shares.push(support[first]! + support[second]!);
    }
  });
  return { macro: meanOfDefined(pairs, null, "one-class"), weighted: meanOfDefined(pairs, shares, "one-class") };
}

function both(reason: "no-rows" | "one-class" | "too-many-classes"): OneVersusOne {
  return { macro: undefinedMetric(reason), weighted: undefinedMetric(reason) };
}

function labelWeights({ classes, labels, weights }: CheckedRows): Float64Array {
  const support = new Float64Array(classes);
  labels.forEach((label, row) => {
    support[label]! += weights[row]!;
  });
  return support;
}
