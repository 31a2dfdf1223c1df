// A network that learns, on the engine: the session that does a step, the one that judges, and the tensors that go from one step to
// the next. It knows neither rows nor epochs.
import {
  type CarriedValue,
  type Emission,
  type EvaluationStep,
  evaluationStep,
  groupWith,
  inGradientWords,
  type Loss,
  type Optimizer,
  type ParameterGroup,
  parametersOf,
  prepareForGradient,
} from "@slipway/core/autodiff";
import { type Backend, DEFAULT_SESSION_SETTINGS, type Session } from "@slipway/core/backend";
import { assert } from "@slipway/core/base";
import { initializerFromTensor, type Initializer, type Model, tensorFromInitializer } from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import { elementCount, type NamedTensor, type Tensor, zeros } from "@slipway/core/tensor";
import { createPassEngine, fastFormOf } from "#lab/passes";
import { type DropoutMask, learningNetwork } from "./learning-network.ts";
import { dropoutMask } from "./randomness.ts";
import {
  type Batch,
  rowsOf,
  type StepEngine,
  type StepInside,
  stepsInParts,
  type StepSettings,
  type Tensors,
  wholeSteps,
} from "./step-engine.ts";

export interface LearnerOptions {
  readonly network: Model;
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  /** The output the loss judges; the network's first unless said. */
  readonly output?: string;
  readonly groups?: readonly ParameterGroup[];
  readonly maxNorm?: number;
  readonly averageDecay?: number;
  /** Whether rows may count differently. */
  readonly hasSampleWeights?: boolean;
  /**
   * "fast" unless said: steps are made for this machine, with the engine's own operators and convolutions in the layout that suits
   * its processor. Of standard operators alone ("portable"), sums run in the same order on more kinds of processors.
   */
  readonly emission?: Emission;
  /** Rows whose gradients are computed at once at most; those of a batch unless said. */
  readonly partRows?: number;
  readonly backend: Backend;
  readonly threads: number;
  /** Of the dropout. */
  readonly seed: number;
}

export interface Judged {
  /** The mean over the rows, and what it divides by: means of batches come together by these. */
  readonly loss: number;
  readonly weight: number;
  /** What the network answers; the first axis counts rows. */
  readonly output: Tensor;
}

/**
 * Makes a network ready to learn.
 * @throws SlipwayError GRADIENT_UNAVAILABLE, PARAMETER_INVALID, MODEL_* as preparing, differentiating and loading do
 */
export async function createLearner(options: LearnerOptions): Promise<Learner> {
  const {
    network,
    backend,
    loss,
    optimizer,
    groups = [],
    partRows,
    maxNorm,
    averageDecay,
    emission = "fast",
  } = options;
  const engine = createPassEngine({ backend });
  const parameters = parametersOf(inGradientWords(network));
  const { model, types } = await prepareForGradient(network, parameters, engine);
  const output = options.output ?? model.graph.outputs[0]!.name;
  const isFrozen = (name: string): boolean => groupWith(groups, name)?.isFrozen === true;
  const learning = new Set(parameters.filter((name) => !isFrozen(name)));
  const { model: open, masks } = learningNetwork(model, learning, types);
  const judging = {
    parameters,
    loss,
    output,
    groups,
    hasSampleWeights: options.hasSampleWeights === true,
    typesOf: (one: Model) => engine.typesOf(one),
  };
  const stepping = {
    ...judging,
    optimizer,
    emission,
    ...(maxNorm === undefined ? {} : { maxNorm }),
    ...(averageDecay === undefined ? {} : { averageDecay }),
  };
  const formed = emission === "fast" ? await fastFormOf(model, backend) : (one: Model) => one;
  const load = (one: Model): Promise<Session> =>
    backend.load(
      { model: bytesFromModel(formed(one)), externalData: new Map() },
      { ...DEFAULT_SESSION_SETTINGS, intraOpThreads: options.threads },
    );
  const steps = await (partRows === undefined
    ? wholeSteps(open, stepping, load)
    : stepsInParts(open, stepping, load, partRows));
  try {
    const evaluation = await evaluationStep(model, judging);
    const judge = await load(evaluation.model);
    return new Learner({ model, output, steps, evaluation, judge, masks, seed: options.seed });
  } catch (error) {
    await steps.close();
    throw error;
  }
}

interface LearnerParts {
  readonly model: Model;
  readonly output: string;
  readonly steps: StepEngine;
  readonly evaluation: EvaluationStep;
  readonly judge: Session;
  readonly masks: readonly DropoutMask[];
  readonly seed: number;
}

export class Learner {
  readonly #parts: LearnerParts;
  readonly #stored: ReadonlyMap<string, Initializer>;
  /** What each parameter and statistic is used by: the carried value that holds it. */
  readonly #used: ReadonlyMap<string, string>;
  #state: Tensors;

  constructor(parts: LearnerParts) {
    this.#parts = parts;
    const { carried } = parts.steps;
    this.#stored = new Map(parts.model.graph.initializers.map((one) => [one.name, one]));
    this.#used = usedOf(carried);
    this.#state = new Map(carried.map((one) => [one.input, startOf(one, this.#stored)]));
  }

  /** Numbers that learn, running statistics included. */
  get learned(): number {
    const { carried } = this.#parts.steps;
    return carried.filter(({ input, of }) => input === of).reduce((sum, { shape }) => sum + elementCount(shape), 0);
  }

  /** All that goes from one step to the next. */
  get state(): Tensors {
    return this.#state;
  }

  /** Goes on from a state. */
  restore(state: Tensors): void {
    const { carried } = this.#parts.steps;
    this.#state = new Map(
      carried.map(({ input }) => {
        const tensor = state.get(input);
        assert(tensor !== undefined, `The state has no "${input}".`);
        return [input, tensor];
      }),
    );
  }

  /** The weights as they would be used: by their moving average, where one is kept. */
  get weights(): Tensors {
    return new Map(Array.from(this.#used, ([of, input]) => [of, this.#state.get(input)!]));
  }

  /** Does a step, and answers its loss. Where that is no finite number, nothing was changed. */
  async step(batch: Batch, settings: StepSettings): Promise<number> {
    const { loss, state } = await this.#parts.steps.step(this.#state, this.#masked(batch, settings), settings);
    if (state !== null) this.#state = state;
    return loss;
  }

  /** What a step would compute, to be looked into. */
  inside(batch: Batch, settings: StepSettings): StepInside {
    return this.#parts.steps.inside(this.#state, this.#masked(batch, settings), settings);
  }

  /** What the network answers as it is used, and how far that is from what it should. */
  async judge(batch: Batch): Promise<Judged> {
    const { judge, evaluation, output } = this.#parts;
    const used = this.weights;
    const parameters = evaluation.parameters.map((name): NamedTensor => {
      return { name, ...(used.get(name) ?? tensorFromInitializer(this.#stored.get(name)!)) };
    });
    const wanted = [evaluation.loss, evaluation.weight, output];
    const [loss, weight, answer] = await judge.run([...rowsOf(batch, evaluation), ...parameters], wanted);
    return { loss: Number(loss!.data[0]), weight: Number(weight!.data[0]), output: answer! };
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
    await this.#parts.steps.close();
    await this.#parts.judge.unload();
  }

  /** With what the dropout of this step multiplies by. */
  #masked(batch: Batch, { number }: StepSettings): Batch {
    const { masks, seed } = this.#parts;
    const rows = batch.target.shape[0]!;
    const drawn = masks.map(({ input, shape, share }, part): NamedTensor => {
      const whole = [rows, ...shape];
      const data = dropoutMask(elementCount(whole), share, seed, number, part);
      return { name: input, dtype: "float32", shape: whole, data };
    });
    return { ...batch, inputs: [...batch.inputs, ...drawn] };
  }
}

function startOf({ of, dtype, shape, start }: CarriedValue, stored: ReadonlyMap<string, Initializer>): Tensor {
  return start === "stored" ? copyOf(tensorFromInitializer(stored.get(of)!)) : zeros(dtype, shape);
}

function usedOf(carried: readonly CarriedValue[]): ReadonlyMap<string, string> {
  const inputs = new Map(carried.filter(({ of, input }) => of === input).map(({ of, input }) => [of, input]));
  // Besides a weight itself, only its average begins as the weight does.
  for (const { of, input, start } of carried) if (start === "stored" && of !== input) inputs.set(of, input);
  return inputs;
}

function copyOf({ dtype, shape, data }: Tensor): Tensor {
  return { dtype, shape, data: data.slice() };
}
