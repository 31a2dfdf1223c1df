// Which layer each box stands in: after all it comes from, and where there is a choice, so that lines are short.
import { assert } from "#base";
import type { LayoutNet } from "./layout.ts";

type Nets = readonly LayoutNet[];

/** Rounds of pulling boxes towards those that read them; a graph of a network settles after two. */
const ROUNDS = 4;

/** The layer of each box, from 0. */
export function layersOf(count: number, nets: Nets): readonly number[] {
  const order = inOrder(count, nets);
  const into = netsBy(count, nets, ({ to }) => to);
  const out = netsBy(count, nets, ({ from }) => [from]);
  const layers = Array.from({ length: count }, () => 0);
  for (const box of order) {
    for (const net of out[box]!) for (const to of net.to) layers[to] = Math.max(layers[to]!, layers[box]! + 1);
  }
  for (let round = 0; round < ROUNDS; round++) {
    let hasMoved = false;
    for (const box of order.toReversed()) hasMoved = pull(box, layers, into[box]!, out[box]!) || hasMoved;
    if (!hasMoved) break;
  }
  const first = layers.reduce((least, layer) => Math.min(least, layer), Number.POSITIVE_INFINITY);
  return layers.map((layer) => layer - first);
}

/**
 * Moves a box just before what reads it where that shortens more lines than it lengthens. A line's length counts once however
 * many read it, so a box lengthens only lines it is the last to read.
 */
function pull(box: number, layers: number[], into: Nets, out: Nets): boolean {
  if (out.length === 0) return false;
  const next = Math.min(...out.flatMap(({ to }) => to.map((reader) => layers[reader]!)));
  const own = layers[box]!;
  if (next - 1 <= own) return false;
  const lengthened = into.filter(({ to }) => to.every((reader) => reader === box || layers[reader]! <= own)).length;
  if (out.length <= lengthened) return false;
  layers[box] = next - 1;
  return true;
}

/** The boxes, each after those that lead to it. */
function inOrder(count: number, nets: Nets): readonly number[] {
  const missing = Array.from({ length: count }, () => 0);
  for (const { to } of nets) for (const box of to) missing[box]!++;
  const out = netsBy(count, nets, ({ from }) => [from]);
  const order = missing.flatMap((number, box) => (number === 0 ? [box] : []));
  for (let at = 0; at < order.length; at++) {
    for (const { to } of out[order[at]!]!) for (const box of to) if (--missing[box]! === 0) order.push(box);
  }
  assert(order.length === count, `${count - order.length} boxes lead to each other in a circle.`);
  return order;
}

function netsBy(count: number, nets: Nets, boxesOf: (net: LayoutNet) => readonly number[]): LayoutNet[][] {
  const found: LayoutNet[][] = Array.from({ length: count }, () => []);
  for (const net of nets) for (const box of boxesOf(net)) found[box]!.push(net);
  return found;
}
