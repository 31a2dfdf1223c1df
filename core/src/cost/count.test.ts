import { graphBuilder } from "#graph";
import type { DType } from "#tensor";
import { describe, expect, test } from "vitest";
import { countGraph } from "./count.ts";
import { countNode } from "./count.testing.ts";
import goldens from "./goldens.json" with { type: "json" };
import { bertBase, mobileNetV2, type Network, resNet18, resNet50, vitB16 } from "./networks.testing.ts";
import { countParameters } from "./parameters.ts";
import { bodyScope, type ValueShape } from "./shapes.ts";

const NETWORKS: Readonly<Record<string, () => Network>> = { resNet18, resNet50, mobileNetV2, bertBase, vitB16 };

describe("published networks", () => {
  test.each(Object.entries(goldens.networks))("%s has the counts others find", (name, golden) => {
    const { model, shapes } = NETWORKS[name]!();
    const cost = countGraph(model.graph, shapes);
    expect(cost.isComplete).toBe(true);
    expect(cost.unknownOperators).toEqual([]);
    // What PyTorch's own counter and fvcore find in the published implementation, to the unit.
    expect(2 * cost.macs).toBe(golden.torchFlops);
    if (golden.fvcoreProducts !== null) expect(cost.macs).toBe(golden.fvcoreProducts);
    if (golden.publishedGMacs !== null)
      expect(Math.abs(cost.macs / 1e9 / golden.publishedGMacs - 1)).toBeLessThan(0.002);
    const floats = countParameters(model).byDType.find(({ dtype }) => dtype === "float32")!.count;
    // Besides parameters there are running means and variances, and the scalars of Clip, Div and Gelu.
    const scalars = model.graph.initializers.filter(({ dtype, shape }) => dtype === "float32" && shape.length === 0);
    expect(floats - scalars.length).toBe(golden.parameters + golden.buffers);
  });

  test.each(Object.entries(goldens.onnxTool))("%s: onnx-tool finds the same by operator", (name, byOperator) => {
    const { model, shapes } = NETWORKS[name]!();
    const own = new Map(countGraph(model.graph, shapes).operators.map((one) => [one.operator, one]));
    for (const [operator, golden] of Object.entries(byOperator)) {
      const { nodes, macs, flops } = own.get(operator)!;
      // It adds the additions of a bias to the multiply-accumulates, and counts elementwise operators as we do.
      expect([nodes, macs + (flops - 2 * macs)], operator).toEqual([golden.nodes, golden.operations]);
    }
  });
});

describe("what can't be counted", () => {
  test("an unknown operator is named, with its nodes", () => {
    const { cost } = countNode("Foo", [[2]], [[2]], {}, "example.com");
    expect(cost.unknownOperators).toEqual([{ operator: "example.com.Foo", nodes: 1 }]);
    expect(cost.nodes[0]).toMatchObject({
      macs: null,
      flops: null,
      uncounted: "There is no rule for the operator example.com.Foo.",
    });
    expect(cost.isComplete).toBe(false);
  });

  test("an unknown shape is named, and does not stop the rest", () => {
    const graph = graphBuilder();
    const x = graph.input("x", "float32", ["N", 2]);
    const kept = graph.op("NonZero", [x]);
    graph.output("y", graph.op("Relu", [kept]), "int64");
    graph.output("z", graph.op("Relu", [x]), "float32");
    const cost = countGraph(
      graph.graph(),
      new Map([
        ["x", { dtype: "float32", dims: [3, 2] }],
        ["z", { dtype: "float32", dims: [3, 2] }],
      ]),
    );
    expect(cost.nodes.map(({ flops }) => flops)).toEqual([6, null, 6]);
    expect(cost.nodes[1]!.uncounted).toContain("the shape of its output 0, 'y', is unknown");
    expect(cost.isComplete).toBe(false);
    expect(cost.flops).toBe(12);
  });

  test("shapes that do not fit the operator are said, and make no number", () => {
    const { cost } = countNode(
      "LSTM",
      [
        [6, 2, 5],
        [1, 16, 5],
        [1, 16],
      ],
      [[6, 1, 2, 4]],
    );
    expect(cost.macs).toBe(0);
    const wrong = countNode(
      "Attention",
      [
        [2, 6],
        [2, 6],
        [2, 6],
      ],
      [[2, 6]],
      { q_num_heads: 1, kv_num_heads: 1 },
    );
    expect(wrong.cost.nodes[0]!.uncounted).toContain("do not fit its operator");
  });
});

describe("control flow", () => {
  const shape = (dtype: DType, ...dims: number[]): ValueShape => ({ dtype, dims });

  test("of an If the branch with more work counts; one name may be two values", () => {
    const graph = graphBuilder();
    const condition = graph.input("condition", "bool", []);
    const x = graph.input("x", "float32", [4, 4]);
    const branch = (name: string, operator: string) =>
      graph.subgraph(name, (body) => body.output(`${name}_y`, body.op(operator, [x, x]), "float32"));
    graph.output(
      "y",
      graph.op("If", [condition], { then_branch: branch("then", "MatMul"), else_branch: branch("else", "Add") }),
      "float32",
    );
    const built = graph.graph();
    const node = built.nodes[0]!;
    const shapes = new Map([
      ["condition", shape("bool")],
      ["x", shape("float32", 4, 4)],
      ["y", shape("float32", 4, 4)],
      [`${bodyScope("", node, 0)}then_y`, shape("float32", 4, 4)],
      [`${bodyScope("", node, 1)}else_y`, shape("float32", 4, 4)],
    ]);
    const cost = countGraph(built, shapes);
    expect([cost.macs, cost.flops, cost.isComplete]).toEqual([64, 128, true]);
    expect(cost.nodes.map(({ operator, times }) => [operator, times])).toEqual([
      ["If", 1],
      ["MatMul", 1],
      ["Add", 0],
    ]);
    expect(cost.nodes[1]!.place).toBe(
      "the MatMul node that makes 'then_y', in then_branch of the If node that makes 'y'",
    );
  });

  function loop(trips: number | null, condition: "kept" | "changed") {
    const graph = graphBuilder();
    const x = graph.input("x", "float32", [4, 4]);
    const count = trips === null ? graph.input("trips", "int64", []) : graph.values("int64", [trips], []);
    const body = graph.subgraph("body", (inner) => {
      inner.input("turn", "int64", []);
      const going = inner.input("going", "bool", []);
      const carried = inner.input("carried", "float32", [4, 4]);
      const still = condition === "kept" ? inner.op("Identity", [going]) : inner.op("Not", [going]);
      inner.output("still", still, "bool");
      inner.output("next", inner.op("MatMul", [carried, x]), "float32");
    });
    graph.output("y", graph.op("Loop", [count, graph.values("bool", [true], []), x], { body }), "float32");
    const built = graph.graph();
    const scope = bodyScope("", built.nodes[0]!, 0);
    const shapes = new Map([
      ["x", shape("float32", 4, 4)],
      [`${scope}carried`, shape("float32", 4, 4)],
      [`${scope}next`, shape("float32", 4, 4)],
      [`${scope}still`, shape("bool")],
    ]);
    return countGraph(built, shapes);
  }

  test("a Loop with a stored trip count counts as often", () => {
    const cost = loop(5, "kept");
    expect([cost.macs, cost.iterations.length, cost.isComplete]).toEqual([5 * 64, 0, true]);
  });

  test.each([
    ["trips that are an input", null, "kept"],
    ["a condition that changes", 5, "changed"],
  ] as const)("with %s one iteration counts, and the loop is named", (_, trips, condition) => {
    const cost = loop(trips, condition);
    expect([cost.macs, cost.isComplete]).toEqual([64, false]);
    expect(cost.iterations).toEqual([
      { place: "the Loop node that makes 'y'", macs: 64, flops: 128 + (condition === "changed" ? 1 : 0) },
    ]);
    expect(cost.nodes.map(({ isPerIteration }) => isPerIteration)).toEqual([false, true, true]);
  });

  test("a Scan counts as often as its input is long", () => {
    const graph = graphBuilder();
    const x = graph.input("x", "float32", [7, 4]);
    const state = graph.input("state", "float32", [4]);
    const body = graph.subgraph("body", (inner) => {
      const before = inner.input("before", "float32", [4]);
      const row = inner.input("row", "float32", [4]);
      const sum = inner.op("Add", [before, row]);
      inner.output("after", sum, "float32");
      inner.output("each", inner.op("Identity", [sum]), "float32");
    });
    const [last, all] = graph.opOutputs("Scan", [state, x], 2, { body, num_scan_inputs: 1 });
    graph.output("last", last!, "float32");
    graph.output("all", all!, "float32");
    const built = graph.graph();
    const scope = bodyScope("", built.nodes[0]!, 0);
    const cost = countGraph(
      built,
      new Map([
        ["x", shape("float32", 7, 4)],
        [`${scope}after`, shape("float32", 4)],
        [`${scope}each`, shape("float32", 4)],
      ]),
    );
    expect([cost.flops, cost.isComplete]).toEqual([28, true]);
  });
});

test("arithmetic intensity is operations for each byte read or written", () => {
  const { cost } = countNode(
    "MatMul",
    [
      [8, 16],
      [16, 4],
    ],
    [[8, 4]],
  );
  expect(cost.nodes[0]).toMatchObject({
    readBytes: 4 * (128 + 64),
    writtenBytes: 128,
    flopsPerByte: (2 * 512) / (768 + 128),
  });
});
