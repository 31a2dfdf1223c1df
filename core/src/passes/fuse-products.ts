// Matrix products by stored weights that do what stands behind them too: a product and an addition are one Gemm, and what scales and
// shifts columns goes into weights and bias.
import { AttributeReader, createNode, type Model, type Node } from "#graph";
import { channelAffineOf, numbersIn } from "./channel-affine.ts";
import { type FusingSite, withFused } from "./fusing.ts";
import type { Pass } from "./pass.ts";
import { inferTypes } from "./shapes/index.ts";

/**
 * The model with BatchNormalization by stored statistics, and Add, Sub, Mul and Div by a stored number for each column or for all,
 * folded into the MatMul or Gemm in front of them. A MatMul that has to add becomes a Gemm, which takes matrices alone; of more
 * axes it stays with its addition.
 */
export function fuseProducts(model: Model): Model {
  const types = inferTypes(model);
  return withFused(model, (first, second, value, site) => {
    if (first.domain !== "") return null;
    if (first.opType !== "MatMul" && first.opType !== "Gemm") return null;
    const rank = first.opType === "Gemm" ? 2 : (types.get(first.inputs[0]!)?.shape?.length ?? null);
    return withAffine(first, second, value, rank, site);
  });
}

/** A product that also scales and shifts its columns. */
function withAffine(product: Node, follower: Node, value: string, rank: number | null, site: FusingSite): Node | null {
  const [x = "", weightName = "", biasName = ""] = product.inputs;
  const stored = site.stored.get(weightName);
  const weights = numbersIn(stored);
  if (stored === undefined || weights === null || stored.shape.length !== 2) return null;
  const attributes = new AttributeReader(product);
  const isTransposed = attributes.int("transB", 0) !== 0;
  const [rows, columns] = stored.shape as [number, number];
  const channels = isTransposed ? rows : columns;
  // A vector times a matrix has one axis, whose numbers no batch shares; it stays.
  const affine =
    rank === 1 ? null : channelAffineOf(follower, { name: value, channels, axesBehind: 0, rank }, site.stored);
  const bias = biasOf(site, biasName, channels);
  if (affine === null || bias === null) return null;
  const isShifted = biasName !== "" || affine.shift.some((one) => one !== 0);
  if (isShifted && rank !== 2) return null;
  const [alpha, beta] = [attributes.float("alpha", 1), attributes.float("beta", 1)];
  const scaled = weights.map((weight, index) => {
    const channel = isTransposed ? Math.floor(index / columns) : index % columns;
    return alpha * weight * affine.scale[channel]!;
  });
  const shifted = bias.map((one, channel) => beta * one * affine.scale[channel]! + affine.shift[channel]!);
  const fused = site.store(`${weightName}_fused`, stored.dtype, stored.shape, scaled);
  if (!isShifted && product.opType === "MatMul") return { ...product, inputs: [x, fused] };
  const added = site.store(`${biasName === "" ? weightName : biasName}_fused_bias`, stored.dtype, [channels], shifted);
  return createNode({
    ...product,
    opType: "Gemm",
    inputs: [x, fused, added],
    attributes: product.attributes.filter(({ name }) => name !== "alpha" && name !== "beta"),
  });
}

/** The bias of a Gemm as a number for each column; zeros where there is none, null where it has others. */
function biasOf(site: FusingSite, name: string, channels: number): Float64Array | null {
  if (name === "") return new Float64Array(channels);
  const stored = site.stored.get(name);
  const values = numbersIn(stored);
  if (stored === undefined || values === null) return null;
  if (values.length === 1) return new Float64Array(channels).fill(values[0]!);
  const isRow = stored.shape.at(-1) === channels && values.length === channels;
  return isRow ? values : null;
}

export const fuseProductsPass: Pass = {
  name: "fuse-products",
  requires: ["opset-7-up"],
  does: "Makes a product and what scales and shifts its columns one MatMul or Gemm.",
  ensures: [],
  run: fuseProducts,
};
