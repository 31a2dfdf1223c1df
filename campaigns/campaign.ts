// What a campaign is: one sort of harm, done over and over from a printed seed, with what must hold looked at all the while.
// The short form is for every change, the long form for a result that is kept.
import { temporaryDirectory } from "../test/platform.ts";
import { randomFrom } from "../test/support/random.ts";

/** What a campaign is given. */
export interface CampaignRun {
  readonly seed: number;
  /** How much to do, in the campaign's unit. */
  readonly size: number;
  /** An empty directory, removed afterwards. */
  readonly directory: string;
  /** From 0 up to 1, made from the seed. */
  readonly random: () => number;
  /** Tells a person how far it is. */
  readonly log: (line: string) => void;
}

/** Counts and percentiles, for people and for the kept result. */
export type Figures = Readonly<Record<string, unknown>>;

export interface Campaign {
  readonly name: string;
  /** What is done and what must hold, in one sentence. */
  readonly what: string;
  readonly unit: "rounds" | "requests" | "minutes" | "seconds" | "connections";
  readonly short: number;
  readonly long: number;
  /** @throws Error where something that must hold does not */
  readonly run: (run: CampaignRun) => Promise<Figures>;
}

/** @throws Error with the message where `isSo` is false */
export function check(isSo: boolean, message: string | (() => string)): asserts isSo {
  if (!isSo) throw new Error(typeof message === "string" ? message : message());
}

export const pause = (delayMs: number): Promise<void> => new Promise((wake) => setTimeout(wake, delayMs));

/** Looks again and again until `read` answers what `isRight` accepts; answers that. @throws Error when time is up */
export async function eventually<T>(
  what: string,
  read: () => T | Promise<T>,
  isRight: (value: T) => boolean,
  { timeoutMs = 10_000, intervalMs = 10 } = {},
): Promise<T> {
  const start = performance.now();
  for (;;) {
    const value = await read();
    if (isRight(value)) return value;
    check(performance.now() - start < timeoutMs, () => `${what}: still ${JSON.stringify(value)} after ${timeoutMs} ms`);
    await pause(intervalMs);
  }
}

/** Of durations, for the result. */
export interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export function percentiles(values: readonly number[]): Percentiles {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN);
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

export function campaignRun(size: number, seed: number, log: (line: string) => void): CampaignRun {
  return { seed, size, directory: temporaryDirectory(), random: randomFrom(seed), log };
}
