// Sequences that only carry the parts of a tensor from where it is split to where a part is taken, as some exporters write them.
import {
  createNode,
  type Initializer,
  initializerFromTensor,
  intOf,
  type Model,
  nameScopeOf,
  type Node,
  removeNodes,
  replaceNodes,
  tensorFromInitializer,
  tensorOfValues,
  valuesReadBy,
} from "#graph";
import type { Pass } from "./pass.ts";
import { storedTensors } from "./stored-tensors.ts";

/** Reads the parts of a split straight from the tensor: SequenceAt of SplitToSequence is a slice. Others stay as they are. */
export function sliceSplitSequences(model: Model): Model {
  const { graph } = model;
  const stored = storedTensors(graph);
  const splits = new Map(
    graph.nodes.filter(({ opType }) => opType === "SplitToSequence").map((node) => [node.outputs[0]!, node]),
  );
  if (splits.size === 0) return model;
  const scope = nameScopeOf(graph);
  const initializers: Initializer[] = [];
  const constant = (values: readonly number[]): string => {
    const name = scope.fresh("part");
    initializers.push(initializerFromTensor(name, tensorOfValues("int64", values)));
    return name;
  };
  const replacements = new Map<Node, readonly Node[]>();
  for (const node of graph.nodes) {
    const split = node.opType === "SequenceAt" ? splits.get(node.inputs[0]!) : undefined;
    if (split === undefined) continue;
    const bounds = partBounds(split, intsIn(stored.get(node.inputs[1]!)), intsIn(stored.get(split.inputs[1] ?? "")));
    if (bounds === null) continue;
    const inputs = [
      split.inputs[0]!,
      constant([bounds[0]]),
      constant([bounds[1]]),
      constant([intOf(split, "axis", 0)]),
    ];
    replacements.set(node, [createNode({ ...node, opType: "Slice", inputs, attributes: [] })]);
  }
  const sliced = { ...replaceNodes(graph, replacements), initializers: [...graph.initializers, ...initializers] };
  const read = new Set(sliced.nodes.flatMap((node) => [...valuesReadBy(node)]));
  const unread = Array.from(splits.values()).filter(({ outputs }) => !read.has(outputs[0]!));
  return { ...model, graph: removeNodes(sliced, unread) };
}

/** Where a part begins and ends along the axis; null where it can't be told. */
function partBounds(
  split: Node,
  index: readonly number[] | null,
  sizes: readonly number[] | null,
): readonly [number, number] | null {
  const at = index?.[0];
  if (at === undefined || sizes === null || intOf(split, "keepdims", 1) === 0) return null;
  if (sizes.length === 1 && at >= 0) return [at * sizes[0]!, (at + 1) * sizes[0]!];
  const place = at < 0 ? at + sizes.length : at;
  if (sizes[place] === undefined) return null;
  const start = sizes.slice(0, place).reduce((sum, size) => sum + size, 0);
  return [start, start + sizes[place]];
}

function intsIn(stored: Initializer | undefined): readonly number[] | null {
  if (stored === undefined || stored.data.kind === "external") return null;
  return Array.from(tensorFromInitializer(stored).data as ArrayLike<number | bigint>, Number);
}

export const sliceSplitSequencesPass: Pass = {
  name: "slice-split-sequences",
  requires: ["opset-13-up"],
  does: "Reads a part of a split sequence straight from the tensor that was split.",
  ensures: [],
  run: sliceSplitSequences,
};
