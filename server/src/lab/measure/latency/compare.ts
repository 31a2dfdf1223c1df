// Whether one model is slower than another: both loaded side by side and timed in turns, and both loaded anew again and again,
// because two loads of the very same model differ, for as long as they live, by more than a few per cent (docs/latency.md).
import type { Clock } from "@slipway/core/base";
import { compareSessions, median, sortedQuantile } from "@slipway/core/stats";
import type { Executor } from "#runtime";
import type { InputShapes } from "../compute/index.ts";
import { executorTarget } from "./executor-target.ts";
import { CONFIDENCE } from "./point-summary.ts";
import { referenceTarget } from "./reference.ts";
import { byLoad, type Loaded, takeRounds } from "./rounds.ts";
import type { Burst, Target } from "./target.ts";
import { timedRequest } from "./timed-request.ts";
import { warmUp } from "./warm-up.ts";

/** Loads a model anew; closed by whoever asked. */
export type LoadModel = (signal: AbortSignal) => Promise<Executor>;

export interface LatencyComparisonOptions {
  readonly first: LoadModel;
  readonly second: LoadModel;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** How they are called in the sentence; "the first" and "the second" where nothing is said. */
  readonly names?: readonly [string, string];
  /** Rows of each request; 1 where nothing is said. */
  readonly batch?: number;
  readonly shapes?: InputShapes;
  /** Times both are loaded, at least 2; 6 where nothing is said. More find smaller differences; longer rounds hardly do. */
  readonly loads?: number;
  /** Rounds of each load; 40 where nothing is said. Many short ones share what else the machine does better than few long ones. */
  readonly roundsPerLoad?: number;
  /** Of each model in each round, in milliseconds; 10 where nothing is said. */
  readonly burstMs?: number;
  /** Of the order in rounds; 1 where nothing is said. */
  readonly seed?: number;
  /** Told before each load and after each round. */
  readonly onProgress?: (progress: {
    readonly rounds: number;
    readonly of: number;
    readonly isLoading: boolean;
  }) => void;
}

/** second / first: 1.1 where the second takes a tenth longer. */
export interface LatencyRatio {
  readonly estimate: number;
  readonly lower: number;
  readonly upper: number;
  readonly pValue: number;
}

export interface LatencyComparison {
  /** Of the second, judged by the medians alone, at 5 %. */
  readonly verdict: "faster" | "slower" | "no difference";
  /** Of the medians, round by round. */
  readonly p50: LatencyRatio;
  /** Of the 99th percentiles; null where loads had fewer than a hundred requests. */
  readonly p99: LatencyRatio | null;
  /** In milliseconds, load by load. */
  readonly loads: readonly ComparedLoad[];
  readonly sentence: string;
  readonly method: string;
}

export interface ComparedLoad {
  readonly first: LoadTimes;
  readonly second: LoadTimes;
  /** second / first: the median over rounds of the ratio of their medians. */
  readonly ratio: number;
  readonly referenceMs: number;
}

export interface LoadTimes {
  readonly p50Ms: number;
  readonly p99Ms: number | null;
  readonly requests: number;
}

const LEVEL = 0.05;
/** Fewer requests than this have no 99th percentile of their own. */
const LEAST_FOR_P99 = 100;
const MOST_REQUESTS = 2000;
const WARM_UP_WINDOW_MS = 25;
/** The reference is only to be seen here, and judges nothing. */
const REFERENCE_REPEATS = 2;
const NO_SHAPES: InputShapes = { symbols: {}, inputs: {} };

/**
 * Compares the latencies of two models, one request at a time at their executors, with the same made-up inputs where both take
 * them. In each load both are there at once, warmed up, and take turns in an order drawn for each round. Each round gives a
 * ratio of medians, which the machine's mood cancels from, and the median of these is the load's one observation, with
 * Student's interval and test over loads, on logarithms (core's `compareSessions`). What a load leaves to chance differs from
 * load to load, so that it says "slower" or "faster" of a model and itself one time in twenty.
 * @throws SlipwayError as loading does, PARAMETER_INVALID and INPUT_SHAPE_MISMATCH for inputs that don't fit, what requests end
 *   with; the signal's reason. RangeError for fewer than two loads
 */
export async function compareLatency(options: LatencyComparisonOptions): Promise<LatencyComparison> {
  const { clock, signal, loads = 6, roundsPerLoad = 40, burstMs = 10, seed = 1 } = options;
  if (loads < 2) throw new RangeError(`Models are compared over at least 2 loads, not ${loads}.`);
  const reference = referenceTarget(clock);
  const rounds = await takeRounds<Burst>({
    loads,
    roundsPerLoad,
    seed,
    done: [],
    signal,
    open: () => openBoth(options, burstMs, reference),
    onProgress: (all, isLoading) => options.onProgress?.({ rounds: all.length, of: loads * roundsPerLoad, isLoading }),
  });
  const [first, second, references] = [0, 1, 2].map((place) => byLoad(rounds, place));
  const compared = first!.map((bursts, load) => ({
    first: timesOf(bursts),
    second: timesOf(second![load]!),
    // Of logarithms, so that the two may change places.
    ratio: Math.exp(median(bursts.map((burst, round) => Math.log(middleOf(second![load]![round]!) / middleOf(burst))))),
    referenceMs: timesOf(references![load]!).p50Ms,
  }));
  return comparisonOf(compared, options);
}

/** What the loads come to. */
export function comparisonOf(
  loads: LatencyComparison["loads"],
  { names = ["the first", "the second"] }: Pick<LatencyComparisonOptions, "names">,
): LatencyComparison {
  const p50 = ratioOf(
    loads.map(() => 1),
    loads.map(({ ratio }) => ratio),
  );
  const tails = loads.map(({ first, second }) => [first.p99Ms, second.p99Ms] as const);
  const p99 = tails.every(([a, b]) => a !== null && b !== null)
    ? ratioOf(
        tails.map(([a]) => a!),
        tails.map(([, b]) => b!),
      )
    : null;
  const verdict = p50.pValue > LEVEL ? "no difference" : p50.estimate > 1 ? "slower" : "faster";
  return {
    verdict,
    p50,
    p99,
    loads,
    sentence: sentenceOf(verdict, p50, names),
    method: `ratio of medians of each round, Student over ${loads.length} loads of both, interleaved in random order; 5 % two-sided`,
  };
}

async function openBoth(options: LatencyComparisonOptions, burstMs: number, reference: Target): Promise<Loaded<Burst>> {
  const { clock, signal, batch = 1, shapes = NO_SHAPES } = options;
  const executors: Executor[] = [];
  const close = async () => void (await Promise.all(executors.map((one) => one.close())));
  try {
    const loading = await Promise.allSettled([options.first(signal), options.second(signal)]);
    for (const one of loading) if (one.status === "fulfilled") executors.push(one.value);
    for (const one of loading) if (one.status === "rejected") throw one.reason;
    const targets = executors.map((one) => executorTarget(one, timedRequest(one, batch, shapes), clock));
    for (const target of targets) await warmUp(target, clock, signal, WARM_UP_WINDOW_MS);
    const order = { concurrency: 1, durationMs: burstMs, mostRequests: MOST_REQUESTS };
    const contenders = targets.map((target) => () => target.burst(order, signal));
    contenders.push(() => reference.burst({ ...order, mostRequests: REFERENCE_REPEATS }, signal));
    return { contenders, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const middleOf = ({ latenciesMs }: Burst): number => median(latenciesMs);

function timesOf(bursts: readonly Burst[]): LoadTimes {
  const all = Float64Array.from(bursts.flatMap(({ latenciesMs }) => latenciesMs)).sort();
  const p99Ms = all.length < LEAST_FOR_P99 ? null : sortedQuantile(all, 0.99);
  return { p50Ms: median(all), p99Ms, requests: all.length };
}

function ratioOf(first: readonly number[], second: readonly number[]): LatencyRatio {
  const { ratio, pValue } = compareSessions(first, second, CONFIDENCE);
  return { ...ratio, pValue };
}

function sentenceOf(
  verdict: LatencyComparison["verdict"],
  { estimate, lower, upper, pValue }: LatencyRatio,
  [first, second]: readonly [string, string],
): string {
  const range = `${factor(lower)} to ${factor(upper)} × at 95 % confidence`;
  const chance = pValue < 0.001 ? "p < 0.001" : `p = ${pValue.toFixed(3)}`;
  if (verdict === "no difference") {
    return `No difference in latency is shown between ${first} and ${second}: the second's median is ${factor(estimate)} × the first's, ${range} (${chance}).`;
  }
  return `${capital(second)} is ${verdict} than ${first}: its median latency is ${factor(estimate)} × as long, ${range} (${chance}).`;
}

const factor = (ratio: number): string => ratio.toFixed(ratio < 10 ? 3 : 1);
const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
