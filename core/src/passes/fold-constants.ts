// Computing once what depends on no input: an engine is asked for the values, which then are stored tensors.
import {
  createGraph,
  createValueInfo,
  initializerFromTensor,
  type Model,
  type Node,
  subgraphsOf,
  valuesReadBy,
} from "#graph";
import type { Tensor } from "#tensor";
import { isRandom } from "./nondeterministic.ts";
import type { Pass } from "./pass.ts";
import { withStored } from "./store-values.ts";
import { storedTensors } from "./stored-tensors.ts";

/** Answers the outputs of a model that has no inputs. */
export type Evaluate = (model: Model, names: readonly string[]) => Promise<readonly Tensor[]>;

/** Constants of more elements are no shapes, axes or scales that somebody wants to read, and stay computed. */
const MOST_ELEMENTS = 4096;

/**
 * Replaces small values that depend on stored tensors alone by what they are.
 * @param kept names of stored tensors that may change; what depends on them stays computed
 * @throws SlipwayError what `evaluate` throws
 */
export async function foldConstants(model: Model, kept: readonly string[], evaluate: Evaluate): Promise<Model> {
  const { graph } = model;
  const known = new Set(storedTensors(graph).keys());
  for (const name of kept) known.delete(name);
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    if (isRandom(node) || subgraphsOf(node).length > 0 || node.opType.startsWith("Sequence")) continue;
    if (node.opType === "SplitToSequence" || ![...valuesReadBy(node)].every((name) => known.has(name))) continue;
    nodes.push(node);
    for (const name of node.outputs) if (name !== "") known.add(name);
  }
  const computed = nodes.filter(({ opType }) => opType !== "Constant");
  // What only other constants read need not be handed over.
  const made = new Set(computed.flatMap(({ outputs }) => outputs).filter((name) => name !== ""));
  const isInside = new Set(computed);
  const wanted = new Set<string>(graph.outputs.map(({ name }) => name).filter((name) => made.has(name)));
  for (const node of graph.nodes)
    if (!isInside.has(node)) for (const name of valuesReadBy(node)) if (made.has(name)) wanted.add(name);
  const names = [...wanted].filter((name) => !graph.outputs.some((output) => output.name === name));
  if (names.length === 0) return model;
  const read = new Set(nodes.flatMap((node) => [...valuesReadBy(node)]));
  const part = createGraph({
    name: "constants",
    nodes,
    initializers: graph.initializers.filter(({ name }) => read.has(name)),
    outputs: names.map((name) => createValueInfo(name, null)),
  });
  const values = await evaluate({ ...model, graph: part }, names);
  const small = names.flatMap((name, index) => {
    const tensor = values[index]!;
    const isLarge = tensor.data.length > MOST_ELEMENTS;
    return isLarge ? [] : [initializerFromTensor(name, tensor)];
  });
  return { ...model, graph: withStored(graph, small) };
}

/** @param kept names of stored tensors that may change; see `foldConstants` */
export function foldConstantsPass(kept: readonly string[] = []): Pass {
  return {
    name: "fold-constants",
    requires: [],
    does: "Computes small values that depend on stored tensors alone, and stores them.",
    ensures: [],
    run: async (model, engine) =>
      await foldConstants(model, kept, async (part, names) => await engine.evaluate(part, names)),
  };
}
