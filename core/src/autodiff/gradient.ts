// Differentiation in reverse: a graph becomes a graph that also computes the gradients of an output by chosen values.
import { extendModel, inlineFunctions, type Model } from "#graph";
import { CONTRIBUTED_DOMAIN, type Emission, requireOpset } from "./emitter.ts";
import { ReverseWalk } from "./reverse-walk.ts";
import { dtypesOf, statedTypes, type ValueTypes } from "#passes";
import { checkNames, checkScalarLoss } from "./wanted.ts";

export interface GradientOptions {
  /** What to differentiate by: names of inputs, stored tensors or values in between, of a floating-point type. */
  readonly wrt: readonly string[];
  /**
   * The output to differentiate, a scalar: the loss. Without it, the gradient of each output is an input `grad_OUTPUT`, in that
   * output's shape, and what is computed is the product of those with the Jacobian.
   */
  readonly of?: string;
  /** Types of the model's values, beside those that it states itself; see `ValueTypes`. */
  readonly types?: ValueTypes;
  /** Which operators the gradients are made of; "portable" unless said. */
  readonly emission?: Emission;
}

export interface GradientModel {
  /**
   * The model with an output `grad_NAME` more for each name asked for, in that value's shape. Where the model has such a name
   * already, as one that computes gradients itself may, a number stands behind it.
   */
  readonly model: Model;
  /** The output that holds each gradient, by the name asked for. */
  readonly gradients: ReadonlyMap<string, string>;
  /** Without a loss, the input that takes the gradient by each output; by the output. Those that depend on no name have none. */
  readonly upstream: ReadonlyMap<string, string>;
  /** Names asked for that nothing differentiated depends on; their gradient is zero. */
  readonly detached: readonly string[];
}

/**
 * The model that computes its own gradients. Unless the emission is "fast", only standard operators are added, so that whatever
 * runs the model runs it.
 *
 * The walk goes over the nodes between `wrt` and what is differentiated, last to first. Each node's rule turns the gradient by
 * its outputs into that by its inputs, and a value that is read at several places has the sum of what comes from each.
 * Source: Griewank and Walther, Evaluating Derivatives, 2nd edition, chapter 3 (the incremental reverse mode).
 * @throws SlipwayError MODEL_UNSUPPORTED for an operator set before 13, PARAMETER_INVALID for names that are not there or have no
 *   derivative and for a loss that is not a scalar, GRADIENT_UNAVAILABLE naming a node that can't be differentiated
 */
export function gradient(model: Model, options: GradientOptions): GradientModel {
  const inlined = inlineFunctions(model);
  requireOpset(inlined.opsets.get("") ?? 1);
  const types = new Map([...statedTypes(inlined), ...(options.types ?? [])]);
  const dtypes = dtypesOf(types);
  checkNames(inlined.graph, types, options.wrt);
  if (options.of !== undefined) checkScalarLoss(inlined.graph, types, options.of);
  const walk = new ReverseWalk(inlined, types, options);
  let found: { gradients: ReadonlyMap<string, string>; detached: readonly string[] } | null = null;
  const extended = extendModel(inlined, dtypes, (g) => (found = walk.emit(g)));
  const made = { ...extended, graph: walk.withDemandedOutputs(extended.graph) };
  return { model: importingContributed(made), ...found!, upstream: walk.upstream };
}

/** The model with ONNX Runtime's own operator set among its imports where it has such operators. */
function importingContributed(model: Model): Model {
  const isUsed = model.graph.nodes.some(({ domain }) => domain === CONTRIBUTED_DOMAIN);
  if (!isUsed || model.opsets.has(CONTRIBUTED_DOMAIN)) return model;
  return { ...model, opsets: new Map([...model.opsets, [CONTRIBUTED_DOMAIN, 1]]) };
}
