// Where sequences come from: tables of token embeddings, patches of images, positions; and taking one place out of a sequence.
import { DTYPES } from "#tensor";
import type { Form, Length, Value } from "../form.ts";
import { convolutionFans, type Initialization } from "../initialization.ts";
import type { Site } from "../site.ts";
import { biasesOf, weightsOf, type WeightOptions } from "./dense.ts";
import { type Lengths, spatialOf, windowOver } from "./window.ts";

export interface EmbeddingOptions {
  /** Numbers for each token. */
  readonly width: number;
  /** `normal` unless said, as PyTorch has it. */
  readonly initialization?: Initialization;
}

export interface Embedding extends EmbeddingOptions {
  readonly kind: "embedding";
}

/** A vector for each token. Parameter: `weight` [vocabulary, width]; the vocabulary is the input's. */
export function embedding(options: EmbeddingOptions): Embedding {
  return { kind: "embedding", ...options };
}

export function emitEmbedding(site: Site, layer: Embedding, x: Value): Value {
  const { length, vocabulary } = site.require(x, ["tokens"], "embeddings belong right behind an input of tokens");
  const width = site.whole("width", layer.width);
  const fans = { in: width, out: vocabulary };
  const weight = site.parameter("weight", [vocabulary, width], layer.initialization ?? "normal", fans);
  site.shared.embeddings.push({ weight, vocabulary, width });
  return { ...x, name: site.op("Gather", [weight, x.name]), form: { kind: "sequence", length, features: width } };
}

export interface PositionEmbeddingOptions {
  /** The longest sequence there may be. */
  readonly maximumLength: number;
  /**
   * `learned` unless said. `sinusoidal` has no parameters: sin and cos of position / 10000^(2i/width) by turns (Vaswani et al.,
   * arXiv 1706.03762, section 3.5).
   */
  readonly positions?: "learned" | "sinusoidal";
  /** Of learned ones; `truncated-normal` unless said. */
  readonly initialization?: Initialization;
}

export interface PositionEmbedding extends PositionEmbeddingOptions {
  readonly kind: "positionEmbedding";
}

/**
 * Adds to each place of a sequence a vector that tells which it is. Parameter, where learned: `weight` [maximumLength,
 * features].
 */
export function positionEmbedding(options: PositionEmbeddingOptions): PositionEmbedding {
  return { kind: "positionEmbedding", ...options };
}

export function emitPositionEmbedding(site: Site, layer: PositionEmbedding, x: Value): Value {
  const remedy = x.form.kind === "tokens" ? "put embedding() before it" : "put patchEmbedding() before it";
  const form = site.require(x, ["sequence"], remedy);
  const { length } = form;
  const { positions = "learned" } = layer;
  const most = site.whole("maximumLength", layer.maximumLength);
  if (typeof length === "number" && length > most)
    throw site.fault(`its sequence has ${length} places and maximumLength is ${most}; make it at least ${length}`);
  if (positions !== "learned" && positions !== "sinusoidal")
    throw site.unknown("kind of positions", positions, ["learned", "sinusoidal"]);
  const added = positions === "learned" ? learnedPositions(site, layer, x, form) : sinusoidalPositions(site, x, form);
  return { ...x, name: site.op("Add", [x.name, added], {}, "sum") };
}

type SequenceForm = Extract<Form, { readonly kind: "sequence" }>;

/** The first rows of a table. */
function learnedPositions(site: Site, layer: PositionEmbedding, x: Value, { length, features }: SequenceForm): string {
  const most = layer.maximumLength;
  const fans = { in: features, out: most };
  const weight = site.parameter("weight", [most, features], layer.initialization ?? "truncated-normal", fans);
  if (length === most) return weight;
  const end = typeof length === "number" ? site.ints([length]) : lengthOf(site, x);
  return site.shaped(site.op("Slice", [weight, site.ints([0]), end, site.ints([0])], {}, "rows"), [length, features]);
}

function sinusoidalPositions(site: Site, x: Value, { length, features }: SequenceForm): string {
  if (features % 2 !== 0)
    throw site.fault(`sinusoidal positions come in pairs, and ${features} is odd; take an even width`);
  const float = { to: DTYPES.float32.onnx };
  const places = site.op("Cast", [placesOf(site, x)], float, "places");
  const pairs = site.op("Range", [scalarInt(site, 0), scalarInt(site, features / 2), scalarInt(site, 1)], {}, "pairs");
  const exponents = site.op("Mul", [
    site.op("Cast", [pairs], float, "numbers"),
    site.scalar(-Math.log(10_000) / (features / 2)),
  ]);
  const frequencies = site.op("Exp", [exponents], {}, "frequencies");
  const angles = site.op(
    "Mul",
    [site.op("Unsqueeze", [places, site.ints([1])], {}, "column"), frequencies],
    {},
    "angles",
  );
  const parts = ["Sin", "Cos"].map((opType) =>
    site.op("Unsqueeze", [site.op(opType, [angles], {}, opType.toLowerCase()), site.ints([2])], {}, "part"),
  );
  const pairsOfPlaces = site.op("Concat", parts, { axis: 2 }, "by_turns");
  return site.shaped(site.op("Reshape", [pairsOfPlaces, site.ints([-1, features])], {}, "vectors"), [length, features]);
}

/** The length of a sequence when it runs, int64 [1]. */
export function lengthOf(site: Site, x: Value): string {
  return site.op("Shape", [x.name], { start: 1, end: 2 }, "length");
}

/** The numbers of a sequence's places from 0, int64 [length]. */
export function placesOf(site: Site, x: Value): string {
  const form = site.require(x, ["sequence"], "");
  const end =
    typeof form.length === "number"
      ? scalarInt(site, form.length)
      : site.op("Squeeze", [lengthOf(site, x), site.ints([0])], {}, "end");
  return site.op("Range", [scalarInt(site, 0), end, scalarInt(site, 1)], {}, "range");
}

function scalarInt(site: Site, value: number): string {
  return site.shared.graph.values("int64", [value], []);
}

export interface PatchEmbeddingOptions extends WeightOptions {
  /** Lengths of a patch; they must divide those of the image. */
  readonly size: Lengths;
  /** Numbers for each patch. */
  readonly width: number;
}

export interface PatchEmbedding extends PatchEmbeddingOptions {
  readonly kind: "patchEmbedding";
}

/**
 * An image or a signal as a sequence of its patches, each through the same linear map. Parameters, as of the convolution it is:
 * `weight` [width, channels, …size] and `bias`. Source: Dosovitskiy et al., arXiv 2010.11929.
 */
export function patchEmbedding(options: PatchEmbeddingOptions): PatchEmbedding {
  return { kind: "patchEmbedding", ...options };
}

export function emitPatchEmbedding(site: Site, layer: PatchEmbedding, x: Value): Value {
  const { channels, lengths } = spatialOf(site, x);
  const width = site.whole("width", layer.width);
  const { size } = layer;
  const window = windowOver(site, lengths, { size, stride: size, dilation: 1, padding: "valid" }, "size");
  for (const [axis, length] of lengths.entries()) {
    if (length % window.size[axis]! !== 0)
      throw site.fault(`patches of ${window.size[axis]} do not divide its ${length} places; take a size that does`);
  }
  const shape = [width, channels, ...window.size];
  const fans = convolutionFans(shape);
  const weight = site.parameter("weight", shape, weightsOf(layer), fans);
  const bias = layer.bias === false ? [] : [site.parameter("bias", [width], biasesOf(layer), fans)];
  const patches = site.op("Conv", [x.name, weight, ...bias], { kernel_shape: window.size, strides: window.strides });
  const length = window.places.reduce((product, places) => product * places, 1);
  const inLine = site.op("Reshape", [patches, site.ints([0, width, length])], {}, "in_line");
  const name = site.op("Transpose", [inLine], { perm: [0, 2, 1] }, "sequence");
  return { name, form: { kind: "sequence", length, features: width }, mask: null };
}

export interface ClassToken {
  readonly kind: "classToken";
  readonly initialization?: Initialization;
}

/**
 * Puts a learned place before a sequence, for `firstToken` to take out again. Parameter: `weight` [1, 1, features], zeros
 * unless said.
 */
export function classToken(options: { readonly initialization?: Initialization } = {}): ClassToken {
  return { kind: "classToken", ...options };
}

export function emitClassToken(site: Site, { initialization = "zeros" }: ClassToken, x: Value): Value {
  const form = site.require(x, ["sequence"], "put embedding() or patchEmbedding() before it");
  const { features } = form;
  const weight = site.parameter("weight", [1, 1, features], initialization, { in: features, out: features });
  const rows = site.op("Shape", [x.name], { start: 0, end: 1 }, "rows");
  const shape = site.op("Concat", [rows, site.ints([1, features])], { axis: 0 }, "shape");
  const tokens = site.op("Expand", [weight, shape], {}, "tokens");
  const name = site.op("Concat", [tokens, x.name], { axis: 1 }, "joined");
  const length: Length = typeof form.length === "number" ? form.length + 1 : `${form.length} + 1`;
  return { name, form: { ...form, length }, mask: x.mask === null ? null : withOneMore(site, x.mask, rows) };
}

/** A mask with a place before the others that counts. */
function withOneMore(site: Site, mask: string, rows: string): string {
  const counts = site.shared.graph.values("bool", [true], [1, 1]);
  const shape = site.op("Concat", [rows, site.ints([1])], { axis: 0 }, "mask_shape");
  return site.op("Concat", [site.op("Expand", [counts, shape], {}, "counts"), mask], { axis: 1 }, "mask");
}

export interface FirstToken {
  readonly kind: "firstToken";
}

/** The features of a sequence's first place. */
export function firstToken(): FirstToken {
  return { kind: "firstToken" };
}

export function emitFirstToken(site: Site, _layer: FirstToken, x: Value): Value {
  const { features } = site.require(x, ["sequence"], "it belongs behind a sequence");
  const first = site.op("Slice", [x.name, site.ints([0]), site.ints([1]), site.ints([1])], {}, "slice");
  const name = site.op("Squeeze", [first, site.ints([1])]);
  return { name, form: { kind: "features", features }, mask: null };
}
