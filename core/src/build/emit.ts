// Layers to nodes: each kind of layer has a function that does it, and those in line are named and numbered here.
import { LIMITS, SlipwayError } from "#base";
import { shapeOf, type Value } from "./form.ts";
import { isList, type Layer, type LayerKind, type LayerOf, type Layers } from "./layer.ts";
import { emitAttention, emitFeedForward, emitLanguageModelHead, emitTransformerBlock } from "./layers/attention.ts";
import { emitConcatenation, emitResidual, emitSequential, emitSqueezeExcitation } from "./layers/combination.ts";
import { emitConvolution, emitDepthwiseConvolution, emitTransposedConvolution } from "./layers/convolution.ts";
import { emitActivation, emitDropout, emitFlatten, emitLinear, emitSoftmax } from "./layers/dense.ts";
import {
  emitClassToken,
  emitEmbedding,
  emitFirstToken,
  emitPatchEmbedding,
  emitPositionEmbedding,
} from "./layers/embedding.ts";
import { emitBatchNorm, emitGroupNorm, emitLayerNorm } from "./layers/normalization.ts";
import { emitGlobalPool, emitPool, emitUpsample } from "./layers/pooling.ts";
import { type Shared, Site, type Under } from "./site.ts";

/** A kind of layer. */
interface LayerRule<K extends LayerKind> {
  /** What its options are called: who writes without an editor's help is told of others. */
  readonly options: { readonly [O in Exclude<keyof LayerOf<K>, "kind" | "name">]: true };
  readonly emit: (site: Site, layer: LayerOf<K>, x: Value) => Value;
}

const WEIGHTS = { initialization: true, biasInitialization: true, bias: true } as const;
const KERNEL = { ...WEIGHTS, kernel: true, stride: true, padding: true, dilation: true } as const;
const POOL = { size: true, stride: true, padding: true } as const;

const LAYER_RULES: { readonly [K in LayerKind]: LayerRule<K> } = {
  activation: { options: { activation: true, slope: true }, emit: emitActivation },
  averagePool: { options: POOL, emit: emitPool },
  batchNorm: { options: { epsilon: true, momentum: true, scale: true }, emit: emitBatchNorm },
  classToken: { options: { initialization: true }, emit: emitClassToken },
  concatenate: { options: { branches: true }, emit: emitConcatenation },
  conv: { options: { ...KERNEL, channels: true, inputChannels: true, groups: true }, emit: emitConvolution },
  convTranspose: {
    options: { ...WEIGHTS, channels: true, kernel: true, stride: true, padding: true, outputPadding: true },
    emit: emitTransposedConvolution,
  },
  depthwiseConv: { options: { ...KERNEL, multiplier: true }, emit: emitDepthwiseConvolution },
  dropout: { options: { rate: true }, emit: emitDropout },
  embedding: { options: { width: true, initialization: true }, emit: emitEmbedding },
  feedForward: {
    options: { width: true, activation: true, dropout: true, bias: true, initialization: true },
    emit: emitFeedForward,
  },
  firstToken: { options: {}, emit: emitFirstToken },
  flatten: { options: {}, emit: emitFlatten },
  globalAveragePool: { options: {}, emit: emitGlobalPool },
  globalMaxPool: { options: {}, emit: emitGlobalPool },
  groupNorm: { options: { groups: true, epsilon: true }, emit: emitGroupNorm },
  languageModelHead: { options: { tied: true, vocabulary: true, initialization: true }, emit: emitLanguageModelHead },
  layerNorm: { options: { epsilon: true }, emit: emitLayerNorm },
  linear: { options: { ...WEIGHTS, outputs: true, inputs: true }, emit: emitLinear },
  maxPool: { options: POOL, emit: emitPool },
  patchEmbedding: { options: { ...WEIGHTS, size: true, width: true }, emit: emitPatchEmbedding },
  positionEmbedding: {
    options: { maximumLength: true, positions: true, initialization: true },
    emit: emitPositionEmbedding,
  },
  residual: { options: { branch: true, shortcut: true, activation: true }, emit: emitResidual },
  selfAttention: {
    options: { heads: true, causal: true, dropout: true, bias: true, initialization: true },
    emit: emitAttention,
  },
  sequential: { options: { layers: true }, emit: emitSequential },
  softmax: { options: {}, emit: emitSoftmax },
  squeezeExcitation: {
    options: { channels: true, activation: true, gate: true, initialization: true, biasInitialization: true },
    emit: emitSqueezeExcitation,
  },
  transformerBlock: {
    options: {
      heads: true,
      feedForward: true,
      norm: true,
      causal: true,
      activation: true,
      dropout: true,
      epsilon: true,
      initialization: true,
    },
    emit: emitTransformerBlock,
  },
  upsample: { options: { factor: true, mode: true }, emit: emitUpsample },
};

/**
 * Puts layers behind a value. A single layer without a name stands at the path itself; those of an array stand under it.
 * @throws SlipwayError NETWORK_INVALID
 */
export function emitLayers(shared: Shared, layers: Layers, x: Value, { path, depth }: Under): Value {
  const inLine = flattened(layers, path, depth);
  const isAlone = !isList(layers) && layers.kind !== "sequential" && layers.name === undefined;
  if (isAlone && path !== "") return emitLayer(shared, layers, x, { path, depth, number: 1 });
  const names = namesOf(inLine);
  let value = x;
  for (const [index, layer] of inLine.entries()) {
    const name = names[index]!;
    value = emitLayer(shared, layer, value, { path: path === "" ? name : `${path}.${name}`, depth, number: index + 1 });
  }
  return value;
}

function emitLayer<K extends LayerKind>(
  shared: Shared,
  layer: LayerOf<K>,
  x: Value,
  place: Under & { readonly number: number },
): Value {
  const { kind } = layer;
  const { path, depth } = place;
  const site = new Site(shared, { ...place, kind, given: x.form });
  const rule: LayerRule<K> | undefined = Object.hasOwn(LAYER_RULES, kind) ? LAYER_RULES[kind] : undefined;
  if (rule === undefined) throw site.unknown("layer", kind, Object.keys(LAYER_RULES));
  if (layer.name !== undefined && !NAME.test(layer.name))
    throw site.fault(
      `'${layer.name}' is no name; take letters, digits, '_' and '-', beginning with a letter, and dots nowhere`,
    );
  for (const option of Object.keys(layer)) {
    if (option !== "kind" && option !== "name" && !Object.hasOwn(rule.options, option))
      throw site.unknown("option", option, Object.keys(rule.options));
  }
  // Its summary comes before those of the layers inside it, and can be told after them.
  const { summaries } = shared;
  const at = summaries.push({ path, kind, depth, shape: [], parameters: 0 }) - 1;
  const made = rule.emit(site, layer, x);
  site.shaped(made.name, shapeOf(made.form));
  const inside = summaries.slice(at + 1).filter((one) => one.depth === depth + 1);
  const parameters = inside.reduce((sum, one) => sum + one.parameters, site.parameters);
  summaries[at] = { path, kind, depth, shape: shapeOf(made.form), parameters };
  return made;
}

const NAME = /^[A-Za-z][\w-]*$/;

/** Arrays in arrays, and sequences without a name, put in line. */
function flattened(layers: Layers, path: string, depth: number): readonly Layer[] {
  const where = path === "" ? "the network" : `'${path}'`;
  if (depth > LIMITS.modelDepth)
    throw new SlipwayError(
      "NETWORK_INVALID",
      `The layers of ${where} are nested deeper than ${LIMITS.modelDepth}; take some out of their arrays and names.`,
    );
  if (isList(layers)) return layers.flatMap((one) => flattened(one, path, depth + 1));
  // Who writes without a compiler's help may forget to call a function, or leave a layer out by a condition.
  const found: unknown = layers;
  if (typeof found === "function")
    throw new SlipwayError(
      "NETWORK_INVALID",
      `A layer of ${where} is the function ${found.name}; call it: ${found.name}().`,
    );
  if (typeof found !== "object" || found === null)
    throw new SlipwayError("NETWORK_INVALID", `A layer of ${where} is ${String(found)}; give [] for no layer.`);
  if (layers.kind === "sequential" && layers.name === undefined) return flattened(layers.layers, path, depth + 1);
  return [layers];
}

/** Names of layers in line: their own, or their kind, numbered from 1 where several of a kind have none. */
function namesOf(layers: readonly Layer[]): readonly string[] {
  const counts = new Map<LayerKind, number>();
  for (const { kind, name } of layers) if (name === undefined) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const numbers = new Map<LayerKind, number>();
  return layers.map(({ kind, name }) => {
    if (name !== undefined) return name;
    if (counts.get(kind) === 1) return kind;
    const number = (numbers.get(kind) ?? 0) + 1;
    numbers.set(kind, number);
    return `${kind}${number}`;
  });
}
