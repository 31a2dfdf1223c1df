// Places a lineage graph in layers from left to right (Sugiyama, Tagawa and Toda, IEEE Trans. SMC 11, 1981): each node right of
// all it comes from, then within its layer near its neighbours.
import { SlipwayError } from "@slipway/core/base";
import type { Lineage, LineageNode } from "./lineage.ts";

export interface Placed {
  readonly node: LineageNode;
  readonly layer: number;
  /** From the top of its layer, from 0. */
  readonly row: number;
}

/** Passes over the layers; small graphs settle after two. */
const SWEEPS = 6;

/** @throws SlipwayError INTERNAL for a graph with a cycle: time runs one way, so that would be a bug */
export function layOut({ nodes, edges }: Lineage): readonly Placed[] {
  const layers = layersOf(nodes, edges);
  const rows = new Map(
    layers.flatMap((layer) => layer.map((node, row) => [node.id, row - (layer.length - 1) / 2] as const)),
  );
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const order = sweep % 2 === 0 ? layers : layers.toReversed();
    for (const layer of order) {
      const wish = new Map(layer.map(({ id }) => [id, meanRow(neighbours(id, edges), rows) ?? rows.get(id)!]));
      // The sort is stable: those with the same wish keep their order.
      layer.sort((one, other) => wish.get(one.id)! - wish.get(other.id)!);
      layer.forEach(({ id }, row) => rows.set(id, row - (layer.length - 1) / 2));
    }
  }
  return layers.flatMap((layer, index) => layer.map((node, row) => ({ node, layer: index, row })));
}

/** Each node one layer right of the last it comes from; those that come from nothing stand just left of what comes of them. */
function layersOf(nodes: Lineage["nodes"], edges: Lineage["edges"]): LineageNode[][] {
  const depth = new Map(nodes.map(({ id }) => [id, 0]));
  for (let pass = 0; ; pass++) {
    let hasChanged = false;
    for (const { from, to } of edges) {
      const least = depth.get(from)! + 1;
      if (depth.get(to)! >= least) continue;
      depth.set(to, least);
      hasChanged = true;
    }
    if (!hasChanged) break;
    if (pass > nodes.length)
      throw new SlipwayError("INTERNAL", "A lineage leads back to where it came from. This is a bug.");
  }
  for (const { id } of nodes) {
    if (edges.some(({ to }) => to === id)) continue;
    const next = edges.filter(({ from }) => from === id).map(({ to }) => depth.get(to)!);
    if (next.length > 0) depth.set(id, Math.min(...next) - 1);
  }
  const layers: LineageNode[][] = Array.from({ length: Math.max(0, ...depth.values()) + 1 }, () => []);
  for (const node of nodes) layers[depth.get(node.id)!]!.push(node);
  return layers.filter((layer) => layer.length > 0);
}

function neighbours(id: string, edges: Lineage["edges"]): readonly string[] {
  return edges.flatMap(({ from, to }) => (from === id ? [to] : to === id ? [from] : []));
}

function meanRow(ids: readonly string[], rows: ReadonlyMap<string, number>): number | null {
  if (ids.length === 0) return null;
  return ids.reduce((sum, id) => sum + rows.get(id)!, 0) / ids.length;
}
