// Shapes of what picks elements, tells shapes, or makes tensors of a given one; and of recurrent operators.
import { elementsOf, MOST_ELEMENTS } from "../fact.ts";
import { Length, productOf } from "../length.ts";
import { made, type Shape, type ShapeCall, type ShapeRule, withAxis } from "../rule.ts";

export const INDEXING: Readonly<Record<string, ShapeRule>> = {
  Gather: gathered,
  GatherElements: (call) => made(call.shape(1)),
  GatherND: (call) => {
    const [data, indices] = [call.shape(0), call.shape(1)];
    const depth = indices?.at(-1)?.number ?? null;
    if (data === null || indices === null || depth === null) return null;
    return made([...indices.slice(0, -1), ...data.slice(call.int("batch_dims", 0) + depth)]);
  },
  OneHot: (call) => {
    const indices = call.shape(0);
    if (indices === null) return null;
    const axis = call.axis(call.int("axis", -1), indices.length + 1);
    const depth = call.lengths(1)?.[0] ?? call.unknown();
    return axis === null ? null : made([...indices.slice(0, axis), depth, ...indices.slice(axis)]);
  },
  NonZero: (call) => {
    const shape = call.shape();
    return made([shape === null ? call.unknown() : Length.of(shape.length), call.unknown()]);
  },
  NonMaxSuppression: (call) => made([call.unknown(), Length.of(3)]),
  Compress: (call) => {
    const shape = call.shape();
    if (!call.hasAttribute("axis")) return made([call.unknown()]);
    const axis = shape === null ? null : call.axis(call.int("axis", 0), shape.length);
    return shape === null || axis === null ? null : made(withAxis(shape, axis, call.unknown()));
  },
};

export const SHAPES: Readonly<Record<string, ShapeRule>> = {
  Shape: (call) => {
    const shape = call.shape();
    if (shape === null) return made([call.unknown()]);
    const bound = (value: number): number =>
      Math.min(Math.max(value < 0 ? value + shape.length : value, 0), shape.length);
    const end = call.hasAttribute("end") ? call.int("end", 0) : shape.length;
    const told = shape.slice(bound(call.int("start", 0)), bound(end));
    return made([Length.of(told.length)], told);
  },
  Size: (call) => {
    const shape = call.shape();
    return made([], shape === null ? null : [productOf(shape)]);
  },
  ConstantOfShape: (call) => {
    const shape = call.shapeIn(0);
    const value = call.node.attributes.find(({ name }) => name === "value");
    const [length, ...others] = shape ?? [];
    const count = others.length > 0 ? null : (length?.number ?? null);
    const size = count !== null && count <= MOST_ELEMENTS ? count : null;
    const filling = value?.kind === "tensor" ? (elementsOf(value.value)?.[0] ?? null) : Length.of(0);
    return made(shape, size === null || filling === null ? null : Array.from({ length: size }, () => filling));
  },
  Range: (call) => {
    const first = (index: number): Length | null => call.elements(index)?.[0] ?? null;
    const [start, limit, step] = [first(0), first(1), first(2)?.number ?? 0];
    if (start === null || limit === null || step === 0) return made([call.unknown()]);
    const distance = step > 0 ? limit.minus(start) : start.minus(limit);
    if (distance.number !== null) {
      const count = Math.max(0, Math.ceil(distance.number / Math.abs(step)));
      if (count > 64 || start.number === null) return made([Length.of(count)]);
      const first = start.number;
      return made(
        [Length.of(count)],
        Array.from({ length: count }, (_, at) => Length.of(first + at * step)),
      );
    }
    if (!Number.isInteger(step) || !distance.isWhole) return made([call.unknown()]);
    return made([distance.max(0).ceilDividedBy(Math.abs(step))]);
  },
  EyeLike: (call) => made(call.shape()),
  RandomNormal: (call) => made(call.ints("shape")?.map((length) => Length.of(length)) ?? null),
  RandomUniform: (call) => made(call.ints("shape")?.map((length) => Length.of(length)) ?? null),
};

export const RECURRENT: Readonly<Record<string, ShapeRule>> = { LSTM: recurrent, GRU: recurrent, RNN: recurrent };

function gathered(call: ShapeCall): ReturnType<ShapeRule> {
  const [data, indices] = [call.shape(0), call.shape(1)];
  if (data === null || indices === null) return null;
  const axis = call.axis(call.int("axis", 0), data.length);
  if (axis === null) return null;
  const shape: Shape = [...data.slice(0, axis), ...indices, ...data.slice(axis + 1)];
  const [elements, places] = [call.elements(0), call.inputNumbers(1)];
  if (elements === null || places === null || data.length !== 1) return made(shape);
  return made(
    shape,
    places.map((place) => elements[place < 0 ? place + elements.length : place] ?? null),
  );
}

function recurrent(call: ShapeCall): ReturnType<ShapeRule> {
  const [x, recurrence] = [call.shape(0), call.shape(2)];
  if (x?.length !== 3) return null;
  const hidden = call.hasAttribute("hidden_size") ? Length.of(call.int("hidden_size", 0)) : recurrence?.[2];
  const directions = Length.of(call.string("direction", "forward") === "bidirectional" ? 2 : 1);
  if (hidden === undefined) return null;
  const isBatchFirst = call.int("layout", 0) !== 0;
  const [steps, batch] = isBatchFirst ? [x[1]!, x[0]!] : [x[0]!, x[1]!];
  const all = isBatchFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden];
  const last = isBatchFirst ? [batch, directions, hidden] : [directions, batch, hidden];
  return [{ shape: all }, { shape: last }, { shape: last }];
}
