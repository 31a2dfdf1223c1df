// Constant nodes that hold tensors, as initializers: some exporters keep all weights in them.
import type { Initializer, Model } from "#graph";
import type { Pass } from "./pass.ts";

/** Stores what Constant nodes of the graph hold; those of bodies, and of other forms than a tensor, stay. */
export function constantsToInitializers(model: Model): Model {
  const stored: Initializer[] = [];
  const outputs = new Set(model.graph.outputs.map(({ name }) => name));
  const nodes = model.graph.nodes.filter((node) => {
    const [output] = node.outputs;
    const [attribute] = node.attributes;
    if (node.opType !== "Constant" || node.domain !== "" || attribute?.kind !== "tensor") return true;
    // An output is made by a node.
    if (output === undefined || outputs.has(output)) return true;
    stored.push({ ...attribute.value, name: output });
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
