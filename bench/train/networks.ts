// The networks whose training is measured, as ONNX models with weights from a seed. `step_peer.py` has the same in PyTorch, with
// weights under the same names.
import { type GraphBuilder, graphBuilder, type Model } from "@slipway/core/graph";
import type { Emission, Optimizer } from "@slipway/core/autodiff";
import type { Tensor } from "@slipway/core/tensor";
import { seededRandom } from "../../server/src/load/index.ts";

export const ROWS = 64;
const CLASSES = 10;
const SEED = 1;

interface Network {
  readonly says: string;
  /** Shape of a batch; whole numbers below `words` where that is said, else numbers from 0 to 1. */
  readonly input: readonly number[];
  readonly words?: number;
  /** Steps that one run of the engine does, so many that what goes in and out between runs hardly counts. */
  readonly stepsPerRun: number;
  build(g: GraphBuilder, parameters: Parameters): string;
}

/** Makes parameters: random ones that keep the size of what passes, ones, and zeros. */
class Parameters {
  readonly #g: GraphBuilder;
  readonly #random = seededRandom(SEED);

  constructor(g: GraphBuilder) {
    this.#g = g;
  }

  /** Uniform, of the variance 1 / fanIn times `gain`. */
  random(name: string, shape: readonly number[], fanIn: number, gain = 1): string {
    const limit = Math.sqrt((3 * gain) / fanIn);
    const data = Float32Array.from({ length: sizeOf(shape) }, () => (this.#random() * 2 - 1) * limit);
    return this.#g.constant({ dtype: "float32", shape, data }, name);
  }

  filled(name: string, length: number, value: number): string {
    return this.#g.constant({ dtype: "float32", shape: [length], data: new Float32Array(length).fill(value) }, name);
  }
}

/** x · Wᵀ + b, W [outputs, inputs]. */
function linear(g: GraphBuilder, p: Parameters, x: string, name: string, inputs: number, outputs: number): string {
  const weight = p.random(`${name}.weight`, [outputs, inputs], inputs, 2);
  return g.op("Gemm", [x, weight, p.filled(`${name}.bias`, outputs, 0)], { transB: 1 });
}

/** x · W + b of a stack, W [inputs, outputs]. */
function project(g: GraphBuilder, p: Parameters, x: string, name: string, inputs: number, outputs: number): string {
  const weight = p.random(`${name}.weight`, [inputs, outputs], inputs);
  return g.op("Add", [g.op("MatMul", [x, weight]), p.filled(`${name}.bias`, outputs, 0)]);
}

interface ConvolutionOptions {
  readonly kernel?: number;
  readonly stride?: number;
}

/** Convolution without a bias, then BatchNormalization. */
function normalizedConvolution(
  g: GraphBuilder,
  p: Parameters,
  x: string,
  name: string,
  inputs: number,
  outputs: number,
  { kernel = 3, stride = 1 }: ConvolutionOptions = {},
): string {
  const weight = p.random(`${name}.conv.weight`, [outputs, inputs, kernel, kernel], inputs * kernel ** 2, 2);
  const pad = (kernel - 1) / 2;
  const made = g.op("Conv", [x, weight], {
    kernel_shape: [kernel, kernel],
    pads: [pad, pad, pad, pad],
    strides: [stride, stride],
  });
  const bn = `${name}.norm`;
  const statistics = [
    p.filled(`${bn}.weight`, outputs, 1),
    p.filled(`${bn}.bias`, outputs, 0),
    p.filled(`${bn}.running_mean`, outputs, 0),
    p.filled(`${bn}.running_var`, outputs, 1),
  ];
  return g.op("BatchNormalization", [made, ...statistics]);
}

function layerNormalized(g: GraphBuilder, p: Parameters, x: string, name: string, width: number): string {
  const parameters = [p.filled(`${name}.weight`, width, 1), p.filled(`${name}.bias`, width, 0)];
  return g.op("LayerNormalization", [x, ...parameters], { axis: -1 });
}

function transformerBlock(g: GraphBuilder, p: Parameters, x: string, name: string, width: number, heads: number) {
  const [length, size] = [-1, width / heads];
  const normalized = layerNormalized(g, p, x, `${name}.norm1`, width);
  const joined = project(g, p, normalized, `${name}.qkv`, width, 3 * width);
  const parts = g.opOutputs("Split", [joined], 3, { axis: -1, num_outputs: 3 });
  const shape = g.values("int64", [0, length, heads, size]);
  const [q, k, v] = parts.map((part, index) =>
    g.op("Transpose", [g.op("Reshape", [part, shape])], { perm: index === 1 ? [0, 2, 3, 1] : [0, 2, 1, 3] }),
  );
  const scores = g.op("Mul", [g.op("MatMul", [q!, k!]), g.values("float32", [size ** -0.5], [])]);
  const seen = g.op("MatMul", [g.op("Softmax", [scores], { axis: -1 }), v!]);
  const merged = g.op("Reshape", [
    g.op("Transpose", [seen], { perm: [0, 2, 1, 3] }),
    g.values("int64", [0, length, width]),
  ]);
  const attended = g.op("Add", [x, project(g, p, merged, `${name}.out`, width, width)]);
  const up = project(g, p, layerNormalized(g, p, attended, `${name}.norm2`, width), `${name}.up`, width, 4 * width);
  return g.op("Add", [attended, project(g, p, g.op("Gelu", [up]), `${name}.down`, 4 * width, width)]);
}

function residualBlock(g: GraphBuilder, p: Parameters, x: string, name: string, inputs: number, outputs: number) {
  const stride = inputs === outputs ? 1 : 2;
  const first = g.op("Relu", [normalizedConvolution(g, p, x, `${name}.first`, inputs, outputs, { stride })]);
  const second = normalizedConvolution(g, p, first, `${name}.second`, outputs, outputs);
  const way = stride === 1 ? x : normalizedConvolution(g, p, x, `${name}.way`, inputs, outputs, { kernel: 1, stride });
  return g.op("Relu", [g.op("Add", [second, way])]);
}

const halved = (g: GraphBuilder, x: string): string => g.op("MaxPool", [x], { kernel_shape: [2, 2], strides: [2, 2] });

export const NETWORKS = {
  mlp: {
    says: "MLP 784-1024-1024-10",
    input: [ROWS, 784],
    stepsPerRun: 10,
    build(g, p) {
      const first = g.op("Relu", [linear(g, p, "x", "first", 784, 1024)]);
      const second = g.op("Relu", [linear(g, p, first, "second", 1024, 1024)]);
      return linear(g, p, second, "head", 1024, CLASSES);
    },
  },
  cnn: {
    says: "the digits CNN (five 3 × 3 convolutions of 16 to 48 channels over 28 × 28, each with BatchNormalization)",
    input: [ROWS, 1, 28, 28],
    stepsPerRun: 10,
    build(g, p) {
      const channels = [1, 16, 16, 32, 32, 48];
      let x = "x";
      for (let layer = 1; layer < channels.length; layer++) {
        x = g.op("Relu", [normalizedConvolution(g, p, x, `layer${layer}`, channels[layer - 1]!, channels[layer]!)]);
        if (layer === 2 || layer === 4 || layer === 5) x = halved(g, x);
      }
      return linear(g, p, g.op("Flatten", [x]), "head", 48 * 9, CLASSES);
    },
  },
  transformer: {
    says: "Transformer encoder, 4 layers, 256 wide, 4 heads, 128 tokens of 1000 words",
    input: [ROWS, 128],
    words: 1000,
    stepsPerRun: 2,
    build(g, p) {
      const width = 256;
      let x = g.op("Add", [
        g.op("Gather", [p.random("words.weight", [1000, width], 4), "x"]),
        p.random("places", [128, width], 4),
      ]);
      for (let layer = 1; layer <= 4; layer++) x = transformerBlock(g, p, x, `layer${layer}`, width, 4);
      const pooled = g.op("ReduceMean", [layerNormalized(g, p, x, "norm", width), g.values("int64", [1])], {
        keepdims: 0,
      });
      return linear(g, p, pooled, "head", width, CLASSES);
    },
  },
  resnet18: {
    says: "ResNet-18 at 64 × 64",
    input: [ROWS, 3, 64, 64],
    stepsPerRun: 2,
    build(g, p) {
      let x = g.op("Relu", [normalizedConvolution(g, p, "x", "stem", 3, 64, { kernel: 7, stride: 2 })]);
      x = g.op("MaxPool", [x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
      const channels = [64, 64, 128, 256, 512];
      for (let stage = 1; stage < channels.length; stage++) {
        x = residualBlock(g, p, x, `stage${stage}.first`, channels[stage - 1]!, channels[stage]!);
        x = residualBlock(g, p, x, `stage${stage}.second`, channels[stage]!, channels[stage]!);
      }
      return linear(g, p, g.op("Flatten", [g.op("GlobalAveragePool", [x])]), "head", 512, CLASSES);
    },
  },
} as const satisfies Record<string, Network>;

export type NetworkName = keyof typeof NETWORKS;
export const NETWORK_NAMES = Object.keys(NETWORKS) as NetworkName[];

/** The optimisers steps are measured with, and their rates. */
export const OPTIMIZERS = {
  sgd: { optimizer: { kind: "sgd", momentum: 0.9 }, learningRate: 0.01 },
  adam: { optimizer: { kind: "adam" }, learningRate: 1e-3 },
} as const satisfies Record<string, { readonly optimizer: Optimizer; readonly learningRate: number }>;
export type OptimizerName = keyof typeof OPTIMIZERS;
export const OPTIMIZER_NAMES = Object.keys(OPTIMIZERS) as OptimizerName[];

/** How a step is made: of which operators, and whether many are one Loop. Fast ones are in the form that is fastest here. */
interface Manner {
  readonly emission: Emission;
  readonly isLooped: boolean;
}

/** Our contenders. */
export const OWN = {
  fast: { emission: "fast", isLooped: true },
  portable: { emission: "portable", isLooped: true },
  "step by step": { emission: "fast", isLooped: false },
} as const satisfies Record<string, Manner>;
export type OwnName = keyof typeof OWN;
export const OWN_NAMES = Object.keys(OWN) as OwnName[];

export function networkModel(name: NetworkName): Model {
  const network: Network = NETWORKS[name];
  const g = graphBuilder({ opset: 20 });
  g.input("x", network.words === undefined ? "float32" : "int64", network.input);
  g.output("logits", network.build(g, new Parameters(g)), "float32", [ROWS, CLASSES]);
  return g.model();
}

/** A batch of made-up inputs and labels, the same for all that are measured. */
export function madeUpBatch(name: NetworkName): { readonly x: Tensor; readonly labels: Tensor } {
  const { input: shape, words }: Network = NETWORKS[name];
  const random = seededRandom(SEED + 1);
  const length = sizeOf(shape);
  const x: Tensor =
    words === undefined
      ? { dtype: "float32", shape, data: Float32Array.from({ length }, () => random()) }
      : {
          dtype: "int64",
          shape,
          data: BigInt64Array.from({ length }, () => BigInt(Math.floor(random() * words))),
        };
  const labels = BigInt64Array.from({ length: ROWS }, () => BigInt(Math.floor(random() * CLASSES)));
  return { x, labels: { dtype: "int64", shape: [ROWS], data: labels } };
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}
