// `npm run calibration -- latency`: how often two models are said to differ in latency that don't, on this machine and not in
// a simulation. The digits classifier is compared with itself again and again; then with itself made a tenth slower, which
// has to be found. --keep writes results/latency.json.
import { randomBytes } from "node:crypto";
import { statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import type { Clock } from "@slipway/core/base";
import { binomialDistribution, clopperPearsonInterval } from "@slipway/core/stats";
import { RuntimeSettings } from "../server/src/config/index.ts";
import { compareLatency, type LatencyComparison } from "../server/src/lab/measure/index.ts";
import { createExecutor, type Executor, LongTurns, systemClock } from "../server/src/runtime/index.ts";

const RUNS = 200;
const CONTROLS = 5;
/** How much longer the control takes. */
const SLOWER_BY = 0.1;
/** Fewer loads and shorter rounds than a comparison has by default, so that 200 take minutes: it errs as often, and finds less. */
const SETTINGS = { batch: 16, loads: 3, roundsPerLoad: 10, burstMs: 8 };
/** A tenth is less than two loads of one model may differ by: it takes more of them to be seen. */
const CONTROL_SETTINGS = { batch: 16, loads: 12, roundsPerLoad: 30, burstMs: 8 };
/** So few are this unlikely where the comparison is wrong one time in twenty, as it says. */
const IMPROBABLE = 0.02;

const root = path.resolve(import.meta.dirname, "..");
const KEPT = path.join(import.meta.dirname, "results", "latency.json");

/** A run as it is kept. */
interface KeptLatencyCalibration {
  readonly command: string;
  readonly machine: string;
  readonly date: string;
  readonly settings: typeof SETTINGS;
  readonly controlSettings: typeof SETTINGS;
  readonly seconds: number;
  readonly itself: {
    readonly runs: number;
    readonly withoutDifference: number;
    readonly least: number;
    /** Of the share of comparisons that say there is none, Clopper and Pearson's at 95 %. */
    readonly interval: readonly [number, number];
    readonly ratios: readonly number[];
  };
  readonly slower: {
    readonly by: number;
    readonly runs: number;
    readonly found: number;
    readonly ratios: readonly number[];
  };
}

/** Compares, prints and keeps; ends with 1 where too many differences are seen, or those that are there are not. */
export async function calibrateLatency(arguments_: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...arguments_],
    options: {
      runs: { type: "string", default: String(RUNS) },
      controls: { type: "string", default: String(CONTROLS) },
      keep: { type: "boolean", default: false },
    },
  });
  const [runs, controls] = [Number(values.runs), Number(values.controls)];
  if (![runs, controls].every((count) => Number.isSafeInteger(count) && count > 0)) {
    throw new RangeError(
      `--runs is "${values.runs}" and --controls "${values.controls}"; give whole numbers of at least 1.`,
    );
  }
  const startedAt = performance.now();
  const load = await digitsLoader();
  const slow = async (signal: AbortSignal) => slowed(await load(signal), SLOWER_BY, systemClock);

  const withItself = await compared({
    runs,
    first: load,
    second: load,
    what: "itself",
    firstSeed: 1,
    settings: SETTINGS,
  });
  const withSlower = await compared({
    runs: controls,
    first: load,
    second: slow,
    what: "itself, a tenth slower",
    firstSeed: 1_000_001,
    settings: CONTROL_SETTINGS,
  });
  const withoutDifference = withItself.filter(({ verdict }) => verdict === "no difference").length;
  const found = withSlower.filter(({ verdict }) => verdict === "slower").length;
  const { lower, upper } = clopperPearsonInterval(withoutDifference, runs);
  const least = leastWithoutDifference(runs);
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  console.log(
    `A model and itself: "no difference" in ${withoutDifference} of ${runs} (${percent(lower)} to ${percent(upper)} at 95 % confidence); at least ${least} are asked for.`,
  );
  console.log(
    `A model and itself made a tenth slower: "slower" in ${found} of ${controls}; more than half are asked for.`,
  );
  console.log(`${seconds} s`);
  if (values.keep) {
    const kept: KeptLatencyCalibration = {
      command: `npm run calibration -- latency --runs ${runs} --controls ${controls} --keep`,
      machine: `${os.availableParallelism()} cores, ${os.cpus()[0]?.model.trim() ?? "unknown"}`,
      date: new Date().toISOString().slice(0, 10),
      settings: SETTINGS,
      controlSettings: CONTROL_SETTINGS,
      seconds,
      itself: { runs, withoutDifference, least, interval: [lower, upper], ratios: withItself.map(ratioOf) },
      slower: { by: SLOWER_BY, runs: controls, found, ratios: withSlower.map(ratioOf) },
    };
    writeFileSync(KEPT, `${JSON.stringify(kept)}\n`);
  }
  process.exitCode = withoutDifference >= least && 2 * found > controls ? 0 : 1;
}

/** The least count that a comparison which is wrong at most one time in twenty undercuts hardly ever; 183 of 200. */
function leastWithoutDifference(runs: number): number {
  return binomialDistribution(runs, 0.95).quantile(IMPROBABLE);
}

interface Comparisons {
  readonly runs: number;
  readonly first: (signal: AbortSignal) => Promise<Executor>;
  readonly second: (signal: AbortSignal) => Promise<Executor>;
  readonly what: string;
  readonly firstSeed: number;
  readonly settings: typeof SETTINGS;
}

async function compared({
  runs,
  first,
  second,
  what,
  firstSeed,
  settings,
}: Comparisons): Promise<readonly LatencyComparison[]> {
  const { signal } = new AbortController();
  const all: LatencyComparison[] = [];
  for (let run = 0; run < runs; run++) {
    const seed = firstSeed + run;
    const one = await compareLatency({ first, second, clock: systemClock, signal, seed, ...settings });
    all.push(one);
    const { estimate, lower, upper, pValue } = one.p50;
    const range = `${estimate.toFixed(3)} (${lower.toFixed(3)} to ${upper.toFixed(3)}), p = ${pValue.toFixed(3)}`;
    console.log(`${String(run + 1).padStart(4)} of ${runs}  ${what}: ${range}: ${one.verdict}`);
  }
  return all;
}

/** Loads the digits classifier in a contained runner, as it is served. */
async function digitsLoader(): Promise<(signal: AbortSignal) => Promise<Executor>> {
  const file = path.join(root, "examples/digits/model.onnx");
  const model = {
    model: { name: "model.onnx", path: file, offset: 0, sizeBytes: statSync(file).size },
    externalData: [],
  };
  const settings = RuntimeSettings.parse({});
  const longTurns = new LongTurns(systemClock);
  return (signal) =>
    createExecutor({ model, settings, clock: systemClock, randomBytes, environment: {}, longTurns, signal });
}

/** The same, but that every answer is held back, with the processor at work, until it took so much longer. */
function slowed(executor: Executor, by: number, clock: Clock): Executor {
  return {
    signature: executor.signature,
    batching: executor.batching,
    credits: executor.credits,
    status: () => executor.status(),
    onChange: (listener) => executor.onChange(listener),
    release: () => executor.release(),
    close: () => executor.close(),
    run: (request, done) => {
      const sentAt = clock.now();
      return executor.run(request, (outcome) => {
        const until = sentAt + (clock.now() - sentAt) * (1 + by);
        while (clock.now() < until);
        done(outcome);
      });
    },
  };
}

const ratioOf = ({ p50 }: LatencyComparison): number => Number(p50.estimate.toFixed(4));
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
