// Weights replaced by zeros that the engine makes when a node needs them, and forgets again. Shapes do not depend on
// weights; so a model of many gigabytes is examined without reading them, and without holding them.
import { SlipwayError } from "@slipway/core/base";
import {
  type Attribute,
  attributeOf,
  byteSourceFromBytes,
  createAttribute,
  createNode,
  type ExternalLookup,
  type Graph,
  type Initializer,
  initializerFromTensor,
  initializerSizeBytes,
  type Model,
  type NameScope,
  nameScopeOf,
  type Node,
  subgraphsOf,
  tensorOfValues,
} from "@slipway/core/graph";
import { type DType, zeros } from "@slipway/core/tensor";

/** Smaller tensors stay: they may be shapes, axes or scales, which others' shapes do depend on. */
const LARGEST_KEPT_BYTES = 16 * 2 ** 10;
/** ConstantOfShape came with this operator set. */
const FIRST_OPSET = 9;
/** What ONNX Runtime's ConstantOfShape makes. */
const MADE: ReadonlySet<DType> = new Set<DType>([
  "float32",
  "float64",
  "float16",
  "int8",
  "int16",
  "int32",
  "int64",
  "uint8",
  "uint16",
  "uint32",
  "uint64",
  "bool",
]);

/**
 * The model without its large weights, in the graph and in bodies; small external tensors are taken in.
 * @param external finds external data
 * @returns null where this operator set has no way to make zeros
 * @throws SlipwayError MODEL_UNSAFE for a small external tensor that can't be found
 */
export function withoutWeights(model: Model, external: ExternalLookup | undefined): Model | null {
  if ((model.opsets.get("") ?? 0) < FIRST_OPSET) return null;
  return { ...model, graph: graphWithoutWeights(model.graph, nameScopeOf(model.graph), external) };
}

function graphWithoutWeights(graph: Graph, names: NameScope, external: ExternalLookup | undefined): Graph {
  const initializers: Initializer[] = [];
  const made: Node[] = [];
  const make = (name: string, { dtype, shape }: Initializer): Node => {
    const lengths = names.fresh(`${name}_shape`);
    initializers.push(initializerFromTensor(lengths, tensorOfValues("int64", shape)));
    const value = createAttribute("tensor", "value", initializerFromTensor("", zeros(dtype, [1])));
    return createNode({ opType: "ConstantOfShape", inputs: [lengths], outputs: [name], attributes: [value] });
  };
  for (const initializer of graph.initializers) {
    if (isLarge(initializer)) made.push(make(initializer.name, initializer));
    else initializers.push(takenIn(initializer, external));
  }
  const nodes = graph.nodes.map((node) => {
    const value = node.opType === "Constant" && node.domain === "" ? attributeOf(node, "value") : undefined;
    if (value?.kind === "tensor" && isLarge(value.value)) return make(node.outputs[0]!, value.value);
    return withBodies(node, (body) => graphWithoutWeights(body, names, external));
  });
  return { ...graph, initializers, nodes: [...made, ...nodes] };
}

function isLarge(initializer: Initializer): boolean {
  return MADE.has(initializer.dtype) && initializerSizeBytes(initializer)! > LARGEST_KEPT_BYTES;
}

function takenIn(initializer: Initializer, external: ExternalLookup | undefined): Initializer {
  const { data, name } = initializer;
  if (data.kind !== "external") return initializer;
  if (external === undefined) {
    throw new SlipwayError(
      "MODEL_UNSAFE",
      `Tensor ${JSON.stringify(name)} lies in the file ${JSON.stringify(data.reference.location)}, which is not part of the model.`,
    );
  }
  const source = external(data.reference);
  const bytes = byteSourceFromBytes(source.read(0, source.sizeBytes));
  return { ...initializer, data: { kind: "bytes", bytes } };
}

/** The node with its bodies replaced. */
export function withBodies(node: Node, map: (body: Graph, index: number) => Graph): Node {
  const bodies = subgraphsOf(node);
  if (bodies.length === 0) return node;
  const mapped = new Map(bodies.map((body, index) => [body, map(body, index)]));
  const attributes = node.attributes.map((attribute): Attribute => {
    if (attribute.kind === "graph") return { ...attribute, value: mapped.get(attribute.value)! };
    if (attribute.kind === "graphs") return { ...attribute, value: attribute.value.map((body) => mapped.get(body)!) };
    return attribute;
  });
  return { ...node, attributes };
}
