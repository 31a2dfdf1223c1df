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
} from "./model.ts";
import { type NameScope, nameScopeOf, subgraphsOf } from "./names.ts";
import { mapBodies, mapKept, renameEverywhere } from "./rename.ts";
import { definedNames } from "./walk.ts";

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
  const inliner = new Inliner(model);
  const graph = inliner.inGraph(model.graph, 0);
  const kept = model.functions.filter((made) => !inliner.canInline(made));
  return graph === model.graph ? model : { ...model, graph, functions: kept };
}

class Inliner {
  readonly #model: Model;
  readonly #functions = new Map<string, ModelFunction>();
  readonly #names: NameScope;
  #nodes = 0;

  constructor(model: Model) {
    this.#model = model;
    this.#names = nameScopeOf(model.graph);
    for (const made of model.functions)
      if (this.canInline(made)) this.#functions.set(keyOf(made.domain, made.name, made.overload), made);
  }

  canInline({ opsets }: ModelFunction): boolean {
    return Array.from(opsets).every(([domain, version]) => {
      const used = this.#model.opsets.get(domain);
      return used === undefined || used === version;
    });
  }

  inGraph(graph: Graph, depth: number): Graph {
    let changed = false;
    const nodes = graph.nodes.flatMap((node): readonly Node[] => {
      const expanded = this.#inNode(node, depth);
      changed ||= expanded.length !== 1 || expanded[0] !== node;
      return expanded;
    });
    return changed ? { ...graph, nodes } : graph;
  }

  #inNode(node: Node, depth: number): readonly Node[] {
    const made = this.#functions.get(keyOf(node.domain, node.opType, node.overload));
    if (made === undefined) return [mapBodies(node, (body) => this.inGraph(body, depth))];
    if (depth >= LIMITS.modelDepth)
      throw tooMuch(node, `calls over ${LIMITS.modelDepth} functions one within the other`);
    const expanded = this.#expanded(node, made);
    this.#nodes += expanded.length;
    if (this.#nodes > LIMITS.modelNodes)
      throw tooMuch(node, `makes over ${LIMITS.modelNodes} nodes with what others call`);
    return expanded.flatMap((inner) => this.#inNode(inner, depth + 1));
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

function tooMuch(node: Node, what: string): SlipwayError {
  return new SlipwayError(
    "MODEL_INVALID",
    `Inlining ${describeNode(node)} ${what}. Functions must not call themselves.`,
  );
}
