// What a graph holds from the start.
import type { Graph, Initializer } from "#graph";

/** The tensors a graph stores, as initializers or by Constant nodes. */
export function storedTensors(graph: Graph): ReadonlyMap<string, Initializer> {
  const stored = new Map(graph.initializers.map((one) => [one.name, one]));
  // One that is an input's default may be another when the model runs.
  for (const { name } of graph.inputs) stored.delete(name);
  for (const node of graph.nodes) {
    if (node.opType !== "Constant" || node.domain !== "") continue;
    for (const attribute of node.attributes)
      if (attribute.kind === "tensor") stored.set(node.outputs[0]!, attribute.value);
  }
  return stored;
}
