// Windows that slide over images and signals: those of convolutions and pools.
import type { Form, Value } from "../form.ts";
import type { Site } from "../site.ts";

/** One length for each axis, or one for all: of images [height, width], of signals [length]. */
export type Lengths = number | readonly number[];

/**
 * What is added around: `same` adds (window − 1) in all, halved before and after (the odd one after), so that at a stride of 1
 * lengths stay, and at a stride of s they become ⌈length/s⌉; `valid` adds nothing; numbers add so much on either side. With odd
 * windows `same` is PyTorch's `padding = dilation · (kernel − 1) / 2`. (TensorFlow's `SAME` places windows otherwise at strides
 * above 1.)
 */
export type Padding = "same" | "valid" | Lengths;

export interface WindowOptions {
  readonly size: Lengths;
  readonly stride: Lengths;
  readonly dilation: Lengths;
  readonly padding: Padding;
}

/** Where a window goes. */
export interface Window {
  readonly size: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** As ONNX has them: all befores, then all afters. */
  readonly pads: readonly number[];
  /** How many places there are along each axis. */
  readonly places: readonly number[];
}

/** A form windows slide over, taken apart. */
export interface Spatial {
  readonly channels: number;
  readonly lengths: readonly number[];
  /** The form with other channels and lengths. */
  readonly formOf: (channels: number, lengths: readonly number[]) => Form;
}

/** Refuses what windows can't slide over. */
export function spatialOf(
  site: Site,
  x: Value,
  forSequences = "give the network a signal, whose channels come first",
): Spatial {
  const remedy = x.form.kind === "sequence" ? forSequences : "give the network such an input, or leave the layer out";
  const form = site.require(x, ["image", "signal"], remedy);
  if (form.kind === "signal") {
    const formOf = (channels: number, [length = 0]: readonly number[]): Form => ({ kind: "signal", channels, length });
    return { channels: form.channels, lengths: [form.length], formOf };
  }
  const formOf = (channels: number, [height = 0, width = 0]: readonly number[]): Form => ({
    kind: "image",
    channels,
    height,
    width,
  });
  return { channels: form.channels, lengths: [form.height, form.width], formOf };
}

/** Works out a window's places, and refuses one that has none. */
export function windowOver(site: Site, lengths: readonly number[], options: WindowOptions, sizeName: string): Window {
  const size = perAxis(site, sizeName, options.size, lengths.length);
  const strides = perAxis(site, "stride", options.stride, lengths.length);
  const dilations = perAxis(site, "dilation", options.dilation, lengths.length);
  const reach = size.map((length, axis) => (length - 1) * dilations[axis]! + 1);
  const [before, after] = padsOf(site, options.padding, reach);
  const places = lengths.map((length, axis) => {
    const padded = length + before[axis]! + after[axis]!;
    if (reach[axis]! > padded)
      throw site.fault(
        `its window reaches over ${reach[axis]} places of an axis that has ${padded} with its padding; make ${sizeName} smaller, or pad more`,
      );
    return Math.floor((padded - reach[axis]!) / strides[axis]!) + 1;
  });
  return { size, strides, dilations, pads: [...before, ...after], places };
}

function padsOf(
  site: Site,
  padding: Padding,
  reach: readonly number[],
): readonly [before: readonly number[], after: readonly number[]] {
  if (padding === "valid") return [reach.map(() => 0), reach.map(() => 0)];
  if (padding === "same")
    return [reach.map((length) => Math.floor((length - 1) / 2)), reach.map((length) => Math.ceil((length - 1) / 2))];
  if (typeof padding === "string") throw site.unknown("padding", padding, ["same", "valid"]);
  const pads = perAxis(site, "padding", padding, reach.length, 0);
  return [pads, pads];
}

/** One length for each axis, of numbers that are given as one for all or one for each. */
export function perAxis(site: Site, option: string, lengths: Lengths, axes: number, least = 1): readonly number[] {
  const listed = typeof lengths === "object" ? lengths : Array.from({ length: axes }, () => lengths);
  if (listed.length !== axes)
    throw site.fault(
      `${option} has ${listed.length} lengths for ${axes} ${axes === 1 ? "axis" : "axes"}; give one number, or one for each`,
    );
  return listed.map((length) => site.whole(option, length, least));
}
