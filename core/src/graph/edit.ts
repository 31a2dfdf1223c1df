// Changing graphs: each function makes a new graph and leaves the old one as it was. Nodes and values that an edit does
// not touch stay the same objects. The graph of a model is replaced with `{ ...model, graph }`.
import { assert } from "#base";
import { describeNode } from "./attributes.ts";
import { createNode, type Graph, type Node } from "./model.ts";
import { type NameScope, nameScopeOf, subgraphsOf } from "./names.ts";
import { mapKept, type NameMap, renameEverywhere, renameInGraph, renameReads } from "./rename.ts";
import { definedNames, valuesReadBy } from "./walk.ts";

/**
 * Puts other nodes in the place of some; no node removes one, and a list with the old node inserts around it.
 * What reads the outputs of a replaced node must still be made by someone: see `replaceUses`.
 */
export function replaceNodes(graph: Graph, replacements: ReadonlyMap<Node, readonly Node[]>): Graph {
  if (replacements.size === 0) return graph;
  let found = 0;
  const nodes = graph.nodes.flatMap((node) => {
    const replacement = replacements.get(node);
    if (replacement === undefined) return [node];
    found++;
    return replacement;
  });
  assert(
    found === replacements.size,
    `${replacements.size - found} nodes to replace are not of graph '${graph.name}'.`,
  );
  return { ...graph, nodes };
}

/** Where nodes are inserted. */
export type InsertPlace = "start" | "end" | { readonly before: Node } | { readonly after: Node };

/** Inserts nodes, in the order given. They must not define names the graph has; `nameScopeOf` gives fresh ones. */
export function insertNodes(graph: Graph, nodes: readonly Node[], place: InsertPlace): Graph {
  const taken = definedNames(graph);
  for (const node of nodes) {
    for (const name of node.outputs) {
      assert(name === "" || !taken.has(name), `Inserting ${describeNode(node)} would define '${name}' a second time.`);
    }
  }
  if (place === "start") return { ...graph, nodes: [...nodes, ...graph.nodes] };
  if (place === "end") return { ...graph, nodes: [...graph.nodes, ...nodes] };
  if ("before" in place) return replaceNodes(graph, new Map([[place.before, [...nodes, place.before]]]));
  return replaceNodes(graph, new Map([[place.after, [place.after, ...nodes]]]));
}

/** Removes nodes whose outputs nothing else needs. */
export function removeNodes(graph: Graph, nodes: Iterable<Node>): Graph {
  const removed = new Set(nodes);
  const edited = replaceNodes(graph, new Map(Array.from(removed, (node) => [node, []])));
  const orphans = new Set(Array.from(removed).flatMap((node) => node.outputs));
  for (const node of edited.nodes) {
    for (const name of valuesReadBy(node)) {
      assert(!orphans.has(name), `${describeNode(node)} still reads '${name}', whose node is to be removed.`);
    }
  }
  for (const { name } of edited.outputs)
    assert(!orphans.has(name), `Output '${name}' is made by a node to be removed.`);
  return { ...edited, valueInfo: edited.valueInfo.filter(({ name }) => !orphans.has(name)) };
}

/**
 * Makes every reader of a key read its value instead: nodes, bodies that capture it, and outputs of the graph. A value
 * that is a key itself is followed on. What stood for a key is read by nothing afterwards.
 *
 * Outputs keep their names, since callers know them: the node that makes the replacement writes to the output's name
 * straight away, or, where it can't (an input, a stored tensor, another output), an Identity node does; the former maker
 * writes to a fresh name.
 */
export function replaceUses(graph: Graph, replacements: NameMap): Graph {
  const names = new Map(Array.from(replacements.keys(), (name) => [name, follow(replacements, name)]));
  for (const [name, replacement] of names) if (name === replacement) names.delete(name);
  if (names.size === 0) return graph;
  const nodes = mapKept(graph.nodes, (node) => renameReads(node, names));
  let edited: Graph = nodes === graph.nodes ? graph : { ...graph, nodes };
  const scope = nameScopeOf(graph);
  for (const { name } of graph.outputs) {
    const replacement = names.get(name);
    if (replacement === undefined) continue;
    edited = redirectOutput(edited, name, replacement, scope);
    // Later outputs with the same replacement find it under the name it has now.
    if (!definedNames(edited).has(replacement)) {
      for (const [from, to] of names) if (to === replacement) names.set(from, name);
    }
  }
  return edited;
}

function follow(replacements: NameMap, name: string): string {
  let at = name;
  for (let steps = 0; steps <= replacements.size; steps++) {
    const next = replacements.get(at);
    if (next === undefined || next === at) return at;
    at = next;
  }
  throw new Error(`The replacement of '${name}' leads back to itself. This is a bug.`);
}

function redirectOutput(graph: Graph, output: string, replacement: string, scope: NameScope): Graph {
  const isInput = graph.inputs.some(({ name }) => name === output);
  assert(!isInput, `Output '${output}' is an input too, and can't be made of another value.`);
  const outputs = graph.outputs;
  const freed = { ...renameInGraph(graph, new Map([[output, scope.fresh(`${output}_replaced`)]])), outputs };
  const isMadeHere = graph.nodes.some((node) => node.outputs.includes(replacement));
  const isOutput = outputs.some(({ name }) => name === replacement);
  if (isMadeHere && !isOutput) {
    const renamed = renameInGraph(freed, new Map([[replacement, output]]));
    return { ...renamed, outputs, valueInfo: renamed.valueInfo.filter(({ name }) => name !== output) };
  }
  const identity = createNode({ opType: "Identity", inputs: [replacement], outputs: [output] });
  return { ...freed, nodes: [...freed.nodes, identity] };
}

/**
 * Gives values of a graph other names, wherever they are made, read or captured; inputs and outputs of the graph change
 * their names too. A new name must be free in the graph and all bodies, or one that is given up in the same call; for a
 * body, names around it are the caller's to avoid.
 */
export function renameValues(graph: Graph, names: NameMap): Graph {
  const scope = nameScopeOf(graph);
  const targets = new Set<string>();
  for (const [from, to] of names) {
    assert(from !== "" && to !== "", "The empty name stands for a value left out and can't be renamed.");
    assert(!scope.has(to) || names.has(to), `Renaming '${from}' to '${to}' would collide with a value of that name.`);
    assert(!targets.has(to), `Two values can't both be renamed to '${to}'.`);
    targets.add(to);
  }
  // A name given up here may still be defined inside a body, where taking it would capture reads of the value.
  const inner = new Set<string>();
  for (const node of graph.nodes) for (const body of subgraphsOf(node)) addBodyNames(body, inner);
  for (const to of targets)
    assert(!inner.has(to), `'${to}' is defined inside a body, which would then read its own value.`);
  return renameInGraph(graph, names);
}

function addBodyNames(body: Graph, names: Set<string>): void {
  for (const name of definedNames(body)) names.add(name);
  for (const node of body.nodes) for (const inner of subgraphsOf(node)) addBodyNames(inner, names);
}

export interface SpliceOptions {
  /** Which value of the graph each input of the other graph stands for; inputs with a default may be left out. */
  readonly inputs: NameMap;
  /** Put before the names of the other graph's values and nodes. */
  readonly prefix: string;
  /** Where its nodes go. */
  readonly place: InsertPlace;
}

export interface Spliced {
  readonly graph: Graph;
  /** The value of the graph that each output of the other graph became. */
  readonly outputs: NameMap;
}

/** Puts the nodes and stored tensors of another graph into a graph, under names of their own. */
export function spliceGraph(graph: Graph, other: Graph, options: SpliceOptions): Spliced {
  const scope = nameScopeOf(graph);
  const names = new Map<string, string>();
  const own = definedNames(other);
  for (const node of other.nodes) for (const body of subgraphsOf(node)) addBodyNames(body, own);
  for (const name of own) names.set(name, options.inputs.get(name) ?? scope.fresh(`${options.prefix}${name}`));
  const stored = new Set([
    ...other.initializers.map(({ name }) => name),
    ...other.sparseInitializers.map(({ values }) => values.name),
  ]);
  for (const { name } of other.inputs) {
    assert(options.inputs.has(name) || stored.has(name), `Input '${name}' of the graph to splice is given no value.`);
  }
  for (const name of options.inputs.keys()) {
    assert(
      other.inputs.some((input) => input.name === name),
      `The graph to splice has no input '${name}'.`,
    );
  }
  // Defaults that are overridden go with the inputs.
  const kept: Graph = {
    ...other,
    initializers: other.initializers.filter(({ name }) => !options.inputs.has(name)),
    sparseInitializers: other.sparseInitializers.filter(({ values }) => !options.inputs.has(values.name)),
  };
  const renamed = renameEverywhere(kept, names);
  const nodes = renamed.nodes.map((node) =>
    node.name === "" ? node : { ...node, name: `${options.prefix}${node.name}` },
  );
  const placed = insertNodes(graph, nodes, options.place);
  return {
    graph: {
      ...placed,
      initializers: [...graph.initializers, ...renamed.initializers],
      sparseInitializers: [...graph.sparseInitializers, ...renamed.sparseInitializers],
      valueInfo: [...graph.valueInfo, ...renamed.valueInfo],
      quantization: [...graph.quantization, ...renamed.quantization],
    },
    outputs: new Map(other.outputs.map(({ name }) => [name, names.get(name) ?? name])),
  };
}
