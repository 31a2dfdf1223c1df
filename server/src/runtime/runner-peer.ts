// A runner's side of one link to a front: frames both ways, and the streams it has not answered yet.
import type { ErrorCode } from "@slipway/core/base";
import type { BatchItem } from "./batcher.ts";
import type { ControlMessage } from "./control.ts";
import { type FrameBody, FrameReader, type FrameTensor } from "./frame-reader.ts";
import { FrameWriter, type Send } from "./frame-writer.ts";
import { FrameFlag, FrameKind } from "./frames.ts";
import { StreamTable } from "./stream-table.ts";

/** A request at the runner, from its frame until its stream ended. */
export interface Pending extends BatchItem {
  readonly peer: Peer;
  readonly stream: number;
  readonly inputs: readonly (FrameTensor | undefined)[];
  /** Of its frame. */
  readonly sizeBytes: number;
}

export class Peer {
  readonly reader: FrameReader;
  readonly writer: FrameWriter;
  /** Streams not yet answered. */
  readonly open = new StreamTable<Pending>();
  /** When it last had a stream open, in `Clock.now()` milliseconds. */
  busyAt = Number.NEGATIVE_INFINITY;

  constructor(send: Send, onFrame: (frame: FrameBody) => void) {
    this.reader = new FrameReader(onFrame);
    this.writer = new FrameWriter(send);
  }

  begin(streams: readonly number[]): void {
    this.writer.begin(FrameKind.begin, 0, 0, 0, 0);
    this.writer.u32Pair(streams.length, 0);
    this.writer.u32List(streams);
    this.writer.end();
  }

  failure(stream: number, code: ErrorCode, message: string): void {
    this.writer.begin(FrameKind.failure, FrameFlag.final, stream, 0, 0);
    this.writer.json({ code, message });
    this.writer.end();
  }

  control(message: ControlMessage): void {
    this.writer.begin(FrameKind.control, 0, 0, 0, 0);
    this.writer.json(message);
    this.writer.end();
    this.writer.flush();
  }
}
