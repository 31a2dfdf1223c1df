import { byteLength, createData, DTYPES, type DType, type NumericDType } from "@slipway/core/tensor";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ByteRange,
  byteSourceFromBytes,
  byteSourceFromChunks,
  createInitializer,
  type Initializer,
  initializerElementCount,
  initializerFromTensor,
  initializerSizeBytes,
  requireFilled,
  type StoredData,
  tensorFromInitializer,
} from "./index.ts";

const invalid = expect.objectContaining({ code: "MODEL_INVALID" });
const of = (dtype: DType, shape: number[], data: StoredData): Initializer =>
  createInitializer({ name: "w", dtype, shape, data });
const raw = (bytes: Uint8Array): StoredData => ({ kind: "bytes", bytes: byteSourceFromBytes(bytes) });
const numeric = Object.keys(DTYPES).filter((dtype) => dtype !== "string") as NumericDType[];

describe("stored tensors", () => {
  it("of every numeric type are decoded from raw bytes of exactly the right size", () => {
    for (const dtype of numeric) {
      const size = byteLength(dtype, 6);
      const tensor = tensorFromInitializer(of(dtype, [2, 3], raw(new Uint8Array(size))));
      expect(tensor).toEqual({ dtype, shape: [2, 3], data: createData(dtype, 6) });
      expect(initializerSizeBytes(of(dtype, [2, 3], raw(new Uint8Array(0))))).toBe(size);
      for (const wrong of [size - 1, size + 1]) {
        expect(() => tensorFromInitializer(of(dtype, [2, 3], raw(new Uint8Array(wrong))))).toThrow(invalid);
        expect(() => requireFilled(of(dtype, [2, 3], raw(new Uint8Array(wrong))))).toThrow(invalid);
      }
    }
  });

  it("are views where alignment allows, and copies where not", () => {
    const bytes = new Uint8Array(24);
    bytes[9] = 1;
    const aligned = tensorFromInitializer(of("int64", [2], raw(bytes.subarray(8))));
    expect((aligned.data as BigInt64Array).buffer).toBe(bytes.buffer);
    const unaligned = tensorFromInitializer(of("int64", [2], raw(bytes.subarray(1, 17))));
    expect(unaligned.data).toEqual(BigInt64Array.of(0n, 1n));
    // The copy of a Node Buffer must be one too.
    expect(tensorFromInitializer(of("int64", [2], raw(Buffer.from(bytes.buffer, 1, 16)))).data).toEqual(
      BigInt64Array.of(0n, 1n),
    );
  });

  it("in other forms are checked against their shape", () => {
    const deferred = (length: number): StoredData => ({
      kind: "deferred",
      length,
      sizeBytes: length,
      decode: () => new Float32Array(length),
    });
    expect(tensorFromInitializer(of("float32", [3], deferred(3))).data.length).toBe(3);
    expect(() => tensorFromInitializer(of("float32", [3], deferred(4)))).toThrow(invalid);
    expect(() => tensorFromInitializer(of("float32", [3], { kind: "values", values: new Float32Array(2) }))).toThrow(
      invalid,
    );
    expect(() => tensorFromInitializer(of("string", [1], raw(new Uint8Array(1))))).toThrow(invalid);
    expect(
      tensorFromInitializer(initializerFromTensor("s", { dtype: "string", shape: [1], data: ["a"] })).data,
    ).toEqual(["a"]);
  });

  it("in another file need someone to find it", () => {
    const reference = { location: "w.bin", offset: 4, length: 8, checksum: null, others: new Map() };
    const external = of("float32", [2], { kind: "external", reference });
    expect(() => tensorFromInitializer(external)).toThrow(expect.objectContaining({ code: "MODEL_UNSAFE" }));
    const file = byteSourceFromBytes(new Uint8Array(Float32Array.of(9, 1, 2).buffer));
    const found = tensorFromInitializer(
      external,
      ({ offset, length }) => new ByteRange(file, offset, offset + length!),
    );
    expect(found.data).toEqual(Float32Array.of(1, 2));
    requireFilled(external);
    expect(() => tensorFromInitializer(external, () => file)).toThrow(invalid);
  });

  it("of impossible shapes are refused, whatever they multiply to", () => {
    for (const shape of [
      [-1],
      [1.5],
      [2 ** 40],
      [2 ** 20, 2 ** 20],
      Array.from({ length: 65 }, () => 1),
      [Number.NaN],
    ]) {
      expect(() => initializerElementCount(of("float32", shape, raw(new Uint8Array(0))))).toThrow(invalid);
    }
    expect(initializerElementCount(of("float32", [2 ** 40, 0], raw(new Uint8Array(0))))).toBe(0);
    expect(initializerElementCount(of("float32", [], raw(new Uint8Array(0))))).toBe(1);
  });
});

it("bytes in chunks read like bytes in one piece", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 9 }), { maxLength: 8 }), fc.nat(80), fc.nat(80), (chunks, a, b) => {
      const whole = Uint8Array.from(chunks.flatMap((chunk) => Array.from(chunk)));
      const source = byteSourceFromChunks(chunks);
      expect(source.sizeBytes).toBe(whole.byteLength);
      const [start, end] = [Math.min(a, b), Math.max(a, b)].map((at) => Math.min(at, whole.byteLength)) as [
        number,
        number,
      ];
      expect(source.read(start, end)).toEqual(whole.subarray(start, end));
      const part = new ByteRange(source, start, end);
      expect(part.read(0, part.sizeBytes)).toEqual(whole.subarray(start, end));
      expect(() => part.read(0, part.sizeBytes + 1)).toThrow(/outside/);
    }),
  );
});
