// Convolutions of a step of training whose windows are few, as the products of matrices that their gradients are made of: what
// the windows see is gathered once for both.
import { AttributeReader, extendModel, type Model, type Node, replaceNodes } from "#graph";
import type { Dimension } from "#tensor";
import { dtypesOf, type ValueTypes } from "#passes";
import { Emitter } from "./emitter.ts";
import { tapsOf, windowOf } from "./rules/window.ts";
import { channelsSecond, gatheringOf, seenByWindows } from "./rules/windows-as-rows.ts";

/** Up to so many windows a sample, a convolution is slower than the product; docs/autodiff.md has what was measured. */
const MOST_WINDOWS = 8;

/**
 * The model with such convolutions as products.
 * @param types of the values of the model; what is not known is left as it is
 */
export function withForwardProducts(model: Model, types: ValueTypes): Model {
  const dtypes = dtypesOf(types);
  let made = model;
  for (const node of model.graph.nodes) {
    const facts = factsOf(node, types);
    if (facts === null) continue;
    const before = made.graph.nodes.length;
    made = extendModel(made, dtypes, (g) => emit(Emitter.over(g, model.opsets.get("")!, types), node, facts));
    const nodes = made.graph.nodes.slice(before);
    nodes.push({ ...nodes.pop()!, outputs: node.outputs });
    const graph = { ...made.graph, nodes: made.graph.nodes.slice(0, before) };
    made = { ...made, graph: replaceNodes(graph, new Map([[node, nodes]])) };
  }
  return made;
}

interface ConvolutionFacts {
  /** Windows along each spatial axis. */
  readonly counts: readonly number[];
  readonly input: readonly Dimension[];
  /** [K, C, …kernel] */
  readonly kernel: readonly number[];
}

/** What has to be known of a convolution; null where it is none, is in groups, or has many windows. */
function factsOf(node: Node, types: ValueTypes): ConvolutionFacts | null {
  const isConvolution = node.opType === "Conv" && node.domain === "";
  if (!isConvolution || new AttributeReader(node).int("group", 1) !== 1) return null;
  const shapeOf = (name: string): readonly Dimension[] | null => types.get(name)?.shape ?? null;
  const input = shapeOf(node.inputs[0] ?? "");
  const kernel = shapeOf(node.inputs[1] ?? "");
  const counts: readonly Dimension[] | null = shapeOf(node.outputs[0] ?? "")?.slice(2) ?? null;
  if (input === null || !isFixed(input.slice(1)) || !isFixed(kernel) || !isFixed(counts)) return null;
  const windows = counts.reduce((product, count) => product * count, 1);
  return windows <= MOST_WINDOWS ? { counts, input, kernel } : null;
}

function isFixed(shape: readonly Dimension[] | null): shape is readonly number[] {
  return shape !== null && shape.every((length) => typeof length === "number");
}

function emit(
  e: Emitter,
  node: Node,
  { counts, input, kernel: [kernels = 0, channels = 0, ...kernel] }: ConvolutionFacts,
): string {
  const read = new AttributeReader(node);
  const window = windowOf(
    {
      ints: (name) => read.ints(name),
      string: (name, fallback) => read.string(name, fallback),
      fixed: (axis) => input[axis] as number,
    },
    kernel,
  );
  const seen = seenByWindows(e, node.inputs[0]!, channels, gatheringOf(window, counts));
  const places = tapsOf(kernel).length;
  // [places · C, K], the places in the order of what is seen.
  const apart = e.transpose(e.reshape(node.inputs[1]!, e.ints([kernels, channels, places])), [2, 1, 0]);
  const weights = e.reshape(apart, e.ints([places * channels, kernels]));
  const bias = (node.inputs[2] ?? "") === "" ? [] : [node.inputs[2]!];
  return channelsSecond(e, e.op("Gemm", [seen, weights, ...bias]), counts, kernels);
}
