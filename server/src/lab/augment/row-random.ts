// The randomness of one row in one epoch. It depends on nothing else, so a run that is resumed, or whose batches are cut
// otherwise, sees the same pictures.
import { createRandom, type Random, splitMix64 } from "@slipway/core/stats";

/**
 * @param seed of the run, a whole number from 0 to 2^53 − 1
 * @param epoch from 0 to 2^31 − 1
 * @param row from 0 to 2^32 − 1, as the data has it
 */
export function rowRandom(seed: number, epoch: number, row: number): Random {
  // The seed is spread over 64 bits first, so that neither epochs nor rows of one seed are those of another.
  return createRandom(splitMix64(BigInt(seed))() ^ (BigInt(epoch) << 32n) ^ BigInt(row));
}
