// Constant nodes that hold tensors, as initializers: some exporters keep all weights in them.
import type { Initializer, Model } from "#graph";
import type { Pass } from "./pass.ts";
import { constantOf } from "./stored-tensors.ts";

/** Stores what Constant nodes of the graph hold as numbers; those of bodies stay. */
export function constantsToInitializers(model: Model): Model {
  const stored: Initializer[] = [];
  const outputs = new Set(model.graph.outputs.map(({ name }) => name));
  const nodes = model.graph.nodes.filter((node) => {
    const constant = constantOf(node);
    // An output is made by a node.
    if (constant === null || outputs.has(constant.name)) return true;
    stored.push(constant);
    return false;
  });
  if (stored.length === 0) return model;
  return { ...model, graph: { ...model.graph, nodes, initializers: [...model.graph.initializers, ...stored] } };
}

export const constantsToInitializersPass: Pass = {
  name: "constants-to-initializers",
  requires: [],
  does: "Stores the tensors of Constant nodes as initializers.",
  ensures: ["constants-stored"],
  run: constantsToInitializers,
};
