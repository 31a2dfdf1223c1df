// A model's typed inputs and outputs, as its callers see them.
import { SlipwayError } from "#base";
import type { Dimension, Port, Signature, ValueType } from "#tensor";
import type { Model, ValueInfo } from "./model.ts";

/**
 * The signature of a model. An input with an initializer of its name has a default and may be left out; before IR 4
 * every initializer had to be listed as an input, and those are constants, no inputs at all.
 * @throws SlipwayError MODEL_INVALID where an input or output has no type
 */
export function signatureFromModel(model: Model): Signature {
  const { graph, irVersion } = model;
  const stored = new Set(graph.initializers.map(({ name }) => name));
  for (const { values } of graph.sparseInitializers) stored.add(values.name);
  const inputs = irVersion < 4 ? graph.inputs.filter(({ name }) => !stored.has(name)) : graph.inputs;
  return {
    inputs: inputs.map((info) => {
      const port = portOf("input", info);
      return stored.has(info.name) ? { ...port, isOptional: true } : port;
    }),
    outputs: graph.outputs.map((info) => portOf("output", info)),
  };
}

function portOf(role: string, info: ValueInfo): Port {
  if (info.type === null) {
    throw new SlipwayError("MODEL_INVALID", `The ${role} '${info.name}' has no type; export the model with one.`);
  }
  return { name: info.name, type: typeOfPort(info.type) };
}

/** Some exporters write -1 for a length that may vary. */
function typeOfPort(type: ValueType): ValueType {
  if (type.kind === "sequence" || type.kind === "optional") return { ...type, element: typeOfPort(type.element) };
  if (type.kind === "map") return { ...type, value: typeOfPort(type.value) };
  return { ...type, shape: type.shape?.map(lengthOfPort) ?? null };
}

function lengthOfPort(length: Dimension): Dimension {
  return typeof length === "number" && length < 0 ? null : length;
}
