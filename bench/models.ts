// The models figures are made with: layers of known cost, from a seed, so that every run measures the same bytes.
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { graphBuilder } from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import { seededRandom } from "../server/src/load/index.ts";

interface BenchModel {
  /** Numbers a row of the input `x` has. */
  readonly width: number;
  build(): Uint8Array;
}

const SEED = 1;

export const MODELS = {
  /** All front end: a run costs about 10 µs. */
  tiny: { width: 4, build: () => perceptron([4, 8, 3]) },
  /** Some arithmetic, and a request of 784 numbers. */
  mid: { width: 784, build: () => perceptron([784, 256, 128, 10]) },
  /** About a millisecond a run, an eighth of that a row in a batch of 32. */
  ms1: { width: 784, build: () => perceptron([784, 2048, 2048, 10]) },
  /** About ten milliseconds a run, and nearly as much a row in any batch: convolutions are bound by arithmetic. */
  ms10: { width: 784, build: () => convolutions(28, 64, MS10_LAYERS) },
} as const satisfies Record<string, BenchModel>;

/** Found by measuring, once, on one core of a 2-core Xeon. */
const MS10_LAYERS = 20;

export type ModelName = keyof typeof MODELS;
export const MODEL_NAMES = Object.keys(MODELS) as ModelName[];

/**
 * A multi-layer perceptron `x: float32[N, in]` → `y: float32[N, out]` as the bytes of an ONNX file.
 * @param units per layer, input first; hidden layers have a Relu
 */
function perceptron(units: readonly number[]): Uint8Array {
  const random = seededRandom(SEED);
  const graph = graphBuilder({ opset: 17 });
  let value = graph.input("x", "float32", ["N", units[0]!]);
  for (let layer = 1; layer < units.length; layer++) {
    const [fanIn, fanOut] = [units[layer - 1]!, units[layer]!];
    value = graph.op("Gemm", [value, ...weights(graph, random, [fanIn, fanOut], fanIn, fanOut)]);
    if (layer < units.length - 1) value = graph.op("Relu", [value]);
  }
  graph.output("y", value, "float32", ["N", units.at(-1)!]);
  return bytesFromModel(graph.model());
}

/** Convolutions of 3 × 3 over a square picture, `x: float32[N, side²]` → `y: float32[N, 10]`. */
function convolutions(side: number, channels: number, layers: number): Uint8Array {
  const random = seededRandom(SEED);
  const graph = graphBuilder({ opset: 17 });
  const row = graph.input("x", "float32", ["N", side * side]);
  let value = graph.op("Reshape", [row, graph.values("int64", [-1, 1, side, side], [4])]);
  for (let layer = 0; layer < layers; layer++) {
    const from = layer === 0 ? 1 : channels;
    const parts = weights(graph, random, [channels, from, 3, 3], from * 9, channels);
    value = graph.op("Relu", [graph.op("Conv", [value, ...parts], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] })]);
  }
  const pooled = graph.op("Flatten", [graph.op("GlobalAveragePool", [value])]);
  const y = graph.op("Gemm", [pooled, ...weights(graph, random, [channels, 10], channels, 10)]);
  graph.output("y", y, "float32", ["N", 10]);
  return bytesFromModel(graph.model());
}

/** Random weights that keep the size of what passes through a Relu, and a bias of zeros. */
function weights(
  graph: ReturnType<typeof graphBuilder>,
  random: () => number,
  shape: readonly number[],
  fanIn: number,
  fanOut: number,
): string[] {
  const scale = Math.sqrt(6 / fanIn);
  const length = shape.reduce((product, axis) => product * axis, 1);
  const data = Float32Array.from({ length }, () => (random() * 2 - 1) * scale);
  const weight = graph.constant({ dtype: "float32", shape, data });
  return [weight, graph.constant({ dtype: "float32", shape: [fanOut], data: new Float32Array(fanOut) })];
}

/** Writes a model's file into a directory and answers its path. */
export async function writeModel(directory: string, name: ModelName): Promise<string> {
  const file = path.join(directory, `${name}.onnx`);
  await mkdir(directory, { recursive: true });
  await writeFile(file, MODELS[name].build());
  return file;
}
