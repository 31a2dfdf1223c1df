// Layers that work on rows of numbers: linear maps, activations, dropout.
import { float } from "#graph";
import type { Length, Value } from "../form.ts";
import { type Initialization, linearFans } from "../initialization.ts";
import type { Site } from "../site.ts";

export interface WeightOptions {
  /** How the weights begin: `torch-default` unless said. */
  readonly initialization?: Initialization;
  /** How the biases begin: as PyTorch has them where the weights are, else zeros. */
  readonly biasInitialization?: Initialization;
  /** Whether there are biases: true unless said. Before a normalisation they do nothing. */
  readonly bias?: boolean;
}

export interface LinearOptions extends WeightOptions {
  /** What it must be given, where that should be checked. */
  readonly inputs?: number;
}

export interface Linear extends LinearOptions {
  readonly kind: "linear";
  readonly outputs: number;
}

/**
 * y = x · W + b, of the features of a row, or of each place of a sequence. Parameters: `weight` [inputs, outputs], as MatMul
 * takes it (PyTorch's transposed), and `bias` [outputs].
 */
export function linear(outputs: number, options: LinearOptions = {}): Linear {
  return { kind: "linear", ...options, outputs };
}

export function emitLinear(site: Site, layer: Linear, x: Value): Value {
  const form = site.require(x, ["features", "sequence"], rowsRemedy(x));
  const outputs = site.whole("outputs", layer.outputs);
  if (layer.inputs !== undefined && layer.inputs !== form.features)
    throw site.fault(
      `it expects ${layer.inputs} inputs and got ${form.features}; change inputs, or the layer before to give ${layer.inputs}`,
    );
  const fans = linearFans(form.features, outputs);
  const weight = site.parameter("weight", [form.features, outputs], weightsOf(layer), fans);
  const bias = layer.bias === false ? null : site.parameter("bias", [outputs], biasesOf(layer), fans);
  return { ...x, name: affine(site, x, weight, bias), form: { ...form, features: outputs } };
}

/** What to do before a layer that takes rows. */
export function rowsRemedy({ form }: Value): string {
  if (form.kind === "tokens") return "put embedding() before it";
  return "put flatten() or globalAveragePool() before it";
}

/** x · W + b: one Gemm for rows, MatMul and Add for sequences. */
export function affine(site: Site, x: Value, weight: string, bias: string | null, role = ""): string {
  if (x.form.kind === "features" && bias !== null) return site.op("Gemm", [x.name, weight, bias], {}, role);
  const product = site.op("MatMul", [x.name, weight], {}, role);
  return bias === null ? product : site.op("Add", [product, bias], {}, role === "" ? "biased" : `${role}.biased`);
}

export function weightsOf({ initialization = "torch-default" }: WeightOptions): Initialization {
  return initialization;
}

export function biasesOf({ initialization = "torch-default", biasInitialization }: WeightOptions): Initialization {
  return biasInitialization ?? (initialization === "torch-default" ? "torch-default" : "zeros");
}

/** An activation, as PyTorch defines it by this name. */
export type Activation =
  | "relu"
  | "relu6"
  | "leaky-relu"
  | "elu"
  | "selu"
  | "gelu"
  | "gelu-tanh"
  | "silu"
  | "mish"
  | "hard-swish"
  | "hard-sigmoid"
  | "sigmoid"
  | "tanh"
  | "softplus"
  | "softsign";

export interface ActivationOptions {
  /** Of `leaky-relu` below 0 (0.01 unless said), and the α of `elu` (1). */
  readonly slope?: number;
}

export interface ActivationLayer extends ActivationOptions {
  readonly kind: "activation";
  readonly activation: Activation;
}

/** Applies a function to each number. */
export function activation(activation: Activation, options: ActivationOptions = {}): ActivationLayer {
  return { kind: "activation", ...options, activation };
}
/** max(x, 0). */
export const relu = (): ActivationLayer => activation("relu");
/** x · Φ(x). Source: Hendrycks and Gimpel, arXiv 1606.08415. */
export const gelu = (): ActivationLayer => activation("gelu");
/** x · sigmoid(x), also called swish. */
export const silu = (): ActivationLayer => activation("silu");
export const tanh = (): ActivationLayer => activation("tanh");
export const sigmoid = (): ActivationLayer => activation("sigmoid");

type EmitActivation = (site: Site, x: string, slope: number | undefined) => string;
const plain =
  (opType: string): EmitActivation =>
  (site, x) =>
    site.op(opType, [x]);

const ACTIVATIONS: { readonly [K in Activation]: EmitActivation } = {
  relu: plain("Relu"),
  relu6: (site, x) => site.op("Clip", [x, site.scalar(0), site.scalar(6)]),
  "leaky-relu": (site, x, slope = 0.01) => site.op("LeakyRelu", [x], { alpha: float(slope) }),
  elu: (site, x, slope = 1) => site.op("Elu", [x], { alpha: float(slope) }),
  selu: plain("Selu"),
  gelu: plain("Gelu"),
  "gelu-tanh": (site, x) => site.op("Gelu", [x], { approximate: "tanh" }),
  silu: (site, x) => site.op("Mul", [x, site.op("Sigmoid", [x], {}, "sigmoid")]),
  mish: plain("Mish"),
  "hard-swish": plain("HardSwish"),
  "hard-sigmoid": (site, x) => site.op("HardSigmoid", [x], { alpha: float(1 / 6), beta: float(0.5) }),
  sigmoid: plain("Sigmoid"),
  tanh: plain("Tanh"),
  softplus: plain("Softplus"),
  softsign: plain("Softsign"),
};
/** The activations there are. */
export const ACTIVATION_NAMES: readonly Activation[] = Object.keys(ACTIVATIONS) as Activation[];

export function emitActivation(site: Site, layer: ActivationLayer, x: Value): Value {
  if (x.form.kind === "tokens")
    throw site.fault("tokens are numbers of words, not quantities; put embedding() before it");
  const emit = Object.hasOwn(ACTIVATIONS, layer.activation) ? ACTIVATIONS[layer.activation] : undefined;
  if (emit === undefined) throw site.unknown("activation", layer.activation, ACTIVATION_NAMES);
  const { slope } = layer;
  if (slope !== undefined) {
    if (layer.activation !== "leaky-relu" && layer.activation !== "elu")
      throw site.fault(`'${layer.activation}' has no slope; leave it out, or take 'leaky-relu' or 'elu'`);
    site.positive("slope", slope);
  }
  return { ...x, name: emit(site, x.name, slope) };
}

export interface Dropout {
  readonly kind: "dropout";
  readonly rate: number;
}

/**
 * In training, sets numbers to 0 with this probability and divides the others by what is left; else does nothing. Source:
 * Srivastava et al., JMLR 15 (2014).
 */
export function dropout(rate: number): Dropout {
  return { kind: "dropout", rate };
}

export function emitDropout(site: Site, { rate }: Dropout, x: Value): Value {
  return { ...x, name: dropped(site, x.name, rate) };
}

/** Dropout of a value; at a rate of 0 the value itself. */
export function dropped(site: Site, x: string, rate: number, role = ""): string {
  if (site.share(role === "" ? "rate" : "dropout", rate) === 0) return x;
  return site.op("Dropout", [x, site.scalar(rate)], { seed: site.operatorSeed(role) }, role);
}

export interface Flatten {
  readonly kind: "flatten";
}

/** All numbers of a row as its features, in their order. */
export function flatten(): Flatten {
  return { kind: "flatten" };
}

export function emitFlatten(site: Site, _layer: Flatten, x: Value): Value {
  const form = site.require(x, ["image", "signal", "sequence", "features"], "put embedding() before it");
  if (form.kind === "features") return x;
  const lengths: readonly Length[] =
    form.kind === "image"
      ? [form.channels, form.height, form.width]
      : form.kind === "signal"
        ? [form.channels, form.length]
        : [form.length, form.features];
  let features = 1;
  for (const length of lengths) {
    if (typeof length === "string")
      throw site.fault(
        "the length of its sequence is known only when it runs; give the input a length, or take globalAveragePool() or firstToken()",
      );
    features *= length;
  }
  return { name: site.op("Flatten", [x.name], { axis: 1 }), form: { kind: "features", features }, mask: null };
}

export interface Softmax {
  readonly kind: "softmax";
}

/** Probabilities from logits, over the features. Losses take logits: leave it out of what is to be trained. */
export function softmax(): Softmax {
  return { kind: "softmax" };
}

export function emitSoftmax(site: Site, _layer: Softmax, x: Value): Value {
  site.require(x, ["features", "sequence"], rowsRemedy(x));
  return { ...x, name: site.op("Softmax", [x.name], { axis: -1 }) };
}
