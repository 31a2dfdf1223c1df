// Going through graphs, with the bodies inside them: what there is, who makes a value and who reads it, in what order.
import { SlipwayError } from "#base";
import { describeNode } from "./attributes.ts";
import type { Attribute, Graph, Initializer, Model, Node, SparseInitializer } from "./model.ts";
import { subgraphsOf } from "./names.ts";

/** A node, and how many bodies it lies in. */
export interface VisitedNode {
  readonly node: Node;
  readonly depth: number;
}

/** Every node of a graph, those of bodies right after the node that holds them. */
export function* nodesOf(nodes: readonly Node[], depth = 0): Generator<VisitedNode, void, undefined> {
  for (const node of nodes) {
    yield { node, depth };
    for (const body of subgraphsOf(node)) yield* nodesOf(body.nodes, depth + 1);
  }
}

/** Every node of a model: its graph, its functions, its training graphs, and all bodies in them. */
export function* nodesOfModel(model: Model): Generator<VisitedNode, void, undefined> {
  for (const graph of graphsOf(model)) yield* nodesOf(graph.nodes);
  for (const { nodes } of model.functions) yield* nodesOf(nodes);
}

function graphsOf(model: Model): Graph[] {
  const training = model.training.flatMap(({ initialization, algorithm }) => [initialization, algorithm]);
  return [model.graph, ...training.filter((graph) => graph !== null)];
}

/** Where a stored tensor was found. */
export type TensorPlace = "initializer" | "sparse-initializer" | "attribute";
export interface PlacedTensor {
  readonly tensor: Initializer;
  readonly place: TensorPlace;
  /** The node whose attribute it is; null for initializers. */
  readonly node: Node | null;
}

/**
 * Every stored tensor of a model, wherever one can be: initializers, dense and sparse, and attributes of nodes and
 * function defaults, in the graph, in bodies, in functions and in training graphs.
 */
export function* tensorsOfModel(model: Model): Generator<PlacedTensor, void, undefined> {
  for (const graph of graphsOf(model)) yield* tensorsOfGraph(graph);
  for (const { attributeDefaults, nodes } of model.functions) {
    yield* tensorsOfAttributes(attributeDefaults, null);
    for (const node of nodes) yield* tensorsOfAttributes(node.attributes, node);
  }
}

function* tensorsOfGraph(graph: Graph): Generator<PlacedTensor, void, undefined> {
  for (const tensor of graph.initializers) yield { tensor, place: "initializer", node: null };
  for (const sparse of graph.sparseInitializers) yield* tensorsOfSparse(sparse, "sparse-initializer", null);
  for (const node of graph.nodes) yield* tensorsOfAttributes(node.attributes, node);
}

function* tensorsOfAttributes(
  attributes: readonly Attribute[],
  node: Node | null,
): Generator<PlacedTensor, void, undefined> {
  for (const attribute of attributes) {
    if (attribute.kind === "tensor") yield { tensor: attribute.value, place: "attribute", node };
    else if (attribute.kind === "tensors") {
      for (const tensor of attribute.value) yield { tensor, place: "attribute", node };
    } else if (attribute.kind === "sparse-tensor") yield* tensorsOfSparse(attribute.value, "attribute", node);
    else if (attribute.kind === "sparse-tensors") {
      for (const sparse of attribute.value) yield* tensorsOfSparse(sparse, "attribute", node);
    } else if (attribute.kind === "graph") yield* tensorsOfGraph(attribute.value);
    else if (attribute.kind === "graphs") for (const graph of attribute.value) yield* tensorsOfGraph(graph);
  }
}

function* tensorsOfSparse(
  sparse: SparseInitializer,
  place: TensorPlace,
  node: Node | null,
): Generator<PlacedTensor, void, undefined> {
  yield { tensor: sparse.values, place, node };
  yield { tensor: sparse.indices, place, node };
}

/** The names a graph defines itself: inputs, initializers and node outputs, not those of bodies. */
export function definedNames(graph: Graph): Set<string> {
  const names = new Set<string>();
  for (const { name } of graph.inputs) names.add(name);
  for (const { name } of graph.initializers) names.add(name);
  for (const { values } of graph.sparseInitializers) names.add(values.name);
  for (const node of graph.nodes) for (const name of node.outputs) if (name !== "") names.add(name);
  return names;
}

/** The values a body reads from the graphs around it. */
export function capturesOf(graph: Graph): Set<string> {
  const captures = new Set<string>();
  for (const node of graph.nodes) for (const name of valuesReadBy(node)) captures.add(name);
  for (const { name } of graph.outputs) captures.add(name);
  for (const name of definedNames(graph)) captures.delete(name);
  return captures;
}

/** Every value a node needs from its graph: its inputs, and what its bodies capture. */
export function valuesReadBy(node: Node): Set<string> {
  const names = new Set<string>();
  for (const name of node.inputs) if (name !== "") names.add(name);
  for (const body of subgraphsOf(node)) for (const name of capturesOf(body)) names.add(name);
  return names;
}

/** Who makes and who reads each value of a graph; a node reads what its bodies capture. */
export interface ValueUses {
  /** The node that makes a value; absent for inputs, initializers and values from around the graph. */
  readonly producers: ReadonlyMap<string, Node>;
  /** The nodes that read a value, once each, in order. */
  readonly consumers: ReadonlyMap<string, readonly Node[]>;
}

/** Indexes the values of one graph. */
export function valueUsesOf(graph: Graph): ValueUses {
  const producers = new Map<string, Node>();
  const consumers = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const name of node.outputs) if (name !== "") producers.set(name, node);
    for (const name of valuesReadBy(node)) {
      const readers = consumers.get(name);
      if (readers === undefined) consumers.set(name, [node]);
      else readers.push(node);
    }
  }
  return { producers, consumers };
}

/**
 * The nodes of a graph, each after those it reads from; where that leaves a choice, in the order they stand in.
 * @throws SlipwayError MODEL_INVALID naming a cycle
 */
export function sortedNodes(graph: Graph): readonly Node[] {
  const { producers } = valueUsesOf(graph);
  const sorted: Node[] = [];
  const state = new Map<Node, "open" | "done">();
  // Depth first with a stack of our own: graphs are deeper than call stacks.
  for (const root of graph.nodes) {
    if (state.has(root)) continue;
    const stack = [{ node: root, needs: needsOf(root, producers), next: 0 }];
    state.set(root, "open");
    while (stack.length > 0) {
      const top = stack.at(-1)!;
      const need = top.needs[top.next++];
      if (need === undefined) {
        state.set(top.node, "done");
        sorted.push(top.node);
        stack.pop();
      } else if (state.get(need) === "open") {
        const from = stack.findIndex(({ node }) => node === need);
        throw cycle(stack.slice(from).map(({ node }) => node));
      } else if (!state.has(need)) {
        state.set(need, "open");
        stack.push({ node: need, needs: needsOf(need, producers), next: 0 });
      }
    }
  }
  return sorted;
}

function needsOf(node: Node, producers: ReadonlyMap<string, Node>): Node[] {
  const needs: Node[] = [];
  for (const name of valuesReadBy(node)) {
    const producer = producers.get(name);
    if (producer !== undefined) needs.push(producer);
  }
  return needs;
}

function cycle(nodes: readonly Node[]): SlipwayError {
  const shown = nodes.slice(0, 8).map(describeNode);
  if (nodes.length > shown.length) shown.push(`${nodes.length - shown.length} more`);
  return new SlipwayError("MODEL_INVALID", `The graph has a cycle: ${shown.join(" needs ")} needs the first again.`);
}
