// A model that is there already, made ready to learn more: the scores before its probabilities, perhaps with a new last layer.
import { SlipwayError } from "@slipway/core/base";
import {
  createNode,
  createValueInfo,
  extendModel,
  type Graph,
  type Initializer,
  initializerFromTensor,
  inlineFunctions,
  type Model,
  nameScopeOf,
  type Node,
  subgraphsOf,
  intOf,
  type ValueInfo,
  valuesReadBy,
} from "@slipway/core/graph";
import { constantsToInitializers, inferTypes, symboliseBatch } from "@slipway/core/passes";
import { createRandom, drawUniform } from "@slipway/core/stats";
import type { DType, Tensor } from "@slipway/core/tensor";
import type { BaseOrder } from "./order.ts";

/** Names of a new last layer's parameters. */
export const HEAD = /^head\.(?:weight|bias)(?:_\d+)?$/;

export interface BaseModel {
  /** With scores as its only output, [N, classes], or a number a row. */
  readonly model: Model;
  /** Scores of a row; null where the model does not say. */
  readonly outputs: number | null;
}

/**
 * The part of a model that learns.
 * @param output the value that is learnt by; null takes the first output of numbers, before a Softmax at its end
 * @throws SlipwayError PARAMETER_INVALID where there is no such value; MODEL_UNSUPPORTED for external data
 */
export function baseModel(given: Model, output: string | null): BaseModel {
  // Exporters keep weights in Constant nodes too.
  const model = constantsToInitializers(inlineFunctions(given));
  if (model.graph.initializers.some(({ data }) => data.kind === "external")) {
    throw new SlipwayError(
      "MODEL_UNSUPPORTED",
      "The model keeps weights in other files, and what is trained is read as one; save it with its weights inside.",
    );
  }
  const { graph } = model;
  const makers = makersOf(graph);
  const name = output ?? scoresOf(graph, makers);
  if (output !== null && !makers.has(output)) {
    throw new SlipwayError("PARAMETER_INVALID", `The model computes no value '${output}' to learn by.`);
  }
  const type = graph.outputs.find((one) => one.name === name)?.type ?? null;
  const info = createValueInfo(
    name,
    type?.kind === "tensor" ? type : { kind: "tensor", dtype: "float32", shape: null },
  );
  const kept = asColumn(openedBatch(withOnly(model, [info])));
  return { model: kept, outputs: widthOf(kept) };
}

/** For any number of rows, where it is written for as many as its exporter had. @throws SlipwayError MODEL_UNSUPPORTED */
function openedBatch(model: Model): Model {
  const lengths = model.graph.inputs.map(({ type }) => (type?.kind === "tensor" ? type.shape?.[0] : null));
  const [rows] = lengths;
  if (typeof rows !== "number" || lengths.some((length) => length !== rows)) return model;
  try {
    return symboliseBatch(model);
  } catch (error) {
    if (!(error instanceof SlipwayError) || error.code !== "PASS_REFUSED") throw error;
    throw new SlipwayError(
      "MODEL_UNSUPPORTED",
      `The model takes ${rows} row${rows === 1 ? "" : "s"} at a time, and what learns has to take any number: ${error.message} Export it with an open batch.`,
      { cause: error },
    );
  }
}

/** A number a row, [N], as a column, [N, 1]. */
function asColumn(model: Model): Model {
  const [{ name }] = model.graph.outputs as [ValueInfo];
  const type = inferTypes(model).get(name);
  if (type?.shape?.length !== 1) return model;
  const column = nameScopeOf(model.graph).fresh("column");
  const extended = extendModel(model, new Map<string, DType>([[name, type.dtype]]), (g) => {
    g.output(column, g.op("Reshape", [name, g.values("int64", [-1, 1])]), type.dtype, ["N", 1]);
  });
  return withOnly(extended, extended.graph.outputs.slice(1));
}

/**
 * Weights that are stored as integers don't learn; their scales would, alone and in silence.
 * @throws SlipwayError MODEL_UNSUPPORTED unless a new last layer alone learns
 */
export function refuseQuantised(
  { graph }: Model,
  { isHeadNew, freeze }: Pick<BaseOrder, "isHeadNew" | "freeze">,
): void {
  if (isHeadNew && freeze.includes("*")) return;
  const stored = new Map(graph.initializers.map((one) => [one.name, one]));
  const weight = graph.nodes
    .filter(({ opType }) => opType === "DequantizeLinear")
    .map(({ inputs }) => stored.get(inputs[0]!))
    .find((one) => one !== undefined);
  if (weight === undefined) return;
  throw new SlipwayError(
    "MODEL_UNSUPPORTED",
    `The model is quantised: it stores '${weight.name}' as ${weight.dtype}, which can't learn. Train the model that it was made from, and quantise that; or train a new last layer alone: --head --freeze '*'.`,
  );
}

/** The first output of numbers, or what its Softmax reads. */
function scoresOf(graph: Graph, makers: ReadonlyMap<string, Node>): string {
  const found = graph.outputs.find(({ type }) => type?.kind === "tensor" && /^float(?:32|64)$/.test(type.dtype));
  if (found === undefined) {
    const names = graph.outputs.map(({ name }) => name).join(", ");
    throw new SlipwayError("PARAMETER_INVALID", `No output of the model holds numbers to learn by; it has ${names}.`);
  }
  let { name } = found;
  for (;;) {
    const node = makers.get(name);
    if (node === undefined || node.domain !== "" || !/^(?:Softmax|LogSoftmax|Identity)$/.test(node.opType)) return name;
    name = node.inputs[0]!;
  }
}

/** The model with other outputs, without what nothing needs any more. */
function withOnly(model: Model, outputs: Graph["outputs"]): Model {
  const { graph } = model;
  const needed = new Set(outputs.map(({ name }) => name));
  const nodes: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((name) => needed.has(name))) continue;
    nodes.push(node);
    for (const name of valuesReadBy(node)) needed.add(name);
  }
  const isNeeded = ({ name }: { readonly name: string }): boolean => needed.has(name);
  return {
    ...model,
    graph: {
      ...graph,
      nodes: nodes.toReversed(),
      outputs,
      inputs: graph.inputs.filter(isNeeded),
      initializers: graph.initializers.filter(isNeeded),
      valueInfo: graph.valueInfo.filter(isNeeded),
    },
  };
}

/** Scores of a row: as the model says, else as many as its last layer has. */
function widthOf({ graph }: Model): number | null {
  const [{ name, type }] = graph.outputs as [ValueInfo];
  const last = type?.kind === "tensor" ? type.shape?.at(-1) : null;
  if (typeof last === "number") return last;
  const layer = lastLayer(graph, name, makersOf(graph));
  return layer === null ? null : layer.outputs;
}

interface LastLayer {
  /** What it reads, [N, inputs]. */
  readonly reads: string;
  readonly inputs: number;
  readonly outputs: number;
}

const AFTER_LAYER = /^(?:Identity|Reshape|Sigmoid|Squeeze)$/;

function makersOf({ nodes }: Graph): ReadonlyMap<string, Node> {
  return new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
}

/** The layer that makes a value: a Gemm, or a MatMul with perhaps an Add, by stored weights. */
function lastLayer(graph: Graph, name: string, makers: ReadonlyMap<string, Node>): LastLayer | null {
  const stored = new Map(graph.initializers.map((one): [string, Initializer] => [one.name, one]));
  const node = makers.get(name);
  if (node === undefined || node.domain !== "" || subgraphsOf(node).length > 0) return null;
  // What makes one number a row another shape, or a probability, goes with its layer.
  if (AFTER_LAYER.test(node.opType)) return lastLayer(graph, node.inputs[0]!, makers);
  if (node.opType === "Add") {
    const inner = node.inputs.find((input) => !stored.has(input));
    return inner === undefined ? null : lastLayer(graph, inner, makers);
  }
  if (node.opType !== "Gemm" && node.opType !== "MatMul") return null;
  const weight = stored.get(node.inputs[1]!);
  if (weight === undefined || weight.shape.length !== 2) return null;
  const isTransposed = node.opType === "Gemm" && intOf(node, "transB", 0) === 1;
  const [inputs, outputs] = isTransposed ? weight.shape.toReversed() : weight.shape;
  return { reads: node.inputs[0]!, inputs: inputs!, outputs: outputs! };
}

/**
 * With a last layer of its own for other answers, drawn as PyTorch draws a Linear's.
 * @throws SlipwayError MODEL_UNSUPPORTED where no last layer is found
 */
export function withNewHead({ model }: BaseModel, outputs: number, seed: number): BaseModel {
  const { graph } = model;
  const layer = lastLayer(graph, graph.outputs[0]!.name, makersOf(graph));
  const rank = layer === null ? null : (inferTypes(model).get(layer.reads)?.shape?.length ?? 2);
  if (layer === null || rank !== 2) {
    throw new SlipwayError(
      "MODEL_UNSUPPORTED",
      `What makes '${graph.outputs[0]!.name}' is no layer of stored weights that could be replaced; name the value before it with --output.`,
    );
  }
  const scope = nameScopeOf(graph);
  const [weight, bias, logits] = ["head.weight", "head.bias", "logits"].map((name) => scope.fresh(name));
  const random = createRandom(seed);
  const bound = 1 / Math.sqrt(layer.inputs);
  const drawn = (shape: readonly number[]): Tensor => {
    const count = shape.reduce((product, length) => product * length, 1);
    return {
      dtype: "float32",
      shape,
      data: Float32Array.from({ length: count }, () => bound * (2 * drawUniform(random) - 1)),
    };
  };
  const head = createNode({ opType: "Gemm", inputs: [layer.reads, weight!, bias!], outputs: [logits!] });
  const extended: Model = {
    ...model,
    graph: {
      ...graph,
      nodes: [...graph.nodes, head],
      initializers: [
        ...graph.initializers,
        initializerFromTensor(weight!, drawn([layer.inputs, outputs])),
        initializerFromTensor(bias!, drawn([outputs])),
      ],
    },
  };
  const info = createValueInfo(logits!, { kind: "tensor", dtype: "float32", shape: ["N", outputs] });
  return { model: withOnly(extended, [info]), outputs };
}
