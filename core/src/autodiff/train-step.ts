// A whole step of training as one model: forward, loss, gradients, and what weights and optimiser become. Its weights are inputs
// and outputs, so that whoever runs it keeps them.
import { SlipwayError } from "#base";
import { createValueInfo, extendModel, type Graph, type Initializer, type Model } from "#graph";
import type { DType } from "#tensor";
import { Emitter } from "./emitter.ts";
import { gradient } from "./gradient.ts";
import { type Loss, withLoss } from "./losses.ts";
import { checkOptimizer, type Optimizer, stepped } from "./optimizers.ts";
import { inTrainingMode } from "./training-mode.ts";
import { statedTypes, type ValueTypes } from "./value-types.ts";

/** How parameters whose names match learn; the first group that matches counts. */
export interface ParameterGroup {
  readonly names: RegExp;
  /** Times the step's learning rate; 1 unless said. */
  readonly learningRate?: number;
  /** In place of the optimiser's own. */
  readonly weightDecay?: number;
  /** They stay as they are, and nothing is computed for them. */
  readonly isFrozen?: boolean;
}

export interface TrainStepOptions {
  /** What may learn: see `parametersOf`. */
  readonly parameters: readonly string[];
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  /** The output the loss judges, and the axis of the classes; see `withLoss`. */
  readonly output?: string;
  readonly axis?: number;
  readonly groups?: readonly ParameterGroup[];
  /** Gradients together are scaled down to this norm where theirs is more. Source: Pascanu et al., arXiv 1211.5063. */
  readonly maxNorm?: number;
  /** Keeps a moving average of each parameter: a ← d·a + (1 − d)·w. */
  readonly averageDecay?: number;
  /** Asks an engine for the types of a model's values; see `ValueTypes`. */
  readonly typesOf: (model: Model) => Promise<ValueTypes>;
}

/** What goes from one step to the next. */
export interface CarriedValue {
  /** The parameter it belongs to, or the running statistic it is. */
  readonly of: string;
  readonly input: string;
  readonly output: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** What it is before the first step: the model's stored tensor of the name `of`, or zeros. */
  readonly start: "stored" | "zeros";
}

export interface TrainStep {
  readonly model: Model;
  readonly loss: string;
  /** The input for what should be answered. */
  readonly target: string;
  /** The input for the learning rate, float32 []. */
  readonly learningRate: string;
  /** The input for the number of the step, from 1, float64 []; null for optimisers that do not count. */
  readonly step: string | null;
  readonly carried: readonly CarriedValue[];
  /** The stored tensors of the model that are carried, as they are before the first step. */
  readonly stored: readonly Initializer[];
}

/**
 * A model that does one step of training.
 * @param model prepared by `prepareForGradient` with its parameters
 * @throws SlipwayError as `withLoss` and `gradient`; PARAMETER_INVALID for an optimiser's parameters, and where all is frozen
 */
export async function trainStep(model: Model, options: TrainStepOptions): Promise<TrainStep> {
  const { optimizer, groups = [] } = options;
  checkOptimizer(optimizer);
  const training = inTrainingMode(model);
  const statistics = new Set(training.statistics.map(({ input }) => input));
  const groupOf = (name: string): ParameterGroup | undefined => groups.find(({ names }) => names.test(name));
  const learning = options.parameters.filter((name) => !statistics.has(name) && groupOf(name)?.isFrozen !== true);
  if (learning.length === 0)
    throw new SlipwayError("PARAMETER_INVALID", "All parameters are frozen, so nothing would learn.");
  const opened = {
    ...training.model,
    graph: storedAsInputs(training.model.graph, new Set([...learning, ...statistics])),
  };
  const types = await options.typesOf(opened);
  const judged = withLoss(opened, { ...options, types });
  const judgedTypes = await options.typesOf(judged.model);
  const made = gradient(judged.model, { wrt: learning, of: judged.loss, types: judgedTypes });
  const stored = model.graph.initializers.filter(({ name }) => learning.includes(name) || statistics.has(name));
  const shapes = new Map(stored.map((one) => [one.name, one]));
  const carried: CarriedValue[] = training.statistics.map(({ input, output }) => {
    const { dtype, shape } = shapes.get(input)!;
    return { of: input, input, output, dtype, shape, start: "stored" };
  });
  const known = new Map([...statedTypes(made.model), ...judgedTypes]);
  const dtypes = new Map(Array.from(known, ([name, { dtype }]) => [name, dtype]));
  const [learningRate, step] = ["learning_rate", "step"];
  const counts = optimizer.kind === "adam" || optimizer.kind === "adamw";
  const extended = extendModel(made.model, dtypes, (g) => {
    g.input(learningRate, "float32", []);
    if (counts) g.input(step, "float64", []);
    const base = Emitter.over(g, model.opsets.get("")!, known);
    const corrections = new Map<number, string>();
    const correction = (beta: number): string => {
      // In double precision: 1 − 0.999 keeps four digits in single.
      const found =
        corrections.get(beta) ?? base.cast(base.of("float64").sub(1, base.of("float64").op("Pow", [beta, step])));
      corrections.set(beta, found);
      return found;
    };
    const gradients = clipped(
      base,
      learning.map((name) => made.gradients.get(name)!),
      options.maxNorm,
    );
    for (const [index, name] of learning.entries()) {
      const { dtype, shape } = shapes.get(name)!;
      const e = base.of(dtype);
      const group = groupOf(name);
      const carry = (stem: string, start: CarriedValue["start"], value: (before: string) => string): string => {
        const input = start === "stored" && stem === "" ? name : g.input(`${name}_${stem}`, dtype, shape);
        const made_ = value(input);
        const output = `${input}_next`;
        g.output(output, made_, dtype, shape);
        carried.push({ of: name, input, output, dtype, shape, start });
        return made_;
      };
      const next = carry("", "stored", (parameter) =>
        stepped(optimizer, {
          e,
          parameter,
          gradient: gradients[index]!,
          learningRate: e.mul(learningRate, group?.learningRate ?? 1),
          correction,
          weightDecay: group?.weightDecay ?? optimizer.weightDecay ?? 0,
          remember: (stem, nextOf) => carry(stem, "zeros", nextOf),
        }),
      );
      const decay = options.averageDecay;
      if (decay !== undefined)
        carry("average", "stored", (before) => e.add(e.mul(decay, before), e.mul(1 - decay, next)));
    }
  });
  const isGradient = new Set(made.gradients.values());
  const outputs = extended.graph.outputs.filter(({ name }) => !isGradient.has(name));
  return {
    model: { ...extended, graph: { ...extended.graph, outputs } },
    loss: judged.loss,
    target: judged.target,
    learningRate,
    step: counts ? step : null,
    carried,
    stored,
  };
}

/** Gradients whose common norm is at most so much. */
function clipped(e: Emitter, gradients: readonly string[], maxNorm: number | undefined): readonly string[] {
  if (maxNorm === undefined) return gradients;
  if (!(maxNorm > 0)) throw new SlipwayError("PARAMETER_INVALID", `maxNorm is ${maxNorm}; it must be positive.`);
  const squares = gradients.map((one) => e.op("ReduceSumSquare", [one], { keepdims: 0 }));
  const norm = e.sqrt(e.op("Sum", squares));
  const factor = e.op("Min", [e.div(maxNorm, e.add(norm, 1e-6)), 1]);
  return gradients.map((one) => e.mul(one, factor));
}

/** The graph with some stored tensors as inputs that have to be given. */
function storedAsInputs(graph: Graph, names: ReadonlySet<string>): Graph {
  const taken = graph.initializers.filter(({ name }) => names.has(name));
  return {
    ...graph,
    inputs: [
      ...graph.inputs,
      ...taken.map(({ name, dtype, shape }) => createValueInfo(name, { kind: "tensor", dtype, shape })),
    ],
    initializers: graph.initializers.filter(({ name }) => !names.has(name)),
  };
}
