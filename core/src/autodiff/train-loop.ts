// Many steps of training as one model: a Loop whose body is a step, so that between steps nothing leaves the engine.
import {
  attributeFrom,
  createGraph,
  createNode,
  createValueInfo,
  definedNames,
  type Graph,
  type GraphBuilder,
  graphBuilder,
  type Initializer,
  type Model,
  NameScope,
  renameEverywhere,
} from "#graph";
import { DTYPES, type ValueType } from "#tensor";
import type { CarriedValue } from "./learner.ts";
import type { TrainStep } from "./train-step.ts";

export interface TrainLoop {
  readonly model: Model;
  /** Inputs of the step that take one thing per step here, along an axis in front: [steps, …]. Their names stay. */
  readonly batches: readonly string[];
  /** The input for the learning rates, float32 [steps]; there are as many steps as it is long. */
  readonly learningRates: string;
  /** The input for the number of the first step, from 1, float64 []; null for optimisers that do not count. */
  readonly firstStep: string | null;
  /** The output that holds the loss of each step, [steps]. */
  readonly losses: string;
  /** What goes in as it is before the first step, and comes out as it is after the last. */
  readonly carried: readonly CarriedValue[];
  readonly stored: readonly Initializer[];
}

/**
 * A model that does many steps of training, as many as there are learning rates: what carries on is the state of a Loop, and
 * batches, targets and weights of samples come stacked. It computes what the steps compute one by one.
 */
export function trainLoop(step: TrainStep): TrainLoop {
  const { graph } = step.model;
  const told = new Set([step.learningRate, step.step, ...step.carried.map(({ input }) => input)]);
  const batches = graph.inputs.filter(({ name }) => !told.has(name));
  const g = graphBuilder({ opset: step.model.opsets.get("")!, irVersion: step.model.irVersion, name: "training" });
  const own = new NameScope([
    ...batches.map(({ name }) => name),
    ...step.carried.flatMap(({ input, output }) => [input, output]),
  ]);
  const learningRates = own.fresh("learning_rates");
  const firstStep = step.step === null ? null : own.fresh("first_step");
  const losses = own.fresh("losses");
  for (const { name, type } of batches) g.inputOf(name, stacked(type!));
  g.input(learningRates, "float32", ["steps"]);
  if (firstStep !== null) g.input(firstStep, "float64", []);
  for (const { input, dtype, shape } of step.carried) g.input(input, dtype, shape);
  const stacks = { batches: batches.map(({ name }) => name), learningRates, firstStep };
  const body = bodyOf(step, stacks, g);
  const results = g.opOutputs(
    "Loop",
    [g.op("Size", [learningRates]), "", ...step.carried.map(({ input }) => input)],
    step.carried.length + 1,
    { body },
  );
  for (const [index, { output, dtype, shape }] of step.carried.entries())
    g.output(output, results[index]!, dtype, shape);
  const type = graph.outputs.find(({ name }) => name === step.loss)?.type;
  g.output(losses, results.at(-1)!, type?.kind === "tensor" ? type.dtype : "float32", ["steps"]);
  return {
    model: { ...g.model(), opsets: step.model.opsets },
    ...stacks,
    losses,
    carried: step.carried,
    stored: step.stored,
  };
}

/** The step with names of its own, which picks what it is given by the number of the turn. */
function bodyOf(
  step: TrainStep,
  { batches, learningRates, firstStep }: Pick<TrainLoop, "batches" | "learningRates" | "firstStep">,
  around: GraphBuilder,
): Graph {
  const { graph } = step.model;
  const names = new Map(Array.from(definedNames(graph), (name) => [name, around.freshName(`step/${name}`)]));
  const named = (name: string): string => names.get(name)!;
  const [turn, goesOn, stays] = ["turn", "goes_on", "still_goes_on"].map((name) => around.freshName(`step/${name}`));
  const pick = (from: string, to: string) =>
    createNode({
      opType: "Gather",
      inputs: [from, turn!],
      outputs: [named(to)],
      attributes: [attributeFrom("axis", 0)],
    });
  const picked = [...batches.map((name) => pick(name, name)), pick(learningRates, step.learningRate)];
  if (step.step !== null && firstStep !== null) {
    const after = around.freshName("step/steps_before");
    const to = attributeFrom("to", DTYPES.float64.onnx);
    picked.push(createNode({ opType: "Cast", inputs: [turn!], outputs: [after], attributes: [to] }));
    picked.push(createNode({ opType: "Add", inputs: [firstStep, after], outputs: [named(step.step)] }));
  }
  const renamed = renameEverywhere(graph, names);
  const typed = (value: string, dtype: "int64" | "bool") =>
    createValueInfo(value, { kind: "tensor", dtype, shape: [] });
  const state = step.carried.map(({ input, dtype, shape }) =>
    createValueInfo(named(input), { kind: "tensor", dtype, shape }),
  );
  const outputs = new Map(renamed.outputs.map((output) => [output.name, output]));
  return createGraph({
    ...renamed,
    name: "step",
    inputs: [typed(turn!, "int64"), typed(goesOn!, "bool"), ...state],
    outputs: [
      typed(stays!, "bool"),
      ...step.carried.map(({ output }) => outputs.get(named(output))!),
      outputs.get(named(step.loss))!,
    ],
    nodes: [...picked, ...renamed.nodes, createNode({ opType: "Identity", inputs: [goesOn!], outputs: [stays!] })],
  });
}

/** A type with an axis for the steps in front. */
function stacked(type: ValueType): ValueType {
  if (type.kind !== "tensor" || type.shape === null) return type;
  return { ...type, shape: ["steps", ...type.shape] };
}
