// Loop tiling: stretches of nodes that keep rows apart, done for few rows at a time, so that what one node hands to the next is
// still in the cache. Done whole, each node is a pass over memory. The loop is a Scan, whose slices and joins copy nothing.
// Source: Wolf and Lam, "A data locality optimizing algorithm", PLDI 1991, doi 10.1145/113445.113449.
import {
  AttributeReader,
  attributeFrom,
  createGraph,
  createNode,
  createValueInfo,
  type Graph,
  type Initializer,
  initializerFromTensor,
  type Model,
  type NameScope,
  nameScopeOf,
  type Node,
  sortedNodes,
  tensorFromInitializer,
  tensorOfValues,
  type ValueInfo,
  valuesReadBy,
  valueUsesOf,
} from "#graph";
import type { TensorType } from "#tensor";
import { isElementwise } from "./batch/rows-apart.ts";
import type { Pass } from "./pass.ts";
import { inferTypes } from "./shapes/index.ts";
import { storedTensors } from "./stored-tensors.ts";
import type { ValueTypes } from "./value-types.ts";

/** Of what one node makes in a turn, at most, where rows are not larger: half a dozen of them fit into a core's own cache. */
const MOST_ELEMENTS_A_TURN = 32_768;
/** A turn costs as much as a pass over so few. */
const LEAST_ELEMENTS_A_TURN = 8192;
/** Of the largest value in a stretch: smaller ones stay in the cache anyway. */
const LEAST_ELEMENTS = 2_097_152;
/** What a batch of unknown length is taken to have. */
const USUAL_ROWS = 64;
const LEAST_TURNS = 4;
/** Nodes that do little with each element; others move elements, or do so much with them that memory does not matter. */
const LEAST_PASSES = 3;
const PASSES_BESIDE_ELEMENTWISE: ReadonlySet<string> = new Set([
  "Gelu",
  "LayerNormalization",
  "LogSoftmax",
  "QuickGelu",
  "ReduceMax",
  "ReduceMean",
  "ReduceSum",
  "Softmax",
]);
/** Squeeze and Unsqueeze take their axes as an input, and Softmax works along one axis. */
const LEAST_OPSET = 13;
/** Elementwise, but of numbers that are drawn, or of two outputs. */
const NOT_TILED: ReadonlySet<string> = new Set(["Dropout", "Bernoulli", "RandomNormalLike", "RandomUniformLike"]);

/** [rows, …] of which all but the rows is known. */
interface Rows {
  readonly rows: number | string;
  /** Elements of a row. */
  readonly size: number;
  readonly rank: number;
}

/**
 * The model with stretches of nodes that keep rows apart done in turns. Answers are the same to the last bit where an operator
 * computes an element alike whatever stands beside it; a batch without rows is refused, since a Scan must have a turn.
 */
export function tileRows(model: Model): Model {
  if ((model.opsets.get("") ?? 0) < LEAST_OPSET) return model;
  const { graph } = model;
  const types = inferTypes(model);
  const { consumers } = valueUsesOf(graph);
  const answered = new Set(graph.outputs.map(({ name }) => name));
  const writer = new ScanWriter(nameScopeOf(graph), types);
  const scans = new Map<Node, readonly Node[]>();
  const tiled = new Set<Node>();
  const hidden = new Set<string>();
  for (const stretch of new Stretches(graph, types).found()) {
    const made = stretch.nodes.flatMap(({ outputs }) => outputs.filter((value) => value !== ""));
    const wanted = made.filter(
      (value) =>
        answered.has(value) || consumers.get(value)?.some((reader) => !stretch.tiledInputs.has(reader)) === true,
    );
    if (wanted.length === 0) continue;
    for (const node of stretch.nodes) tiled.add(node);
    for (const value of made) if (!wanted.includes(value)) hidden.add(value);
    scans.set(stretch.nodes.at(-1)!, writer.nodesOf(stretch, wanted));
  }
  if (scans.size === 0) return model;
  const edited = {
    ...graph,
    nodes: graph.nodes.flatMap((node) => scans.get(node) ?? (tiled.has(node) ? [] : [node])),
    initializers: [...graph.initializers, ...writer.stored],
    valueInfo: graph.valueInfo.filter(({ name }) => !hidden.has(name)),
    quantization: graph.quantization.filter(({ tensorName }) => !hidden.has(tensorName)),
  };
  return { ...model, graph: { ...edited, nodes: sortedNodes(edited) } };
}

export const tileRowsPass: Pass = {
  name: "tile-rows",
  requires: [],
  does: "Does stretches of nodes that keep rows apart for few rows at a time, so that what they hand on stays in the cache.",
  ensures: [],
  run: tileRows,
};

/** How many rows are done in a turn, by the largest row of a stretch; null where turns would cost more than they gain. */
function rowsATurn(rows: number | string, size: number): number | null {
  if (typeof rows === "string") return USUAL_ROWS * size >= LEAST_ELEMENTS ? 1 : null;
  if (rows * size < LEAST_ELEMENTS) return null;
  let count = Math.max(1, Math.min(Math.floor(rows / LEAST_TURNS), Math.floor(MOST_ELEMENTS_A_TURN / size)));
  while (rows % count !== 0) count--;
  return rows / count >= LEAST_TURNS && count * size >= LEAST_ELEMENTS_A_TURN ? count : null;
}

/** Nodes done together, in the order of the graph. */
interface Stretch {
  readonly nodes: readonly Node[];
  readonly rows: number | string;
  readonly rowsATurn: number;
  /** The inputs of each node that it reads row by row; the others are the same for all rows. */
  readonly tiledInputs: ReadonlyMap<Node, readonly string[]>;
}

interface Group {
  readonly nodes: ReadonlySet<Node>;
  readonly rows: number | string;
}

/** Finds what can be done together. Each node joins what makes its rows, unless something in between would wait for both. */
class Stretches {
  readonly #graph: Graph;
  readonly #types: ValueTypes;
  readonly #stored: ReadonlyMap<string, Initializer>;
  readonly #producers: ReadonlyMap<string, Node>;
  readonly #groups = new Map<Node, Group>();
  readonly #tiledInputs = new Map<Node, readonly string[]>();

  constructor(graph: Graph, types: ValueTypes) {
    this.#graph = graph;
    this.#types = types;
    this.#stored = storedTensors(graph);
    this.#producers = valueUsesOf(graph).producers;
  }

  found(): readonly Stretch[] {
    /** Of how many rows there are values large enough; looking for stretches of others would be in vain. */
    const worthwhile = new Set<number | string>();
    for (const node of this.#graph.nodes) {
      const tiled = this.#tiledInputsOf(node);
      if (tiled === null) continue;
      this.#tiledInputs.set(node, tiled);
      const { rows, size } = this.#rowsOf(node.outputs[0]!)!;
      if (rowsATurn(rows, size) !== null) worthwhile.add(rows);
    }
    for (const [node, tiled] of this.#tiledInputs) {
      const { rows } = this.#rowsOf(node.outputs[0]!)!;
      if (worthwhile.has(rows)) this.#place(node, tiled, rows);
    }
    return [...new Set(this.#groups.values())].map((group) => this.#stretchOf(group)).filter((one) => one !== null);
  }

  /** Puts a node into the groups its rows come from, all made one, or into one of them, or into a new one. */
  #place(node: Node, tiled: readonly string[], rows: number | string): void {
    const near = new Set<Group>();
    for (const value of tiled) {
      const maker = this.#producers.get(value);
      const group = maker === undefined ? undefined : this.#groups.get(maker);
      if (group?.rows === rows) near.add(group);
    }
    for (const joined of [[...near], ...Array.from(near, (one) => [one])]) {
      const nodes = new Set([...joined.flatMap((one) => [...one.nodes]), node]);
      if (joined.length === 0 || this.#waitsForItself(nodes)) continue;
      for (const one of nodes) this.#groups.set(one, { nodes, rows });
      return;
    }
    this.#groups.set(node, { nodes: new Set([node]), rows });
  }

  /** Whether a set of nodes needs all rows of what it makes itself, straight away or through what is done in between. */
  #waitsForItself(nodes: ReadonlySet<Node>): boolean {
    const seen = new Set<Node>();
    const open: Node[] = [];
    const needs = (one: Node, isInside: boolean): boolean => {
      for (const value of valuesReadBy(one)) {
        const maker = this.#producers.get(value);
        if (maker === undefined || seen.has(maker)) continue;
        if (nodes.has(maker)) {
          if (isInside && this.#tiledInputs.get(one)!.includes(value)) continue;
          return true;
        }
        for (const member of this.#groups.get(maker)?.nodes ?? [maker]) seen.add(member);
        open.push(maker);
      }
      return false;
    };
    for (const node of nodes) if (needs(node, true)) return true;
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      for (const member of this.#groups.get(node)?.nodes ?? [node]) if (needs(member, false)) return true;
    }
    return false;
  }

  #stretchOf({ nodes: members, rows }: Group): Stretch | null {
    const nodes = this.#graph.nodes.filter((node) => members.has(node));
    if (nodes.filter(isPass).length < LEAST_PASSES) return null;
    const size = Math.max(...nodes.map(({ outputs }) => this.#rowsOf(outputs[0]!)!.size));
    const count = rowsATurn(rows, size);
    const tiledInputs = new Map(nodes.map((node) => [node, this.#tiledInputs.get(node)!]));
    return count === null ? null : { nodes, rows, rowsATurn: count, tiledInputs };
  }

  /** The inputs of which a node needs some rows for the same rows of what it makes; null for one that needs more. */
  #tiledInputsOf(node: Node): readonly string[] | null {
    const made = node.outputs.map((value) => this.#rowsOf(value));
    const [first] = made;
    if (first === null || first === undefined || made.some((one) => one?.rows !== first.rows)) return null;
    const isTiled = (value: string): boolean => this.#rowsOf(value)?.rows === first.rows;
    const [x = "", ...others] = node.inputs;
    const read = new AttributeReader(node);
    const behind = (axis: number): boolean => axis !== 0 && axis !== -this.#rank(x);
    const dataAlone = (fits: boolean): readonly string[] | null => (fits && isTiled(x) ? [x] : null);
    if (isElementwise(node)) return NOT_TILED.has(node.opType) ? null : this.#broadcastInputs(node, first);
    if (node.domain === "com.microsoft") {
      if (node.opType === "Gelu" || node.opType === "QuickGelu") return dataAlone(true);
      if (node.opType !== "FusedMatMul") return null;
      const turnsRows = read.int("transBatchA", 0) !== 0 || read.int("transBatchB", 0) !== 0;
      return turnsRows ? null : this.#productInputs(node, first);
    }
    if (node.domain !== "") return null;
    switch (node.opType) {
      case "Softmax":
      case "LogSoftmax":
        return dataAlone(behind(read.int("axis", -1)));
      case "Split":
        return dataAlone(behind(read.int("axis", 0)));
      case "Transpose":
        return dataAlone(read.ints("perm")?.[0] === 0);
      case "Reshape":
        // As many elements by row before and behind: the same rows.
        return dataAlone(this.#rowsOf(x)?.size === first.size && read.int("allowzero", 0) === 0);
      case "ReduceSum":
      case "ReduceMean":
      case "ReduceMax": {
        const axes = read.ints("axes") ?? this.#storedNumbers(others[0] ?? "");
        return dataAlone(axes.length > 0 && axes.every(behind));
      }
      case "LayerNormalization":
        return dataAlone(behind(read.int("axis", -1)) && !others.some(isTiled));
      case "Concat":
        return behind(read.int("axis", 0)) && node.inputs.every(isTiled) ? node.inputs : null;
      case "MatMul":
        return this.#productInputs(node, first);
      default:
        return null;
    }
  }

  /** Those of as many axes and rows as what is made; null where another has several rows too. */
  #broadcastInputs(node: Node, made: Rows): readonly string[] | null {
    const tiled: string[] = [];
    for (const value of node.inputs) {
      if (value === "") continue;
      const shape = this.#types.get(value)?.shape ?? null;
      if (shape === null) return null;
      if (shape.length < made.rank || shape[0] === 1) continue;
      if (this.#rowsOf(value)?.rows !== made.rows) return null;
      tiled.push(value);
    }
    return tiled.length > 0 ? tiled : null;
  }

  /** Of products of matrices row by row; what is multiplied with the same matrix is faster multiplied at once. */
  #productInputs({ inputs }: Node, made: Rows): readonly string[] | null {
    const isOfRows = (value: string): boolean => {
      const rows = this.#rowsOf(value);
      return rows !== null && rows.rows === made.rows && rows.rank === made.rank && rows.rank >= 3;
    };
    return inputs.every(isOfRows) ? inputs : null;
  }

  #storedNumbers(value: string): readonly number[] {
    const stored = this.#stored.get(value);
    return stored === undefined ? [] : Array.from(tensorFromInitializer(stored).data as ArrayLike<bigint>, Number);
  }

  #rank(value: string): number {
    return this.#types.get(value)?.shape?.length ?? 0;
  }

  #rowsOf(value: string): Rows | null {
    return rowsOfType(this.#types.get(value));
  }
}

function isPass(node: Node): boolean {
  return isElementwise(node) || PASSES_BESIDE_ELEMENTWISE.has(node.opType);
}

function rowsOfType(type: TensorType | undefined): Rows | null {
  const [rows, ...rest] = type?.shape ?? [];
  if (rows === undefined || rows === null || rows === 1 || rest.length === 0) return null;
  let size = 1;
  for (const length of rest) {
    if (typeof length !== "number") return null;
    size *= length;
  }
  return { rows, size, rank: rest.length + 1 };
}

/** Writes the Scans that do stretches. */
class ScanWriter {
  readonly #scope: NameScope;
  readonly #types: ValueTypes;
  /** By the whole numbers they hold. */
  readonly #stored = new Map<string, Initializer>();

  constructor(scope: NameScope, types: ValueTypes) {
    this.#scope = scope;
    this.#types = types;
  }

  get stored(): readonly Initializer[] {
    return [...this.#stored.values()];
  }

  /** What brings values into turns, the Scan, and what puts together again what others read. */
  nodesOf({ nodes, rows, rowsATurn: count, tiledInputs }: Stretch, wanted: readonly string[]): readonly Node[] {
    const made = new Set(nodes.flatMap(({ outputs }) => outputs));
    const read = new Set(nodes.flatMap((node) => tiledInputs.get(node)!.filter((value) => !made.has(value))));
    // What the body calls those that have a name outside already.
    const inside = new Map(Array.from([...read, ...wanted], (value) => [value, this.#scope.fresh(`${value}_tile`)]));
    const named = (value: string): string => inside.get(value) ?? value;
    const info = (value: string): ValueInfo =>
      createValueInfo(named(value), { ...this.#types.get(value)!, shape: this.#tile(value, count) });
    const body = createGraph({
      name: "turn",
      inputs: Array.from(read, info),
      outputs: wanted.map(info),
      nodes: nodes.map((node) => {
        const inputs = node.inputs.map((value) =>
          made.has(value) || tiledInputs.get(node)!.includes(value) ? named(value) : value,
        );
        if (node.opType === "Reshape") inputs[1] = this.#numbers(this.#tile(node.outputs[0]!, count));
        // Bodies count their nodes from the start each, so without a name two of them could not be told apart in a profile.
        const name = node.name === "" ? node.outputs[0]! : node.name;
        return { ...node, name, inputs, outputs: node.outputs.map(named) };
      }),
    });
    const whole = (value: string): readonly number[] => [Number(rows), ...this.#tile(value, count).slice(1)];
    const inTurns = (value: string): readonly number[] => [Number(rows) / count, ...this.#tile(value, count)];
    const turned = Array.from(read, (value) => this.#scope.fresh(`${value}_turns`));
    const turns = wanted.map((value) => this.#scope.fresh(`${value}_turns`));
    return [
      ...Array.from(read, (value, index) =>
        count === 1
          ? this.#view("Unsqueeze", value, [1], turned[index]!)
          : this.#view("Reshape", value, inTurns(value), turned[index]!),
      ),
      createNode({
        opType: "Scan",
        inputs: turned,
        outputs: turns,
        attributes: [attributeFrom("body", body), attributeFrom("num_scan_inputs", turned.length)],
      }),
      ...wanted.map((value, index) =>
        count === 1
          ? this.#view("Squeeze", turns[index]!, [1], value)
          : this.#view("Reshape", turns[index]!, whole(value), value),
      ),
    ];
  }

  #view(opType: string, from: string, numbers: readonly number[], to: string): Node {
    return createNode({ opType, inputs: [from, this.#numbers(numbers)], outputs: [to] });
  }

  /** The shape of what a turn has of a value. */
  #tile(value: string, count: number): readonly number[] {
    return [count, ...(this.#types.get(value)!.shape!.slice(1) as readonly number[])];
  }

  #numbers(values: readonly number[]): string {
    const key = values.join();
    let stored = this.#stored.get(key);
    if (stored === undefined) {
      stored = initializerFromTensor(this.#scope.fresh("tile"), tensorOfValues("int64", values));
      this.#stored.set(key, stored);
    }
    return stored.name;
  }
}
