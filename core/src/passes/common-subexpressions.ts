// Nodes that compute the same from the same, once.
import {
  type Attribute,
  type Graph,
  type Initializer,
  initializerElementCount,
  type Model,
  type Node,
  removeNodes,
  replaceUses,
  subgraphsOf,
  tensorFromInitializer,
} from "#graph";
import { isRandom } from "./nondeterministic.ts";
import type { Pass } from "./pass.ts";
import { storedTensors } from "./stored-tensors.ts";

/** Stored tensors of more elements are told apart by their names. */
const MOST_COMPARED = 64;

/**
 * The model with nodes that have the operator, attributes and inputs of an earlier one gone, and the earlier one read instead.
 * Stored integers, such as axes and shapes, are the same where they are equal; stored floating-point numbers only where it is one
 * tensor, since equal parameters may be trained apart.
 */
export function withCommonSubexpressions(model: Model): Model {
  const { graph } = model;
  const names = new Canonical(graph);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const seen = new Map<string, Node>();
  const replaced = new Map<string, string>();
  const gone: Node[] = [];
  for (const node of graph.nodes) {
    const key = keyOf(node, names);
    if (key === null) continue;
    const first = seen.get(key);
    if (first === undefined) {
      seen.set(key, node);
      continue;
    }
    const made = node.outputs.map((name, index) => [name, first.outputs[index] ?? ""] as const);
    // An output the first leaves out, and two outputs of the graph, which must both be made by a node.
    if (made.some(([name, other]) => name !== "" && (other === "" || (outputs.has(name) && outputs.has(other)))))
      continue;
    for (const [name, other] of made) {
      if (name === "") continue;
      replaced.set(name, other);
      names.alias(name, other);
    }
    gone.push(node);
  }
  if (gone.length === 0) return model;
  return { ...model, graph: withReplaced(graph, replaced, gone) };
}

/** The graph with other values read, and without the nodes that made those that no one reads any more. */
export function withReplaced(graph: Graph, replaced: ReadonlyMap<string, string>, gone: readonly Node[]): Graph {
  const redirected = replaceUses(graph, replaced);
  const isGone = new Set(gone);
  // What they are now: an edit may have renamed their inputs and outputs.
  const places = new Set(graph.nodes.flatMap((node, index) => (isGone.has(node) ? [index] : [])));
  return removeNodes(
    redirected,
    redirected.nodes.filter((_, index) => places.has(index)),
  );
}

/** What says that two values are the same: their name, or what they hold. */
class Canonical {
  readonly #stored: ReadonlyMap<string, Initializer>;
  readonly #keys = new Map<string, string>();

  constructor(graph: Graph) {
    this.#stored = storedTensors(graph);
  }

  alias(name: string, other: string): void {
    this.#keys.set(name, this.of(other));
  }

  of(name: string): string {
    const known = this.#keys.get(name);
    if (known !== undefined) return known;
    const stored = this.#stored.get(name);
    const key = (stored === undefined ? null : contentKey(stored)) ?? `value ${name}`;
    this.#keys.set(name, key);
    return key;
  }
}

/** The elements of a small stored tensor of integers or truth values as text; null for others. */
function contentKey(stored: Initializer): string | null {
  const { dtype, shape, data } = stored;
  if (!/^(?:u?int(?:8|16|32|64)|bool)$/.test(dtype) || data.kind === "external") return null;
  if (initializerElementCount(stored) > MOST_COMPARED) return null;
  const values = Array.from(tensorFromInitializer(stored).data as ArrayLike<number | bigint>, String);
  return `${dtype}[${shape.join()}] ${values.join()}`;
}

/** What a node computes, as text; null for one that can't be shared. */
function keyOf(node: Node, names: Canonical): string | null {
  if (isRandom(node) || subgraphsOf(node).length > 0) return null;
  // A Constant node is its tensor.
  if (node.opType === "Constant" && node.domain === "")
    return node.outputs[0] === undefined ? null : constantKey(node, names);
  const attributes: string[] = [];
  for (const attribute of node.attributes) {
    const text = attributeKey(attribute);
    if (text === null) return null;
    attributes.push(`${attribute.name}=${attribute.kind} ${text}`);
  }
  const inputs = node.inputs.map((name) => (name === "" ? "" : names.of(name)));
  return JSON.stringify([node.domain, node.opType, node.overload, attributes.sort(), inputs]);
}

function constantKey(node: Node, names: Canonical): string | null {
  const key = names.of(node.outputs[0]!);
  return key.startsWith("value ") ? null : key;
}

function attributeKey(attribute: Attribute): string | null {
  switch (attribute.kind) {
    case "int":
    case "float":
      return String(attribute.value);
    case "ints":
    case "floats":
    case "string":
      return Array.from(attribute.value as ArrayLike<number | bigint>, String).join();
    case "strings":
      return JSON.stringify(attribute.value.map((bytes) => Array.from(bytes)));
    case "tensor":
      return contentKey(attribute.value);
    case "reference":
    case "graph":
    case "type":
    case "sparse-tensor":
    case "tensors":
    case "graphs":
    case "types":
    case "sparse-tensors":
      return null;
  }
}

export const commonSubexpressionsPass: Pass = {
  name: "common-subexpressions",
  requires: [],
  does: "Computes once what several nodes compute alike.",
  ensures: [],
  run: withCommonSubexpressions,
};
