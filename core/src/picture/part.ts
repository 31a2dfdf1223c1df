// The part of a graph around a node or value: what of a large graph can be drawn.
import { SlipwayError } from "#base";
import { createValueInfo, type Graph, type Node, valuesReadBy, valueUsesOf } from "#graph";

/**
 * The nodes of a graph within some steps of a node, or of the maker and readers of a value. What they read from others are its
 * inputs, and what others read from them its outputs.
 * @param name of a node or value
 * @throws SlipwayError PARAMETER_INVALID for a name that no node or value has
 */
export function partAround(graph: Graph, name: string, steps: number): Graph {
  const { producers, consumers } = valueUsesOf(graph);
  const readersOf = (node: Node): readonly Node[] => node.outputs.flatMap((output) => consumers.get(output) ?? []);
  const makersOf = (node: Node): readonly Node[] =>
    [...valuesReadBy(node)].flatMap((value) => producers.get(value) ?? []);
  const named = graph.nodes.filter((node) => node.name === name);
  const maker = producers.get(name);
  let edge = named.length > 0 ? named : [...(maker === undefined ? [] : [maker]), ...(consumers.get(name) ?? [])];
  if (edge.length === 0) {
    throw new SlipwayError(
      "PARAMETER_INVALID",
      `No node or value of the graph is named '${name}'. Names are those of the file, such as ${exampleNames(graph)}.`,
    );
  }
  const kept = new Set(edge);
  for (let step = 0; step < steps && edge.length > 0; step++) {
    edge = edge.flatMap((node) => [...makersOf(node), ...readersOf(node)]).filter((node) => !kept.has(node));
    for (const node of edge) kept.add(node);
  }
  const nodes = graph.nodes.filter((node) => kept.has(node));
  const made = new Set(nodes.flatMap(({ outputs }) => outputs).filter((output) => output !== ""));
  const read = new Set(nodes.flatMap((node) => [...valuesReadBy(node)]));
  const isGiven = new Map(graph.inputs.map((input) => [input.name, input]));
  const isStored = new Set([
    ...graph.initializers.map((one) => one.name),
    ...graph.sparseInitializers.map(({ values }) => values.name),
  ]);
  const isOutput = new Map(graph.outputs.map((output) => [output.name, output]));
  const inputs = [...read]
    .filter((value) => !made.has(value) && (isGiven.has(value) || !isStored.has(value)))
    .map((value) => isGiven.get(value) ?? createValueInfo(value, null));
  const outputs = [...made]
    .filter((value) => isOutput.has(value) || (consumers.get(value) ?? []).some((node) => !kept.has(node)))
    .map((value) => isOutput.get(value) ?? createValueInfo(value, null));
  return { ...graph, nodes, inputs, outputs };
}

function exampleNames({ nodes, outputs }: Graph): string {
  const names = [...nodes.map((node) => node.name), ...outputs.map((output) => output.name)].filter(
    (one) => one !== "",
  );
  return names
    .slice(0, 3)
    .map((one) => `'${one}'`)
    .join(", ");
}
