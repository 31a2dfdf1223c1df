// Activations that never fall, behind the pooling that takes the largest: the largest of what they make is what they make of the
// largest, and there is less of that.
import { AttributeReader, type Model, nameScopeOf, type Node, valueUsesOf } from "#graph";
import type { Pass } from "./pass.ts";

/** Whether an operator's outcome never falls where its first input rises, in floating-point numbers too. */
const NEVER_FALLS: Readonly<Record<string, (node: Node) => boolean>> = {
  Clip: () => true,
  LeakyRelu: (node) => new AttributeReader(node).float("alpha", 0.01) >= 0,
  Relu: () => true,
};

/** The model with MaxPool and GlobalMaxPool in front of such activations, where nobody else reads what these make. */
export function poolsBeforeActivations(model: Model): Model {
  const { graph } = model;
  const { consumers } = valueUsesOf(graph);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const scope = nameScopeOf(graph);
  const nodes = new Set<Node>();
  /** Activations by what they make. */
  const made = new Map<string, Node>();
  const gone = new Set<string>();
  const add = (node: Node): void => {
    nodes.add(node);
    if (neverFalls(node)) made.set(node.outputs[0]!, node);
  };
  /** Activations one behind the other, of which nobody else reads the values, up to the one that makes this value. */
  const chainTo = (value: string): readonly Node[] => {
    const activation = made.get(value);
    const isReadOnce = consumers.get(value)?.length === 1 && !outputs.has(value);
    return activation === undefined || !isReadOnce ? [] : [...chainTo(activation.inputs[0]!), activation];
  };
  for (const node of graph.nodes) {
    const chain = takesLargest(node) ? chainTo(node.inputs[0]!) : [];
    if (chain.length === 0) {
      add(node);
      continue;
    }
    let value = chain[0]!.inputs[0]!;
    for (const one of [node, ...chain]) {
      nodes.delete(one);
      const output = one === chain.at(-1) ? node.outputs[0]! : scope.fresh(`${node.outputs[0]!}_pooled`);
      add({ ...one, inputs: [value, ...one.inputs.slice(1)], outputs: [output] });
      value = output;
    }
    for (const activation of chain) gone.add(activation.outputs[0]!);
  }
  if (gone.size === 0) return model;
  return {
    ...model,
    graph: {
      ...graph,
      nodes: [...nodes],
      valueInfo: graph.valueInfo.filter(({ name }) => !gone.has(name)),
      quantization: graph.quantization.filter(({ tensorName }) => !gone.has(tensorName)),
    },
  };
}

/** Whether it answers the largest of each window, and not where it lies. */
function takesLargest({ opType, domain, outputs }: Node): boolean {
  return domain === "" && (opType === "MaxPool" || opType === "GlobalMaxPool") && outputs.length === 1;
}

function neverFalls(node: Node): boolean {
  return node.domain === "" && NEVER_FALLS[node.opType]?.(node) === true;
}

export const poolsBeforeActivationsPass: Pass = {
  name: "pools-before-activations",
  requires: [],
  does: "Takes the largest of each window before an activation that never falls, which then has less to do.",
  ensures: [],
  run: poolsBeforeActivations,
};
