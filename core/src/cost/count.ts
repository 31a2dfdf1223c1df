// Counts the arithmetic and the traffic of a graph: node by node, by operator and in all. Pure: graph and shapes in,
// numbers out; what can't be counted is named, never taken for nothing.
import { describeNode, type Graph, type Node, subgraphsOf } from "#graph";
import { OperatorCall, Uncountable, type Work } from "./operator-call.ts";
import { operatorName, ruleOf } from "./operators.ts";
import { shapeBytes, ShapeScope, type ValueShapes } from "./shapes.ts";
import { tripsOf } from "./trips.ts";

export interface NodeCost {
  /** The node and, within bodies, where: "Conv node 'c', in then_branch of If node 'choice'". */
  readonly place: string;
  readonly operator: string;
  /** Multiply-accumulates of one run of the node; null where they can't be told. */
  readonly macs: number | null;
  /** Floating-point operations of one run, two for each multiply-accumulate; null where they can't be told. */
  readonly flops: number | null;
  /** Bytes of all inputs, weights among them, and of all outputs, each once; null where a shape is unknown. */
  readonly readBytes: number | null;
  readonly writtenBytes: number | null;
  /** Arithmetic intensity: floating-point operations for each byte read or written; null where either can't be told. */
  readonly flopsPerByte: number | null;
  /** How often totals count it: the iterations around it as far as known, 0 in the branch that is not counted. */
  readonly times: number;
  /** It lies in a loop whose iterations only a run can tell; totals count one. */
  readonly isPerIteration: boolean;
  /** Why it is not counted; null where it is. */
  readonly uncounted: string | null;
  /** There is no rule for its operator. */
  readonly isUnknownOperator: boolean;
}

export interface OperatorCost {
  readonly operator: string;
  /** Nodes that totals count. */
  readonly nodes: number;
  /** Totals over what could be counted. */
  readonly macs: number;
  readonly flops: number;
}

/** A loop whose number of iterations is unknown, and what one of them takes. */
export interface IterationCost {
  readonly place: string;
  readonly macs: number;
  readonly flops: number;
}

export interface GraphCost {
  /** Multiply-accumulates of one run of the graph: Conv, Gemm, MatMul, attention, recurrence and the like. */
  readonly macs: number;
  /** Floating-point operations of one run: two for each multiply-accumulate, and all other arithmetic by the convention. */
  readonly flops: number;
  /** Most multiply-accumulates first, then most operations. */
  readonly operators: readonly OperatorCost[];
  /** In the order of the graph; nodes of a body after the node that holds it. */
  readonly nodes: readonly NodeCost[];
  /** Operators there is no rule for, with the number of nodes; their work is in no total. */
  readonly unknownOperators: readonly { readonly operator: string; readonly nodes: number }[];
  /** Loops of which totals hold a single iteration. */
  readonly iterations: readonly IterationCost[];
  /** Whether totals hold all nodes that run, and loops in full. */
  readonly isComplete: boolean;
}

/**
 * Counts what one run of a graph computes.
 *
 * Convention: FLOPs = 2 · MACs for multiply-accumulates, plus the other operations by the table of `FUNCTION_FLOPS`. Padding
 * is multiplied like data; zeros in weights count; operations on integers count as well. Of an If the branch with more
 * operations counts. A Scan counts as often as its input is long, a Loop as often as a stored trip count says; of other
 * loops one iteration counts, and `iterations` names them.
 * @param shapes every value's shape; those of stored tensors are known anyway
 * @throws SlipwayError MODEL_INVALID where an attribute has a kind its operator can't have
 */
export function countGraph(graph: Graph, shapes: ValueShapes): GraphCost {
  const scope = new ShapeScope(graph, shapes);
  const { nodes, iterations } = countedIn(graph, scope, "", { times: 1, isPerIteration: false });
  const unknown = Map.groupBy(
    nodes.filter(({ isUnknownOperator }) => isUnknownOperator),
    ({ operator }) => operator,
  );
  return {
    ...totalOf(nodes),
    operators: byOperator(nodes),
    nodes,
    unknownOperators: Array.from(unknown, ([operator, group]) => ({ operator, nodes: group.length })),
    iterations,
    isComplete: iterations.length === 0 && nodes.every(({ uncounted, times }) => uncounted === null || times === 0),
  };
}

interface Repeats {
  readonly times: number;
  readonly isPerIteration: boolean;
}

interface Counted {
  readonly nodes: readonly NodeCost[];
  readonly iterations: readonly IterationCost[];
}

function countedIn(graph: Graph, scope: ShapeScope, place: string, repeats: Repeats): Counted {
  const nodes: NodeCost[] = [];
  const iterations: IterationCost[] = [];
  for (const node of graph.nodes) {
    const bodies = subgraphsOf(node);
    if (bodies.length === 0) {
      nodes.push(nodeCost(node, scope, place, repeats));
      continue;
    }
    const inside = controlFlowCost(node, bodies, scope, place, repeats);
    for (const cost of inside.nodes) nodes.push(cost);
    for (const iteration of inside.iterations) iterations.push(iteration);
  }
  return { nodes, iterations };
}

function nodeCost(node: Node, scope: ShapeScope, place: string, repeats: Repeats): NodeCost {
  const { work, uncounted } = workOf(node, scope);
  const macs = work === null ? null : work.macs;
  const flops = work === null ? null : 2 * work.macs + work.others;
  const traffic = trafficOf(node, scope);
  const { readBytes, writtenBytes } = traffic;
  const bytes = readBytes === null || writtenBytes === null ? 0 : readBytes + writtenBytes;
  return {
    place: describeNode(node) + place,
    operator: operatorName(node),
    macs,
    flops,
    ...traffic,
    flopsPerByte: flops === null || bytes === 0 ? null : flops / bytes,
    ...repeats,
    uncounted,
    isUnknownOperator: ruleOf(node) === undefined,
  };
}

function workOf(node: Node, scope: ShapeScope): { readonly work: Work | null; readonly uncounted: string | null } {
  const rule = ruleOf(node);
  if (rule === undefined) return { work: null, uncounted: `There is no rule for the operator ${operatorName(node)}.` };
  try {
    return { work: checked(rule(new OperatorCall(node, scope)), node), uncounted: null };
  } catch (error) {
    if (!(error instanceof Uncountable)) throw error;
    return { work: null, uncounted: error.message };
  }
}

/** The node, which does nothing itself, and the nodes of its bodies. */
function controlFlowCost(
  node: Node,
  bodies: readonly Graph[],
  scope: ShapeScope,
  place: string,
  repeats: Repeats,
): Counted {
  const where = describeNode(node) + place;
  const operator = operatorName(node);
  const isIf = operator === "If";
  const trips = isIf ? 1 : tripsOf(node, scope);
  const inner = { times: repeats.times * (trips ?? 1), isPerIteration: repeats.isPerIteration || trips === null };
  const within = bodies.map((body, index) => {
    const name = isIf ? (branchName(node, body) ?? "a branch") : "the body";
    return countedIn(body, scope.inside(node, body, index), `, in ${name} of ${where}`, inner);
  });
  const own: NodeCost = {
    place: where,
    operator,
    macs: 0,
    flops: 0,
    ...trafficOf(node, scope),
    flopsPerByte: null,
    ...repeats,
    uncounted: null,
    isUnknownOperator: false,
  };
  if (isIf) {
    const most = heaviestOf(within);
    const nodes = within.flatMap((one) =>
      one === most ? one.nodes : one.nodes.map((cost) => ({ ...cost, times: 0 })),
    );
    return { nodes: [own, ...nodes], iterations: most?.iterations ?? [] };
  }
  const nodes = within.flatMap((one) => one.nodes);
  const iterations = within.flatMap((one) => one.iterations);
  if (trips !== null) return { nodes: [own, ...nodes], iterations };
  const { macs, flops } = totalOf(nodes);
  const times = Math.max(1, inner.times);
  return {
    nodes: [own, ...nodes],
    iterations: [{ place: where, macs: macs / times, flops: flops / times }, ...iterations],
  };
}

/** The branch with the most operations; where they are alike, the one of which most is known. */
function heaviestOf(branches: readonly Counted[]): Counted | undefined {
  const ranked = branches.map((branch) => ({
    branch,
    flops: totalOf(branch.nodes).flops,
    unknown: branch.nodes.filter(({ uncounted }) => uncounted !== null).length,
  }));
  return ranked.toSorted((a, b) => b.flops - a.flops || a.unknown - b.unknown)[0]?.branch;
}

function branchName(node: Node, body: Graph): string | undefined {
  return node.attributes.find(({ value }) => value === body)?.name;
}

/** Shapes that do not fit an operator make numbers that are none; better to say so. */
function checked(work: Work, node: Node): Work {
  if (Number.isFinite(work.macs) && Number.isFinite(work.others)) return work;
  throw new Uncountable(`The shapes around ${describeNode(node)} do not fit its operator.`);
}

function trafficOf({ inputs, outputs }: Node, scope: ShapeScope): Pick<NodeCost, "readBytes" | "writtenBytes"> {
  return { readBytes: bytesOf(inputs, scope), writtenBytes: bytesOf(outputs, scope) };
}

/** Bytes of distinct values; null where one of them is unknown or has no fixed size. */
function bytesOf(names: readonly string[], scope: ShapeScope): number | null {
  let total = 0;
  for (const name of new Set(names)) {
    if (name === "") continue;
    const shape = scope.get(name);
    const bytes = shape === undefined ? null : shapeBytes(shape);
    if (bytes === null) return null;
    total += bytes;
  }
  return total;
}

function totalOf(nodes: readonly NodeCost[]): { readonly macs: number; readonly flops: number } {
  let [macs, flops] = [0, 0];
  for (const node of nodes) {
    macs += (node.macs ?? 0) * node.times;
    flops += (node.flops ?? 0) * node.times;
  }
  return { macs, flops };
}

function byOperator(nodes: readonly NodeCost[]): OperatorCost[] {
  const counted = nodes.filter(({ times }) => times > 0);
  const groups = Map.groupBy(counted, ({ operator }) => operator);
  return Array.from(groups, ([operator, group]) => ({ operator, nodes: group.length, ...totalOf(group) })).toSorted(
    (a, b) => b.macs - a.macs || b.flops - a.flops || (a.operator < b.operator ? -1 : 1),
  );
}
