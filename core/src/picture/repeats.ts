// Finds blocks of nodes that follow each other alike, such as the layers of a Transformer, so that a picture need show one.
import { type Node, valuesReadBy } from "#graph";
import { attributeKey } from "./changes.ts";

/** Nodes that stand `copies` times in a row, `length` each time, from the node at `start` on. */
export interface Repeat {
  readonly start: number;
  readonly length: number;
  readonly copies: number;
}

/** Longer blocks are not looked for: the search takes as many comparisons as nodes times this. */
const LONGEST = 1500;

export interface RepeatOptions {
  /** Names of values that are read behind the nodes. */
  readonly outputs: ReadonlySet<string>;
  /** What is stored: names, and what is alike in what stands at the same place of two copies. */
  readonly stored: ReadonlyMap<string, string>;
  /** Shorter blocks are none. */
  readonly shortest: number;
  /** A repeat that saves fewer nodes than this is none. */
  readonly fewest: number;
}

/** The repeats among nodes that leave fewest to show, none overlapping another, in order. */
export function repeatsOf(nodes: readonly Node[], options: RepeatOptions): readonly Repeat[] {
  const wiring = new Wiring(nodes, options);
  const found: Repeat[] = [];
  const search = (from: number, to: number): void => {
    const best = wiring.best(from, to);
    if (best === null || (best.copies - 1) * best.length < options.fewest) return;
    search(from, best.start);
    found.push(best);
    search(best.start + best.length * best.copies, to);
  };
  search(0, nodes.length);
  return found;
}

class Wiring {
  /** A number for what a node is, alike for like nodes. */
  readonly #kinds: Int32Array;
  readonly #reads: readonly (readonly string[])[];
  readonly #makerOf = new Map<string, number>();
  readonly #stored: ReadonlyMap<string, string>;
  readonly #shortest: number;
  /** For each node, the last node that reads what it makes. */
  readonly #lastReader: Int32Array;

  constructor(nodes: readonly Node[], { outputs, stored, shortest }: RepeatOptions) {
    const numbers = new Map<string, number>();
    this.#kinds = Int32Array.from(nodes, (node) => {
      const kind = kindOf(node);
      if (!numbers.has(kind)) numbers.set(kind, numbers.size);
      return numbers.get(kind)!;
    });
    this.#reads = nodes.map((node) => [...node.inputs, ...valuesReadBy(node)]);
    for (const [at, node] of nodes.entries())
      for (const name of node.outputs) if (name !== "") this.#makerOf.set(name, at);
    this.#stored = stored;
    this.#shortest = shortest;
    this.#lastReader = new Int32Array(nodes.length);
    const note = (name: string, reader: number): void => {
      const maker = this.#makerOf.get(name);
      if (maker !== undefined) this.#lastReader[maker] = reader;
    };
    for (const [at, names] of this.#reads.entries()) for (const name of names) note(name, at);
    for (const name of outputs) note(name, nodes.length);
  }

  /** The repeat among some nodes that saves most; of those alike, the one whose copies are joined by fewest values. */
  best(from: number, to: number): Repeat | null {
    let best: Repeat | null = null;
    let saved = 0;
    for (let length = this.#shortest; length <= Math.min(LONGEST, (to - from) / 2); length++) {
      let run = 0;
      for (let at = from; at + length <= to; at++) {
        // One past the last comparison ends a run that reaches it.
        if (at + length < to && this.#isAlike(at, at + length)) {
          run++;
          continue;
        }
        const copies = Math.floor(run / length) + 1;
        if (copies > 1 && (copies - 1) * length > saved) {
          saved = (copies - 1) * length;
          best = { start: this.#fewestJoined(at - run, length, run % length), length, copies };
        }
        run = 0;
      }
    }
    return best;
  }

  /** Whether a node is to its block what another is to one further on. */
  #isAlike(one: number, other: number): boolean {
    if (this.#kinds[one] !== this.#kinds[other]) return false;
    const [reads, others] = [this.#reads[one]!, this.#reads[other]!];
    if (reads.length !== others.length) return false;
    return reads.every((name, index) => {
      const instead = others[index]!;
      if (name === instead) return true;
      const [maker, otherMaker] = [this.#makerOf.get(name), this.#makerOf.get(instead)];
      if (maker !== undefined && otherMaker !== undefined) return one - maker === other - otherMaker;
      const [form, otherForm] = [this.#stored.get(name), this.#stored.get(instead)];
      return form !== undefined && form === otherForm;
    });
  }

  /** Where to begin, of places from `start` on that do as well: where fewest values are handed from copy to copy. */
  #fewestJoined(start: number, length: number, more: number): number {
    let [best, fewest] = [start, Number.POSITIVE_INFINITY];
    for (let at = start; at <= start + more; at++) {
      const end = at + length;
      let joined = 0;
      for (let node = at; node < end; node++) if (this.#lastReader[node]! >= end) joined++;
      if (joined < fewest) [best, fewest] = [at, joined];
    }
    return best;
  }
}

/** What a node is but for its names: operator, attributes, and how much it takes and gives. */
function kindOf(node: Node): string {
  const attributes = node.attributes.map(attributeKey).sort();
  return JSON.stringify([node.domain, node.opType, node.overload, node.inputs.length, node.outputs.length, attributes]);
}
