// Open axes of a model's inputs, given lengths: a model for one shape, whose shape arithmetic then is constant.
import { SlipwayError } from "#base";
import { type Attribute, type Graph, type Model, type Node, subgraphsOf, type ValueInfo } from "#graph";
import type { Dimension, ValueType } from "#tensor";
import type { Pass } from "./pass.ts";

/**
 * The model with axes of fixed length where its inputs have named ones, or open ones without a name.
 * @param lengths by the name of the axis (`N`), or by the input and the number of its axis (`x:0`)
 * @throws SlipwayError PARAMETER_INVALID for a length that is none, an axis there is not, or one that is fixed already otherwise
 */
export function pinShapes(model: Model, lengths: ReadonlyMap<string, number>): Model {
  const places = openAxes(model.graph);
  if (lengths.size === 0) {
    if (places.size === 0) return model;
    throw invalid(`No lengths are given. Give one or more of ${listed(places)}, such as ${[...places][0]}=4.`);
  }
  const names = new Map<string, number>();
  const byPlace = new Map<string, number>();
  for (const [key, length] of lengths) {
    if (!Number.isSafeInteger(length) || length < 1)
      throw invalid(`The length of '${key}' is ${length}; it must be a whole number of at least 1.`);
    if (!places.has(key)) {
      const there = places.size === 0 ? "All axes of its inputs are fixed." : `There are ${listed(places)}.`;
      throw invalid(`The model has no open axis '${key}'. ${there}`);
    }
    if (isPlace(key, model.graph)) byPlace.set(key, length);
    else names.set(key, length);
  }
  const inputs = model.graph.inputs.map((info) => {
    const { type } = info;
    if (type?.kind !== "tensor" || type.shape === null) return info;
    const shape = type.shape.map((axis, index) => byPlace.get(`${info.name}:${index}`) ?? axis);
    return { ...info, type: { ...type, shape } };
  });
  return { ...model, graph: pinnedGraph({ ...model.graph, inputs }, names) };
}

/** What the open axes of the inputs are called here: their names, or the input and the axis where they have none. */
function openAxes({ inputs }: Graph): ReadonlySet<string> {
  const places = new Set<string>();
  for (const { name, type } of inputs) {
    if (type?.kind !== "tensor") continue;
    for (const [index, axis] of (type.shape ?? []).entries()) {
      if (typeof axis === "string") places.add(axis);
      else if (axis === null) places.add(`${name}:${index}`);
    }
  }
  return places;
}

function isPlace(key: string, { inputs }: Graph): boolean {
  return inputs.some(
    ({ name, type }) =>
      type?.kind === "tensor" && (type.shape ?? []).some((axis, at) => axis === null && key === `${name}:${at}`),
  );
}

function pinnedGraph(graph: Graph, names: ReadonlyMap<string, number>): Graph {
  const pinned = (info: ValueInfo): ValueInfo =>
    info.type === null ? info : { ...info, type: pinnedType(info.type, names) };
  return {
    ...graph,
    inputs: graph.inputs.map(pinned),
    outputs: graph.outputs.map(pinned),
    valueInfo: graph.valueInfo.map(pinned),
    nodes: graph.nodes.map((node) => (subgraphsOf(node).length === 0 ? node : pinnedBodies(node, names))),
  };
}

function pinnedBodies(node: Node, names: ReadonlyMap<string, number>): Node {
  const attributes = node.attributes.map((attribute): Attribute => {
    if (attribute.kind === "graph") return { ...attribute, value: pinnedGraph(attribute.value, names) };
    if (attribute.kind !== "graphs") return attribute;
    return { ...attribute, value: attribute.value.map((body) => pinnedGraph(body, names)) };
  });
  return { ...node, attributes };
}

function pinnedType(type: ValueType, names: ReadonlyMap<string, number>): ValueType {
  switch (type.kind) {
    case "tensor":
    case "sparse-tensor": {
      const shape = type.shape?.map((axis): Dimension => (typeof axis === "string" ? (names.get(axis) ?? axis) : axis));
      return { ...type, shape: shape ?? null };
    }
    case "sequence":
    case "optional":
      return { ...type, element: pinnedType(type.element, names) };
    case "map":
      return { ...type, value: pinnedType(type.value, names) };
  }
}

function listed(names: ReadonlySet<string>): string {
  return Array.from(names, (name) => `'${name}'`).join(", ");
}

function invalid(message: string): SlipwayError {
  return new SlipwayError("PARAMETER_INVALID", message);
}

/** @param lengths see `pinShapes` */
export function pinShapesPass(lengths: ReadonlyMap<string, number> = new Map()): Pass {
  return {
    name: "pin-shapes",
    requires: [],
    does: "Gives open axes of the inputs a fixed length.",
    ensures: [],
    run: (model) => pinShapes(model, lengths),
  };
}
