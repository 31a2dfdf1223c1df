// Boxes and nets as a graph between neighbouring layers: every box has its layer, and a line that crosses layers has a bend in
// each. Readers of one value share its line as far as they can, so that it is drawn as a trunk with branches.

import { layersOf } from "./layers.ts";
import type { LayoutBox, LayoutNet } from "./layout.ts";

/** A box, a tag, or a bend of a line. */
export interface Junction {
  readonly across: number;
  readonly along: number;
  readonly layer: number;
  readonly isBend: boolean;
  /** Widths of ports. */
  readonly ports: readonly number[];
  /** Indices of links. */
  readonly into: number[];
  readonly out: number[];
}

/** A line from a junction to one of the next layer. */
export interface Link {
  readonly from: number;
  readonly to: number;
  /** The port of its junction it leaves by. */
  readonly port: number;
}

export interface LayerNet {
  /** Indices of all its links. */
  readonly links: readonly number[];
  /** The link that arrives at each box it leads to. */
  readonly last: readonly number[];
  /** Junctions that are tags. */
  readonly tags: readonly number[];
}

export interface LayerGraph {
  /** The boxes in their order, then tags and bends. */
  readonly junctions: readonly Junction[];
  readonly links: readonly Link[];
  readonly nets: readonly LayerNet[];
  /** Junctions of each layer; their order is what `orderWithin` changes. */
  readonly layers: number[][];
}

/** @param farthest layers a line may cross where its net has a tag */
export function layerGraph(boxes: readonly LayoutBox[], nets: readonly LayoutNet[], farthest: number): LayerGraph {
  const layerOfBox = layersOf(boxes.length, nets);
  const builder = new Builder();
  for (const [at, box] of boxes.entries()) builder.box(box, layerOfBox[at]!);
  const placed = nets.map((net) => builder.net(net, farthest));
  const { junctions, links } = builder;
  const count = junctions.reduce((most, { layer }) => Math.max(most, layer + 1), 0);
  const layers: number[][] = Array.from({ length: count }, () => []);
  for (const [at, { layer }] of junctions.entries()) layers[layer]!.push(at);
  return { junctions, links, nets: placed, layers };
}

class Builder {
  readonly junctions: Junction[] = [];
  readonly links: Link[] = [];

  box({ across, along, ports }: LayoutBox, layer: number, isBend = false): number {
    return this.junctions.push({ across, along, layer, isBend, ports, into: [], out: [] }) - 1;
  }

  net({ from, port, to, tag }: LayoutNet, farthest: number): LayerNet {
    const own = this.#layer(from);
    const isFar = (reader: number): boolean => tag !== undefined && this.#layer(reader) - own > farthest;
    const near = to.filter((reader) => !isFar(reader));
    const far = to.filter(isFar).sort((one, other) => this.#layer(one) - this.#layer(other));
    const tags: number[] = [];
    const place = (layer: number): number => {
      tags.push(this.box(tag!, layer));
      return tags.at(-1)!;
    };
    const first = this.links.length;
    if (far.length > 0) near.push(place(own + 1));
    this.#trunk(from, port, near);
    while (far.length > 0) {
      const begins = this.#layer(far[0]!);
      const beyond = far.findIndex((reader) => this.#layer(reader) - begins > farthest);
      const group = far.splice(0, beyond < 0 ? far.length : beyond);
      this.#trunk(place(begins - 1), 0, group);
    }
    const links = this.links.slice(first).map((_, index) => first + index);
    const lastOf = new Map(links.map((link) => [this.links[link]!.to, link]));
    return { links, last: to.map((reader) => lastOf.get(reader)!), tags };
  }

  /** Leads from a junction to readers in later layers, by one bend in each layer between. */
  #trunk(from: number, port: number, readers: readonly number[]): void {
    const byLayer = Map.groupBy(readers, (reader) => this.#layer(reader));
    const end = Math.max(...byLayer.keys());
    let at = from;
    let leaves = port;
    for (let layer = this.#layer(from) + 1; layer <= end; layer++) {
      for (const reader of byLayer.get(layer) ?? []) this.#link(at, reader, leaves);
      if (layer === end) break;
      const bend = this.box({ across: 0, along: 0, ports: [] }, layer, true);
      this.#link(at, bend, leaves);
      [at, leaves] = [bend, 0];
    }
  }

  #link(from: number, to: number, port: number): void {
    const link = this.links.push({ from, to, port }) - 1;
    this.junctions[from]!.out.push(link);
    this.junctions[to]!.into.push(link);
  }

  #layer(at: number): number {
    return this.junctions[at]!.layer;
  }
}
