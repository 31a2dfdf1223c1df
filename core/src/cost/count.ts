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
}

export interface OperatorCost {
  readonly operator: string;
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
  const counter = new Counter();
  const nodes = counter.nodesIn(graph, new ShapeScope(graph, shapes), "", { times: 1, isPerIteration: false });
  const unknown = new Map<string, number>();
  for (const operator of counter.unknown) unknown.set(operator, (unknown.get(operator) ?? 0) + 1);
  const { macs, flops } = totalOf(nodes);
  return {
    macs,
    flops,
    operators: byOperator(nodes),
    nodes,
    unknownOperators: [...unknown].map(([operator, count]) => ({ operator, nodes: count })),
    iterations: counter.iterations,
    isComplete: counter.iterations.length === 0 && nodes.every(({ uncounted, times }) => uncounted === null || times === 0),
  };
}

interface Repeats {
  readonly times: number;
  readonly isPerIteration: boolean;
}

class Counter {
  readonly unknown: string[] = [];
  readonly iterations: IterationCost[] = [];

  nodesIn(graph: Graph, scope: ShapeScope, place: string, repeats: Repeats): NodeCost[] {
    const costs: NodeCost[] = [];
    for (const node of graph.nodes) {
      const bodies = subgraphsOf(node);
      if (bodies.length === 0) costs.push(this.#node(node, scope, place, repeats));
      else for (const cost of this.#controlFlow(node, bodies, scope, place, repeats)) costs.push(cost);
    }
    return costs;
  }

  #node(node: Node, scope: ShapeScope, place: string, repeats: Repeats): NodeCost {
    const rule = ruleOf(node);
    const operator = operatorName(node);
    let work: Work | null = null;
    let uncounted: string | null = null;
    if (rule === undefined) {
      this.unknown.push(operator);
      uncounted = `There is no rule for the operator ${operator}.`;
    } else {
      try {
        work = checked(rule(new OperatorCall(node, scope)), node);
      } catch (error) {
        if (!(error instanceof Uncountable)) throw error;
        uncounted = error.message;
      }
    }
    const macs = work === null ? null : work.macs;
    const flops = work === null ? null : 2 * work.macs + work.others;
    const readBytes = bytesOf(node.inputs, scope);
    const writtenBytes = bytesOf(node.outputs, scope);
    const bytes = readBytes === null || writtenBytes === null ? null : readBytes + writtenBytes;
    const flopsPerByte = flops === null || bytes === null || bytes === 0 ? null : flops / bytes;
    const where = describeNode(node) + place;
    return { place: where, operator, macs, flops, readBytes, writtenBytes, flopsPerByte, ...repeats, uncounted };
  }

  /** The node, which does nothing itself, and the nodes of its bodies. */
  #controlFlow(node: Node, bodies: readonly Graph[], scope: ShapeScope, place: string, repeats: Repeats): NodeCost[] {
    const where = describeNode(node) + place;
    const operator = operatorName(node);
    const isIf = operator === "If";
    const trips = isIf ? 1 : tripsOf(node, scope);
    const inner = {
      times: repeats.times * (trips ?? 1),
      isPerIteration: repeats.isPerIteration || trips === null,
    };
    const within = bodies.map((body, index) => {
      const name = isIf ? (branchName(node, body) ?? "a branch") : "the body";
      return this.nodesIn(body, scope.inside(node, body, index), `, in ${name} of ${where}`, inner);
    });
    const totals = within.map((costs) => totalOf(costs));
    if (trips === null) {
      const [macs, flops] = [sumOf(totals, "macs"), sumOf(totals, "flops")];
      this.iterations.push({ place: where, macs, flops });
    }
    const most = totals.findIndex(({ flops }) => flops === Math.max(...totals.map((total) => total.flops)));
    const counted = isIf
      ? within.map((costs, index) => (index === most ? costs : costs.map((cost) => ({ ...cost, times: 0 }))))
      : within;
    const [readBytes, writtenBytes] = [bytesOf(node.inputs, scope), bytesOf(node.outputs, scope)];
    const own = { place: where, operator, macs: 0, flops: 0, readBytes, writtenBytes, flopsPerByte: null };
    return [{ ...own, ...repeats, uncounted: null }, ...counted.flat()];
  }
}

function branchName(node: Node, body: Graph): string | undefined {
  return node.attributes.find(({ value }) => value === body)?.name;
}

/** Shapes that do not fit an operator make numbers that are none; better to say so. */
function checked(work: Work, node: Node): Work {
  if (Number.isFinite(work.macs) && Number.isFinite(work.others)) return work;
  throw new Uncountable(`The shapes around ${describeNode(node)} do not fit its operator.`);
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

function sumOf(totals: readonly { readonly macs: number; readonly flops: number }[], what: "macs" | "flops"): number {
  return totals.reduce((sum, total) => sum + total[what], 0);
}

function byOperator(nodes: readonly NodeCost[]): OperatorCost[] {
  const groups = Map.groupBy(nodes, ({ operator }) => operator);
  return Array.from(groups, ([operator, group]) => ({ operator, nodes: group.length, ...totalOf(group) })).toSorted(
    (a, b) => b.macs - a.macs || b.flops - a.flops || (a.operator < b.operator ? -1 : 1),
  );
}
