// Gradients of normalisations. Each is X̂ = (X − μ)·r with r = 1/√(σ² + ε) over some axes, then times a scale, plus a bias; its
// derivative is r·(g − mean g − X̂·mean(g·X̂)) with g = G·scale. Source: Ioffe and Szegedy, arXiv 1502.03167, section 3.
import { float } from "#graph";
import type { Emitter } from "../emitter.ts";
import { once } from "../once.ts";
import { type InputGradients, type OperatorCall, type OperatorGradient, rule } from "../operator-gradient.ts";

/** What a normalisation made of its input. */
interface Normalized {
  /** X̂, in the shape of X. */
  readonly value: string;
  /** r, which broadcasts to X. */
  readonly factor: string;
}

/** Normalises a value by its own mean and variance over axes. */
function normalize(e: Emitter, x: string, axes: readonly number[], epsilon: number): Normalized {
  const centred = e.sub(x, e.mean(x, axes));
  return normalizeBySize(e, centred, axes, epsilon);
}

/** Divides by the root mean square over axes. */
function normalizeBySize(e: Emitter, x: string, axes: readonly number[], epsilon: number): Normalized {
  const factor = e.div(1, e.sqrt(e.add(e.mean(e.square(x), axes), epsilon)));
  return { value: e.mul(x, factor), factor };
}

/** The gradient by X of X̂, given that by X̂. `isCentred` is whether the mean was taken off. */
function throughNormalization(
  e: Emitter,
  g: string,
  { value, factor }: Normalized,
  axes: readonly number[],
  isCentred: boolean,
): string {
  const along = e.mul(value, e.mean(e.mul(g, value), axes));
  const centred = isCentred ? e.sub(g, e.mean(g, axes)) : g;
  return e.mul(factor, e.sub(centred, along));
}

/** The axes of a value but for the batch and the channels: [2, …]. */
function spatialAxes(rank: number): readonly number[] {
  return Array.from({ length: Math.max(rank - 2, 0) }, (_, index) => index + 2);
}

/** A value per channel, [C], so that it broadcasts to [N, C, …]. */
function perChannel(e: Emitter, x: string, rank: number): string {
  return e.unsqueeze(x, [0, ...spatialAxes(rank)]);
}

const NO_STATISTICS = "not by the statistics it hands out beside";

/** Only what is normalised has a gradient here, not the statistics that are handed out beside it. */
function refuseStatistics(call: OperatorCall): void {
  for (const index of call.node.outputs.keys()) {
    if (index > 0 && call.upstream(index) !== null)
      throw call.unavailable(
        `hands out the statistic '${call.y(index)}', which is differentiated too and has no gradient here`,
      );
  }
}

const layer = rule(
  "dX = r · (g − mean g − X̂ · mean(g · X̂)), g = G · scale; dscale = Σ G · X̂; dB = Σ G",
  (call) => {
    refuseStatistics(call);
    const rank = call.rank();
    const first = call.axis(call.int("axis", -1), rank);
    const axes = Array.from({ length: rank - first }, (_, index) => first + index);
    // What the operator has found of each row, where it tells it in the type of X.
    const isTold = call.e.dtype === "float32";
    const normalized = once(() => {
      if (!isTold) return normalize(call.e, call.x(), axes, call.float("epsilon", 1e-5));
      const factor = call.demandOutput(2);
      return { value: call.e.mul(call.e.sub(call.x(), call.demandOutput(1)), factor), factor };
    });
    return isTold && axes.length === 1
      ? lastAxisGradients(call, normalized)
      : scaledGradients(call, normalized, axes, true);
  },
  NO_STATISTICS,
);

/** As `scaledGradients` over the last axis: means of products with the scale are products with a vector, which write no rows. */
function lastAxisGradients(call: OperatorCall, normalized: () => Normalized): InputGradients {
  const { e } = call;
  const along = once(() => e.mul(call.g, normalized().value));
  return [
    () => {
      const { value, factor } = normalized();
      const length = e.cast(e.op("Size", [call.x(1)]));
      const scale = e.unsqueeze(e.div(call.x(1), length), [1]);
      const [mean, slope] = [e.matMul(call.g, scale), e.matMul(along(), scale)];
      const inner = e.sub(e.sub(e.mul(call.g, call.x(1)), e.mul(value, slope)), mean);
      return e.mul(inner, factor);
    },
    () => call.sumToInput(along(), 1),
    () => call.sumToInput(call.g, 2),
  ];
}

const rms = rule("dX = r · (g − X̂ · mean(g · X̂)), g = G · scale; dscale = Σ G · X̂", (call) => {
  const rank = call.rank();
  const first = call.axis(call.int("axis", -1), rank);
  const axes = Array.from({ length: rank - first }, (_, index) => first + index);
  const normalized = once(() => normalizeBySize(call.e, call.x(), axes, call.float("epsilon", 1e-5)));
  return scaledGradients(call, normalized, axes, false);
});

function scaledGradients(
  call: OperatorCall,
  normalized: () => Normalized,
  axes: readonly number[],
  isCentred: boolean,
): InputGradients {
  const { e } = call;
  return [
    () => throughNormalization(e, e.mul(call.g, call.x(1)), normalized(), axes, isCentred),
    () => call.sumToInput(e.mul(call.g, normalized().value), 1),
    () => call.sumToInput(call.g, 2),
  ];
}

/**
 * In training, by the mean and variance of the batch. Each node that makes a value of the shape of X is a pass over memory, so
 * all factors are put together by channel first: dX = a·G − b·(X − μ) + c.
 */
function byBatchStatistics(call: OperatorCall, axes: readonly number[]): InputGradients {
  const { e } = call;
  const rank = call.rank();
  const wide = (x: string): string => perChannel(e, x, rank);
  const shared = once(() => {
    const { mean, variance } = batchStatistics(call, axes);
    const centred = e.sub(call.x(), wide(mean));
    const factor = e.div(
      1,
      e.sqrt(
        e.add(
          variance?.() ?? e.op("Squeeze", [e.mean(e.square(centred), axes), e.ints(axes)]),
          call.float("epsilon", 1e-5),
        ),
      ),
    );
    // Σ G · (X − μ), of which the scale's gradient is r times.
    const along = sumOfProducts(call, call.g, centred, axes);
    return { centred, factor, along };
  });
  const byBias = once(() => call.sumOverSamples(call.g, axes));
  return [
    () => {
      const { centred, factor, along } = shared();
      const count = e.div(e.cast(e.op("Size", [call.x()])), e.cast(e.op("Size", [call.x(1)])));
      const a = e.mul(call.x(1), factor);
      const b = e.mul(a, e.div(e.mul(e.square(factor), along), count));
      const c = e.neg(e.mul(a, e.div(byBias(), count)));
      return e.sub(affineByChannel(e, call.g, a, c), e.mul(centred, wide(b)));
    },
    () => e.mul(shared().along, shared().factor),
    byBias,
    null,
    null,
  ];
}

/**
 * Channels of at least so many places are summed as products of a row with a column, which write no value of the shape of X: measured
 * at twice the speed for 28 × 28, as fast for 14 × 14, and slower below.
 */
const LEAST_PLACES_MULTIPLIED = 256;

/** Σ a · b by channel. */
function sumOfProducts(call: OperatorCall, a: string, b: string, axes: readonly number[]): string {
  const { e } = call;
  const places = call.axes()?.slice(2) ?? [];
  const count = places.reduce<number>((product, length) => product * (typeof length === "number" ? length : 0), 1);
  if (!e.isFast || e.dtype !== "float32" || count < LEAST_PLACES_MULTIPLIED)
    return call.sumOverSamples(e.mul(a, b), axes);
  // [N, C, …] as [N, C, 1, places].
  const inRows = (x: string): string => e.reshape(x, e.ints([0, 0, 1, -1]));
  const products = e.contributed("FusedMatMul", [inRows(a), inRows(b)], { transB: 1 });
  return call.sumOverSamples(products, [0, 2, 3]);
}

/** Mean and variance of the batch by channel: those the operator hands out where it keeps nothing of what was before. */
function batchStatistics(
  call: OperatorCall,
  axes: readonly number[],
): { readonly mean: string; readonly variance: (() => string) | null } {
  const { e } = call;
  if (call.hasAttribute("momentum") && call.float("momentum", 0.9) === 0)
    return { mean: call.demandOutput(1), variance: () => call.demandOutput(2) };
  return { mean: e.op("Squeeze", [e.mean(call.x(), axes), e.ints(axes)]), variance: null };
}

/** a·x + b with a factor and a term for each channel, in one pass: BatchNormalization by a mean of 0 and a variance of 1. */
function affineByChannel(e: Emitter, x: string, a: string, b: string): string {
  const shape = e.op("Shape", [a]);
  return e.op("BatchNormalization", [x, a, b, e.filled(shape, 0), e.filled(shape, 1)], { epsilon: float(0) });
}

/** By stored statistics it is an affine map; by those of the batch, a normalisation over all axes but the channels. */
const batch = rule(
  "by stored statistics: dX = G · scale · r, dmean = −Σ dX, dvar = −½ Σ G · scale · (X − mean) · r³; by the batch's: as LayerNormalization, over all axes but the channels; dscale = Σ G · X̂; dB = Σ G",
  (call) => {
    const { e } = call;
    refuseStatistics(call);
    const rank = call.rank();
    const axes = [0, ...spatialAxes(rank)];
    const epsilon = call.float("epsilon", 1e-5);
    const wide = (index: number): string => perChannel(e, call.x(index), rank);
    const overChannels = (x: string): string => call.sumOverSamples(x, axes);
    const usesBatch = call.int("training_mode", 0) !== 0;
    if (usesBatch) return byBatchStatistics(call, axes);
    const normalized = once(() => {
      const factor = e.div(1, e.sqrt(e.add(wide(4), epsilon)));
      return { value: e.mul(e.sub(call.x(), wide(3)), factor), factor };
    });
    const scaled = (): string => e.mul(call.g, wide(1));
    const byScale = (): string => overChannels(e.mul(call.g, normalized().value));
    const byBias = (): string => overChannels(call.g);
    const byInput = (): string => e.mul(call.g, e.mul(wide(1), normalized().factor));
    return [
      byInput,
      byScale,
      byBias,
      () => overChannels(e.neg(byInput())),
      () => {
        const { value, factor } = normalized();
        return overChannels(e.mul(e.mul(-0.5, scaled()), e.mul(value, e.square(factor))));
      },
    ];
  },
  NO_STATISTICS,
);

const instance = rule("as LayerNormalization, over the axes behind the channels", (call) => {
  const { e } = call;
  const rank = call.rank();
  const axes = spatialAxes(rank);
  const normalized = once(() => normalize(e, call.x(), axes, call.float("epsilon", 1e-5)));
  return [
    () => throughNormalization(e, e.mul(call.g, perChannel(e, call.x(1), rank)), normalized(), axes, true),
    () => call.sumOverSamples(e.mul(call.g, normalized().value), [0, ...axes]),
    () => call.sumOverSamples(call.g, [0, ...axes]),
  ];
});

/** Over the channels of each group and the axes behind; since version 21 scale and bias are per channel, before per group. */
const group = rule("as LayerNormalization, over each group of channels and the axes behind", (call) => {
  const { e } = call;
  const rank = call.rank();
  const groups = call.int("num_groups", 1);
  // [N, C, …] as [N, groups, C/groups, …].
  const axes = Array.from({ length: rank - 1 }, (_, index) => index + 2);
  const inGroups = (x: string): string => {
    const spatial = spatialAxes(rank).map((axis) => e.lengthOf(call.x(), axis));
    const shape = [e.lengthOf(call.x(), 0), e.ints([groups, -1]), ...spatial];
    return e.reshape(x, e.concat(shape, 0));
  };
  const isPerGroup = e.opset < 21;
  const scale = (): string =>
    isPerGroup
      ? e.reshape(call.x(1), e.ints([1, groups, 1, ...spatialAxes(rank).map(() => 1)]))
      : e.reshape(call.x(1), e.ints([1, groups, -1, ...spatialAxes(rank).map(() => 1)]));
  const kept = isPerGroup ? [0, ...axes] : [0, ...axes.slice(1)];
  const normalized = once(() => normalize(e, inGroups(call.x()), axes, call.float("epsilon", 1e-5)));
  return [
    () => {
      const g = e.mul(inGroups(call.g), scale());
      return call.inShapeOf(throughNormalization(e, g, normalized(), axes, true));
    },
    () => call.inShapeOf(call.sumOverSamples(e.mul(inGroups(call.g), normalized().value), kept), 1),
    () => call.inShapeOf(call.sumOverSamples(inGroups(call.g), kept), 2),
  ];
});

const lp = rule(
  "with the norm n = Y's divisor: p = 2: dX = (G − Y · Σ G · Y) / n; p = 1: dX = (G − sign X · Σ G · Y) / n",
  (call) => {
    const { e } = call;
    const axis = call.axis(call.int("axis", -1));
    const p = call.int("p", 2);
    return [
      () => {
        const along = e.sum(e.mul(call.g, call.y()), [axis]);
        const size = e.sum(p === 1 ? e.op("Abs", [call.x()]) : e.square(call.x()), [axis]);
        const norm = p === 1 ? size : e.sqrt(size);
        const direction = p === 1 ? e.sign(call.x()) : call.y();
        // Where all is 0 the operator answers 0, and has no derivative.
        const isZero = e.equal(norm, 0);
        const gradient = e.div(e.sub(call.g, e.mul(direction, along)), e.where(isZero, 1, norm));
        return e.where(isZero, 0, gradient);
      },
    ];
  },
);

/** Of each channel by its neighbours: Y = X · D^(−β), D = k + α/n · Σ X² over n channels around. */
const local = rule(
  "dX = G · D^(−β) − 2αβ/n · X · Σ (G · Y / D), D the divisor before its power, Σ over the channels that X is a neighbour of",
  (call) => {
    const { e } = call;
    const size = call.int("size", 1);
    const [alpha, beta, bias] = [call.float("alpha", 1e-4), call.float("beta", 0.75), call.float("bias", 1)];
    const rank = call.rank();
    // Channels from c − ⌊(n−1)/2⌋ to c + ⌈(n−1)/2⌉.
    const [before, after] = [Math.floor((size - 1) / 2), Math.ceil((size - 1) / 2)];
    const around = (x: string, lower: number, upper: number): string => {
      const zeros = Array.from({ length: rank - 2 }, () => 0);
      const padded = e.op("Pad", [x, e.ints([0, lower, ...zeros, 0, upper, ...zeros]), 0]);
      const parts = Array.from({ length: size }, (_, at) =>
        e.slice(padded, 1, at, e.of("int64").add(e.lengthOf(call.x(), 1), e.ints([at]))),
      );
      return parts.length === 1 ? parts[0]! : e.op("Sum", parts);
    };
    return [
      () => {
        const divisor = e.add(bias, e.mul(alpha / size, around(e.square(call.x()), before, after)));
        const direct = e.mul(call.g, e.op("Pow", [divisor, -beta]));
        const shared = around(e.div(e.mul(call.g, call.y()), divisor), after, before);
        return e.sub(direct, e.mul(e.mul((2 * alpha * beta) / size, call.x()), shared));
      },
    ];
  },
);

export const NORMALIZATIONS: Readonly<Record<string, OperatorGradient>> = {
  LayerNormalization: layer,
  RMSNormalization: rms,
  BatchNormalization: batch,
  InstanceNormalization: instance,
  GroupNormalization: group,
  LpNormalization: lp,
  LRN: local,
};
