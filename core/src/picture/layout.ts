// Places boxes in layers so that what joins them leads one way, in four steps (Sugiyama, Tagawa and Toda, IEEE Trans. SMC 11, 1981;
// the steps as Gansner, Koutsofios, North and Vo have them, IEEE Trans. Software Engineering 19, 1993): boxes get layers, layers an
// order with few crossings, boxes their places, lines their bends. It knows no models and no SVG.
//
// `along` is the way that lines lead, `across` the other; which of them is down is for whoever draws.
import { placesAcross } from "./across.ts";
import { type Junction, type LayerGraph, type LayerNet, layerGraph } from "./layer-graph.ts";
import { orderWithin } from "./order.ts";

export interface LayoutBox {
  readonly across: number;
  readonly along: number;
  /** How wide each port at its far end is, with what is said of it. They stand in the order in which fewest lines cross. */
  readonly ports: readonly number[];
}

/** What one port of a box hands to others. */
export interface LayoutNet {
  readonly from: number;
  readonly port: number;
  /** Boxes it leads to, each once; at least one. */
  readonly to: readonly number[];
  /** A box that stands for the net where it is read far away; without one its line is drawn however long it is. */
  readonly tag?: LayoutBox;
}

export interface Point {
  readonly across: number;
  readonly along: number;
}

/** A piece of a line: straight where both ends are level, else a curve that leaves and arrives along. */
export interface Segment {
  readonly from: Point;
  readonly to: Point;
}

export interface PlacedNet {
  /** Where it leaves its box. */
  readonly start: Point;
  /** Every piece once, also where several lines share it. */
  readonly segments: readonly Segment[];
  /** Where it arrives at each box of `to`, in that order. */
  readonly tips: readonly Point[];
  /** The near corners of its tags: one after the box it comes from, then one before each place far away. */
  readonly tags: readonly Point[];
  /** Where it arrives at the first of those. */
  readonly tagTip: Point | null;
}

export interface Layout {
  /** The near corner of each box. */
  readonly boxes: readonly Point[];
  readonly nets: readonly PlacedNet[];
  readonly across: number;
  readonly along: number;
}

export interface LayoutOptions {
  /** Layers a line may cross before a tag stands for it. */
  readonly farthest?: number;
}

/** Lines between layers get at least this much room, and more where they lead far across. */
const GAP = 26;
const MOST_GAP = 110;
const GAP_BY_ACROSS = 0.1;
/** Where in a port its line leaves; what is said of it stands behind. A single port's line leaves in the middle of the box. */
const LINE_IN_PORT = 6;
/** Lines that arrive at one box do so this far apart, if it is wide enough. */
const TIP_STEP = 14;

/** Places boxes; the same ones always alike. Nets must lead nowhere in a circle. */
export function layOut(
  boxes: readonly LayoutBox[],
  nets: readonly LayoutNet[],
  { farthest = Number.POSITIVE_INFINITY }: LayoutOptions = {},
): Layout {
  const graph = layerGraph(boxes, nets, farthest);
  orderWithin(graph);
  return new Drawing(graph, placesAcross(graph)).layout(boxes.length);
}

class Drawing {
  readonly #graph: LayerGraph;
  readonly #middles: readonly number[];
  /** Where each link leaves and arrives across. */
  readonly #leaves: Float64Array;
  readonly #arrivals: Float64Array;
  /** Where each layer begins and ends along. */
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  constructor(graph: LayerGraph, middles: readonly number[]) {
    this.#graph = graph;
    this.#middles = middles;
    this.#leaves = new Float64Array(graph.links.length);
    this.#arrivals = new Float64Array(graph.links.length);
    for (const [at, junction] of graph.junctions.entries()) this.#leave(at, junction);
    for (const [at, junction] of graph.junctions.entries()) this.#arrive(at, junction);
    let along = 0;
    for (const layer of graph.layers) {
      const junctions = layer.map((at) => graph.junctions[at]!);
      this.#starts.push(along);
      this.#ends.push(along + Math.max(0, ...junctions.map((one) => one.along)));
      const widest = Math.max(0, ...junctions.flatMap(({ out }) => out.map((link) => this.#shift(link))));
      along = this.#ends.at(-1)! + Math.min(MOST_GAP, Math.max(GAP, widest * GAP_BY_ACROSS));
    }
  }

  layout(count: number): Layout {
    const { junctions, nets } = this.#graph;
    return {
      boxes: Array.from({ length: count }, (_, at) => this.#corner(at)),
      nets: nets.map((net) => this.#net(net)),
      across: Math.max(0, ...junctions.map(({ across }, at) => this.#middles[at]! + across / 2)),
      along: this.#ends.at(-1) ?? 0,
    };
  }

  /** Ports stand in the order of what their lines lead to. */
  #leave(at: number, { out, ports }: Junction): void {
    const middle = this.#middles[at]!;
    for (const link of out) this.#leaves[link] = middle;
    if (ports.length < 2) return;
    const byPort = Map.groupBy(out, (link) => this.#graph.links[link]!.port);
    const wish = (port: number): number => {
      const links = byPort.get(port) ?? [];
      const sum = links.reduce((total, link) => total + this.#middles[this.#graph.links[link]!.to]!, 0);
      return links.length === 0 ? middle : sum / links.length;
    };
    const order = ports.map((_, port) => port).sort((one, other) => wish(one) - wish(other));
    let begins = middle - ports.reduce((sum, width) => sum + width, 0) / 2;
    for (const port of order) {
      for (const link of byPort.get(port) ?? []) this.#leaves[link] = begins + LINE_IN_PORT;
      begins += ports[port]!;
    }
  }

  /** Lines that arrive at a box do so in the order they come in, evenly about its middle. */
  #arrive(at: number, { into, across, isBend }: Junction): void {
    const links = [...into].sort((one, other) => this.#leaves[one]! - this.#leaves[other]!);
    const step = isBend ? 0 : Math.min(TIP_STEP, across / (links.length + 1));
    for (const [index, link] of links.entries())
      this.#arrivals[link] = this.#middles[at]! + (index - (links.length - 1) / 2) * step;
  }

  #shift(link: number): number {
    return Math.abs(this.#arrivals[link]! - this.#leaves[link]!);
  }

  #corner(at: number): Point {
    const { layer, across } = this.#graph.junctions[at]!;
    return { across: this.#middles[at]! - across / 2, along: this.#starts[layer]! };
  }

  #net({ links, last, tags }: LayerNet): PlacedNet {
    const segments: Segment[] = [];
    const passed = new Set<number>();
    for (const link of links) {
      const { from } = this.#graph.links[link]!;
      const { layer, along } = this.#graph.junctions[from]!;
      const across = this.#leaves[link]!;
      const end = { across, along: this.#ends[layer]! };
      const begins = this.#starts[layer]! + along;
      if (begins < end.along && !passed.has(from)) segments.push({ from: { across, along: begins }, to: end });
      passed.add(from);
      segments.push({ from: end, to: this.#tip(link) });
    }
    const [first] = links;
    const { from } = this.#graph.links[first!]!;
    const { layer, along } = this.#graph.junctions[from]!;
    const toTag = links.find((link) => this.#graph.links[link]!.to === tags[0]);
    return {
      start: { across: this.#leaves[first!]!, along: this.#starts[layer]! + along },
      segments,
      tips: last.map((link) => this.#tip(link)),
      tags: tags.map((tag) => this.#corner(tag)),
      tagTip: toTag === undefined ? null : this.#tip(toTag),
    };
  }

  #tip(link: number): Point {
    const { layer } = this.#graph.junctions[this.#graph.links[link]!.to]!;
    return { across: this.#arrivals[link]!, along: this.#starts[layer]! };
  }
}
