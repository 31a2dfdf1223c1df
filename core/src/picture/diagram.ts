// A graph as boxes and nets: what is drawn of a model, before anything has a place. What it stores stands inside the nodes that
// read it; blocks that repeat are one frame with the first of them inside; bodies of control flow are frames as well.
import { SlipwayError } from "#base";
import {
  createGraph,
  createValueInfo,
  type Graph,
  type Initializer,
  type Node,
  subgraphsOf,
  type ValueUses,
  valuesReadBy,
  valueUsesOf,
} from "#graph";
import { type TensorType, typeText, type ValueType } from "#tensor";
import { attributeWords, type Category, categoryOf, fullWords, shortName, typeWords } from "./labels.ts";
import { type Repeat, repeatsOf } from "./repeats.ts";
import { type Stored, storedIn, storedWords } from "./stored.ts";
import { cut } from "./words.ts";

export interface DiagramBox {
  /** Inputs and outputs of the whole model, operators, frames with more inside, and what a frame's inside takes and gives. */
  readonly kind: "input" | "output" | "operator" | "frame" | "pin";
  readonly category: Category | null;
  readonly title: string;
  /** Small words beside the title. */
  readonly aside: string;
  readonly lines: readonly string[];
  /** Everything, for who asks. */
  readonly full: string;
  /** What is said of each value it hands on: in few letters, and in full. */
  readonly ports: readonly PortWords[];
  readonly inside: readonly { readonly title: string; readonly diagram: Diagram }[];
  readonly isMarked: boolean;
}

export interface PortWords {
  readonly words: string;
  readonly full: string;
}

export interface DiagramNet {
  readonly from: number;
  readonly port: number;
  readonly to: readonly number[];
  /** Of the value. */
  readonly name: string;
}

export interface Diagram {
  readonly boxes: readonly DiagramBox[];
  readonly nets: readonly DiagramNet[];
  /** Nodes that are said where what they compute is read, and not drawn. */
  readonly unshown: number;
}

export interface DiagramOptions {
  readonly types: ReadonlyMap<string, TensorType>;
  /** Whether every node is drawn, those of blocks that repeat and those that compute shapes and constants too. */
  readonly isWhole: boolean;
  /** Names of the model's own inputs and outputs; others are where a part of it begins and ends. */
  readonly ends: ReadonlySet<string>;
  readonly isMarked: (node: Node) => boolean;
  /** Boxes that may be drawn, inside of frames too. */
  readonly mostBoxes: number;
}

/** Blocks of fewer nodes, and repeats that save fewer, are drawn in full: in graphs that fit a few screens, and in larger ones. */
const FOLDED = { shortest: 6, fewest: 12 } as const;
const FOLDED_IN_LARGE = { shortest: 1, fewest: 6 } as const;
const LARGE = 200;
/** Folding is not tried where it would have to leave fewer than one box of so many. */
const MOST_FOLDED = 20;
/** Bodies inside of more bodies are not drawn, but counted. */
const DEEPEST = 3;
const MOST_LINES = 5;

/**
 * What is drawn of a graph.
 * @throws SlipwayError MODEL_TOO_LARGE where that is more than `mostBoxes`
 */
export function diagramOf(graph: Graph, options: DiagramOptions): Diagram {
  return new Sketch(options).of(graph, new Map(), 0);
}

class Sketch {
  readonly #options: DiagramOptions;
  #boxes = 0;

  constructor(options: DiagramOptions) {
    this.#options = options;
  }

  /** @param around what the graphs around a body store */
  of(graph: Graph, around: Stored, depth: number): Diagram {
    const { stored, nodes } = storedIn(graph, around, !this.#options.isWhole);
    const inputs = new Set(graph.inputs.map(({ name }) => name));
    const boxes: DiagramBox[] = [];
    const makers = new Map<string, { readonly box: number; readonly port: number }>();
    const readers = new Map<string, Set<number>>();
    if (nodes.length > MOST_FOLDED * this.#options.mostBoxes) this.#refuse(graph);
    const uses = new Uses({ ...graph, nodes });
    const add = (box: DiagramBox, reads: Iterable<string>, makes: readonly string[]): void => {
      this.#boxes++;
      if (this.#boxes > this.#options.mostBoxes) this.#refuse(graph);
      const at = boxes.push(box) - 1;
      for (const [port, name] of makes.entries()) makers.set(name, { box: at, port });
      for (const name of reads) {
        if (stored.has(name)) continue;
        if (!readers.has(name)) readers.set(name, new Set());
        readers.get(name)!.add(at);
      }
    };
    const isInner = (name: string): boolean => depth > 0 || !this.#options.ends.has(name);
    for (const { name, type } of graph.inputs) add(this.#end("input", name, type, isInner(name)), [], [name]);
    const captured = uses.read.filter((name) => !inputs.has(name) && !stored.has(name) && !uses.isMade(name));
    for (const name of captured) add(this.#end("input", name, null, true), [], [name]);
    for (const unit of this.#unitsOf(nodes, uses, stored)) {
      const made = unit.nodes.flatMap((node) => node.outputs).filter((name) => name !== "");
      const own = new Set(unit.nodes);
      const makes = made.filter((name) => uses.isReadOutside(name, own));
      const inside = new Set(made);
      const reads = unit.nodes.flatMap((node) => [...valuesReadBy(node)]).filter((name) => !inside.has(name));
      const ports = makes.map((name) => portWords(this.#options.types.get(name)));
      const box =
        unit.repeat === null
          ? this.#operator(unit.nodes[0]!, stored, ports, depth)
          : this.#frame(unit.nodes, unit.repeat, uses, stored, ports, depth);
      add(box, reads, makes);
    }
    for (const { name, type } of graph.outputs) add(this.#end("output", name, type, isInner(name)), [name], []);
    const nets = Array.from(readers).flatMap(([name, to]) => {
      const maker = makers.get(name);
      return maker === undefined ? [] : [{ from: maker.box, port: maker.port, to: [...to], name }];
    });
    return { boxes, nets, unshown: graph.nodes.length - nodes.length };
  }

  #end(kind: "input" | "output", name: string, type: ValueType | null, isInner: boolean): DiagramBox {
    const said = portWords(type ?? this.#options.types.get(name));
    return {
      kind: isInner ? "pin" : kind,
      category: null,
      title: cut(name, isInner ? 22 : 32, "front"),
      aside: isInner ? "" : kind,
      lines: kind === "output" && !isInner && said.words !== "" ? [said.words] : [],
      full: `${kind} ${name}${said.full === "" ? "" : `: ${said.full}`}`,
      ports: kind === "input" ? [said] : [],
      inside: [],
      isMarked: false,
    };
  }

  #operator(node: Node, stored: Stored, ports: readonly PortWords[], depth: number): DiagramBox {
    const bodies = subgraphsOf(node);
    const words = [...joined(attributeWords(node)), ...storedWords(node, stored)];
    const name = shortName(node);
    const lines = [...(name === "" ? [] : [name]), ...words];
    const inside =
      depth < DEEPEST
        ? bodies.map((body) => ({ title: bodyName(node, body), diagram: this.of(body, stored, depth + 1) }))
        : [];
    const more = bodies.length > inside.length ? [`${bodies.length} graphs inside`] : [];
    return {
      kind: inside.length > 0 ? "frame" : "operator",
      category: categoryOf(node),
      title: node.opType,
      aside: node.domain,
      lines: fewLines([...lines, ...more]),
      full: fullWords(node),
      ports,
      inside,
      isMarked: this.#options.isMarked(node),
    };
  }

  #frame(
    nodes: readonly Node[],
    { length, copies }: Repeat,
    uses: Uses,
    stored: Stored,
    ports: readonly PortWords[],
    depth: number,
  ): DiagramBox {
    const first = nodes.slice(0, length);
    const inFirst = new Set(first);
    const own = new Set(first.flatMap((node) => node.outputs));
    const taken = new Set(first.flatMap((node) => [...valuesReadBy(node)]));
    const part = createGraph({
      nodes: first,
      inputs: [...taken]
        .filter((name) => !own.has(name) && !stored.has(name))
        .map((name) => createValueInfo(name, null)),
      outputs: [...own]
        .filter((name) => name !== "" && uses.isReadOutside(name, inFirst))
        .map((name) => createValueInfo(name, null)),
    });
    return {
      kind: "frame",
      category: "control",
      title: `${copies} × the same ${length} nodes`,
      aside: "",
      lines: [],
      full: `${copies} blocks of ${length} nodes that follow each other alike; the first is shown.`,
      ports,
      inside: [{ title: "", diagram: this.of(part, stored, depth + 1) }],
      isMarked: nodes.some(this.#options.isMarked),
    };
  }

  /** What is drawn as one box each: nodes, and runs of blocks that repeat. */
  #unitsOf(nodes: readonly Node[], { outputs }: Uses, stored: Stored): readonly Unit[] {
    const forms = new Map(Array.from(stored, ([name, one]) => [name, typeof one === "string" ? one : formOf(one)]));
    const limits = nodes.length > LARGE ? FOLDED_IN_LARGE : FOLDED;
    const options = { outputs, stored: forms, ...limits };
    const units: Unit[] = [];
    let at = 0;
    const upTo = (end: number): void => {
      for (; at < end; at++) units.push({ nodes: [nodes[at]!], repeat: null });
    };
    for (const repeat of this.#options.isWhole ? [] : repeatsOf(nodes, options)) {
      upTo(repeat.start);
      at += repeat.length * repeat.copies;
      units.push({ nodes: nodes.slice(repeat.start, at), repeat });
    }
    upTo(nodes.length);
    return units;
  }

  #refuse(graph: Graph): never {
    const { mostBoxes } = this.#options;
    throw new SlipwayError(
      "MODEL_TOO_LARGE",
      `The graph '${graph.name}' has ${graph.nodes.length} nodes, of which over ${mostBoxes} would have to be drawn: nobody would find their way. Draw a part of it, around the node or value that matters.`,
    );
  }
}

interface Unit {
  readonly nodes: readonly Node[];
  readonly repeat: Repeat | null;
}

/** Who reads what in a graph. */
class Uses {
  readonly #uses: ValueUses;
  readonly outputs: ReadonlySet<string>;

  constructor(graph: Graph) {
    this.#uses = valueUsesOf(graph);
    this.outputs = new Set(graph.outputs.map(({ name }) => name));
  }

  get read(): readonly string[] {
    return [...new Set([...this.#uses.consumers.keys(), ...this.outputs])];
  }

  isMade(name: string): boolean {
    return this.#uses.producers.has(name);
  }

  isReadOutside(name: string, inside: ReadonlySet<Node>): boolean {
    return this.outputs.has(name) || (this.#uses.consumers.get(name) ?? []).some((node) => !inside.has(node));
  }
}

function bodyName(node: Node, body: Graph): string {
  const attribute = node.attributes.find((one) => one.kind === "graph" && one.value === body);
  return (attribute?.name ?? body.name).replaceAll("_", " ");
}

/** Short words together on lines. */
function joined(words: readonly string[]): readonly string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < 26) lines[lines.length - 1] = `${last}, ${word}`;
    else lines.push(word);
  }
  return lines;
}

function fewLines(lines: readonly string[]): readonly string[] {
  if (lines.length <= MOST_LINES) return lines;
  return [...lines.slice(0, MOST_LINES - 1), `and ${lines.length - MOST_LINES + 1} more`];
}

function formOf({ dtype, shape }: Initializer): string {
  return `${dtype}[${shape.join(",")}]`;
}

function portWords(type: ValueType | undefined): PortWords {
  return { words: typeWords(type), full: type === undefined ? "" : typeText(type) };
}
