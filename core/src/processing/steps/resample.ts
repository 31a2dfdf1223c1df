// Separable resampling: an axis is resampled by a table of taps, so that every filter shares one pair of loops.
import type { ResizeStep } from "../schema.ts";
import { imageShape, type Values } from "../values.ts";

export type Filter = Pick<ResizeStep, "filter" | "antialias">;

/** A stretch of an axis, in pixels; its ends may lie within a pixel. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** For each output position: the first input position it reads, and the weight of each from there on. */
interface Taps {
  readonly first: Int32Array;
  readonly weights: readonly Float64Array[];
}

/**
 * Resamples a part of an image to `height` by `width`. Pixel centres lie at halves; results are not rounded.
 * @param values [height, width, channels]
 * @param rows the part's rows, within the image; its columns likewise
 */
export function resample(
  values: Values,
  rows: Span,
  columns: Span,
  height: number,
  width: number,
  filter: Filter,
): Values {
  const [inputHeight, inputWidth, channels] = imageShape(values.shape);
  const { data } = values;
  const across = tapsFor(inputWidth, columns, width, filter);
  const down = tapsFor(inputHeight, rows, height, filter);
  // Only the rows that some output row reads are resampled across.
  const firstRow = down.first[0]!;
  const rowsRead = down.first[height - 1]! + down.weights[height - 1]!.length - firstRow;
  const narrow = new Float32Array(rowsRead * width * channels);
  for (let row = 0; row < rowsRead; row++) {
    const from = (row + firstRow) * inputWidth * channels;
    for (let column = 0; column < width; column++) {
      const weights = across.weights[column]!;
      const start = from + across.first[column]! * channels;
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0;
        for (let tap = 0; tap < weights.length; tap++) sum += weights[tap]! * data[start + tap * channels + channel]!;
        narrow[(row * width + column) * channels + channel] = sum;
      }
    }
  }
  const stride = width * channels;
  const result = new Float32Array(height * stride);
  for (let row = 0; row < height; row++) {
    const weights = down.weights[row]!;
    const start = (down.first[row]! - firstRow) * stride;
    for (let offset = 0; offset < stride; offset++) {
      let sum = 0;
      for (let tap = 0; tap < weights.length; tap++) sum += weights[tap]! * narrow[start + tap * stride + offset]!;
      result[row * stride + offset] = sum;
    }
  }
  return { shape: [height, width, channels], data: result };
}

/** Taps that bring the span of an axis of `length` pixels to `count` pixels. Weights of each are positive and sum to 1. */
function tapsFor(length: number, { start, end }: Span, count: number, { filter, antialias }: Filter): Taps {
  const scale = (end - start) / count;
  const first = new Int32Array(count);
  const weights: Float64Array[] = [];
  for (let index = 0; index < count; index++) {
    const centre = start + (index + 0.5) * scale;
    const [low, high, weightAt] =
      filter === "nearest"
        ? nearest(centre)
        : filter === "area"
          ? area(centre, scale)
          : triangle(centre, antialias ? Math.max(1, scale) : 1);
    const from = clamp(low, 0, length - 1);
    const to = clamp(high, from + 1, length);
    const row = new Float64Array(to - from);
    let sum = 0;
    for (let tap = 0; tap < row.length; tap++) sum += row[tap] = weightAt(from + tap);
    // A position at the very border may lie outside every tap's reach, by rounding: it takes the nearest pixel.
    if (sum > 0) for (let tap = 0; tap < row.length; tap++) row[tap]! /= sum;
    else row[0] = 1;
    first[index] = from;
    weights.push(row);
  }
  return { first, weights };
}

type Reach = readonly [low: number, high: number, weightAt: (pixel: number) => number];

function nearest(centre: number): Reach {
  const pixel = Math.floor(centre);
  return [pixel, pixel + 1, () => 1];
}

/** The share of each pixel that the output pixel covers. */
function area(centre: number, scale: number): Reach {
  const low = centre - scale / 2;
  const high = centre + scale / 2;
  return [Math.floor(low), Math.ceil(high), (pixel) => Math.max(0, Math.min(high, pixel + 1) - Math.max(low, pixel))];
}

/** Falls linearly from 1 at the centre to 0 at `support` pixels. */
function triangle(centre: number, support: number): Reach {
  return [
    Math.floor(centre - support + 0.5),
    Math.floor(centre + support + 0.5),
    (pixel) => Math.max(0, 1 - Math.abs(pixel + 0.5 - centre) / support),
  ];
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, value));
}
