// Examines a model: its shapes from the engine, and from them what core counts. It runs wherever it is called; a foreign
// model belongs in a process of its own, see examine-process.ts.
import type { Backend } from "@slipway/core/backend";
import {
  type ActivationMemory,
  activationMemory,
  countGraph,
  countParameters,
  describeCost,
  type DuplicateTensor,
  duplicateTensors,
  type GraphCost,
  type ParameterCounts,
} from "@slipway/core/cost";
import { inlineFunctions } from "@slipway/core/graph";
import type { DType } from "@slipway/core/tensor";
import { findShapes, type ShapeQuestion, type UnknownShape } from "./find-shapes.ts";
import { boundShapes } from "./input-shapes.ts";

/** What a model costs at stated input shapes; plain data, as it is stored and sent. */
export interface ComputeReport {
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly values: readonly { readonly name: string; readonly dtype: DType; readonly dims: readonly number[] }[];
  /** Values whose shapes were seen in a run of made-up inputs, because they depend on data or lie in bodies. */
  readonly seenInRun: readonly string[];
  readonly unknownShapes: readonly UnknownShape[];
  readonly cost: GraphCost;
  readonly activations: ActivationMemory;
  readonly parameters: ParameterCounts;
  /** Tensors stored twice; null where they were not looked for. */
  readonly duplicates: readonly DuplicateTensor[] | null;
  /** In plain words, the most important first. */
  readonly summary: readonly string[];
}

export interface ComputeQuestion extends ShapeQuestion {
  /** Whether to look for tensors that are stored twice, which reads weights. */
  readonly findDuplicates: boolean;
}

/**
 * Examines a model at given input shapes.
 * @throws SlipwayError as `findShapes`
 */
export async function examineCompute(backend: Backend, question: ComputeQuestion): Promise<ComputeReport> {
  const { external } = question;
  // Shapes of values within functions can only be asked for once they are in the graph.
  const model = inlineFunctions(question.model);
  const found = await findShapes(backend, { ...question, model });
  const cost = countGraph(model.graph, found.shapes);
  return {
    inputs: Object.fromEntries(boundShapes(model, question.inputs)),
    values: Array.from(found.shapes, ([name, shape]) => ({ name, ...shape })),
    seenInRun: found.seenInRun,
    unknownShapes: found.unknown,
    cost,
    activations: activationMemory(model.graph, found.shapes),
    parameters: countParameters(question.model),
    duplicates: question.findDuplicates ? duplicateTensors(question.model, external) : null,
    summary: describeCost(cost),
  };
}
