// A step of training, run: over a whole batch at once, or over parts of it whose gradients add up, where a batch is more than memory
// takes. Either takes what is carried and answers what it becomes.
import {
  accumulatingStep,
  type CarriedValue,
  type TrainStep,
  trainStep,
  type TrainStepOptions,
} from "@slipway/core/autodiff";
import type { Session } from "@slipway/core/backend";
import type { Initializer, Model } from "@slipway/core/graph";
import { type NamedTensor, sliceRows, type Tensor, zeros } from "@slipway/core/tensor";

/** Tensors by name. */
export type Tensors = ReadonlyMap<string, Tensor>;

export interface StepSettings {
  /** From 1. */
  readonly number: number;
  readonly learningRate: number;
}

/** The names of what a step is given beside a network's own inputs. */
interface Ports {
  readonly target: string;
  readonly sampleWeights: string | null;
}

/** What a step is made of, to look into one that went wrong. */
export interface StepInside {
  readonly model: Model;
  readonly inputs: readonly NamedTensor[];
}

export interface StepEngine {
  /** Parameters, running statistics, and what the optimiser remembers. */
  readonly carried: readonly CarriedValue[];
  /** The stored tensors that are carried, as they are before the first step. */
  readonly stored: readonly Initializer[];
  /** Answers the loss, and what is carried on; null where the loss is no finite number. */
  step(
    state: Tensors,
    batch: Batch,
    settings: StepSettings,
  ): Promise<{ readonly loss: number; readonly state: Tensors | null }>;
  inside(state: Tensors, batch: Batch, settings: StepSettings): StepInside;
  close(): Promise<void>;
}

/** Rows of a step: the network's inputs, what it should answer, and what each row counts. */
export interface Batch {
  readonly inputs: readonly NamedTensor[];
  readonly target: Tensor;
  /** float32 [N]; null where all count the same. */
  readonly weights: Tensor | null;
}

type Load = (model: Model) => Promise<Session>;

export async function wholeSteps(model: Model, options: TrainStepOptions, load: Load): Promise<StepEngine> {
  const made = await trainStep(model, options);
  return new WholeSteps(made, await load(made.model));
}

class WholeSteps implements StepEngine {
  readonly #made: TrainStep;
  readonly #session: Session;
  readonly #wanted: readonly string[];

  constructor(made: TrainStep, session: Session) {
    this.#made = made;
    this.#session = session;
    this.#wanted = [made.loss, ...made.carried.map(({ output }) => output)];
  }

  get carried(): readonly CarriedValue[] {
    return this.#made.carried;
  }

  get stored(): readonly Initializer[] {
    return this.#made.stored;
  }

  async step(state: Tensors, batch: Batch, settings: StepSettings) {
    const [loss, ...after] = await this.#session.run(this.#inputs(state, batch, settings), this.#wanted);
    const value = Number(loss!.data[0]);
    return { loss: value, state: Number.isFinite(value) ? carriedOn(this.carried, after) : null };
  }

  inside(state: Tensors, batch: Batch, settings: StepSettings): StepInside {
    return { model: this.#made.model, inputs: this.#inputs(state, batch, settings) };
  }

  async close(): Promise<void> {
    await this.#session.unload();
  }

  #inputs(state: Tensors, batch: Batch, settings: StepSettings): readonly NamedTensor[] {
    return [...named(this.carried, state), ...rowsOf(batch, this.#made), ...settingsOf(settings, this.#made)];
  }
}

/** @param partRows rows of a part at most */
export async function stepsInParts(
  model: Model,
  options: TrainStepOptions,
  load: Load,
  partRows: number,
): Promise<StepEngine> {
  const made = await accumulatingStep(model, options);
  const sum = await load(made.accumulate.model);
  try {
    return new StepsInParts(made, sum, await load(made.apply.model), partRows);
  } catch (error) {
    await sum.unload();
    throw error;
  }
}

class StepsInParts implements StepEngine {
  readonly carried: readonly CarriedValue[];
  readonly #made: Awaited<ReturnType<typeof accumulatingStep>>;
  readonly #sum: Session;
  readonly #apply: Session;
  readonly #partRows: number;

  constructor(made: Awaited<ReturnType<typeof accumulatingStep>>, sum: Session, apply: Session, partRows: number) {
    this.#made = made;
    this.#sum = sum;
    this.#apply = apply;
    this.#partRows = partRows;
    // Sums begin anew with each batch, so they go no further.
    this.carried = [...made.accumulate.carried.filter(({ start }) => start === "stored"), ...made.apply.carried];
  }

  get stored(): readonly Initializer[] {
    return this.#made.stored;
  }

  async step(state: Tensors, batch: Batch, settings: StepSettings) {
    const { accumulate, apply } = this.#made;
    const wanted = [accumulate.loss, accumulate.weight, ...accumulate.carried.map(({ output }) => output)];
    let summed: Tensors = new Map();
    let [losses, weights] = [0, 0];
    for (const part of this.#parts(batch)) {
      const [loss, weight, ...after] = await this.#sum.run(this.#partInputs(state, summed, part), wanted);
      losses += Number(loss!.data[0]) * Number(weight!.data[0]);
      weights += Number(weight!.data[0]);
      if (!Number.isFinite(losses)) return { loss: losses, state: null };
      summed = carriedOn(accumulate.carried, after);
    }
    const sums = Array.from(apply.sums, ([output, input]) => {
      const from = accumulate.carried.find((one) => one.output === output)!;
      return { name: input, ...summed.get(from.input)! };
    });
    const inputs = [...named(apply.carried, state), ...sums, ...settingsOf(settings, apply)];
    const after = await this.#apply.run(
      inputs,
      apply.carried.map(({ output }) => output),
    );
    const statistics = Array.from(summed).filter(([input]) => state.has(input));
    return {
      loss: weights === 0 ? 0 : losses / weights,
      state: new Map([...statistics, ...carriedOn(apply.carried, after)]),
    };
  }

  inside(state: Tensors, batch: Batch, _settings: StepSettings): StepInside {
    return { model: this.#made.accumulate.model, inputs: this.#partInputs(state, new Map(), batch) };
  }

  async close(): Promise<void> {
    await this.#sum.unload();
    await this.#apply.unload();
  }

  *#parts({ inputs, target, weights }: Batch): Generator<Batch> {
    const rows = target.shape[0]!;
    for (let from = 0; from < rows; from += this.#partRows) {
      const part = <T extends Tensor>(tensor: T): T => ({
        ...tensor,
        ...sliceRows(tensor, from, Math.min(rows, from + this.#partRows)),
      });
      yield { inputs: inputs.map(part), target: part(target), weights: weights === null ? null : part(weights) };
    }
  }

  /** Parameters as they are, statistics and sums as the parts before left them. */
  #partInputs(state: Tensors, summed: Tensors, part: Batch): readonly NamedTensor[] {
    const { accumulate, stored } = this.#made;
    const moving = accumulate.carried.map(({ input, dtype, shape }) => {
      return { name: input, ...(summed.get(input) ?? state.get(input) ?? zeros(dtype, shape)) };
    });
    const names = new Set(moving.map(({ name }) => name));
    const parameters = stored.filter(({ name }) => !names.has(name)).map(({ name }) => ({ name, ...state.get(name)! }));
    return [...moving, ...parameters, ...rowsOf(part, accumulate)];
  }
}

function named(carried: readonly CarriedValue[], state: Tensors): readonly NamedTensor[] {
  return carried.map(({ input }) => ({ name: input, ...state.get(input)! }));
}

function carriedOn(carried: readonly CarriedValue[], answered: readonly NamedTensor[]): Tensors {
  return new Map(
    carried.map(({ input }, at) => {
      const { dtype, shape, data } = answered[at]!;
      return [input, { dtype, shape, data }];
    }),
  );
}

/** The rows of a batch under the names a step has for them. Without weights, all count 1. */
export function rowsOf({ inputs, target, weights }: Batch, ports: Ports): readonly NamedTensor[] {
  const rows = [...inputs, { ...target, name: ports.target }];
  if (ports.sampleWeights === null) return rows;
  const count = target.shape[0]!;
  const all = weights ?? { dtype: "float32", shape: [count], data: new Float32Array(count).fill(1) };
  return [...rows, { ...all, name: ports.sampleWeights }];
}

function settingsOf(
  { number, learningRate }: StepSettings,
  ports: { readonly learningRate: string; readonly step: string | null },
): readonly NamedTensor[] {
  const rate: NamedTensor = {
    name: ports.learningRate,
    dtype: "float32",
    shape: [],
    data: Float32Array.of(learningRate),
  };
  if (ports.step === null) return [rate];
  return [rate, { name: ports.step, dtype: "float64", shape: [], data: Float64Array.of(number) }];
}
