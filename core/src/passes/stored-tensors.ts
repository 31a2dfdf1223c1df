// What a graph holds from the start.
import { createInitializer, type Graph, type Initializer, type Node } from "#graph";

/** The tensors a graph stores, as initializers or by Constant nodes. */
export function storedTensors(graph: Graph): ReadonlyMap<string, Initializer> {
  const stored = new Map(graph.initializers.map((one) => [one.name, one]));
  // One that is an input's default may be another when the model runs.
  for (const { name } of graph.inputs) stored.delete(name);
  for (const node of graph.nodes) {
    const constant = constantOf(node);
    if (constant !== null) stored.set(constant.name, constant);
  }
  return stored;
}

/** The tensor a Constant node holds, in any of its forms but the sparse one; null for other nodes. */
export function constantOf(node: Node): Initializer | null {
  const [name] = node.outputs;
  const [attribute] = node.attributes;
  if (node.opType !== "Constant" || node.domain !== "" || name === undefined || attribute === undefined) return null;
  switch (attribute.kind) {
    case "tensor":
      return { ...attribute.value, name };
    case "int":
      return createInitializer({ name, dtype: "int64", shape: [], data: values(BigInt64Array.of(attribute.value)) });
    case "ints": {
      const { value } = attribute;
      return createInitializer({ name, dtype: "int64", shape: [value.length], data: values(value) });
    }
    case "float":
      return createInitializer({ name, dtype: "float32", shape: [], data: values(Float32Array.of(attribute.value)) });
    case "floats": {
      const { value } = attribute;
      return createInitializer({ name, dtype: "float32", shape: [value.length], data: values(value) });
    }
    case "string":
    case "strings":
    case "sparse-tensor":
    case "sparse-tensors":
    case "tensors":
    case "graph":
    case "graphs":
    case "type":
    case "types":
    case "reference":
      return null;
  }
}

function values(data: BigInt64Array | Float32Array): Extract<Initializer["data"], { kind: "values" }> {
  return { kind: "values", values: data };
}
