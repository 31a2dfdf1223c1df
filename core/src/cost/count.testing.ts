// Counting a single node, for tests of the operators' rules.
import { type GraphBuilder, graphBuilder } from "#graph";
import { countGraph, type GraphCost } from "./count.ts";
import type { ValueShape } from "./shapes.ts";

export interface CountedNode {
  readonly macs: number;
  readonly others: number;
  readonly cost: GraphCost;
}

/** Counts a single node with inputs of these shapes. */
export function countNode(
  opType: string,
  inputs: readonly (readonly number[] | null)[],
  outputs: readonly (readonly number[])[],
  attributes: Parameters<GraphBuilder["op"]>[2] = {},
  domain = "",
): CountedNode {
  const graph = graphBuilder({ opset: 20, opsets: { "com.microsoft": 1, "ai.onnx.ml": 3 } });
  const shapes = new Map<string, ValueShape>();
  const names = inputs.map((dims, index) => {
    if (dims === null) return "";
    shapes.set(`x${index}`, { dtype: "float32", dims });
    return graph.input(`x${index}`, "float32", dims);
  });
  const made = graph.opOutputs(opType, names, outputs.length, attributes, { domain });
  for (const [index, dims] of outputs.entries()) {
    shapes.set(`y${index}`, { dtype: "float32", dims });
    graph.output(`y${index}`, made[index]!, "float32", dims);
  }
  const cost = countGraph(graph.graph(), shapes);
  return { macs: cost.macs, others: cost.flops - 2 * cost.macs, cost };
}
