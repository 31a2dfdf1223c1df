// A step of training over a batch in parts: one model adds up the gradients of each part, another takes the step. So a batch may
// be larger than memory holds at once.
import { extendModel, type Initializer, graphBuilder, type Model } from "#graph";
import type { TensorType } from "#tensor";
import { Emitter } from "./emitter.ts";
import { withForwardProducts } from "./forward-products.ts";
import { gradient } from "./gradient.ts";
import { type CarriedValue, judgedModel, type Learner, learnerOf } from "./learner.ts";
import { type TrainStepOptions, withoutGradients } from "./train-step.ts";
import { checkUpdates, emitUpdates, type StepInputs } from "./updates.ts";
import { dtypesOf, statedTypes, withCommonSubexpressions } from "#passes";

/** Runs on each part of a batch. */
export interface SumPart {
  readonly model: Model;
  /** The output that holds the part's own loss. */
  readonly loss: string;
  /** The output that holds what the part's mean divides by: means of parts come together by these. */
  readonly weight: string;
  readonly target: string;
  readonly sampleWeights: string | null;
  /** Running statistics, which go on from part to part, and sums, which begin as zeros with each batch. */
  readonly carried: readonly CarriedValue[];
}

/** Runs once after the parts of a batch; takes the sums under the names of the inputs that carried them. */
export interface ApplyPart extends StepInputs {
  readonly model: Model;
  /** The inputs that take what the parts summed up, by the output of `accumulate` that holds it. */
  readonly sums: ReadonlyMap<string, string>;
  /** Parameters and what the optimiser remembers. */
  readonly carried: readonly CarriedValue[];
}

export interface AccumulatingStep {
  readonly accumulate: SumPart;
  readonly apply: ApplyPart;
  /** The stored tensors of the model that are carried, as they are before the first step. */
  readonly stored: readonly Initializer[];
}

/** What is carried of a sum of gradients, and of the weights of parts, belongs to no parameter of its own name. */
const SUM = "sum";
const WEIGHT = "loss_weight_sum";

/**
 * Two models that together do one step of training. A batch in parts has the gradient that it has whole, whatever weighs in it:
 * each part's mean is taken times what it divided by. Only BatchNormalization sees the parts, since it normalises by each.
 * @param model prepared by `prepareForGradient` with its parameters
 * @throws SlipwayError as `trainStep`
 */
export async function accumulatingStep(model: Model, options: TrainStepOptions): Promise<AccumulatingStep> {
  checkUpdates(options);
  const learner = learnerOf(model, options, "training");
  const accumulate = await summing(learner, options);
  return { accumulate, apply: applying(model, learner, accumulate, options), stored: learner.stored };
}

async function summing(learner: Learner, options: TrainStepOptions): Promise<SumPart> {
  const judged = await judgedModel(learner, options, true);
  const names = learner.learning.map(({ name }) => name);
  const { emission = "portable" } = options;
  const made = gradient(judged.model, { wrt: names, of: judged.loss, types: judged.types, emission });
  const types = new Map([...statedTypes(made.model), ...judged.types]);
  const dtypes = dtypesOf(types);
  const weight = judged.weight!;
  const carried: CarriedValue[] = [...learner.statistics];
  const extended = extendModel(made.model, dtypes, (g) => {
    const base = Emitter.over(g, made.model.opsets.get("")!, types);
    const add = (stem: string, part: Pick<Initializer, "name" | "dtype" | "shape">, value: string): void => {
      const { name, dtype, shape } = part;
      const input = g.input(g.freeName(stem), dtype, shape);
      const output = g.freeName(`${input}_next`);
      g.output(output, base.add(input, value), dtype, shape);
      carried.push({ of: name, input, output, dtype, shape, start: "zeros" });
    };
    const dtype = types.get(weight)!.dtype;
    add(WEIGHT, { name: weight, dtype, shape: [] }, weight);
    for (const one of learner.learning) {
      const e = base.of(one.dtype);
      const weighed = one.dtype === dtype ? weight : e.cast(weight);
      add(`${one.name}_${SUM}`, one, e.mul(made.gradients.get(one.name)!, weighed));
    }
  });
  const { loss, target, sampleWeights } = judged;
  const whole = withForwardProducts(withoutGradients(extended, made), types);
  return { model: withCommonSubexpressions(whole), loss, weight, target, sampleWeights, carried };
}

function applying(model: Model, learner: Learner, part: SumPart, options: TrainStepOptions): ApplyPart {
  const opset = model.opsets.get("")!;
  const g = graphBuilder({ opset, irVersion: model.irVersion, name: "apply" });
  const sums = part.carried.filter(({ start }) => start === "zeros");
  const sumOf = new Map(sums.map(({ of, input }) => [of, input]));
  const inputs = [...learner.learning, ...sums.map(({ input, dtype, shape }) => ({ name: input, dtype, shape }))];
  const types = new Map(
    inputs.map(({ name, dtype, shape }): [string, TensorType] => [name, { kind: "tensor", dtype, shape }]),
  );
  for (const { name, dtype, shape } of inputs) g.input(name, dtype, shape);
  const base = Emitter.over(g, opset, types);
  const weights = sumOf.get(part.weight)!;
  const total = types.get(weights)!.dtype;
  // A batch of which nothing counts has no gradient, and what it summed up is 0.
  const weight = base.of(total).where(base.of(total).equal(weights, 0), 1, weights);
  const gradients = learner.learning.map(({ name, dtype }) => {
    const e = base.of(dtype);
    return e.div(sumOf.get(name)!, dtype === total ? weight : e.cast(weight));
  });
  const updates = emitUpdates(g, base, learner, gradients, options);
  return { ...updates, model: g.model(), sums: new Map(sums.map(({ input, output }) => [output, input])) };
}
