// Pictures that look alike, by hashes that small changes leave alone.
// Source: C. Zauner, "Implementation and benchmarking of perceptual image hash functions" (2010); the form is that of the
// Python package ImageHash, `phash`.

/** Height and width of the grey pictures that are hashed. */
export const HASHED_SIDE = 32;
const LOW = 8;

/**
 * The 64 bits of a picture: which of the lowest 8 × 8 coefficients of its cosine transform are above their median.
 * @param grey [32, 32], row by row
 * @returns two halves of 32 bits
 */
export function perceptualHash(grey: ArrayLike<number>): readonly [number, number] {
  const low = lowFrequencies(grey);
  const sorted = low.toSorted();
  const median = (sorted[31]! + sorted[32]!) / 2;
  const half = (from: number): number => {
    let bits = 0;
    for (let at = 0; at < 32; at++) if (low[from + at]! > median) bits |= 1 << at;
    return bits >>> 0;
  };
  return [half(0), half(32)];
}

/** cos(π (2 n + 1) k / 64) by k, then n. */
const COSINES = Array.from({ length: LOW }, (_, k) =>
  Float64Array.from({ length: HASHED_SIDE }, (_none, n) => Math.cos((Math.PI * (2 * n + 1) * k) / (2 * HASHED_SIDE))),
);

/** The lowest coefficients of the two-dimensional cosine transform (DCT-II), unscaled, row by row. */
function lowFrequencies(grey: ArrayLike<number>): Float64Array {
  const rows = new Float64Array(HASHED_SIDE * LOW);
  for (let row = 0; row < HASHED_SIDE; row++) {
    for (let k = 0; k < LOW; k++) {
      let sum = 0;
      for (let n = 0; n < HASHED_SIDE; n++) sum += grey[row * HASHED_SIDE + n]! * COSINES[k]![n]!;
      rows[row * LOW + k] = 2 * sum;
    }
  }
  const low = new Float64Array(LOW * LOW);
  for (let k = 0; k < LOW; k++) {
    for (let column = 0; column < LOW; column++) {
      let sum = 0;
      for (let n = 0; n < HASHED_SIDE; n++) sum += rows[n * LOW + column]! * COSINES[k]![n]!;
      low[k * LOW + column] = 2 * sum;
    }
  }
  return low;
}

/** Bits in which two hashes differ. */
export function hashDistance([a, b]: readonly [number, number], [c, d]: readonly [number, number]): number {
  return ones(a ^ c) + ones(b ^ d);
}

function ones(bits: number): number {
  let word = bits - ((bits >>> 1) & 0x55555555);
  word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
  return Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
