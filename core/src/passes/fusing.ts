// What passes that make one node of two share: a walk in which a node may be joined with the one that makes what it reads, if nobody
// else reads that.
import {
  type Graph,
  type Initializer,
  initializerFromTensor,
  type Model,
  type NameScope,
  nameScopeOf,
  type Node,
  valuesReadBy,
  valueUsesOf,
} from "#graph";
import type { DType } from "#tensor";
import { storedTensors } from "./stored-tensors.ts";

/** Where two nodes may be joined. */
export interface FusingSite {
  readonly stored: ReadonlyMap<string, Initializer>;
  /** Stores numbers, rounded to the type; answers their name. */
  readonly store: (name: string, dtype: DType, shape: readonly number[], values: Float64Array) => string;
}

/**
 * Joins a node with the one that makes what it reads.
 * @param value what the second reads of the first
 * @returns the node that stands for both; null where they stay two. What it makes gets the names of what the second makes.
 */
export type Fuse = (first: Node, second: Node, value: string, site: FusingSite) => Node | null;

/** The model with every pair of nodes joined that `fuse` joins, and what came of it with what follows. Bodies stay as they are. */
export function withFused(model: Model, fuse: Fuse): Model {
  const walk = new FusingWalk(model.graph, fuse);
  const graph = walk.run();
  return graph === model.graph ? model : { ...model, graph };
}

class FusingWalk {
  readonly #graph: Graph;
  readonly #fuse: Fuse;
  readonly #scope: NameScope;
  readonly #added: Initializer[] = [];
  readonly #site: FusingSite;
  /** Values that one node reads, once, and nobody else. */
  readonly #readOnce: ReadonlySet<string>;

  constructor(graph: Graph, fuse: Fuse) {
    this.#graph = graph;
    this.#fuse = fuse;
    this.#scope = nameScopeOf(graph);
    const stored = new Map(storedTensors(graph));
    this.#site = {
      stored,
      store: (name, dtype, shape, values) => {
        const data = dtype === "float64" ? values : Float32Array.from(values);
        const initializer = initializerFromTensor(this.#scope.fresh(name), { dtype, shape, data });
        this.#added.push(initializer);
        // What is made of two may be joined with a third.
        stored.set(initializer.name, initializer);
        return initializer.name;
      },
    };
    const outputs = new Set(graph.outputs.map(({ name }) => name));
    const { consumers } = valueUsesOf(graph);
    this.#readOnce = new Set(
      Array.from(consumers)
        .filter(([name, readers]) => {
          const [reader] = readers;
          return (
            readers.length === 1 && !outputs.has(name) && reader!.inputs.filter((one) => one === name).length === 1
          );
        })
        .map(([name]) => name),
    );
  }

  run(): Graph {
    const made = new Map<string, Node>();
    const nodes = new Set<Node>();
    for (const original of this.#graph.nodes) {
      const joined = this.#joined(original, made);
      const node = joined?.node ?? original;
      if (joined !== null) nodes.delete(joined.first);
      nodes.add(node);
      for (const name of node.outputs) if (name !== "") made.set(name, node);
    }
    if (this.#added.length === 0 && nodes.size === this.#graph.nodes.length) return this.#graph;
    return this.#withoutUnread([...nodes]);
  }

  #joined(second: Node, made: ReadonlyMap<string, Node>): { readonly first: Node; readonly node: Node } | null {
    for (const value of second.inputs) {
      const first = made.get(value);
      if (first === undefined || !this.#readOnce.has(value)) continue;
      if (first.outputs.some((name) => name !== "" && name !== value)) continue;
      const node = this.#fuse(first, second, value, this.#site);
      if (node !== null) return { first, node: { ...node, outputs: second.outputs } };
    }
    return null;
  }

  /** The graph with these nodes, without stored tensors that only nodes read that are gone, and types of values that are. */
  #withoutUnread(nodes: readonly Node[]): Graph {
    const graph = this.#graph;
    const readBefore = new Set(graph.nodes.flatMap((node) => [...valuesReadBy(node)]));
    const readNow = new Set(nodes.flatMap((node) => [...valuesReadBy(node)]));
    for (const { name } of [...graph.inputs, ...graph.outputs]) readNow.add(name);
    const isKept = ({ name }: Initializer): boolean => readNow.has(name) || !readBefore.has(name);
    const known = new Set([...readNow, ...nodes.flatMap(({ outputs }) => outputs)]);
    return {
      ...graph,
      nodes,
      initializers: [...graph.initializers.filter(isKept), ...this.#added.filter(({ name }) => readNow.has(name))],
      valueInfo: graph.valueInfo.filter(({ name }) => known.has(name)),
      quantization: graph.quantization.filter(({ tensorName }) => known.has(tensorName)),
    };
  }
}
