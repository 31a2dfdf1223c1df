import { createTensor, type DType } from "@slipway/core/tensor";
import { describe, expect, it } from "vitest";
import {
  float,
  graphBuilder,
  signatureFromModel,
  tensorFromInitializer,
  tensorOfValues,
  verifyModel,
} from "./index.ts";

const invalid = expect.objectContaining({ code: "MODEL_INVALID" });

describe("a built graph", () => {
  it("holds what was asked for, and is valid", () => {
    const g = graphBuilder({ opset: 17, name: "small" });
    const x = g.input("x", "float32", ["N", 2]);
    const weights = g.constant(createTensor("float32", [2, 2], Float32Array.of(1, 2, 3, 4)), "weights");
    g.output("y", g.op("MatMul", [x, weights]), "float32", ["N", 2]);
    const model = g.model();
    verifyModel(model);
    expect(model.graph.nodes).toMatchObject([{ opType: "MatMul", inputs: ["x", "weights"], outputs: ["y"] }]);
    expect(tensorFromInitializer(model.graph.initializers[0]!)).toEqual({
      dtype: "float32",
      shape: [2, 2],
      data: Float32Array.of(1, 2, 3, 4),
    });
    expect(signatureFromModel(model)).toEqual({
      inputs: [{ name: "x", type: { kind: "tensor", dtype: "float32", shape: ["N", 2] } }],
      outputs: [{ name: "y", type: { kind: "tensor", dtype: "float32", shape: ["N", 2] } }],
    });
  });

  it("gives an output that is an input, a constant or an output already through an Identity", () => {
    const g = graphBuilder();
    const x = g.input("x", "float32", [1]);
    const constant = g.values("float32", [1]);
    const sum = g.op("Add", [x, constant]);
    g.output("same", x);
    g.output("one", constant);
    g.output("sum", sum);
    g.output("again", sum);
    const model = g.model();
    verifyModel(model);
    expect(model.graph.nodes.map(({ opType, inputs, outputs }) => [opType, inputs, outputs])).toEqual([
      ["Add", ["x", constant], ["sum"]],
      ["Identity", ["x"], ["same"]],
      ["Identity", [constant], ["one"]],
      ["Identity", ["sum"], ["again"]],
    ]);
  });

  it("renames what becomes an output in bodies that read it too", () => {
    const g = graphBuilder();
    const condition = g.input("condition", "bool", []);
    const double = g.op("Add", [g.input("x", "float32", [1]), "x"]);
    const branch = (opType: string) =>
      g.subgraph(opType, (body) => body.output(`${opType}_out`, body.op(opType, [double]), "float32", [1]));
    const chosen = g.op("If", [condition], { then_branch: branch("Neg"), else_branch: branch("Abs") });
    g.output("double", double);
    g.output("chosen", chosen);
    const model = g.model();
    verifyModel(model);
    const bodies = model.graph.nodes[1]!.attributes.map((attribute) => attribute.kind === "graph" && attribute.value);
    expect(bodies).toMatchObject([{ nodes: [{ inputs: ["double"] }] }, { nodes: [{ inputs: ["double"] }] }]);
    expect(signatureFromModel(model).outputs).toMatchObject([
      { type: { dtype: "float32" } },
      { type: { dtype: "float32" } },
    ]);
  });

  it("works out the element types of outputs", () => {
    const g = graphBuilder();
    const x = g.input("x", "float16", [4]);
    const expected: [string, string, DType][] = [
      ["sum", g.op("Add", [x, x]), "float16"],
      ["shape", g.op("Shape", [x]), "int64"],
      ["less", g.op("Less", [x, x]), "bool"],
      ["cast", g.op("Cast", [x], { to: 6 }), "int32"],
      ["where", g.op("Where", [g.op("Less", [x, x]), x, x]), "float16"],
      ["fill", g.op("ConstantOfShape", [g.values("int64", [1])]), "float32"],
      ["filled", g.op("ConstantOfShape", [g.values("int64", [1])], { value: tensorOfValues("bool", [true]) }), "bool"],
    ];
    const [values, indices] = g.opOutputs("TopK", [x, g.values("int64", [2])], 2);
    expected.push(["values", values!, "float16"], ["indices", indices!, "int64"]);
    for (const [name, value] of expected) g.output(name, value);
    expect(signatureFromModel(g.model()).outputs.map(({ type }) => type.kind === "tensor" && type.dtype)).toEqual(
      expected.map(([, , dtype]) => dtype),
    );
  });

  it("takes attributes as JavaScript has them", () => {
    const g = graphBuilder();
    const x = g.input("x", "float32", [1]);
    g.op("Any", [x], {
      whole: 3,
      half: 0.5,
      one: float(1),
      large: 2n ** 62n,
      text: "naïve",
      flag: true,
      lengths: [1, 2],
      none: [],
      mixed: [1, 0.5],
      ones: float([1, 1]),
      texts: ["a", ""],
      tensor: tensorOfValues("int8", [-1]),
    });
    expect(g.graph().nodes[0]!.attributes.map(({ name, kind, value }) => [name, kind, value])).toEqual([
      ["whole", "int", 3n],
      ["half", "float", 0.5],
      ["one", "float", 1],
      ["large", "int", 2n ** 62n],
      ["text", "string", new TextEncoder().encode("naïve")],
      ["flag", "int", 1n],
      ["lengths", "ints", BigInt64Array.of(1n, 2n)],
      ["none", "ints", new BigInt64Array(0)],
      ["mixed", "floats", Float32Array.of(1, 0.5)],
      ["ones", "floats", Float32Array.of(1, 1)],
      ["texts", "strings", [Uint8Array.of(97), new Uint8Array(0)]],
      ["tensor", "tensor", expect.objectContaining({ dtype: "int8", shape: [1] })],
    ]);
  });

  it("makes a default of a constant under an input's name", () => {
    const g = graphBuilder();
    g.input("scale", "float32", [1]);
    g.values("float32", [2], [1], "scale");
    g.output("y", g.op("Neg", ["scale"]));
    verifyModel(g.model());
    expect(signatureFromModel(g.model()).inputs).toMatchObject([{ name: "scale", isOptional: true }]);
    expect(signatureFromModel({ ...g.model(), irVersion: 3 }).inputs).toEqual([]);
  });
});

describe("what can't be built", () => {
  it("is refused with the name", () => {
    const g = graphBuilder();
    g.input("x", "float32", [1]);
    expect(() => g.input("x", "float32", [1])).toThrow(invalid);
    expect(() => g.op("Neg", ["x"], {}, { outputs: ["x"] })).toThrow(/'x'/);
    expect(() => g.values("float32", [1], [1], "")).toThrow(invalid);
    g.output("y", g.op("Neg", ["x"]));
    expect(() => g.output("y", "x")).toThrow(/'y'/);
    expect(() => g.constant({ dtype: "float32", shape: [3], data: new Float32Array(2) })).toThrow(
      expect.objectContaining({ code: "INPUT_DATA_MISMATCH" }),
    );
  });

  it("fresh names avoid those given", () => {
    const g = graphBuilder();
    g.input("neg_out", "float32", [1]);
    expect(g.op("Neg", ["neg_out"])).toBe("neg_out_1");
    expect(g.op("Neg", ["neg_out"])).toBe("neg_out_2");
  });
});

it("values become the bits of their element type", () => {
  expect(tensorOfValues("float16", [1, -2]).data).toEqual(Uint16Array.of(0x3c00, 0xc000));
  expect(tensorOfValues("bfloat16", [1]).data).toEqual(Uint16Array.of(0x3f80));
  expect(tensorOfValues("int64", [1, 2n]).data).toEqual(BigInt64Array.of(1n, 2n));
  expect(tensorOfValues("bool", [true, false]).data).toEqual(Uint8Array.of(1, 0));
  expect(tensorOfValues("string", ["a"], []).data).toEqual(["a"]);
});
