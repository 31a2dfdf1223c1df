// Rows of features with a little noise. Source of swapping: P. Vincent and others, "Extracting and composing robust features
// with denoising autoencoders", ICML 2008, whose corruption is here a value of another row, which keeps each column's
// distribution.
import { assert } from "@slipway/core/base";
import { drawBelow, drawNormal, drawUniform, type Random } from "@slipway/core/stats";

export interface RowAugmentation {
  /** Standard deviation of what is added to each number of `numbers`, in its own units: of scaled features, deviations. */
  readonly noise?: number;
  /** Features that are numbers and take noise; of an encoder, those of its numeric columns. */
  readonly numbers?: readonly number[];
  /** The share of features that are replaced with those of another row of the batch, from 0 to 1. */
  readonly swap?: number;
  /** Features that are swapped together, such as those of one column; each by itself unless said. */
  readonly groups?: readonly (readonly number[])[];
}

/**
 * New rows; the given ones stay as they are.
 * @param features [rows, width], row by row
 * @param randomOf the randomness of each row, by its place: `rowRandom`
 * @throws RangeError for amounts that make no sense
 */
export function augmentRows(
  features: Float32Array,
  width: number,
  { noise = 0, numbers = [], swap = 0, groups }: RowAugmentation,
  randomOf: (row: number) => Random,
): Float32Array {
  if (!(noise >= 0 && noise < Number.POSITIVE_INFINITY))
    throw new RangeError(`The noise is ${noise}; it takes a deviation of at least 0.`);
  if (!(swap >= 0 && swap <= 1)) throw new RangeError(`The share to swap is ${swap}; it takes a number from 0 to 1.`);
  const rows = features.length / width;
  assert(Number.isInteger(rows), `${features.length} values are no rows of ${width}.`);
  const together = groups ?? Array.from({ length: width }, (_, feature) => [feature]);
  const made = features.slice();
  for (let row = 0; row < rows; row++) {
    const random = randomOf(row);
    if (swap > 0 && rows > 1) {
      for (const group of together) {
        if (drawUniform(random) >= swap) continue;
        // Any row but itself.
        const drawn = drawBelow(random, rows - 1);
        const other = drawn < row ? drawn : drawn + 1;
        for (const feature of group) made[row * width + feature] = features[other * width + feature]!;
      }
    }
    if (noise > 0) for (const feature of numbers) made[row * width + feature]! += noise * drawNormal(random);
  }
  return made;
}
