// Pairs of sets that share most of their members, without comparing all with all: sets that agree in some band of their
// MinHash signatures are compared. Sources: A. Broder, "On the resemblance and containment of documents" (1997); the bands,
// P. Indyk, R. Motwani, STOC 1998, as in J. Leskovec and others, Mining of Massive Datasets, 3.4.
import { splitMix64 } from "@slipway/core/stats";

export interface SimilarPair {
  readonly first: number;
  readonly second: number;
  /** Members of both over members of either. */
  readonly similarity: number;
}

/** Sets of a similarity of 0.8 agree in one of 16 bands of 4 with a probability of 0.9998, of 0.5 with 0.64. */
const BANDS = 16;
const ROWS = 4;
/** Of many sets that agree in a band each is compared with so many before it. */
const MOST_COMPARED = 16;

/**
 * @param sets hashes of members, as whole numbers below 2^32, each once
 * @param least similarity of pairs, from 0 to 1
 * @returns pairs that were found, first < second, in order; a set with many alike is paired with some of them
 */
export function similarPairs(sets: readonly Uint32Array[], least: number, seed = 0): readonly SimilarPair[] {
  const next = splitMix64(BigInt(seed));
  const functions = Array.from({ length: BANDS * ROWS }, () => {
    return { multiplier: Number(next() & 0xffffffffn) | 1, addend: Number(next() & 0xffffffffn) };
  });
  const signatures = sets.map((set) => signatureOf(set, functions));
  const found = new Map<string, SimilarPair>();
  for (let band = 0; band < BANDS; band++) {
    const buckets = new Map<string, number[]>();
    for (const [place, signature] of signatures.entries()) {
      if (sets[place]!.length === 0) continue;
      const key = signature.subarray(band * ROWS, (band + 1) * ROWS).join();
      const bucket = buckets.get(key);
      if (bucket === undefined) {
        buckets.set(key, [place]);
        continue;
      }
      for (const other of bucket.slice(-MOST_COMPARED)) {
        const pair = `${other} ${place}`;
        if (found.has(pair)) continue;
        const similarity = jaccard(sets[other]!, sets[place]!);
        if (similarity >= least) found.set(pair, { first: other, second: place, similarity });
      }
      bucket.push(place);
    }
  }
  return [...found.values()].toSorted((a, b) => a.first - b.first || a.second - b.second);
}

function signatureOf(
  set: Uint32Array,
  functions: readonly { readonly multiplier: number; readonly addend: number }[],
): Uint32Array {
  return Uint32Array.from(functions, ({ multiplier, addend }) => {
    let least = 0xffffffff;
    for (const member of set) {
      // A permutation of 32-bit numbers, whose high bits are mixed down.
      const hashed = Math.imul(member ^ addend, multiplier);
      const value = (hashed ^ (hashed >>> 15)) >>> 0;
      if (value < least) least = value;
    }
    return least;
  });
}

function jaccard(a: Uint32Array, b: Uint32Array): number {
  const members = new Set(a);
  let both = 0;
  for (const member of b) if (members.has(member)) both += 1;
  return both / (a.length + b.length - both);
}
