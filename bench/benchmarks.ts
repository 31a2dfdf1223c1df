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
import { benchServe, type ServeFigures, serveText } from "./serve.ts";
import { NETWORK_NAMES, type NetworkName } from "./train/networks.ts";
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
  train: TrainFigures;
}
export type BenchmarkName = keyof Figures;

interface Benchmark<Of> {
  readonly defaults: Partial<Options>;
  /** Whether each model is measured, and kept, by itself. */
  readonly isPerModel: boolean;
  readonly measure: (model: ModelName, options: Options) => Promise<Of>;
  readonly text: (model: ModelName, figures: Of) => string;
}

export const BENCHMARKS: { readonly [Name in BenchmarkName]: Benchmark<Figures[Name]> } = {
  serve: {
    defaults: { models: MODEL_NAMES, wires: WIRES, connections: [1, 32], rounds: 5, seconds: 2 },
    isPerModel: true,
    measure: benchServe,
    text: serveText,
  },
  overload: {
    defaults: { models: MODEL_NAMES, wires: ["binary"], rounds: 3, seconds: 4 },
    isPerModel: true,
    measure: benchOverload,
    text: overloadText,
  },
  start: {
    defaults: { rounds: 5 },
    isPerModel: false,
    measure: (_, options) => benchStart(options),
    text: (_, figures) => startText(figures),
  },
  memory: {
    defaults: { models: ["mid"], requests: 1_000_000 },
    isPerModel: true,
    measure: benchMemory,
    text: memoryText,
  },
  profile: {
    defaults: { models: ["tiny", "mid"], wires: WIRES, seconds: 6 },
    isPerModel: true,
    measure: benchProfile,
    text: profileText,
  },
  peers: {
    defaults: { models: ["tiny", "mid", "ms1"], rounds: 3, seconds: 2 },
    isPerModel: true,
    measure: benchPeers,
    text: peersText,
  },
  lengths: {
    defaults: { rounds: 5, seconds: 3 },
    isPerModel: false,
    measure: (_, options) => benchLengths(options),
    text: (_, figures) => lengthsText(figures),
  },
  dataset: {
    defaults: { gib: 3 },
    isPerModel: false,
    measure: (_, options) => benchDataset(options),
    text: (_, figures) => datasetText(figures),
  },
  plan: {
    defaults: { models: ["tiny", "mid", "ms10"], rounds: 10, seconds: 5 },
    isPerModel: true,
    measure: benchPlan,
    text: planFiguresText,
  },
  train: {
    defaults: { networks: NETWORK_NAMES, rounds: 7, seconds: 3 },
    isPerModel: false,
    measure: (_, options) => benchTrain(options),
    text: (_, figures) => trainText(figures),
  },
};

/** Runs a benchmark, part by part, and answers each as soon as it is there. */
export async function* measure(
  name: BenchmarkName,
  given: Partial<Options> & Pick<Options, "log">,
): AsyncGenerator<{ readonly result: Result; readonly text: string }> {
  const benchmark = BENCHMARKS[name] as Benchmark<unknown>;
  const options: Options = { ...NONE, ...benchmark.defaults, ...given };
  for (const model of benchmark.isPerModel ? options.models : (["tiny"] as const)) {
    const before = resultOf(name, benchmark.isPerModel ? model : null);
    const figures = await benchmark.measure(model, options);
    yield { result: { ...before, figures }, text: benchmark.text(model, figures) };
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
  peers: [],
  isInstalling: false,
};

/** The figures of a benchmark among results; undefined where it was not measured. */
export function figuresIn<Name extends BenchmarkName>(
  results: readonly Result[],
  name: Name,
  model: ModelName | null,
): Figures[Name] | undefined {
  const found = results.find(({ benchmark, subject }) => benchmark === name && (subject ?? null) === model);
  return found?.figures as Figures[Name] | undefined;
}
