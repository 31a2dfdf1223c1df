// Training as `lab/train` does it against PyTorch's, on the bundled models' own data, with the same first weights, batches and
// optimiser (tools/goldens/curves.py).
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Optimizer } from "@slipway/core/autodiff";
import { build, type Input, mlpLayers } from "@slipway/core/build";
import { DEFAULT_SESSION_SETTINGS } from "@slipway/core/backend";
import {
  byteSourceFromBytes,
  createValueInfo,
  initializerFromTensor,
  type Model,
  tensorFromInitializer,
} from "@slipway/core/graph";
import { bytesFromModel, modelFromBytes } from "@slipway/core/onnx";
import type { NamedTensor, Tensor } from "@slipway/core/tensor";
import { test } from "vitest";
import { packagedDigits, SIDE } from "../examples/digits/digits.ts";
import { digitLayers } from "../examples/digits/make.ts";
import { createLearner, type TrainingSet, trainingSetFromArrays } from "../server/src/lab/train/index.ts";
import { createOnnxRuntimeBackend } from "../server/src/runtime/index.ts";
import { type Curve, expectToFollow } from "./goldens/curves.ts";

interface Run extends Curve {
  readonly data: "digits" | "loans";
  readonly optimizer: Optimizer;
  readonly learningRate: number;
}

const read = (name: string) => readFileSync(path.resolve(import.meta.dirname, name));
const { rows, batches, runs } = JSON.parse(read("goldens/training/curves.json").toString()) as {
  readonly rows: number;
  readonly batches: number;
  readonly runs: readonly Run[];
};
const backend = createOnnxRuntimeBackend();

/** What is learnt, and by which network. */
const DATA: { readonly [K in Run["data"]]: () => Promise<{ set: TrainingSet; network: Model }> } = {
  digits: async () => {
    const digits = packagedDigits();
    const count = digits.labels.length;
    const input: Input = { kind: "image", channels: 1, height: SIDE, width: SIDE };
    return {
      set: trainingSetFromArrays({
        inputs: { input: { dtype: "float32", shape: [count, 1, SIDE, SIDE], data: grained(digits.pixels) } },
        target: { dtype: "int64", shape: [count], data: BigInt64Array.from(digits.labels, BigInt) },
      }),
      network: build(digitLayers(0), { input, seed: 0 }),
    };
  },
  loans: async () => {
    const [head, ...lines] = read("../examples/loans/loans.csv").toString().trimEnd().split("\n");
    const table = lines.slice(0, rows * batches).map((line) => line.split(","));
    const columnOf = (name: string) => table.map((row) => row[head!.split(",").indexOf(name)]!);
    const features = await featuresOf(columnOf);
    const labels = columnOf("repaid").map((label) => (label === "yes" ? 1n : 0n));
    const network = build(mlpLayers({ hidden: [128, 64], outputs: 2 }), {
      input: { kind: "features", features: features.shape[1]! },
      seed: 0,
    });
    const target: Tensor = { dtype: "int64", shape: [labels.length], data: BigInt64Array.from(labels) };
    return { set: trainingSetFromArrays({ inputs: { input: features }, target }), network };
  },
};

/**
 * On grained paper, as the goldens have it: of windows that are alike everywhere, each engine takes the maximum where its own rounding
 * puts it, and from there gradients go other ways.
 */
function grained(pixels: Uint8Array): Float32Array {
  return Float32Array.from(pixels, (pixel, at) => {
    const wave = Math.sin(at * 78.233) * 43758.5453;
    return pixel / 255 + 0.02 * (wave - Math.floor(wave));
  });
}

/** As the encoder inside the served model makes them. */
async function featuresOf(columnOf: (name: string) => readonly string[]): Promise<Tensor> {
  const served = modelFromBytes(byteSourceFromBytes(read("../examples/loans/model.onnx")));
  const type = { kind: "tensor", dtype: "float32", shape: ["N", null] } as const;
  const outputs = [...served.graph.outputs, createValueInfo("features", type)];
  const model = bytesFromModel({ ...served, graph: { ...served.graph, outputs } });
  const session = await backend.load({ model, externalData: new Map() }, DEFAULT_SESSION_SETTINGS);
  const inputs = session.signature.inputs.map(({ name, type }): NamedTensor => {
    const texts = columnOf(name);
    const shape = [texts.length];
    if (type.kind === "tensor" && type.dtype === "string") return { name, dtype: "string", shape, data: texts };
    return {
      name,
      dtype: "float32",
      shape,
      data: Float32Array.from(texts, (text) => (text === "" ? Number.NaN : Number(text))),
    };
  });
  const [features] = await session.run(inputs, ["features"]);
  await session.unload();
  return features!;
}

/** Weights as the goldens begin with: they look random and are a formula. Biases are 0, normalisations do nothing yet. */
function begun(network: Model): Model {
  let layer = 0;
  const initializers = network.graph.initializers.map((one) => {
    if (one.name.endsWith("bias")) return initializerFromTensor(one.name, zeroed(tensorFromInitializer(one)));
    if (one.shape.length < 2) return one;
    const fanIn =
      one.shape.length === 2 ? one.shape[0]! : one.shape.slice(1).reduce((product, length) => product * length, 1);
    const number = layer++;
    const { dtype, shape, data } = tensorFromInitializer(one);
    const values = Float32Array.from(data as Float32Array, (_, at) => {
      const wave = Math.sin(at * 12.9898 + number * 78.233) * 43758.5453;
      return (2 * (wave - Math.floor(wave)) - 1) * Math.sqrt(3 / fanIn);
    });
    return initializerFromTensor(one.name, { dtype, shape, data: values });
  });
  return { ...network, graph: { ...network.graph, initializers } };
}

function zeroed({ dtype, shape, data }: Tensor): Tensor {
  return { dtype, shape, data: (data as Float32Array).map(() => 0) };
}

test.each(runs.map((run) => [run.data, run.optimizer.kind, run] as const))(
  "%s by %s",
  async (data, _kind, run) => {
    const { set, network } = await DATA[data]();
    const { optimizer, learningRate } = run;
    const loss = { kind: "cross-entropy" } as const;
    const learner = await createLearner({ network: begun(network), loss, optimizer, backend, threads: 1, seed: 0 });
    const losses: number[] = [];
    for (const step of run.losses.keys()) {
      const first = (step % batches) * rows;
      const places = Int32Array.from({ length: rows }, (_, at) => first + at);
      losses.push(await learner.step(set.read(places), { number: step + 1, learningRate }));
    }
    await learner.close();
    expectToFollow(losses, run);
  },
  60_000,
);
