// Numbers drawn from a generator: from an interval, from a range of whole numbers, from the normal distribution; an order.
import { whole } from "../arguments.ts";
import { normalQuantile } from "../special/normal-quantile.ts";
import type { Random } from "./random.ts";

/** A number in [0, 1), a multiple of 2^−53, each as likely. */
export function drawUniform(random: Random): number {
  const high = random.bits() >>> 5;
  return (high * 2 ** 26 + (random.bits() >>> 6)) * 2 ** -53;
}

/**
 * A whole number below `count`, each as likely: what would favour some is drawn again.
 * @param count from 1 to 2^53 − 1
 */
export function drawBelow(random: Random, count: number): number {
  whole("The count to draw below", count, 1);
  if (count <= 2 ** 32) return belowWord(random, count);
  const end = 2 ** 53 - (2 ** 53 % count);
  for (;;) {
    const drawn = (random.bits() >>> 11) * 2 ** 32 + random.bits();
    if (drawn < end) return drawn % count;
  }
}

/**
 * `drawBelow` for up to 2^32, unchecked: the loop of every resampling. Multiplies where the product is exact, and so mostly
 * divides by nothing (D. Lemire, "Fast random integer generation in an interval", ACM TOMACS 29 (2019)).
 */
export function belowWord(random: Random, count: number): number {
  if (count <= 2 ** 21) {
    let product = random.bits() * count;
    if (product >>> 0 < count) {
      const least = 2 ** 32 % count;
      while (product >>> 0 < least) product = random.bits() * count;
    }
    return (product - (product >>> 0)) * 2 ** -32;
  }
  const end = 2 ** 32 - (2 ** 32 % count);
  for (;;) {
    const drawn = random.bits();
    if (drawn < end) return drawn % count;
  }
}

/** A whole number from `low` to `high`, both included. */
export function drawInteger(random: Random, low: number, high: number): number {
  whole("The lowest number to draw", low, Number.MIN_SAFE_INTEGER);
  whole("The highest number to draw", high, low);
  return low + drawBelow(random, high - low + 1);
}

/**
 * A number from the standard normal distribution, by inverting it at one uniform number of 52 bits. So a sequence of draws
 * moves monotonically with its uniform numbers, and each uses up the same number of bits.
 */
export function drawNormal(random: Random): number {
  const high = random.bits() >>> 6;
  return normalQuantile((high * 2 ** 26 + (random.bits() >>> 6) + 0.5) * 2 ** -52);
}

/** Puts the items in a random order, in place, each order as likely (Fisher and Yates; Knuth, TAOCP 3.4.2, algorithm P). */
export function shuffle<Items extends { [index: number]: unknown; readonly length: number }>(
  random: Random,
  items: Items,
): Items {
  for (let last = items.length - 1; last > 0; last--) {
    const other = belowWord(random, last + 1);
    const kept = items[last];
    items[last] = items[other];
    items[other] = kept;
  }
  return items;
}
