// Convolutions that do what stands around them too: what scales and shifts their channels goes into their weights and bias, and
// padding in front of them, or of a pool, into theirs. Source: Jacob and others, arXiv 1712.05877, section 3.2 (folding).
import { AttributeReader, attributeFrom, type Model, type Node, tensorFromInitializer } from "#graph";
import { channelAffineOf, numbersIn } from "./channel-affine.ts";
import { type FusingSite, withFused } from "./fusing.ts";
import type { Pass } from "./pass.ts";

/**
 * The model with BatchNormalization by stored statistics, and Add, Sub, Mul and Div by a stored number for each channel or for all,
 * folded into the Conv or ConvTranspose in front of them, and Pad with zeros into the Conv behind it, as well as into AveragePool,
 * and with −∞ into MaxPool. For inference: there are fewer parameters afterwards, and none of the normalisation's.
 */
export function fuseConvolutions(model: Model): Model {
  return withFused(model, (first, second, value, site) => {
    if (first.domain !== "") return null;
    if (first.opType === "Conv" || first.opType === "ConvTranspose") return withAffine(first, second, value, site);
    return first.opType === "Pad" ? withPadding(first, second, value, site) : null;
  });
}

/** A convolution that also scales and shifts its channels. */
function withAffine(convolution: Node, follower: Node, value: string, site: FusingSite): Node | null {
  const [x = "", weightName = "", biasName = ""] = convolution.inputs;
  const stored = site.stored.get(weightName);
  const weights = numbersIn(stored);
  if (stored === undefined || weights === null || stored.shape.length < 3) return null;
  const { shape, dtype } = stored;
  const group = new AttributeReader(convolution).int("group", 1);
  const isTransposed = convolution.opType === "ConvTranspose";
  // Weights are [outputs, inputs / group, …], of a transposed convolution [inputs, outputs / group, …].
  const channels = isTransposed ? shape[1]! * group : shape[0]!;
  const rank = shape.length;
  const affine = channelAffineOf(follower, { name: value, channels, axesBehind: rank - 2, rank }, site.stored);
  const bias = biasName === "" ? new Float64Array(channels) : numbersIn(site.stored.get(biasName));
  if (affine === null || bias === null) return null;
  const perMap = shape.slice(2).reduce((product, length) => product * length, 1);
  const channelOf = (index: number): number => {
    const [first, second] = [Math.floor(index / (perMap * shape[1]!)), Math.floor(index / perMap) % shape[1]!];
    return isTransposed ? Math.floor(first / (shape[0]! / group)) * shape[1]! + second : first;
  };
  const scaled = weights.map((weight, index) => weight * affine.scale[channelOf(index)]!);
  const shifted = bias.map((one, channel) => one * affine.scale[channel]! + affine.shift[channel]!);
  const inputs = [
    x,
    site.store(`${weightName}_fused`, dtype, shape, scaled),
    site.store(`${biasName === "" ? weightName : biasName}_fused_bias`, dtype, [channels], shifted),
  ];
  return { ...convolution, inputs };
}

/** A convolution or pool that pads as much as what stands in front of it does. */
function withPadding(pad: Node, node: Node, value: string, site: FusingSite): Node | null {
  if (node.domain !== "" || node.inputs[0] !== value) return null;
  const padding = spatialPadding(pad, site);
  const attributes = new AttributeReader(node);
  const autoPad = attributes.string("auto_pad", "NOTSET");
  if (padding === null || !(autoPad === "NOTSET" || autoPad === "VALID")) return null;
  const { pads } = padding;
  const own = autoPad === "VALID" ? undefined : attributes.ints("pads");
  const sum = pads.map((length, index) => length + (own?.[index] ?? 0));
  const changed: [string, number | readonly number[]][] = [["pads", sum]];
  if (node.opType === "AveragePool") {
    // Zeros of the padding count; so must those of the pool, or there must be none.
    if (attributes.int("count_include_pad", 0) === 0 && own?.some((length) => length > 0) === true) return null;
    changed.push(["count_include_pad", 1]);
  }
  const isPool = node.opType === "AveragePool" || node.opType === "MaxPool";
  if (isPool) {
    if (attributes.int("ceil_mode", 0) !== 0 || attributes.ints("dilations")?.some((length) => length > 1) === true)
      return null;
    // Engines take no pool that may see nothing but padding.
    const kernel = attributes.ints("kernel_shape") ?? [];
    if (sum.some((length, index) => length >= (kernel[index % kernel.length] ?? 0))) return null;
    // The places of maxima are counted in what is padded.
    if (node.outputs.slice(1).some((name) => name !== "")) return null;
  } else if (node.opType !== "Conv") return null;
  if (padding.value !== (node.opType === "MaxPool" ? Number.NEGATIVE_INFINITY : 0)) return null;
  const names = new Set(["auto_pad", ...changed.map(([name]) => name)]);
  return {
    ...node,
    inputs: [pad.inputs[0]!, ...node.inputs.slice(1)],
    attributes: [
      ...node.attributes.filter(({ name }) => !names.has(name)),
      ...changed.map(([name, one]) => attributeFrom(name, one)),
    ],
  };
}

/** What a Pad node adds to the axes behind batch and channels, before and after; null where it adds elsewhere, or takes away. */
function spatialPadding(
  pad: Node,
  { stored }: FusingSite,
): { readonly pads: readonly number[]; readonly value: number } | null {
  const [, padsName = "", valueName = "", axesName = ""] = pad.inputs;
  if (new AttributeReader(pad).string("mode", "constant") !== "constant" || axesName !== "") return null;
  const lengths = intsIn(padsName, stored);
  const value = valueName === "" ? 0 : numbersIn(stored.get(valueName))?.[0];
  if (lengths === null || value === undefined || lengths.length < 6) return null;
  const rank = lengths.length / 2;
  const isSpatial = lengths.every((length, index) => length >= 0 && (length === 0 || index % rank >= 2));
  return isSpatial ? { pads: [...lengths.slice(2, rank), ...lengths.slice(rank + 2)], value } : null;
}

function intsIn(name: string, stored: FusingSite["stored"]): readonly number[] | null {
  const found = stored.get(name);
  if (found === undefined || found.data.kind === "external" || found.dtype !== "int64") return null;
  return Array.from(tensorFromInitializer(found).data as BigInt64Array, Number);
}

export const fuseConvolutionsPass: Pass = {
  name: "fuse-convolutions",
  requires: ["opset-7-up"],
  does: "Folds normalisations, biases and padding around convolutions into these, and padding into pools.",
  ensures: [],
  run: fuseConvolutions,
};
