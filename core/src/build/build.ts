// From layers to a model.
import { SlipwayError } from "#base";
import { createValueInfo, type Graph, graphBuilder, type Model, NameScope, type ValueInfo } from "#graph";
import { emitLayers } from "./emit.ts";
import { BATCH, type Form, shapeOf, type Value } from "./form.ts";
import type { Layers } from "./layer.ts";
import type { LayerSummary, Shared } from "./site.ts";

/**
 * What a network is given: an input named `input`, whose first axis N may have any length.
 *
 * | kind | axes | |
 * |---|---|---|
 * | `features` | [N, features] | float32 |
 * | `image` | [N, channels, height, width] | float32 |
 * | `signal` | [N, channels, length] | float32 |
 * | `sequence` | [N, length, features] | float32; without a length of any |
 * | `tokens` | [N, length] | int64, from 0 to below `vocabulary`; without a length of any |
 */
export type Input =
  | { readonly kind: "features"; readonly features: number }
  | { readonly kind: "image"; readonly channels: number; readonly height: number; readonly width: number }
  | { readonly kind: "signal"; readonly channels: number; readonly length: number }
  | {
      readonly kind: "sequence";
      readonly features: number;
      readonly length?: number;
      /** With `mask` a further input `mask`, bool [N, length], says which places count. */
      readonly padding?: "mask";
    }
  | {
      readonly kind: "tokens";
      readonly vocabulary: number;
      readonly length?: number;
      /** As for sequences; or places that hold a certain token do not count. */
      readonly padding?: "mask" | { readonly token: number };
    };

export interface BuildOptions {
  readonly input: Input;
  /** What the first values of parameters are drawn from; the same gives the same bytes. */
  readonly seed: number | bigint;
  /** Name of the output; `logits` unless said. */
  readonly output?: string;
  /** Name of the graph. */
  readonly name?: string;
}

/** GroupNormalization has its scale by channel since this version; what this makes needs no later one. */
const OPSET = 21;
/** The name of an axis of places where its length is open. */
const LENGTH = "length";

/**
 * A model of these layers, float32, for ONNX's operator set 21. Normalisations and dropout are as they are in use; `trainStep`
 * (`@slipway/core/autodiff`) turns them on.
 *
 * ```ts
 * const model = build(
 *   [
 *     named("stem", [conv({ channels: 16, kernel: 3, bias: false }), batchNorm(), relu()]),
 *     named("block", residual([conv({ channels: 16, kernel: 3, bias: false }), batchNorm(), relu()])),
 *     globalAveragePool(),
 *     named("head", linear(10)),
 *   ],
 *   { input: { kind: "image", channels: 1, height: 28, width: 28 }, seed: 1 },
 * );
 * ```
 * @throws SlipwayError NETWORK_INVALID where layers do not fit together, naming the layer by its path, and for options that
 * can't be
 */
export function build(layers: Layers, options: BuildOptions): Model {
  const { output = "logits" } = options;
  const { shared, made } = emitted(layers, options);
  shared.graph.output(output, made.name, "float32", shapeOf(made.form));
  const model = shared.graph.model();
  const valueInfo = valueInfoOf(model.graph, shared.shapes);
  return { ...model, graph: { ...model.graph, valueInfo } };
}

/** Types of values in between; what is an output has its type there. */
function valueInfoOf(graph: Graph, shapes: Shared["shapes"]): readonly ValueInfo[] {
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const made = graph.nodes.flatMap((node) => node.outputs).filter((name) => !outputs.has(name));
  return made.flatMap((name) => {
    const shape = shapes.get(name);
    return shape === undefined ? [] : [createValueInfo(name, { kind: "tensor", dtype: "float32", shape })];
  });
}

/**
 * What becomes of each layer: its path, what it answers, and how many numbers of it learn; those inside a layer follow it, one
 * deeper. No weight is drawn, so networks of any size can be looked at.
 *
 * ```ts
 * console.table(summaryOf([linear(8), relu(), linear(3)], { kind: "features", features: 4 }));
 * ```
 * @throws SlipwayError as `build`
 */
export function summaryOf(layers: Layers, input: Input): readonly LayerSummary[] {
  return emitted(layers, { input, seed: 0 }).shared.summaries;
}

function emitted(layers: Layers, options: BuildOptions): { readonly shared: Shared; readonly made: Value } {
  const { input, name = "network" } = options;
  const graph = graphBuilder({ opset: OPSET, name });
  const shared: Shared = {
    graph,
    seed: seedOf(options.seed),
    nodeNames: new NameScope(),
    masks: new Map(),
    embeddings: [],
    stored: new Set(),
    shapes: new Map(),
    summaries: [],
    emit: emitLayers,
  };
  const form = formOf(input);
  const dtype = form.kind === "tokens" ? "int64" : "float32";
  const given: Value = { name: graph.input("input", dtype, shapeOf(form)), form, mask: maskOf(shared, input, form) };
  const made = emitLayers(shared, layers, given, { path: "", depth: 0 });
  if (made.name === given.name)
    throw new SlipwayError("NETWORK_INVALID", "The network has no layers that do anything; give it some.");
  return { shared, made };
}

function seedOf(seed: number | bigint): bigint {
  if (typeof seed === "bigint" || Number.isSafeInteger(seed)) return BigInt(seed);
  throw new SlipwayError(
    "NETWORK_INVALID",
    `The seed is ${seed}; give a whole number of at most 2^53 − 1, or a bigint.`,
  );
}

/** What each kind of input must say. */
const LENGTHS: { readonly [K in Input["kind"]]: readonly string[] } = {
  features: ["features"],
  image: ["channels", "height", "width"],
  signal: ["channels", "length"],
  sequence: ["features"],
  tokens: ["vocabulary"],
};

function formOf(input: Input): Form {
  if (!Object.hasOwn(LENGTHS, input.kind))
    throw invalid(`is of the kind '${input.kind}'; it may be of ${Object.keys(LENGTHS).join(", ")}`);
  const lengths = new Map<string, unknown>(Object.entries(input));
  const said = lengths.get("length") === undefined ? [] : ["length"];
  for (const what of new Set([...LENGTHS[input.kind], ...said])) {
    const length = lengths.get(what);
    if (!(Number.isSafeInteger(length) && Number(length) >= 1))
      throw invalid(`has the ${what} ${String(length)}; give a whole number of at least 1`);
  }
  if (input.kind === "sequence") return { kind: "sequence", length: input.length ?? LENGTH, features: input.features };
  if (input.kind === "tokens") return { kind: "tokens", length: input.length ?? LENGTH, vocabulary: input.vocabulary };
  return input;
}

/** The places of a sequence that count, bool [N, length]; null where all do. */
function maskOf({ graph }: Shared, input: Input, form: Form): string | null {
  const padding = "padding" in input ? input.padding : undefined;
  if (padding === undefined || (form.kind !== "sequence" && form.kind !== "tokens")) return null;
  if (padding === "mask") return graph.input("mask", "bool", [BATCH, form.length]);
  const token: unknown = typeof padding === "object" ? padding.token : padding;
  const isToken = form.kind === "tokens" && Number.isSafeInteger(token) && Number(token) >= 0;
  if (!isToken || Number(token) >= form.vocabulary)
    throw invalid(
      `has the padding ${typeof padding === "object" ? `token ${String(token)}` : `'${String(padding)}'`}; give 'mask', or for tokens { token } below the vocabulary`,
    );
  const isPadding = graph.op("Equal", ["input", graph.values("int64", [Number(token)], [])], {}, { name: "padding" });
  return graph.op("Not", [isPadding], {}, { name: "counts" });
}

function invalid(what: string): SlipwayError {
  return new SlipwayError("NETWORK_INVALID", `The input ${what}.`);
}
