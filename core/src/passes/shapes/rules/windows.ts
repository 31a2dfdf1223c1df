// Shapes of what slides windows over images and sequences: convolutions, pools, and resizing. Source of the formulas: ONNX,
// operators Conv, ConvTranspose, MaxPool, AveragePool and Resize.
import { Length } from "../length.ts";
import { alike, made, type Shape, type ShapeCall, type ShapeRule, withAxis } from "../rule.ts";

export const WINDOWS: Readonly<Record<string, ShapeRule>> = {
  Conv: (call) => made(convolved(call, call.shape(0), call.shape(1))),
  ConvInteger: (call) => made(convolved(call, call.shape(0), call.shape(1))),
  QLinearConv: (call) => made(convolved(call, call.shape(0), call.shape(3))),
  ConvTranspose: (call) => made(transposed(call)),
  ...alike("MaxPool AveragePool LpPool", pooled),
  ...alike("GlobalAveragePool GlobalMaxPool GlobalLpPool", (call) => {
    const shape = call.shape();
    return shape === null ? null : made(shape.map((length, axis) => (axis < 2 ? length : Length.of(1))));
  }),
  Resize: resized,
  Upsample: resized,
  DepthToSpace: (call) => {
    const [n, c, h, w, ...others] = call.shape() ?? [];
    const block = call.int("blocksize", 1);
    if (w === undefined || others.length > 0 || block < 1) return null;
    return made([n!, c!.dividedBy(Length.of(block * block)) ?? call.unknown(), h!.times(block), w.times(block)]);
  },
  SpaceToDepth: (call) => {
    const [n, c, h, w, ...others] = call.shape() ?? [];
    const block = call.int("blocksize", 1);
    if (w === undefined || others.length > 0 || block < 1) return null;
    return made([n!, c!.times(block * block), h!.floorDividedBy(block), w.floorDividedBy(block)]);
  },
  GridSample: (call) => {
    const [x, grid] = [call.shape(0), call.shape(1)];
    return x === null || grid === null ? null : made([...x.slice(0, 2), ...grid.slice(1, -1)]);
  },
};

/** The attributes of a window along one axis. */
interface Window {
  /** From its first element to its last, with the gaps of a dilation. */
  readonly extent: number;
  readonly stride: number;
  readonly padBefore: number;
  readonly padAfter: number;
}

/** @returns null for attributes no window has */
function windowsOf(call: ShapeCall, kernel: readonly number[], x: Shape): readonly Window[] | null {
  if (x.length !== kernel.length + 2) return null;
  const [strides, dilations, pads] = [call.ints("strides"), call.ints("dilations"), call.ints("pads")];
  const isPadded = ["NOTSET", "", undefined].includes(call.string("auto_pad", "NOTSET"));
  if (strides?.some((stride) => stride < 1) === true) return null;
  return kernel.map((size, axis) => ({
    extent: (size - 1) * (dilations?.[axis] ?? 1) + 1,
    stride: strides?.[axis] ?? 1,
    padBefore: (isPadded ? pads?.[axis] : undefined) ?? 0,
    padAfter: (isPadded ? pads?.[axis + kernel.length] : undefined) ?? 0,
  }));
}

/** How many windows there are along an axis. */
function countOfWindows(call: ShapeCall, length: Length, window: Window): Length {
  const { extent, stride, padBefore, padAfter } = window;
  if (call.string("auto_pad", "NOTSET").startsWith("SAME")) return length.ceilDividedBy(stride);
  const room = length.plus(padBefore + padAfter - extent);
  if (call.int("ceil_mode", 0) === 0) return room.floorDividedBy(stride).plus(1);
  const count = room.ceilDividedBy(stride).plus(1);
  // A window that would begin behind the tensor, in its padding, is none.
  if (padAfter + stride <= extent) return count;
  if (count.number === null || length.number === null) return call.unknown();
  return (count.number - 1) * stride >= length.number + padBefore ? count.minus(1) : count;
}

/** The lengths of a kernel, by the attribute or the weights it slides. */
function kernelOf(call: ShapeCall, weights: Shape | null): readonly number[] | null {
  const given = call.ints("kernel_shape");
  if (given !== undefined) return given;
  const lengths = weights?.slice(2).map(({ number }) => number) ?? null;
  return lengths?.every((length) => length !== null) === true ? lengths : null;
}

function convolved(call: ShapeCall, x: Shape | null, weights: Shape | null): Shape | null {
  if (x === null || x.length < 3) return null;
  const kernel = kernelOf(call, weights);
  const channels = weights?.[0] ?? call.unknown();
  if (kernel === null) return [x[0]!, channels, ...call.unknowns(x.length - 2)];
  const windows = windowsOf(call, kernel, x);
  if (windows === null) return null;
  return [x[0]!, channels, ...windows.map((window, axis) => countOfWindows(call, x[axis + 2]!, window))];
}

function transposed(call: ShapeCall): Shape | null {
  const [x, weights] = [call.shape(0), call.shape(1)];
  const kernel = kernelOf(call, weights);
  if (x === null || kernel === null) return null;
  const channels = weights?.[1]?.times(call.int("group", 1)) ?? call.unknown();
  const given = call.ints("output_shape");
  const extra = call.ints("output_padding");
  const isSame = call.string("auto_pad", "NOTSET").startsWith("SAME");
  const windows = windowsOf(call, kernel, x);
  if (windows === null) return null;
  const lengths = windows.map(({ extent, stride, padBefore, padAfter }, axis) => {
    const said = given?.at(axis - kernel.length);
    if (said !== undefined) return Length.of(said);
    const length = x[axis + 2]!;
    if (isSame) return length.times(stride);
    return length
      .minus(1)
      .times(stride)
      .plus((extra?.[axis] ?? 0) + extent - padBefore - padAfter);
  });
  return [x[0]!, channels, ...lengths];
}

function pooled(call: ShapeCall): ReturnType<ShapeRule> {
  const x = call.shape();
  const kernel = call.ints("kernel_shape");
  if (x === null || kernel === undefined) return null;
  const windows = windowsOf(call, kernel, x);
  if (windows === null) return null;
  const shape = [...x.slice(0, 2), ...windows.map((window, axis) => countOfWindows(call, x[axis + 2]!, window))];
  // The places of the maxima have the shape of the maxima.
  return Array.from({ length: call.outputCount }, () => ({ shape }));
}

function resized(call: ShapeCall): ReturnType<ShapeRule> {
  const x = call.shape();
  if (x === null) return null;
  const attribute = call.node.attributes.find(({ name }) => name === "scales");
  const scalesAt = call.inputCount === 2 ? 1 : 2;
  const scales = attribute?.kind === "floats" ? Array.from(attribute.value) : call.inputNumbers(scalesAt);
  const sizes = call.hasInput(3) ? call.lengths(3) : null;
  const axes = (call.ints("axes") ?? x.map((_, axis) => axis)).map((axis) => (axis < 0 ? axis + x.length : axis));
  const policy = call.string("keep_aspect_ratio_policy", "stretch");
  const kept = policy === "stretch" || sizes === null ? null : keptScale(x, sizes, axes, policy === "not_larger");
  let shape = x;
  for (const [index, axis] of axes.entries()) {
    const length = x[axis];
    if (length === undefined) return null;
    const size = sizes === null ? scaled(length, scales?.[index]) : sizes[index];
    const own = kept === null ? size : kept.lengthOf(length);
    shape = withAxis(shape, axis, own ?? call.unknown());
  }
  return made(shape);
}

/** The one scale of all axes where the ratio of the sides is kept: the smallest or largest of those that sizes ask for. */
function keptScale(
  x: readonly Length[],
  sizes: readonly (Length | null)[],
  axes: readonly number[],
  isSmallest: boolean,
): { lengthOf(length: Length): Length | null } {
  const scales = axes.map((axis, index) => {
    const [size, length] = [sizes[index]?.number ?? null, x[axis]?.number ?? null];
    return size === null || length === null ? Number.NaN : Math.fround(size / length);
  });
  const scale = isSmallest ? Math.min(...scales) : Math.max(...scales);
  return {
    lengthOf: ({ number }) =>
      number === null || Number.isNaN(scale) ? null : Length.of(Math.round(Math.fround(scale * number))),
  };
}

/** ⌊length · scale⌋, in the single precision it is computed in. */
function scaled(length: Length, scale: number | undefined): Length | null {
  if (scale === undefined) return null;
  if (length.number !== null) return Length.of(Math.trunc(Math.fround(length.number * Math.fround(scale))));
  if (Number.isInteger(scale)) return length.times(scale);
  return Number.isInteger(1 / scale) ? length.floorDividedBy(1 / scale) : null;
}
