import { SlipwayError } from "@slipway/core/base";
import {
  createData,
  DTYPES,
  type DType,
  elementCount,
  type NamedTensor,
  type NumericDType,
  type TensorData,
} from "@slipway/core/tensor";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type FrameBody, FrameReader, type FrameTensor } from "./frame-reader.ts";
import { FrameWriter } from "./frame-writer.ts";
import { FrameFlag, FrameKind, HEADER_BYTES, MAX_FRAME_BYTES } from "./frames.ts";

interface Seen {
  readonly kind: number;
  readonly flags: number;
  readonly stream: number;
  readonly sequence: number;
  readonly remainingMs: number;
  readonly tensors: readonly FrameTensor[];
}

function readAll(frame: FrameBody): Seen {
  const { kind, flags, stream, sequence, remainingMs } = frame;
  const tensors: FrameTensor[] = [];
  while (frame.left > 0) tensors.push(frame.tensor());
  return { kind, flags, stream, sequence, remainingMs, tensors };
}

/** Everything a writer sends, as one array. */
class Sink {
  readonly chunks: Uint8Array[] = [];
  writes = 0;
  isFree = true;
  readonly send = (chunks: readonly Uint8Array[]): boolean => {
    this.writes++;
    for (const chunk of chunks) this.chunks.push(chunk.slice());
    return this.isFree;
  };

  bytes(): Uint8Array {
    return Uint8Array.from(Buffer.concat(this.chunks));
  }
}

const numericDTypes = (Object.keys(DTYPES) as DType[]).filter((dtype): dtype is NumericDType => dtype !== "string");

const tensorArbitrary: fc.Arbitrary<NamedTensor> = fc
  .record({
    dtype: fc.constantFrom<DType>(...numericDTypes, "string"),
    shape: fc.array(fc.nat(5), { maxLength: 4 }),
    seed: fc.integer(),
    isLarge: fc.boolean(),
  })
  .map(({ dtype, shape: small, seed, isLarge }) => {
    const shape = isLarge ? [...small, 3001] : small;
    const count = elementCount(shape);
    if (dtype === "string") {
      const data = Array.from({ length: count }, (_, i) => ["", "a", "ü€😀", "x".repeat(i % 50)][(i + seed) & 3]!);
      return { name: "t", dtype, shape, data };
    }
    const data = createData(dtype, count);
    const bytes = new Uint8Array(data.buffer);
    for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 31 + seed) & 0xff;
    return { name: "t", dtype, shape, data };
  });

const frameArbitrary = fc.record({
  kind: fc.constantFrom(FrameKind.run, FrameKind.result),
  flags: fc.nat(0xffff),
  stream: fc.nat(0xffffffff),
  sequence: fc.nat(0xffffffff),
  remainingMs: fc.double({ noNaN: true }),
  tensors: fc.array(tensorArbitrary, { maxLength: 4 }),
});
type FrameInput = typeof frameArbitrary extends fc.Arbitrary<infer T> ? T : never;

function writeFrame(writer: FrameWriter, frame: FrameInput): void {
  writer.begin(frame.kind, frame.flags, frame.stream, frame.sequence, frame.remainingMs);
  for (const [port, { dtype, shape, data }] of frame.tensors.entries()) {
    writer.tensor(port, dtype, shape, shape[0] ?? 0, data, 0, data.length);
  }
  writer.end();
}

/** Typed arrays compared by their bytes, so that NaN equals itself. */
function comparable(data: TensorData): unknown {
  return ArrayBuffer.isView(data)
    ? [data.constructor.name, Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("hex")]
    : data;
}

describe("frames", () => {
  it("arrive as they were written, however the bytes are cut", () => {
    fc.assert(
      fc.property(
        fc.array(frameArbitrary, { minLength: 1, maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 50_000 }), { minLength: 1, maxLength: 40 }),
        fc.boolean(),
        (frames, cuts, isFree) => {
          const sink = new Sink();
          sink.isFree = isFree;
          const writer = new FrameWriter(sink.send);
          for (const [index, frame] of frames.entries()) {
            writeFrame(writer, frame);
            if (index % 2 === 1) writer.flush();
          }
          writer.flush();
          const seen: Seen[] = [];
          const reader = new FrameReader((frame) => seen.push(readAll(frame)));
          const bytes = sink.bytes();
          expect(bytes.byteLength % 8).toBe(0);
          for (let at = 0, i = 0; at < bytes.byteLength; i++) {
            const next = Math.min(bytes.byteLength, at + cuts[i % cuts.length]!);
            reader.push(bytes.subarray(at, next));
            at = next;
          }
          expect(seen.length).toBe(frames.length);
          for (const [index, frame] of frames.entries()) {
            const got = seen[index]!;
            const { kind, flags, stream, sequence, remainingMs } = frame;
            expect({ ...got, tensors: 0 }).toEqual({ kind, flags, stream, sequence, remainingMs, tensors: 0 });
            expect(got.tensors.map(({ dtype, shape, data }) => [dtype, shape, comparable(data)])).toEqual(
              frame.tensors.map(({ dtype, shape, data }) => [dtype, shape, comparable(data)]),
            );
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it("survive byte by byte", () => {
    const sink = new Sink();
    const writer = new FrameWriter(sink.send);
    writeFrame(writer, {
      kind: FrameKind.run,
      flags: 0,
      stream: 7,
      sequence: 0,
      remainingMs: Number.POSITIVE_INFINITY,
      tensors: [],
    });
    writer.flush();
    const seen: Seen[] = [];
    const reader = new FrameReader((frame) => seen.push(readAll(frame)));
    for (const byte of sink.bytes()) reader.push(Uint8Array.of(byte));
    expect(seen).toEqual([
      { kind: 1, flags: 0, stream: 7, sequence: 0, remainingMs: Number.POSITIVE_INFINITY, tensors: [] },
    ]);
  });

  it("leave in one write, however many were built", () => {
    const sink = new Sink();
    const writer = new FrameWriter(sink.send);
    for (let stream = 0; stream < 10_000; stream++) {
      writer.begin(FrameKind.cancel, 0, stream, 0, 0);
      writer.end();
    }
    writer.flush();
    writer.flush();
    expect(sink.writes).toBe(1);
    const streams: number[] = [];
    new FrameReader((frame) => streams.push(frame.stream)).push(sink.bytes());
    expect(streams).toEqual(Array.from({ length: 10_000 }, (_, stream) => stream));
  });

  it("keep what was not yet sent while the bytes before it wait", () => {
    const sent: Uint8Array[] = [];
    // Keeps the chunks themselves, as a socket does whose peer is slow.
    const writer = new FrameWriter((chunks) => {
      sent.push(...chunks);
      return false;
    });
    for (let stream = 0; stream < 5_000; stream++) {
      writer.begin(FrameKind.cancel, 0, stream, stream * 3, 0);
      writer.end();
      if (stream % 7 === 0) writer.flush();
    }
    writer.flush();
    let expected = 0;
    const reader = new FrameReader((frame) => {
      expect([frame.stream, frame.sequence]).toEqual([expected, expected * 3]);
      expected++;
    });
    for (const chunk of sent) reader.push(chunk);
    expect(expected).toBe(5_000);
  });

  it("hand large arrays over without copying them", () => {
    const large = new Float32Array(100_000);
    let isHandedOver = false;
    const writer = new FrameWriter((chunks) => {
      isHandedOver = chunks.some((chunk) => chunk.buffer === large.buffer);
      return true;
    });
    writeFrame(writer, {
      kind: FrameKind.run,
      flags: 0,
      stream: 1,
      sequence: 0,
      remainingMs: 1,
      tensors: [{ name: "t", dtype: "float32", shape: [large.length], data: large }],
    });
    writer.flush();
    expect(isHandedOver).toBe(true);
  });

  it("align tensors for every element type", () => {
    const sink = new Sink();
    const writer = new FrameWriter(sink.send);
    const tensors = (["uint8", "float64", "int16", "int64", "string", "float64"] as const).map(
      (dtype): NamedTensor => ({
        name: "t",
        dtype,
        shape: [3],
        data: dtype === "string" ? ["a", "bb", ""] : createData(dtype, 3),
      }),
    );
    writeFrame(writer, { kind: FrameKind.run, flags: 0, stream: 1, sequence: 0, remainingMs: 1, tensors });
    writer.flush();
    const buffers = new Set<unknown>();
    new FrameReader((frame) => {
      for (const { data } of readAll(frame).tensors) if (ArrayBuffer.isView(data)) buffers.add(data.buffer);
    }).push(sink.bytes());
    // All are views on the one buffer: none had to be copied for its alignment.
    expect(buffers.size).toBe(1);
  });

  it("write rows of a tensor without slicing it", () => {
    const sink = new Sink();
    const writer = new FrameWriter(sink.send);
    const data = Float32Array.from({ length: 12 }, (_, i) => i);
    writer.begin(FrameKind.result, FrameFlag.final, 1, 0, 0);
    writer.tensor(0, "float32", [4, 3], 2, data, 3, 9);
    writer.end();
    writer.flush();
    let tensor: FrameTensor | undefined;
    new FrameReader((frame) => {
      tensor = frame.tensor();
    }).push(sink.bytes());
    expect(tensor).toMatchObject({ shape: [2, 3], data: Float32Array.of(3, 4, 5, 6, 7, 8) });
  });

  it("refuse one that is too long, and go on", () => {
    const sink = new Sink();
    const writer = new FrameWriter(sink.send);
    const before: FrameInput = { kind: FrameKind.run, flags: 0, stream: 1, sequence: 0, remainingMs: 1, tensors: [] };
    writeFrame(writer, before);
    // One array of 1 GiB, handed over three times by reference.
    const data = new Uint8Array(2 ** 30);
    writer.begin(FrameKind.run, 0, 2, 0, 1);
    for (let port = 0; port < 3; port++) writer.tensor(port, "uint8", [data.length], data.length, data, 0, data.length);
    expect(() => writer.end()).toThrow(SlipwayError);
    writeFrame(writer, { ...before, stream: 3 });
    writer.flush();
    const streams: number[] = [];
    new FrameReader((frame) => streams.push(frame.stream)).push(sink.bytes());
    expect(streams).toEqual([1, 3]);
  });
});

describe("a frame reader", () => {
  const expectRefused = (bytes: Uint8Array): void => {
    const reader = new FrameReader((frame) => void readAll(frame));
    expect(() => reader.push(bytes)).toThrow(expect.objectContaining({ code: "RUNNER_PROTOCOL" }));
  };
  const header = (change: (view: DataView) => void, sizeBytes = HEADER_BYTES): Uint8Array => {
    const view = new DataView(new ArrayBuffer(sizeBytes));
    view.setUint32(0, sizeBytes, true);
    view.setUint8(4, 1);
    view.setUint8(5, FrameKind.run);
    change(view);
    return new Uint8Array(view.buffer);
  };

  it("refuses wrong lengths, versions and kinds", () => {
    for (const length of [0, 8, 23, 25, HEADER_BYTES + 4, MAX_FRAME_BYTES + 8, 0xffffffff]) {
      expectRefused(header((view) => view.setUint32(0, length, true)));
    }
    expectRefused(header((view) => view.setUint8(4, 2)));
    expectRefused(header((view) => view.setUint8(5, 0)));
    expectRefused(header((view) => view.setUint8(5, 77)));
  });

  it("refuses tensors that claim more than there is", () => {
    const tensor = (change: (view: DataView) => void): Uint8Array =>
      header((view) => {
        view.setUint8(HEADER_BYTES + 2, 1); // float32
        view.setUint8(HEADER_BYTES + 3, 1); // rank
        view.setUint32(HEADER_BYTES + 4, 8, true);
        view.setFloat64(HEADER_BYTES + 8, 2, true);
        change(view);
      }, HEADER_BYTES + 24);
    new FrameReader((frame) => expect(frame.tensor().shape).toEqual([2])).push(tensor(() => undefined));
    for (const change of [
      (view: DataView) => view.setUint32(HEADER_BYTES + 4, 0xffffffff, true),
      (view: DataView) => view.setUint32(HEADER_BYTES + 4, 16, true),
      (view: DataView) => view.setUint32(HEADER_BYTES + 4, 7, true),
      (view: DataView) => view.setUint8(HEADER_BYTES + 3, 200),
      (view: DataView) => view.setUint8(HEADER_BYTES + 2, 250),
      (view: DataView) => view.setFloat64(HEADER_BYTES + 8, -1, true),
      (view: DataView) => view.setFloat64(HEADER_BYTES + 8, 1.5, true),
      (view: DataView) => view.setFloat64(HEADER_BYTES + 8, Number.NaN, true),
      (view: DataView) => view.setFloat64(HEADER_BYTES + 8, 1e300, true),
      (view: DataView) => {
        view.setUint8(HEADER_BYTES + 2, 8); // two strings, the second longer than what is left
        view.setUint32(HEADER_BYTES + 20, 5, true);
      },
    ]) {
      expectRefused(tensor(change));
    }
  });

  it("does not reserve memory for a length that was only claimed", () => {
    const before = process.memoryUsage().arrayBuffers;
    const readers = Array.from({ length: 8 }, () => {
      const reader = new FrameReader(() => undefined);
      reader.push(header((view) => view.setUint32(0, MAX_FRAME_BYTES, true)));
      reader.push(new Uint8Array(300 * 1024));
      return reader;
    });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 20 * 2 ** 20);
    expect(readers.length).toBe(8);
  });

  it("answers any bytes with frames or RUNNER_PROTOCOL, never with another error", () => {
    const sink = new Sink();
    const writer = new FrameWriter(sink.send);
    const tensors: NamedTensor[] = [
      { name: "a", dtype: "float32", shape: [2, 2], data: new Float32Array(4) },
      { name: "b", dtype: "string", shape: [2], data: ["one", "two"] },
      { name: "c", dtype: "int64", shape: [1], data: new BigInt64Array(1) },
    ];
    writeFrame(writer, { kind: FrameKind.run, flags: 0, stream: 1, sequence: 0, remainingMs: 1, tensors });
    writer.flush();
    const valid = sink.bytes();
    const readOrRefuse = (bytes: Uint8Array): void => {
      try {
        new FrameReader((frame) => {
          if (frame.kind === FrameKind.control || frame.kind === FrameKind.failure) frame.json();
          else if (frame.kind === FrameKind.begin) frame.u32List(frame.u32());
          else readAll(frame);
        }).push(bytes);
      } catch (error) {
        expect(error).toMatchObject({ code: "RUNNER_PROTOCOL" });
      }
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => readOrRefuse(bytes)),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (changes) => {
          const bytes = valid.slice();
          for (const [at, value] of changes) bytes[at] = value;
          readOrRefuse(bytes);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
