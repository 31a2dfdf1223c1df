// Steps of training as Slipway makes them, in a process of their own: told on standard input how many to do, answers each time
// with a line of JSON. With `profile` instead of a number, says where the time of five steps goes, operator by operator.
//   node step-run.ts NETWORK OPTIMIZER THREADS CONTENDER FOLDER
import { readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import {
  inGradientWords,
  parametersOf,
  prepareForGradient,
  type TrainLoop,
  trainLoop,
  type TrainStep,
  trainStep,
} from "@slipway/core/autodiff";
import { DEFAULT_SESSION_SETTINGS, type ModelBytes, type Session, type SessionSettings } from "@slipway/core/backend";
import { type Model, tensorFromInitializer } from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import type { NamedTensor, Tensor } from "@slipway/core/tensor";
import { createPassEngine, fastFormOf } from "../../server/src/lab/passes/index.ts";
import { profileFromTrace, type TraceEvent } from "../../server/src/lab/measure/operators/index.ts";
import { createOnnxRuntimeBackend, loadProfiled } from "../../server/src/runtime/index.ts";
import {
  madeUpBatch,
  type NetworkName,
  networkModel,
  NETWORKS,
  OPTIMIZERS,
  type OptimizerName,
  OWN,
  type OwnName,
} from "./networks.ts";

const [network, optimizer, threads, contender, folder] = process.argv.slice(2) as [
  NetworkName,
  OptimizerName,
  string,
  OwnName,
  string,
];
const { emission, isLooped } = OWN[contender];
const PROFILED_STEPS = 5;
const settings: SessionSettings = { ...DEFAULT_SESSION_SETTINGS, intraOpThreads: Number(threads) };
const backend = createOnnxRuntimeBackend();
const model = networkModel(network);
const batch = madeUpBatch(network);
const { learningRate } = OPTIMIZERS[optimizer];

/** What goes in besides what is carried, for the steps of one run from a step on, and the outputs that are asked for. */
interface Run {
  readonly steps: number;
  readonly inputs: (firstStep: number) => readonly NamedTensor[];
  readonly losses: string;
}

/** What the engine runs, and what it carries from run to run. */
class Training {
  readonly #step: TrainStep;
  readonly #session: Session;
  readonly #run: Run;
  #carried: readonly NamedTensor[];
  #done = 0;

  constructor(step: TrainStep, session: Session, run: Run) {
    this.#step = step;
    this.#session = session;
    this.#run = run;
    const stored = new Map(step.stored.map((one) => [one.name, one]));
    this.#carried = step.carried.map(({ of, input, shape, start }) => ({
      name: input,
      ...(start === "stored" ? tensorFromInitializer(stored.get(of)!) : zerosOf(shape)),
    }));
  }

  get stepsPerRun(): number {
    return this.#run.steps;
  }

  /** Does the steps of one run and answers their losses. */
  async once(): Promise<readonly number[]> {
    const { carried } = this.#step;
    const { steps, inputs, losses } = this.#run;
    const wanted = [losses, ...carried.map(({ output }) => output)];
    const outputs = await this.#session.run([...inputs(this.#done + 1), ...this.#carried], wanted);
    this.#done += steps;
    this.#carried = carried.map(({ input }, index) => ({ ...outputs[index + 1]!, name: input }));
    return Array.from(outputs[0]!.data as Float32Array);
  }
}

/** A run of one step. */
function runOfStep({ target, learningRate: rate, step, loss }: TrainStep): Run {
  const inputs = (count: number): readonly NamedTensor[] => [
    { name: "x", ...batch.x },
    { name: target, ...batch.labels },
    { name: rate, dtype: "float32", shape: [], data: Float32Array.of(learningRate) },
    ...(step === null ? [] : [counted(step, count)]),
  ];
  return { steps: 1, inputs, losses: loss };
}

/** A run of many steps, each with the same batch. */
function runOfLoop({ learningRates, firstStep, losses }: TrainLoop, target: string): Run {
  const steps = NETWORKS[network].stepsPerRun;
  const rates = new Float32Array(steps).fill(learningRate);
  const [x, labels] = [repeated(batch.x, steps), repeated(batch.labels, steps)];
  const inputs = (count: number): readonly NamedTensor[] => [
    { name: "x", ...x },
    { name: target, ...labels },
    { name: learningRates, dtype: "float32", shape: [steps], data: rates },
    ...(firstStep === null ? [] : [counted(firstStep, count)]),
  ];
  return { steps, inputs, losses };
}

function counted(name: string, step: number): NamedTensor {
  return { name, dtype: "float64", shape: [], data: Float64Array.of(step) };
}

/** A tensor so many times, along a new axis in front. */
function repeated({ dtype, shape, data }: Tensor, times: number): Tensor {
  const one = data as Float32Array;
  const all = new (one.constructor as Float32ArrayConstructor)(one.length * times);
  for (let time = 0; time < times; time++) all.set(one, time * one.length);
  return { dtype, shape: [times, ...shape], data: all };
}

const residentBefore = process.memoryUsage.rss();
const startedAt = performance.now();
const engine = createPassEngine({ backend });
const parameters = parametersOf(inGradientWords(model));
const prepared = await prepareForGradient(model, parameters, engine);
const preparedAt = performance.now();
const plain = await trainStep(prepared.model, {
  parameters,
  loss: { kind: "cross-entropy" },
  optimizer: OPTIMIZERS[optimizer].optimizer,
  emission,
  typesOf: (one) => engine.typesOf(one),
});
const formed = emission === "fast" ? await fastFormOf(model, backend) : (one: Model) => one;
const step = { ...plain, model: formed(plain.model) };
const loop = isLooped ? trainLoop(step) : null;
const bytes = bytesOf(loop ?? step);
const differentiatedAt = performance.now();
const run = loop === null ? runOfStep(step) : runOfLoop(loop, step.target);
const training = new Training(step, await backend.load(bytes, settings), run);
const loadedAt = performance.now();
answer({
  prepareMs: preparedAt - startedAt,
  differentiateMs: differentiatedAt - preparedAt,
  sessionMs: loadedAt - differentiatedAt,
  nodes: { forward: model.graph.nodes.length, step: step.model.graph.nodes.length },
});

for await (const line of createInterface({ input: process.stdin })) {
  if (line === "profile") {
    answer(await profiled());
    continue;
  }
  const [stepsMs, cpuMs, losses]: [number[], number[], number[]] = [[], [], []];
  const { stepsPerRun } = training;
  for (let count = Number(line); count > 0; count -= stepsPerRun) {
    const [from, cpuFrom] = [performance.now(), process.cpuUsage()];
    losses.push(...(await training.once()));
    const { user, system } = process.cpuUsage(cpuFrom);
    stepsMs.push((performance.now() - from) / stepsPerRun);
    cpuMs.push((user + system) / 1000 / stepsPerRun);
  }
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  answer({ stepsMs, cpuMs, losses, peakBytes, addedBytes: peakBytes - residentBefore });
}

/** Where the time of some steps goes. */
async function profiled() {
  const session = await loadProfiled(bytesOf(step), settings, path.join(folder, "trace"));
  const watched = new Training(step, session, runOfStep(step));
  for (let count = 0; count < PROFILED_STEPS + 1; count++) await watched.once();
  session.endProfiling();
  const file = path.join(folder, readdirSync(folder).find((name) => name.startsWith("trace"))!);
  const profile = profileFromTrace(JSON.parse(readFileSync(file, "utf8")) as TraceEvent[], PROFILED_STEPS);
  rmSync(file);
  const operators = profile.operators.map(({ operator, nodes, totalUs, share }) => ({
    operator,
    nodes,
    ms: totalUs / profile.runs / 1000,
    share,
  }));
  return { stepMs: profile.runUs / profile.runs / 1000, operators };
}

function bytesOf({ model: made }: TrainStep | TrainLoop): ModelBytes {
  return { model: bytesFromModel(made), externalData: new Map() };
}

function zerosOf(shape: readonly number[]): Tensor {
  const length = shape.reduce((product, axis) => product * axis, 1);
  return { dtype: "float32", shape, data: new Float32Array(length) };
}

function answer(what: object): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}
