// Streams of frames for the fuzzer: made by chance with the product's own writer, and mended after mutation so that what
// lies behind the header is reached.
import { DTYPES, type DType } from "@slipway/core/tensor";
import { FrameWriter } from "../../server/src/runtime/frame-writer.ts";
import { FRAME_VERSION, FrameKind, HEADER_BYTES } from "../../server/src/runtime/frames.ts";
import { joined } from "./mutate.ts";
import type { Random } from "./random.ts";

const KINDS = Object.values(FrameKind);
export const FROM_SERVER: readonly FrameKind[] = [FrameKind.run, FrameKind.run, FrameKind.cancel, FrameKind.control];
export const FROM_RUNNER: readonly FrameKind[] = [
  FrameKind.begin,
  FrameKind.result,
  FrameKind.failure,
  FrameKind.control,
];
const CONTROL: readonly unknown[] = [
  {
    type: "loaded",
    model: { signature: { inputs: [], outputs: [] }, batching: { mode: "off", maxRows: 1 }, backend: "b" },
  },
  { type: "refused", code: "MODEL_LOAD_FAILED", message: "m" },
  { type: "batching", plan: { mode: "off", maxRows: 1, reason: "r", padAxis: null } },
  { type: "memory", residentBytes: 1 },
  { type: "load", order: {} },
  { type: "none" },
  null,
  [],
];
const FAILURES: readonly unknown[] = [
  { code: "RUN_FAILED", message: "m" },
  { code: "__proto__", message: "m" },
  { code: 1 },
  "text",
];

/** One to four frames; streams are 1 to 4, of which the server has opened the first three. */
export function generatedFrames(random: Random, usual: readonly FrameKind[]): Uint8Array {
  const chunks: Uint8Array[] = [];
  const writer = new FrameWriter((parts) => {
    for (const part of parts) chunks.push(part.slice());
    return true;
  });
  for (let frames = 1 + random.below(4); frames > 0; frames--) {
    const kind = random.pick(random.oneIn(8) ? KINDS : usual);
    const remainingMs = random.pick([0, 1, 1e6, -1, Number.NaN, Number.POSITIVE_INFINITY]);
    writer.begin(kind, random.below(4), 1 + random.below(4), 0, remainingMs);
    writeBody(writer, kind, random);
    writer.end();
  }
  writer.flush();
  return joined(...chunks);
}

function writeBody(writer: FrameWriter, kind: FrameKind, random: Random): void {
  switch (kind) {
    case FrameKind.run:
      writer.u32Pair(random.below(4), random.oneIn(2) ? 0 : 1);
      if (random.oneIn(2)) writer.u16List([random.below(3)]);
      for (let tensors = random.below(3); tensors > 0; tensors--) writeTensor(writer, random);
      return;
    case FrameKind.result:
      writer.f32Pair(0, 0);
      writer.f32Pair(1, 0);
      writer.u32Pair(1, 1);
      for (let tensors = random.below(3); tensors > 0; tensors--) writeTensor(writer, random);
      return;
    case FrameKind.begin: {
      const streams = Array.from({ length: random.below(3) }, () => 1 + random.below(4));
      writer.u32Pair(streams.length, 0);
      writer.u32List(streams);
      return;
    }
    case FrameKind.failure:
      writer.json(random.pick(FAILURES));
      return;
    case FrameKind.control:
      writer.json(random.pick(CONTROL));
      return;
    case FrameKind.cancel:
      return;
  }
}

function writeTensor(writer: FrameWriter, random: Random): void {
  const dtype = random.oneIn(3)
    ? random.pick(Object.keys(DTYPES) as DType[])
    : random.pick(["float32", "string"] as const);
  const shape = Array.from({ length: random.below(3) }, () => random.below(4));
  const count = shape.reduce((product, length) => product * length, 1);
  if (dtype === "string") {
    writer.tensor(
      random.below(3),
      dtype,
      shape,
      shape[0] ?? 0,
      Array.from({ length: count }, () => "é"),
      0,
      count,
    );
    return;
  }
  const bytes = new Uint8Array(Math.ceil((count * DTYPES[dtype].bits) / 8));
  writer.tensor(random.below(3), dtype, shape, shape[0] ?? 0, bytes, 0, bytes.length);
}

/** Gives each frame a length that fits, a version and a kind there is. */
export function repairFrames(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; bytes.length - at >= HEADER_BYTES; ) {
    const left = (bytes.length - at) & ~7;
    const stated = view.getUint32(at, true);
    const length = stated >= HEADER_BYTES && stated % 8 === 0 && stated <= left ? stated : left;
    view.setUint32(at, length, true);
    view.setUint8(at + 4, FRAME_VERSION);
    view.setUint8(at + 5, KINDS[view.getUint8(at + 5) % KINDS.length]!);
    at += length;
  }
}

/** The bytes in two or three pieces, cut at places that the bytes themselves decide. */
export function cut(bytes: Uint8Array): Uint8Array[] {
  const first = (bytes[0] ?? 0) + (bytes.at(-1) ?? 0);
  const at = bytes.length === 0 ? 0 : first % bytes.length;
  const next = Math.min(bytes.length, at + 1 + ((bytes[at] ?? 0) % 32));
  return [bytes.subarray(0, at), bytes.subarray(at, next), bytes.subarray(next)];
}
