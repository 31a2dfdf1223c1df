// The binary frames between a front and a runner. A frame is a 24-byte header and a body, little-endian, a multiple of
// 8 bytes long, so that tensors in a buffer that began at a frame are aligned for every element type.
//
//   0  u32 length of the whole frame     8  u32 stream id          16  f64 milliseconds left until the deadline
//   4  u8 version                       12  u32 sequence
//   5  u8 kind   6  u16 flags
//
// A stream is one request: a run frame opens it, and the frame with the final flag ends it, also when it was cancelled.
// Result frames of one stream are numbered by `sequence`, so that one run may yield many.
import { SlipwayError } from "@slipway/core/base";

export const FRAME_VERSION = 1;
export const HEADER_BYTES = 24;
/** Longest frame either side writes or takes. */
export const MAX_FRAME_BYTES = 2 ** 31 - 8;

export const FrameKind = {
  /** Front to runner: run these inputs. */
  run: 1,
  /** Front to runner: nobody waits for this stream any more. */
  cancel: 2,
  /** Runner to front: these streams run now. Not sent where a single stream is in flight, which says the same. */
  begin: 3,
  /** Runner to front: outputs. */
  result: 4,
  /** Runner to front: an error, as JSON of `code` and `message`. */
  failure: 5,
  /** Either way: a control message as JSON; see control.ts. */
  control: 6,
} as const;
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

export const FrameFlag = {
  /** The last frame of its stream. */
  final: 1,
  /** Of a run frame: run it with no other. */
  alone: 2,
} as const;

/** A frame that can't be right: the peer is broken or hostile, and its link must be closed. */
export function frameError(what: string): SlipwayError {
  return new SlipwayError("RUNNER_PROTOCOL", `A frame between server and runner can't be read: ${what}.`);
}

/** A length rounded up to the 8 bytes frames and their parts are aligned to. */
export function aligned(sizeBytes: number): number {
  return Math.ceil(sizeBytes / 8) * 8;
}
