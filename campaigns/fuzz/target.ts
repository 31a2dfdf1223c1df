// What can be fuzzed: something that takes bytes, and a judge of what it made of them.
import type { Random } from "./random.ts";

export interface FuzzTarget {
  readonly name: string;
  /** Its part of all inputs, against the other targets'. */
  readonly share: number;
  /** Sound inputs, and ones that are wrong in known ways, to begin with. */
  readonly seeds: () => readonly Uint8Array[];
  /** Pieces that mean something to it, for the mutator. */
  readonly tokens: readonly Uint8Array[];
  readonly maxBytes: number;
  /** Makes an input from nothing but chance, by the grammar of what is read; some inputs begin so. */
  readonly generate?: (random: Random) => Uint8Array;
  /** Changes the structure of an input, as bytes mutated blindly seldom do. */
  readonly restructure?: (input: Uint8Array, random: Random) => Uint8Array;
  /** Mends what mutation broke and a reader checks first, such as lengths, so that what lies behind is reached. */
  readonly repair?: (input: Uint8Array) => void;
  /**
   * Feeds an input and judges what happened. Answers what sort of end it came to: an input that came to a new one is
   * mutated further.
   * @throws Error for a finding: a crash, or a difference to what should be
   */
  readonly run: (input: Uint8Array) => string | Promise<string>;
  readonly close?: () => Promise<void>;
}

export const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));

/** The sort of an error: its code, and those words of its message that are no names, texts or numbers of the input. */
export function sortOf(code: string, message: string): string {
  const words = message
    .replace(/^.*: (?=[a-z])/s, "")
    .replace(/'[^']*'|"(?:[^"\\]|\\.)*"|\[[^\]]*\]|\(.*/gs, "*")
    .match(/(?<=^| )[A-Za-z]{2,}(?= |$|[,.;])/g);
  return `${code} ${words?.slice(0, 12).join(" ")}`;
}
