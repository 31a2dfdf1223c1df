// Tensors that an exporter stored once because they were equal, each on its own again.
import { type Initializer, type Model, tensorFromInitializer } from "#graph";
import type { Pass } from "./pass.ts";

/**
 * Gives each Identity of a stored tensor whose elements are all alike a tensor of its own. PyTorch's exporter stores equal tensors
 * once and hands the others on by Identity: before training, the scales of all normalisations, which are ones, and their biases.
 * Tensors that are no such filling stay tied, since equal ones are equal for a reason.
 */
export function untieCopies(model: Model): Model {
  const { graph } = model;
  const inputs = new Set(graph.inputs.map(({ name }) => name));
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const stored = new Map(graph.initializers.filter(({ name }) => !inputs.has(name)).map((one) => [one.name, one]));
  const added: Initializer[] = [];
  const nodes = graph.nodes.filter((node) => {
    if (node.opType !== "Identity" || node.domain !== "") return true;
    const [output] = node.outputs;
    const copied = stored.get(node.inputs[0] ?? "");
    if (output === undefined || outputs.has(output) || copied === undefined || !isFilling(copied)) return true;
    const own = { ...copied, name: output };
    added.push(own);
    // What is copied may be copied on.
    stored.set(output, own);
    return false;
  });
  if (added.length === 0) return model;
  return { ...model, graph: { ...graph, nodes, initializers: [...graph.initializers, ...added] } };
}

function isFilling(initializer: Initializer): boolean {
  if (initializer.data.kind === "external") return false;
  const { data } = tensorFromInitializer(initializer);
  const [first] = data;
  return first !== undefined && Array.prototype.every.call(data, (value: unknown) => value === first);
}

export const untieCopiesPass: Pass = {
  name: "untie-copies",
  requires: [],
  does: "Gives tensors that were stored once for being equal (scales of ones, biases of zeros) a tensor each.",
  ensures: [],
  run: untieCopies,
};
