// The reverse walk: from what is differentiated back to what it is differentiated by, node by node.
import {
  describeNode,
  type Graph,
  type GraphBuilder,
  type Initializer,
  type Model,
  type Node,
  replaceNodes,
  subgraphsOf,
  valueUsesOf,
} from "#graph";
import type { DType, TensorType } from "#tensor";
import { storedTensors } from "#passes";
import { type Emission, Emitter } from "./emitter.ts";
import { type CallSite, OperatorCall, type OperatorGradient } from "./operator-gradient.ts";
import { ruleOf } from "./rules.ts";
import { fixedShape, isDifferentiable, numbersReadBy } from "./value-types.ts";

/** What is differentiated, and by what; see `GradientOptions`. */
export interface Differentiated {
  readonly wrt: readonly string[];
  readonly of?: string;
  readonly emission?: Emission;
}

/** Takes over the values that no sample comes to, where gradients are wanted by sample. */
export interface ParameterSide {
  has(value: string): boolean;
  /** A node whose outputs it has: gradients go on from them to those of its inputs that are wanted. */
  through(node: Node, wanted: ReadonlySet<string>, site: CallSite): void;
  /** The call at a node whose outputs it has not. */
  callAt(node: Node, e: Emitter, site: CallSite): OperatorCall;
  /** The gradient by an input of such a call, which it has; `own` emits it by the operator's rule. */
  receive(call: OperatorCall, index: number, own: () => string | null): void;
}

/** See `gradient`. */
export class ReverseWalk {
  readonly #model: Model;
  readonly #graph: Graph;
  readonly #types: ReadonlyMap<string, TensorType>;
  readonly #wrt: readonly string[];
  readonly #loss: string | null;
  readonly #emission: Emission;
  readonly #stored: ReadonlyMap<string, Initializer>;
  /** What has come together of the gradient by each value. */
  readonly #contributions = new Map<string, string[]>();
  readonly #sums = new Map<string, string>();
  /** Outputs that nodes are made to give; see `demandOutput`. */
  readonly #demanded = new Map<Node, string[]>();
  /** The inputs that take gradients by outputs, by the output, where the walk does not begin at a loss. */
  readonly upstream = new Map<string, string>();

  readonly #side: ParameterSide | null;

  constructor(
    model: Model,
    types: ReadonlyMap<string, TensorType>,
    { wrt, of, emission = "portable" }: Differentiated,
    side: ParameterSide | null = null,
  ) {
    this.#model = model;
    this.#graph = model.graph;
    this.#types = types;
    this.#wrt = [...new Set(wrt)];
    this.#loss = of ?? null;
    this.#emission = emission;
    this.#stored = storedTensors(model.graph);
    this.#side = side;
  }

  /** Emits the gradients, each as an output `grad_NAME`; with a number behind it where the model has that name. */
  emit(g: GraphBuilder): { gradients: ReadonlyMap<string, string>; detached: readonly string[] } {
    const e = Emitter.over(g, this.#model.opsets.get("")!, this.#types, this.#emission);
    const gradientBy = this.walk(g, e);
    const gradients = new Map<string, string>();
    const detached: string[] = [];
    for (const name of this.#wrt) {
      const found = gradientBy(name);
      if (found === null) detached.push(name);
      const type = this.#types.get(name)!;
      const output = g.freeName(`grad_${name}`);
      g.output(output, found ?? e.of(type.dtype).zerosLike(name), type.dtype, type.shape);
      gradients.set(name, output);
    }
    return { gradients, detached };
  }

  /** Emits the way back; answers what finds the gradient by a value, null where it is zero. */
  walk(g: GraphBuilder, e: Emitter): (value: string) => string | null {
    const between = this.#between();
    this.#seed(g, e, between);
    const site: CallSite = {
      emitter: e,
      upstream: (value) => this.#gradientBy(value, e),
      stored: (value) => this.#stored.get(value),
      demandOutput: (node, index) => this.#demandOutput(g, node, index),
      makerOf: (value) => this.#graph.nodes.find(({ outputs }) => outputs.includes(value)),
      describePath: (node) => this.#describePath(node, between),
    };
    for (const node of this.#graph.nodes.toReversed()) {
      if (between.nodes.has(node)) this.#through(node, between.values, site);
    }
    return (value) => this.#gradientBy(value, e);
  }

  /** The graph whose nodes give what rules asked of them. */
  withDemandedOutputs(graph: Graph): Graph {
    const changed = Array.from(this.#demanded, ([node, outputs]) => [node, [{ ...node, outputs }]] as const);
    return replaceNodes(graph, new Map(changed));
  }

  /** Emits the gradients by a node's inputs from those by its outputs. */
  #through(node: Node, values: ReadonlySet<string>, site: CallSite): void {
    const side = this.#side;
    if (side !== null && node.outputs.every((name) => name === "" || side.has(name))) {
      side.through(node, values, site);
      return;
    }
    const reached = node.outputs.filter((name) => name !== "" && site.upstream(name) !== null);
    if (reached.length === 0) return;
    const e = site.emitter.of(this.#gradientType(node, reached[0]!));
    const call = side?.callAt(node, e, site) ?? new OperatorCall(node, e, site);
    const gradients = this.#ruleOf(node, call).gradients(call);
    for (const [index, name] of node.inputs.entries()) {
      if (!values.has(name)) continue;
      if (side?.has(name) === true) {
        side.receive(call, index, () => gradients[index]?.() ?? null);
        continue;
      }
      const made = gradients[index]?.() ?? null;
      if (made !== null) this.#contribute(name, made);
    }
  }

  /** The element type of the gradient by an output: its own, or, of a quantised one, that of what was quantised. */
  #gradientType(node: Node, output: string): DType {
    const type = this.#types.get(output);
    const quantized = type !== undefined && !isDifferentiable(type) ? this.#types.get(node.inputs[0] ?? "") : undefined;
    return (quantized ?? type)?.dtype ?? "float32";
  }

  #ruleOf(node: Node, call: OperatorCall): OperatorGradient {
    const found = ruleOf(node);
    if (found !== null) return found;
    const bodies = subgraphsOf(node).length > 0 ? "holds graphs of its own, which are not differentiated" : null;
    throw call.unavailable(bodies ?? "has no gradient rule");
  }

  /** Sets where the walk begins: at the loss, or at every output, whose gradient callers send. */
  #seed(g: GraphBuilder, e: Emitter, { values }: Between): void {
    if (this.#loss !== null) {
      if (!values.has(this.#loss)) return;
      const { dtype, shape } = this.#types.get(this.#loss)!;
      const fixed = fixedShape(shape);
      const isOne = fixed?.every((length) => length === 1) === true;
      const ones = isOne ? e.of(dtype).values([1], fixed) : e.of(dtype).filled(e.shapeOf(this.#loss), 1);
      this.#contribute(this.#loss, ones);
      return;
    }
    for (const { name } of this.#graph.outputs) {
      const type = this.#types.get(name);
      if (type === undefined || !values.has(name)) continue;
      const input = g.input(g.freeName(`grad_${name}`), type.dtype, type.shape);
      this.#contribute(name, input);
      this.upstream.set(name, input);
    }
  }

  #contribute(value: string, gradient: string): void {
    const known = this.#contributions.get(value);
    if (known === undefined) this.#contributions.set(value, [gradient]);
    else known.push(gradient);
  }

  /** The gradient by a value; called once all that read it have contributed. */
  #gradientBy(value: string, e: Emitter): string | null {
    const summed = this.#sums.get(value);
    if (summed !== undefined) return summed;
    const parts = this.#contributions.get(value);
    if (parts === undefined) return null;
    const sum = parts.length === 1 ? parts[0]! : e.op("Sum", parts);
    this.#sums.set(value, sum);
    return sum;
  }

  /** The values and nodes that depend on `wrt` and that what is differentiated depends on. */
  #between(): Between {
    const isReached = new Set<string>(this.#wrt);
    for (const node of this.#graph.nodes) {
      const reads = [...numbersReadBy(node)].some((name) => isReached.has(name));
      if (!reads) continue;
      // What is quantised counts as the number it stands for.
      const passes = node.opType === "QuantizeLinear";
      for (const name of node.outputs) if (name !== "" && (passes || this.#hasDerivative(name))) isReached.add(name);
    }
    const isNeeded = new Set(this.#loss === null ? this.#graph.outputs.map(({ name }) => name) : [this.#loss]);
    const nodes = new Set<Node>();
    for (const node of this.#graph.nodes.toReversed()) {
      if (!node.outputs.some((name) => isNeeded.has(name) && isReached.has(name))) continue;
      nodes.add(node);
      for (const name of numbersReadBy(node)) if (isReached.has(name)) isNeeded.add(name);
    }
    return { values: new Set([...isReached].filter((name) => isNeeded.has(name))), nodes };
  }

  /** Integers and truth values have no derivative; of what is not known it is assumed. */
  #hasDerivative(name: string): boolean {
    const type = this.#types.get(name);
    return type === undefined || isDifferentiable(type);
  }

  #demandOutput(g: GraphBuilder, node: Node, index: number): string {
    const outputs = this.#demanded.get(node) ?? [...node.outputs];
    while (outputs.length <= index) outputs.push("");
    if (outputs[index] === "") outputs[index] = g.freshName(`${outputs[0]}_out${index}`);
    this.#demanded.set(node, outputs);
    return outputs[index]!;
  }

  #describePath(node: Node, between: Between): string {
    const path = this.#pathFrom(node, between);
    const shown = path.length > 8 ? [...path.slice(0, 4), null, ...path.slice(-3)] : path;
    const text = shown.map((one) => (one === null ? "…" : describeNode(one))).join(", then ");
    const way = path.length === 0 ? "" : `From what is differentiated one comes to it through ${text}. `;
    return `${way}Leave what lies before it out of the names to differentiate by, or replace it in the model.`;
  }

  /** The nodes that derivatives came through to a node, on a shortest way from what is differentiated. */
  #pathFrom(node: Node, { nodes, values }: Between): readonly Node[] {
    const { consumers } = valueUsesOf(this.#graph);
    const ends = new Set(this.#loss === null ? this.#graph.outputs.map(({ name }) => name) : [this.#loss]);
    const before = new Map<Node, Node | null>([[node, null]]);
    for (const at of before.keys()) {
      if (at.outputs.some((name) => ends.has(name))) {
        const path: Node[] = [];
        for (let one: Node | null = at; one !== null && one !== node; one = before.get(one) ?? null) path.push(one);
        return path;
      }
      for (const name of at.outputs.filter((output) => values.has(output)))
        for (const reader of consumers.get(name) ?? [])
          if (nodes.has(reader) && !before.has(reader)) before.set(reader, at);
    }
    return [];
  }
}

interface Between {
  readonly values: ReadonlySet<string>;
  readonly nodes: ReadonlySet<Node>;
}
