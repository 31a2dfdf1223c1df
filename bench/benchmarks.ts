// Every benchmark in one table: what it measures, with which defaults, and how its figures are read.
import { benchDataset, type DatasetFigures, datasetText } from "./dataset.ts";
import { benchLengths, type LengthsFigures, lengthsText } from "./lengths.ts";
import { benchMemory, type MemoryFigures, memoryText } from "./memory.ts";
import { MODEL_NAMES, type ModelName } from "./models.ts";
import { benchOverload, type OverloadFigures, overloadText } from "./overload.ts";
import { WIRES, type Wire } from "./payloads.ts";
import { benchPeers, type PeersFigures, peersText } from "./peers/measure.ts";
import { benchPlan, type PlanFigures, planFiguresText } from "./plan.ts";
import { benchProfile, type ProfileFigures, profileText } from "./profile/measure.ts";
import { type Result, resultOf } from "./record.ts";
import { benchScale, type ScaleFigures, scaleText } from "./scale.ts";
import { benchServe, type ServeFigures, serveText } from "./serve.ts";
import { NETWORK_NAMES, type NetworkName, OPTIMIZER_NAMES, type OptimizerName } from "./train/networks.ts";
import { benchFit, type FitFigures, fitText } from "./train/fit.ts";
import { benchTrain, type TrainFigures, trainText } from "./train/measure.ts";
import { benchStart, type StartFigures, startText } from "./start.ts";

export interface Options {
  readonly models: readonly ModelName[];
  readonly wires: readonly Wire[];
  readonly connections: readonly number[];
  readonly rounds: number;
  /** Whole seconds that each load lasts. */
  readonly seconds: number;
  readonly requests: number;
  /** Size of a data file. */
  readonly gib: number;
  readonly networks: readonly NetworkName[];
  readonly optimizers: readonly OptimizerName[];
  /** Threads of a step, each on a core. */
  readonly threads: readonly number[];
  readonly peers: readonly string[];
  readonly isInstalling: boolean;
  readonly log: (line: string) => void;
}

/** The figures of each benchmark. */
export interface Figures {
  serve: ServeFigures;
  overload: OverloadFigures;
  start: StartFigures;
  memory: MemoryFigures;
  profile: ProfileFigures;
  peers: PeersFigures;
  lengths: LengthsFigures;
  dataset: DatasetFigures;
  plan: PlanFigures;
  scale: ScaleFigures;
  train: TrainFigures;
  fit: FitFigures;
}
export type BenchmarkName = keyof Figures;
export type Subject = ModelName | NetworkName;

interface Benchmark<Of> {
  readonly defaults: Partial<Options>;
  /** What is measured, and kept, by itself: each model, each network that trains, or all in one. */
  readonly per: "model" | "network" | null;
  measure(subject: Subject, options: Options): Promise<Of>;
  text(subject: Subject, figures: Of): string;
}

export const BENCHMARKS: { readonly [Name in BenchmarkName]: Benchmark<Figures[Name]> } = {
  serve: {
    defaults: { models: MODEL_NAMES, wires: WIRES, connections: [1, 32], rounds: 5, seconds: 2 },
    per: "model",
    measure: benchServe,
    text: serveText,
  },
  overload: {
    defaults: { models: MODEL_NAMES, wires: ["binary"], rounds: 3, seconds: 4 },
    per: "model",
    measure: benchOverload,
    text: overloadText,
  },
  start: {
    defaults: { rounds: 5 },
    per: null,
    measure: (_, options) => benchStart(options),
    text: (_, figures) => startText(figures),
  },
  memory: {
    defaults: { models: ["mid"], requests: 1_000_000 },
    per: "model",
    measure: benchMemory,
    text: memoryText,
  },
  profile: {
    defaults: { models: ["tiny", "mid"], wires: WIRES, seconds: 6 },
    per: "model",
    measure: benchProfile,
    text: profileText,
  },
  peers: {
    defaults: { models: ["tiny", "mid", "ms1"], rounds: 3, seconds: 2 },
    per: "model",
    measure: benchPeers,
    text: peersText,
  },
  lengths: {
    defaults: { rounds: 5, seconds: 3 },
    per: null,
    measure: (_, options) => benchLengths(options),
    text: (_, figures) => lengthsText(figures),
  },
  dataset: {
    defaults: { gib: 3 },
    per: null,
    measure: (_, options) => benchDataset(options),
    text: (_, figures) => datasetText(figures),
  },
  plan: {
    defaults: { models: ["tiny", "mid", "ms10"], rounds: 10, seconds: 5 },
    per: "model",
    measure: benchPlan,
    text: planFiguresText,
  },
  scale: {
    defaults: { models: ["tiny", "mid", "ms1"], wires: ["binary"], rounds: 3, seconds: 2 },
    per: "model",
    measure: benchScale,
    text: scaleText,
  },
  train: {
    defaults: { networks: NETWORK_NAMES, optimizers: OPTIMIZER_NAMES, threads: [1, 2], rounds: 7, seconds: 3 },
    per: "network",
    measure: benchTrain,
    text: (_, figures) => trainText(figures),
  },
  fit: {
    defaults: { rounds: 5 },
    per: null,
    measure: (_, options) => benchFit(options),
    text: (_, figures) => fitText(figures),
  },
};

/** Runs a benchmark, part by part, and answers each as soon as it is there. */
export async function* measure(
  name: BenchmarkName,
  given: Partial<Options> & Pick<Options, "log">,
): AsyncGenerator<{ readonly result: Result; readonly text: string }> {
  const benchmark = BENCHMARKS[name] as Benchmark<unknown>;
  const options: Options = { ...NONE, ...benchmark.defaults, ...given };
  const { per } = benchmark;
  const subjects = { model: options.models, network: options.networks };
  for (const subject of per === null ? (["tiny"] as const) : subjects[per]) {
    const before = resultOf(name, per === null ? null : subject);
    const figures = await benchmark.measure(subject, options);
    yield { result: { ...before, figures }, text: benchmark.text(subject, figures) };
  }
}

/** What a benchmark that does not say gets. */
const NONE: Omit<Options, "log"> = {
  models: MODEL_NAMES,
  wires: WIRES,
  connections: [],
  rounds: 1,
  seconds: 1,
  requests: 0,
  gib: 1,
  networks: NETWORK_NAMES,
  optimizers: OPTIMIZER_NAMES,
  threads: [1],
  peers: [],
  isInstalling: false,
};

/** The figures of a benchmark among results; undefined where it was not measured. */
export function figuresIn<Name extends BenchmarkName>(
  results: readonly Result[],
  name: Name,
  subject: Subject | null,
): Figures[Name] | undefined {
  const found = results.find((result) => result.benchmark === name && (result.subject ?? null) === subject);
  return found?.figures as Figures[Name] | undefined;
}
