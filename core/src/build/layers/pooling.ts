// Pools: of windows, and of everything there is; and making images larger again.
import { DTYPES } from "#tensor";
import type { Value } from "../form.ts";
import type { Site } from "../site.ts";
import { type Lengths, type Padding, perAxis, spatialOf, windowOver } from "./window.ts";

export interface PoolOptions {
  /** Lengths of the window. */
  readonly size: Lengths;
  /** The window's own unless said, so that windows do not overlap. */
  readonly stride?: Lengths;
  /** `valid` unless said. */
  readonly padding?: Padding;
}

export interface Pool extends PoolOptions {
  readonly kind: "maxPool" | "averagePool";
}

/** The greatest number of each window, of an image or a signal. */
export function maxPool(options: PoolOptions): Pool {
  return { kind: "maxPool", ...options };
}

/** The mean of each window; padding does not count (as PyTorch has it with `count_include_pad=False`). */
export function averagePool(options: PoolOptions): Pool {
  return { kind: "averagePool", ...options };
}

export function emitPool(site: Site, layer: Pool, x: Value): Value {
  const { channels, lengths, formOf } = spatialOf(site, x);
  const { size, stride = size, padding = "valid" } = layer;
  const window = windowOver(site, lengths, { size, stride, dilation: 1, padding }, "size");
  for (const [axis, length] of window.size.entries()) {
    if (window.pads[axis]! >= length || window.pads[axis + window.size.length]! >= length)
      throw site.fault(`its padding is as wide as its window of ${length}, so some windows see nothing else; pad less`);
  }
  const name = site.op(layer.kind === "maxPool" ? "MaxPool" : "AveragePool", [x.name], {
    kernel_shape: window.size,
    strides: window.strides,
    pads: window.pads,
  });
  return { ...x, name, form: formOf(channels, window.places) };
}

export interface GlobalPool {
  readonly kind: "globalAveragePool" | "globalMaxPool";
}

/** The mean of each channel of an image or a signal; of a sequence, the mean over the places that count. */
export function globalAveragePool(): GlobalPool {
  return { kind: "globalAveragePool" };
}

/** The greatest number of each channel of an image or a signal. */
export function globalMaxPool(): GlobalPool {
  return { kind: "globalMaxPool" };
}

export function emitGlobalPool(site: Site, { kind }: GlobalPool, x: Value): Value {
  if (x.form.kind === "sequence" && kind === "globalAveragePool")
    return { name: meanOverPlaces(site, x), form: { kind: "features", features: x.form.features }, mask: null };
  if (x.form.kind === "tokens") throw site.fault("it takes numbers, not those of words; put embedding() before it");
  const { channels } = spatialOf(site, x, "take globalAveragePool()");
  const pooled = site.op(kind === "globalMaxPool" ? "GlobalMaxPool" : "GlobalAveragePool", [x.name]);
  const name = site.op("Flatten", [pooled], { axis: 1 }, "flat");
  return { name, form: { kind: "features", features: channels }, mask: null };
}

/** Σ m·x / max(Σ m, 1), for rows of which no place counts. */
function meanOverPlaces(site: Site, x: Value): string {
  const places = site.ints([1]);
  if (x.mask === null) return site.op("ReduceMean", [x.name, places], { keepdims: 0 });
  const counts = site.op(
    "Unsqueeze",
    [site.op("Cast", [x.mask], { to: DTYPES.float32.onnx }, "mask"), site.ints([2])],
    {},
    "counts",
  );
  const sum = site.op("ReduceSum", [site.op("Mul", [x.name, counts], {}, "counted"), places], { keepdims: 0 }, "sum");
  const count = site.op("ReduceSum", [counts, places], { keepdims: 0 }, "count");
  return site.op("Div", [sum, site.op("Max", [count, site.scalar(1)], {}, "divisor")]);
}

export interface UpsampleOptions {
  /** How many times as long each axis gets. */
  readonly factor: Lengths;
  /** `nearest` (unless said) repeats; `linear` goes straight from one place's centre to the next one's. */
  readonly mode?: "nearest" | "linear";
}

export interface Upsample extends UpsampleOptions {
  readonly kind: "upsample";
}

/** An image or a signal made larger, as PyTorch's Upsample does without aligning corners. */
export function upsample(options: UpsampleOptions): Upsample {
  return { kind: "upsample", ...options };
}

export function emitUpsample(site: Site, { factor, mode = "nearest" }: Upsample, x: Value): Value {
  const { channels, lengths, formOf } = spatialOf(site, x);
  if (mode !== "nearest" && mode !== "linear") throw site.unknown("mode", mode, ["nearest", "linear"]);
  const factors = perAxis(site, "factor", factor, lengths.length);
  // Scales have the element type that the operator wants, and are no parameters, since they are computed of integers.
  const scales = site.op("Cast", [site.ints([1, 1, ...factors])], { to: DTYPES.float32.onnx }, "scales");
  const coordinates = mode === "nearest" ? "asymmetric" : "half_pixel";
  const name = site.op("Resize", [x.name, "", scales], {
    mode,
    coordinate_transformation_mode: coordinates,
    ...(mode === "nearest" ? { nearest_mode: "floor" } : {}),
  });
  return {
    ...x,
    name,
    form: formOf(
      channels,
      lengths.map((length, axis) => length * factors[axis]!),
    ),
  };
}
