// Which parameters have their gradients by sample where they meet samples, and which by running the samples one by one.
import { SlipwayError } from "#base";
import { describeNode, type Graph, type Node, valuesReadBy } from "#graph";
import { capitalised } from "../operator-gradient.ts";
import type { ValueTypes } from "#passes";
import { isDifferentiable, numbersReadBy } from "../value-types.ts";
import { isCarriedThrough } from "./carried.ts";
import { meetingAt } from "./meetings.ts";

import type { Samples } from "./sample-axes.ts";

export interface SamplePlan {
  /** Those told where they meet samples, or that hold samples themselves. */
  readonly direct: readonly string[];
  /** The others, with the node that stands in the way. */
  readonly looped: ReadonlyMap<string, Node>;
}

interface Sought {
  readonly wrt: readonly string[];
  /** Values that depend on these; see `reachedFrom`. */
  readonly reached: ReadonlySet<string>;
  /** The output with one loss for each sample. */
  readonly losses: string;
}

/**
 * @throws SlipwayError GRADIENT_UNAVAILABLE naming a node that mixes samples between the parameters and the losses
 */
export function planSamples(
  graph: Graph,
  types: ValueTypes,
  axes: ReadonlyMap<string, Samples>,
  { wrt, reached, losses }: Sought,
): SamplePlan {
  const between = nodesBetween(graph, reached, losses);
  for (const node of between) refuseMixing(node, axes);
  const isFree = (value: string): boolean => (axes.get(value)?.kind ?? "none") === "none";
  const blocked = new Map<string, Node>();
  for (const node of between.toReversed()) {
    const carries = node.outputs.every((name) => name === "" || isFree(name));
    const inTheWay = carries
      ? node.outputs.map((name) => blocked.get(name)).find((one) => one !== undefined)
      : undefined;
    for (const [index, name] of node.inputs.entries()) {
      if (!reached.has(name) || !isFree(name)) continue;
      const isTold = carries
        ? isCarriedThrough({ node, index, types, axes })
        : meetingAt({ node, index, types, axes }) !== null;
      if (inTheWay !== undefined || !isTold) blocked.set(name, inTheWay ?? node);
    }
    // What bodies capture is told by none.
    for (const name of valuesReadBy(node))
      if (reached.has(name) && isFree(name) && !node.inputs.includes(name)) blocked.set(name, node);
  }
  const looped = new Map(wrt.flatMap((name) => (blocked.has(name) ? [[name, blocked.get(name)!] as const] : [])));
  return { direct: wrt.filter((name) => !looped.has(name)), looped };
}

/** Values that depend on what is differentiated by. */
export function reachedFrom(graph: Graph, types: ValueTypes, wrt: readonly string[]): ReadonlySet<string> {
  const reached = new Set(wrt);
  for (const node of graph.nodes) {
    if (![...numbersReadBy(node)].some((name) => reached.has(name))) continue;
    for (const name of node.outputs) {
      const type = types.get(name);
      const passes = type === undefined || isDifferentiable(type) || node.opType === "QuantizeLinear";
      if (name !== "" && passes) reached.add(name);
    }
  }
  return reached;
}

/** The nodes that losses depend on by what is reached, in order. */
function nodesBetween(graph: Graph, reached: ReadonlySet<string>, losses: string): readonly Node[] {
  const needed = new Set([losses]);
  const nodes: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((name) => needed.has(name) && reached.has(name))) continue;
    nodes.push(node);
    for (const name of numbersReadBy(node)) if (reached.has(name)) needed.add(name);
  }
  return nodes.toReversed();
}

function refuseMixing(node: Node, axes: ReadonlyMap<string, Samples>): void {
  const mixes = node.outputs.some((name) => {
    const samples = axes.get(name);
    return samples?.kind === "mixed" && samples.by === node;
  });
  if (!mixes) return;
  const remedy =
    node.opType === "BatchNormalization"
      ? "It normalises by the batch: use it with its stored statistics (training_mode 0), or a normalisation of each sample, such as GroupNormalization."
      : "Leave the mean over the batch to whoever sums the gradients, or differentiate the batch as a whole.";
  throw new SlipwayError(
    "GRADIENT_UNAVAILABLE",
    `${capitalised(describeNode(node))} mixes the samples of a batch, so a sample has no gradient of its own. ${remedy}`,
  );
}
