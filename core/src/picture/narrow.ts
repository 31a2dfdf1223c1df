// Places across for graphs that straight trunks would pull apart: each layer as near to its neighbours as order and room let it, layer
// by layer, forth and back. Lines bend more than in `across.ts`, and pictures are a fraction as wide.
//
// The best places of a layer for given neighbours, by least squares, are an isotonic regression: without the room that is needed
// between them they must not decrease. It is solved by pooling adjacent violators (Barlow and others, Statistical Inference under
// Order Restrictions, 1972).
import type { Junction, LayerGraph } from "./layer-graph.ts";

const SWEEPS = 30;
/** How much more it matters where a bend stands than a box: lines should lead straight. */
const BEND_WEIGHT = 4;
/** How much everything is drawn to the middle, against a neighbour. */
const GRAVITY = 0.1;

/**
 * The middle of each junction.
 * @param distance how far the middles of two neighbours of a layer must be apart
 */
export function narrowPlaces(
  graph: LayerGraph,
  distance: (one: Junction, other: Junction) => number,
): readonly number[] {
  const { junctions, links, layers } = graph;
  const places = new Float64Array(junctions.length);
  /** From the first of its layer to each, as near as they may be. */
  const packed = new Float64Array(junctions.length);
  for (const layer of layers) {
    for (const [index, at] of layer.entries()) {
      if (index > 0) packed[at] = packed[layer[index - 1]!]! + distance(junctions[layer[index - 1]!]!, junctions[at]!);
    }
    const width = packed[layer.at(-1)!]!;
    for (const at of layer) places[at] = packed[at]! - width / 2;
  }
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (const layer of sweep % 2 === 0 ? layers : layers.toReversed()) {
      const wishes = layer.map((at) => {
        const { into, out, isBend } = junctions[at]!;
        const neighbours = [...into.map((link) => links[link]!.from), ...out.map((link) => links[link]!.to)];
        const sum = neighbours.reduce((total, other) => total + places[other]!, 0);
        const wish = sum / (neighbours.length + GRAVITY);
        return { wish: wish - packed[at]!, weight: (isBend ? BEND_WEIGHT : 1) * Math.max(1, neighbours.length) };
      });
      const found = isotonic(wishes);
      for (const [index, at] of layer.entries()) places[at] = found[index]! + packed[at]!;
    }
  }
  return Array.from(places);
}

/** The numbers nearest to those wished for, by weighted least squares, of which none is less than the one before. */
function isotonic(wishes: readonly { readonly wish: number; readonly weight: number }[]): readonly number[] {
  const pools: { sum: number; weight: number; count: number }[] = [];
  const mean = ({ sum, weight }: { readonly sum: number; readonly weight: number }): number => sum / weight;
  for (const { wish, weight } of wishes) {
    let pool = { sum: wish * weight, weight, count: 1 };
    for (let last = pools.at(-1); last !== undefined && mean(last) > mean(pool); last = pools.at(-1)) {
      pools.pop();
      pool = { sum: last.sum + pool.sum, weight: last.weight + pool.weight, count: last.count + pool.count };
    }
    pools.push(pool);
  }
  return pools.flatMap((pool) => Array.from({ length: pool.count }, () => mean(pool)));
}
