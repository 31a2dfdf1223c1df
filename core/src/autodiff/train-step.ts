// A whole step of training as one model: forward, loss, gradients, and what weights and optimiser become. Its weights are inputs
// and outputs, so that whoever runs it keeps them.
import { extendModel, type Initializer, type Model, type Node, valueUsesOf } from "#graph";
import { type Emission, Emitter } from "./emitter.ts";
import { withForwardProducts } from "./forward-products.ts";
import { gradient, type GradientModel } from "./gradient.ts";
import { type CarriedValue, judgedModel, learnerOf, type LearningOptions } from "./learner.ts";
import { checkUpdates, emitUpdates, type StepInputs, type UpdateOptions, type Updates } from "./updates.ts";
import { dtypesOf, statedTypes, withCommonSubexpressions } from "#passes";

export interface TrainStepOptions extends LearningOptions, UpdateOptions {
  /** Which operators the step is made of; "portable" unless said. */
  readonly emission?: Emission;
}

export interface TrainStep extends StepInputs {
  readonly model: Model;
  readonly loss: string;
  /** The input for what should be answered. */
  readonly target: string;
  /** The input for what each sample counts for, [N]; null where it was not asked for. */
  readonly sampleWeights: string | null;
  readonly carried: readonly CarriedValue[];
  /** The stored tensors of the model that are carried, as they are before the first step. */
  readonly stored: readonly Initializer[];
}

/**
 * A model that does one step of training.
 * @param model prepared by `prepareForGradient` with its parameters
 * @throws SlipwayError as `withLoss` and `gradient`; PARAMETER_INVALID for an optimiser's parameters, for a group that no
 *   parameter is in, and where all is frozen
 */
export async function trainStep(model: Model, options: TrainStepOptions): Promise<TrainStep> {
  checkUpdates(options);
  const { emission = "portable" } = options;
  const learner = learnerOf(model, options, "training");
  const judged = await judgedModel(learner, options, false);
  const names = learner.learning.map(({ name }) => name);
  const made = gradient(judged.model, { wrt: names, of: judged.loss, types: judged.types, emission });
  const types = new Map([...statedTypes(made.model), ...judged.types]);
  const dtypes = dtypesOf(types);
  let updates: Updates | null = null;
  const extended = extendModel(made.model, dtypes, (g) => {
    const base = Emitter.over(g, made.model.opsets.get("")!, types, emission);
    const gradients = names.map((name) => made.gradients.get(name)!);
    updates = emitUpdates(g, base, learner, gradients, options, productsOf(made));
  });
  const { learningRate, step, carried, replaced } = updates!;
  const kept = extended.graph.nodes.filter((node) => !replaced.has(node));
  const whole = withoutGradients({ ...extended, graph: { ...extended.graph, nodes: kept } }, made);
  return {
    model: withCommonSubexpressions(withForwardProducts(whole, types)),
    loss: judged.loss,
    target: judged.target,
    sampleWeights: judged.sampleWeights,
    learningRate,
    step,
    carried: [...learner.statistics, ...carried],
    stored: learner.stored,
  };
}

/** The nodes that make a gradient as one product of matrices which is added to nothing and read by nothing, by the gradient. */
function productsOf({ model, gradients }: GradientModel): ReadonlyMap<string, Node> {
  const { consumers } = valueUsesOf(model.graph);
  const wanted = new Set(gradients.values());
  const found = model.graph.nodes.filter(({ opType, domain, inputs, outputs }) => {
    const isProduct = domain === "" && opType === "Gemm" && inputs.length === 2;
    return isProduct && wanted.has(outputs[0]!) && (consumers.get(outputs[0]!) ?? []).length === 0;
  });
  return new Map(found.map((node) => [node.outputs[0]!, node]));
}

/** The model, which keeps its gradients to itself. */
export function withoutGradients(model: Model, { gradients }: GradientModel): Model {
  const isGradient = new Set(gradients.values());
  return {
    ...model,
    graph: { ...model.graph, outputs: model.graph.outputs.filter(({ name }) => !isGradient.has(name)) },
  };
}
