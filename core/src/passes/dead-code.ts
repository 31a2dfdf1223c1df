// What no output of the model depends on, left out: nodes, stored tensors, and functions that nothing calls.
import { type Attribute, type Graph, type Model, type Node, nodesOf, subgraphsOf, valuesReadBy } from "#graph";
import type { Pass } from "./pass.ts";

/** The model without what none of its outputs depends on, in bodies too; its inputs all stay, with their defaults. */
export function withoutDeadCode(model: Model): Model {
  const graph = liveGraph(model.graph);
  const called = new Set(
    [graph.nodes, ...model.functions.map(({ nodes }) => nodes)].flatMap((nodes) =>
      Array.from(nodesOf(nodes), ({ node }) => callKey(node.domain, node.opType, node.overload)),
    ),
  );
  // Training graphs may call functions as well.
  const functions =
    model.training.length > 0
      ? model.functions
      : model.functions.filter(({ domain, name, overload }) => called.has(callKey(domain, name, overload)));
  if (graph === model.graph && functions.length === model.functions.length) return model;
  return { ...model, graph, functions };
}

function callKey(domain: string, name: string, overload: string): string {
  return JSON.stringify([domain, name, overload]);
}

/** The nodes outputs of the graph depend on, in their order. */
export function liveNodes({ nodes, outputs }: Graph): readonly Node[] {
  const needed = new Set(outputs.map(({ name }) => name));
  const live = nodes.toReversed().filter((node) => {
    if (!node.outputs.some((name) => needed.has(name))) return false;
    for (const name of valuesReadBy(node)) needed.add(name);
    return true;
  });
  return live.length === nodes.length ? nodes : live.reverse();
}

function liveGraph(graph: Graph): Graph {
  const inside = graph.nodes.map(liveBodies);
  const nodes = liveNodes(
    inside.some((node, index) => node !== graph.nodes[index]) ? { ...graph, nodes: inside } : graph,
  );
  const read = new Set(nodes.flatMap((node) => [...valuesReadBy(node)]));
  for (const { name } of [...graph.inputs, ...graph.outputs]) read.add(name);
  const initializers = graph.initializers.filter(({ name }) => read.has(name));
  const sparseInitializers = graph.sparseInitializers.filter(({ values }) => read.has(values.name));
  if (
    nodes === graph.nodes &&
    initializers.length === graph.initializers.length &&
    sparseInitializers.length === graph.sparseInitializers.length
  )
    return graph;
  const known = new Set(nodes.flatMap(({ outputs }) => outputs));
  for (const name of read) known.add(name);
  return {
    ...graph,
    nodes,
    initializers,
    sparseInitializers,
    valueInfo: graph.valueInfo.filter(({ name }) => known.has(name)),
    quantization: graph.quantization.filter(({ tensorName }) => known.has(tensorName)),
  };
}

function liveBodies(node: Node): Node {
  if (subgraphsOf(node).length === 0) return node;
  const attributes = node.attributes.map((attribute): Attribute => {
    if (attribute.kind === "graph") {
      const value = liveGraph(attribute.value);
      return value === attribute.value ? attribute : { ...attribute, value };
    }
    if (attribute.kind !== "graphs") return attribute;
    const value = attribute.value.map(liveGraph);
    return value.every((body, index) => body === attribute.value[index]) ? attribute : { ...attribute, value };
  });
  return attributes.every((attribute, index) => attribute === node.attributes[index]) ? node : { ...node, attributes };
}

export const deadCodePass: Pass = {
  name: "dead-code",
  requires: [],
  does: "Leaves out nodes, stored tensors and functions that no output depends on.",
  ensures: [],
  run: withoutDeadCode,
};
