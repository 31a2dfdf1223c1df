// The race of candidates within a budget of time. Successive halving (Karnin, Koren, Somekh 2013): all are measured briefly,
// the better half longer, until one is left; then it and the current settings are measured in pairs, which alone decide. Each
// pass measures everyone once, the current settings included, in an order of chance, so that what disturbs the machine for a
// while disturbs all alike, and a candidate's ratio is to the current settings in the same pass.
import type { Random } from "#load";
import { LEAST_PAIRS, type Pair, ratioOf, type Spread, spreadOf, type Verdict, verdictOf } from "./decide.ts";

/** What a measurement came to: requests a second, or why there is no figure. */
export type Sample = { readonly ok: true; readonly value: number } | { readonly ok: false; readonly reason: string };

export interface RaceOptions<Entry> {
  readonly current: Entry;
  readonly challengers: readonly Entry[];
  /** Measures one for about so long. */
  readonly measure: (entry: Entry, durationMs: number) => Promise<Sample>;
  /** Which of two that did equally well is to be preferred: the one with the lower number. */
  readonly costOf: (entry: Entry) => number;
  readonly budgetMs: number;
  /** Passes of a round. */
  readonly passes: number;
  /** A shorter measurement says nothing, a longer one nothing more. */
  readonly leastMs: number;
  readonly mostMs: number;
  /** About what the first measurement of a candidate takes beside: loading it. */
  readonly loadMs: number;
  /** About how much longer than asked for a measurement takes, as a ratio. */
  readonly overhead: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly random: Random;
  readonly onStep?: (step: RaceStep) => void;
}

export interface RaceStep {
  readonly phase: "round" | "pairs";
  /** Which round, or which pair, and of how many. */
  readonly number: number;
  readonly of: number;
  /** Candidates still in the race, the current one included. */
  readonly entries: number;
}

export interface Standing<Entry> {
  readonly entry: Entry;
  readonly isCurrent: boolean;
  readonly samples: number;
  /** Requests a second; null where it was not measured. */
  readonly value: Spread | null;
  /** Over the current settings in the same pass. */
  readonly ratio: Spread | null;
  /** The last round it took part in; 0 for none. */
  readonly rounds: number;
  /** Why it left the race other than by being slower. */
  readonly failure: string | null;
}

export interface RaceResult<Entry> {
  /** The current settings first, then the others, the best first. */
  readonly standings: readonly Standing<Entry>[];
  /** The candidate that was measured against the current one in pairs; null where none was left. */
  readonly challenger: Entry | null;
  readonly verdict: Verdict;
}

/** Of the time, what the pairs get; more, up to the other share, where the fewest that can decide need it. */
const PAIRS_SHARE = 0.45;
const MOST_PAIRS_SHARE = 0.65;
/** Pairs aimed at: seven wins of eight are needed. */
const PAIRS = 8;
/** Candidates within this of each other are taken for equal when one is chosen to challenge. */
const EQUAL = 0.02;

interface Runner<Entry> {
  readonly entry: Entry;
  readonly values: number[];
  readonly ratios: number[];
  rounds: number;
  failure: string | null;
}

/** Runs the race. Ends within the budget, but for the measurement under way. */
export async function race<Entry>(options: RaceOptions<Entry>): Promise<RaceResult<Entry>> {
  const startedAt = options.now();
  const current = runnerOf(options.current);
  const all = options.challengers.map(runnerOf);
  const finalists = await runRounds(options, current, all, startedAt + options.budgetMs - pairsMs(options));
  const challenger = simplestOfBest(finalists, options.costOf);
  const pairs = challenger === null ? [] : await runPairs(options, current, challenger, startedAt + options.budgetMs);
  const others = all.toSorted((a, b) => b.rounds - a.rounds || standingOf(b) - standingOf(a));
  return {
    standings: [current, ...others].map((runner) => ({
      entry: runner.entry,
      isCurrent: runner === current,
      samples: runner.values.length,
      value: spreadOf(runner.values),
      ratio: spreadOf(runner.ratios),
      rounds: runner.rounds,
      failure: runner.failure,
    })),
    challenger: challenger?.entry ?? null,
    verdict: verdictOf(challenger === null || challenger.failure !== null ? [] : pairs),
  };
}

/** Time kept for the pairs. */
function pairsMs<Entry>({ budgetMs, leastMs, overhead }: RaceOptions<Entry>): number {
  const needed = (LEAST_PAIRS + 1) * 2 * leastMs * overhead;
  return clamp(needed, budgetMs * PAIRS_SHARE, budgetMs * MOST_PAIRS_SHARE);
}

/** Halves the field until one is left or the time is up, and answers those of the last round. */
async function runRounds<Entry>(
  options: RaceOptions<Entry>,
  current: Runner<Entry>,
  all: readonly Runner<Entry>[],
  endAt: number,
): Promise<readonly Runner<Entry>[]> {
  const { now, passes, leastMs, mostMs, loadMs, overhead, onStep } = options;
  const rounds = Math.ceil(Math.log2(all.length));
  let field = all;
  let finalists = all;
  for (let round = 1; field.length > 1 && now() < endAt; round++) {
    const loadingMs = round === 1 ? field.length * loadMs : 0;
    const roundMs = (endAt - now()) / (rounds - round + 1) - loadingMs;
    const durationMs = clamp(roundMs / (passes * (field.length + 1) * overhead), leastMs, mostMs);
    onStep?.({ phase: "round", number: round, of: rounds, entries: field.length + 1 });
    for (const runner of field) runner.rounds = round;
    for (let pass = 0; pass < passes && now() < endAt; pass++) {
      await runPass(options, current, field, durationMs, endAt);
      // What was not reached in the first pass has no figure to be ranked by.
      field = field.filter(({ failure, ratios }) => failure === null && ratios.length > 0);
    }
    finalists = field;
    field = field.toSorted((a, b) => standingOf(b) - standingOf(a)).slice(0, Math.ceil(field.length / 2));
  }
  return finalists.filter(({ failure }) => failure === null);
}

/** Measures the current settings and everyone in the field once. */
async function runPass<Entry>(
  options: RaceOptions<Entry>,
  current: Runner<Entry>,
  field: readonly Runner<Entry>[],
  durationMs: number,
  endAt: number,
): Promise<void> {
  const reached: { readonly runner: Runner<Entry>; readonly value: number }[] = [];
  let reference: number | null = null;
  for (const runner of shuffled([current, ...field], options.random)) {
    const expectedMs = durationMs * options.overhead + (runner.values.length === 0 ? options.loadMs : 0);
    // One challenger is measured whatever the time: without any there is nothing to compare.
    if (runner !== current && reached.length > 0 && options.now() + expectedMs > endAt) continue;
    const value = await measured(options, runner, durationMs);
    if (value === null) continue;
    if (runner === current) reference = value;
    else reached.push({ runner, value });
  }
  if (reference === null) return;
  current.ratios.push(1);
  for (const { runner, value } of reached) runner.ratios.push(ratioOf({ current: reference, challenger: value }));
}

/** Measures the challenger and the current settings back to back, in turns first and second, as often as time allows. */
async function runPairs<Entry>(
  options: RaceOptions<Entry>,
  current: Runner<Entry>,
  challenger: Runner<Entry>,
  endAt: number,
): Promise<readonly Pair[]> {
  const { now, leastMs, mostMs, overhead, onStep } = options;
  const pairs: Pair[] = [];
  while (pairs.length < PAIRS) {
    const leftMs = endAt - now();
    const durationMs = clamp(leftMs / (2 * (PAIRS - pairs.length) * overhead), leastMs, mostMs);
    // A rounding error must not cost a pair.
    if (2 * durationMs * overhead > leftMs + 1) break;
    onStep?.({ phase: "pairs", number: pairs.length + 1, of: PAIRS, entries: 2 });
    const values = new Map<Runner<Entry>, number | null>();
    for (const runner of pairs.length % 2 === 0 ? [current, challenger] : [challenger, current])
      values.set(runner, await measured(options, runner, durationMs));
    const pair = { current: values.get(current) ?? null, challenger: values.get(challenger) ?? null };
    if (pair.current === null || pair.challenger === null) break;
    pairs.push({ current: pair.current, challenger: pair.challenger });
    current.ratios.push(1);
    challenger.ratios.push(ratioOf(pairs.at(-1)!));
  }
  return pairs;
}

async function measured<Entry>(
  { measure }: RaceOptions<Entry>,
  runner: Runner<Entry>,
  durationMs: number,
): Promise<number | null> {
  const sample = await measure(runner.entry, durationMs);
  if (sample.ok) runner.values.push(sample.value);
  else runner.failure = sample.reason;
  return sample.ok ? sample.value : null;
}

/** Of the finalists the best, or one that is as good and costs less. */
function simplestOfBest<Entry>(
  finalists: readonly Runner<Entry>[],
  costOf: (entry: Entry) => number,
): Runner<Entry> | null {
  const best = Math.max(...finalists.map(standingOf));
  const equals = finalists.filter((runner) => standingOf(runner) >= best * (1 - EQUAL));
  return equals.toSorted((a, b) => costOf(a.entry) - costOf(b.entry))[0] ?? null;
}

function runnerOf<Entry>(entry: Entry): Runner<Entry> {
  return { entry, values: [], ratios: [], rounds: 0, failure: null };
}

/** What a candidate is ranked by. */
function standingOf<Entry>({ ratios, failure }: Runner<Entry>): number {
  return failure === null ? (spreadOf(ratios)?.median ?? 0) : -1;
}

function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  const order = [...items];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
