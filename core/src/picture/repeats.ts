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

/** Runs that are looked at; others save less than each of them. */
const MOST_RUNS = 1000;

/** Nodes from one place to another that are each like the one `length` before it, as far as that is among them. */
interface Run {
  readonly from: number;
  readonly to: number;
  readonly length: number;
}

/** The repeats among nodes that leave fewest to show, none overlapping another, in order: the largest first, then what is left. */
export function repeatsOf(nodes: readonly Node[], options: RepeatOptions): readonly Repeat[] {
  const wiring = new Wiring(nodes, options);
  const found: Repeat[] = [];
  let runs = wiring.runs();
  for (;;) {
    runs = runs
      .filter((run) => savedBy(run) >= options.fewest)
      .sort((one, other) => savedBy(other) - savedBy(one) || one.length - other.length || one.from - other.from)
      .slice(0, MOST_RUNS);
    const [best] = runs;
    if (best === undefined) return found.sort((one, other) => one.start - other.start);
    const { length } = best;
    const copies = Math.floor((best.to - best.from) / length);
    const start = wiring.fewestJoined(best.from, length, (best.to - best.from) % length);
    found.push({ start, length, copies });
    const end = start + length * copies;
    // A part of a run is one too.
    runs = runs.flatMap((run) => [
      { ...run, to: Math.min(run.to, start) },
      { ...run, from: Math.max(run.from, end) },
    ]);
  }
}

/** Nodes that need not be shown when one copy is. */
function savedBy({ from, to, length }: Run): number {
  return to <= from ? 0 : (Math.floor((to - from) / length) - 1) * length;
}

/** What a node reads: numbers for the name, the node that makes it and as which output, and the form of what is stored; −1 for none. */
interface Read {
  readonly name: number;
  readonly maker: number;
  readonly output: number;
  readonly form: number;
}

class Wiring {
  /** A number for what a node is, alike for like nodes. */
  readonly #kinds: Int32Array;
  readonly #reads: readonly (readonly Read[])[];
  readonly #shortest: number;
  /** For each node, the last node that reads what it makes. */
  readonly #lastReader: Int32Array;

  constructor(nodes: readonly Node[], { outputs, stored, shortest }: RepeatOptions) {
    const [kinds, names, forms] = [new Numbers(), new Numbers(), new Numbers()];
    this.#kinds = Int32Array.from(nodes, (node) => kinds.of(kindOf(node)));
    this.#shortest = shortest;
    this.#lastReader = new Int32Array(nodes.length);
    const makers = new Map<string, { readonly maker: number; readonly output: number }>();
    for (const [maker, node] of nodes.entries())
      for (const [output, name] of node.outputs.entries()) if (name !== "") makers.set(name, { maker, output });
    this.#reads = nodes.map((node, at) =>
      [...node.inputs, ...valuesReadBy(node)].map((name) => {
        const made = makers.get(name) ?? { maker: -1, output: -1 };
        if (made.maker >= 0) this.#lastReader[made.maker] = at;
        const form = stored.get(name);
        return { name: names.of(name), ...made, form: form === undefined ? -1 : forms.of(form) };
      }),
    );
    for (const name of outputs) {
      const made = makers.get(name);
      if (made !== undefined) this.#lastReader[made.maker] = nodes.length;
    }
  }

  /** All runs that are as long as can be. */
  runs(): readonly Run[] {
    const count = this.#kinds.length;
    const found: Run[] = [];
    for (let length = this.#shortest; length <= Math.min(LONGEST, count / 2); length++) {
      let run = 0;
      for (let at = 0; at + length <= count; at++) {
        // One past the last comparison ends a run that reaches it.
        if (at + length < count && this.#isAlike(at, at + length)) {
          run++;
          continue;
        }
        if (run >= length) found.push({ from: at - run, to: at + length, length });
        run = 0;
      }
    }
    return found;
  }

  /** Whether a node is to its block what another is to one further on. */
  #isAlike(one: number, other: number): boolean {
    if (this.#kinds[one] !== this.#kinds[other]) return false;
    const [reads, others] = [this.#reads[one]!, this.#reads[other]!];
    if (reads.length !== others.length) return false;
    for (const [index, read] of reads.entries()) {
      const instead = others[index]!;
      if (read.name === instead.name) continue;
      const isMade = read.maker >= 0 && instead.maker >= 0;
      if (isMade && one - read.maker === other - instead.maker && read.output === instead.output) continue;
      if (isMade || read.form < 0 || read.form !== instead.form) return false;
    }
    return true;
  }

  /** Where to begin, of places from `start` on that do as well: where fewest values are handed from copy to copy. */
  fewestJoined(start: number, length: number, more: number): number {
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

/** Numbers for texts, from 0 on, in the order they are met. */
class Numbers {
  readonly #known = new Map<string, number>();

  of(text: string): number {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    this.#known.set(text, this.#known.size);
    return this.#known.size - 1;
  }
}
