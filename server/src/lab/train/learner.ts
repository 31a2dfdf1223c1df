// A network that learns, on the engine: the session that does a step, the one that judges, and the tensors that go from one step to
// the next. It knows neither rows nor epochs.
import {
  type CarriedValue,
  inGradientWords,
  type Loss,
  type Optimizer,
  type ParameterGroup,
  parametersOf,
  prepareForGradient,
  type TrainStep,
  trainStep,
  withLoss,
} from "@slipway/core/autodiff";
import { type Backend, DEFAULT_SESSION_SETTINGS, type Session } from "@slipway/core/backend";
import { assert } from "@slipway/core/base";
import {
  createValueInfo,
  initializerFromTensor,
  type Initializer,
  type Model,
  tensorFromInitializer,
} from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import { elementCount, type NamedTensor, type Tensor, zeros } from "@slipway/core/tensor";
import { createPreparingEngine } from "#lab/gradient";
import { sampleInputs } from "#runtime";
import { type DropoutMask, learningNetwork } from "./learning-network.ts";
import { dropoutMask } from "./randomness.ts";
import { TARGET } from "./training-set.ts";

export interface LearnerOptions {
  readonly network: Model;
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  /** The output the loss judges; the network's first unless said. */
  readonly output?: string;
  readonly groups?: readonly ParameterGroup[];
  readonly maxNorm?: number;
  readonly averageDecay?: number;
  readonly backend: Backend;
  readonly threads: number;
  /** Of the dropout. */
  readonly seed: number;
}

/** Tensors by the names of what they are of. */
export type Tensors = ReadonlyMap<string, Tensor>;

export interface StepSettings {
  /** From 1. */
  readonly number: number;
  readonly learningRate: number;
}

export interface Judged {
  /** The mean over the rows. */
  readonly loss: number;
  /** What the network answers; the first axis counts rows. */
  readonly output: Tensor;
}

/** What a step is made of, to look into one that went wrong. */
export interface StepInside {
  readonly model: Model;
  readonly inputs: readonly NamedTensor[];
}

/**
 * Makes a network ready to learn.
 * @throws SlipwayError GRADIENT_UNAVAILABLE, PARAMETER_INVALID, MODEL_* as preparing, differentiating and loading do
 */
export async function createLearner(options: LearnerOptions): Promise<Learner> {
  const { network, backend, loss, optimizer, groups = [] } = options;
  const engine = createPreparingEngine({
    backend,
    externalData: new Map(),
    inputs: (signature) => sampleInputs(signature, { rows: 2, freeLength: 8, scale: 1, seed: 1 }),
  });
  const parameters = parametersOf(inGradientWords(network));
  const { model, types } = await prepareForGradient(network, parameters, engine);
  const output = options.output ?? model.graph.outputs[0]!.name;
  const isFrozen = (name: string): boolean => groups.find(({ names }) => names.test(name))?.isFrozen === true;
  const learning = new Set(parameters.filter((name) => !isFrozen(name)));
  const { model: open, masks } = learningNetwork(model, learning, types);
  const step = await trainStep(open, {
    parameters,
    loss,
    optimizer,
    output,
    groups,
    ...(options.maxNorm === undefined ? {} : { maxNorm: options.maxNorm }),
    ...(options.averageDecay === undefined ? {} : { averageDecay: options.averageDecay }),
    typesOf: (one) => engine.typesOf(one),
  });
  const settings = { ...DEFAULT_SESSION_SETTINGS, intraOpThreads: options.threads };
  const load = (one: Model): Promise<Session> =>
    backend.load({ model: bytesFromModel(one), externalData: new Map() }, settings);
  const judged = withLoss(model, { loss, output, types });
  const weights = weightsOf(step);
  const stepSession = await load(step.model);
  try {
    const judging = await load(withInputs(judged.model, step.stored.filter(({ name }) => weights.has(name))));
    return new Learner({ model, output, step, stepSession, judging, judged, masks, seed: options.seed });
  } catch (error) {
    await stepSession.unload();
    throw error;
  }
}

interface LearnerParts {
  readonly model: Model;
  readonly output: string;
  readonly step: TrainStep;
  readonly stepSession: Session;
  readonly judging: Session;
  readonly judged: { readonly loss: string; readonly target: string };
  readonly masks: readonly DropoutMask[];
  readonly seed: number;
}

export class Learner {
  readonly #parts: LearnerParts;
  readonly #names: readonly string[];
  /** By the step's inputs. */
  #carried: ReadonlyMap<string, NamedTensor>;

  constructor(parts: LearnerParts) {
    this.#parts = parts;
    const { step } = parts;
    this.#names = [step.loss, ...step.carried.map(({ output }) => output)];
    const stored = new Map(step.stored.map((one) => [one.name, one]));
    this.#carried = new Map(step.carried.map((one) => [one.input, { name: one.input, ...startOf(one, stored) }]));
  }

  /** Parameters that learn, statistics included: how many numbers. */
  get learned(): number {
    return this.#parts.step.carried
      .filter(({ input, of }) => input === of)
      .reduce((sum, { shape }) => sum + elementCount(shape), 0);
  }

  /** All that goes from one step to the next. */
  get state(): Tensors {
    return this.#carried;
  }

  /** Goes on from a state. */
  restore(state: Tensors): void {
    this.#carried = new Map(
      this.#parts.step.carried.map(({ input }) => {
        const tensor = state.get(input);
        assert(tensor !== undefined, `The state has no "${input}".`);
        return [input, { name: input, ...tensor }];
      }),
    );
  }

  /** The weights as they would be used: by their moving average, where one is kept. */
  get weights(): Tensors {
    const inputs = weightsOf(this.#parts.step);
    return new Map(Array.from(inputs, ([of, input]) => [of, this.#carried.get(input)!]));
  }

  /**
   * Does a step, and answers its loss. Where that is no finite number, nothing was changed.
   * @param batch as a `TrainingSet` reads it
   */
  async step(batch: readonly NamedTensor[], settings: StepSettings): Promise<number> {
    const { step, stepSession } = this.#parts;
    const answered = await stepSession.run(this.#stepInputs(batch, settings), this.#names);
    const loss = Number(answered[0]!.data[0]);
    if (!Number.isFinite(loss)) return loss;
    this.#carried = new Map(
      step.carried.map(({ input }, at) => {
        const { dtype, shape, data } = answered[at + 1]!;
        return [input, { name: input, dtype, shape, data }];
      }),
    );
    return loss;
  }

  /** What a step would compute, to be looked into. */
  inside(batch: readonly NamedTensor[], settings: StepSettings): StepInside {
    return { model: this.#parts.step.model, inputs: this.#stepInputs(batch, settings) };
  }

  /** What the network answers as it is used, and how far that is from what it should. */
  async judge(batch: readonly NamedTensor[]): Promise<Judged> {
    const { judging, judged, output } = this.#parts;
    const weights = Array.from(this.weights, ([name, { dtype, shape, data }]) => ({ name, dtype, shape, data }));
    const inputs = batch.map((one) => (one.name === TARGET ? { ...one, name: judged.target } : one));
    const [loss, answer] = await judging.run([...inputs, ...weights], [judged.loss, output]);
    return { loss: Number(loss!.data[0]), output: answer! };
  }

  /** The network with other weights. */
  network(weights: Tensors): Model {
    const { model } = this.#parts;
    const initializers = model.graph.initializers.map((one) => {
      const tensor = weights.get(one.name);
      return tensor === undefined ? one : initializerFromTensor(one.name, copyOf(tensor));
    });
    return { ...model, graph: { ...model.graph, initializers } };
  }

  async close(): Promise<void> {
    await this.#parts.stepSession.unload();
    await this.#parts.judging.unload();
  }

  #stepInputs(batch: readonly NamedTensor[], { number, learningRate }: StepSettings): readonly NamedTensor[] {
    const { step, masks, seed } = this.#parts;
    const inputs = [...this.#carried.values()];
    for (const one of batch) inputs.push(one.name === TARGET ? { ...one, name: step.target } : one);
    const rows = batch[0]!.shape[0]!;
    for (const [part, { input, shape, share }] of masks.entries()) {
      const whole = [rows, ...shape];
      const data = dropoutMask(elementCount(whole), share, seed, number, part);
      inputs.push({ name: input, dtype: "float32", shape: whole, data });
    }
    inputs.push({ name: step.learningRate, dtype: "float32", shape: [], data: Float32Array.of(learningRate) });
    if (step.step !== null) inputs.push({ name: step.step, dtype: "float64", shape: [], data: Float64Array.of(number) });
    return inputs;
  }
}

function startOf(value: CarriedValue, stored: ReadonlyMap<string, Initializer>): Tensor {
  const { of, dtype, shape, start } = value;
  return start === "stored" ? copyOf(tensorFromInitializer(stored.get(of)!)) : zeros(dtype, shape);
}

/** What a parameter or statistic is used by: the input of the step that holds it. */
function weightsOf({ carried }: TrainStep): ReadonlyMap<string, string> {
  const inputs = new Map(carried.filter(({ of, input }) => of === input).map(({ of, input }) => [of, input]));
  // Besides a weight itself, only its average begins as the weight does.
  for (const { of, input, start } of carried) if (start === "stored" && of !== input) inputs.set(of, input);
  return inputs;
}

/** With these stored tensors as inputs that are to be given. */
function withInputs(model: Model, stored: readonly Initializer[]): Model {
  const names = new Set(stored.map(({ name }) => name));
  const { graph } = model;
  const added = stored.map(({ name, dtype, shape }) => createValueInfo(name, { kind: "tensor", dtype, shape }));
  return {
    ...model,
    graph: {
      ...graph,
      inputs: [...graph.inputs, ...added],
      initializers: graph.initializers.filter(({ name }) => !names.has(name)),
    },
  };
}

function copyOf({ dtype, shape, data }: Tensor): Tensor {
  return { dtype, shape, data: data.slice() as Tensor["data"] };
}
