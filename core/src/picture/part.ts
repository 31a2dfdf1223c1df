// The part of a graph around a node or value: what of a large graph can be drawn.
import { SlipwayError } from "#base";
import { createValueInfo, type Graph, type Node, valuesReadBy, valueUsesOf } from "#graph";
import { storedIn } from "./stored.ts";

/** What is drawn of a graph: what is within some steps of a node or value of this name. */
export interface Around {
  readonly name: string;
  readonly steps: number;
}

/**
 * The nodes of a graph within some steps of a node, or of the maker and readers of a value, with what computes the constants and
 * shapes they read, which is no step. What they read from others is left open, and what others read from them is an output.
 * @throws SlipwayError PARAMETER_INVALID for a name that no node or value has
 */
export function partAround(graph: Graph, { name, steps }: Around): Graph {
  const shown = new Set(storedIn(graph, new Map(), true).nodes);
  const { producers, consumers } = valueUsesOf(graph);
  const makersOf = (node: Node): readonly Node[] =>
    [...valuesReadBy(node)].flatMap((value) => producers.get(value) ?? []);
  const readersOf = (node: Node): readonly Node[] => node.outputs.flatMap((output) => consumers.get(output) ?? []);
  const kept = new Set(startsAt(graph, name));
  let edge = [...kept];
  for (let step = 0; step < steps && edge.length > 0; step++) {
    edge = edge.flatMap((node) => [...makersOf(node), ...readersOf(node)]);
    edge = [...new Set(edge)].filter((node) => shown.has(node) && !kept.has(node));
    for (const node of edge) kept.add(node);
  }
  const drawn = new Set(kept);
  for (const node of kept) for (const maker of makersOf(node)) if (!shown.has(maker)) kept.add(maker);
  const read = new Set(Array.from(drawn).flatMap((node) => [...valuesReadBy(node)]));
  const isRead = (output: string): boolean =>
    (consumers.get(output) ?? []).some((node) => shown.has(node) && !drawn.has(node));
  const ends = new Map(graph.outputs.map((output) => [output.name, output]));
  const made = Array.from(drawn).flatMap(({ outputs }) => outputs);
  return {
    ...graph,
    nodes: graph.nodes.filter((node) => kept.has(node)),
    inputs: graph.inputs.filter((input) => read.has(input.name)),
    outputs: made
      .filter((output) => output !== "" && (ends.has(output) || isRead(output)))
      .map((output) => ends.get(output) ?? createValueInfo(output, null)),
  };
}

/** The nodes of this name, or those that make and read the value of it. */
function startsAt(graph: Graph, name: string): readonly Node[] {
  const named = graph.nodes.filter((node) => node.name === name);
  if (named.length > 0) return named;
  const starts = graph.nodes.filter((node) => node.outputs.includes(name) || valuesReadBy(node).has(name));
  if (name !== "" && starts.length > 0) return starts;
  const names = [...graph.nodes.map((node) => node.name), ...graph.outputs.map((output) => output.name)];
  const examples = names.filter((one) => one !== "").slice(0, 3);
  throw new SlipwayError(
    "PARAMETER_INVALID",
    `No node or value of the graph is named '${name}'. Names are those of the file, such as ${examples.map((one) => `'${one}'`).join(", ")}.`,
  );
}
