// Convolutions over samples with few windows each, as products of matrices whose rows are the windows of the whole batch: with
// channels last, what a place of the kernel sees is copied in long runs, and the kernel is read once instead of once a sample.
// docs/autodiff.md has what was measured.
import type { Emitter } from "../emitter.ts";
import { tapsOf, type Window } from "./window.ts";

/** Up to so many windows a sample, gradients are products over the windows of the batch. */
export const MOST_WINDOWS_AS_ROWS = 16;

/** How far a kernel reaches beyond its first place, along each spatial axis. */
export function reachOf({ kernel, dilations }: Window): readonly number[] {
  return kernel.map((length, axis) => (length - 1) * dilations[axis]!);
}

/** [N, C, …] as [N, …, C]. */
export function channelsLast(e: Emitter, x: string, spatialRank: number): string {
  return e.transpose(x, [0, ...Array.from({ length: spatialRank }, (_, axis) => axis + 2), 1]);
}

/** Rows, one for each window of the batch, as [N, C, …lengths]. */
export function channelsSecond(e: Emitter, rows: string, lengths: readonly number[], channels: number): string {
  const apart = e.reshape(rows, e.ints([-1, ...lengths, channels]));
  const rank = lengths.length;
  return e.transpose(apart, [0, rank + 1, ...Array.from({ length: rank }, (_, axis) => axis + 1)]);
}

/** [N, C, …] as one row of channels for each place: [N · places, C]. */
export function rowsOf(e: Emitter, x: string, spatialRank: number, channels: number): string {
  return e.reshape(channelsLast(e, x, spatialRank), e.ints([-1, channels]));
}

/** Where the places of a kernel look, and how often it is slid. */
export interface Gathering {
  readonly kernel: readonly number[];
  /** What the first window sees by a place begins so far behind the padded start. */
  readonly startOf: (place: readonly number[]) => readonly number[];
  readonly strides: readonly number[];
  readonly padsBefore: readonly number[];
  readonly padsAfter: readonly number[];
  /** Windows along each axis. */
  readonly counts: readonly number[];
}

/** How a convolution's own windows see its input. */
export function gatheringOf(window: Window, counts: readonly number[]): Gathering {
  const { kernel, strides, dilations, padsBefore, padsAfter } = window;
  const startOf = (place: readonly number[]): readonly number[] => place.map((at, axis) => at * dilations[axis]!);
  return { kernel, startOf, strides, padsBefore, padsAfter, counts };
}

/**
 * What every window sees, a row each: [N · windows, places · C], the places in the order of `tapsOf`.
 * @param x [N, C, …]
 */
export function seenByWindows(e: Emitter, x: string, channels: number, gathering: Gathering): string {
  const { kernel, startOf, strides, padsBefore, padsAfter, counts } = gathering;
  const rank = kernel.length;
  const last = channelsLast(e, x, rank);
  const isPadded = [...padsBefore, ...padsAfter].some((pad) => pad !== 0);
  const padded = isPadded ? e.op("Pad", [last, e.ints([0, ...padsBefore, 0, 0, ...padsAfter, 0])]) : last;
  const axes = e.ints(kernel.map((_, axis) => axis + 1));
  const seen = tapsOf(kernel).map((place) => {
    const starts = startOf(place);
    const ends = starts.map((start, axis) => start + (counts[axis]! - 1) * strides[axis]! + 1);
    return e.op("Slice", [padded, e.ints(starts), e.ints(ends), axes, e.ints(strides)]);
  });
  return e.reshape(e.concat(seen, rank + 1), e.ints([-1, seen.length * channels]));
}
