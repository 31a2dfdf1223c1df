import { readFileSync } from "node:fs";
import {
  createInitializer,
  createModel,
  graphBuilder,
  type Initializer,
  tensorFromInitializer,
} from "@slipway/core/graph";
import { bytesFromData, DTYPES, type DType, dtypeFromOnnx, type NumericData } from "@slipway/core/tensor";
import { describe, expect, it } from "vitest";
import { bytesFromModel, modelFromBytes, scanModel } from "./index.ts";

// Written by the reference encoder of ONNX; see tools/goldens/dtypes.py.
const goldens = new URL("../../../test/goldens/", import.meta.url);
const file = readFileSync(new URL("dtypes.onnx", goldens));
const expected = JSON.parse(readFileSync(new URL("dtypes.json", goldens), "utf8")) as Record<string, string | string[]>;

function contentOf(initializer: Initializer): string | readonly string[] {
  const { dtype, data } = tensorFromInitializer(initializer);
  return dtype === "string"
    ? (data as readonly string[])
    : Buffer.from(bytesFromData(data as NumericData)).toString("hex");
}

describe("tensors of every element type", () => {
  const model = modelFromBytes(file);

  it("are all there", () => {
    const seen = new Set(model.graph.initializers.map(({ dtype }) => dtype));
    expect(seen).toEqual(new Set(Object.keys(DTYPES)));
    expect(model.graph.initializers.length).toBe(2 * seen.size - 1);
    expect(scanModel(file).tensorCount).toBe(2 * seen.size - 1);
    for (let number = 1; number <= 26; number++) expect(seen).toContain(dtypeFromOnnx(number));
  });

  it.each(model.graph.initializers.map((initializer) => [initializer.name, initializer] as const))(
    "%s decodes to the bytes the reference has",
    (name, initializer) => {
      expect(initializer.shape).toEqual([1, 5]);
      expect(contentOf(initializer)).toEqual(expected[name]);
    },
  );

  it("are written so that they read the same", () => {
    const rebuilt = model.graph.initializers.map((initializer) => ({ ...initializer }));
    const written = modelFromBytes(bytesFromModel({ ...model, graph: { ...model.graph, initializers: rebuilt } }));
    expect(written.graph.initializers.map(contentOf)).toEqual(model.graph.initializers.map(contentOf));
  });
});

/** A file with one tensor field given by hand. */
function tensorOf(dtype: DType, length: number, field: number[]): Initializer {
  const content = [0x08, length, 0x10, DTYPES[dtype].onnx, 0x42, 1, 0x77, ...field];
  const bytes = Uint8Array.of(0x08, 8, 0x42, 2, 0x10, 17, 0x3a, content.length + 2, 0x2a, content.length, ...content);
  return modelFromBytes(bytes).graph.initializers[0]!;
}

describe("repeated numbers", () => {
  it("are read packed, unpacked, and in several pieces", () => {
    const packed = tensorOf("int32", 3, [0x2a, 3, 1, 2, 3]);
    const unpacked = tensorOf("int32", 3, [0x28, 1, 0x28, 2, 0x28, 3]);
    const mixed = tensorOf("int32", 3, [0x28, 1, 0x2a, 1, 2, 0x28, 3]);
    for (const initializer of [packed, unpacked, mixed]) {
      expect(tensorFromInitializer(initializer).data).toEqual(Int32Array.of(1, 2, 3));
    }
    const one = [0, 0, 0x80, 0x3f];
    for (const field of [
      [0x22, 8, ...one, ...one],
      [0x25, ...one, 0x25, ...one],
      [0x22, 4, ...one, 0x25, ...one],
    ]) {
      expect(tensorFromInitializer(tensorOf("float32", 2, field)).data).toEqual(Float32Array.of(1, 1));
    }
  });

  it("that do not fill the shape are refused when decoded", () => {
    expect(() => tensorFromInitializer(tensorOf("int32", 4, [0x2a, 3, 1, 2, 3]))).toThrow(
      expect.objectContaining({ code: "MODEL_INVALID" }),
    );
    // The last number breaks off.
    expect(() => tensorFromInitializer(tensorOf("int32", 2, [0x2a, 3, 1, 2, 0x80]))).toThrow(
      expect.objectContaining({ code: "MODEL_MALFORMED" }),
    );
    expect(() => tensorOf("float32", 1, [0x22, 3, 1, 2, 3])).not.toThrow();
    expect(() => tensorFromInitializer(tensorOf("float32", 1, [0x22, 3, 1, 2, 3]))).toThrow(
      expect.objectContaining({ code: "MODEL_INVALID" }),
    );
  });
});

it("a tensor under 8 bits is written as raw bytes, low bits first", () => {
  const data = { kind: "values", values: Uint8Array.of(0x21, 0x03) } as const;
  const initializer = createInitializer({ name: "w", dtype: "int4", shape: [3], data });
  const graph = { ...graphBuilder().graph(), initializers: [initializer] };
  const bytes = bytesFromModel(createModel({ irVersion: 10, opsets: new Map([["", 21]]), graph }));
  expect(Buffer.from(bytes).includes(Buffer.from([0x4a, 2, 0x21, 0x03]))).toBe(true);
});
