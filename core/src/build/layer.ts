// The words of the layer language: each layer is plain data with a kind, and layers one after the other are an array.
import type { Attention, FeedForward, LanguageModelHead, TransformerBlock } from "./layers/attention.ts";
import type { Concatenation, Residual, Sequential, SqueezeExcitation } from "./layers/combination.ts";
import type { Convolution, DepthwiseConvolution, TransposedConvolution } from "./layers/convolution.ts";
import type { ActivationLayer, Dropout, Flatten, Linear, Softmax } from "./layers/dense.ts";
import type { ClassToken, Embedding, FirstToken, PatchEmbedding, PositionEmbedding } from "./layers/embedding.ts";
import type { BatchNorm, GroupNorm, LayerNorm } from "./layers/normalization.ts";
import type { GlobalPool, Pool, Upsample } from "./layers/pooling.ts";

/** A layer, as its function makes it: `conv({ channels: 32, kernel: 3 })`. */
export type Layer = (
  | ActivationLayer
  | Attention
  | BatchNorm
  | ClassToken
  | Concatenation
  | Convolution
  | DepthwiseConvolution
  | Dropout
  | Embedding
  | FeedForward
  | FirstToken
  | Flatten
  | GlobalPool
  | GroupNorm
  | LanguageModelHead
  | LayerNorm
  | Linear
  | PatchEmbedding
  | Pool
  | PositionEmbedding
  | Residual
  | Sequential
  | Softmax
  | SqueezeExcitation
  | TransformerBlock
  | TransposedConvolution
  | Upsample
) & {
  /** Its part of the names of its parameters; numbered by kind unless `named` says otherwise. */
  readonly name?: string;
};

export type LayerKind = Layer["kind"];
export type LayerOf<K extends LayerKind> = Extract<Layer, { readonly kind: K }>;

/** A layer, or layers one after the other; arrays in arrays are put in line. */
export type Layers = Layer | readonly Layers[];

/**
 * The same under a name, which its parameters' names begin with:
 * `named("stem", [conv({ channels: 16, kernel: 3 }), batchNorm()])` has `stem.conv.weight`, `stem.batchNorm.scale` and so on.
 * Without one, layers are named by their kinds, with numbers where a sequence has several of a kind.
 * @param name letters, digits, `_` and `-`, beginning with a letter
 */
export function named(name: string, layers: Layers): Layer {
  return isList(layers) ? { kind: "sequential", layers, name } : { ...layers, name };
}

/** Array.isArray does not narrow readonly arrays. */
export function isList(layers: Layers): layers is readonly Layers[] {
  return Array.isArray(layers);
}
