// Putting the nodes of a model's own functions in the place of the nodes that call them, so that what looks at graphs need
// not know of functions.
import { LIMITS, SlipwayError } from "#base";
import { describeNode } from "./attributes.ts";
import {
  type Attribute,
  createGraph,
  createNode,
  type Graph,
  type Model,
  type ModelFunction,
  type Node,
  type OpsetImports,
} from "./model.ts";
import { type NameScope, nameScopeOf, subgraphsOf } from "./names.ts";
import { mapBodies, mapKept, renameEverywhere } from "./rename.ts";
import { definedNames, nodesOf } from "./walk.ts";

/**
 * The model with every call of one of its functions, in the graph and in bodies, replaced by the function's nodes. Values of
 * a function get names of their own, which begin with the name of the call.
 *
 * A call stays where the function was written for another version of the ONNX operator set than the model uses, since its
 * nodes would mean something else there; functions that are called no more are left out.
 * @throws SlipwayError MODEL_INVALID where functions call themselves, or grow over the limit of nodes
 */
export function inlineFunctions(model: Model): Model {
  if (model.functions.length === 0) return model;
  const { functions, opsets } = inlinable(model);
  refuseGrowth(model.graph, functions);
  const graph = new Inliner(functions, nameScopeOf(model.graph)).inGraph(model.graph);
  const taken = new Set(functions.values());
  return { ...model, opsets, graph, functions: model.functions.filter((made) => !taken.has(made)) };
}

type Functions = ReadonlyMap<string, ModelFunction>;

/** The functions whose operator sets go with the model's and with each other's, and all their operator sets. */
function inlinable(model: Model): { readonly functions: Functions; readonly opsets: OpsetImports } {
  const opsets = new Map(model.opsets);
  const functions = new Map<string, ModelFunction>();
  for (const made of model.functions) {
    const imports = Array.from(made.opsets);
    if (!imports.every(([domain, version]) => (opsets.get(domain) ?? version) === version)) continue;
    for (const [domain, version] of imports) opsets.set(domain, version);
    functions.set(keyOf(made.domain, made.name, made.overload), made);
  }
  return { functions, opsets };
}

/** Refuses functions that call themselves, or each other so often that millions of nodes would come of it. */
function refuseGrowth(graph: Graph, functions: Functions): void {
  const sizes = new Map<ModelFunction, number | "open">();
  const sizeOf = (nodes: readonly Node[], depth: number): number => {
    let total = 0;
    for (const { node } of nodesOf(nodes)) {
      const made = functionOf(node, functions);
      if (made === undefined) {
        total++;
        continue;
      }
      const known = sizes.get(made);
      if (known === "open") throw invalid(node, "calls a function that calls itself");
      if (depth >= LIMITS.modelDepth) throw invalid(node, `is over ${LIMITS.modelDepth} calls deep`);
      if (known === undefined) {
        sizes.set(made, "open");
        sizes.set(made, sizeOf(made.nodes, depth + 1));
      }
      total += sizes.get(made) as number;
      if (total > LIMITS.modelNodes) throw invalid(node, `makes over ${LIMITS.modelNodes} nodes with what others call`);
    }
    return total;
  };
  sizeOf(graph.nodes, 0);
}

class Inliner {
  readonly #functions: Functions;
  readonly #names: NameScope;

  constructor(functions: Functions, names: NameScope) {
    this.#functions = functions;
    this.#names = names;
  }

  inGraph(graph: Graph): Graph {
    return { ...graph, nodes: graph.nodes.flatMap((node) => this.#inNode(node)) };
  }

  #inNode(node: Node): readonly Node[] {
    const made = functionOf(node, this.#functions);
    if (made === undefined) return [mapBodies(node, (body) => this.inGraph(body))];
    return this.#expanded(node, made).flatMap((inner) => this.#inNode(inner));
  }

  /** The function's nodes, with the call's values and attributes. */
  #expanded(call: Node, made: ModelFunction): readonly Node[] {
    const prefix = call.name === "" ? (call.outputs.find((name) => name !== "") ?? call.opType) : call.name;
    const names = new Map(made.inputs.map((name, index) => [name, call.inputs[index] ?? ""]));
    const passed: Node[] = [];
    for (const [index, name] of made.outputs.entries()) {
      const output = call.outputs[index] ?? "";
      const source = names.get(name);
      // What a function hands through, or hands out twice, is a copy.
      if (source !== undefined && output !== "")
        passed.push(createNode({ opType: "Identity", inputs: [source], outputs: [output] }));
      else if (output !== "") names.set(name, output);
    }
    const body = createGraph({ nodes: made.nodes });
    for (const name of namesIn(body)) if (!names.has(name)) names.set(name, this.#names.fresh(`${prefix}/${name}`));
    const given = new Map(
      [...made.attributeDefaults, ...call.attributes].map((attribute) => [attribute.name, attribute]),
    );
    const nodes = renameEverywhere(body, names).nodes.map((node) => withAttributes(node, given));
    return [
      ...nodes.map((node) => ({ ...node, name: `${prefix}/${node.name === "" ? node.opType : node.name}` })),
      ...passed,
    ];
  }
}

/** The names a graph and the bodies in it define. */
function namesIn(graph: Graph): Set<string> {
  const names = definedNames(graph);
  for (const node of graph.nodes) {
    for (const body of subgraphsOf(node)) for (const name of namesIn(body)) names.add(name);
  }
  return names;
}

/** The node with what references name in their place; a reference to what the call does not give goes. */
function withAttributes(node: Node, given: ReadonlyMap<string, Attribute>): Node {
  const attributes = node.attributes.flatMap((attribute): readonly Attribute[] => {
    if (attribute.kind !== "reference") return [attribute];
    const value = given.get(attribute.value);
    return value === undefined ? [] : [{ ...value, name: attribute.name }];
  });
  const inBody = (body: Graph): Graph => ({
    ...body,
    nodes: mapKept(body.nodes, (inner) => withAttributes(inner, given)),
  });
  return mapBodies({ ...node, attributes }, inBody);
}

function keyOf(domain: string, name: string, overload: string): string {
  return JSON.stringify([domain, name, overload]);
}

function functionOf({ domain, opType, overload }: Node, functions: Functions): ModelFunction | undefined {
  return functions.get(keyOf(domain, opType, overload));
}

function invalid(node: Node, what: string): SlipwayError {
  const name = describeNode(node);
  return new SlipwayError("MODEL_INVALID", `${name.charAt(0).toUpperCase()}${name.slice(1)} ${what}.`);
}
