// What of a model learns: its parameters and running statistics as inputs, so that whoever trains keeps them.
import { SlipwayError } from "#base";
import { createValueInfo, type Graph, type Initializer, type Model } from "#graph";
import type { DType } from "#tensor";
import { type Loss, type LossModel, type ModelLoss, withLoss } from "./losses.ts";
import { inTrainingMode, type RunningStatistic } from "./training-mode.ts";
import { poolsBeforeActivations, type ValueTypes } from "#passes";
import { listed } from "./wanted.ts";

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

/** What every step of training is told: what learns, and by which loss. */
export interface LearningOptions {
  /** What may learn: see `parametersOf`. */
  readonly parameters: readonly string[];
  readonly loss: Loss | ModelLoss;
  /** The output the loss judges, and the axis of the classes; see `withLoss`. */
  readonly output?: string;
  readonly axis?: number;
  /** Whether it is told what each sample counts for; see `withLoss`. */
  readonly hasSampleWeights?: boolean;
  readonly groups?: readonly ParameterGroup[];
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

/** A model that learns. */
export interface Learner {
  /** With what learns, and the running statistics, as inputs in place of stored tensors. */
  readonly opened: Model;
  /** The parameters that learn. */
  readonly learning: readonly Initializer[];
  readonly statistics: readonly CarriedValue[];
  /** The stored tensors that became inputs, as they are before the first step. */
  readonly stored: readonly Initializer[];
  readonly groupOf: (name: string) => ParameterGroup | undefined;
}

/**
 * @param model prepared by `prepareForGradient` with its parameters
 * @param mode in training, BatchNormalization normalises by the batch and Dropout is at work
 * @throws SlipwayError PARAMETER_INVALID where all is frozen, and for a group that no parameter is in
 */
export function learnerOf(model: Model, options: LearningOptions, mode: "training" | "evaluation"): Learner {
  const { groups = [], parameters } = options;
  const training = inTrainingMode(poolsBeforeActivations(model));
  const statistics = new Set(training.statistics.map(({ input }) => input));
  const groupOf = (name: string): ParameterGroup | undefined => groupWith(groups, name);
  const able = parameters.filter((name) => !statistics.has(name));
  checkGroups(groups, able);
  const names = new Set(able.filter((name) => groupOf(name)?.isFrozen !== true));
  if (names.size === 0)
    throw new SlipwayError("PARAMETER_INVALID", "All parameters are frozen, so nothing would learn.");
  const byName = new Map(model.graph.initializers.map((one) => [one.name, one]));
  const learning = Array.from(names, (name) => {
    const found = byName.get(name);
    if (found !== undefined) return found;
    throw new SlipwayError("PARAMETER_INVALID", `The model stores no tensor '${name}' that could learn.`);
  });
  const stored = model.graph.initializers.filter(({ name }) => names.has(name) || statistics.has(name));
  const shown = mode === "training" ? training.model : model;
  return {
    opened: { ...shown, graph: storedAsInputs(shown.graph, stored) },
    learning,
    statistics: training.statistics.map((one) => carriedStatistic(one, byName)),
    stored,
    groupOf,
  };
}

/** The group a parameter is in; undefined where it is in none. */
export function groupWith(groups: readonly ParameterGroup[], name: string): ParameterGroup | undefined {
  return groups.find((group) => isIn(group, name));
}

function isIn({ names }: ParameterGroup, name: string): boolean {
  // Not by `test`, which goes on from its last match where the pattern is global.
  return name.search(names) >= 0;
}

function checkGroups(groups: readonly ParameterGroup[], parameters: readonly string[]): void {
  const idle = groups.find((group) => !parameters.some((name) => isIn(group, name)));
  if (idle === undefined) return;
  throw new SlipwayError(
    "PARAMETER_INVALID",
    `The group ${String(idle.names)} matches no parameter, of which there are ${listed(parameters)}; correct its pattern, or leave it out.`,
  );
}

/** The learner's model with the loss behind it, and the types of all its values. */
export async function judgedModel(
  { opened }: Learner,
  options: LearningOptions,
  givesWeight: boolean,
): Promise<LossModel & { readonly types: ValueTypes }> {
  const judged = withLoss(opened, { ...options, givesWeight, types: await options.typesOf(opened) });
  return { ...judged, types: await options.typesOf(judged.model) };
}

function carriedStatistic({ input, output }: RunningStatistic, stored: ReadonlyMap<string, Initializer>): CarriedValue {
  const { dtype, shape } = stored.get(input)!;
  return { of: input, input, output, dtype, shape, start: "stored" };
}

/** The graph with some stored tensors as inputs that have to be given. */
function storedAsInputs(graph: Graph, stored: readonly Initializer[]): Graph {
  const inputs = stored.map(({ name, dtype, shape }) => createValueInfo(name, { kind: "tensor", dtype, shape }));
  const names = new Set(stored.map(({ name }) => name));
  return {
    ...graph,
    inputs: [...graph.inputs, ...inputs],
    initializers: graph.initializers.filter(({ name }) => !names.has(name)),
  };
}
