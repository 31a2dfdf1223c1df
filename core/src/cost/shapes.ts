// The shapes counting stands on: a plain map from value names to element types and axis lengths. Who makes the map (ONNX
// Runtime on a server, a builder in a test) is not known here.
import type { AttributeKind, AttributeOf, Graph, Initializer, Node } from "#graph";
import { byteLength, type DType } from "#tensor";

/** What is known of a tensor in one run: its element type and the lengths of its axes; `[]` is a scalar. */
export interface ValueShape {
  readonly dtype: DType;
  readonly dims: readonly number[];
}

/**
 * Shapes by the name of the value; a value in a body has the body's scope before its name, since the branches of an If
 * may use one name for two values. Values that are not known, or are no tensors, are left out.
 */
export type ValueShapes = ReadonlyMap<string, ValueShape>;

/** The scope of the graph itself. */
export const OUTERMOST = "";

/**
 * The scope of a body's values: the scope around it, the first output of the node that holds it, and the number of the
 * body among the node's attributes.
 */
export function bodyScope(around: string, node: Node, body: number): string {
  return `${around}${node.outputs.find((name) => name !== "") ?? node.name}#${body}/`;
}

/** Looks up values as a body sees them: its own, those stored in it, and those of the graphs around it. */
export class ShapeScope {
  readonly scope: string;
  readonly #shapes: ValueShapes;
  readonly #around: ShapeScope | null;
  readonly #own = new Map<string, ValueShape>();
  readonly #constants = new Map<string, Initializer>();

  constructor(graph: Graph, shapes: ValueShapes, scope = OUTERMOST, around: ShapeScope | null = null) {
    this.scope = scope;
    this.#shapes = shapes;
    this.#around = around;
    // Stored tensors say their shapes themselves.
    for (const initializer of graph.initializers) {
      const { name, dtype, shape } = initializer;
      this.#own.set(name, { dtype, dims: shape });
      this.#constants.set(name, initializer);
    }
    for (const { values, shape } of graph.sparseInitializers)
      this.#own.set(values.name, { dtype: values.dtype, dims: shape });
    for (const node of graph.nodes) {
      const shape = constantShape(node);
      if (shape === null) continue;
      this.#own.set(node.outputs[0]!, shape);
      for (const { kind, value } of node.attributes)
        if (kind === "tensor") this.#constants.set(node.outputs[0]!, value);
    }
  }

  /** The scope of a body of a node of this graph. */
  inside(node: Node, body: Graph, index: number): ShapeScope {
    return new ShapeScope(body, this.#shapes, bodyScope(this.scope, node, index), this);
  }

  get(name: string): ValueShape | undefined {
    return this.#shapes.get(this.scope + name) ?? this.#own.get(name) ?? this.#around?.get(name);
  }

  /** The stored tensor of this name, an initializer's or a Constant node's. */
  constant(name: string): Initializer | undefined {
    return this.#constants.get(name) ?? this.#around?.constant(name);
  }
}

/** Element types of what the attributes of a Constant node hold, one or many. */
const ELEMENTS = {
  float: "float32",
  floats: "float32",
  int: "int64",
  ints: "int64",
  string: "string",
  strings: "string",
} as const satisfies Partial<Record<AttributeKind, DType>>;

function constantShape(node: Node): ValueShape | null {
  if (node.opType !== "Constant" || node.domain !== "" || (node.outputs[0] ?? "") === "") return null;
  const [attribute] = node.attributes;
  if (attribute?.kind === "tensor") return { dtype: attribute.value.dtype, dims: attribute.value.shape };
  if (attribute?.kind === "sparse-tensor") return { dtype: attribute.value.values.dtype, dims: attribute.value.shape };
  if (attribute === undefined || !(attribute.kind in ELEMENTS)) return null;
  const { kind, value } = attribute as AttributeOf<keyof typeof ELEMENTS>;
  return { dtype: ELEMENTS[kind], dims: typeof value === "object" && kind.endsWith("s") ? [value.length] : [] };
}

/** Product of axis lengths; 1 for a scalar. */
export function volume(dims: readonly number[]): number {
  return dims.reduce((product, length) => product * length, 1);
}

/** Bytes a tensor's elements take; null for strings, whose size their shape does not tell. */
export function shapeBytes({ dtype, dims }: ValueShape): number | null {
  return dtype === "string" ? null : byteLength(dtype, volume(dims));
}
