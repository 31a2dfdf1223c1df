// Networks whose answers and gradients PyTorch's goldens tell (tools/goldens/networks.py), and their weights.
import { readFileSync } from "node:fs";
import path from "node:path";
import {
  averagePool,
  build,
  classToken,
  cnn,
  concatenate,
  conv,
  convTranspose,
  firstToken,
  flatten,
  globalAveragePool,
  globalMaxPool,
  groupNorm,
  layerNorm,
  linear,
  maxPool,
  mlp,
  mobileNetV2,
  named,
  patchEmbedding,
  positionEmbedding,
  relu,
  resNet18,
  silu,
  softmax,
  squeezeExcitation,
  tanh,
  transformerBlock,
  transformerDecoder,
  transformerEncoder,
  upsample,
} from "@slipway/core/build";
import { initializerFromTensor, type Model } from "@slipway/core/graph";
import { Tensor } from "onnxruntime-node";
import type { Feeds } from "../autodiff/gradient-check.ts";
import { type GoldenInput, tensorFromGolden } from "../goldens/inputs.ts";

export interface NetworkCase {
  readonly name: string;
  readonly parameters: readonly GoldenInput[];
  readonly inputs: readonly GoldenInput[];
  readonly shape: readonly number[];
  readonly values: readonly number[];
  /** The cross-entropy of the answers, by the label 2i modulo the classes for the row i. */
  readonly loss: number;
  /** Of the loss by each parameter: norm, and product with numbers from a seed; null for running statistics. */
  readonly gradients: readonly (readonly [norm: number, along: number] | null)[];
}

export const GOLDENS = JSON.parse(
  readFileSync(path.resolve(import.meta.dirname, "../goldens/networks.json"), "utf8"),
) as {
  readonly cases: readonly NetworkCase[];
  readonly activations: { readonly x: readonly number[]; readonly values: Readonly<Record<string, readonly number[]>> };
  readonly counts: Readonly<Record<string, number>>;
};

const tokens = { vocabulary: 9, maximumLength: 12, width: 8, heads: 2, feedForward: 16, seed: 1 } as const;
const images = { channels: 2, height: 9, width: 8, classes: 3, stages: [4, 6], seed: 1 } as const;

export const NETWORKS: Readonly<Record<string, () => Model>> = {
  "mlp, batch": () => mlp({ inputs: 5, hidden: [7, 6], outputs: 3, normalization: "batch", dropout: 0.5, seed: 1 }),
  "mlp, layer": () =>
    mlp({ inputs: 5, hidden: [7, 6], outputs: 3, normalization: "layer", activation: "gelu", dropout: 0.5, seed: 1 }),
  "cnn, residual": () => cnn({ ...images, blocks: 2 }),
  "cnn, separable": () => cnn({ ...images, block: "separable" }),
  resnet18: () => resNet18({ height: 37, width: 33, classes: 5, stem: 4, seed: 1 }),
  mobilenet_v2: () => mobileNetV2({ height: 40, width: 33, classes: 5, multiplier: 0.25, seed: 1 }),
  "encoder, padding token": () => transformerEncoder({ ...tokens, classes: 3, dropout: 0.1, padding: { token: 0 } }),
  "encoder, mask": () =>
    transformerEncoder({
      ...tokens,
      classes: 3,
      depth: 1,
      norm: "post",
      activation: "relu",
      pool: "first",
      padding: "mask",
    }),
  decoder: () => transformerDecoder({ ...tokens, vocabulary: 11, activation: "gelu-tanh" }),
  "vision transformer": () => {
    const block = transformerBlock({ heads: 2, feedForward: 16, epsilon: 1e-6 });
    return build(
      [
        named("patches", patchEmbedding({ size: 4, width: 8 })),
        named("class", classToken()),
        named("positions", positionEmbedding({ maximumLength: 10 })),
        named("block1", block),
        named("block2", block),
        named("norm", layerNorm({ epsilon: 1e-6 })),
        firstToken(),
        named("head", linear(3)),
      ],
      { input: { kind: "image", channels: 3, height: 12, width: 12 }, seed: 1 },
    );
  },
  branches: () =>
    build(
      [
        conv({ channels: 6, kernel: [3, 5], stride: [2, 1], dilation: [1, 2], padding: [1, 2], groups: 2 }),
        groupNorm({ groups: 3 }),
        squeezeExcitation({ channels: 2 }),
        concatenate([conv({ channels: 2, kernel: 1 }), [conv({ channels: 3, kernel: 4 })]]),
        averagePool({ size: [2, 3], stride: 2, padding: [1, 0] }),
        flatten(),
        linear(3),
        softmax(),
      ],
      { input: { kind: "image", channels: 4, height: 9, width: 14 }, seed: 1 },
    ),
  "u-net": () => {
    const same = (channels: number) => conv({ channels, kernel: 3 });
    const inner = concatenate([
      [],
      [
        maxPool({ size: 2 }),
        named("bottom", same(5)),
        relu(),
        convTranspose({ channels: 4, kernel: 3, stride: 2, padding: 1, outputPadding: 1 }),
      ],
    ]);
    const outer = concatenate([
      [],
      [
        maxPool({ size: 2 }),
        named("down2", same(4)),
        relu(),
        named("inner", inner),
        named("up1", conv({ channels: 3, kernel: 1 })),
        relu(),
        upsample({ factor: [2, 1] }),
        upsample({ factor: [1, 2], mode: "linear" }),
      ],
    ]);
    return build(
      [named("down1", same(3)), relu(), named("outer", outer), globalAveragePool(), named("head", linear(2))],
      { input: { kind: "image", channels: 2, height: 8, width: 12 }, seed: 1 },
    );
  },
  signal: () =>
    build(
      [
        conv({ channels: 4, kernel: 5, stride: 2 }),
        silu(),
        maxPool({ size: 3, stride: 2, padding: 1 }),
        conv({ channels: 4, kernel: 3, padding: "valid" }),
        tanh(),
        globalMaxPool(),
        linear(2),
      ],
      { input: { kind: "signal", channels: 3, length: 21 }, seed: 1 },
    ),
};

/** The names and shapes of parameters. */
export function builtParameters(model: Model): Map<string, readonly number[]> {
  const stored = model.graph.initializers.filter(({ data }) => data.kind === "deferred");
  return new Map(stored.map(({ name, shape }) => [name, shape]));
}

export function withParameters(model: Model, parameters: readonly GoldenInput[]): Model {
  const tensors = new Map(parameters.map((one) => [one.name, tensorFromGolden(one)]));
  const initializers = model.graph.initializers.map((one) => {
    const tensor = tensors.get(one.name);
    return tensor === undefined ? one : initializerFromTensor(one.name, tensor);
  });
  return { ...model, graph: { ...model.graph, initializers } };
}

export function feedsOf({ inputs }: NetworkCase): Feeds {
  return Object.fromEntries(
    inputs.map((input) => {
      const { dtype, shape, data } = tensorFromGolden(input);
      return [input.name, new Tensor(dtype as "float32", data as Float32Array, [...shape])];
    }),
  );
}
