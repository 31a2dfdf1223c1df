// Checks gradients against finite differences: a random product of the outputs with the Jacobian, element by element of every
// input, in float64 where ONNX Runtime has kernels for it.
import { gradient, type PreparedModel, type PassEngine, prepareForGradient } from "@slipway/core/autodiff";
import { type GraphBuilder, graphBuilder, type Model, verifyModel } from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import type { DType, TensorData } from "@slipway/core/tensor";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { createPassEngine } from "../../server/src/lab/passes/index.ts";
import { createOnnxRuntimeBackend, sampleInputs } from "../../server/src/runtime/index.ts";
import { randomFrom } from "../support/random.ts";

export type Feeds = Readonly<Record<string, Tensor>>;

/** Runs a model once; what it answers by name. */
export async function answersOf(model: Model, feeds: Feeds): Promise<Readonly<Record<string, Tensor>>> {
  const session = await sessionOf(model);
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

async function sessionOf(model: Model): Promise<InferenceSession> {
  return await InferenceSession.create(bytesFromModel(model), {
    intraOpNumThreads: 1,
    logSeverityLevel: 4,
    executionProviders: ["cpu"],
  });
}

/** The engine that prepares a model, which runs it on these inputs where it has to. */
export function engineOn(feeds: Feeds): PassEngine {
  const inputs = Object.entries(feeds).map(([name, { type, dims, data }]) => ({
    name,
    dtype: type as DType,
    shape: dims,
    data: data as TensorData,
  }));
  return createPassEngine({
    backend: createOnnxRuntimeBackend(),
    externalData: new Map(),
    inputs: (signature) =>
      sampleInputs(signature, { rows: 2, freeLength: 8, scale: 1, seed: 1 }).map(
        (madeUp) => inputs.find(({ name }) => name === madeUp.name) ?? madeUp,
      ),
  });
}

export interface CheckOptions {
  readonly seed?: number;
  /** Largest allowed |difference| over 1 + |numeric|. */
  readonly tolerance?: number;
  /** Step of the differences, relative to float64 or float32. */
  readonly step?: number;
}

/**
 * Compares the gradients by every named value with central differences.
 * @throws Error naming the element that differs most
 */
export async function checkGradients(
  model: Model,
  feeds: Feeds,
  wrt: readonly string[],
  { seed = 1, tolerance, step }: CheckOptions = {},
): Promise<void> {
  verifyModel(model);
  const prepared = await prepareForGradient(model, wrt, engineOn(feeds));
  const made = gradient(prepared.model, { wrt, types: prepared.types });
  verifyModel(made.model);
  if (contributedIn(made.model) > contributedIn(prepared.model))
    throw new Error("The portable gradient has operators that are not of the standard.");
  const forward = await sessionOf(model);
  const backward = await sessionOf(made.model);
  const random = randomFrom(seed);
  try {
    const answers = await forward.run(feeds);
    const floating = model.graph.outputs.filter(({ name }) => isFloating(answers[name]!));
    const upstream = new Map<string, Tensor>();
    for (const { name } of floating) {
      const { dims, type, data } = answers[name]!;
      const values = Array.from({ length: (data as Float32Array).length }, () => random() * 2 - 1);
      upstream.set(name, tensorOf(type, values, dims));
    }
    const sends = Object.fromEntries(
      Array.from(upstream, ([name, tensor]) => [`grad_${name}`, tensor] as const).filter(([name]) =>
        made.model.graph.inputs.some((input) => input.name === name),
      ),
    );
    const found = await backward.run({ ...feeds, ...sends });
    await checkFast(prepared, wrt, { ...feeds, ...sends }, found, made.model);
    const isDouble = wrt.every((name) => feeds[name]!.type === "float64");
    const h = step ?? (isDouble ? 1e-5 : 4e-3);
    const limit = tolerance ?? (isDouble ? 1e-6 : 2e-2);
    const value = async (name: string, index: number, change: number): Promise<number> => {
      const { data, dims, type } = feeds[name]!;
      const changed = Array.from(data as Float32Array, Number);
      changed[index]! += change;
      const outputs = await forward.run({ ...feeds, [name]: tensorOf(type, changed, dims) });
      let sum = 0;
      for (const [output, g] of upstream) {
        const y = outputs[output]!.data as Float64Array;
        for (const [place, weight] of (g.data as Float64Array).entries()) sum += weight * y[place]!;
      }
      return sum;
    };
    for (const name of wrt) {
      const answered = found[`grad_${name}`]!;
      const size = (feeds[name]!.data as Float32Array).length;
      if (answered.dims.join() !== feeds[name]!.dims.join())
        throw new Error(
          `grad_${name} has the shape [${answered.dims.join()}], ${name} has [${feeds[name]!.dims.join()}]`,
        );
      for (let index = 0; index < size; index++) {
        const numeric = ((await value(name, index, h)) - (await value(name, index, -h))) / (2 * h);
        const analytic = (answered.data as Float64Array)[index]!;
        if (!(Math.abs(numeric - analytic) <= limit * (1 + Math.abs(numeric))))
          throw new Error(`grad_${name}[${index}] is ${analytic}; differences give ${numeric}`);
      }
    }
  } finally {
    await forward.release();
    await backward.release();
  }
}

/** Checks that gradients are the same where they are written otherwise for ONNX Runtime alone. */
async function checkFast(
  { model, types }: PreparedModel,
  wrt: readonly string[],
  feeds: Feeds,
  expected: Readonly<Record<string, Tensor>>,
  portable: Model,
): Promise<void> {
  const fast = gradient(model, { wrt, types, emission: "fast" }).model;
  if (operatorsIn(fast) === operatorsIn(portable)) return;
  verifyModel(fast);
  const found = await answersOf(fast, feeds);
  for (const name of wrt) {
    const [made, wanted] = [found, expected].map((answers) => answers[`grad_${name}`]!.data as Float64Array);
    const worst = Math.max(...wanted!.map((value, at) => Math.abs(value - made![at]!) / (1 + Math.abs(value))));
    if (!(worst <= 1e-5)) throw new Error(`The fast grad_${name} is ${worst} off the portable one.`);
  }
}

function contributedIn({ graph }: Model): number {
  return graph.nodes.filter(({ domain }) => domain === "com.microsoft").length;
}

function operatorsIn({ graph }: Model): string {
  return graph.nodes.map(({ opType }) => opType).join();
}

function isFloating({ type }: Tensor): boolean {
  return type === "float32" || type === "float64";
}

export function tensorOf(type: string, values: readonly number[], dims: readonly number[]): Tensor {
  const data =
    type === "float64"
      ? Float64Array.from(values)
      : type === "int64"
        ? BigInt64Array.from(values, (value) => BigInt(value))
        : type === "bool"
          ? Uint8Array.from(values)
          : Float32Array.from(values);
  return new Tensor(type as "float32", data as Float32Array, [...dims]);
}

/** A case: an operator at work, with inputs that are differentiated by. */
export interface OperatorCase {
  readonly says: string;
  /** Shapes of the inputs, which hold numbers around 0 unless `values` says otherwise. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** Makes an input's numbers from random ones in [-1, 1). */
  readonly values?: (random: number, name: string, index: number) => number;
  readonly opset?: number;
  readonly opsets?: Readonly<Record<string, number>>;
  /** Builds the graph; answers its outputs. */
  readonly build: (
    g: GraphBuilder,
    inputs: Readonly<Record<string, string>>,
    dtype: "float32" | "float64",
  ) => string | readonly string[];
  /** Why its axes must be known; null where they may stay open. */
  readonly needsShapes?: boolean;
  /** Which axes of each input may stay open; all unless said. */
  readonly openAxes?: readonly number[];
  /** ONNX Runtime has no kernel for float64. */
  readonly single?: boolean;
  readonly tolerance?: number;
}

/** Checks a case with its axes known and, where it may be, with all of them open. */
export async function checkCase(one: OperatorCase, seed = 1): Promise<void> {
  const dtype = one.single === true ? "float32" : "float64";
  const random = randomFrom(seed + 7);
  const feeds = Object.fromEntries(
    Object.entries(one.shapes).map(([name, shape]) => {
      const size = shape.reduce((product, length) => product * length, 1);
      const values = Array.from({ length: size }, (_, index) => {
        const value = random() * 2 - 1;
        return one.values === undefined ? value : one.values(value, name, index);
      });
      return [name, tensorOf(dtype, values, shape)];
    }),
  );
  for (const isOpen of one.needsShapes === true ? [false] : [false, true]) {
    const g = graphBuilder({ opset: one.opset ?? 17, ...(one.opsets === undefined ? {} : { opsets: one.opsets }) });
    const inputs = Object.fromEntries(
      Object.entries(one.shapes).map(([name, shape]) => {
        const isLeftOpen = (axis: number): boolean => isOpen && (one.openAxes?.includes(axis) ?? true);
        const axes = shape.map((length, axis) => (isLeftOpen(axis) ? `${name}${axis}` : length));
        return [name, g.input(name, dtype, axes)];
      }),
    );
    const built = one.build(g, inputs, dtype);
    for (const [index, value] of (typeof built === "string" ? [built] : built).entries()) g.output(`y${index}`, value);
    const tolerance = one.tolerance === undefined ? {} : { tolerance: one.tolerance };
    try {
      await checkGradients(g.model(), feeds, Object.keys(one.shapes), { seed, ...tolerance });
    } catch (error) {
      throw new Error(`${one.says}, ${isOpen ? "open" : "known"} axes: ${(error as Error).message}`, { cause: error });
    }
  }
}
