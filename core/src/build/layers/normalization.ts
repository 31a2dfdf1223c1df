// Normalisations of channels, places and groups.
import { float } from "#graph";
import type { Value } from "../form.ts";
import type { Site } from "../site.ts";
import { rowsRemedy } from "./dense.ts";

export interface BatchNormOptions {
  /** Added to the variance; 1e-5 unless said. */
  readonly epsilon?: number;
  /**
   * The share of running statistics that a step of training keeps; 0.9 unless said. (PyTorch's `momentum` is what it gives up.)
   */
  readonly momentum?: number;
  /** How the scale begins: `ones` unless said; `zeros` at a residual branch's end makes the branch begin as nothing. */
  readonly scale?: "ones" | "zeros";
}

export interface BatchNorm extends BatchNormOptions {
  readonly kind: "batchNorm";
}

/**
 * Normalises each channel, or each feature of rows: by running statistics as built, by the batch's in training. Parameters:
 * `scale`, `bias`, and what training renews, `mean` and `variance`. Source: Ioffe and Szegedy, arXiv 1502.03167.
 */
export function batchNorm(options: BatchNormOptions = {}): BatchNorm {
  return { kind: "batchNorm", ...options };
}

export function emitBatchNorm(site: Site, layer: BatchNorm, x: Value): Value {
  const form = site.require(x, ["image", "signal", "features"], "take layerNorm() for sequences");
  const channels = form.kind === "features" ? form.features : form.channels;
  const { epsilon = 1e-5, momentum = 0.9, scale = "ones" } = layer;
  const parameters = [
    vector(site, "scale", channels, scale),
    vector(site, "bias", channels, "zeros"),
    vector(site, "mean", channels, "zeros", false),
    vector(site, "variance", channels, "ones", false),
  ];
  const name = site.op("BatchNormalization", [x.name, ...parameters], {
    epsilon: float(site.positive("epsilon", epsilon)),
    momentum: float(site.share("momentum", momentum)),
  });
  return { ...x, name };
}

export interface LayerNormOptions {
  /** Added to the variance; 1e-5 unless said. */
  readonly epsilon?: number;
}

export interface LayerNorm extends LayerNormOptions {
  readonly kind: "layerNorm";
}

/** Normalises the features of each row or place. Parameters: `scale` and `bias`. Source: Ba et al., arXiv 1607.06450. */
export function layerNorm(options: LayerNormOptions = {}): LayerNorm {
  return { kind: "layerNorm", ...options };
}

export function emitLayerNorm(site: Site, { epsilon = 1e-5 }: LayerNorm, x: Value): Value {
  const remedy = x.form.kind === "tokens" ? rowsRemedy(x) : "take batchNorm(), or groupNorm({ groups: 1 })";
  const { features } = site.require(x, ["features", "sequence"], remedy);
  const parameters = [vector(site, "scale", features, "ones"), vector(site, "bias", features, "zeros")];
  const name = site.op("LayerNormalization", [x.name, ...parameters], {
    axis: -1,
    epsilon: float(site.positive("epsilon", epsilon)),
  });
  return { ...x, name };
}

export interface GroupNormOptions {
  /** How many groups the channels are divided into; each is normalised with the places behind. */
  readonly groups: number;
  /** Added to the variance; 1e-5 unless said. */
  readonly epsilon?: number;
}

export interface GroupNorm extends GroupNormOptions {
  readonly kind: "groupNorm";
}

/**
 * Normalises groups of channels, for batches too small for batchNorm. Parameters: `scale` and `bias`, by channel. Source: Wu
 * and He, arXiv 1803.08494.
 */
export function groupNorm(options: GroupNormOptions): GroupNorm {
  return { kind: "groupNorm", ...options };
}

export function emitGroupNorm(site: Site, { groups, epsilon = 1e-5 }: GroupNorm, x: Value): Value {
  const { channels } = site.require(x, ["image", "signal"], "take layerNorm() for rows and sequences");
  if (channels % site.whole("groups", groups) !== 0)
    throw site.fault(`its ${channels} channels can't be divided into ${groups} groups; change groups`);
  const parameters = [vector(site, "scale", channels, "ones"), vector(site, "bias", channels, "zeros")];
  const name = site.op("GroupNormalization", [x.name, ...parameters], {
    num_groups: groups,
    epsilon: float(site.positive("epsilon", epsilon)),
  });
  return { ...x, name };
}

function vector(site: Site, role: string, length: number, begins: "ones" | "zeros", learns = true): string {
  return site.parameter(role, [length], begins, { in: 1, out: 1 }, learns);
}
