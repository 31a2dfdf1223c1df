// Attention and the blocks that are made with it. Source: Vaswani et al., arXiv 1706.03762.
import { BATCH, shapeOf, type Value } from "../form.ts";
import { type Initialization, linearFans } from "../initialization.ts";
import type { Site } from "../site.ts";
import {
  type Activation,
  activation as activationLayer,
  affine,
  dropped,
  linear,
  type WeightOptions,
} from "./dense.ts";
import { placesOf } from "./embedding.ts";
import { layerNorm } from "./normalization.ts";

export interface AttentionOptions {
  /** How many attend beside each other; they divide the features. */
  readonly heads: number;
  /** Whether each place sees only itself and those before; false unless said. */
  readonly causal?: boolean;
  /** Of the weights with which places are summed, in training; 0 unless said. */
  readonly dropout?: number;
  /** Whether its maps have biases: true unless said. */
  readonly bias?: boolean;
  /**
   * How its weights begin. Unless said as in PyTorch's MultiheadAttention: `glorot-uniform` for the maps into heads,
   * `torch-default` for the map out of them. Biases begin as zeros.
   */
  readonly initialization?: Initialization;
}

export interface Attention extends AttentionOptions {
  readonly kind: "selfAttention";
}

/**
 * Each place of a sequence becomes a mean of all places' values, by how its query fits their keys: softmax(Q·Kᵀ/√d)·V in each
 * head. Places that the input's mask leaves out are not attended to. Parameters: `qkv.weight` [features, 3 · features], of
 * which the first third makes queries, then keys, then values; `out.weight` [features, features]; and `bias` of each.
 */
export function selfAttention(options: AttentionOptions): Attention {
  return { kind: "selfAttention", ...options };
}

export function emitAttention(site: Site, layer: Attention, x: Value): Value {
  const { features, length } = site.require(x, ["sequence"], sequenceRemedy(x));
  const heads = site.whole("heads", layer.heads);
  if (features % heads !== 0)
    throw site.fault(`its ${features} features can't be divided among ${heads} heads; change heads or the width`);
  const size = features / heads;
  const qkv = projected(site, "qkv", x, 3 * features, layer, layer.initialization ?? "glorot-uniform");
  const parts = site.ops("Split", [qkv.name, site.ints([features, features, features])], 3, { axis: 2 }, "split");
  const axes = [BATCH, length, heads, size];
  const inHeads = (part: string, perm: readonly number[], role: string): string => {
    const split = site.op("Reshape", [part, site.ints([0, 0, heads, size])], {}, `${role}.heads`);
    const moved = site.op("Transpose", [site.shaped(split, axes)], { perm: [...perm] }, role);
    return site.shaped(
      moved,
      perm.map((axis) => axes[axis]!),
    );
  };
  const queries = inHeads(parts[0]!, [0, 2, 1, 3], "queries");
  const keys = inHeads(parts[1]!, [0, 2, 3, 1], "keys");
  const values = inHeads(parts[2]!, [0, 2, 1, 3], "values");
  const scaled = site.op("Mul", [queries, site.scalar(1 / Math.sqrt(size))], {}, "scaled");
  const byPair = [BATCH, heads, length, length];
  const scores = site.shaped(site.op("MatMul", [scaled, keys], {}, "scores"), byPair);
  const mask = additiveMask(site, x, layer.causal ?? false);
  const masked = mask === null ? scores : site.shaped(site.op("Add", [scores, mask], {}, "masked"), byPair);
  const shares = site.shaped(site.op("Softmax", [masked], { axis: -1 }, "shares"), byPair);
  const kept = site.shaped(dropped(site, shares, layer.dropout ?? 0, "dropout"), byPair);
  const mixed = site.shaped(site.op("MatMul", [kept, values], {}, "mixed"), [BATCH, heads, length, size]);
  const places = site.shaped(site.op("Transpose", [mixed], { perm: [0, 2, 1, 3] }, "places"), axes);
  const joined = site.shaped(site.op("Reshape", [places, site.ints([0, 0, features])], {}, "joined"), shapeOf(x.form));
  return projected(site, "out", { ...x, name: joined }, features, layer, layer.initialization ?? "torch-default");
}

function projected(
  site: Site,
  role: string,
  x: Value,
  outputs: number,
  { bias = true }: AttentionOptions,
  initialization: Initialization,
): Value {
  const options = { initialization, biasInitialization: "zeros", bias } as const;
  return site.inside(role, linear(outputs, options), x);
}

/**
 * What is added to scores so that places which may not be seen weigh nothing: 0 or the least float32, [length, length] or
 * [N, 1, 1 or length, length]; null where all may be seen. A row that sees none weighs all alike, where −∞ would give NaN. It is
 * made once for all layers that see alike.
 */
function additiveMask(site: Site, x: Value, isCausal: boolean): string | null {
  if (!isCausal && x.mask === null) return null;
  const { length } = site.require(x, ["sequence"], "");
  const key = [isCausal, x.mask, length].join();
  const known = site.shared.masks.get(key);
  if (known !== undefined) return known;
  const seen: string[] = [];
  if (isCausal) {
    const places = placesOf(site, x);
    const column = site.op("Unsqueeze", [places, site.ints([1])], {}, "column");
    seen.push(site.op("LessOrEqual", [places, column], {}, "causal"));
  }
  if (x.mask !== null) seen.push(site.op("Unsqueeze", [x.mask, site.ints([1, 2])], {}, "padding"));
  const [first = "", second] = seen;
  const both = second === undefined ? first : site.op("And", [first, second], {}, "seen");
  const chosen = site.op("Where", [both, site.scalar(0), site.scalar(LEAST_FLOAT)], {}, "mask");
  const padded = [BATCH, 1, isCausal ? length : 1, length];
  const mask = site.shaped(chosen, x.mask === null ? [length, length] : padded);
  site.shared.masks.set(key, mask);
  return mask;
}

/** The least number of float32. */
const LEAST_FLOAT = -3.4028234663852886e38;

export interface FeedForwardOptions {
  /** Width of its hidden layer. */
  readonly width: number;
  /** `gelu` unless said. */
  readonly activation?: Activation;
  /** After the activation, in training; 0 unless said. */
  readonly dropout?: number;
  /** Whether its maps have biases: true unless said. */
  readonly bias?: boolean;
  /** How its weights begin; `torch-default` unless said. */
  readonly initialization?: Initialization;
}

export interface FeedForward extends FeedForwardOptions {
  readonly kind: "feedForward";
}

/** Two linear maps with an activation between, for each place. Parameters: `up` and `down`, each as of `linear`. */
export function feedForward(options: FeedForwardOptions): FeedForward {
  return { kind: "feedForward", ...options };
}

export function emitFeedForward(site: Site, layer: FeedForward, x: Value): Value {
  const { features } = site.require(x, ["sequence", "features"], sequenceRemedy(x));
  const { activation = "gelu", dropout = 0, bias = true, initialization = "torch-default" } = layer;
  const weights: WeightOptions = { initialization, bias };
  const up = site.inside("up", linear(site.whole("width", layer.width), weights), x);
  const active = site.inside("activation", activationLayer(activation), up);
  const kept = { ...active, name: dropped(site, active.name, dropout, "dropout") };
  return site.inside("down", linear(features, weights), kept);
}

export interface TransformerBlockOptions {
  readonly heads: number;
  /** Width of the feed-forward part's hidden layer; four times the features unless said. */
  readonly feedForward?: number;
  /**
   * Whether parts normalise what they are given (`pre`, which trains without warm-up) or what they and their shortcut make
   * (`post`).
   */
  readonly norm?: "pre" | "post";
  /** Whether each place sees only itself and those before; false unless said. */
  readonly causal?: boolean;
  /** `gelu` unless said. */
  readonly activation?: Activation;
  /** Of attention's weights, the hidden layer and what each part adds, in training; 0 unless said. */
  readonly dropout?: number;
  /** Of the normalisations; 1e-5 unless said. */
  readonly epsilon?: number;
  /** Of all weights; unless said as `selfAttention` and `feedForward` have them. */
  readonly initialization?: Initialization;
}

export interface TransformerBlock extends TransformerBlockOptions {
  readonly kind: "transformerBlock";
}

/**
 * Attention and a feed-forward part, each with a shortcut and a normalisation: PyTorch's TransformerEncoderLayer. Parameters:
 * `norm1`, `attention`, `norm2`, `feedForward`.
 */
export function transformerBlock(options: TransformerBlockOptions): TransformerBlock {
  return { kind: "transformerBlock", ...options };
}

export function emitTransformerBlock(site: Site, layer: TransformerBlock, x: Value): Value {
  const { features } = site.require(x, ["sequence"], sequenceRemedy(x));
  const { heads, norm = "pre", causal = false, activation = "gelu", dropout = 0, epsilon = 1e-5 } = layer;
  if (norm !== "pre" && norm !== "post") throw site.unknown("place of the norm", norm, ["pre", "post"]);
  const begins = layer.initialization === undefined ? {} : { initialization: layer.initialization };
  const width = layer.feedForward ?? 4 * features;
  const parts = [
    { role: "attention", part: selfAttention({ heads, causal, dropout, ...begins }) },
    { role: "feedForward", part: feedForward({ width, activation, dropout, ...begins }) },
  ] as const;
  let value = x;
  for (const [index, { role, part }] of parts.entries()) {
    const normalized = (one: Value): Value => site.inside(`norm${index + 1}`, layerNorm({ epsilon }), one);
    const given = norm === "pre" ? normalized(value) : value;
    const made = site.inside(role, part, given);
    const kept = dropped(site, made.name, dropout, `${role}.kept`);
    const sum = { ...made, name: site.op("Add", [value.name, kept], {}, `${role}.sum`) };
    value = norm === "pre" ? sum : normalized(sum);
  }
  return value;
}

export interface LanguageModelHeadOptions {
  /** Whether its weights are the table of token embeddings itself; true unless said. Source: Press and Wolf, arXiv 1608.05859. */
  readonly tied?: boolean;
  /** Where it is not tied: how many logits; the input's vocabulary unless said. */
  readonly vocabulary?: number;
  /** Where it is not tied; `torch-default` unless said. */
  readonly initialization?: Initialization;
}

export interface LanguageModelHead extends LanguageModelHeadOptions {
  readonly kind: "languageModelHead";
}

/**
 * A logit for each token of the vocabulary at each place: [N, length, vocabulary]. Parameter, where it is not tied: `weight`
 * [features, vocabulary].
 */
export function languageModelHead(options: LanguageModelHeadOptions = {}): LanguageModelHead {
  return { kind: "languageModelHead", ...options };
}

export function emitLanguageModelHead(site: Site, layer: LanguageModelHead, x: Value): Value {
  const form = site.require(x, ["sequence"], sequenceRemedy(x));
  const { embeddings } = site.shared;
  const { tied = true, initialization = "torch-default" } = layer;
  if (!tied) {
    const told = layer.vocabulary ?? embeddings[0]?.vocabulary;
    if (told === undefined) throw site.fault("no embedding tells how many tokens there are; say vocabulary");
    const vocabulary = site.whole("vocabulary", told);
    const weight = site.parameter(
      "weight",
      [form.features, vocabulary],
      initialization,
      linearFans(form.features, vocabulary),
    );
    return { ...x, name: affine(site, x, weight, null), form: { ...form, features: vocabulary } };
  }
  const [table] = embeddings;
  if (table === undefined || embeddings.length > 1)
    throw site.fault(`the network has ${embeddings.length} embeddings to share weights with; say tied: false`);
  if (table.width !== form.features)
    throw site.fault(
      `it is given ${form.features} features and the embeddings it shares weights with have ${table.width}; say tied: false, or put linear(${table.width}) before it`,
    );
  const weight = site.op("Transpose", [table.weight], { perm: [1, 0] }, "weight");
  return { ...x, name: affine(site, x, weight, null), form: { ...form, features: table.vocabulary } };
}

function sequenceRemedy({ form }: Value): string {
  return form.kind === "tokens"
    ? "put embedding() before it"
    : "put patchEmbedding() before it, or give the network a sequence";
}
