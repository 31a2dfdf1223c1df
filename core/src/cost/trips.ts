// How often the body of a control-flow node runs, where that follows from the graph and its shapes.
import { type Graph, type Initializer, intOf, intsOf, type Node, subgraphsOf, tensorFromInitializer } from "#graph";
import type { ShapeScope } from "./shapes.ts";

/** Iterations of a Scan or Loop; null where only a run can tell. */
export function tripsOf(node: Node, scope: ShapeScope): number | null {
  if (node.domain !== "") return null;
  if (node.opType === "Scan") return scanLength(node, scope);
  if (node.opType === "Loop") return loopTrips(node, scope);
  return null;
}

/** The length of what is scanned, along its axis. */
function scanLength(node: Node, scope: ShapeScope): number | null {
  const scanned = intOf(node, "num_scan_inputs", 0);
  const axis = intsOf(node, "scan_input_axes", [0])[0] ?? 0;
  const first = scanned > 0 ? node.inputs.at(-scanned) : undefined;
  return first === undefined ? null : (scope.get(first)?.dims.at(axis) ?? null);
}

/** The stored trip count, if the condition is true and stays so. */
function loopTrips(node: Node, scope: ShapeScope): number | null {
  const [trips = "", condition = ""] = node.inputs;
  const body = subgraphsOf(node)[0];
  const count = scalarOf(scope.constant(trips));
  if (count === null || body === undefined) return null;
  if (condition !== "" && scalarOf(scope.constant(condition)) !== 1) return null;
  return staysTrue(body, scope.inside(node, body, 0)) ? count : null;
}

function staysTrue(body: Graph, scope: ShapeScope): boolean {
  let name = body.outputs[0]?.name ?? "";
  const passedOn = new Map(body.nodes.filter(isPassing).map(({ inputs, outputs }) => [outputs[0]!, inputs[0]!]));
  for (let steps = 0; steps <= passedOn.size; steps++) {
    if (name === body.inputs[1]?.name || scalarOf(scope.constant(name)) === 1) return true;
    const next = passedOn.get(name);
    if (next === undefined) return false;
    name = next;
  }
  return false;
}

function isPassing({ domain, opType, inputs, outputs }: Node): boolean {
  return domain === "" && opType === "Identity" && inputs.length === 1 && outputs.length === 1;
}

function scalarOf(initializer: Initializer | undefined): number | null {
  if (initializer === undefined || initializer.data.kind === "external" || initializer.dtype === "string") return null;
  const { data } = tensorFromInitializer(initializer);
  return data.length === 1 ? Number(data[0]) : null;
}
