// Models of scikit-learn and the like, whose weights are attributes.
import { attributeValue, intsOf } from "#graph";
import { SIGMOID_FLOPS } from "./convention.ts";
import { flops, macs, type OperatorCall, type OperatorRule, type Work } from "./operator-call.ts";

/** Rows of a table of features; a single row may come without an axis for it. */
function rowsOf(call: OperatorCall): number {
  const dims = call.input(0);
  return dims.length < 2 ? 1 : dims[0]!;
}

function floatCount(call: OperatorCall, attribute: string): number {
  return attributeValue(call.node, attribute, "floats")?.length ?? 0;
}

/** Rows · outputs · features, and the intercepts. */
function linear(call: OperatorCall): Work {
  const rows = rowsOf(call);
  return macs(rows * floatCount(call, "coefficients"), rows * floatCount(call, "intercepts"));
}

/** A product with every support vector, and the kernel's function where there is one. */
function supportVectors(call: OperatorCall): Work {
  const rows = rowsOf(call);
  const features = call.input(0).at(-1) ?? 1;
  const products = rows * floatCount(call, "support_vectors");
  const kernels = features === 0 ? 0 : products / features;
  const each =
    call.strings("kernel_params") === undefined && call.string("kernel_type", "LINEAR") === "LINEAR"
      ? 0
      : SIGMOID_FLOPS;
  return macs(products + rows * floatCount(call, "coefficients"), kernels * each);
}

/** A comparison for each level of each tree, and an addition for each tree: an upper bound, since leaves differ in depth. */
function trees(call: OperatorCall): Work {
  const { node } = call;
  const [tree, id] = [intsOf(node, "nodes_treeids", []), intsOf(node, "nodes_nodeids", [])];
  const [yes, no] = [intsOf(node, "nodes_truenodeids", []), intsOf(node, "nodes_falsenodeids", [])];
  const modes = call.strings("nodes_modes") ?? [];
  const children = new Map<string, readonly string[]>();
  const reached = new Set<string>();
  for (const [index, mode] of modes.entries()) {
    if (mode === "LEAF") continue;
    const both = [`${tree[index]}/${yes[index]}`, `${tree[index]}/${no[index]}`];
    children.set(`${tree[index]}/${id[index]}`, both);
    for (const child of both) reached.add(child);
  }
  let level = [...new Set(tree.map((number, index) => `${number}/${id[index]}`))].filter((name) => !reached.has(name));
  const roots = level.length;
  let comparisons = 0;
  // A broken file may have circles; no tree is deeper than it has nodes.
  for (let depth = 0; level.length > 0 && depth <= modes.length; depth++) {
    const inner = level.filter((name) => children.has(name));
    comparisons += new Set(inner.map((name) => name.split("/")[0])).size;
    level = [...new Set(inner.flatMap((name) => children.get(name)!))];
  }
  return flops(rowsOf(call) * (comparisons + roots));
}

/** Rules by operator, with the domain before the name. */
export const CLASSICAL_RULES: Readonly<Record<string, OperatorRule>> = {
  "ai.onnx.ml.LinearClassifier": linear,
  "ai.onnx.ml.LinearRegressor": linear,
  "ai.onnx.ml.SVMClassifier": supportVectors,
  "ai.onnx.ml.SVMRegressor": supportVectors,
  "ai.onnx.ml.TreeEnsembleClassifier": trees,
  "ai.onnx.ml.TreeEnsembleRegressor": trees,
};
