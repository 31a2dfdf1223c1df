// How much memory activations take while a graph runs, by when each value is made and last read. An upper bound: engines
// reuse buffers, work in place and fold constants; this counts every value of the graph as it stands.
import { describeNode, type Graph, type Node, sortedNodes, subgraphsOf, valuesReadBy } from "#graph";
import { shapeBytes, ShapeScope, type ValueShapes } from "./shapes.ts";

export interface MemoryStep {
  readonly place: string;
  /** Bytes alive while the node runs: what it reads and makes, what later nodes read, and what its bodies need. */
  readonly liveBytes: number;
}

export interface ActivationMemory {
  /** The most bytes alive at once. */
  readonly peakBytes: number;
  /** The first node at which they are; null for a graph without nodes. */
  readonly peakPlace: string | null;
  /** One step for each node of the graph, in an order in which they can run. */
  readonly steps: readonly MemoryStep[];
  /** Values that are left out because their size is unknown, with their scopes; with any, the peak is no upper bound. */
  readonly unknownValues: readonly string[];
}

/**
 * The memory of activations over the run of a graph.
 *
 * Inputs are alive throughout, since whoever runs the graph holds them, and outputs from when they are made to the end.
 * Another value is alive from the node that makes it to the last that reads it, that one included; one that nothing reads,
 * at its node alone. Stored tensors and the outputs of Constant nodes are weights, and not counted. While a node with
 * bodies runs, the largest peak of its bodies adds to what is alive around it.
 * @throws SlipwayError MODEL_INVALID where the graph has a cycle
 */
export function activationMemory(graph: Graph, shapes: ValueShapes): ActivationMemory {
  const unknown = new Set<string>();
  const steps = stepsOf(graph, new ShapeScope(graph, shapes), unknown);
  let peak: MemoryStep | null = null;
  for (const step of steps) if (peak === null || step.liveBytes > peak.liveBytes) peak = step;
  const inputs = steps.length === 0 ? inputBytes(graph, new ShapeScope(graph, shapes), unknown) : 0;
  return {
    peakBytes: peak?.liveBytes ?? inputs,
    peakPlace: peak?.place ?? null,
    steps,
    unknownValues: [...unknown],
  };
}

function stepsOf(graph: Graph, scope: ShapeScope, unknown: Set<string>): MemoryStep[] {
  const nodes = sortedNodes(graph);
  const lastRead = new Map<string, number>();
  for (const [index, node] of nodes.entries()) for (const name of valuesReadBy(node)) lastRead.set(name, index);
  for (const { name } of graph.outputs) lastRead.set(name, nodes.length - 1);
  // What begins and ends at a step; the sum of all changes so far is what is alive.
  const changes = new Float64Array(nodes.length + 1);
  changes[0] = inputBytes(graph, scope, unknown);
  const bodyPeaks = nodes.map((node, index) => {
    if (!isConstant(node)) {
      for (const name of node.outputs) {
        if (name === "") continue;
        const bytes = sizeOf(name, scope, unknown);
        changes[index]! += bytes;
        changes[Math.max(index, lastRead.get(name) ?? index) + 1]! -= bytes;
      }
    }
    return bodyPeak(node, scope, unknown);
  });
  let alive = 0;
  return nodes.map((node, index) => {
    alive += changes[index]!;
    return { place: describeNode(node), liveBytes: alive + bodyPeaks[index]! };
  });
}

function inputBytes(graph: Graph, scope: ShapeScope, unknown: Set<string>): number {
  const stored = new Set(graph.initializers.map(({ name }) => name));
  let total = 0;
  for (const { name } of graph.inputs) if (!stored.has(name)) total += sizeOf(name, scope, unknown);
  return total;
}

function bodyPeak(node: Node, scope: ShapeScope, unknown: Set<string>): number {
  let most = 0;
  for (const [index, body] of subgraphsOf(node).entries()) {
    for (const { liveBytes } of stepsOf(body, scope.inside(node, body, index), unknown))
      most = Math.max(most, liveBytes);
  }
  return most;
}

function sizeOf(name: string, scope: ShapeScope, unknown: Set<string>): number {
  const shape = scope.get(name);
  const bytes = shape === undefined ? null : shapeBytes(shape);
  if (bytes !== null) return bytes;
  unknown.add(scope.scope + name);
  return 0;
}

function isConstant({ domain, opType }: Node): boolean {
  return domain === "" && opType === "Constant";
}
