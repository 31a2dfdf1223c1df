// How evenly classes are there, and what weights would make them count alike.

export interface ClassBalance {
  /** Rows of each class. */
  readonly rows: readonly number[];
  readonly shares: readonly number[];
  /** Rows of the most frequent class for each of the rarest; null where a class has none. */
  readonly ratio: number | null;
  /** What always answering the most frequent class gets right. */
  readonly majority: number;
  /** Entropy of the shares over that of equal ones: 1 where all classes are as many, towards 0 where one is nearly all. */
  readonly evenness: number;
  /** By class: rows / (classes × rows of the class), which makes all classes count alike and rows 1 on the average. */
  readonly weights: readonly number[];
}

/**
 * Balance of classes by their rows. The weights are those that scikit-learn calls "balanced", after G. King and L. Zeng,
 * Political Analysis 9 (2001); a class without rows has 0.
 * @param rows of each class, at least one class and one row
 */
export function classBalance(rows: readonly number[]): ClassBalance {
  const all = rows.reduce((sum, count) => sum + count, 0);
  if (!(all > 0)) throw new RangeError("The balance of no rows was asked for.");
  const shares = rows.map((count) => count / all);
  const [least, most] = [Math.min(...rows), Math.max(...rows)];
  const entropy = shares.reduce((sum, share) => (share === 0 ? sum : sum - share * Math.log(share)), 0);
  return {
    rows,
    shares,
    ratio: least === 0 ? null : most / least,
    majority: most / all,
    evenness: rows.length === 1 ? 1 : entropy / Math.log(rows.length),
    weights: rows.map((count) => (count === 0 ? 0 : all / (rows.length * count))),
  };
}
