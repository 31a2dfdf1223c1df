// The loop: makes an input, leaves it where a watchdog can see it, feeds it, and keeps it where it came to a new sort of end.
import { joined, mutate } from "./mutate.ts";
import { Random } from "./random.ts";
import type { FuzzTarget } from "./target.ts";

/** Most inputs a target keeps to mutate. */
const LARGEST_CORPUS = 2000;
/** Of this thread's own time; an input that takes more is fed again, and counted as a hang if it does so each time. */
const SLOW_MS = 1000;
const MINIMISE_MS = 30_000;

export interface FuzzProgress {
  /** Called before each input, with its number. */
  readonly begin: (input: Uint8Array, number: number) => void;
}

export interface FuzzTally {
  readonly inputs: number;
  /** Sorts of ends seen, how often each. */
  readonly ends: ReadonlyMap<string, number>;
  readonly slowestMs: number;
}

/** What a target did that it must not. */
export class Finding extends Error {
  readonly input: Uint8Array;
  /** What sort of finding it is, so that a smaller input is one of the same. */
  readonly sort: string;
  constructor(input: Uint8Array, cause: unknown) {
    super(cause instanceof Error ? (cause.stack ?? cause.message) : String(cause));
    this.input = input;
    this.sort = /^[^\d:]*/.exec(cause instanceof Error ? cause.message : String(cause))![0];
  }
}

/**
 * Feeds `inputs` inputs, always the same for a seed.
 * @throws Finding for the first input that is not dealt with as it must be
 */
export async function fuzz(
  target: FuzzTarget,
  inputs: number,
  seed: number,
  progress: FuzzProgress,
): Promise<FuzzTally> {
  const random = new Random(seed);
  const corpus = [...target.seeds()];
  const seeds = corpus.length;
  const ends = new Map<string, number>();
  let slowestMs = 0;
  for (let number = 0; number < inputs; number++) {
    const input = number < seeds ? corpus[number]! : nextInput(target, corpus, random);
    progress.begin(input, number);
    const start = threadMs();
    const end = await feed(target, input);
    const elapsedMs = threadMs() - start;
    if (elapsedMs > slowestMs) slowestMs = await surelySlow(target, input, elapsedMs, slowestMs);
    const seen = ends.get(end) ?? 0;
    ends.set(end, seen + 1);
    if (seen > 0 || number < seeds) continue;
    if (corpus.length < LARGEST_CORPUS) corpus.push(input);
    else corpus[seeds + random.below(LARGEST_CORPUS - seeds)] = input;
  }
  return { inputs, ends, slowestMs };
}

/** Processor time of this thread: the machine may be busy with other work. */
function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

async function feed(target: FuzzTarget, input: Uint8Array): Promise<string> {
  try {
    const end = target.run(input);
    return typeof end === "string" ? end : await end;
  } catch (error) {
    throw new Finding(input, error);
  }
}

function nextInput(target: FuzzTarget, corpus: readonly Uint8Array[], random: Random): Uint8Array {
  let input =
    target.generate !== undefined && random.oneIn(5) ? target.generate(random) : corpus[random.below(corpus.length)]!;
  if (target.restructure !== undefined && random.oneIn(2)) input = target.restructure(input, random);
  if (!random.oneIn(8))
    input = mutate(input, random, { others: corpus, tokens: target.tokens, maxBytes: target.maxBytes });
  if (target.repair !== undefined && !random.oneIn(4)) {
    input = Uint8Array.from(input);
    target.repair(input);
  }
  return input;
}

/** The time an input takes when nothing else is at fault: others on the machine, or memory being collected. */
async function surelySlow(target: FuzzTarget, input: Uint8Array, firstMs: number, knownMs: number): Promise<number> {
  let leastMs = firstMs;
  for (let again = 0; again < 3 && leastMs > knownMs; again++) {
    const start = threadMs();
    await feed(target, input);
    leastMs = Math.min(leastMs, threadMs() - start);
  }
  if (leastMs > SLOW_MS) throw new Finding(input, `It took ${leastMs.toFixed(0)} ms, each of four times.`);
  return Math.max(leastMs, knownMs);
}

/** A smaller input with a finding, by leaving out parts and calming bytes while it stays one, for as long as there is time. */
export async function minimise(
  target: FuzzTarget,
  { input, sort }: Finding,
  progress: FuzzProgress,
): Promise<Uint8Array> {
  const end = performance.now() + MINIMISE_MS;
  let tries = 0;
  const isTime = (): boolean => performance.now() < end;
  const isFinding = async (candidate: Uint8Array): Promise<boolean> => {
    progress.begin(candidate, --tries);
    return await feed(target, candidate).then(
      () => false,
      (error: unknown) => error instanceof Finding && error.sort === sort,
    );
  };
  let best = input;
  for (let size = Math.ceil(best.length / 2); size >= 1 && isTime(); size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < best.length && isTime(); ) {
      const shorter = joined(best.subarray(0, at), best.subarray(Math.min(best.length, at + size)));
      if (await isFinding(shorter)) best = shorter;
      else at += size;
    }
  }
  for (let at = 0; at < best.length && isTime(); at++) {
    const calmer = Uint8Array.from(best);
    calmer[at] = 0x61;
    if (best[at] !== 0x61 && (await isFinding(calmer))) best = calmer;
  }
  return best;
}
