// MurmurHash3 for 32 bits, by which rows fall to splits: the same on every machine and in every release, which a hash of an
// engine's own is not. Source: Austin Appleby, MurmurHash3_x86_32, public domain.

/** @param seed a whole number from 0 below 2^32 */
export function murmur32(bytes: Uint8Array, seed: number): number {
  const whole = bytes.length & ~3;
  let hash = seed | 0;
  for (let at = 0; at < whole; at += 4) {
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    hash = mixed(hash, word);
  }
  let tail = 0;
  for (let at = bytes.length - 1; at >= whole; at--) tail = (tail << 8) | bytes[at]!;
  if (whole < bytes.length) hash ^= scrambled(tail);
  return finished(hash ^ bytes.length);
}

/** Two different hashes of the same, as a fraction from 0 below 1 with 53 bits. */
export function fractionOfText(text: string, seed: number): number {
  return fractionOfBytes(utf8.encode(text), seed);
}

/** The same of bytes. */
export function fractionOfBytes(bytes: Uint8Array, seed: number): number {
  return fraction(murmur32(bytes, seed), murmur32(bytes, seed ^ SECOND));
}

/** The same of a row's place: the hash of its eight little-endian bytes. */
export function fractionOfRow(row: number, seed: number): number {
  const low = row >>> 0;
  const high = Math.floor(row / 2 ** 32);
  const hash = (start: number) => finished(mixed(mixed(start | 0, low | 0), high | 0) ^ 8);
  return fraction(hash(seed), hash(seed ^ SECOND));
}

const SECOND = 0x9e3779b9;
const utf8 = new TextEncoder();

function fraction(high: number, low: number): number {
  return (high * 2 ** 21 + (low >>> 11)) / 2 ** 53;
}

function scrambled(word: number): number {
  const product = Math.imul(word, 0xcc9e2d51);
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593);
}

function mixed(hash: number, word: number): number {
  const both = hash ^ scrambled(word);
  return (Math.imul((both << 13) | (both >>> 19), 5) + 0xe6546b64) | 0;
}

function finished(start: number): number {
  let hash = start;
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
