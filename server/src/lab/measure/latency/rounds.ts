// Interleaved rounds: everything is loaded, then timed in turns in an order drawn for each round, so that what disturbs the
// machine for a while disturbs all alike; after some rounds everything is loaded anew, because what a load leaves to chance,
// such as where a process's memory lies, stays for as long as it lives and no number of rounds would show it.
import { z } from "zod";
import { createRandom, shuffle } from "@slipway/core/stats";

/** What measurements in rounds may be told of them. */
export const ROUNDS_OPTIONS = {
  loads: z.number().int().min(2).max(100).default(5).describe("times everything is loaded anew"),
  seed: z
    .number()
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .default(1)
    .describe("of the order in rounds, and of times that are drawn"),
};

/** One round: what each contender came to, by their places, and in which load. */
export interface Round<Result> {
  readonly load: number;
  readonly results: readonly Result[];
}

/** What takes part, loaded. */
export interface Loaded<Result> {
  /** Each takes its turn; always as many, in the same places. */
  readonly contenders: readonly (() => Promise<Result>)[];
  readonly close: () => Promise<void>;
}

export interface RoundsOptions<Result> {
  readonly loads: number;
  readonly roundsPerLoad: number;
  readonly seed: number;
  /** Rounds of an earlier run that was interrupted. */
  readonly done: readonly Round<Result>[];
  /** @throws what loading and warming up ends with; then nothing is left loaded */
  readonly open: (load: number) => Promise<Loaded<Result>>;
  /** Told before each load is opened and after each round. */
  readonly onProgress: (rounds: readonly Round<Result>[], isLoading: boolean) => Promise<void> | void;
  readonly signal: AbortSignal;
}

/** @returns all rounds, those of the earlier run first */
export async function takeRounds<Result>(options: RoundsOptions<Result>): Promise<readonly Round<Result>[]> {
  const { loads, roundsPerLoad, seed, open, onProgress, signal } = options;
  const rounds = options.done.slice(0, loads * roundsPerLoad);
  for (let load = Math.floor(rounds.length / roundsPerLoad); load < loads; load++) {
    signal.throwIfAborted();
    await onProgress(rounds, true);
    const loaded = await open(load);
    try {
      while (rounds.length < (load + 1) * roundsPerLoad) {
        signal.throwIfAborted();
        rounds.push({ load, results: await inRandomOrder(loaded.contenders, seed, rounds.length) });
        await onProgress(rounds, false);
      }
    } finally {
      await loaded.close();
    }
  }
  return rounds;
}

async function inRandomOrder<Result>(
  contenders: readonly (() => Promise<Result>)[],
  seed: number,
  round: number,
): Promise<Result[]> {
  // Drawn from the round's own number, so that a run that goes on where another ended has the order it would have had.
  const random = createRandom(BigInt(seed) * 1_000_003n + BigInt(round));
  const places = shuffle(
    random,
    contenders.map((_none, place) => place),
  );
  const results: Result[] = [];
  for (const place of places) results[place] = await contenders[place]!();
  return results;
}

/** A place's results, in one list for each load. */
export function byLoad<Result>(rounds: readonly Round<Result>[], place: number): Result[][] {
  const loads = new Map<number, Result[]>();
  for (const { load, results } of rounds) {
    const known = loads.get(load);
    if (known === undefined) loads.set(load, [results[place]!]);
    else known.push(results[place]!);
  }
  return [...loads.values()];
}
