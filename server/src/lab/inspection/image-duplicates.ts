// Images of a dataset that look alike: hashes that are near, and then the pictures themselves, small and grey.
import { parseProcessing } from "@slipway/core/processing";
import { pearsonCorrelation } from "@slipway/core/stats";
import type { BadRows, OpenDataset } from "#lab/dataset";
import { HASHED_SIDE, hashDistance, perceptualHash } from "./image-hash.ts";
import type { ImageDuplicates } from "./inspection.ts";

/** Images that are looked at: the first ones. */
const MOST_IMAGES = 20_000;
const MOST_EXAMPLES = 5;
/** Bits of 64; eight bytes find every pair that differs in no more than seven. */
const MOST_DISTANCE = 7;
const LEAST_CORRELATION = 0.98;
const BYTES = 8;

interface Pair {
  readonly first: number;
  readonly second: number;
  readonly similarity: number;
}

/**
 * @param column the one that names images
 * @param splitOf each row's split, by its place in the source; null where the dataset is not split
 */
export async function imageDuplicatesOf(
  dataset: OpenDataset,
  column: string,
  options: {
    readonly splitOf: ((row: number) => number) | null;
    readonly placeOf: (row: number) => string;
    readonly badRows: BadRows;
    readonly signal: AbortSignal;
    readonly onImages: (done: number) => void;
  },
): Promise<ImageDuplicates> {
  const { splitOf, placeOf, badRows, signal, onImages } = options;
  const pictures: Float32Array[] = [];
  const size = HASHED_SIDE * HASHED_SIDE;
  const { before } = parseProcessing({
    schemaVersion: 1,
    before: [
      { step: "decode-image", channels: "grey" },
      { step: "resize", height: HASHED_SIDE, width: HASHED_SIDE },
      { step: "layout", to: "HWC" },
    ],
    after: [],
  });
  const shape = [HASHED_SIDE, HASHED_SIDE, 1];
  const input = { input: "image", dtype: "float32", shape, kind: "image", columns: [column], before } as const;
  const wanted = { inputs: [input], labels: null, weight: null, split: null, batchRows: 64, badRows, signal };
  // Which row an image is of, although some rows are left out.
  const rows: number[] = [];
  for await (const batch of dataset.rowsAs({ ...wanted, slices: [column] })) {
    const data = batch.inputs["image"]!.data as Float32Array;
    for (let at = 0; at < batch.rows; at++) pictures.push(data.slice(at * size, (at + 1) * size));
    onImages(pictures.length);
    if (pictures.length >= MOST_IMAGES) break;
  }
  const left = badRows.skippedRows();
  for (let row = 0; rows.length < pictures.length; row++) if (!left.has(row)) rows.push(row);
  const pairs = alike(pictures);
  const isAcross = ({ first, second }: Pair) => splitOf !== null && splitOf(rows[first]!) !== splitOf(rows[second]!);
  const across = pairs.filter(isAcross);
  const shown = [...across, ...pairs.filter((pair) => !isAcross(pair))].slice(0, MOST_EXAMPLES);
  return {
    images: pictures.length,
    pairs: pairs.length,
    acrossSplits: across.length,
    examples: shown.map(({ first, second, similarity }) => {
      return { rows: [placeOf(rows[first]!), placeOf(rows[second]!)] as const, similarity };
    }),
  };
}

/** Pairs of pictures that look alike, each picture with those before it of which it may be a copy. */
export function alike(pictures: readonly Float32Array[]): readonly Pair[] {
  const hashes = pictures.map(perceptualHash);
  const buckets = Array.from({ length: BYTES }, () => new Map<number, number[]>());
  const pairs: Pair[] = [];
  for (const [second, hash] of hashes.entries()) {
    const near = new Set<number>();
    for (const [byte, bucket] of buckets.entries()) {
      const key = (hash[byte >> 2]! >>> (8 * (byte & 3))) & 0xff;
      const others = bucket.get(key);
      if (others === undefined) bucket.set(key, [second]);
      else {
        for (const other of others) if (hashDistance(hashes[other]!, hash) <= MOST_DISTANCE) near.add(other);
        others.push(second);
      }
    }
    for (const first of [...near].toSorted((a, b) => a - b)) {
      const similarity = likeness(pictures[first]!, pictures[second]!);
      if (similarity >= LEAST_CORRELATION) pairs.push({ first, second, similarity });
    }
  }
  return pairs;
}

/** The correlation of their pixels; of pictures of one grey each, whether it is the same. */
function likeness(a: Float32Array, b: Float32Array): number {
  const isFlat = (picture: Float32Array) => picture.every((value) => value === picture[0]);
  if (isFlat(a) || isFlat(b)) return isFlat(a) && isFlat(b) && a[0] === b[0] ? 1 : 0;
  return pearsonCorrelation(a, b);
}
