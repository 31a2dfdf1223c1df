// Values of a graph that turn out to be constant, as stored tensors.
import { type Graph, type Initializer, nameScopeOf, valuesReadBy } from "#graph";
import { liveNodes } from "./dead-code.ts";

/** The graph with values stored instead of computed, and without the nodes that nothing needs any more. */
export function withStored(graph: Graph, stored: readonly Initializer[]): Graph {
  const isStored = new Set(stored.map(({ name }) => name));
  const scope = nameScopeOf(graph);
  // A node may make one value that is stored now and another that is not.
  const nodes = graph.nodes.map((node) =>
    node.outputs.some((name) => isStored.has(name))
      ? { ...node, outputs: node.outputs.map((name) => (isStored.has(name) ? scope.fresh(`${name}_computed`) : name)) }
      : node,
  );
  const live = liveNodes({ ...graph, nodes });
  const made = new Set(live.flatMap(({ outputs }) => outputs));
  const read = new Set(live.flatMap((node) => [...valuesReadBy(node)]));
  return {
    ...graph,
    nodes: live,
    initializers: [...graph.initializers, ...stored.filter(({ name }) => read.has(name))],
    valueInfo: graph.valueInfo.filter(({ name }) => made.has(name)),
  };
}
