// Shapes of normalisations, reductions and losses.
import { Length } from "../length.ts";
import { alike, made, type Shape, type ShapeCall, type ShapeRule, sameShape, withAxis } from "../rule.ts";

export const NORMALIZATIONS: Readonly<Record<string, ShapeRule>> = {
  ...alike("InstanceNormalization GroupNormalization RMSNormalization", (call) => made(call.shape())),
  LayerNormalization: (call) => {
    const shape = call.shape();
    if (shape === null) return null;
    const axis = call.axis(call.int("axis", -1), shape.length) ?? shape.length;
    const statistics = shape.map((length, at) => (at < axis ? length : Length.of(1)));
    return [{ shape }, { shape: statistics }, { shape: statistics }];
  },
  BatchNormalization: (call) => {
    const shape = call.shape();
    if (shape === null) return null;
    const channels = call.shape(3);
    return [{ shape }, ...Array.from({ length: call.outputCount - 1 }, () => ({ shape: channels }))];
  },
};

const REDUCED = `
  ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare`;

export const REDUCTIONS: Readonly<Record<string, ShapeRule>> = {
  ...alike(REDUCED, reduced),
  ...alike("ArgMax ArgMin", (call) => {
    const shape = call.shape();
    return shape === null ? null : made(without(shape, [call.int("axis", 0)], call.int("keepdims", 1) !== 0));
  }),
  TopK: (call) => {
    const shape = call.shape();
    const axis = shape === null ? null : call.axis(call.int("axis", -1), shape.length);
    if (shape === null || axis === null) return null;
    const k = call.hasAttribute("k") ? Length.of(call.int("k", 1)) : (call.lengths(1)?.[0] ?? call.unknown());
    const kept = withAxis(shape, axis, k);
    return [{ shape: kept }, { shape: kept }];
  },
};

export const LOSSES: Readonly<Record<string, ShapeRule>> = {
  SoftmaxCrossEntropyLoss: (call) => [{ shape: lossShape(call) }, { shape: call.shape(0) }],
  NegativeLogLikelihoodLoss: (call) => made(lossShape(call)),
};

export const RESTRICTED: Readonly<Record<string, ShapeRule>> = {
  DynamicQuantizeLinear: (call) => [{ shape: call.shape() }, { shape: [] }, { shape: [] }],
  ScatterElements: sameShape(),
  Scatter: sameShape(),
  ScatterND: sameShape(),
  ReverseSequence: sameShape(),
};

function reduced(call: ShapeCall): ReturnType<ShapeRule> {
  const shape = call.shape();
  if (shape === null) return null;
  const keeps = call.int("keepdims", 1) !== 0;
  const axes = call.numbers("axes", 1);
  if (axes === null) return keeps ? made(call.unknowns(shape.length)) : null;
  if (axes === undefined || axes.length === 0) {
    if (call.int("noop_with_empty_axes", 0) !== 0) return made(shape);
    return made(keeps ? shape.map(() => Length.of(1)) : []);
  }
  const reducedShape = without(shape, axes, keeps);
  // Numbers of axes that are reduced alone: the product, sum and extrema of lengths are no shapes anyone makes but the product.
  const isProduct = call.node.opType === "ReduceProd" && shape.length === 1;
  const elements = isProduct ? productOfElements(call) : null;
  return made(reducedShape, elements);
}

function productOfElements(call: ShapeCall): readonly (Length | null)[] | null {
  const elements = call.elements(0);
  if (elements === null) return null;
  const product = elements.reduce<Length | null>(
    (before, one) => (before === null || one === null ? null : before.times(one)),
    Length.of(1),
  );
  return [product];
}

/** A shape whose named axes are gone, or of length 1. */
function without(shape: Shape, axes: readonly number[], keeps: boolean): Shape {
  const gone = new Set(axes.map((axis) => (axis < 0 ? axis + shape.length : axis)));
  return shape.flatMap((length, axis) => (gone.has(axis) ? (keeps ? [Length.of(1)] : []) : [length]));
}

function lossShape(call: ShapeCall): Shape | null {
  return call.string("reduction", "mean") === "none" ? call.shape(1) : [];
}
