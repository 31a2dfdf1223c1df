import {
  byteSourceFromBytes,
  createAttribute,
  createGraph,
  createInitializer,
  createModel,
  createNode,
  type ExternalReference,
  float,
  graphBuilder,
  type Initializer,
} from "#graph";
import { expect, test } from "vitest";
import { countParameters, duplicateTensors } from "./parameters.ts";

function stored(name: string, values: Float32Array): Initializer {
  const bytes = byteSourceFromBytes(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return createInitializer({ name, dtype: "float32", shape: [values.length], data: { kind: "bytes", bytes } });
}

function external(name: string, offset: number, length = 4096): Initializer {
  const reference: ExternalReference = { location: "weights.bin", offset, length, checksum: null, others: new Map() };
  return createInitializer({ name, dtype: "float32", shape: [length / 4], data: { kind: "external", reference } });
}

const modelOf = (initializers: readonly Initializer[]) =>
  createModel({ irVersion: 8, opsets: new Map([["", 17]]), graph: createGraph({ initializers }) });

test("counts initialisers, constants and bodies by type, and shared storage once", () => {
  const graph = graphBuilder({ opset: 17 });
  const x = graph.input("x", "float32", [2]);
  const weights = graph.values("float32", [1, 2, 3, 4], [2, 2]);
  const product = graph.op("MatMul", [graph.op("MatMul", [x, weights]), weights]);
  const halves = graph.op("Constant", [], { value_floats: float([1, 2, 3]) });
  const whole = createAttribute(
    "tensor",
    "value",
    createInitializer({ dtype: "int8", shape: [5], data: { kind: "values", values: new Int8Array(5) } }),
  );
  graph.node(createNode({ opType: "Constant", outputs: ["c"], attributes: [whole] }));
  const body = (name: string) =>
    graph.subgraph(name, (inner) =>
      inner.output(`${name}_y`, inner.op("Mul", [product, inner.values("float32", [2])]), "float32"),
    );
  graph.output(
    "y",
    graph.op("If", [graph.values("bool", [true], [])], { then_branch: body("a"), else_branch: body("b") }),
    "float32",
  );
  graph.output("z", halves, "float32");
  expect(countParameters(graph.model())).toEqual({
    count: 4 + 3 + 5 + 2 + 1,
    sizeBytes: 4 * (4 + 3 + 2) + 5 + 1,
    externalBytes: 0,
    byDType: [
      { dtype: "float32", tensors: 4, count: 9, sizeBytes: 36 },
      { dtype: "int8", tensors: 1, count: 5, sizeBytes: 5 },
      { dtype: "bool", tensors: 1, count: 1, sizeBytes: 1 },
    ],
  });
});

test("external data counts once for each place in its file", () => {
  const counts = countParameters(modelOf([external("a", 0), external("b", 0), external("c", 4096)]));
  expect(counts).toMatchObject({ count: 2048, sizeBytes: 8192, externalBytes: 8192 });
});

test("weights of scikit-learn's models are attributes", () => {
  const graph = graphBuilder({ opset: 17, opsets: { "ai.onnx.ml": 3 } });
  const x = graph.input("x", "float32", ["N", 3]);
  const attributes = { coefficients: float([1, 2, 3]), intercepts: float([4]) };
  graph.output("y", graph.op("LinearRegressor", [x], attributes, { domain: "ai.onnx.ml" }), "float32");
  expect(countParameters(graph.model())).toMatchObject({ count: 4, sizeBytes: 16 });
});

test("finds tensors stored twice, wherever they lie, and no others", () => {
  const values = Float32Array.from({ length: 1024 }, (_, index) => Math.sin(index));
  const other = Float32Array.from(values);
  other[1023] = 7;
  const file = byteSourceFromBytes(new Uint8Array(values.buffer));
  const model = modelOf([
    stored("a", values),
    stored("b", Float32Array.from(values)),
    stored("c", other),
    external("d", 0),
    stored("small", Float32Array.of(1)),
    stored("small2", Float32Array.of(1)),
  ]);
  expect(duplicateTensors(model, () => file)).toEqual([
    { name: "b", same: "a", sizeBytes: 4096 },
    { name: "d", same: "a", sizeBytes: 4096 },
  ]);
  expect(duplicateTensors(model).map(({ name }) => name)).toEqual(["b"]);
});
