// Gradients of pooling.
import type { Operand } from "../emitter.ts";
import { type OperatorCall, type OperatorGradient, rule } from "../operator-gradient.ts";
import { scatterFlat } from "./indexing.ts";
import { padsOf, spread, type Window, windowOf } from "./window.ts";

function spatialAxes(call: OperatorCall): readonly number[] {
  return Array.from({ length: call.rank() - 2 }, (_, axis) => axis + 2);
}

/** The window of a pooling, with padding behind it for windows that rounding up adds. */
function poolWindow(call: OperatorCall): { readonly window: Window; readonly extra: readonly number[] } {
  const window = windowOf(call, call.ints("kernel_shape") ?? []);
  if (call.int("ceil_mode", 0) === 0) return { window, extra: window.kernel.map(() => 0) };
  const output = call.e.axesOf(call.y());
  const extra = window.kernel.map((length, axis) => {
    const made = output?.[axis + 2];
    if (typeof made !== "number")
      throw call.unavailable("rounds lengths up that are open; give the model fixed shapes there");
    const reach = (made - 1) * window.strides[axis]! + (length - 1) * window.dilations[axis]! + 1;
    return Math.max(reach - call.fixed(axis + 2) - window.padsBefore[axis]! - window.padsAfter[axis]!, 0);
  });
  const padsAfter = window.padsAfter.map((pad, axis) => pad + extra[axis]!);
  return { window: { ...window, padsAfter }, extra };
}

/** A kernel of ones for each channel: [C, 1, …kernel]. */
function ones(call: OperatorCall, kernel: readonly number[]): string {
  return call.e.filled(call.e.ints([call.fixed(1), 1, ...kernel]), 1);
}

/** How many elements each window averages, in a shape that broadcasts to Y: a number where they are all alike. */
function elementsPerWindow(call: OperatorCall, window: Window, extra: readonly number[]): Operand {
  const { e } = call;
  const { kernel, strides, dilations, padsBefore, padsAfter } = window;
  const countsPadding = call.int("count_include_pad", 0) !== 0;
  const uncounted = countsPadding ? extra : padsOf(window);
  if (uncounted.every((length) => length === 0)) return kernel.reduce((product, length) => product * length, 1);
  const spatial = e.op("Slice", [e.shapeOf(call.x()), e.ints([2]), e.ints([call.rank()])]);
  const elements = e.filled(e.concat([e.ints([1, 1]), spatial], 0), 1);
  const padsOwn = padsAfter.map((pad, axis) => pad - extra[axis]!);
  const counted = countsPadding
    ? e.op("Pad", [elements, e.ints([0, 0, ...padsBefore, 0, 0, ...padsOwn]), 1])
    : elements;
  const pads = countsPadding ? [...extra.map(() => 0), ...extra] : padsOf(window);
  const sums = e.filled(e.ints([1, 1, ...kernel]), 1);
  return e.op("Conv", [counted, sums], { strides: [...strides], dilations: [...dilations], pads });
}

const NEEDS_LENGTHS = "not over open lengths that are rounded up (ceil_mode), nor over an open number of channels";

const averagePool = rule(
  "dX = G / number of elements in the window, spread over them",
  (call) => [
    () => {
      const { window, extra } = poolWindow(call);
      const share = call.e.div(call.g, elementsPerWindow(call, window, extra));
      return spread(call, share, ones(call, window.kernel), window, "channels");
    },
  ],
  NEEDS_LENGTHS,
);

/** ONNX Runtime tells where each maximum lies in the whole tensor; windows that overlap add up. */
const maxPool = rule(
  "dX = G added at the place of the maximum, 0 elsewhere; where 2 × 2 become one, shared by equal maxima",
  (call) => {
    if (call.int("storage_order", 0) !== 0)
      throw call.unavailable("counts places column by column (storage_order), which has no gradient here");
    if (isHalving(call)) return [() => sharedByMaxima(call)];
    const { kernel, strides, dilations } = windowOf(call, call.ints("kernel_shape") ?? []);
    const overlaps = kernel.some((length, axis) => strides[axis]! < (length - 1) * dilations[axis]! + 1);
    return [() => scatterFlat(call, call.demandOutput(1), overlaps)];
  },
  "not with places counted column by column (storage_order)",
);

/** Whether each 2 × 2 elements of an image, and no others, make one. */
function isHalving(call: OperatorCall): boolean {
  const { kernel, strides, dilations, padsBefore, padsAfter } = windowOf(call, call.ints("kernel_shape") ?? []);
  const [input, output] = [call.axes(), call.e.axesOf(call.y())];
  if (input?.length !== 4 || call.e.dtype !== "float32") return false;
  const isHalf = [2, 3].every((axis) => {
    const [length, made] = [input[axis], output?.[axis]];
    return typeof length === "number" && typeof made === "number" && length === 2 * made;
  });
  const isPairs = [...kernel, ...strides].every((length) => length === 2);
  return (
    isHalf &&
    isPairs &&
    [...dilations].every((one) => one === 1) &&
    [...padsBefore, ...padsAfter].every((pad) => pad === 0)
  );
}

/**
 * G shared by the equal maxima of each 2 × 2 elements: asking the operator for their places would take it nine times as long, and
 * scattering to them longer than all of this.
 */
function sharedByMaxima(call: OperatorCall): string {
  const { e } = call;
  const attributes = { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" };
  const doubled = (x: string): string => e.op("Resize", [x, "", e.values([1, 1, 2, 2], [4])], attributes);
  const held = e.indicator(e.equal(call.x(), doubled(call.y())));
  const share = e.op("AveragePool", [held], { kernel_shape: [2, 2], strides: [2, 2] });
  return e.mul(held, doubled(e.div(e.mul(0.25, call.g), share)));
}

const globalMax = rule("dX = G · [X = Y] / number of equal ones", (call) => [
  () => {
    const { e } = call;
    const held = e.indicator(e.equal(call.x(), call.y()));
    return e.mul(held, e.div(call.g, e.sum(held, spatialAxes(call))));
  },
]);

/** sign(X)·|X|^(p−1), of which a sum of p-th powers is made. */
function powerDerivative(call: OperatorCall, p: number): string {
  const { e } = call;
  if (p === 1) return e.sign(call.x());
  if (p === 2) return call.x();
  return e.mul(e.sign(call.x()), e.op("Pow", [e.op("Abs", [call.x()]), p - 1]));
}

/** G / Y^(p−1), 0 where Y is 0: there all elements are 0 and there is no derivative. */
function perNorm(call: OperatorCall, p: number): string {
  const { e } = call;
  if (p === 1) return call.g;
  const isZero = e.equal(call.y(), 0);
  const divisor = e.op("Pow", [e.where(isZero, 1, call.y()), p - 1]);
  return e.where(isZero, 0, e.div(call.g, divisor));
}

export const POOLS: Readonly<Record<string, OperatorGradient>> = {
  AveragePool: averagePool,
  MaxPool: maxPool,
  LpPool: rule(
    "dX = sign X · |X|^(p−1) · (G / Y^(p−1) spread over the window)",
    (call) => [
      () => {
        const p = call.int("p", 2);
        const { window } = poolWindow(call);
        const share = spread(call, perNorm(call, p), ones(call, window.kernel), window, "channels");
        return call.e.mul(powerDerivative(call, p), share);
      },
    ],
    NEEDS_LENGTHS,
  ),
  GlobalAveragePool: rule("dX = G / number of elements", (call) => [
    () => {
      const { e } = call;
      const count = e.div(e.cast(e.op("Size", [call.x()])), e.cast(e.op("Size", [call.y()])));
      return e.op("Expand", [e.div(call.g, count), e.shapeOf(call.x())]);
    },
  ]),
  GlobalMaxPool: globalMax,
  GlobalLpPool: rule("dX = sign X · |X|^(p−1) · G / Y^(p−1)", (call) => [
    () => call.e.mul(powerDerivative(call, call.int("p", 2)), perNorm(call, call.int("p", 2))),
  ]),
};
