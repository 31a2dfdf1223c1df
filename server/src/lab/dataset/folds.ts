// K-fold cross-validation: rows in parts of one size, each of which is held out once. A row's part follows from its place
// and a seed, as splits do.
import { fractionOfRow } from "./murmur.ts";

export interface FoldOptions {
  /** Parts, from 2 to the number of rows. */
  readonly folds: number;
  readonly seed?: number;
  /** A class of each row, so that every part has its share of each; null leaves that to chance. */
  readonly classes?: ArrayLike<number> | null;
}

/**
 * The part of each row, from 0. Sizes of parts differ by one row at most, and so do the rows of each class in them.
 * @throws RangeError for fewer than two parts, or more than rows
 */
export function foldsOf(rows: number, { folds, seed = 0, classes = null }: FoldOptions): Int32Array {
  if (!Number.isInteger(folds) || folds < 2 || folds > rows) {
    throw new RangeError(
      `${rows} rows can't be cut into ${folds} folds; it takes from 2 to as many as there are rows.`,
    );
  }
  const keys = Float64Array.from({ length: rows }, (_, row) => fractionOfRow(row, seed));
  const order = Int32Array.from({ length: rows }, (_, row) => row).sort(
    (a, b) => (classes === null ? 0 : classes[a]! - classes[b]!) || keys[a]! - keys[b]!,
  );
  // Dealt out in turn: where one class ends in the middle of a round, the next goes on from there, which keeps both even.
  const fold = new Int32Array(rows);
  for (let place = 0; place < rows; place++) fold[order[place]!] = place % folds;
  return fold;
}

/** The rows that are learnt from and those held out, for one fold. */
export function foldRows(
  fold: Int32Array,
  heldOut: number,
): { readonly train: Int32Array; readonly validation: Int32Array } {
  const places = Int32Array.from(fold.keys());
  return {
    train: places.filter((row) => fold[row] !== heldOut),
    validation: places.filter((row) => fold[row] === heldOut),
  };
}
