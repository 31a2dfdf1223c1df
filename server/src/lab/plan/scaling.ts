// How throughput grows with threads, as a law fitted to what was measured: Gunther's universal scalability law, or Amdahl's
// where there are too few points to tell what more threads cost each other (N. J. Gunther, Guerrilla Capacity Planning,
// 2007, chapter 4; G. M. Amdahl, AFIPS 1967). It is for looking beyond the machine at hand, and only as good as that is.
import { assert } from "@slipway/core/base";

/** A throughput that was measured with so many threads at work. */
export interface ScalingPoint {
  readonly threads: number;
  /** Anything a second. */
  readonly perSecond: number;
}

export interface ScalingLaw {
  readonly law: "universal scalability" | "Amdahl";
  /** Throughput of one thread: λ. */
  readonly perThread: number;
  /** Share that waits for others: σ. */
  readonly contention: number;
  /** What each pair costs: κ. */
  readonly crosstalk: number;
  readonly points: readonly ScalingPoint[];
  /**
   * Root mean square of the relative distance of the points from the law, over the degrees of freedom that are left; null
   * where none is left, so that the law goes through the points whether it is true or not.
   */
  readonly residual: number | null;
}

/** Points it takes to fit three parameters and have one left to judge the fit by. */
const LEAST_FOR_UNIVERSAL = 4;

/**
 * Fits C(N) = λN / (1 + σ(N − 1) + κN(N − 1)) with σ, κ ≥ 0 by least squares on N / C(N), which is linear in 1/λ, σ/λ and
 * κ/λ; weighted so that relative distances count.
 * @returns null of fewer than two numbers of threads: nothing can be said of how it scales
 */
export function fitScaling(points: readonly ScalingPoint[]): ScalingLaw | null {
  const usable = points.filter(({ threads, perSecond }) => threads >= 1 && perSecond > 0);
  const distinct = new Set(usable.map(({ threads }) => threads)).size;
  if (distinct < 2) return null;
  const isUniversal = distinct >= LEAST_FOR_UNIVERSAL;
  // A row per point, divided by N / C(N), which is what the law is to come to: the target is 1.
  const rows = usable.map(({ threads, perSecond }) => {
    const weight = perSecond / threads;
    return [weight, weight * (threads - 1), weight * threads * (threads - 1)];
  });
  const sets = isUniversal ? [[0, 1, 2], [0, 1], [0, 2], [0]] : [[0, 1], [0]];
  let best: { readonly x: readonly number[]; readonly squares: number } | null = null;
  // The problem is convex: its solution within the bounds is the best of those with some parameters at their bound.
  for (const set of sets) {
    const x = leastSquares(rows, set);
    if (x === null || x.some((value) => value < 0) || x[0]! <= 0) continue;
    const squares = rows.reduce((total, row) => total + (row.reduce((y, a, i) => y + a * x[i]!, 0) - 1) ** 2, 0);
    if (best === null || squares < best.squares) best = { x, squares };
  }
  if (best === null) return null;
  const [inverse, contention, crosstalk] = best.x as [number, number, number];
  const freedom = usable.length - (isUniversal ? 3 : 2);
  return {
    law: isUniversal ? "universal scalability" : "Amdahl",
    perThread: 1 / inverse,
    contention: contention / inverse,
    crosstalk: crosstalk / inverse,
    points: usable,
    residual: freedom > 0 ? Math.sqrt(best.squares / freedom) : null,
  };
}

/** The law's throughput with so many threads. */
export function scaledTo({ perThread, contention, crosstalk }: ScalingLaw, threads: number): number {
  return (perThread * threads) / (1 + contention * (threads - 1) + crosstalk * threads * (threads - 1));
}

/** Least squares of `rows · x = 1` over some columns, the others 0; null where these are not independent. */
function leastSquares(rows: readonly (readonly number[])[], columns: readonly number[]): number[] | null {
  // Normal equations: at most three by three, of columns whose sizes are alike.
  const size = columns.length;
  const matrix = columns.map((i) => [
    ...columns.map((j) => rows.reduce((total, row) => total + row[i]! * row[j]!, 0)),
    rows.reduce((total, row) => total + row[i]!, 0),
  ]);
  for (let pivot = 0; pivot < size; pivot++) {
    let largest = pivot;
    for (let row = pivot + 1; row < size; row++)
      if (Math.abs(matrix[row]![pivot]!) > Math.abs(matrix[largest]![pivot]!)) largest = row;
    [matrix[pivot], matrix[largest]] = [matrix[largest]!, matrix[pivot]!];
    const head = matrix[pivot]![pivot]!;
    if (Math.abs(head) < 1e-12 * rows.length) return null;
    for (let row = 0; row < size; row++) {
      if (row === pivot) continue;
      const factor = matrix[row]![pivot]! / head;
      for (let column = pivot; column <= size; column++) matrix[row]![column]! -= factor * matrix[pivot]![column]!;
    }
  }
  const x = [0, 0, 0];
  columns.forEach((column, index) => {
    const value = matrix[index]![size]! / matrix[index]![index]!;
    assert(Number.isFinite(value), "A scaling law has no finite parameters. This is a bug.");
    x[column] = value;
  });
  return x;
}
