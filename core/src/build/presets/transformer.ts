// Transformers over tokens: encoders that classify a sequence, and decoders that tell the next token.
import { SlipwayError } from "#base";
import type { Model } from "#graph";
import { build, type Input } from "../build.ts";
import { type Layers, named } from "../layer.ts";
import { languageModelHead, transformerBlock } from "../layers/attention.ts";
import { type Activation, linear } from "../layers/dense.ts";
import { embedding, firstToken, positionEmbedding } from "../layers/embedding.ts";
import { layerNorm } from "../layers/normalization.ts";
import { globalAveragePool } from "../layers/pooling.ts";
import { dropped } from "./mlp.ts";
import { checkOptions, type OptionTable } from "./options.ts";

/** What is said of sequences. */
export interface TokensOptions {
  readonly vocabulary: number;
  /** The length all sequences have; any up to `maximumLength` unless said. */
  readonly length?: number;
  /** Which places do not count: told by an input `mask`, or by a token. All count unless said. */
  readonly padding?: "mask" | { readonly token: number };
  readonly seed: number | bigint;
}

/** What is said of layers. */
export interface TransformerLayersOptions {
  /** The longest sequence there may be. */
  readonly maximumLength: number;
  /** Numbers for each token; 128 unless said. */
  readonly width?: number;
  /** 4 unless said. */
  readonly heads?: number;
  /** Number of blocks; 2 unless said. */
  readonly depth?: number;
  /** Width of the feed-forward parts' hidden layers; four times the width unless said. */
  readonly feedForward?: number;
  /** See `transformerBlock`; `pre` unless said, which also normalises before the head. */
  readonly norm?: "pre" | "post";
  /** `gelu` unless said. */
  readonly activation?: Activation;
  /** Behind embeddings and in blocks, in training; 0 unless said. */
  readonly dropout?: number;
  /** See `positionEmbedding`; `learned` unless said. */
  readonly positions?: "learned" | "sinusoidal";
}

const TRANSFORMER = {
  vocabulary: "needed",
  length: "optional",
  padding: "optional",
  seed: "needed",
  maximumLength: "needed",
  width: "optional",
  heads: "optional",
  depth: "optional",
  feedForward: "optional",
  norm: "optional",
  activation: "optional",
  dropout: "optional",
  positions: "optional",
} as const satisfies OptionTable<TokensOptions & TransformerLayersOptions>;

export interface TransformerEncoderLayersOptions extends TransformerLayersOptions {
  readonly classes: number;
  /** What stands for the sequence: the mean of its places (unless said), or its first one. */
  readonly pool?: "mean" | "first";
}

export interface TransformerEncoderOptions extends TransformerEncoderLayersOptions, TokensOptions {}

/**
 * `input` int64 [N, length] to `logits` [N, classes], as BERT and its like. Parameters: `tokens.weight`, `positions.weight`,
 * `block1.attention.qkv.weight`, `block1.feedForward.up.weight`, …, `norm.scale`, `head.weight`. Weights begin with
 * `truncated-normal`.
 * @throws SlipwayError as `build`
 */
export function transformerEncoder(options: TransformerEncoderOptions): Model {
  checkOptions("transformerEncoder", options, { ...TRANSFORMER, classes: "needed", pool: "optional" });
  return build(transformerEncoderLayers(options), {
    input: tokensOf(options),
    seed: options.seed,
    name: "transformer_encoder",
  });
}

/** The layers of `transformerEncoder`. */
export function transformerEncoderLayers(options: TransformerEncoderLayersOptions): Layers {
  return [
    body(options, false),
    pooled(options.pool ?? "mean"),
    named("head", linear(options.classes, { initialization: "truncated-normal" })),
  ];
}

function pooled(pool: "mean" | "first"): Layers {
  if (pool === "mean") return globalAveragePool();
  if (pool === "first") return firstToken();
  throw new SlipwayError("NETWORK_INVALID", `There is no pool '${String(pool)}'; take 'mean' or 'first'.`);
}

export interface TransformerDecoderLayersOptions extends TransformerLayersOptions {
  /** Whether the head's weights are the table of token embeddings: true unless said. */
  readonly tied?: boolean;
}

export interface TransformerDecoderOptions extends TransformerDecoderLayersOptions, TokensOptions {}

/**
 * `input` int64 [N, length] to `logits` [N, length, vocabulary], as GPT-2 and its like: at each place a logit for what token
 * comes next, by what is there and before. A loss over them has the classes on axis 2. Parameters as of `transformerEncoder`;
 * with `tied: false` also `head.weight`.
 * @throws SlipwayError as `build`
 */
export function transformerDecoder(options: TransformerDecoderOptions): Model {
  checkOptions("transformerDecoder", options, { ...TRANSFORMER, tied: "optional" });
  return build(transformerDecoderLayers(options), {
    input: tokensOf(options),
    seed: options.seed,
    name: "transformer_decoder",
  });
}

/** The layers of `transformerDecoder`. */
export function transformerDecoderLayers(options: TransformerDecoderLayersOptions): Layers {
  const { tied = true } = options;
  return [body(options, true), named("head", languageModelHead({ tied, initialization: "truncated-normal" }))];
}

function tokensOf({ vocabulary, padding, length }: TokensOptions): Input {
  const padded = padding === undefined ? {} : { padding };
  return { kind: "tokens", vocabulary, ...padded, ...(length === undefined ? {} : { length }) };
}

function body(options: TransformerLayersOptions, causal: boolean): Layers {
  const { maximumLength, width = 128, heads = 4, depth = 2, norm = "pre", activation = "gelu" } = options;
  const { dropout = 0, positions = "learned", feedForward = 4 * width } = options;
  const initialization = "truncated-normal";
  return [
    named("tokens", embedding({ width, initialization })),
    named("positions", positionEmbedding({ maximumLength, positions })),
    dropped(dropout),
    ...Array.from({ length: depth }, (_, index) =>
      named(
        `block${index + 1}`,
        transformerBlock({ heads, feedForward, norm, causal, activation, dropout, initialization }),
      ),
    ),
    norm === "pre" ? named("norm", layerNorm()) : [],
  ];
}
