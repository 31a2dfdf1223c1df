// Names that collide with nothing: SSA needs every value of a graph and its bodies to have its own.
import type { Graph, Node } from "./model.ts";

/** Hands out names not handed out before. */
export class NameScope {
  readonly #taken: Set<string>;
  readonly #counts = new Map<string, number>();

  constructor(taken: Iterable<string> = []) {
    this.#taken = new Set(taken);
  }

  /** Whether a name is taken. */
  has(name: string): boolean {
    return this.#taken.has(name);
  }

  /** Takes a name; answers false when it was taken already. */
  take(name: string): boolean {
    if (this.#taken.has(name)) return false;
    this.#taken.add(name);
    return true;
  }

  /** Takes the name, or the name with the lowest free number behind it. */
  fresh(name: string): string {
    const free = this.free(name);
    this.#taken.add(free);
    return free;
  }

  /** The name that `fresh` would take. */
  free(name: string): string {
    if (!this.has(name)) return name;
    for (let count = this.#counts.get(name) ?? 1; ; count++) {
      const numbered = `${name}_${count}`;
      if (this.has(numbered)) continue;
      this.#counts.set(name, count);
      return numbered;
    }
  }
}

/** Every value name that appears in a graph and the bodies inside it, as a scope to take fresh names from. */
export function nameScopeOf(graph: Graph): NameScope {
  const names = new Set<string>();
  collectNames(graph, names);
  return new NameScope(names);
}

function collectNames(graph: Graph, names: Set<string>): void {
  for (const { name } of graph.inputs) names.add(name);
  for (const { name } of graph.outputs) names.add(name);
  for (const { name } of graph.initializers) names.add(name);
  for (const { values } of graph.sparseInitializers) names.add(values.name);
  for (const node of graph.nodes) {
    for (const name of node.inputs) names.add(name);
    for (const name of node.outputs) names.add(name);
    for (const body of subgraphsOf(node)) collectNames(body, names);
  }
}

/** The graphs a node holds: the branches of an If, the body of a Loop or Scan. */
export function subgraphsOf(node: Node): readonly Graph[] {
  let graphs: Graph[] | undefined;
  for (const attribute of node.attributes) {
    if (attribute.kind === "graph") (graphs ??= []).push(attribute.value);
    else if (attribute.kind === "graphs") (graphs ??= []).push(...attribute.value);
  }
  return graphs ?? NO_GRAPHS;
}

const NO_GRAPHS: readonly Graph[] = [];
