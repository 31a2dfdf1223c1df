// How long a request takes, one at a time: percentiles with intervals, where the time goes, by rows, threads and runners.
import { z } from "zod";
import type { JsonObject, MeasuredValue } from "#registry";
import { INPUT_SHAPES } from "./compute/index.ts";
import {
  byLoad,
  GRID_OPTIONS,
  type GridPoint,
  gridOf,
  KEPT_ROUNDS,
  keptBurst,
  latenciesKept,
  type Loaded,
  type MachineWatch,
  openGrid,
  percentileValue,
  type PointSummary,
  REFERENCE_TEXT,
  referenceTarget,
  roundProgress,
  savedState,
  summaryOf,
  takeRounds,
  type Target,
  type Burst,
  THROUGH_OPTIONS,
  watchOf,
  type WarmUp,
  MOST_OF_A_BURST,
  ROUNDS_OPTIONS,
} from "./latency/index.ts";
import { measurement } from "./measurement.ts";

const SCHEMA = 1;
/** Rounds of each load; the burst of a round is as long as the time for a point leaves. */
const ROUNDS_PER_LOAD = 4;

const OPTIONS = z.strictObject({
  ...GRID_OPTIONS,
  ...THROUGH_OPTIONS,
  seconds: z.number().min(0.1).max(3600).default(10).describe("time each combination is measured, in seconds"),
  ...ROUNDS_OPTIONS,
  shapes: INPUT_SHAPES,
});
type Options = z.output<typeof OPTIONS>;

const SAVED = z.strictObject({
  form: z.literal("latency rounds 1"),
  options: z.string(),
  loadAverage: z.number(),
  rounds: KEPT_ROUNDS,
});

/** What the rounds came to; the reference is the last contender. */
interface Timed {
  readonly points: readonly GridPoint[];
  readonly summaries: readonly PointSummary[];
  readonly watch: MachineWatch;
  readonly warmUps: readonly WarmUp[];
}

/**
 * `p50`, `p90`, `p99`, `mean` and `max` are of requests of one row to the model as it is served; `p99[batch=8,threads=2]` and
 * the like of other settings. `reference` is a workload that never changes, timed in the same rounds.
 *
 * Every request counts, none is trimmed. Percentiles are bounded by order statistics over loads (core's
 * `groupedQuantileInterval`): requests of one load are alike, and an interval from all of them as if they were independent
 * would be far too narrow.
 */
export const latency = measurement({
  about:
    "How long a request takes, one at a time: p50, p90, p99 with intervals, by rows, threads and runners, beside a reference workload.",
  needsRows: false,
  needsRival: false,
  isTimed: true,
  options: OPTIONS,
  run: async (_subject, options, ports, run) => {
    const points = gridOf(options, ports.settings, ports.cores);
    const key = JSON.stringify({ ...options, points });
    const saved = savedState(run, SAVED, (state) => state.options === key);
    const loadAverage = saved?.loadAverage ?? ports.loadAverage();
    const reference = referenceTarget(ports.clock);
    const warmUps: WarmUp[] = [];
    const total = options.loads * ROUNDS_PER_LOAD;
    const burst = {
      durationMs: (options.seconds * 1000) / total,
      mostRequests: latenciesKept(total * (points.length + 1)),
    };
    const report = roundProgress(run, ports.clock, "Latency", saved?.rounds.length ?? 0, total);
    const rounds = await takeRounds<Burst>({
      loads: options.loads,
      roundsPerLoad: ROUNDS_PER_LOAD,
      seed: options.seed,
      done: saved?.rounds ?? [],
      signal: run.signal,
      open: async () => {
        const grid = await openGrid(points, options, options.shapes, ports, run.signal);
        warmUps.push(...grid.warmUps);
        return timedOneByOne([...grid.targets, reference], burst, grid.close, run.signal);
      },
      onProgress: async (all, isLoading) => {
        report(all, isLoading);
        if (!isLoading) await run.save({ form: "latency rounds 1", options: key, loadAverage, rounds: all });
      },
    });
    const timed: Timed = {
      points,
      summaries: points.map((_point, place) => summaryOf(byLoad(rounds, place))),
      watch: watchOf(
        rounds.map(({ results }) => results[points.length]!),
        loadAverage,
        ports.cores,
      ),
      warmUps,
    };
    return {
      kind: "latency",
      schema: SCHEMA,
      values: valuesOf(timed, options),
      details: detailsOf(timed, options),
      dataset: null,
      machine: ports.machine,
      settings: settingsOf(timed, options),
      method: methodOf(options),
      code: ports.code,
    };
  },
});

function timedOneByOne(
  targets: readonly Target[],
  /** Of a fast model it ends early: more requests make a percentile no surer than other rounds and loads do. */
  burst: { readonly durationMs: number; readonly mostRequests: number },
  close: () => Promise<void>,
  signal: AbortSignal,
): Loaded<Burst> {
  const contenders = targets.map(
    (target) => async () => keptBurst(await target.burst({ ...burst, concurrency: 1 }, signal), burst.mostRequests),
  );
  return { contenders, close };
}

function valuesOf({ points, summaries, watch }: Timed, { loads }: Options): Record<string, MeasuredValue> {
  const values: Record<string, MeasuredValue> = {};
  for (const [place, { suffix }] of points.entries()) {
    const { count, p50, p90, p99 } = summaries[place]!;
    values[`p50${suffix}`] = percentileValue(p50, count, loads);
    values[`p90${suffix}`] = percentileValue(p90, count, loads);
    values[`p99${suffix}`] = percentileValue(p99, count, loads);
  }
  const { count, mean, maxMs } = summaries[0]!;
  const level = 0.95;
  values["mean"] = {
    value: mean.estimate,
    reason: null,
    unit: "ms",
    interval: { lower: mean.lower, upper: mean.upper, level },
    method: `mean, Student over ${loads} loads`,
    count,
  };
  values["max"] = { value: maxMs, reason: null, unit: "ms", interval: null, method: "the longest seen", count };
  const { estimate, lower, upper } = watch.referenceMs;
  values["reference"] = {
    value: estimate,
    reason: null,
    unit: "ms",
    interval: lower === null || upper === null ? null : { lower, upper, level },
    method: `median over rounds of ${REFERENCE_TEXT}`,
    count: watch.roundMediansMs.length,
  };
  return values;
}

function detailsOf({ points, summaries, watch, warmUps }: Timed, options: Options): JsonObject {
  const unsettled = warmUps.filter(({ isSettled }) => !isSettled).length;
  const warnings = [
    ...watch.warnings,
    ...(unsettled === 0
      ? []
      : [`In ${unsettled} of ${warmUps.length} warm-ups it was still getting faster when the time for that was over.`]),
    ...(summaries[0]!.p99.upper === null
      ? [
          `${summaries[0]!.count} requests are too few to bound p99 at 95 %: measure for longer than ${options.seconds} s.`,
        ]
      : []),
  ];
  return JSON.parse(
    JSON.stringify({
      summary: [...headline(summaries[0]!, options), ...warnings],
      warnings,
      points: points.map(({ suffix, ...settings }, place) => ({ settings, name: suffix, ...summaries[place]! })),
      reference: watch,
      warmUps: { requests: warmUps.reduce((sum, { requests }) => sum + requests, 0), unsettled, of: warmUps.length },
    }),
  ) as JsonObject;
}

/** The result in a sentence, and where the time goes in another. */
function headline({ p50, p99, stages, mean }: PointSummary, { through, wire }: Options): string[] {
  const path = through === "executor" ? "through its runner" : `through HTTP with ${wire} tensors`;
  const bound = p99.upper === null ? "" : ` (at 95 % confidence no more than ${ms(p99.upper)})`;
  const lines = [
    `One row at a time ${path} takes ${ms(p50.estimate)} in half of all cases and at most ${ms(p99.estimate)} in 99 of 100${bound}.`,
  ];
  if (stages !== null) {
    lines.push(
      `Of the mean of ${ms(mean.estimate)}, the run takes ${ms(stages.inferMs)}, inputs and outputs ${ms(stages.inputMs + stages.outputMs)}, waiting in the runner ${ms(stages.queueMs)}, the way there and back ${ms(stages.outsideMs)}.`,
    );
  }
  return lines;
}

const ms = (value: number): string => `${Number(value.toPrecision(3))} ms`;

function settingsOf({ points }: Timed, { through, wire, seconds, loads, seed, shapes }: Options): JsonObject {
  const [{ batch, threads, instances }] = points as [GridPoint];
  const passage = through === "executor" ? { through } : { through, wire };
  return { ...passage, seconds, loads, seed, batch, threads, instances, shapes: JSON.parse(JSON.stringify(shapes)) };
}

function methodOf({ loads, through }: Options): string {
  const what =
    through === "executor"
      ? "One request at a time at the executor"
      : "One request at a time over HTTP on this machine";
  return `${what}, made-up inputs, ${loads} loads of ${ROUNDS_PER_LOAD} rounds in random order, after warming up until it no longer gets faster; no request left out, but of a burst at most ${MOST_OF_A_BURST} latencies, evenly over its quantiles.`;
}
