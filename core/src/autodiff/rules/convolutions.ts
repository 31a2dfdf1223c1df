// Gradients of convolutions, of any number of spatial axes, with groups, strides, dilations and padding.
import type { Dimension } from "#tensor";
import { type OperatorCall, type OperatorGradient, rule } from "../operator-gradient.ts";
import { padsOf, seenByTap, spread, tapsOf, type Window, windowOf } from "./window.ts";
import {
  channelsSecond,
  gatheringOf,
  MOST_WINDOWS_AS_ROWS,
  reachOf,
  rowsOf,
  seenByWindows,
} from "./windows-as-rows.ts";

/** Kernels of at most so many places have their gradient as a product over what each place sees; larger ones as a convolution. */
const MOST_TAPS_SEEN = 9;

/** Up to so many windows a sample, a kernel's gradient is one product over the batch; beyond, one a sample. */
const MOST_WINDOWS_JOINED = 200;

/** Up to so many kernels, what they saw is the left side of the product: the right one is copied into another order first. */
const FEW_KERNELS = 16;

/** The kernel's lengths: from its tensor, [K, C/groups, …kernel], or the attribute. */
function kernelOf(call: OperatorCall): readonly number[] {
  const given = call.ints("kernel_shape");
  if (given !== undefined) return given;
  return Array.from({ length: call.rank(1) - 2 }, (_, axis) => call.fixed(axis + 2, 1));
}

const convolution = rule(
  "dX = G spread by W over what it saw (a transposed convolution); dW = X seen by each place of W, times G, summed over windows and batch; dB = Σ G",
  (call) => {
    const window = windowOf(call, kernelOf(call));
    const groups = call.int("group", 1);
    return [
      () => {
        const few = gatheredFromFew(call, window, groups);
        return few ?? mirrored(call, window, groups) ?? spread(call, call.g, call.x(1), window, groups);
      },
      () => kernelGradient(call, { slid: call.x(0), windows: call.g, counted: call.y() }, window, groups),
      () => call.sumOverSamples(call.g, [0, ...window.kernel.map((_, axis) => axis + 2)]),
    ];
  },
);

/** Whether dX is what a kernel sees that is slid over G by steps of 1: the mirrored one. */
function isSlidOverGradient(window: Window): boolean {
  const { strides, padsBefore, padsAfter } = window;
  const fits = reachOf(window).every((length, axis) => padsBefore[axis]! <= length && padsAfter[axis]! <= length);
  return fits && strides.every((stride) => stride === 1);
}

/** dX of samples with few windows, as a product over the batch; null for others. */
function gatheredFromFew(call: OperatorCall, window: Window, groups: number): string | null {
  const { e } = call;
  const { kernel, dilations, padsBefore, padsAfter } = window;
  const [lengths, kernels, channels] = [fixedSpatial(call.axes()), call.axes(1)?.[0], call.axes(1)?.[1]];
  if (groups !== 1 || !isSlidOverGradient(window) || !hasFewWindows(call.e.axesOf(call.y()))) return null;
  if (lengths === null || typeof kernels !== "number" || typeof channels !== "number") return null;
  const reach = reachOf(window);
  const seen = seenByWindows(e, call.g, kernels, {
    kernel,
    startOf: (place) => place.map((at, axis) => reach[axis]! - at * dilations[axis]!),
    strides: kernel.map(() => 1),
    padsBefore: reach.map((length, axis) => length - padsBefore[axis]!),
    padsAfter: reach.map((length, axis) => length - padsAfter[axis]!),
    counts: lengths,
  });
  // [places · K, C]
  const places = tapsOf(kernel).length;
  const weights = e.transpose(e.reshape(call.x(1), e.ints([kernels, channels, places])), [2, 0, 1]);
  const rows = e.op("Gemm", [seen, e.reshape(weights, e.ints([places * kernels, channels]))]);
  return channelsSecond(e, rows, lengths, channels);
}

/** The lengths of the spatial axes, where all are known. */
function fixedSpatial(axes: readonly Dimension[] | null): readonly number[] | null {
  const lengths = axes?.slice(2) ?? [null];
  return lengths.every((length) => typeof length === "number") ? lengths : null;
}

/** Whether a tensor [N, C, …] is known to have few places along its spatial axes. */
function hasFewWindows(axes: readonly Dimension[] | null, most = MOST_WINDOWS_AS_ROWS): boolean {
  const lengths = fixedSpatial(axes);
  return lengths !== null && lengths.reduce((product, length) => product * length, 1) <= most;
}

/**
 * dX as a convolution with the kernel mirrored, which is measured to be a tenth faster than the transposed one, and three times
 * as fast channel by channel; null where it is none, and for groups of channels, which would have to change places.
 */
function mirrored(call: OperatorCall, window: Window, groups: number): string | null {
  const { e } = call;
  const { kernel, dilations, padsBefore, padsAfter } = window;
  const isDepthwise = call.axes(1)?.[1] === 1 && call.axes(1)?.[0] === groups;
  if (!isSlidOverGradient(window) || (groups !== 1 && !isDepthwise)) return null;
  const reach = reachOf(window);
  const axes = kernel.map((_, axis) => axis + 2);
  const minusOnes = kernel.map(() => -1);
  const beyond = kernel.map((length) => -length - 1);
  const turned = e.op("Slice", [call.x(1), e.ints(minusOnes), e.ints(beyond), e.ints(axes), e.ints(minusOnes)]);
  const kernels = groups === 1 ? e.transpose(turned, [1, 0, ...axes]) : turned;
  const pads = reach.map((length, axis) => length - padsBefore[axis]!);
  pads.push(...reach.map((length, axis) => length - padsAfter[axis]!));
  return e.op("Conv", [call.g, kernels], { dilations: [...dilations], pads, group: groups });
}

/** What a kernel was slid over and what came of it: [N, C, …] and [N, K, …windows]. */
interface Slide {
  readonly slid: string;
  readonly windows: string;
  /** A value of the graph whose spatial axes count the windows. */
  readonly counted: string;
}

/** dW [K, C/groups, …kernel]: for each place of the kernel, what it saw times what came of it. */
function kernelGradient(call: OperatorCall, slide: Slide, window: Window, groups: number): string {
  const { e } = call;
  const axes = e.axesOf(slide.counted);
  if (groups === 1 && hasFewWindows(axes) && hasFixedChannels(call)) return byRows(call, slide, window);
  const steps = groups === 1 && e.isFast ? stepsOf(call, slide, window) : null;
  if (steps !== null) return byShifts(call, slide, window, steps);
  if (tapsOf(window.kernel).length > MOST_TAPS_SEEN && groups === 1) return byConvolution(call, slide, window);
  if (groups === 1 && isSplit(call, slide, window)) return bySplitProduct(call, slide, window);
  const isJoined = groups === 1 && hasFewWindows(axes, MOST_WINDOWS_JOINED);
  return isJoined ? byJoinedProduct(call, slide, window) : byProduct(call, slide, window, groups);
}

function hasFixedChannels(call: OperatorCall): boolean {
  return (
    call
      .axes(1)
      ?.slice(0, 2)
      .every((length) => typeof length === "number") === true
  );
}

/** As one product over all windows of the batch, whose rows they are. */
function byRows(call: OperatorCall, { slid, windows, counted }: Slide, window: Window): string {
  const { e } = call;
  const counts = fixedSpatial(e.axesOf(counted))!;
  const [kernels, channels] = [call.fixed(0, 1), call.fixed(1, 1)];
  const rows = rowsOf(e, windows, counts.length, kernels);
  const product = e.op("Gemm", [rows, seenByWindows(e, slid, channels, gatheringOf(window, counts))], { transA: 1 });
  const apart = e.reshape(product, e.ints([kernels, tapsOf(window.kernel).length, channels]));
  return call.inShapeOf(e.transpose(apart, [0, 2, 1]), 1);
}

/** How a kernel is slid by steps of 1 over images of known lengths; null for other kernels. */
interface Steps {
  /** Windows along each axis. */
  readonly counts: readonly number[];
  /** What is slid over, with its padding. */
  readonly padded: readonly number[];
}

function stepsOf(call: OperatorCall, { slid, counted }: Slide, window: Window): Steps | null {
  const { kernel, strides, padsBefore, padsAfter } = window;
  const [kernels, channels] = [call.axes(1)?.[0], call.axes(1)?.[1]];
  if (typeof kernels !== "number" || typeof channels !== "number") return null;
  // Values of all places of the kernel, against those that `byShifts` copies: of X by the other axes, of G by the last.
  const places = tapsOf(kernel).length;
  if (places * channels < (places / kernel.at(-1)!) * channels + kernel.at(-1)! * kernels) return null;
  const [lengths, counts] = [fixedSpatial(call.e.axesOf(slid)), fixedSpatial(call.e.axesOf(counted))];
  if (lengths === null || counts === null || kernel.every((length) => length === 1)) return null;
  const padded = lengths.map((length, axis) => length + padsBefore[axis]! + padsAfter[axis]!);
  return strides.every((stride) => stride === 1) ? { counts, padded } : null;
}

/**
 * As products over each sample's places in one row, as X has them with its padding: moved along all axes but the last that is a part
 * of X, and G, whose rows have as many zeros in front as the kernel reaches, is moved along the last, the other way. A part of a row
 * is copied at once, where what a place of the kernel sees is many short ones.
 */
function byShifts(call: OperatorCall, { slid, windows }: Slide, window: Window, { counts, padded }: Steps): string {
  const { e } = call;
  const { kernel, dilations, padsBefore, padsAfter } = window;
  const last = kernel.length - 1;
  const reach = reachOf(window)[last]!;
  /** Places from one to the next along an axis, in a row. */
  const steps = kernel.map((_, axis) => padded.slice(axis + 1).reduce((product, one) => product * one, 1));
  // From the first place that any window sees to the last of a row's end.
  const length = counts.reduce((sum, count, axis) => sum + (count - 1) * steps[axis]!, 1 + reach);
  const inRow = (x: string, before: readonly number[], after: readonly number[]): string => {
    const isPadded = [...before, ...after].some((pad) => pad !== 0);
    const whole = isPadded ? e.op("Pad", [x, e.ints([0, 0, ...before, 0, 0, ...after]), 0]) : x;
    return e.reshape(whole, e.ints([0, 0, -1]));
  };
  const part = (row: string, start: number): string =>
    e.op("Slice", [row, e.ints([start]), e.ints([start + length]), e.ints([2])]);
  const whole = inRow(slid, padsBefore, padsAfter);
  const seen = tapsOf(kernel.slice(0, last)).map((place) =>
    part(
      whole,
      place.reduce((start, at, axis) => start + at * dilations[axis]! * steps[axis]!, 0),
    ),
  );
  // Moved to its start, G ends behind its last row.
  const behind = kernel.map((_, axis) => (axis === 0 || axis === last ? 0 : padded[axis]! - counts[axis]!));
  behind[0] = last === 0 ? reach : Math.min(reach, 1);
  const came = inRow(
    windows,
    kernel.map((_, axis) => (axis === last ? reach : 0)),
    behind,
  );
  // [N, places of the other axes · C, places of a row]
  const columns = e.concat(seen, 1);
  const products = Array.from({ length: kernel[last]! }, (_, at) => {
    const moved = part(came, reach - at * dilations[last]!);
    const summed = e.sum(e.matMul(columns, e.transpose(moved, [0, 2, 1])), [0], false);
    return e.reshape(summed, e.ints([seen.length, -1, call.fixed(0, 1), 1]));
  });
  return call.inShapeOf(e.transpose(e.concat(products, 3), [2, 1, 0, 3]), 1);
}

/** Along last axes at least so long, both sides of the product are copied a few times, and not one side for every place. */
const LEAST_SPLIT_LENGTH = 14;

/** Whether steps are of 1 along a long last axis, and there are no more kernels than channels, whose copies are the longer ones. */
function isSplit(call: OperatorCall, { slid, counted }: Slide, window: Window): boolean {
  const { kernel, strides, padsBefore, padsAfter } = window;
  const last = kernel.length - 1;
  const [length, count] = [call.e.axesOf(slid)?.at(-1), fixedSpatial(call.e.axesOf(counted))?.[last]];
  const [kernels, channels] = [call.axes(1)?.[0], call.axes(1)?.[1]];
  if (typeof length !== "number" || count === undefined || count < LEAST_SPLIT_LENGTH || kernel[last]! < 2)
    return false;
  if (typeof kernels !== "number" || typeof channels !== "number" || kernels > channels) return false;
  const padded = length + padsBefore[last]! + padsAfter[last]!;
  const isWhole = padded === count + reachOf(window)[last]!;
  return isWhole && strides.every((stride) => stride === 1);
}

/**
 * As products over the batch of X moved along all axes but the last and G moved along the last, the other way: places that a
 * move leaves empty are 0. One product for each move of X takes less time than one for all, whose rows are copied together first.
 */
function bySplitProduct(call: OperatorCall, { slid, windows, counted }: Slide, window: Window): string {
  const { e } = call;
  const { kernel, dilations, padsBefore, padsAfter } = window;
  const last = kernel.length - 1;
  const counts = fixedSpatial(e.axesOf(counted))!;
  const zeros = kernel.map(() => 0);
  const padded = (x: string, before: readonly number[], after: readonly number[]): string =>
    e.op("Pad", [x, e.ints([0, 0, ...before, 0, 0, ...after]), 0]);
  const channelsFirst = (x: string): string => e.transpose(x, [1, 0, ...kernel.map((_, axis) => axis + 2)]);
  const whole = padded(channelsFirst(slid), padsBefore, padsAfter);
  const leading = kernel.slice(0, last);
  const seen = tapsOf(leading).map((place) => {
    if (last === 0) return whole;
    const starts = place.map((at, axis) => at * dilations[axis]!);
    const ends = starts.map((start, axis) => start + counts[axis]!);
    return e.op("Slice", [whole, e.ints(starts), e.ints(ends), e.ints(leading.map((_, axis) => axis + 2))]);
  });
  const came = channelsFirst(windows);
  const reach = reachOf(window)[last]!;
  const moved = Array.from({ length: kernel[last]! }, (_, at) => {
    const before = at * dilations[last]!;
    return padded(came, zeros.with(last, before), zeros.with(last, reach - before));
  });
  // A row for each kernel and move along the last axis, [K · moves, N · places]; a product for each move along the others.
  const flat = moved.map((one) => e.reshape(one, e.ints([0, 1, -1])));
  const rows = e.op("Flatten", [e.concat(flat, 1)], { axis: 2 });
  const products = seen.map((one) => {
    const product = e.op("Gemm", [rows, e.reshape(one, e.ints([0, -1]))], { transB: 1 });
    return e.reshape(product, e.ints([call.fixed(0, 1), kernel[last]!, call.fixed(1, 1), 1]));
  });
  // [K, places along the last axis, C, places along the others]
  return call.inShapeOf(e.transpose(e.concat(products, 3), [0, 2, 3, 1]), 1);
}

/** As one product over all windows of the batch, samples and channels having changed places. */
function byJoinedProduct(call: OperatorCall, { slid, windows, counted }: Slide, window: Window): string {
  const { e } = call;
  const channelsFirst = (x: string): string => e.transpose(x, [1, 0, ...window.kernel.map((_, axis) => axis + 2)]);
  // Of each channel what each place of the kernel sees: [C, places, N · windows].
  const seen = seenByTap(call, channelsFirst(slid), counted, window).map((one) => e.reshape(one, e.ints([0, 1, -1])));
  const taps = seen.length;
  const columns = e.op("Flatten", [e.concat(seen, 1)], { axis: 2 });
  const rows = e.reshape(channelsFirst(windows), e.ints([0, -1]));
  const [kernels, channels] = [call.axes(1)?.[0], call.axes(1)?.[1]];
  if (typeof kernels !== "number" || typeof channels !== "number" || kernels >= channels * taps)
    return call.inShapeOf(e.op("Gemm", [rows, columns], { transB: 1 }), 1);
  // ONNX Runtime multiplies a tall matrix by a narrow one faster than the other way round.
  const apart = e.reshape(e.op("Gemm", [columns, rows], { transB: 1 }), e.ints([channels, taps, kernels]));
  return call.inShapeOf(e.transpose(apart, [2, 0, 1]), 1);
}

/** What the two sides of a product of matrices are, per sample and group of channels. */
export interface KernelProduct {
  /** What each place of the kernel saw, [N, groups, places · C/groups, windows]. */
  readonly columns: string;
  /** What came of it, [N, groups, K/groups, windows]. */
  readonly windows: string;
}

/** The sides of the product that the kernel's gradient is: `windows` times `columns` transposed, summed over samples. */
export function kernelProduct(
  call: OperatorCall,
  { slid, windows, counted }: Slide,
  window: Window,
  groups: number,
): KernelProduct {
  const { e } = call;
  const inGroups = (x: string): string =>
    e.reshape(x, e.concat([e.ints([0, groups, -1]), countOf(call, counted, window)], 0));
  const seen = seenByTap(call, slid, counted, window).map(inGroups);
  return { columns: e.concat(seen, 2), windows: inGroups(windows) };
}

/** What slides in a convolution or transposed convolution, as its kernel's gradient sees it. */
export function slideOf(call: OperatorCall): {
  readonly slide: Slide;
  readonly window: Window;
  readonly groups: number;
} {
  const slide =
    call.node.opType === "Conv"
      ? { slid: call.x(0), windows: call.g, counted: call.y() }
      : { slid: call.g, windows: call.x(0), counted: call.x(0) };
  return { slide, window: windowOf(call, kernelOf(call)), groups: call.int("group", 1) };
}

/** As one product of matrices per sample: G [K, windows] times what is seen [places · C, windows] transposed. */
function byProduct(call: OperatorCall, slide: Slide, window: Window, groups: number): string {
  const { e } = call;
  const taps = tapsOf(window.kernel).length;
  const { columns, windows } = kernelProduct(call, slide, window, groups);
  const kernels = call.axes(1)?.[0];
  if (typeof kernels === "number" && kernels / groups <= FEW_KERNELS) {
    // [groups, places · C/groups, K/groups]
    const summed = e.sum(e.matMul(columns, e.transpose(windows, [0, 1, 3, 2])), [0], false);
    const apart = e.reshape(summed, e.ints([groups, taps, -1, kernels / groups]));
    return call.inShapeOf(e.transpose(apart, [0, 3, 2, 1]), 1);
  }
  // [groups, K/groups, places · C/groups]
  const summed = e.sum(e.matMul(windows, e.transpose(columns, [0, 1, 3, 2])), [0], false);
  const apart = e.reshape(summed, e.ints([groups, 0, taps, -1]));
  return call.inShapeOf(e.transpose(apart, [0, 1, 3, 2]), 1);
}

/** How many windows there are, int64 [1]. */
function countOf(call: OperatorCall, counted: string, window: Window): string {
  const { e } = call;
  const lengths = window.kernel.map((_, axis) => e.axesOf(counted)?.[axis + 2]);
  if (lengths.every((length) => typeof length === "number"))
    return e.ints([lengths.reduce((product, length) => product * length, 1)]);
  const spatial = e.op("Slice", [e.shapeOf(counted), e.ints([2]), e.ints([2 + window.kernel.length])]);
  return e.opset >= 18
    ? e.op("ReduceProd", [spatial, e.ints([0])], { keepdims: 1 })
    : e.op("ReduceProd", [spatial], { axes: [0], keepdims: 1 });
}

/** As a convolution of X by G, whose channels and samples change places, and its strides and dilations. */
function byConvolution(call: OperatorCall, { slid, windows }: Slide, window: Window): string {
  const { e } = call;
  const { kernel, strides, dilations } = window;
  const rank = kernel.length + 2;
  const swapped = (x: string): string => e.transpose(x, [1, 0, ...Array.from({ length: rank - 2 }, (_, a) => a + 2)]);
  const all = e.op("Conv", [swapped(slid), swapped(windows)], {
    strides: [...dilations],
    dilations: [...strides],
    pads: padsOf(window),
  });
  // Where strides leave elements that no window sees, more places come out than the kernel has.
  const axes = kernel.map((_, axis) => axis + 2);
  const cut = e.op("Slice", [all, e.ints(kernel.map(() => 0)), e.ints(kernel), e.ints(axes)]);
  return swapped(cut);
}

/** A transposed convolution is a convolution's gradient, so its gradient by X is the convolution. */
const transposedConvolution = rule(
  "dX = the convolution of G by W; dW as of a convolution that slides over G; dB = Σ G",
  (call) => {
    const { e } = call;
    if (call.hasAttribute("output_shape"))
      throw call.unavailable("has output_shape, which has no gradient here; give it pads and output_padding");
    if (call.string("auto_pad", "NOTSET") !== "NOTSET" && call.string("auto_pad", "NOTSET") !== "VALID")
      throw call.unavailable("has auto_pad, which has no gradient here; give it pads");
    const window = windowOf(call, kernelOf(call));
    const groups = call.int("group", 1);
    return [
      () => {
        const { strides, dilations, kernel } = window;
        const attributes = { strides: [...strides], dilations: [...dilations], group: groups };
        const made = e.op("Conv", [call.g, call.x(1)], { ...attributes, pads: padsOf(window) });
        // output_padding may be as long as a stride, and then one window more fits than there were.
        const padding = call.ints("output_padding");
        if (padding === undefined || padding.every((length) => length === 0)) return made;
        const lengths = e.op("Slice", [e.shapeOf(call.x()), e.ints([2]), e.ints([2 + kernel.length])]);
        return e.op("Slice", [made, e.ints(kernel.map(() => 0)), lengths, e.ints(kernel.map((_, axis) => axis + 2))]);
      },
      () => kernelGradient(call, { slid: call.g, windows: call.x(0), counted: call.x(0) }, window, groups),
      () => call.sumOverSamples(call.g, [0, ...window.kernel.map((_, axis) => axis + 2)]),
    ];
  },
  "not with output_shape, or auto_pad SAME",
);

export const CONVOLUTIONS: Readonly<Record<string, OperatorGradient>> = {
  Conv: convolution,
  ConvTranspose: transposedConvolution,
};
