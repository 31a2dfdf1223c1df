// The order of junctions within their layers, so that few lines cross. Finding the fewest is NP-hard already for two layers; here
// layers are sorted by where their neighbours stand, forth and back, and neighbours then change places where that uncrosses lines
// (Gansner and others, as in `layout.ts`, section 3). Crossings are counted as Barth, Jünger and Mutzel do (Graph Drawing 2002).
import type { LayerGraph } from "./layer-graph.ts";

const SWEEPS = 24;
/** Sweeps in a row that may bring nothing before it is given up. */
const PATIENCE = 6;
const EXCHANGES = 8;

/** Orders each layer of the graph. */
export function orderWithin(graph: LayerGraph): void {
  const ordering = new Ordering(graph);
  ordering.startDepthFirst();
  let best = ordering.copy();
  let fewest = ordering.crossings();
  for (let sweep = 0, idle = 0; sweep < SWEEPS && idle < PATIENCE && fewest > 0; sweep++) {
    ordering.sweep(sweep % 2 === 0, sweep % 4 >= 2);
    ordering.exchange();
    const found = ordering.crossings();
    idle++;
    if (found >= fewest) continue;
    [best, fewest, idle] = [ordering.copy(), found, 0];
  }
  for (const [index, layer] of best.entries()) graph.layers[index]!.splice(0, layer.length, ...layer);
}

/** The number of crossings between neighbouring layers, as the graph's layers stand. */
export function crossingsOf(graph: LayerGraph): number {
  return new Ordering(graph).crossings();
}

class Ordering {
  readonly #layers: number[][];
  /** Neighbours in the layer before and in that after, once for each link. */
  readonly #before: readonly (readonly number[])[];
  readonly #after: readonly (readonly number[])[];
  /** Where each junction stands in its layer. */
  readonly #places: Int32Array;

  constructor({ junctions, links, layers }: LayerGraph) {
    this.#layers = layers.map((layer) => [...layer]);
    this.#before = junctions.map(({ into }) => into.map((link) => links[link]!.from));
    this.#after = junctions.map(({ out }) => out.map((link) => links[link]!.to));
    this.#places = new Int32Array(junctions.length);
    for (const layer of this.#layers) this.#number(layer);
  }

  copy(): readonly (readonly number[])[] {
    return this.#layers.map((layer) => [...layer]);
  }

  /** Orders layers as a walk meets them, so that what belongs together begins together. */
  startDepthFirst(): void {
    const met = new Set<number>();
    const layers: number[][] = this.#layers.map(() => []);
    const layerOf = new Map(this.#layers.flatMap((layer, index) => layer.map((at) => [at, index] as const)));
    for (const root of this.#layers.flat()) {
      const stack = [root];
      while (stack.length > 0) {
        const at = stack.pop()!;
        if (met.has(at)) continue;
        met.add(at);
        layers[layerOf.get(at)!]!.push(at);
        stack.push(...this.#after[at]!.toReversed());
      }
    }
    for (const [index, layer] of layers.entries()) {
      this.#layers[index] = layer;
      this.#number(layer);
    }
  }

  /** Sorts each layer by the mean place of its neighbours in the one it comes from. */
  sweep(isForwards: boolean, isRightFirst: boolean): void {
    const neighbours = isForwards ? this.#before : this.#after;
    for (const layer of isForwards ? this.#layers : this.#layers.toReversed()) {
      const placed = layer.filter((at) => neighbours[at]!.length > 0);
      const wishes = new Map(placed.map((at) => [at, this.#mean(neighbours[at]!)]));
      // The sort is stable; equal wishes change places in every other sweep, so that neither order is final.
      if (isRightFirst) placed.reverse();
      placed.sort((one, other) => wishes.get(one)! - wishes.get(other)!);
      let next = 0;
      for (const [place, at] of layer.entries()) if (wishes.has(at)) layer[place] = placed[next++]!;
      this.#number(layer);
    }
  }

  /** Exchanges neighbours where fewer lines cross afterwards, until none do. */
  exchange(): void {
    for (let round = 0; round < EXCHANGES; round++) {
      let hasImproved = false;
      for (const layer of this.#layers) {
        for (let place = 0; place + 1 < layer.length; place++) {
          const [one, other] = [layer[place]!, layer[place + 1]!];
          const gained = this.#crossed(one, other) - this.#crossed(other, one);
          if (gained <= 0) continue;
          layer[place] = other;
          layer[place + 1] = one;
          this.#places[other] = place;
          this.#places[one] = place + 1;
          hasImproved = true;
        }
      }
      if (!hasImproved) return;
    }
  }

  crossings(): number {
    let total = 0;
    for (const [index, layer] of this.#layers.entries()) {
      const next = this.#layers[index + 1];
      if (next !== undefined) total += this.#crossingsAfter(layer, next.length);
    }
    return total;
  }

  /** Crossings of what leaves two junctions of a layer, and of what arrives at them, with the one before the other. */
  #crossed(one: number, other: number): number {
    return (
      this.#inversions(this.#before[one]!, this.#before[other]!) +
      this.#inversions(this.#after[one]!, this.#after[other]!)
    );
  }

  #inversions(left: readonly number[], right: readonly number[]): number {
    let count = 0;
    for (const one of left) for (const other of right) if (this.#places[one]! > this.#places[other]!) count++;
    return count;
  }

  /** Inversions among the ends of a layer's links, by a tree of counts. */
  #crossingsAfter(layer: readonly number[], width: number): number {
    let leaves = 1;
    while (leaves < width) leaves *= 2;
    const tree = new Int32Array(2 * leaves);
    let count = 0;
    for (const at of layer) {
      const ends = this.#after[at]!.map((to) => this.#places[to]!).sort((one, other) => one - other);
      for (const end of ends) {
        for (let index = end + leaves; index > 1; index >>= 1) if (index % 2 === 0) count += tree[index + 1]!;
      }
      for (const end of ends) for (let index = end + leaves; index > 0; index >>= 1) tree[index]!++;
    }
    return count;
  }

  #mean(neighbours: readonly number[]): number {
    return neighbours.reduce((sum, at) => sum + this.#places[at]!, 0) / neighbours.length;
  }

  #number(layer: readonly number[]): void {
    for (const [place, at] of layer.entries()) this.#places[at] = place;
  }
}
