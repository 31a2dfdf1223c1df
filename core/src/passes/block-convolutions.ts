// Convolutions in the layout that ONNX Runtime's fastest ones work in, NCHWc: channels in blocks, a block's lying side by side. It
// goes over to that by itself where weights are stored; those of a step of training are given anew with each run.
import {
  AttributeReader,
  attributeFrom,
  type Attribute,
  createNode,
  type Initializer,
  initializerFromTensor,
  type Model,
  nameScopeOf,
  type NameScope,
  type Node,
  replaceNodes,
  tensorOfValues,
} from "#graph";
import type { Dimension } from "#tensor";
import { inferTypes } from "./shapes/index.ts";
import { storedTensors } from "./stored-tensors.ts";
import type { ValueTypes } from "./value-types.ts";

/** The operator set of the engine's own convolutions and of what brings values into their layout and back. */
export const BLOCKED_DOMAIN = "com.microsoft.nchwc";

/** Images that a kernel is slid over fewer times gain less than bringing them into the layout takes. */
const LEAST_WINDOWS = 25;

/**
 * The model with such convolutions of images as gain by it: in float32, by kernels of more than one place that are not stored,
 * over all channels or each on its own, where channels fill whole blocks. What goes into one is brought into the layout in front
 * of it, and what comes out is brought back.
 * @param block channels of a block: what the engine has on the machine that will run the model. With another number it answers
 *   something else, or refuses to run.
 */
export function blockConvolutions(model: Model, block: number): Model {
  const types = inferTypes(model);
  const stored = storedTensors(model.graph);
  const blocking = new Blocking(nameScopeOf(model.graph), block);
  const replacements = new Map<Node, readonly Node[]>();
  for (const node of model.graph.nodes) {
    const kernel = stored.has(node.inputs[1] ?? "") ? null : kernelOf(node, types, block);
    if (kernel !== null) replacements.set(node, blocking.blocked(node, kernel));
  }
  if (replacements.size === 0) return model;
  const graph = replaceNodes(model.graph, replacements);
  return {
    ...model,
    opsets: new Map([...model.opsets, [BLOCKED_DOMAIN, 1]]),
    graph: { ...graph, initializers: [...graph.initializers, ...blocking.stored] },
  };
}

/** [K, C/groups, height, width] of a convolution's weights. */
type Kernel = readonly [number, number, number, number];

/** Of a convolution that gains by the layout; null for others. */
function kernelOf(node: Node, types: ValueTypes, block: number): Kernel | null {
  if (node.opType !== "Conv" || node.domain !== "") return null;
  const weights = types.get(node.inputs[1]!);
  const shape: readonly Dimension[] = weights?.shape ?? [];
  if (weights?.dtype !== "float32" || shape.length !== 4 || !isFixed(shape)) return null;
  const [kernels, channels, height, width] = shape as unknown as Kernel;
  const groups = new AttributeReader(node).int("group", 1);
  const fills = kernels % block === 0 && (groups === 1 ? channels % block === 0 : isDepthwise(shape, groups));
  if (!fills || height * width === 1) return null;
  const windows: readonly Dimension[] = types.get(node.outputs[0]!)?.shape?.slice(2) ?? [null];
  const hasFew = isFixed(windows) && windows.reduce((product, length) => product * length, 1) < LEAST_WINDOWS;
  return hasFew ? null : [kernels, channels, height, width];
}

function isDepthwise([kernels, channels]: readonly number[], groups: number): boolean {
  return channels === 1 && kernels === groups;
}

function isFixed(shape: readonly Dimension[]): shape is readonly number[] {
  return shape.every((length) => typeof length === "number");
}

class Blocking {
  readonly stored: Initializer[] = [];
  readonly #scope: NameScope;
  readonly #block: number;
  /** What was brought into the layout already, by what it was. */
  readonly #inBlocks = new Map<string, string>();

  constructor(scope: NameScope, block: number) {
    this.#scope = scope;
    this.#block = block;
  }

  /** The nodes that do what a convolution does. */
  blocked(node: Node, [kernels, channels, height, width]: Kernel): readonly Node[] {
    const [x, weights, ...bias] = node.inputs as [string, string, ...string[]];
    const nodes: Node[] = [];
    const op = (opType: string, inputs: readonly string[], attributes: readonly Attribute[], domain = ""): string => {
      const output = this.#scope.fresh(`${opType.toLowerCase()}_blocked`);
      nodes.push(createNode({ opType, domain, inputs, outputs: [output], attributes }));
      return output;
    };
    const entered = this.#inBlocks.get(x) ?? op("ReorderInput", [x], [], BLOCKED_DOMAIN);
    this.#inBlocks.set(x, entered);
    const block = this.#block;
    // Kernel by kernel of a block behind channel by channel of one: [K/b, C/b, height, width, b of C, b of K].
    const apart = channels === 1 ? [channels] : [channels / block, block];
    const split = op("Reshape", [weights, this.#ints([kernels / block, block, ...apart, height, width])], []);
    const perm = channels === 1 ? [0, 2, 3, 4, 1] : [0, 2, 4, 5, 3, 1];
    const turned = op("Transpose", [split], [attributeFrom("perm", perm)]);
    const filter = op("Reshape", [turned, this.#ints([kernels, channels, height, width])], []);
    const made = op("Conv", [entered, filter, ...bias], node.attributes, BLOCKED_DOMAIN);
    const left = createNode({
      opType: "ReorderOutput",
      domain: BLOCKED_DOMAIN,
      inputs: [made],
      outputs: node.outputs,
      attributes: [attributeFrom("channels", kernels)],
    });
    return [...nodes, left];
  }

  #ints(values: readonly number[]): string {
    const name = this.#scope.fresh("blocks");
    this.stored.push(initializerFromTensor(name, tensorOfValues("int64", values)));
    return name;
  }
}
