// Shapes of what moves elements without computing any: reshaping, joining, cutting, repeating.
import type { Elements } from "../fact.ts";
import { Length, productOf } from "../length.ts";
import { followed, made, type Shape, type ShapeCall, type ShapeRule, sameShape, withAxis } from "../rule.ts";

export const ARRANGEMENTS: Readonly<Record<string, ShapeRule>> = {
  Reshape: (call) => made(reshaped(call), call.elements(0)),
  Flatten: (call) => {
    const shape = call.shape();
    if (shape === null) return null;
    const axis = call.int("axis", 1);
    const at = axis < 0 ? axis + shape.length : axis;
    return made([productOf(shape.slice(0, at)), productOf(shape.slice(at))]);
  },
  Squeeze: squeezed,
  Unsqueeze: (call) => {
    const shape = call.shape();
    const axes = call.numbers("axes", 1);
    if (shape === null || axes === null || axes === undefined) return null;
    const rank = shape.length + axes.length;
    const added = new Set(axes.map((axis) => (axis < 0 ? axis + rank : axis)));
    const left = [...shape];
    return made(
      Array.from({ length: rank }, (_, axis) => (added.has(axis) ? Length.of(1) : (left.shift() ?? call.unknown()))),
      rank <= 1 ? call.elements(0) : null,
    );
  },
  Transpose: (call) => {
    const shape = call.shape();
    if (shape === null) return null;
    const order = call.ints("perm") ?? shape.map((_, axis) => shape.length - 1 - axis);
    return made(
      order.map((axis) => shape[axis] ?? call.unknown()),
      shape.length === 1 ? call.elements(0) : null,
    );
  },
  Concat: joined,
  Split: split,
  Slice: sliced,
  Pad: padded,
  Expand: (call) => {
    const target = call.shapeIn(1);
    const shape = call.broadcast([call.shape(), target]);
    const [only, ...others] = call.elements(0) ?? [];
    const [length, ...axes] = shape ?? [];
    const isRepeated = only !== undefined && others.length === 0 && axes.length === 0 && (length?.number ?? 65) <= 64;
    return made(shape, isRepeated ? Array.from({ length: length!.number! }, () => only) : null);
  },
  Tile: (call) => {
    const shape = call.shape();
    const repeats = call.lengths(1);
    if (shape === null) return null;
    return made(
      shape.map((length, axis) => {
        const count = repeats?.[axis] ?? null;
        return count === null ? call.unknown() : length.times(count);
      }),
    );
  },
  Trilu: sameShape(),
  RotaryEmbedding: sameShape(),
};

/** Lengths by the target: 0 keeps that of the input, -1 takes what is left. */
function reshaped(call: ShapeCall): Shape | null {
  const shape = call.shape();
  const target = call.lengths(1);
  if (target === null) return call.shapeIn(1);
  const keepsZero = call.int("allowzero", 0) !== 0;
  const given = target.map((length, axis) => {
    if (length?.is(0) === true && !keepsZero) return shape?.[axis] ?? null;
    return length;
  });
  const open = given.findIndex((length) => length?.is(-1) === true);
  const others = given.filter((_, axis) => axis !== open);
  let rest: Length | null = null;
  if (open >= 0 && shape !== null && others.every((length) => length !== null))
    rest = productOf(shape).dividedBy(productOf(others));
  const lengths = given.map((length, axis) => (axis === open ? rest : length));
  return inferredFromCount(lengths, shape).map((length) => length ?? call.unknown());
}

/** One length that is missing is what the number of elements leaves for it. */
function inferredFromCount(lengths: readonly (Length | null)[], shape: Shape | null): readonly (Length | null)[] {
  const missing = lengths.flatMap((length, axis) => (length === null ? [axis] : []));
  if (missing.length !== 1 || shape === null) return lengths;
  const rest = productOf(shape).dividedBy(productOf(lengths.filter((length) => length !== null)));
  return lengths.map((length) => length ?? rest);
}

function squeezed(call: ShapeCall): ReturnType<ShapeRule> {
  const shape = call.shape();
  const axes = call.numbers("axes", 1);
  if (shape === null || axes === null) return null;
  // Without axes all of length 1 go, which open ones may be.
  if (axes === undefined && shape.some(({ number }) => number === null)) return null;
  const gone = new Set(
    axes === undefined
      ? shape.flatMap((length, axis) => (length.is(1) ? [axis] : []))
      : axes.map((axis) => (axis < 0 ? axis + shape.length : axis)),
  );
  return made(
    shape.filter((_, axis) => !gone.has(axis)),
    call.elements(0),
  );
}

function joined(call: ShapeCall): ReturnType<ShapeRule> {
  const shapes = call.node.inputs.map((_, index) => call.shape(index));
  const known = shapes.filter((shape) => shape !== null);
  const [first] = known;
  const axis = first === undefined ? null : call.axis(call.int("axis", 1), first.length);
  if (first === undefined || axis === null || known.some((shape) => shape.length !== first.length)) return null;
  const total =
    known.length < shapes.length ? call.unknown() : known.reduce((sum, shape) => sum.plus(shape[axis]!), Length.of(0));
  const shape = first.map((_, at) => (at === axis ? total : sharpest(known.map((one) => one[at]!))));
  if (first.length !== 1) return made(shape);
  const parts = call.node.inputs.map((_, index) => elementsOrUnknown(call, index));
  return made(shape, parts.every((part) => part !== null) ? followed(parts.flat()) : null);
}

/** The elements of an input; as many unknown ones where only their number is known. */
function elementsOrUnknown(call: ShapeCall, index: number): Elements | null {
  const elements = call.elements(index);
  if (elements !== null) return elements;
  const length = call.lengthOfInput(index);
  return length === null || length > 64 ? null : Array.from({ length }, () => null);
}

/** The same length, as the one says it that says most. */
function sharpest(lengths: readonly Length[]): Length {
  return lengths.find(({ number }) => number !== null) ?? lengths.find(({ isUnknown }) => !isUnknown) ?? lengths[0]!;
}

function split(call: ShapeCall): ReturnType<ShapeRule> {
  const shape = call.shape();
  const axis = shape === null ? null : call.axis(call.int("axis", 0), shape.length);
  if (shape === null || axis === null) return null;
  const parts = partLengths(call, shape[axis]!);
  const elements = shape.length === 1 ? call.elements(0) : null;
  let start = 0;
  return parts.map((length) => {
    const end = start + (length.number ?? Number.NaN);
    const own = elements === null || Number.isNaN(end) ? null : elements.slice(start, end);
    start = end;
    return { shape: withAxis(shape, axis, length), elements: own };
  });
}

function partLengths(call: ShapeCall, length: Length): readonly Length[] {
  const count = call.outputCount;
  const given = call.ints("split")?.map((size) => Length.of(size)) ?? (call.hasInput(1) ? call.lengths(1) : undefined);
  if (given === null) return call.unknowns(count);
  if (given !== undefined) return Array.from({ length: count }, (_, part) => given[part] ?? call.unknown());
  const exact = length.dividedBy(Length.of(count));
  if (exact !== null) return Array.from({ length: count }, () => exact);
  if (length.number === null) return call.unknowns(count);
  // The last part is the smaller one.
  const size = Math.ceil(length.number / count);
  const last = length.number - size * (count - 1);
  return Array.from({ length: count }, (_, part) => Length.of(part === count - 1 ? last : size));
}

function sliced(call: ShapeCall): ReturnType<ShapeRule> {
  const shape = call.shape();
  if (shape === null) return null;
  const bounds = (attribute: string, input: number): Elements | null | undefined =>
    call.ints(attribute)?.map((value) => Length.of(value)) ?? (call.hasInput(input) ? call.lengths(input) : undefined);
  const [starts, ends] = [bounds("starts", 1), bounds("ends", 2)];
  const axes = call.numbers("axes", 3);
  const steps = call.hasInput(4) ? call.wholeNumbers(4) : undefined;
  if (axes === null) return made(call.unknowns(shape.length));
  const count = starts?.length ?? ends?.length ?? axes?.length ?? call.lengthOfInput(1);
  if (count === null || count === undefined) return made(call.unknowns(shape.length));
  let lengths = shape;
  for (let index = 0; index < count; index++) {
    const axis = call.axis(axes?.[index] ?? index, shape.length);
    if (axis === null) return null;
    const step = steps === undefined ? 1 : (steps?.[index] ?? null);
    const [start, end] = [starts?.[index] ?? null, ends?.[index] ?? null];
    const isKnown = start !== null && end !== null && step !== null && step !== 0;
    lengths = withAxis(
      lengths,
      axis,
      (isKnown ? lengthOfSlice(shape[axis]!, start, end, step) : null) ?? call.unknown(),
    );
  }
  const [start, end] = [starts?.[0]?.number ?? null, ends?.[0]?.number ?? null];
  const step = steps === undefined ? 1 : steps?.[0];
  const elements = call.elements(0);
  const isCut = shape.length === 1 && elements !== null && count === 1 && step === 1;
  if (!isCut || start === null || end === null) return made(lengths);
  return made(lengths, elements.slice(start, end));
}

/**
 * How many elements a slice takes of an axis. Bounds below 0 count from the end, and those outside are moved to it.
 * @returns null where it is not certain from which side a bound counts
 */
function lengthOfSlice(length: Length, start: Length, end: Length, step: number): Length | null {
  const [from, to] = [fromFront(start, length), fromFront(end, length)];
  if (from === null || to === null) return null;
  if (step > 0) {
    const taken = to.max(0).min(length).minus(from.max(0).min(length)).max(0);
    return step === 1 ? taken : taken.ceilDividedBy(step);
  }
  // Backwards: from the last element at most, to before the first.
  const last = length.minus(1);
  return from.max(0).min(last).minus(to.max(-1).min(last)).max(0).ceilDividedBy(-step);
}

function fromFront(bound: Length, length: Length): Length | null {
  if (bound.number !== null) return bound.number < 0 ? length.plus(bound) : bound;
  return bound.isNeverNegative ? bound : null;
}

function padded(call: ShapeCall): ReturnType<ShapeRule> {
  const shape = call.shape();
  if (shape === null) return null;
  const given = call.ints("pads") ?? call.ints("paddings");
  const pads = given?.map((value) => Length.of(value)) ?? call.lengths(1);
  const axes = call.hasInput(3) ? call.wholeNumbers(3) : shape.map((_, axis) => axis);
  if (pads === null || axes === null) return made(call.unknowns(shape.length));
  let lengths = shape;
  for (const [index, axis] of axes.entries()) {
    const at = call.axis(axis, shape.length);
    const [before, after] = [pads[index] ?? null, pads[index + axes.length] ?? null];
    if (at === null) return null;
    const isKnown = before !== null && after !== null;
    lengths = withAxis(lengths, at, isKnown ? shape[at]!.plus(before).plus(after) : call.unknown());
  }
  return made(lengths);
}
