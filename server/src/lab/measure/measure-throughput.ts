// How many rows a second can be had, and at which latency: clients that wait for their answers, by rows, threads and runners,
// and behind HTTP also requests that come at a rate whatever the server does. What nothing else beats is the Pareto front.
import { z } from "zod";
import type { JsonObject, MeasuredValue } from "#registry";
import { INPUT_SHAPES } from "./compute/index.ts";
import {
  type Burst,
  byLoad,
  CONFIDENCE,
  GRID_OPTIONS,
  gridOf,
  KEPT_ROUNDS,
  keptBurst,
  latenciesKept,
  type Loaded,
  type MachineWatch,
  openGrid,
  paretoFront,
  percentileValue,
  type PointSummary,
  rateOf,
  REFERENCE_TEXT,
  referenceTarget,
  roundProgress,
  savedState,
  type ServerTarget,
  summaryOf,
  takeRounds,
  type Target,
  THROUGH_OPTIONS,
  watchOf,
  MOST_OF_A_BURST,
  ROUNDS_OPTIONS,
} from "./latency/index.ts";
import { measurement } from "./measurement.ts";
import { type Drive, nameOf, type Series, seriesOf } from "./throughput-series.ts";

const SCHEMA = 1;
const ROUNDS_PER_LOAD = 4;
/** Of one burst; it is long before the time for it is over that a rate no longer changes. */
const MOST_REQUESTS = 5000;
/** How long all clients try what can be had at most, before shares of it are offered. */
const CAPACITY_MS = 500;
/** From this share of failed requests on, it was more than could be answered. */
const FAILED_SHARE = 0.001;

const OPTIONS = z.strictObject({
  ...GRID_OPTIONS,
  ...THROUGH_OPTIONS,
  clients: z
    .array(z.number().int().min(1).max(256))
    .min(1)
    .max(12)
    .default([1, 4, 16])
    .describe("clients that each wait for their answer before they send again"),
  offered: z
    .array(z.number().min(0.05).max(1.5))
    .max(12)
    .default([0.5, 0.8])
    .describe("server: shares of the most that can be had, offered as requests that come at random times"),
  seconds: z.number().min(0.1).max(3600).default(5).describe("time each combination is measured, in seconds"),
  ...ROUNDS_OPTIONS,
  shapes: INPUT_SHAPES,
});
type Options = z.output<typeof OPTIONS>;

const SAVED = z.strictObject({
  form: z.literal("throughput rounds 1"),
  options: z.string(),
  loadAverage: z.number(),
  /** Requests a second, for each point of the grid; shares of it are offered. */
  capacities: z.array(z.number().positive()),
  rounds: KEPT_ROUNDS,
});

/** What a series came to. */
interface Found extends PointSummary {
  readonly series: Series;
  /** Rows a second. */
  readonly rate: PointSummary["mean"];
  readonly failed: number;
  /** Requests a second that were offered; null where clients waited for their answers. */
  readonly offeredPerSecond: number | null;
}

/**
 * `rate` is the highest rate of rows a second at the settings the model is served with, in requests of one row;
 * `rate[clients=4]`, `p50[clients=4]`, `p99[clients=4]` and the like are of each combination, and those of `[offered=0.8]` of
 * requests that arrive at 0.8 of the most that clients could have, counted from when they were due (open loop; G. Tene, "How
 * NOT to Measure Latency"). A rate's interval is Student's over loads; percentiles as in `latency`.
 */
export const throughput = measurement({
  about:
    "How many rows a second, and at which latency: by clients, rows, threads and runners, and under requests at random times; the Pareto front.",
  needsRows: false,
  needsRival: false,
  isTimed: true,
  options: OPTIONS,
  run: async (_subject, options, ports, run) => {
    const points = gridOf(options, ports.settings, ports.cores);
    const all = seriesOf(points, options.clients, options.through === "server" ? options.offered : []);
    const key = JSON.stringify({ ...options, points });
    const saved = savedState(run, SAVED, (state) => state.options === key);
    const loadAverage = saved?.loadAverage ?? ports.loadAverage();
    const total = options.loads * ROUNDS_PER_LOAD;
    const most = latenciesKept(total * (all.length + 1));
    const durationMs = (options.seconds * 1000) / total;
    const reference = referenceTarget(ports.clock);
    const report = roundProgress(run, ports.clock, "Throughput", saved?.rounds.length ?? 0, total);
    let capacities: readonly number[] = saved?.capacities ?? [];
    const rounds = await takeRounds<Burst>({
      loads: options.loads,
      roundsPerLoad: ROUNDS_PER_LOAD,
      seed: options.seed,
      done: saved?.rounds ?? [],
      signal: run.signal,
      open: async (load) => {
        const grid = await openGrid(points, options, options.shapes, ports, run.signal);
        try {
          if (capacities.length === 0 && all.some(({ drive }) => drive.kind === "offered")) {
            capacities = await capacitiesOf(grid.targets, Math.max(...options.clients), run.signal);
          }
        } catch (error) {
          await grid.close();
          throw error;
        }
        let turn = 0;
        const contenders = all.map(({ place, drive }) => async () => {
          const seed = (options.seed + 7919 * (load * total + turn++)) % 2 ** 32;
          const driven = { drive, durationMs, capacity: capacities[place] ?? 0, seed };
          return keptBurst(await drivenBurst(grid.targets[place]!, driven, run.signal), most);
        });
        const order = { concurrency: 1, durationMs, mostRequests: most };
        contenders.push(async () => keptBurst(await reference.burst(order, run.signal), most));
        return { contenders, close: grid.close } satisfies Loaded<Burst>;
      },
      onProgress: async (done, isLoading) => {
        report(done, isLoading);
        if (!isLoading) {
          await run.save({ form: "throughput rounds 1", options: key, loadAverage, capacities, rounds: done });
        }
      },
    });
    const found = all.map((series, place): Found => {
      const loads = byLoad(rounds, place);
      const { drive, batch } = series;
      return {
        series,
        ...summaryOf(loads),
        rate: rateOf(loads, batch),
        failed: loads.flat().reduce((sum, { failed }) => sum + failed, 0),
        offeredPerSecond: drive.kind === "offered" ? drive.share * capacities[series.place]! : null,
      };
    });
    const watch = watchOf(byLoad(rounds, all.length).flat(), loadAverage, ports.cores);
    return {
      kind: "throughput",
      schema: SCHEMA,
      values: valuesOf(found, watch, options),
      details: detailsOf(found, watch, options),
      dataset: null,
      machine: ports.machine,
      settings: settingsOf(found, options),
      method: methodOf(options),
      code: ports.code,
    };
  },
});

interface Driven {
  readonly drive: Drive;
  readonly durationMs: number;
  /** Requests a second. */
  readonly capacity: number;
  readonly seed: number;
}

function drivenBurst(
  target: Target | ServerTarget,
  { drive, durationMs, capacity, seed }: Driven,
  signal: AbortSignal,
): Promise<Burst> {
  if (drive.kind === "clients") {
    return target.burst({ concurrency: drive.clients, durationMs, mostRequests: MOST_REQUESTS }, signal);
  }
  return (target as ServerTarget).offer({ ratePerSecond: drive.share * capacity, durationMs, seed }, signal);
}

async function capacitiesOf(targets: readonly Target[], clients: number, signal: AbortSignal): Promise<number[]> {
  const capacities: number[] = [];
  for (const target of targets) {
    const order = { concurrency: clients, durationMs: CAPACITY_MS, mostRequests: MOST_REQUESTS };
    const { answered, elapsedMs } = await target.burst(order, signal);
    capacities.push((answered * 1000) / elapsedMs);
  }
  return capacities;
}

/** The highest rate at the served settings, in requests of one row, by clients that wait. */
function bestOf(found: readonly Found[]): Found {
  const served = found.filter(({ series }) => series.suffix === "" && series.drive.kind === "clients");
  return served.reduce((best, one) => (one.rate.estimate > best.rate.estimate ? one : best));
}

function frontOf(found: readonly Found[]): readonly Found[] {
  return paretoFront(
    found,
    ({ rate }) => rate.estimate,
    ({ p99 }) => p99.estimate,
  );
}

function valuesOf(found: readonly Found[], { referenceMs, roundMediansMs }: MachineWatch, { loads }: Options) {
  const best = bestOf(found);
  const values: Record<string, MeasuredValue> = {};
  const served = found.filter(({ series }) => series.suffix === "" && series.drive.kind === "clients").length;
  values["rate"] = rateValue(best, `${clientsText(best)}, the most of ${served} tried; Student over ${loads} loads`);
  for (const one of found) {
    const name = nameOf(one.series);
    values[`rate${name}`] = rateValue(one, `rows answered a second, Student over ${loads} loads`);
    values[`p50${name}`] = percentileValue(one.p50, one.count, loads);
    values[`p99${name}`] = percentileValue(one.p99, one.count, loads);
  }
  const { estimate, lower, upper } = referenceMs;
  values["reference"] = {
    value: estimate,
    reason: null,
    unit: "ms",
    interval: lower === null || upper === null ? null : { lower, upper, level: CONFIDENCE },
    method: `median over rounds of ${REFERENCE_TEXT}`,
    count: roundMediansMs.length,
  };
  return values;
}

function rateValue({ rate, count }: Found, method: string): MeasuredValue {
  const { estimate, lower, upper } = rate;
  return { value: estimate, reason: null, unit: "/s", interval: { lower, upper, level: CONFIDENCE }, method, count };
}

function detailsOf(found: readonly Found[], watch: MachineWatch, options: Options): JsonObject {
  const front = frontOf(found);
  const overloaded = found.filter(({ failed, count }) => failed > FAILED_SHARE * (failed + count));
  const warnings = [
    ...watch.warnings,
    ...overloaded.map(
      ({ series, failed, count }) =>
        `Of the requests of ${nameOf(series)}, ${failed} of ${failed + count} were refused or failed: that is more than can be answered.`,
    ),
  ];
  return JSON.parse(
    JSON.stringify({
      summary: [...headline(found, front, options), ...warnings],
      warnings,
      points: found.map(({ series, rate, count, p50, p90, p99, mean, failed, offeredPerSecond, stages }) => {
        const { batch, threads, instances, drive } = series;
        const driven = drive.kind === "clients" ? { clients: drive.clients } : { offered: drive.share };
        const settings = { batch, threads, instances, ...driven };
        const isFront = front.some((one) => one.series === series);
        return {
          name: nameOf(series),
          settings,
          rate,
          count,
          p50,
          p90,
          p99,
          mean,
          failed,
          offeredPerSecond,
          stages,
          isFront,
        };
      }),
      front: front.map(({ series }) => nameOf(series)),
      reference: watch,
    }),
  ) as JsonObject;
}

function headline(found: readonly Found[], front: readonly Found[], { through, wire }: Options): string[] {
  const best = bestOf(found);
  const path = through === "executor" ? "through its runner" : `through HTTP with ${wire} tensors`;
  return [
    `As it is served, it answers up to ${perSecond(best.rate.estimate)} rows a second ${path}, for ${clientsText(best)}.`,
    `Nothing tried beats at both rate and p99: ${front.map((one) => `${nameOf(one.series).slice(1, -1)} (${perSecond(one.rate.estimate)} rows a second, p99 ${ms(one.p99.estimate)})`).join("; ")}.`,
  ];
}

function clientsText({ series: { drive } }: Found): string {
  const clients = drive.kind === "clients" ? drive.clients : 0;
  return `${clients} ${clients === 1 ? "client" : "clients"}`;
}

const ms = (value: number): string => `${Number(value.toPrecision(3))} ms`;
const perSecond = (value: number): string => String(Number(value.toPrecision(3)));

function settingsOf(found: readonly Found[], options: Options): JsonObject {
  const { through, wire, clients, offered, seconds, loads, seed, shapes } = options;
  const { batch, threads, instances } = found[0]!.series;
  const passage = through === "executor" ? { through } : { through, wire, offered };
  const kept = { ...passage, clients, seconds, loads, seed, batch, threads, instances, shapes };
  return JSON.parse(JSON.stringify(kept)) as JsonObject;
}

function methodOf({ loads, through }: Options): string {
  const what =
    through === "executor"
      ? "Clients that wait for their answers, at the executor"
      : "Clients that wait for their answers, and requests at random times counted from when they were due, over HTTP on this machine";
  return `${what}; made-up inputs, ${loads} loads of ${ROUNDS_PER_LOAD} rounds in random order, after warming up; no request left out, but of a burst at most ${MOST_OF_A_BURST} latencies, evenly over its quantiles.`;
}
