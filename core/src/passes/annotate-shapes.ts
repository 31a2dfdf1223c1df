// The types of all values, written into the model: what an exporter leaves out, and tools and other passes like to read.
import { createValueInfo, type Model, type ValueInfo } from "#graph";
import { type TensorType, typeText } from "#tensor";
import type { Pass } from "./pass.ts";
import { inferTypes } from "./shapes/index.ts";

/**
 * The model with the type of every value its rules tell, axes named as the inputs name them. What outputs state already stays;
 * axes they leave open are filled in.
 */
export function annotateShapes(model: Model): Model {
  const { graph } = model;
  const types = inferTypes(model);
  const ports = new Set([...graph.inputs, ...graph.outputs].map(({ name }) => name));
  const stated = new Map(graph.valueInfo.map((info) => [info.name, info]));
  const valueInfo: ValueInfo[] = [];
  for (const name of graph.nodes.flatMap((node) => node.outputs)) {
    if (name === "" || ports.has(name)) continue;
    const [info, type] = [stated.get(name), types.get(name)];
    if (type === undefined || type.shape === null) {
      if (info !== undefined) valueInfo.push(info);
    } else if (info === undefined) valueInfo.push(createValueInfo(name, type));
    else valueInfo.push(isSame(info, type) ? info : { ...info, type });
  }
  const outputs = graph.outputs.map((info) => filledIn(info, types.get(info.name)));
  const isOld =
    valueInfo.length === graph.valueInfo.length &&
    valueInfo.every((info) => stated.get(info.name) === info) &&
    outputs.every((info, index) => info === graph.outputs[index]);
  return isOld ? model : { ...model, graph: { ...graph, outputs, valueInfo } };
}

function isSame({ type }: ValueInfo, other: TensorType): boolean {
  return type !== null && typeText(type) === typeText(other);
}

function filledIn(info: ValueInfo, found: TensorType | undefined): ValueInfo {
  const { type } = info;
  if (found === undefined) return info;
  if (type === null) return { ...info, type: found };
  if (type.kind !== "tensor" || found.shape === null) return info;
  if (type.shape === null) return { ...info, type: { ...type, shape: found.shape } };
  if (type.shape.length !== found.shape.length) return info;
  const shape = type.shape.map((axis, index) => axis ?? found.shape![index]!);
  return shape.every((axis, index) => axis === type.shape![index]) ? info : { ...info, type: { ...type, shape } };
}

export const annotateShapesPass: Pass = {
  name: "annotate-shapes",
  requires: [],
  does: "Writes the type and shape of every value into the model, with open axes as the inputs name them.",
  ensures: [],
  run: annotateShapes,
};
