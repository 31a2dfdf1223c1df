// The models figures are made with: dense layers of known cost, from a seed, so that every run measures the same bytes.
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { graphBuilder } from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import { seededRandom } from "../server/src/cli/load/index.ts";

/** Units per layer, input first. Hidden layers have a Relu. */
export const MODELS = {
  /** All front end: a run costs about 10 µs. */
  tiny: [4, 8, 3],
  /** Some arithmetic, and a request of 784 numbers. */
  mid: [784, 256, 128, 10],
  /** About a millisecond a run, an eighth of that a row in a batch of 32. */
  ms1: [784, 2048, 2048, 10],
} as const satisfies Record<string, readonly number[]>;

export type ModelName = keyof typeof MODELS;

/** A multi-layer perceptron `x: float32[N, in]` → `y: float32[N, out]` as the bytes of an ONNX file. */
export function perceptron(units: readonly number[], seed: number): Uint8Array {
  const random = seededRandom(seed);
  const graph = graphBuilder({ opset: 17 });
  let value = graph.input("x", "float32", ["N", units[0]!]);
  for (let layer = 1; layer < units.length; layer++) {
    const [fanIn, fanOut] = [units[layer - 1]!, units[layer]!];
    const scale = Math.sqrt(2 / fanIn);
    const weights = Float32Array.from({ length: fanIn * fanOut }, () => (random() * 2 - 1) * scale);
    const weight = graph.constant({ dtype: "float32", shape: [fanIn, fanOut], data: weights });
    const bias = graph.constant({ dtype: "float32", shape: [fanOut], data: new Float32Array(fanOut) });
    value = graph.op("Gemm", [value, weight, bias]);
    if (layer < units.length - 1) value = graph.op("Relu", [value]);
  }
  graph.output("y", value, "float32", ["N", units.at(-1)!]);
  return bytesFromModel(graph.model());
}

/** Writes a model's file into a directory and answers its path. */
export async function writeModel(directory: string, name: ModelName): Promise<string> {
  const file = path.join(directory, `${name}.onnx`);
  await mkdir(directory, { recursive: true });
  await writeFile(file, perceptron(MODELS[name], 1));
  return file;
}
