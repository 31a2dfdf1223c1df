// What a count says, in plain words: how much one run takes, which operators take it, and what could not be counted.
import type { GraphCost, NodeCost, OperatorCost } from "./count.ts";

/** Operators under this share are summed up. */
const SMALLEST_SHARE = 0.01;
const MOST_OPERATORS = 3;
const MOST_NODES = 3;
const MOST_NAMES = 8;

/** Sentences that sum a count up, the most important first. */
export function describeCost(cost: GraphCost): string[] {
  const sentences = [
    `One run takes ${countText(cost.macs)} multiply-accumulates and ${countText(cost.flops)} floating-point operations in all (two for each multiply-accumulate).`,
    ...operatorSentences(cost),
  ];
  const traffic = trafficSentence(cost);
  if (traffic !== null) sentences.push(traffic);
  if (cost.iterations.length > 0) {
    const { place, macs } = cost.iterations[0]!;
    const others = cost.iterations.length === 1 ? "" : ` and ${cost.iterations.length - 1} more`;
    sentences.push(
      `How often ${place}${others} repeats shows only in a run; one iteration is counted, of ${countText(macs)} multiply-accumulates.`,
    );
  }
  if (cost.unknownOperators.length > 0) {
    const names = cost.unknownOperators.map(({ operator, nodes }) =>
      nodes === 1 ? operator : `${operator} (${nodes})`,
    );
    sentences.push(`Not counted, because there is no rule for them: ${listText(names)}.`);
  }
  const unknown = cost.nodes.filter((node) => node.uncounted !== null && node.times > 0 && !node.isUnknownOperator);
  if (unknown.length > 0) {
    const nodes = unknown.length === 1 ? "1 node is" : `${unknown.length} nodes are`;
    sentences.push(`${nodes} not counted, because shapes do not tell what they take. ${unknown[0]!.uncounted}`);
  }
  return sentences;
}

function operatorSentences(cost: GraphCost): string[] {
  const byMacs = cost.macs > 0;
  const total = byMacs ? cost.macs : cost.flops;
  if (total === 0) return [];
  const worth = (one: OperatorCost): number => (byMacs ? one.macs : one.flops) / total;
  const what = byMacs ? "multiply-accumulates" : "floating-point operations";
  return cost.operators
    .toSorted((a, b) => worth(b) - worth(a))
    .filter((one, rank) => rank < MOST_OPERATORS && worth(one) >= SMALLEST_SHARE)
    .map((one) => {
      const subject = one.nodes === 1 ? `1 ${one.operator} node takes` : `${one.nodes} ${one.operator} nodes take`;
      const share = `${subject} ${percentText(worth(one))} of the ${what}`;
      if (one.nodes === 1) return `${share}.`;
      const work = (node: NodeCost): number => ((byMacs ? node.macs : node.flops) ?? 0) * node.times;
      const heaviest = cost.nodes
        .filter((node) => node.operator === one.operator && work(node) > 0)
        .toSorted((a, b) => work(b) - work(a));
      const shown = heaviest.slice(0, MOST_NODES).map((node) => `${node.place} (${percentText(work(node) / total)})`);
      return `${share}: most of all ${listText(shown)}.`;
    });
}

/** Arithmetic intensity over all nodes whose traffic is known. */
function trafficSentence({ nodes }: GraphCost): string | null {
  let [flops, bytes] = [0, 0];
  for (const node of nodes) {
    if (node.flops === null || node.readBytes === null || node.writtenBytes === null) continue;
    flops += node.flops * node.times;
    bytes += (node.readBytes + node.writtenBytes) * node.times;
  }
  if (bytes === 0 || flops === 0) return null;
  return `Run node by node, it moves ${countText(bytes)} bytes: ${(flops / bytes).toPrecision(3)} operations for each.`;
}

function listText(items: readonly string[]): string {
  const shown = items.slice(0, MOST_NAMES);
  if (items.length > shown.length) shown.push(`${items.length - shown.length} more`);
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)!}`;
}

/** 1.81 G, 302 M, 25 k, 7. */
function countText(count: number): string {
  for (const [unit, size] of UNITS) if (count >= size) return `${(count / size).toPrecision(3)} ${unit}`;
  return String(Math.round(count));
}

const UNITS = [
  ["T", 1e12],
  ["G", 1e9],
  ["M", 1e6],
  ["k", 1e3],
] as const;

function percentText(share: number): string {
  return `${(100 * share).toFixed(share >= 0.1 ? 0 : 1)} %`;
}
