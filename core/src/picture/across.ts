// Where junctions stand across, their order given: Brandes and Köpf, Fast and Simple Horizontal Coordinate Assignment (Graph Drawing
// 2001), with blocks placed by longest paths. Each junction is put level with a middle one of its neighbours; done from either
// end and either side, the mean of the middle two of four places is taken. Bends of one line come to stand level, so lines are
// straight but at their ends.
import type { Junction, LayerGraph } from "./layer-graph.ts";
import { narrowPlaces } from "./narrow.ts";

/** Room between neighbours in a layer: boxes, a box and a line, lines. */
const BETWEEN_BOXES = 22;
const BESIDE_LINE = 14;
const BETWEEN_LINES = 9;

/** Straight lines may make a picture this many times as wide as its widest layer. */
const WIDEST = 2;

/** The middle of each junction; the nearest edge is at 0. */
export function placesAcross(graph: LayerGraph): readonly number[] {
  const { junctions, layers } = graph;
  if (junctions.length === 0) return [];
  const straight = straightPlaces(graph);
  const [near, far] = edgesOf(straight, junctions);
  const widest = Math.max(...layers.map((layer) => widthOf(layer, junctions)));
  if (far - near <= WIDEST * widest) return straight.map((place) => place - near);
  const narrow = narrowPlaces(graph, distance);
  const [nearest] = edgesOf(narrow, junctions);
  return narrow.map((place) => place - nearest);
}

/** The room a layer needs. */
function widthOf(layer: readonly number[], junctions: readonly Junction[]): number {
  const [first, last] = [junctions[layer[0]!]!, junctions[layer.at(-1)!]!];
  const between = layer.slice(1).map((at, index) => distance(junctions[layer[index]!]!, junctions[at]!));
  return between.reduce((sum, room) => sum + room, (first.across + last.across) / 2);
}

/** The mean of the middle two of the four alignments. */
function straightPlaces(graph: LayerGraph): readonly number[] {
  const { junctions } = graph;
  const conflicts = crossedTrunks(graph);
  const layouts: Float64Array[] = [];
  for (const isForwards of [true, false]) {
    for (const isNearFirst of [true, false]) layouts.push(aligned(graph, conflicts, isForwards, isNearFirst));
  }
  const edges = layouts.map((places) => edgesOf(places, junctions));
  const widths = edges.map(([near, far]) => far - near);
  const narrowest = edges[widths.indexOf(Math.min(...widths))]!;
  const shifts = edges.map(([near, far], index) => (index % 2 === 0 ? narrowest[0] - near : narrowest[1] - far));
  return junctions.map((_, at) => {
    const four = layouts.map((layout, index) => layout[at]! + shifts[index]!).sort((one, other) => one - other);
    return (four[1]! + four[2]!) / 2;
  });
}

function edgesOf(places: ArrayLike<number>, junctions: readonly Junction[]): readonly [number, number] {
  let [near, far] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const [at, { across }] of junctions.entries()) {
    near = Math.min(near, places[at]! - across / 2);
    far = Math.max(far, places[at]! + across / 2);
  }
  return [near, far];
}

/** Links that cross one between two bends: they give way, so that trunks stay straight (conflicts of type 1). */
function crossedTrunks({ junctions, links, layers }: LayerGraph): ReadonlySet<number> {
  const found = new Set<number>();
  const places = placesIn(layers, junctions.length);
  for (const layer of layers.slice(1)) {
    let near = 0;
    let scanned = 0;
    for (const [place, at] of layer.entries()) {
      const inner = innerSource(at, junctions, links);
      const isLast = place === layer.length - 1;
      if (inner === null && !isLast) continue;
      const far = inner === null ? Number.POSITIVE_INFINITY : places[inner]!;
      for (const other of layer.slice(scanned, place + 1)) {
        for (const link of junctions[other]!.into) {
          const { from } = links[link]!;
          const isInner = junctions[from]!.isBend && junctions[other]!.isBend;
          if (!isInner && (places[from]! < near || places[from]! > far)) found.add(link);
        }
      }
      [scanned, near] = [place + 1, inner === null ? near : far];
    }
  }
  return found;
}

/** The bend that a bend comes from. */
function innerSource(at: number, junctions: LayerGraph["junctions"], links: LayerGraph["links"]): number | null {
  const { isBend, into } = junctions[at]!;
  if (!isBend) return null;
  const { from } = links[into[0]!]!;
  return junctions[from]!.isBend ? from : null;
}

function placesIn(layers: readonly (readonly number[])[], count: number): Int32Array {
  const places = new Int32Array(count);
  for (const layer of layers) for (const [place, at] of layer.entries()) places[at] = place;
  return places;
}

/** One of the four alignments. */
function aligned(
  graph: LayerGraph,
  conflicts: ReadonlySet<number>,
  isForwards: boolean,
  isNearFirst: boolean,
): Float64Array {
  const layers = (isForwards ? graph.layers : graph.layers.toReversed()).map((layer) =>
    isNearFirst ? layer : layer.toReversed(),
  );
  const roots = blocks(graph, layers, conflicts, isForwards);
  const places = compacted(graph.junctions, layers, roots);
  return isNearFirst ? places : places.map((place) => -place);
}

/** The first junction of the block that each belongs to: junctions that are to stand level. */
function blocks(
  { junctions, links }: LayerGraph,
  layers: readonly (readonly number[])[],
  conflicts: ReadonlySet<number>,
  isForwards: boolean,
): Int32Array {
  const places = placesIn(layers, junctions.length);
  const roots = Int32Array.from(junctions, (_, at) => at);
  const isTaken = new Uint8Array(junctions.length);
  for (const layer of layers) {
    let last = -1;
    for (const at of layer) {
      const joined = (isForwards ? junctions[at]!.into : junctions[at]!.out)
        .map((link) => ({ link, other: isForwards ? links[link]!.from : links[link]!.to }))
        .sort((one, two) => places[one.other]! - places[two.other]!);
      const middle = (joined.length - 1) / 2;
      for (const { link, other } of joined.slice(Math.floor(middle), Math.ceil(middle) + 1)) {
        // One neighbour each way, and none that another's alignment would cross.
        if (roots[at] !== at || isTaken[other] === 1 || places[other]! <= last || conflicts.has(link)) continue;
        isTaken[other] = 1;
        roots[at] = roots[other]!;
        last = places[other]!;
      }
    }
  }
  return roots;
}

/** Blocks as near to each other as their neighbours let them, then drawn towards what stands behind them. */
function compacted(
  junctions: readonly Junction[],
  layers: readonly (readonly number[])[],
  roots: Int32Array,
): Float64Array {
  /** For each block, how far behind each neighbour before it it must stand. */
  const apart = new Map<number, Map<number, number>>();
  const behind = new Map<number, Set<number>>();
  for (const root of new Set(roots)) {
    apart.set(root, new Map());
    behind.set(root, new Set());
  }
  for (const layer of layers) {
    for (const [place, at] of layer.entries()) {
      if (place === 0) continue;
      const one = layer[place - 1]!;
      const [from, to] = [roots[one]!, roots[at]!];
      const known = apart.get(to)!;
      known.set(from, Math.max(known.get(from) ?? 0, distance(junctions[one]!, junctions[at]!)));
      behind.get(from)!.add(to);
    }
  }
  const order = inOrder(apart, behind);
  const places = new Float64Array(junctions.length);
  for (const block of order) {
    let place = 0;
    for (const [other, least] of apart.get(block)!) place = Math.max(place, places[other]! + least);
    places[block] = place;
  }
  for (const block of order.toReversed()) {
    let place = Number.POSITIVE_INFINITY;
    for (const other of behind.get(block)!) place = Math.min(place, places[other]! - apart.get(other)!.get(block)!);
    if (place !== Number.POSITIVE_INFINITY) places[block] = Math.max(places[block]!, place);
  }
  return places.map((_, at) => places[roots[at]!]!);
}

function inOrder(
  apart: ReadonlyMap<number, ReadonlyMap<number, number>>,
  behind: ReadonlyMap<number, ReadonlySet<number>>,
): readonly number[] {
  const missing = new Map(Array.from(apart, ([block, before]) => [block, before.size]));
  const order = Array.from(missing).flatMap(([block, count]) => (count === 0 ? [block] : []));
  for (let index = 0; index < order.length; index++) {
    for (const next of behind.get(order[index]!)!) {
      const left = missing.get(next)! - 1;
      missing.set(next, left);
      if (left === 0) order.push(next);
    }
  }
  return order;
}

export function distance(one: Junction, other: Junction): number {
  const bends = Number(one.isBend) + Number(other.isBend);
  const room = bends === 0 ? BETWEEN_BOXES : bends === 1 ? BESIDE_LINE : BETWEEN_LINES;
  return (one.across + other.across) / 2 + room;
}
