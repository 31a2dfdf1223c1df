// Gradients of operators that are there for training or for small integers: dropout and fake quantisation.
import type { DType } from "#tensor";
import { type OperatorCall, type OperatorGradient, rule } from "../operator-gradient.ts";

const dropout = rule("training: dX = G · mask / (1 − ratio); else dX = G", (call) => {
  const { e } = call;
  const trains = (): string => e.mul(call.g, e.div(e.indicator(call.demandOutput(1)), kept()));
  const kept = (): string => {
    const ratio = call.hasInput(1) ? e.cast(call.x(1)) : e.number(0.5);
    return e.sub(1, ratio);
  };
  return [
    () => {
      if (!call.hasInput(2)) return call.g;
      const stored = call.storedInts(2);
      if (stored !== null) return stored[0] === 0 ? call.g : trains();
      return e.where(call.x(2), trains(), call.g);
    },
    null,
    null,
  ];
});

/** Least and greatest value of what numbers are quantised to. */
const QUANTIZED: Partial<Record<DType, readonly [number, number]>> = {
  int2: [-2, 1],
  uint2: [0, 3],
  int4: [-8, 7],
  uint4: [0, 15],
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32_768, 32_767],
  uint16: [0, 65_535],
};

/** The scale or, as a number, the zero point, of one number or one per place of an axis, so that it broadcasts to the first input. */
function alongAxis(call: OperatorCall, index: 1 | 2): string {
  if (call.int("block_size", 0) !== 0) throw call.unavailable("has blocks (block_size), which has no gradient here");
  const value = index === 1 ? call.x(1) : call.e.cast(call.x(2));
  if (call.rank(index) === 0) return value;
  const rank = call.rank();
  const axis = call.axis(call.int("axis", 1), rank);
  return call.e.unsqueeze(
    value,
    Array.from({ length: rank - axis - 1 }, (_, index) => index + 1),
  );
}

/** A sum to the shape of a scale; see `alongAxis`. */
function sumToScale(call: OperatorCall, gradient: string): string {
  const rank = call.rank();
  const axis = call.rank(1) === 0 ? null : call.axis(call.int("axis", 1), rank);
  const axes = Array.from({ length: rank }, (_, index) => index).filter((index) => index !== axis);
  return call.e.sum(gradient, axes, false);
}

/** The integer as a number, less its zero point. */
function centred(call: OperatorCall, quantized: string): string {
  const { e } = call;
  const value = e.cast(quantized);
  return call.hasInput(2) ? e.sub(value, alongAxis(call, 2)) : value;
}

/**
 * Rounding counts as the identity (the straight-through estimator; Bengio, Léonard and Courville, arXiv 1308.3432), and the
 * scale's gradient is that of learned step sizes (Esser et al., arXiv 1902.08153), without their factor.
 */
const quantize = rule(
  "dX = G / scale where X is in range, else 0; dscale = −Σ G · X / scale² where X is in range, else 0; G by the integer",
  (call) => {
    const { e } = call;
    const scale = alongAxis(call, 1);
    const range = QUANTIZED[e.dtypeOf(call.y()) ?? "uint8"];
    if (range === undefined) throw call.unavailable("makes numbers that are no integers, which has no gradient here");
    const inRange = (): string => {
      const ratio = e.div(call.x(), scale);
      const shifted = call.hasInput(2) ? e.add(ratio, alongAxis(call, 2)) : ratio;
      return e.and(e.atLeast(shifted, range[0]), e.atMost(shifted, range[1]));
    };
    const passed = (): string => e.where(inRange(), e.div(call.g, scale), 0);
    return [passed, () => sumToScale(call, e.neg(e.div(e.mul(passed(), call.x()), scale))), null];
  },
  "not in blocks or to floating-point numbers",
);

const dequantize = rule(
  "by the integer: G · scale; dscale = Σ G · (X − zero point)",
  (call) => [
    () => call.e.mul(call.g, alongAxis(call, 1)),
    () => sumToScale(call, call.e.mul(call.g, centred(call, call.x()))),
    null,
  ],
  "not in blocks",
);

export const TRAINING: Readonly<Record<string, OperatorGradient>> = {
  Dropout: dropout,
  QuantizeLinear: quantize,
  DequantizeLinear: dequantize,
};
