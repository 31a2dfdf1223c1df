// Composite operators as the primitives they are made of: what knows primitives alone (gradient rules, other passes, engines with
// fewer operators) then knows them too.
import {
  createNode,
  type Graph,
  GraphBuilder,
  type Initializer,
  type Model,
  NameScope,
  nameScopeOf,
  type Node,
} from "#graph";
import { ACTIVATIONS, CONTRIBUTED_ACTIVATIONS } from "./composites/activations.ts";
import { attention } from "./composites/attention.ts";
import { CompositeCall, type Decomposition } from "./composites/call.ts";
import { CONTRIBUTED_NORMALIZATIONS, NORMALIZATIONS } from "./composites/normalizations.ts";
import type { Pass } from "./pass.ts";
import { inferTypes } from "./shapes/index.ts";
import { dtypesOf, type ValueTypes } from "./value-types.ts";

/** How composite operators are written, by domain and operator. */
export const DECOMPOSITIONS: Readonly<Record<string, Readonly<Record<string, Decomposition>>>> = {
  "": { ...ACTIVATIONS, ...NORMALIZATIONS, Attention: attention },
  "com.microsoft": { ...CONTRIBUTED_ACTIVATIONS, ...CONTRIBUTED_NORMALIZATIONS },
};

/**
 * The model with composite operators written in primitives; values keep their names. A use that can't be written so stays: one
 * whose element type or number of axes or heads is not known, or Attention over windows or by lengths. Bodies stay as they are.
 * @param isMeant which composites are written so; all unless said
 */
export function decomposeComposites(model: Model, isMeant: (node: Node) => boolean = () => true): Model {
  if (!model.graph.nodes.some((node) => decompositionOf(node) !== null && isMeant(node))) return model;
  const types = inferTypes(model);
  const dtypes = dtypesOf(types);
  const opset = model.opsets.get("") ?? 1;
  const scope = nameScopeOf(model.graph);
  // Engines take no two nodes of one name.
  const nodeNames = new NameScope(model.graph.nodes.map(({ name }) => name));
  const initializers: Initializer[] = [];
  const nodes = model.graph.nodes.flatMap((node): readonly Node[] => {
    const decomposition = isMeant(node) ? decompositionOf(node) : null;
    const dtype = decomposition === null ? null : typeIn(node, types);
    if (decomposition === null || dtype === null) return [node];
    const g = new GraphBuilder({ opset }, scope, dtypes);
    const values = decomposition(new CompositeCall(g, node, opset, types, dtype));
    if (values === null || node.outputs.some((name, index) => name !== "" && (values[index] ?? null) === null))
      return [node];
    const made = g.graph();
    initializers.push(...made.initializers);
    const named = (opType: string): string => (node.name === "" ? "" : nodeNames.fresh(`${node.name}/${opType}`));
    return handedOn(made, node, values as readonly string[]).map((one) => ({ ...one, name: named(one.opType) }));
  });
  if (nodes.length === model.graph.nodes.length && nodes.every((node, index) => node === model.graph.nodes[index]))
    return model;
  return { ...model, graph: { ...model.graph, nodes, initializers: [...model.graph.initializers, ...initializers] } };
}

function decompositionOf({ domain, opType }: Node): Decomposition | null {
  if (!Object.hasOwn(DECOMPOSITIONS, domain) || !Object.hasOwn(DECOMPOSITIONS[domain]!, opType)) return null;
  return DECOMPOSITIONS[domain]![opType]!;
}

/** The type a composite computes in: that of its first input that holds such numbers. */
function typeIn(node: Node, types: ValueTypes): CompositeCall["dtype"] | null {
  const dtypes = node.inputs.map((name) => types.get(name)?.dtype);
  if (node.opType === "CastLike") return dtypes[0] ?? null;
  return dtypes.find((dtype) => dtype !== undefined && /^b?float/.test(dtype)) ?? null;
}

/** The nodes that were made, with the node's own names for what it made; one name more for a value is a copy. */
function handedOn({ nodes }: Graph, node: Node, values: readonly string[]): readonly Node[] {
  const made = new Set(nodes.flatMap(({ outputs }) => outputs));
  const renamed = new Map<string, string>();
  const copies: Node[] = [];
  for (const [index, output] of node.outputs.entries()) {
    if (output === "") continue;
    const value = values[index]!;
    if (made.has(value) && !renamed.has(value)) renamed.set(value, output);
    else copies.push(createNode({ opType: "Identity", inputs: [renamed.get(value) ?? value], outputs: [output] }));
  }
  const rename = (names: readonly string[]): readonly string[] => names.map((name) => renamed.get(name) ?? name);
  return [...nodes.map((one) => ({ ...one, inputs: rename(one.inputs), outputs: rename(one.outputs) })), ...copies];
}

/** @param isMeant which composites are written so; all unless said */
export function decomposeCompositesPass(isMeant?: (node: Node) => boolean): Pass {
  return {
    name: "decompose-composites",
    requires: ["opset-13-up"],
    does: "Writes composite operators (normalisations of layers, GELU and its kin, Attention) in primitives that have gradient rules.",
    ensures: [],
    run: (model) => decomposeComposites(model, isMeant),
  };
}
