// Shapes and types of all values of a graph by rules of our own: a walk in the order of the nodes, which keeps open axes as names
// and follows lengths through the small tensors that models compute shapes with.
import { type Graph, type Initializer, type Model, type Node, outputDType, subgraphsOf } from "#graph";
import type { DType, TensorType } from "#tensor";
import { storedTensors } from "../stored-tensors.ts";
import { statedTypes, type ValueTypes } from "../value-types.ts";
import { elementsOf, type Fact } from "./fact.ts";
import { Length } from "./length.ts";
import { ShapeCall } from "./rule.ts";
import { SHAPE_RULES } from "./rules.ts";

/** What is known of the values of a model's graph, by name. Values that are no tensors are left out. */
export type Facts = ReadonlyMap<string, Fact>;

/** Everything the rules tell of a model's values. What has no rule is as the model states it. */
export function inferFacts(model: Model): Facts {
  let unknowns = 0;
  const unknown = (): Length => Length.unknown(unknowns++);
  return new ShapeWalk(model.graph, model.opsets.get("") ?? 1, unknown, new Map()).throughAll();
}

/** The types of a model's values, by rules of our own. Axes keep the names the inputs give them: `N`, or `2*N` where it is. */
export function inferTypes(model: Model): ValueTypes {
  return new Map(Array.from(inferFacts(model), ([name, fact]) => [name, typeOf(fact)]));
}

/** A fact as a type. */
export function typeOf({ dtype, shape }: Fact): TensorType {
  return { kind: "tensor", dtype, shape: shape?.map(({ dimension }) => dimension) ?? null };
}

/** Goes through the nodes of a graph, and knows what the rules tell of the values so far. */
export class ShapeWalk {
  readonly #graph: Graph;
  readonly #opset: number;
  readonly #unknown: () => Length;
  readonly #stated: ValueTypes;
  readonly #facts: Map<string, Fact>;
  readonly #dtypes: Map<string, DType>;

  /** @param around what is known of the values of the graphs around a body */
  constructor(graph: Graph, opset: number, unknown: () => Length, around: Facts) {
    this.#graph = graph;
    this.#opset = opset;
    this.#unknown = unknown;
    this.#stated = statedTypes(graph);
    this.#facts = new Map(around);
    this.#dtypes = new Map(Array.from(around, ([name, { dtype }]) => [name, dtype]));
    for (const { name, type } of graph.inputs) if (type?.kind === "tensor") this.#learn(name, this.#factOf(type));
    for (const [name, stored] of storedTensors(graph)) this.store({ ...stored, name });
    for (const { values, shape } of graph.sparseInitializers) {
      const lengths = shape.map((length) => Length.of(length));
      this.#learn(values.name, { dtype: values.dtype, shape: lengths, elements: null });
    }
  }

  /** Visits all nodes. */
  throughAll(): Facts {
    for (const node of this.#graph.nodes) this.visit(node);
    return this.#facts;
  }

  fact(name: string): Fact | undefined {
    return this.#facts.get(name);
  }

  /** A stored tensor, one that the graph has or one that is added on the way. */
  store(stored: Initializer): void {
    const shape = stored.shape.map((length) => Length.of(length));
    this.#learn(stored.name, { dtype: stored.dtype, shape, elements: elementsOf(stored) });
  }

  /** The next node, as the rules of operators see it. */
  call(node: Node): ShapeCall {
    return new ShapeCall(node, this.#opset, (value) => this.#facts.get(value), this.#unknown);
  }

  /** Learns what the next node makes. */
  visit(node: Node): void {
    if (node.opType === "If" && node.domain === "") this.#visitIf(node);
    else this.#visitOther(node);
  }

  #visitOther(node: Node): void {
    const rules = Object.hasOwn(SHAPE_RULES, node.domain) ? SHAPE_RULES[node.domain]! : {};
    const rule = Object.hasOwn(rules, node.opType) ? rules[node.opType] : undefined;
    const found = rule?.(this.call(node)) ?? null;
    for (const [index, name] of node.outputs.entries()) {
      if (name === "" || this.#facts.has(name)) continue;
      const stated = this.#stated.get(name);
      const dtype = this.#dtypeOf(node, index) ?? stated?.dtype;
      if (dtype === undefined || (rule === undefined && stated === undefined)) continue;
      const { shape = null, elements = null } = found?.[index] ?? {};
      this.#learn(name, { dtype, shape: this.#sharpened(shape, stated), elements });
    }
  }

  /** What both branches make alike. */
  #visitIf(node: Node): void {
    const branches = subgraphsOf(node).map((body) => {
      const facts = new ShapeWalk(body, this.#opset, this.#unknown, this.#facts).throughAll();
      return body.outputs.map(({ name }) => facts.get(name));
    });
    for (const [index, name] of node.outputs.entries()) {
      const [one, ...others] = branches.map((outputs) => outputs[index]);
      const stated = this.#stated.get(name);
      const isAlike = one !== undefined && others.every((other) => other?.dtype === one.dtype);
      if (isAlike) {
        const shape = this.#common([one, ...(others as readonly Fact[])].map((fact) => fact.shape));
        this.#learn(name, { dtype: one.dtype, shape: this.#sharpened(shape, stated), elements: null });
      } else if (stated !== undefined) this.#learn(name, this.#factOf(stated));
    }
  }

  #common(shapes: readonly (readonly Length[] | null)[]): readonly Length[] | null {
    const [first, ...others] = shapes;
    if (first === null || first === undefined || others.some((other) => other?.length !== first.length)) return null;
    return first.map((length, axis) =>
      others.every((other) => other![axis]!.equals(length)) ? length : this.#unknown(),
    );
  }

  #learn(name: string, fact: Fact): void {
    this.#facts.set(name, fact);
    this.#dtypes.set(name, fact.dtype);
  }

  #factOf({ dtype, shape }: TensorType): Fact {
    const lengths = shape?.map((axis) => {
      if (axis === null) return this.#unknown();
      return typeof axis === "number" ? Length.of(axis) : Length.named(axis);
    });
    return { dtype, shape: lengths ?? null, elements: null };
  }

  /** A shape, with what the model states of axes that the rules leave open. */
  #sharpened(shape: readonly Length[] | null, stated: TensorType | undefined): readonly Length[] | null {
    if (stated === undefined || stated.shape === null) return shape;
    if (shape === null) return this.#factOf(stated).shape;
    if (shape.length !== stated.shape.length) return shape;
    return shape.map((length, axis) => {
      const said = stated.shape![axis]!;
      if (said === null || !length.isUnknown) return length;
      return typeof said === "number" ? Length.of(said) : Length.named(said);
    });
  }

  #dtypeOf(node: Node, index: number): DType | undefined {
    if (subgraphsOf(node).length > 0) return outputDType(node, index, this.#dtypes);
    if (node.domain !== "") return this.#dtypes.get(node.inputs[0] ?? "");
    if (node.opType === "QuantizeLinear" && (node.inputs[2] ?? "") === "") return "uint8";
    return outputDType(node, index, this.#dtypes);
  }
}
