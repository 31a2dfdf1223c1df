// Ids of inferences: unique without asking anyone, also across restarts and fronts, and cheap: a random prefix of this
// process, then a count. They name, they do not protect, so nothing depends on their being hard to guess.

/** Crockford's base 32: no letters that are taken for digits; ids sort as their counts do. */
const DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";
const LOW_BITS = 10;
const LOW_COUNT = 2 ** LOW_BITS;
const LOW = Array.from({ length: LOW_COUNT }, (_, low) => DIGITS[low >> 5]! + DIGITS[low & 31]!);
const HIGH_DIGITS = 8;

/**
 * A source of ids of 23 characters.
 * @param random 8 random bytes
 */
export function createInferenceIds(random: Uint8Array): () => string {
  let prefix = "";
  const bits = new DataView(random.buffer, random.byteOffset, 8).getBigUint64(0);
  for (let shift = 60n; shift >= 0n; shift -= 5n) prefix += DIGITS[Number((bits >> shift) & 31n)];
  let low = LOW_COUNT;
  let high = -1;
  let stem = "";
  return () => {
    if (low === LOW_COUNT) {
      low = 0;
      high++;
      stem = prefix + base32(high, HIGH_DIGITS);
    }
    return stem + LOW[low++]!;
  };
}

function base32(value: number, digits: number): string {
  let text = "";
  let rest = value;
  for (let i = 0; i < digits; i++) {
    text = DIGITS[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}
