// Renaming values inside nodes and bodies: the ground that editing stands on. What does not change stays the same object.
import type {
  Attribute,
  Graph,
  Initializer,
  Node,
  QuantizationAnnotation,
  SparseInitializer,
  ValueInfo,
} from "./model.ts";
import { definedNames } from "./walk.ts";

export type NameMap = ReadonlyMap<string, string>;

/** The mapped items, or the same array where all stayed the same. */
export function mapKept<T>(items: readonly T[], map: (item: T) => T): readonly T[] {
  let changed: T[] | undefined;
  for (const [index, item] of items.entries()) {
    const mapped = map(item);
    if (mapped !== item) (changed ??= [...items])[index] = mapped;
  }
  return changed ?? items;
}

/** The node with its bodies replaced by what `map` makes of them. */
export function mapBodies(node: Node, map: (body: Graph) => Graph): Node {
  const attributes = mapKept<Attribute>(node.attributes, (attribute) => {
    if (attribute.kind === "graph") {
      const value = map(attribute.value);
      return value === attribute.value ? attribute : { ...attribute, value };
    }
    if (attribute.kind === "graphs") {
      const value = mapKept(attribute.value, map);
      return value === attribute.value ? attribute : { ...attribute, value };
    }
    return attribute;
  });
  return attributes === node.attributes ? node : { ...node, attributes };
}

/** The node reading other values: in its inputs, and where its bodies capture them. */
export function renameReads(node: Node, names: NameMap): Node {
  const inputs = mapKept(node.inputs, (name) => names.get(name) ?? name);
  const renamed = inputs === node.inputs ? node : { ...node, inputs };
  return mapBodies(renamed, (body) => renameCaptures(body, names));
}

/** The node with other names for what it makes. */
export function renameOutputs(node: Node, names: NameMap): Node {
  const outputs = mapKept(node.outputs, (name) => names.get(name) ?? name);
  return outputs === node.outputs ? node : { ...node, outputs };
}

/** A body that captures other values; a name the body defines itself is another value, and stays. */
function renameCaptures(body: Graph, names: NameMap): Graph {
  const own = definedNames(body);
  const outer = new Map(Array.from(names).filter(([name]) => !own.has(name)));
  if (outer.size === 0) return body;
  const nodes = mapKept(body.nodes, (node) => renameReads(node, outer));
  const outputs = mapKept(body.outputs, (info) => renameInfo(info, outer));
  return nodes === body.nodes && outputs === body.outputs ? body : { ...body, nodes, outputs };
}

function renameInfo(info: ValueInfo, names: NameMap): ValueInfo {
  const name = names.get(info.name);
  return name === undefined ? info : { ...info, name };
}

function renameInitializer(initializer: Initializer, names: NameMap): Initializer {
  const name = names.get(initializer.name);
  return name === undefined ? initializer : { ...initializer, name };
}

function renameSparse(sparse: SparseInitializer, names: NameMap): SparseInitializer {
  const values = renameInitializer(sparse.values, names);
  return values === sparse.values ? sparse : { ...sparse, values };
}

function renameAnnotation(annotation: QuantizationAnnotation, names: NameMap): QuantizationAnnotation {
  const tensorName = names.get(annotation.tensorName) ?? annotation.tensorName;
  const changed =
    tensorName !== annotation.tensorName || Array.from(annotation.parameters.values()).some((name) => names.has(name));
  if (!changed) return annotation;
  const parameters = new Map(Array.from(annotation.parameters, ([key, name]) => [key, names.get(name) ?? name]));
  return { ...annotation, tensorName, parameters };
}

/** Values of one graph under other names, wherever they are made, read, captured or described. */
export function renameInGraph(graph: Graph, names: NameMap): Graph {
  return mapGraph(graph, names, (node) => renameOutputs(renameReads(node, names), names));
}

/** Every value of a graph and of the bodies in it under another name; the map must not give two values one name. */
export function renameEverywhere(graph: Graph, names: NameMap): Graph {
  return mapGraph(graph, names, (node) => {
    const inputs = mapKept(node.inputs, (name) => names.get(name) ?? name);
    const renamed = renameOutputs(inputs === node.inputs ? node : { ...node, inputs }, names);
    return mapBodies(renamed, (body) => renameEverywhere(body, names));
  });
}

function mapGraph(graph: Graph, names: NameMap, map: (node: Node) => Node): Graph {
  return {
    ...graph,
    inputs: mapKept(graph.inputs, (info) => renameInfo(info, names)),
    outputs: mapKept(graph.outputs, (info) => renameInfo(info, names)),
    initializers: mapKept(graph.initializers, (initializer) => renameInitializer(initializer, names)),
    sparseInitializers: mapKept(graph.sparseInitializers, (sparse) => renameSparse(sparse, names)),
    nodes: mapKept(graph.nodes, map),
    valueInfo: mapKept(graph.valueInfo, (info) => renameInfo(info, names)),
    quantization: mapKept(graph.quantization, (annotation) => renameAnnotation(annotation, names)),
  };
}
