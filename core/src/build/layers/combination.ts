// Layers made of others: in line, beside a shortcut, side by side, and as a gate.
import { describeForm, type Form, isSameForm, type Value } from "../form.ts";
import type { Layers } from "../layer.ts";
import type { Site } from "../site.ts";
import { type Activation, activation, biasesOf, weightsOf, type WeightOptions } from "./dense.ts";
import { conv } from "./convolution.ts";
import { batchNorm } from "./normalization.ts";
import { spatialOf } from "./window.ts";

export interface Sequential {
  readonly kind: "sequential";
  readonly layers: readonly Layers[];
}

/** Layers one after the other. Wherever layers are taken an array of them does as well. */
export function sequential(layers: readonly Layers[]): Sequential {
  return { kind: "sequential", layers };
}

export function emitSequential(site: Site, { layers }: Sequential, x: Value): Value {
  return site.inside("", layers, x);
}

export interface ResidualOptions {
  /**
   * What the sum's other part is: the input itself (`identity`, unless said); with `projection`, where shapes differ, a
   * convolution of 1 × 1 with the stride that makes them alike, and a normalisation, under the name `shortcut`; or layers.
   */
  readonly shortcut?: "identity" | "projection" | Layers;
  /** What is done to the sum; nothing unless said. */
  readonly activation?: Activation;
}

export interface Residual extends ResidualOptions {
  readonly kind: "residual";
  readonly branch: Layers;
}

/** branch(x) + shortcut(x). Its layers stand right under its own name. Source: He et al., arXiv 1512.03385. */
export function residual(branch: Layers, options: ResidualOptions = {}): Residual {
  return { kind: "residual", ...options, branch };
}

export function emitResidual(site: Site, layer: Residual, x: Value): Value {
  const { branch, shortcut = "identity" } = layer;
  const branched = site.inside("", branch, x);
  if (branched.name === x.name) throw site.fault("its branch does nothing; put layers into it, or leave it out");
  const other = shortcutOf(site, shortcut, x, branched.form);
  if (!isSameForm(branched.form, other.form)) {
    const parts = `its branch makes ${describeForm(branched.form)} and its shortcut ${describeForm(other.form)}, which can't be added`;
    throw site.fault(`${parts}; ${residualRemedy(x.form, branched.form)}`);
  }
  const sum = { ...branched, name: site.op("Add", [branched.name, other.name], {}, "sum") };
  return layer.activation === undefined ? sum : site.inside("sum.activation", activation(layer.activation), sum);
}

function shortcutOf(site: Site, shortcut: "identity" | "projection" | Layers, x: Value, wanted: Form): Value {
  if (shortcut === "identity") return x;
  if (typeof shortcut !== "string") return site.inside("shortcut", shortcut, x);
  if (shortcut !== "projection") throw site.unknown("shortcut", shortcut, ["identity", "projection"]);
  if (isSameForm(x.form, wanted)) return x;
  const stride = strideBetween(x.form, wanted);
  if (stride === null || (wanted.kind !== "image" && wanted.kind !== "signal")) return x;
  return site.inside("shortcut", [conv({ channels: wanted.channels, kernel: 1, stride, bias: false }), batchNorm()], x);
}

/** The stride that makes one form's lengths the other's, or null. */
function strideBetween(from: Form, to: Form): number[] | null {
  const pairs: readonly (readonly [number, number])[] =
    from.kind === "image" && to.kind === "image"
      ? [
          [from.height, to.height],
          [from.width, to.width],
        ]
      : from.kind === "signal" && to.kind === "signal"
        ? [[from.length, to.length]]
        : [];
  const strides = pairs.map(([before, after]) => Math.round(before / after));
  const isReached = pairs.every(([before, after], axis) => Math.ceil(before / strides[axis]!) === after);
  return pairs.length > 0 && isReached ? strides : null;
}

function residualRemedy(from: Form, to: Form): string {
  if (strideBetween(from, to) !== null) return "say shortcut: 'projection', or make the branch keep its shape";
  if (from.kind === to.kind && "features" in from)
    return "end the branch with a layer that makes as many features as it is given";
  return "make the branch keep its shape, or give layers as the shortcut";
}

export interface Concatenation {
  readonly kind: "concatenate";
  readonly branches: readonly Layers[];
}

/**
 * What several branches make of the same input, one after the other along the channels or features. Their names are `branch1`
 * and so on.
 */
export function concatenate(branches: readonly Layers[]): Concatenation {
  return { kind: "concatenate", branches };
}

export function emitConcatenation(site: Site, { branches }: Concatenation, x: Value): Value {
  const parts = branches.map((branch, index) => site.inside(`branch${index + 1}`, branch, x));
  const [first] = parts;
  if (first === undefined) throw site.fault("it has no branches; give at least one");
  if (first.form.kind === "tokens") throw site.fault("tokens can't be joined; put embedding() into its branches");
  let width = 0;
  for (const { form } of parts) {
    width += widthOf(form);
    if (!isSameForm(withWidth(form, 1), withWidth(first.form, 1)))
      throw site.fault(
        `its branches make ${describeForm(first.form)} and ${describeForm(form)}, which can't be joined; make them alike but for channels`,
      );
  }
  const axis = first.form.kind === "sequence" ? 2 : 1;
  const names = parts.map(({ name }) => name);
  return { ...first, name: site.op("Concat", names, { axis }), form: withWidth(first.form, width) };
}

const widthOf = (form: Form): number => ("channels" in form ? form.channels : "features" in form ? form.features : 0);

function withWidth(form: Form, width: number): Form {
  if ("channels" in form) return { ...form, channels: width };
  return "features" in form ? { ...form, features: width } : form;
}

export interface SqueezeExcitationOptions extends Omit<WeightOptions, "bias"> {
  /** Channels of its hidden layer; a quarter of those it is given unless said. */
  readonly channels?: number;
  /** After the hidden layer; `relu` unless said. */
  readonly activation?: Activation;
  /** What makes factors of its answers; `sigmoid` unless said. */
  readonly gate?: "sigmoid" | "hard-sigmoid";
}

export interface SqueezeExcitation extends SqueezeExcitationOptions {
  readonly kind: "squeezeExcitation";
}

/**
 * Each channel times a factor from 0 to 1, which two layers tell from the means of all. Parameters: `reduce` and `expand`, each
 * with `weight` and `bias`, as of convolutions of 1 × 1. Source: Hu et al., arXiv 1709.01507.
 */
export function squeezeExcitation(options: SqueezeExcitationOptions = {}): SqueezeExcitation {
  return { kind: "squeezeExcitation", ...options };
}

export function emitSqueezeExcitation(site: Site, layer: SqueezeExcitation, x: Value): Value {
  const { channels, lengths, formOf } = spatialOf(site, x);
  const hidden = site.whole("channels", layer.channels ?? Math.max(1, Math.floor(channels / 4)));
  const mean: Value = {
    name: site.op("GlobalAveragePool", [x.name], {}, "mean"),
    form: formOf(
      channels,
      lengths.map(() => 1),
    ),
    mask: null,
  };
  const pointwise = (made: number) =>
    conv({ channels: made, kernel: 1, initialization: weightsOf(layer), biasInitialization: biasesOf(layer) });
  const reduced = site.inside("reduce", pointwise(hidden), mean);
  const active = site.inside("activation", activation(layer.activation ?? "relu"), reduced);
  const expanded = site.inside("expand", pointwise(channels), active);
  const factor = site.inside("gate", activation(layer.gate ?? "sigmoid"), expanded);
  return { ...x, name: site.op("Mul", [x.name, factor.name]) };
}
