// Randomness of a fit by what it is for and where it is needed, so that whoever goes on in the middle draws what would have been drawn:
// no generator's state has to be kept.
import { createRandom, type Random, shuffle } from "@slipway/core/stats";

const PURPOSES = { order: 0n, dropout: 1n, heldOut: 2n } as const;

/** @param seed a whole number from 0 below 2³² @param place from 0 below 2²⁴: an epoch or a step @param part of it, below 64 */
function randomFor(purpose: keyof typeof PURPOSES, seed: number, place: number, part = 0): Random {
  return createRandom((BigInt(seed) << 32n) | (PURPOSES[purpose] << 30n) | (BigInt(part) << 24n) | BigInt(place));
}

/** The places of all rows in the order an epoch reads them; each epoch another one. */
export function epochOrder(rows: number, seed: number, epoch: number): Int32Array {
  const places = Int32Array.from({ length: rows }, (_, place) => place);
  shuffle(randomFor("order", seed, epoch), places);
  return places;
}

/** What dropout multiplies by in a step: 0 for a share of the elements, else 1 / (1 − share). */
export function dropoutMask(count: number, share: number, seed: number, step: number, part: number): Float32Array {
  const random = randomFor("dropout", seed, step, part);
  const kept = 1 / (1 - share);
  const most = share * 2 ** 32;
  const mask = new Float32Array(count);
  for (let at = 0; at < count; at++) mask[at] = random.bits() >>> 0 < most ? 0 : kept;
  return mask;
}

/** Rows drawn to be held out, at least one, and those that are kept, at least one; each in the order they lie in. */
export function heldOut(
  rows: number,
  share: number,
  seed: number,
): { readonly kept: Int32Array; readonly held: Int32Array } {
  const places = Int32Array.from({ length: rows }, (_, place) => place);
  shuffle(randomFor("heldOut", seed, 0), places);
  const count = Math.min(Math.max(Math.round(rows * share), 1), rows - 1);
  return { held: places.slice(0, count).toSorted(), kept: places.slice(count).toSorted() };
}
