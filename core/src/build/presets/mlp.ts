// Multilayer perceptrons, for rows of numbers.
import { SlipwayError } from "#base";
import type { Model } from "#graph";
import { build } from "../build.ts";
import type { Initialization } from "../initialization.ts";
import { type Layers, named } from "../layer.ts";
import { type Activation, activation, dropout, linear } from "../layers/dense.ts";
import { batchNorm, layerNorm } from "../layers/normalization.ts";
import { checkOptions, type OptionTable, widthsOf } from "./options.ts";

export interface MlpOptions {
  /** Numbers in a row. */
  readonly inputs: number;
  /** Widths of the hidden layers; with none the model is linear. */
  readonly hidden: readonly number[];
  /** Classes, or numbers to be told. */
  readonly outputs: number;
  /** After each hidden layer; `relu` unless said. */
  readonly activation?: Activation;
  /** Behind each activation, in training; 0 unless said. */
  readonly dropout?: number;
  /** Between each hidden layer and its activation; none unless said. */
  readonly normalization?: "batch" | "layer";
  /** How weights begin; `torch-default` unless said. */
  readonly initialization?: Initialization;
  readonly seed: number | bigint;
}

const MLP_OPTIONS: OptionTable<MlpOptions> = {
  inputs: "needed",
  hidden: "needed",
  outputs: "needed",
  activation: "optional",
  dropout: "optional",
  normalization: "optional",
  initialization: "optional",
  seed: "needed",
};

/**
 * `input` [N, inputs] to `logits` [N, outputs]. Parameters: `hidden1.linear.weight`, …, `head.weight`, `head.bias`.
 * @throws SlipwayError as `build`
 */
export function mlp(options: MlpOptions): Model {
  checkOptions("mlp", options, MLP_OPTIONS);
  const { inputs, seed } = options;
  return build(mlpLayers(options), { input: { kind: "features", features: inputs }, seed, name: "mlp" });
}

/** The layers of `mlp`. */
export function mlpLayers(options: Omit<MlpOptions, "inputs" | "seed">): Layers {
  const { hidden, outputs, normalization, dropout: rate = 0 } = options;
  const begins = options.initialization === undefined ? {} : { initialization: options.initialization };
  if (normalization !== undefined && normalization !== "batch" && normalization !== "layer")
    throw new SlipwayError(
      "NETWORK_INVALID",
      `There is no normalization '${String(normalization)}'; take 'batch' or 'layer'.`,
    );
  const normalized = normalization === "batch" ? [batchNorm()] : normalization === "layer" ? [layerNorm()] : [];
  // A batch's mean takes any bias off again.
  const weights = normalization === "batch" ? { ...begins, bias: false } : begins;
  return [
    ...widthsOf("mlp", "hidden", hidden).map((width, index) =>
      named(`hidden${index + 1}`, [
        linear(width, weights),
        normalized,
        activation(options.activation ?? "relu"),
        dropped(rate),
      ]),
    ),
    named("head", linear(outputs, begins)),
  ];
}

/** Dropout, or no layer at a rate of 0. */
export function dropped(rate: number): Layers {
  return rate === 0 ? [] : dropout(rate);
}
