// A network as a step of training takes it: dropout by masks that are given, so that a step draws the same whenever it is run; and
// what lies before everything that learns as it is when it is used, so that a frozen backbone answers as it does when served.
import type { ValueTypes } from "@slipway/core/autodiff";
import { SlipwayError } from "@slipway/core/base";
import {
  createNode,
  createValueInfo,
  describeNode,
  floatOf,
  initializerFromTensor,
  type Initializer,
  type Model,
  nameScopeOf,
  type Node,
  tensorFromInitializer,
  tensorOfValues,
  valuesReadBy,
  type ValueInfo,
} from "@slipway/core/graph";
import type { Tensor } from "@slipway/core/tensor";

/** An input that takes what a dropout multiplies by. */
export interface DropoutMask {
  readonly input: string;
  /** Of one row. */
  readonly shape: readonly number[];
  /** The share of the elements that become 0. */
  readonly share: number;
}

export interface LearningNetwork {
  readonly model: Model;
  readonly masks: readonly DropoutMask[];
}

const DEFAULT_SHARE = 0.5;
const DEFAULT_EPSILON = 1e-5;

/**
 * @param model in the words of `inGradientWords`
 * @param learning the parameters that learn
 * @param types of the model's values
 * @throws SlipwayError MODEL_UNSUPPORTED for a dropout of a share that is computed, or over axes whose length is open
 */
export function learningNetwork(model: Model, learning: ReadonlySet<string>, types: ValueTypes): LearningNetwork {
  const { graph } = model;
  const scope = nameScopeOf(graph);
  const stored = new Map(graph.initializers.map((one) => [one.name, one]));
  const inputs: ValueInfo[] = [];
  const initializers: Initializer[] = [];
  const masks: DropoutMask[] = [];
  const moving = new Set(learning);
  const nodes = graph.nodes.flatMap((node): Node[] => {
    if (Array.from(valuesReadBy(node)).some((name) => moving.has(name)))
      for (const output of node.outputs) moving.add(output);
    const isFrozen = !node.outputs.some((name) => moving.has(name));
    if (node.domain !== "") return [node];
    if (node.opType === "BatchNormalization") {
      const parameters = node.inputs.slice(1, 3);
      return parameters.some((name) => learning.has(name))
        ? [node]
        : asAffine(node, stored, initializers, scope, types);
    }
    if (node.opType !== "Dropout") return [node];
    const share = shareOf(node, stored);
    if (isFrozen || share === 0) return [withoutMask(node)];
    const shape = types.get(node.inputs[0]!)?.shape?.slice(1) ?? null;
    if (shape === null || !shape.every((length) => typeof length === "number")) {
      throw new SlipwayError(
        "MODEL_UNSUPPORTED",
        `${describeNode(node)} drops elements of rows whose lengths the network leaves open; training needs them fixed, or the dropout left out.`,
      );
    }
    const input = scope.fresh("dropout_mask");
    inputs.push(createValueInfo(input, { kind: "tensor", dtype: "float32", shape: ["N", ...shape] }));
    masks.push({ input, shape, share });
    return [
      createNode({ opType: "Mul", name: node.name, inputs: [node.inputs[0]!, input], outputs: [node.outputs[0]!] }),
    ];
  });
  return {
    model: {
      ...model,
      graph: {
        ...graph,
        nodes,
        inputs: [...graph.inputs, ...inputs],
        initializers: [...graph.initializers, ...initializers],
      },
    },
    masks,
  };
}

function withoutMask(node: Node): Node {
  return createNode({ opType: "Identity", name: node.name, inputs: [node.inputs[0]!], outputs: [node.outputs[0]!] });
}

function shareOf(node: Node, stored: ReadonlyMap<string, Initializer>): number {
  const name = node.inputs[1] ?? "";
  if (name === "") return floatOf(node, "ratio", DEFAULT_SHARE);
  const tensor = stored.get(name);
  if (tensor !== undefined) return Number(tensorFromInitializer(tensor).data[0]);
  throw new SlipwayError(
    "MODEL_UNSUPPORTED",
    `${describeNode(node)} computes the share it drops from '${name}'; training needs one that is stored.`,
  );
}

/** A normalisation whose parameters stay: by its stored statistics, which a step would otherwise renew. */
function asAffine(
  node: Node,
  stored: ReadonlyMap<string, Initializer>,
  added: Initializer[],
  scope: { fresh(name: string): string },
  types: ValueTypes,
): Node[] {
  const parts = node.inputs.slice(1, 5).map((name) => stored.get(name));
  if (parts.some((part) => part === undefined || part.dtype !== "float32")) return [node];
  const [scale, bias, mean, variance] = parts.map((part) => tensorFromInitializer(part!).data as Float32Array);
  const epsilon = floatOf(node, "epsilon", DEFAULT_EPSILON);
  const factor = scale!.map((one, at) => one / Math.sqrt(variance![at]! + epsilon));
  const offset = bias!.map((one, at) => one - mean![at]! * factor[at]!);
  const rank = types.get(node.inputs[0]!)?.shape?.length ?? 4;
  const shape = [1, factor.length, ...Array.from({ length: rank - 2 }, () => 1)];
  const store = (name: string, values: Float32Array): string => {
    const fresh = scope.fresh(name);
    const tensor: Tensor = tensorOfValues("float32", Array.from(values), shape);
    added.push(initializerFromTensor(fresh, tensor));
    return fresh;
  };
  const product = scope.fresh("normalized");
  return [
    createNode({ opType: "Mul", inputs: [node.inputs[0]!, store("factor", factor)], outputs: [product] }),
    createNode({ opType: "Add", inputs: [product, store("offset", offset)], outputs: [node.outputs[0]!] }),
  ];
}
