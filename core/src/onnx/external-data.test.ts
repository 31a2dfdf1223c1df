import {
  ByteRange,
  byteSourceFromBytes,
  createAttribute,
  createGraph,
  createInitializer,
  createModel,
  createNode,
  tensorFromInitializer,
} from "@slipway/core/graph";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  bytesFromModel,
  EXTERNAL_ALIGNMENT_BYTES,
  externalFilesOf,
  externalizeWeights,
  modelFromBytes,
  scanModel,
  unsafeReason,
} from "./index.ts";

const unsafe = expect.objectContaining({ code: "MODEL_UNSAFE" });
const invalid = expect.objectContaining({ code: "MODEL_INVALID" });

function external(entries: Record<string, string>, shape = [2], name = "w") {
  const { location = "w.bin", offset = "0", length, ...others } = entries;
  const reference = {
    location,
    offset: Number(offset),
    length: length === undefined ? null : Number(length),
    checksum: null,
    others: new Map(Object.entries(others)),
  };
  return createInitializer({ name, dtype: "float32", shape, data: { kind: "external", reference } });
}

function modelOf(...initializers: ReturnType<typeof external>[]) {
  const graph = createGraph({ name: "g", initializers });
  return createModel({ irVersion: 8, opsets: new Map([["", 17]]), graph });
}

describe("locations", () => {
  it("that stay beside the model are safe", () => {
    for (const location of [
      "w.bin",
      "weights/layer 1.bin",
      "a/b/c",
      "..data",
      "w..bin",
      ".weights",
      "größe.bin",
      "-x",
    ]) {
      expect(unsafeReason(location), location).toBeNull();
    }
  });

  it.each([
    ["", "empty"],
    ["/etc/passwd", "absolute"],
    ["../w.bin", "'..'"],
    ["a/../../b", "'..'"],
    ["a/..", "'..'"],
    ["./w.bin", "'.'"],
    ["a//b", "empty part"],
    ["a/", "empty part"],
    ["a\\b", "backslash"],
    ["..\\w", "backslash"],
    ["C:\\w", "backslash"],
    ["C:w", "colon"],
    ["file:///etc/passwd", "colon"],
    ["w.bin:stream", "colon"],
    ["w\0.bin", "control"],
    ["w\n", "control"],
    ["*/_ORT_MEM_ADDR_/*", "memory"],
    ["a/_ORT_MEM_ADDR_", "memory"],
    ["w. ", "dot or blank"],
    ["a./w", "dot or blank"],
    ["a".repeat(2000), "1024"],
  ])("%j is refused", (location, reason) => {
    expect(unsafeReason(location)).toContain(reason);
    expect(() => modelFromBytes(bytesFromModel(modelOf(external({ location }))))).toThrow(unsafe);
  });

  it("that are safe never leave their directory, by the rules of either system", () => {
    const parts = fc.array(fc.constantFrom("a", "..", ".", "", "/", "\\", "C:", "b c", "\0", "~"), { maxLength: 6 });
    fc.assert(
      fc.property(parts, fc.constantFrom("/", "\\", ""), (pieces, separator) => {
        const location = pieces.join(separator);
        if (unsafeReason(location) !== null) return;
        for (const base of ["http://host/models/", "http://host/"]) {
          // An address resolves dots the way a path does.
          const resolved = new URL(location.replaceAll("~", "%7e"), base);
          expect(resolved.host).toBe("host");
          expect(resolved.pathname.startsWith(new URL(base).pathname)).toBe(true);
        }
        expect(location.split(/[/\\]/)).not.toContain("..");
      }),
      { numRuns: 2000 },
    );
  });
});

describe("references", () => {
  it("must have whole numbers that fit the tensor", () => {
    const read = (entries: Record<string, string>) => modelFromBytes(rewritten(entries));
    expect(() => read({ location: "w.bin", offset: "-4096" })).toThrow(invalid);
    expect(() => read({ location: "w.bin", offset: "1e3" })).toThrow(invalid);
    expect(() => read({ location: "w.bin", offset: "99999999999999999999" })).toThrow(invalid);
    expect(() => read({ location: "w.bin", length: "0x10" })).toThrow(invalid);
    expect(() => read({ location: "w.bin", basepath: "/etc" })).toThrow(unsafe);
    expect(() => read({ offset: "0" })).toThrow(unsafe);
    expect(() => externalFilesOf(read({ location: "w.bin", length: "9" }))).toThrow(invalid);
    expect(externalFilesOf(read({ location: "w.bin", offset: "4096", length: "8" }))).toEqual([
      { location: "w.bin", minimumBytes: 4104, tensorCount: 1 },
    ]);
  });

  /** A model whose tensor has exactly these external_data entries. */
  function rewritten(entries: Record<string, string>): Uint8Array {
    const field = (number: number, content: Uint8Array) =>
      Buffer.concat([Buffer.from([number * 8 + 2, content.length]), content]);
    const pairs = Object.entries(entries).map(([key, value]) =>
      field(13, Buffer.concat([field(1, Buffer.from(key)), field(2, Buffer.from(value))])),
    );
    const tensor = Buffer.concat([Buffer.from([0x08, 2, 0x10, 1, 0x42, 1, 0x77, 0x70, 1]), ...pairs]);
    return Buffer.concat([Buffer.from([0x08, 8, 0x42, 2, 0x10, 17]), field(7, field(5, tensor))]);
  }

  it("are kept as they are through writing", () => {
    const model = modelOf(external({ location: "a/w.bin", offset: "8", length: "8", note: "mine" }));
    expect(modelFromBytes(bytesFromModel(model)).graph.initializers[0]!.data).toEqual(
      model.graph.initializers[0]!.data,
    );
  });
});

it("files are listed over every place, with the bytes they need", () => {
  const sparse = {
    kind: "sparse-initializer",
    values: external({ location: ".env", length: "8" }, [2], "values"),
    indices: external({ location: ".env", offset: "8" }, [4], "indices"),
    shape: [9],
    extra: [],
  } as const;
  const node = createNode({
    opType: "Constant",
    outputs: ["c"],
    attributes: [createAttribute("sparse-tensor", "sparse_value", sparse)],
  });
  const body = createGraph({ initializers: [external({ location: "b/in-body" }, [3])] });
  const branch = createNode({ opType: "If", attributes: [createAttribute("graph", "then_branch", body)] });
  const graph = createGraph({
    sparseInitializers: [sparse],
    initializers: [external({ location: "w", offset: "4096" })],
    nodes: [node, branch],
  });
  const model = modelFromBytes(bytesFromModel(createModel({ irVersion: 8, opsets: new Map([["", 17]]), graph })));
  expect(externalFilesOf(model)).toEqual([
    { location: ".env", minimumBytes: 24, tensorCount: 4 },
    { location: "b/in-body", minimumBytes: 12, tensorCount: 1 },
    { location: "w", minimumBytes: 4104, tensorCount: 1 },
  ]);
});

describe("moving weights out", () => {
  const values = (name: string, length: number, seed: number) =>
    createInitializer({
      name,
      dtype: "float32",
      shape: [length],
      data: { kind: "values", values: Float32Array.from({ length }, (_, index) => index + seed) },
    });
  const model = modelOf(values("small", 3, 1), values("a", 1000, 2), values("b", 2000, 3));

  it("keeps small tensors, aligns the others, and loses nothing", () => {
    const moved = externalizeWeights(model, { location: "model.data", minimumBytes: 1024 });
    const parts = Array.from(moved.chunks(), (chunk) => Uint8Array.from(chunk));
    const data = Buffer.concat(parts);
    expect(data.length).toBe(moved.sizeBytes);
    const read = modelFromBytes(bytesFromModel(moved.model));
    expect(scanModel(bytesFromModel(moved.model)).externalFiles).toEqual([
      { location: "model.data", minimumBytes: data.length, tensorCount: 2 },
    ]);
    const lookup = ({ location, offset, length }: { location: string; offset: number; length: number | null }) => {
      expect(location).toBe("model.data");
      expect(offset % EXTERNAL_ALIGNMENT_BYTES).toBe(0);
      return new ByteRange(byteSourceFromBytes(data), offset, offset + length!);
    };
    expect(read.graph.initializers.map((initializer) => tensorFromInitializer(initializer, lookup))).toEqual(
      model.graph.initializers.map((initializer) => tensorFromInitializer(initializer)),
    );
    expect(read.graph.initializers.map(({ data }) => data.kind)).toEqual(["bytes", "external", "external"]);
  });

  it("leaves a model without large tensors as it is", () => {
    const moved = externalizeWeights(model, { location: "model.data", minimumBytes: 1e6 });
    expect(moved.model).toBe(model);
    expect(moved.sizeBytes).toBe(0);
    expect(() => externalizeWeights(model, { location: "../w", minimumBytes: 1 })).toThrow(unsafe);
  });
});
