// Nodes that change nothing, and moves of elements that undo or follow each other, left out or made one.
import {
  type Attribute,
  attributeFrom,
  type Graph,
  type Initializer,
  intOf,
  intsOf,
  type Model,
  type Node,
  replaceUses,
  tensorFromInitializer,
} from "#graph";
import { dtypeFromOnnx } from "#tensor";
import { liveNodes } from "./dead-code.ts";
import type { Pass } from "./pass.ts";
import { type Fact, type Facts, inferFacts } from "./shapes/index.ts";
import { storedTensors } from "./stored-tensors.ts";

/**
 * The model without Identity nodes, casts to the type a value has, Dropout outside of training, and nodes that move elements to
 * where they are; transposes of transposes and reshapes of reshapes become one. Outputs of the graph keep their names.
 */
export function withoutIdentities(model: Model): Model {
  const simplified = new Simplifying(model).run();
  return simplified === model.graph ? model : { ...model, graph: simplified };
}

/** Operators that change the shape of a value and leave its elements in their order. */
const RESHAPING = new Set(["Reshape", "Flatten", "Squeeze", "Unsqueeze"]);

class Simplifying {
  readonly #graph: Graph;
  readonly #opset: number;
  readonly #facts: Facts;
  readonly #stored: ReadonlyMap<string, Initializer>;
  /** Nodes as they are now, by their first output. */
  readonly #makers = new Map<string, Node>();
  readonly #replaced = new Map<string, string>();
  readonly #fixed: ReadonlySet<string>;
  readonly #outputs: Set<string>;

  constructor(model: Model) {
    this.#graph = model.graph;
    this.#opset = model.opsets.get("") ?? 1;
    this.#facts = inferFacts(model);
    this.#stored = storedTensors(model.graph);
    this.#outputs = new Set(model.graph.outputs.map(({ name }) => name));
    this.#fixed = new Set([...model.graph.inputs, ...model.graph.initializers].map(({ name }) => name));
  }

  run(): Graph {
    let isChanged = false;
    const nodes = this.#graph.nodes.map((node) => {
      const simpler = node.domain === "" ? this.#simplified(node) : node;
      if (simpler !== node) isChanged = true;
      const [output] = simpler.outputs;
      if (output !== undefined) this.#makers.set(output, simpler);
      return simpler;
    });
    if (!isChanged && this.#replaced.size === 0) return this.#graph;
    const edited = replaceUses({ ...this.#graph, nodes }, this.#replaced);
    const live = liveNodes(edited);
    const made = new Set(live.flatMap(({ outputs }) => outputs));
    return { ...edited, nodes: live, valueInfo: edited.valueInfo.filter(({ name }) => made.has(name)) };
  }

  /** The node as it is best written; where it changes nothing, its output is noted to be its input. */
  #simplified(node: Node): Node {
    const merged = node.opType === "Transpose" ? this.#mergedTranspose(node) : this.#mergedReshape(node);
    const [input = ""] = merged.inputs;
    const [output = "", ...others] = merged.outputs;
    const source = this.#sourceOf(input);
    if (output === "" || others.some((name) => name !== "") || !this.#isIdentity(merged, source)) return merged;
    // An output of the graph is made by a node of its own where the value has another name that must stay.
    if (this.#outputs.has(output)) {
      if (this.#fixed.has(source) || this.#outputs.has(source)) return merged;
      // From here on the value has that name.
      this.#outputs.add(source);
    }
    this.#replaced.set(output, source);
    return merged;
  }

  #sourceOf(name: string): string {
    return this.#replaced.get(name) ?? name;
  }

  #isIdentity(node: Node, source: string): boolean {
    const [before, after] = [this.#facts.get(source), this.#facts.get(node.outputs[0]!)];
    switch (node.opType) {
      case "Identity":
        return true;
      case "Cast":
        return before !== undefined && before.dtype === dtypeFromOnnx(intOf(node, "to", 0));
      case "CastLike":
        return before !== undefined && before.dtype === this.#facts.get(node.inputs[1] ?? "")?.dtype;
      case "Dropout":
        return this.#opset < 12 || this.#isFalse(node.inputs[2] ?? "");
      case "Concat":
      case "Sum":
      case "Mean":
      case "Max":
      case "Min":
        return node.inputs.length === 1;
      case "Transpose":
        return permutationOf(node, before?.shape?.length ?? null)?.every((axis, index) => axis === index) ?? false;
      case "Reshape":
      case "Flatten":
      case "Expand":
      case "Tile":
        return isSameShape(before, after);
      case "Slice":
        return isSameShape(before, after) && this.#holdsOnly(node.inputs[4] ?? "", 1);
      case "Pad":
        return isSameShape(before, after) && this.#holdsOnly(node.inputs[1] ?? "", 0) && node.inputs.length > 1;
      default:
        return false;
    }
  }

  /** Two transposes, one after the other, as one. */
  #mergedTranspose(node: Node): Node {
    const first = this.#makers.get(this.#sourceOf(node.inputs[0] ?? ""));
    if (first?.opType !== "Transpose" || first.domain !== "") return node;
    const rank = this.#facts.get(node.outputs[0]!)?.shape?.length ?? null;
    const [inner, outer] = [permutationOf(first, rank), permutationOf(node, rank)];
    if (inner === null || outer === null) return node;
    const order = outer.map((axis) => inner[axis]!);
    return { ...node, inputs: [first.inputs[0]!], attributes: withAttribute(node, attributeFrom("perm", order)) };
  }

  /** A reshape reads what was reshaped before it, unless it takes an axis from there. */
  #mergedReshape(node: Node): Node {
    if (node.opType !== "Reshape") return node;
    const first = this.#makers.get(this.#sourceOf(node.inputs[0] ?? ""));
    if (first === undefined || first.domain !== "" || !RESHAPING.has(first.opType)) return node;
    const target = this.#stored.get(node.inputs[1] ?? "");
    if (target === undefined || target.data.kind === "external") return node;
    const lengths = Array.from(tensorFromInitializer(target).data as ArrayLike<bigint>, Number);
    if (lengths.includes(0)) return node;
    return { ...node, inputs: [this.#sourceOf(first.inputs[0]!), ...node.inputs.slice(1)] };
  }

  /** Whether an input is left out, or a stored one that is false. */
  #isFalse(name: string): boolean {
    return this.#holdsOnly(name, 0);
  }

  /** Whether an input is left out, or a stored one whose elements are all this. */
  #holdsOnly(name: string, value: number): boolean {
    if (name === "") return true;
    const stored = this.#stored.get(name);
    if (stored === undefined || stored.data.kind === "external") return false;
    return Array.from(tensorFromInitializer(stored).data as ArrayLike<bigint | number>).every(
      (one) => Number(one) === value,
    );
  }
}

function isSameShape(before: Fact | undefined, after: Fact | undefined): boolean {
  const [one, other] = [before?.shape ?? null, after?.shape ?? null];
  if (one === null || other === null || one.length !== other.length) return false;
  return one.every((length, axis) => length.equals(other[axis]!));
}

function permutationOf(node: Node, rank: number | null): readonly number[] | null {
  const given = intsOf(node, "perm", undefined);
  if (given !== undefined) return given;
  return rank === null ? null : Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
}

function withAttribute(node: Node, attribute: Attribute): readonly Attribute[] {
  return [...node.attributes.filter(({ name }) => name !== attribute.name), attribute];
}

export const identitiesAndTransposesPass: Pass = {
  name: "identities-and-transposes",
  requires: [],
  does: "Leaves out what changes nothing, and makes one of transposes and reshapes that follow each other.",
  ensures: [],
  run: withoutIdentities,
};
