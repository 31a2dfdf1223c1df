// Steps of training as Slipway makes them, in a process of their own: told on standard input how many to do, answers each time
// with a line of JSON. With `profile` instead of a number, says where the time of five steps goes, operator by operator.
//   node step-run.ts NETWORK OPTIMIZER THREADS EMISSION FOLDER
import { readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import {
  type Emission,
  inGradientWords,
  parametersOf,
  prepareForGradient,
  type TrainStep,
  trainStep,
} from "@slipway/core/autodiff";
import { DEFAULT_SESSION_SETTINGS, type Session, type SessionSettings } from "@slipway/core/backend";
import { tensorFromInitializer } from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import type { NamedTensor, Tensor } from "@slipway/core/tensor";
import { createPreparingEngine } from "../../server/src/lab/gradient/index.ts";
import { profileFromTrace, type TraceEvent } from "../../server/src/lab/measure/operators/index.ts";
import { createOnnxRuntimeBackend, loadProfiled, sampleInputs } from "../../server/src/runtime/index.ts";
import { madeUpBatch, type NetworkName, networkModel, OPTIMIZERS, type OptimizerName } from "./networks.ts";

const [network, optimizer, threads, emission, folder] = process.argv.slice(2) as [
  NetworkName,
  OptimizerName,
  string,
  Emission,
  string,
];
const PROFILED_STEPS = 5;
const settings: SessionSettings = { ...DEFAULT_SESSION_SETTINGS, intraOpThreads: Number(threads) };
const backend = createOnnxRuntimeBackend();
const model = networkModel(network);
const batch = madeUpBatch(network);
const loss = { kind: "cross-entropy" } as const;

/** A step's model and what it carries. */
class Training {
  readonly #step: TrainStep;
  readonly #session: Session;
  #carried: readonly NamedTensor[];
  #count = 0;

  constructor(step: TrainStep, session: Session) {
    this.#step = step;
    this.#session = session;
    const stored = new Map(step.stored.map((one) => [one.name, one]));
    this.#carried = step.carried.map(({ of, input, shape, start }) => ({
      name: input,
      ...(start === "stored" ? tensorFromInitializer(stored.get(of)!) : zerosOf(shape)),
    }));
  }

  /** Does one step and answers its loss. */
  async once(): Promise<number> {
    const { target, learningRate, step, loss: lossName, carried } = this.#step;
    const rate = Float32Array.of(OPTIMIZERS[optimizer].learningRate);
    this.#count++;
    const inputs: NamedTensor[] = [
      { name: "x", ...batch.x },
      { name: target, ...batch.labels },
      { name: learningRate, dtype: "float32", shape: [], data: rate },
      ...this.#carried,
    ];
    if (step !== null) inputs.push({ name: step, dtype: "float64", shape: [], data: Float64Array.of(this.#count) });
    const outputs = await this.#session.run(inputs, [lossName, ...carried.map(({ output }) => output)]);
    this.#carried = carried.map(({ input }, index) => ({ ...outputs[index + 1]!, name: input }));
    return Number(outputs[0]!.data[0]);
  }
}

const residentBefore = process.memoryUsage.rss();
const startedAt = performance.now();
const engine = createPreparingEngine({
  backend,
  externalData: new Map(),
  inputs: (signature) => sampleInputs(signature, { rows: 2, freeLength: 8, scale: 1, seed: 1 }),
});
const parameters = parametersOf(inGradientWords(model));
const prepared = await prepareForGradient(model, parameters, engine);
const preparedAt = performance.now();
const step = await trainStep(prepared.model, {
  parameters,
  loss,
  optimizer: OPTIMIZERS[optimizer].optimizer,
  emission,
  typesOf: (one) => engine.typesOf(one),
});
const bytes = { model: bytesFromModel(step.model), externalData: new Map<string, Uint8Array>() };
const differentiatedAt = performance.now();
const training = new Training(step, await backend.load(bytes, settings));
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
  for (let count = Number(line); count > 0; count--) {
    const [from, cpuFrom] = [performance.now(), process.cpuUsage()];
    losses.push(await training.once());
    const { user, system } = process.cpuUsage(cpuFrom);
    stepsMs.push(performance.now() - from);
    cpuMs.push((user + system) / 1000);
  }
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  answer({ stepsMs, cpuMs, losses, peakBytes, addedBytes: peakBytes - residentBefore });
}

/** Where the time of some steps goes. */
async function profiled() {
  const session = await loadProfiled(bytes, settings, path.join(folder, "trace"));
  const watched = new Training(step, session);
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

function zerosOf(shape: readonly number[]): Tensor {
  const length = shape.reduce((product, axis) => product * axis, 1);
  return { dtype: "float32", shape, data: new Float32Array(length) };
}

function answer(what: object): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}
