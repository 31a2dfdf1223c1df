// Windows that slide over the spatial axes of a tensor, [N, C, …]: their attributes, and moving values between what they see
// and what they make.
import type { OperatorCall } from "../operator-gradient.ts";

/** Per spatial axis. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padsBefore: readonly number[];
  readonly padsAfter: readonly number[];
}

/**
 * The window of a convolution or pooling.
 * @throws SlipwayError GRADIENT_UNAVAILABLE where `auto_pad` depends on lengths that are open
 */
export function windowOf(call: Pick<OperatorCall, "ints" | "string" | "fixed">, kernel: readonly number[]): Window {
  const strides = call.ints("strides") ?? kernel.map(() => 1);
  const dilations = call.ints("dilations") ?? kernel.map(() => 1);
  const autoPad = call.string("auto_pad", "NOTSET");
  const pads = call.ints("pads") ?? kernel.flatMap(() => [0, 0]);
  if (autoPad === "NOTSET") {
    const [padsBefore, padsAfter] = [pads.slice(0, kernel.length), pads.slice(kernel.length)];
    return { kernel, strides, dilations, padsBefore, padsAfter };
  }
  const totals = kernel.map((length, index) => {
    if (autoPad === "VALID") return 0;
    const reach = (length - 1) * dilations[index]! + 1;
    const stride = strides[index]!;
    // With a stride of 1 it does not depend on the input's length.
    if (stride === 1) return reach - 1;
    const input = call.fixed(index + 2);
    return Math.max((Math.ceil(input / stride) - 1) * stride + reach - input, 0);
  });
  const smaller = totals.map((total) => Math.floor(total / 2));
  const larger = totals.map((total) => Math.ceil(total / 2));
  return autoPad === "SAME_LOWER"
    ? { kernel, strides, dilations, padsBefore: larger, padsAfter: smaller }
    : { kernel, strides, dilations, padsBefore: smaller, padsAfter: larger };
}

/** The pads of a window as the attribute has them: all before, then all after. */
export function padsOf({ padsBefore, padsAfter }: Window): number[] {
  return [...padsBefore, ...padsAfter];
}

/**
 * Spreads what windows made over what they saw: the adjoint of sliding a kernel over [N, C, …], in the shape of the call's
 * input.
 * @param g [N, K, …], one value for each window and kernel
 * @param kernel [K, C/groups, …]
 * @param index of the input that the windows slid over
 */
export function spread(
  call: OperatorCall,
  g: string,
  kernel: string,
  window: Window,
  groups: number | "channels",
  index = 0,
): string {
  const { e } = call;
  const { strides, dilations, padsBefore } = window;
  const group = groups === "channels" ? call.fixed(1, index) : groups;
  const attributes = { strides: [...strides], dilations: [...dilations], group };
  const input = call.axes(index)?.slice(2);
  const output = e.axesOf(call.y())?.slice(2);
  const missing = input?.map((length, axis) => {
    const made = output?.[axis];
    if (typeof length !== "number" || typeof made !== "number") return null;
    const reach = (window.kernel[axis]! - 1) * dilations[axis]! + 1;
    return length - ((made - 1) * strides[axis]! + reach - padsBefore[axis]! - window.padsAfter[axis]!);
  });
  if (missing?.every((length) => length !== null && length >= 0) === true) {
    // Elements behind the last window's reach were seen by none; those that padding hides are cut by `pads`.
    const outputPadding = missing as number[];
    if (outputPadding.every((length, axis) => length < Math.max(strides[axis]!, dilations[axis]!)))
      return e.op("ConvTranspose", [g, kernel], { ...attributes, pads: padsOf(window), output_padding: outputPadding });
  }
  // Uncut, and then cut or filled to the input's lengths, which are known when it runs.
  const whole = e.op("ConvTranspose", [g, kernel], attributes);
  const zeros = window.kernel.map(() => 0);
  const shifted = e.op("Pad", [whole, e.ints([0, 0, ...padsBefore.map((pad) => -pad), 0, 0, ...zeros]), 0]);
  const from = e.op("Slice", [e.op("Shape", [shifted]), e.ints([2]), e.ints([2 + zeros.length])]);
  const to = e.op("Slice", [e.shapeOf(call.x(index)), e.ints([2]), e.ints([2 + zeros.length])]);
  const after = e.of("int64").sub(to, from);
  return e.op("Pad", [shifted, e.concat([e.ints([0, 0, ...zeros, 0, 0]), after], 0), 0]);
}

/** Every place of a kernel, the last axis fastest: [0, 0], [0, 1], … */
export function tapsOf(kernel: readonly number[]): readonly (readonly number[])[] {
  return kernel.reduce<number[][]>(
    (taps, length) => taps.flatMap((tap) => Array.from({ length }, (_, place) => [...tap, place])),
    [[]],
  );
}

/**
 * What each place of the kernel sees in all windows: for every tap, [N, C, …windows].
 * @param x [N, C, …] that the windows slide over, not padded yet
 * @param windows a value whose spatial axes count the windows
 */
export function seenByTap(call: OperatorCall, x: string, windows: string, window: Window): readonly string[] {
  const { e } = call;
  const { kernel, strides, dilations, padsBefore, padsAfter } = window;
  const isPadded = [...padsBefore, ...padsAfter].some((pad) => pad !== 0);
  const padded = isPadded ? e.op("Pad", [x, e.ints([0, 0, ...padsBefore, 0, 0, ...padsAfter]), 0]) : x;
  const axes = kernel.map((_, axis) => axis + 2);
  const counts = e.axesOf(windows)?.slice(2);
  const int = e.of("int64");
  // One past the place that the kernel's first tap sees in the last window.
  const fixed = counts?.map((count, axis) => (typeof count === "number" ? (count - 1) * strides[axis]! + 1 : null));
  const isFixed = fixed?.every((end) => end !== null) === true;
  const open = (): string => {
    const lengths = e.op("Slice", [e.shapeOf(windows), e.ints([2]), e.ints([2 + kernel.length])]);
    return int.add(int.mul(int.sub(lengths, 1), e.ints(strides)), 1);
  };
  const firstEnds = isFixed ? "" : open();
  return tapsOf(kernel).map((tap) => {
    const starts = tap.map((place, axis) => place * dilations[axis]!);
    const ends = isFixed ? e.ints(fixed.map((end, axis) => end + starts[axis]!)) : int.add(firstEnds, e.ints(starts));
    return e.op("Slice", [padded, e.ints(starts), ends, e.ints(axes), e.ints(strides)]);
  });
}
