import { describe, expect, it } from "vitest";
import {
  attributeFrom,
  createFunction,
  createGraph,
  createInitializer,
  createModel,
  createNode,
  createValueInfo,
  type Graph,
  graphBuilder,
  type Model,
  type ModelFunction,
  type Node,
  verifyModel,
} from "./index.ts";

const float = { kind: "tensor", dtype: "float32", shape: [1] } as const;
const info = (name: string) => createValueInfo(name, float);
const node = (opType: string, inputs: string[], outputs: string[], rest: Partial<Node> = {}) =>
  createNode({ opType, inputs, outputs, ...rest });
const stored = (name: string) =>
  createInitializer({ name, dtype: "float32", shape: [1], data: { kind: "values", values: Float32Array.of(1) } });

function modelOf(graph: Partial<Graph>, rest: Partial<Model> = {}): Model {
  const whole = createGraph({ name: "g", inputs: [info("x")], outputs: [info("y")], ...graph });
  return createModel({ irVersion: 10, opsets: new Map([["", 17]]), graph: whole, ...rest });
}

function problem(model: Model): string {
  try {
    verifyModel(model);
  } catch (error) {
    expect(error).toMatchObject({ name: "SlipwayError", code: "MODEL_INVALID" });
    return (error as Error).message;
  }
  return "none";
}

const identity = node("Identity", ["x"], ["y"]);

describe("a valid model", () => {
  it("passes: defaults, omitted inputs and outputs, captures, shadowed body inputs, functions", () => {
    expect(problem(modelOf({ nodes: [identity] }))).toBe("none");
    expect(problem(modelOf({ nodes: [identity], initializers: [stored("x")] }))).toBe("none");
    expect(problem(modelOf({ nodes: [node("Clip", ["x", "", "x"], ["y", ""])] }))).toBe("none");
    const body = createGraph({ inputs: [info("x")], nodes: [node("Neg", ["x"], ["b"])], outputs: [info("b")] });
    expect(
      problem(modelOf({ nodes: [node("Scan", ["x"], ["y"], { attributes: [attributeFrom("body", body)] })] })),
    ).toBe("none");
  });
});

describe("values", () => {
  it("that nothing defines are found, in bodies and functions too", () => {
    expect(problem(modelOf({ nodes: [node("Add", ["x", "q"], ["y"], { name: "sum" })] }))).toBe(
      "Add node 'sum' reads 'q', which nothing defines.",
    );
    const body = createGraph({ name: "then", nodes: [node("Neg", ["q"], ["b"])], outputs: [info("b")] });
    const branch = node("If", ["x"], ["y"], { attributes: [attributeFrom("then_branch", body)] });
    expect(problem(modelOf({ nodes: [branch] }))).toBe("The Neg node that makes 'b' reads 'q', which nothing defines.");
    expect(problem(withFunctions([functionOf("F", [node("Neg", ["q"], ["o"])])]))).toMatch(/reads 'q'/);
  });

  it("read too early are found, a body's captures included", () => {
    const late = [node("Neg", ["a"], ["y"]), node("Abs", ["x"], ["a"])];
    expect(problem(modelOf({ nodes: late }))).toMatch(/reads 'a' before the Abs node that makes 'a' makes it/);
    const body = createGraph({ nodes: [node("Neg", ["a"], ["b"])], outputs: [info("b")] });
    const branch = node("If", ["x"], ["y"], { attributes: [attributeFrom("then_branch", body)] });
    expect(problem(modelOf({ nodes: [branch, node("Abs", ["x"], ["a"])] }))).toMatch(/reads 'a' before/);
  });

  it("in a circle are found, also through a body", () => {
    const circle = [node("Neg", ["b"], ["a"]), node("Abs", ["a"], ["b"]), identity];
    expect(problem(modelOf({ nodes: circle }))).toMatch(/cycle: .*'a'.* needs .*'b'/);
    const body = createGraph({ nodes: [node("Neg", ["a"], ["b"])], outputs: [info("b")] });
    const branch = node("If", ["x"], ["c"], { attributes: [attributeFrom("then_branch", body)] });
    expect(problem(modelOf({ nodes: [branch, node("Abs", ["c"], ["a"]), identity] }))).toMatch(/cycle/);
    expect(problem(modelOf({ nodes: [node("Neg", ["a"], ["a"]), identity] }))).toMatch(/cycle/);
  });

  it("defined twice are found", () => {
    expect(problem(modelOf({ nodes: [identity, node("Neg", ["x"], ["y"])] }))).toMatch(
      /makes 'y', which is defined already/,
    );
    expect(problem(modelOf({ nodes: [node("Neg", ["x"], ["x"])] }))).toMatch(/makes 'x'/);
    expect(problem(modelOf({ nodes: [node("Split", ["x"], ["y", "y"])] }))).toMatch(/makes 'y'/);
    expect(problem(modelOf({ inputs: [info("x"), info("x")], nodes: [identity] }))).toMatch(/Two inputs/);
    expect(problem(modelOf({ outputs: [info("y"), info("y")], nodes: [identity] }))).toMatch(/Two outputs/);
    expect(problem(modelOf({ initializers: [stored("w"), stored("w")], nodes: [identity] }))).toMatch(
      /Two initializers/,
    );
    const body = createGraph({ nodes: [node("Neg", ["x"], ["x"])], outputs: [info("x")] });
    const branch = node("If", ["x"], ["y"], { attributes: [attributeFrom("then_branch", body)] });
    expect(problem(modelOf({ nodes: [branch] }))).toMatch(/makes 'x', which is defined already/);
  });

  it("without names are found", () => {
    expect(problem(modelOf({ inputs: [info("")], nodes: [] }))).toMatch(/An input of the graph has no name/);
    expect(problem(modelOf({ initializers: [stored("")], nodes: [identity] }))).toMatch(/initializer/);
    expect(problem(modelOf({ nodes: [node("", ["x"], ["y"])] }))).toMatch(/has no operator/);
  });

  it("that outputs name must be made in the graph itself", () => {
    expect(problem(modelOf({ nodes: [] }))).toMatch(/Output 'y' of the graph is made by no node/);
    const body = createGraph({ name: "then", outputs: [info("x")] });
    const branch = node("If", ["x"], ["y"], { attributes: [attributeFrom("then_branch", body)] });
    expect(problem(modelOf({ nodes: [branch] }))).toMatch(/body 'then'.*Identity/);
  });
});

describe("attributes and domains", () => {
  it("must be unique, named and imported", () => {
    const twice = [attributeFrom("axis", 1), attributeFrom("axis", 2)];
    expect(problem(modelOf({ nodes: [node("Neg", ["x"], ["y"], { attributes: twice })] }))).toMatch(/'axis' twice/);
    const unnamed = [attributeFrom("", 1)];
    expect(problem(modelOf({ nodes: [node("Neg", ["x"], ["y"], { attributes: unnamed })] }))).toMatch(/no name/);
    expect(problem(modelOf({ nodes: [node("Gelu", ["x"], ["y"], { domain: "com.microsoft", name: "g" })] }))).toBe(
      "Com.microsoft.Gelu node 'g' is of domain 'com.microsoft', whose operator set is not imported.",
    );
    expect(problem(modelOf({ nodes: [identity] }, { opsets: new Map() }))).toMatch(/no operator set/);
  });
});

function functionOf(name: string, nodes: Node[], rest: Partial<ModelFunction> = {}): ModelFunction {
  const opsets = new Map([
    ["", 17],
    ["own", 1],
  ]);
  return createFunction({ name, domain: "own", inputs: ["i"], outputs: ["o"], nodes, opsets, ...rest });
}

function withFunctions(functions: ModelFunction[]): Model {
  const opsets = new Map([
    ["", 17],
    ["own", 1],
  ]);
  return modelOf({ nodes: [node("F", ["x"], ["y"], { domain: "own" })] }, { functions, opsets });
}

describe("functions", () => {
  const reference = (value: string) =>
    ({ kind: "reference", name: "axis", value, of: "int", docString: "", extra: [] }) as const;

  it("may call others, but never themselves", () => {
    const leaf = functionOf("G", [node("Neg", ["i"], ["o"])]);
    const call = (name: string) => node(name, ["i"], ["o"], { domain: "own" });
    expect(problem(withFunctions([functionOf("F", [call("G")]), leaf]))).toBe("none");
    expect(problem(withFunctions([functionOf("F", [call("F")])]))).toMatch(/'F' calls itself/);
    expect(problem(withFunctions([functionOf("F", [call("G")]), functionOf("G", [call("F")])]))).toMatch(
      /calls itself/,
    );
    const body = createGraph({ nodes: [node("F", ["i"], ["b"], { domain: "own" })], outputs: [info("b")] });
    const branch = node("If", ["i"], ["o"], { attributes: [attributeFrom("then_branch", body)] });
    expect(problem(withFunctions([functionOf("F", [branch])]))).toMatch(/calls itself/);
    // An overload is another function.
    const overloaded = functionOf("F", [node("Neg", ["i"], ["o"])], { overload: "2" });
    const caller = functionOf("F", [node("F", ["i"], ["o"], { domain: "own", overload: "2" })]);
    expect(problem(withFunctions([caller, overloaded]))).toBe("none");
    expect(problem(withFunctions([leaf, leaf]))).toMatch(/defined twice/);
  });

  it("have their own rules", () => {
    const refers = (value: string) => node("Neg", ["i"], ["o"], { attributes: [reference(value)] });
    expect(problem(withFunctions([functionOf("F", [refers("axis")], { attributes: ["axis"] })]))).toBe("none");
    expect(
      problem(withFunctions([functionOf("F", [refers("axis")], { attributeDefaults: [attributeFrom("axis", 0)] })])),
    ).toBe("none");
    expect(problem(withFunctions([functionOf("F", [refers("other")], { attributes: ["axis"] })]))).toMatch(/'other'/);
    expect(problem(modelOf({ nodes: [node("Neg", ["x"], ["y"], { attributes: [reference("axis")] })] }))).toMatch(
      /in none/,
    );
    expect(problem(withFunctions([functionOf("F", [])]))).toMatch(/Output 'o' of function 'F'/);
    expect(problem(withFunctions([functionOf("", [node("Neg", ["i"], ["o"])])]))).toMatch(/no name/);
    expect(problem(withFunctions([functionOf("F", [identity], { inputs: ["x", "x"] })]))).toMatch(/Two inputs/);
    const doubled = { attributes: ["axis"], attributeDefaults: [attributeFrom("axis", 0)] };
    expect(problem(withFunctions([functionOf("F", [node("Neg", ["i"], ["o"])], doubled)]))).toMatch(/'axis'.*twice/);
  });
});

it("bodies over the limit of depth are refused", () => {
  let body = createGraph({ name: "leaf", nodes: [node("Neg", ["x"], ["o0"])], outputs: [info("o0")] });
  for (let depth = 1; depth < 70; depth++) {
    const branch = node("If", ["x"], [`o${depth}`], { attributes: [attributeFrom("then_branch", body)] });
    body = createGraph({ name: `b${depth}`, nodes: [branch], outputs: [info(`o${depth}`)] });
  }
  const whole = node("If", ["x"], ["y"], { attributes: [attributeFrom("then_branch", body)] });
  expect(() => verifyModel(modelOf({ nodes: [whole] }))).toThrow(expect.objectContaining({ code: "MODEL_TOO_LARGE" }));
});

it("a long chain is no problem for the stack", () => {
  const g = graphBuilder();
  let value = g.input("x", "float32", [1]);
  for (let index = 0; index < 50_000; index++) value = g.op("Neg", [value]);
  g.output("y", value);
  const model = g.model();
  expect(problem(model)).toBe("none");
  const backwards = { ...model, graph: { ...model.graph, nodes: [...model.graph.nodes].reverse() } };
  expect(problem(backwards)).toMatch(/topological/);
});
