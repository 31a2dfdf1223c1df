// New inputs from old ones: bytes changed, taken out, doubled, moved, taken from another input or from the target's tokens.
import type { Random } from "./random.ts";

const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0x20, 0x0a, 0x22, 0x5c];
const NUMBERS = [
  "0",
  "-0",
  "1e400",
  "-1",
  "9007199254740993",
  "18446744073709551616",
  "1e-400",
  "0.1",
  "4294967296",
  "00",
];

export interface MutateOptions {
  /** Others to take parts from. */
  readonly others: readonly Uint8Array[];
  readonly tokens: readonly Uint8Array[];
  readonly maxBytes: number;
}

/** A copy of `input` with one to five mutations, no longer than `maxBytes`. */
export function mutate(input: Uint8Array, random: Random, options: MutateOptions): Uint8Array {
  let result: Uint8Array = Uint8Array.from(input);
  for (let rounds = 1 + random.below(random.oneIn(3) ? 5 : 2); rounds > 0; rounds--) {
    result = mutateOnce(result, random, options);
  }
  return result.length > options.maxBytes ? result.slice(0, options.maxBytes) : result;
}

function mutateOnce(input: Uint8Array, random: Random, { others, tokens }: MutateOptions): Uint8Array {
  const { length } = input;
  const at = random.below(length + 1);
  const span = 1 + random.below(random.oneIn(4) ? 64 : 6);
  const end = Math.min(length, at + span);
  switch (random.below(11)) {
    case 0:
      if (at < length) input[at]! ^= 1 << random.below(8);
      return input;
    case 1:
      if (at < length) input[at] = random.below(256);
      return input;
    case 2:
      if (at < length) input[at] = random.pick(EDGES);
      return input;
    case 3:
      if (at < length) input[at]! += random.oneIn(2) ? 1 : -1;
      return input;
    case 4:
      return joined(input.subarray(0, at), input.subarray(end));
    case 5: {
      const to = random.below(length + 1);
      return joined(input.subarray(0, to), input.subarray(at, end), input.subarray(to));
    }
    case 6:
    case 7: {
      if (tokens.length === 0) return input;
      // Beside what is there, or in its place.
      const token = random.pick(tokens);
      const after = random.oneIn(2) ? at : Math.min(length, at + token.length);
      return joined(input.subarray(0, at), token, input.subarray(after));
    }
    case 8: {
      const other = random.pick(others);
      const from = random.below(other.length + 1);
      return joined(input.subarray(0, at), other.subarray(from, from + 4 * span), input.subarray(end));
    }
    case 9:
      return random.oneIn(4) ? input.slice(0, at) : withNumber(input, at, random);
    default:
      return swapped(input, at, end, random.below(length + 1), span);
  }
}

/** Writes a number on the edge of something over the next digits. */
function withNumber(input: Uint8Array, at: number, random: Random): Uint8Array {
  let start = at;
  while (start < input.length && !isDigit(input[start]!)) start++;
  let end = start;
  while (end < input.length && isDigit(input[end]!)) end++;
  if (start === end) return input;
  return joined(input.subarray(0, start), Buffer.from(random.pick(NUMBERS), "latin1"), input.subarray(end));
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** Puts the part [at, end) and one of `span` bytes at `other` in each other's place. */
function swapped(input: Uint8Array, at: number, end: number, other: number, span: number): Uint8Array {
  const otherEnd = Math.min(input.length, other + span);
  const [first, firstEnd, second, secondEnd] = at <= other ? [at, end, other, otherEnd] : [other, otherEnd, at, end];
  if (firstEnd > second) return input;
  return joined(
    input.subarray(0, first),
    input.subarray(second, secondEnd),
    input.subarray(firstEnd, second),
    input.subarray(first, firstEnd),
    input.subarray(secondEnd),
  );
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const result = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
