// Identifiers that sort by the time they were made: ULIDs (https://github.com/ulid/spec), 48 bits of milliseconds and 80
// random bits in Crockford's base 32. Within one process each is greater than the one before, whatever the clock does.
import { assert, type Clock } from "@slipway/core/base";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const RANDOM_BITS = 80n;

/** Answers a function that makes identifiers of 26 characters. */
export function createIdentifiers(clock: Pick<Clock, "wall">, random: (sizeBytes: number) => Uint8Array): () => string {
  let last = 0n;
  return () => {
    const bytes = random(10);
    assert(bytes.length === 10, `10 random bytes were asked for, ${bytes.length} came.`);
    const fresh = (BigInt(Math.floor(clock.wall())) << RANDOM_BITS) | BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
    last = fresh > last ? fresh : last + 1n;
    return textFromNumber(last);
  };
}

function textFromNumber(number: bigint): string {
  let text = "";
  for (let shift = 125n; shift >= 0n; shift -= 5n) text += ALPHABET[Number((number >> shift) & 31n)];
  return text;
}
