import { closeSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { LIMITS } from "@slipway/core/base";
import {
  type ByteSource,
  byteSourceFromChunks,
  createInitializer,
  graphBuilder,
  type Model,
  tensorFromInitializer,
} from "@slipway/core/graph";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { attack } from "../../../test/support/hostile-models.ts";
import { bytesFromModel, chunksFromModel, modelFromBytes, modelSizeBytes, scanModel } from "./index.ts";

// A tensor of 2.4 GB, more than one read call can give, and one behind it: mostly zeros, so that a sparse file holds them.
const COUNT = 600_000_000;
const MARK = Uint8Array.from([0, 0, 0x80, 0x3f]);

/** Zeros but for 1.0 at the end. */
function markedZeros(sizeBytes: number): ByteSource {
  return {
    sizeBytes,
    read: (start, end) => {
      const bytes = new Uint8Array(end - start);
      if (end === sizeBytes) bytes.set(MARK, bytes.length - 4);
      return bytes;
    },
  };
}

function largeModel(): Model {
  const g = graphBuilder({ opset: 17 });
  const x = g.input("x", "float32", [1]);
  const bytes = (count: number) => ({ kind: "bytes", bytes: markedZeros(4 * count) }) as const;
  const large = g.initializer(
    createInitializer({ name: "large", dtype: "float32", shape: [COUNT], data: bytes(COUNT) }),
  );
  const behind = g.initializer(createInitializer({ name: "behind", dtype: "float32", shape: [50], data: bytes(50) }));
  g.output("y", g.op("Add", [x, g.op("Add", [large, behind])]), "float32", [null]);
  return g.model();
}

/** A source that reads an open file. */
function sourceFromFile(descriptor: number, sizeBytes: number): ByteSource {
  return {
    sizeBytes,
    read: (start, end) => {
      const bytes = new Uint8Array(end - start);
      for (let filled = 0; filled < bytes.length; ) {
        const count = readSync(descriptor, bytes, filled, Math.min(bytes.length - filled, 2 ** 30), start + filled);
        if (count === 0) throw new Error("The file is shorter than it was.");
        filled += count;
      }
      return bytes;
    },
  };
}

describe("a model over 2 GiB", () => {
  let directory = "";
  let descriptor = 0;
  let sizeBytes = 0;

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "slipway-large-"));
    descriptor = openSync(path.join(directory, "model.onnx"), "w+");
    for (const chunk of chunksFromModel(largeModel())) {
      // What is left out is a hole, and reads as zeros.
      if (chunk.some((byte) => byte !== 0)) writeSync(descriptor, chunk, 0, chunk.length, sizeBytes);
      sizeBytes += chunk.length;
    }
    ftruncateSync(descriptor, sizeBytes);
  });

  afterAll(async () => {
    closeSync(descriptor);
    await rm(directory, { recursive: true });
  });

  it("is written in chunks of bounded size", () => {
    expect(sizeBytes).toBeGreaterThan(2 ** 31);
    expect(modelSizeBytes(largeModel())).toBe(sizeBytes);
    expect(() => bytesFromModel(largeModel())).toThrow(expect.objectContaining({ code: "MODEL_TOO_LARGE" }));
    for (const chunk of chunksFromModel(largeModel())) expect(chunk.length).toBeLessThanOrEqual(16 * 2 ** 20);
  });

  it("is scanned and read from its file, weights only where they are asked for", () => {
    const source = sourceFromFile(descriptor, sizeBytes);
    let readBytes = 0;
    const counting: ByteSource = {
      sizeBytes,
      read: (start, end) => {
        readBytes += end - start;
        return source.read(start, end);
      },
    };
    expect(scanModel(counting)).toMatchObject({ sizeBytes, parameterCount: COUNT + 50, nodeCount: 2 });
    expect(readBytes).toBeLessThan(5_000_000);
    const model = modelFromBytes(source);
    const [large, behind] = model.graph.initializers;
    expect(Array.from(tensorFromInitializer(behind!).data as Float32Array).at(-1)).toBe(1);
    expect(large!.data.kind === "bytes" && large!.data.bytes.read(4 * COUNT - 4, 4 * COUNT)).toEqual(MARK);
  });

  it("is copied byte for byte, and may be changed on the way", () => {
    const source = sourceFromFile(descriptor, sizeBytes);
    const model = modelFromBytes(source);
    let position = 0;
    for (const chunk of chunksFromModel(model)) {
      const original = source.read(position, position + chunk.length);
      if (Buffer.compare(chunk, original) !== 0) throw new Error(`Bytes differ after ${position}.`);
      position += chunk.length;
    }
    expect(position).toBe(sizeBytes);
    const renamed: Model = { ...model, graph: { ...model.graph, name: `${model.graph.name} changed` } };
    expect(modelSizeBytes(renamed)).toBe(sizeBytes + " changed".length);
  });

  it("is read from chunks in memory", () => {
    // One chunk of zeros stands for all of them.
    const zeros = new Uint8Array(2 ** 26);
    const chunks: Uint8Array[] = [];
    for (let start = 0; start < sizeBytes; start += zeros.length) {
      const chunk = sourceFromFile(descriptor, sizeBytes).read(start, Math.min(start + zeros.length, sizeBytes));
      chunks.push(chunk.length === zeros.length && chunk.every((byte) => byte === 0) ? zeros : chunk);
    }
    const model = modelFromBytes(byteSourceFromChunks(chunks));
    expect(scanModel(byteSourceFromChunks(chunks)).parameterCount).toBe(COUNT + 50);
    expect(Array.from(tensorFromInitializer(model.graph.initializers[1]!).data as Float32Array).at(-1)).toBe(1);
  });
});

it("a file of more nodes than the limit is refused", () => {
  const varint = (value: number): number[] => (value < 128 ? [value] : [(value % 128) | 128, ...varint(value >>> 7)]);
  const nodes = new Uint8Array(2 * (LIMITS.modelNodes + 1));
  for (let at = 0; at < nodes.length; at += 2) nodes[at] = 0x0a;
  const head = Uint8Array.from([0x08, 8, 0x42, 2, 0x10, 17, 0x3a, ...varint(nodes.length)]);
  expect(() => modelFromBytes(Buffer.concat([head, nodes]))).toThrow(/more than 1000000 nodes/);
});

it("many attacks do no harm", () => {
  const refused = attack(300_000, 1_000_000);
  expect(refused).toBeGreaterThan(100_000);
});
