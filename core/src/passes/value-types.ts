// What is known of the values of a graph: their element types and, as far as known, their axes.
import type { Graph, Model } from "#graph";
import type { DType, TensorType } from "#tensor";

/**
 * Types of tensors by the name of the value. Who infers them (ONNX Runtime on a server, or the rules of `shapes/`) is not known
 * here; what is missing is found out otherwise, or is an error that says so.
 */
export type ValueTypes = ReadonlyMap<string, TensorType>;

/** The types a model, or a graph, states itself: of its inputs, stored tensors, outputs, and of others where it does. */
export function statedTypes(stating: Model | Graph): Map<string, TensorType> {
  const types = new Map<string, TensorType>();
  const graph = stating.kind === "model" ? stating.graph : stating;
  const { inputs, outputs, valueInfo, initializers, sparseInitializers } = graph;
  for (const { name, type } of [...valueInfo, ...outputs, ...inputs])
    if (type?.kind === "tensor") types.set(name, type);
  for (const { name, dtype, shape } of initializers) {
    // An initializer that is an input's default says less than the input: callers may send another length.
    if (!inputs.some((input) => input.name === name)) types.set(name, { kind: "tensor", dtype, shape });
  }
  for (const { values, shape } of sparseInitializers)
    types.set(values.name, { kind: "tensor", dtype: values.dtype, shape });
  return types;
}

/** The element types alone, as builders of graphs ask for them. */
export function dtypesOf(types: ValueTypes): Map<string, DType> {
  return new Map(Array.from(types, ([name, { dtype }]) => [name, dtype]));
}
