import { expect, test } from "vitest";
import { attributeFrom, float } from "./attributes.ts";
import { graphBuilder } from "./build.ts";
import { inlineFunctions } from "./inline.ts";
import { createFunction, createNode, type Model, type ModelFunction, type Node } from "./model.ts";
import { verifyModel } from "./verify.ts";
import { nodesOfModel } from "./walk.ts";

const ONNX = new Map([["", 17]]);
const node = (opType: string, inputs: string[], outputs: string[], more: Partial<Node> = {}) =>
  createNode({ opType, inputs, outputs, ...more });
const made = (name: string, parts: Partial<ModelFunction>): ModelFunction =>
  createFunction({
    name,
    domain: "own",
    opsets: new Map([...ONNX, ["own", 1]]),
    inputs: ["x"],
    outputs: ["y"],
    ...parts,
  });

function modelOf(functions: readonly ModelFunction[], calls: readonly string[]): Model {
  const graph = graphBuilder({ opset: 17, opsets: { own: 1 }, functions });
  let value = graph.input("x", "float32", [2]);
  for (const name of calls) value = graph.op(name, [value], {}, { domain: "own" });
  graph.output("y", value, "float32", [2]);
  return graph.model();
}

const operators = (model: Model) => Array.from(nodesOfModel(model), ({ node: { opType } }) => opType);

test("calls become the function's nodes, calls within calls too, with names of their own each time", () => {
  const inner = made("Inner", { nodes: [node("Exp", ["x"], ["t"]), node("Neg", ["t"], ["y"])] });
  const outer = made("Outer", {
    nodes: [node("Inner", ["x"], ["t"], { domain: "own" }), node("Inner", ["t"], ["y"], { domain: "own" })],
  });
  const inlined = inlineFunctions(modelOf([inner, outer], ["Outer", "Inner"]));
  expect(operators(inlined)).toEqual(["Exp", "Neg", "Exp", "Neg", "Exp", "Neg"]);
  expect(inlined.functions).toEqual([]);
  expect(inlined.graph.nodes.at(-1)!.outputs).toEqual(["y"]);
  verifyModel(inlined);
});

test("attributes come from the call, then from defaults; what neither gives is left out, in bodies as well", () => {
  const reference = (name: string, value: string, of: "float" | "int") =>
    ({ kind: "reference", name, value, of, docString: "", extra: [] }) as const;
  const body = graphBuilder().subgraph("body", (inner) => inner.output("b", inner.op("Elu", ["x"]), "float32"));
  const referring = {
    ...body,
    nodes: body.nodes.map((one) => ({ ...one, attributes: [reference("alpha", "slope", "float")] })),
  };
  const leaky = made("Leaky", {
    attributes: ["slope"],
    attributeDefaults: [attributeFrom("axis", 1)],
    nodes: [
      node("LeakyRelu", ["x"], ["a"], { attributes: [reference("alpha", "slope", "float")] }),
      node("Softmax", ["a"], ["s"], { attributes: [reference("axis", "axis", "int")] }),
      node("Constant", [], ["c"], { attributes: [attributeFrom("value_int", 1)] }),
      node("Cast", ["c"], ["condition"], { attributes: [attributeFrom("to", 9)] }),
      node("If", ["condition"], ["i"], {
        attributes: [attributeFrom("then_branch", referring), attributeFrom("else_branch", body)],
      }),
      node("Flatten", ["s"], ["y"], { attributes: [reference("axis", "missing", "int")] }),
    ],
  });
  const graph = graphBuilder({ opset: 17, opsets: { own: 1 }, functions: [leaky] });
  const x = graph.input("x", "float32", [2, 2]);
  graph.output("y", graph.op("Leaky", [x], { slope: float(0.5) }, { domain: "own", name: "call" }), "float32");
  const { nodes } = inlineFunctions(graph.model()).graph;
  expect(nodes.map(({ name }) => name)).toEqual([
    "call/LeakyRelu",
    "call/Softmax",
    "call/Constant",
    "call/Cast",
    "call/If",
    "call/Flatten",
  ]);
  expect(nodes[0]!.attributes).toEqual([attributeFrom("alpha", float(0.5))]);
  expect(nodes[1]!.attributes).toEqual([attributeFrom("axis", 1)]);
  expect(nodes[5]!.attributes).toEqual([]);
  const branch = nodes[4]!.attributes[0]!;
  expect(branch.kind === "graph" && branch.value.nodes[0]!.attributes).toEqual([attributeFrom("alpha", float(0.5))]);
});

test("what a function hands through or hands out twice is copied, what the call leaves out stays out", () => {
  const pass = made("Pass", {
    inputs: ["x", "unused"],
    outputs: ["x", "t", "t"],
    nodes: [node("Clip", ["x", "", "unused"], ["t"])],
  });
  const graph = graphBuilder({ opset: 17, opsets: { own: 1 }, functions: [pass] });
  const outputs = graph.opOutputs("Pass", [graph.input("in", "float32", [2])], 3, {}, { domain: "own" });
  for (const [index, value] of outputs.entries()) graph.output(`y${index}`, value, "float32");
  const { nodes } = inlineFunctions(graph.model()).graph;
  expect(nodes.map(({ opType, inputs, outputs: to }) => [opType, inputs, to])).toEqual([
    ["Clip", ["in", "", ""], ["y1"]],
    ["Identity", ["in"], ["y0"]],
    ["Identity", ["y1"], ["y2"]],
  ]);
});

test("calls in bodies are inlined; a function of another operator set is not", () => {
  const inner = made("Inner", { nodes: [node("Exp", ["x"], ["y"])] });
  const old = made("Old", { opsets: new Map([["", 9]]), nodes: [node("Exp", ["x"], ["y"])] });
  const graph = graphBuilder({ opset: 17, opsets: { own: 1 }, functions: [inner, old] });
  const x = graph.input("x", "float32", [2]);
  const branch = (name: string, operator: string) =>
    graph.subgraph(name, (body) => body.output(`${name}_y`, body.op(operator, [x], {}, { domain: "own" }), "float32"));
  const condition = graph.values("bool", [true], []);
  graph.output(
    "y",
    graph.op("If", [condition], { then_branch: branch("a", "Inner"), else_branch: branch("b", "Old") }),
    "float32",
  );
  const inlined = inlineFunctions(graph.model());
  expect(operators({ ...inlined, functions: [] })).toEqual(["If", "Exp", "Old"]);
  expect(inlined.functions).toEqual([old]);
});

test("functions that call themselves, or grow beyond measure, are refused", () => {
  const endless = made("Endless", { nodes: [node("Endless", ["x"], ["y"], { domain: "own" })] });
  expect(() => inlineFunctions(modelOf([endless], ["Endless"]))).toThrow(/calls a function that calls itself/);
  const doubling = Array.from({ length: 40 }, (_, level) =>
    made(`F${level}`, {
      nodes: [
        node(`F${level + 1}`, ["x"], ["t"], { domain: "own" }),
        node(`F${level + 1}`, ["t"], ["y"], { domain: "own" }),
      ],
    }),
  );
  expect(() => inlineFunctions(modelOf(doubling, ["F0"]))).toThrow(/over 1000000 nodes/);
});

test("operator sets that only functions import are imported by the model", () => {
  const contributed = made("Contributed", {
    opsets: new Map([...ONNX, ["com.microsoft", 1]]),
    nodes: [node("Gelu", ["x"], ["y"], { domain: "com.microsoft" })],
  });
  const inlined = inlineFunctions(modelOf([contributed], ["Contributed"]));
  expect(inlined.opsets.get("com.microsoft")).toBe(1);
  verifyModel(inlined);
});

test("a model without functions stays the same", () => {
  const graph = graphBuilder();
  graph.output("y", graph.op("Exp", [graph.input("x", "float32", [2])]), "float32");
  const model = graph.model();
  expect(inlineFunctions(model)).toBe(model);
});
