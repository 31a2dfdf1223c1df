// The graph verifier, against a second reading of its rules: models built by chance, from few names so that they clash, are
// found sound by both or by neither. An input is a stream of choices; where it ends, every further choice is 0.
import { SlipwayError } from "@slipway/core/base";
import {
  type Attribute,
  createAttribute,
  createFunction,
  createGraph,
  createInitializer,
  createModel,
  createNode,
  createValueInfo,
  type Graph,
  type Model,
  type ModelFunction,
  type Node,
  verifyModel,
} from "@slipway/core/graph";
import { bytesFromModel, modelFromBytes } from "@slipway/core/onnx";
import { type FuzzTarget, sortOf } from "../target.ts";

const NAMES = ["a", "b", "c", "d", "e", "f", "g", ""];
const OPERATORS = ["Add", "If", "F", "G", "H", ""];
const DOMAINS = ["", "", "", "f", "other"];
const ATTRIBUTES = ["then", "else", "p", "q", ""];

export const graphTarget: FuzzTarget = {
  name: "graph",
  share: 20,
  maxBytes: 256,
  seeds: () => [
    Uint8Array.of(2, 0, 1, 1, 2, 1, 0, 0, 1, 1, 2),
    new Uint8Array(40).map((_, index) => (index * 37) & 255),
  ],
  tokens: [],
  generate: (random) => Uint8Array.from({ length: 8 + random.below(120) }, () => random.below(256)),
  run(input) {
    const model = new Choices(input).model();
    const isSound = soundModel(model);
    let end = "sound";
    try {
      verifyModel(model);
    } catch (error) {
      if (!(error instanceof SlipwayError) || error.code !== "MODEL_INVALID") throw error;
      end = sortOf(error.code, error.message);
    }
    if ((end === "sound") !== isSound) throw new Error(`The verifier says: ${end}; it is ${isSound ? "sound" : "not"}`);
    // Through a file and back it stays as sound as it was.
    const bytes = bytesFromModel(model);
    const again = modelFromBytes(bytes);
    if (soundModel(again) !== isSound) throw new Error("Written and read, it is judged otherwise");
    return end;
  },
};

/** Builds a model from a stream of choices. */
class Choices {
  readonly #bytes: Uint8Array;
  #at = 0;
  /** Bodies still allowed: bounds the size of a model whatever is chosen. */
  #bodies = 6;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  model(): Model {
    const opsets = new Map<string, number>();
    if (this.#below(16) < 15) opsets.set("", 17);
    if (this.#below(2) === 0) opsets.set("f", 1);
    const graph = this.#graph(0);
    const functions = this.#list(3, () => this.#function());
    const hasTraining = this.#below(8) === 7;
    const training = hasTraining
      ? [
          {
            kind: "training-info" as const,
            initialization: this.#below(2) === 0 ? null : this.#graph(1),
            algorithm: this.#below(2) === 0 ? null : this.#graph(1),
            initializationBinding: new Map<string, string>(),
            updateBinding: new Map<string, string>(),
            extra: [],
          },
        ]
      : [];
    return createModel({ irVersion: 8, opsets, graph, functions, training });
  }

  #below(limit: number): number {
    return (this.#bytes[this.#at++] ?? 0) % limit;
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#below(items.length)]!;
  }

  #list<T>(limit: number, item: () => T): T[] {
    return Array.from({ length: this.#below(limit) }, item);
  }

  #name(): string {
    // The empty one seldom, since it is wrong nearly everywhere.
    return NAMES[this.#below(24) % (this.#below(12) === 11 ? 8 : 7)]!;
  }

  #graph(depth: number): Graph {
    const initializer = () => {
      const name = this.#name();
      return createInitializer({
        name,
        dtype: "float32",
        shape: [],
        data: { kind: "values", values: Float32Array.of(1) },
      });
    };
    return createGraph({
      name: "g",
      inputs: this.#list(4, () => createValueInfo(this.#name(), null)),
      initializers: this.#list(3, initializer),
      nodes: this.#list(5, () => this.#node(depth)),
      outputs: this.#list(3, () => createValueInfo(this.#name(), null)),
    });
  }

  #node(depth: number): Node {
    return createNode({
      opType: this.#below(12) === 11 ? "" : this.#pick(OPERATORS.slice(0, 5)),
      domain: this.#pick(DOMAINS),
      inputs: this.#list(3, () => this.#name()),
      outputs: this.#list(3, () => this.#name()),
      attributes: this.#list(3, () => this.#attribute(depth)),
    });
  }

  #attribute(depth: number): Attribute {
    const name = ATTRIBUTES[this.#below(30) % (this.#below(12) === 11 ? 5 : 4)]!;
    const kind = this.#below(8);
    if (kind === 0 && this.#bodies > 0 && depth < 4) {
      this.#bodies--;
      return createAttribute("graph", name, this.#graph(depth + 1));
    }
    if (kind === 1 && this.#bodies > 1 && depth < 4) {
      this.#bodies -= 2;
      return createAttribute("graphs", name, [this.#graph(depth + 1), this.#graph(depth + 1)]);
    }
    if (kind === 2)
      return {
        kind: "reference",
        name,
        value: this.#pick(ATTRIBUTES.slice(0, 4)),
        of: "int",
        docString: "",
        extra: [],
      };
    return createAttribute("int", name, 1n);
  }

  #function(): ModelFunction {
    return createFunction({
      name: this.#below(12) === 11 ? "" : this.#pick(OPERATORS.slice(2, 5)),
      domain: "f",
      opsets: new Map([
        ["", 17],
        ["f", 1],
      ]),
      inputs: this.#list(3, () => this.#name()),
      outputs: this.#list(3, () => this.#name()),
      attributes: this.#list(3, () => this.#pick(ATTRIBUTES)),
      attributeDefaults: this.#list(2, () => createAttribute("int", this.#pick(ATTRIBUTES), 1n)),
      nodes: this.#list(4, () => this.#node(2)),
    });
  }
}

/** The rules again, each as it stands in IR.md, without a word on what is wrong. */
function soundModel(model: Model): boolean {
  if (model.opsets.size === 0) return false;
  const own = { domains: new Set(model.opsets.keys()), references: null };
  if (!soundGraph(model.graph, own, [])) return false;
  for (const { initialization, algorithm } of model.training) {
    if (initialization !== null && !soundGraph(initialization, own, [])) return false;
    if (algorithm !== null && !soundGraph(algorithm, own, [definedIn(model.graph)])) return false;
  }
  const keys = model.functions.map(keyOf);
  if (new Set(keys).size !== keys.length) return false;
  return model.functions.every(soundFunction) && !callsItself(model);
}

interface Around {
  readonly domains: ReadonlySet<string>;
  /** What references may name; null where there may be none. */
  readonly references: ReadonlySet<string> | null;
}

type Names = ReadonlySet<string>;

function definedIn(graph: Graph): Set<string> {
  const names = [...graph.inputs, ...graph.initializers].map(({ name }) => name);
  return new Set([...names, ...graph.nodes.flatMap(({ outputs }) => outputs)].filter((name) => name !== ""));
}

function areDistinct(names: readonly string[]): boolean {
  return !names.includes("") && new Set(names).size === names.length;
}

function soundGraph(graph: Graph, around: Around, outer: readonly Names[]): boolean {
  const inputs = graph.inputs.map(({ name }) => name);
  const stored = graph.initializers.map(({ name }) => name);
  const outputs = graph.outputs.map(({ name }) => name);
  if (!areDistinct(inputs) || !areDistinct(stored)) return false;
  const defined = new Set([...inputs, ...stored]);
  if (!soundNodes(graph.nodes, around, defined, outer)) return false;
  return new Set(outputs).size === outputs.length && outputs.every((name) => defined.has(name));
}

/** `defined` grows by what the nodes make. */
function soundNodes(nodes: readonly Node[], around: Around, defined: Set<string>, outer: readonly Names[]): boolean {
  const isKnown = (name: string) => defined.has(name) || outer.some((names) => names.has(name));
  for (const node of nodes) {
    if (node.opType === "" || !around.domains.has(node.domain)) return false;
    if (!areDistinct(node.attributes.map(({ name }) => name))) return false;
    for (const attribute of node.attributes) {
      if (attribute.kind === "reference" && around.references?.has(attribute.value) !== true) return false;
    }
    if (!node.inputs.every((name) => name === "" || isKnown(name))) return false;
    for (const body of bodiesOf(node)) if (!soundGraph(body, around, [...outer, new Set(defined)])) return false;
    for (const name of node.outputs.filter((output) => output !== "")) {
      if (isKnown(name)) return false;
      defined.add(name);
    }
  }
  return true;
}

function bodiesOf(node: Node): Graph[] {
  return node.attributes.flatMap((attribute) => {
    if (attribute.kind === "graph") return [attribute.value];
    return attribute.kind === "graphs" ? attribute.value : [];
  });
}

function soundFunction(made: ModelFunction): boolean {
  if (made.name === "" || !areDistinct(made.inputs)) return false;
  const defaults = made.attributeDefaults.map(({ name }) => name);
  if (new Set(defaults).size !== defaults.length || defaults.some((name) => made.attributes.includes(name)))
    return false;
  const defined = new Set(made.inputs);
  const around = { domains: new Set(made.opsets.keys()), references: new Set([...made.attributes, ...defaults]) };
  return soundNodes(made.nodes, around, defined, []) && made.outputs.every((name) => defined.has(name));
}

function keyOf({ domain, name }: { readonly domain: string; readonly name: string }): string {
  return `${domain} ${name}`;
}

/** Whether following calls from a function leads back to it. */
function callsItself(model: Model): boolean {
  const called = new Map(
    model.functions.map((made) => [
      keyOf(made),
      allNodes(made.nodes).map(({ domain, opType }) => keyOf({ domain, name: opType })),
    ]),
  );
  return [...called.keys()].some((start) => {
    const reached = new Set<string>();
    const visit = (key: string): void => {
      for (const next of called.get(key) ?? []) {
        if (reached.has(next)) continue;
        reached.add(next);
        visit(next);
      }
    };
    visit(start);
    return reached.has(start);
  });
}

function allNodes(nodes: readonly Node[]): Node[] {
  return nodes.flatMap((node) => [node, ...bodiesOf(node).flatMap((body) => allNodes(body.nodes))]);
}
