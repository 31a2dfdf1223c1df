import { graphBuilder } from "#graph";
import { expect, test } from "vitest";
import { countGraph } from "./count.ts";
import { resNet18 } from "./networks.testing.ts";
import { describeCost } from "./summary.ts";

test("says how much a run takes, and which operators take it", () => {
  const { model, shapes } = resNet18();
  const [first, second, third, ...others] = describeCost(countGraph(model.graph, shapes));
  expect(first).toBe(
    "One run takes 1.81 G multiply-accumulates and 3.64 G floating-point operations in all (two for each multiply-accumulate).",
  );
  // The first convolution has 118 of 1814 million; all 3×3 ones of a stage have 116 million.
  expect(second).toMatch(
    /^20 Conv nodes take 100 % of the multiply-accumulates: most of all the Conv node that makes 'conv_out' \(6\.5 %\), /,
  );
  expect(third).toMatch(/^Run node by node, it moves \d+(\.\d+)? M bytes: \d+(\.\d+)? operations for each\.$/);
  expect(others).toEqual([]);
});

test("says what is not counted", () => {
  const graph = graphBuilder({ opset: 17, opsets: { other: 1 } });
  const x = graph.input("x", "float32", ["N", 2]);
  graph.output("y", graph.op("Foo", [graph.op("Relu", [x])], {}, { domain: "other" }), "float32");
  const cost = countGraph(graph.graph(), new Map([["x", { dtype: "float32" as const, dims: [3, 2] }]]));
  expect(describeCost(cost).slice(1)).toEqual([
    "Not counted, because there is no rule for them: other.Foo.",
    "1 node is not counted, because shapes do not tell what they take. The Relu node that makes 'relu_out' can't be counted: the shape of its output 0, 'relu_out', is unknown.",
  ]);
});

test("without products, operations are what is shared out", () => {
  const graph = graphBuilder();
  const x = graph.input("x", "float32", [10]);
  graph.output("y", graph.op("Add", [graph.op("Exp", [x], {}, { outputs: ["e"] }), x]), "float32");
  const shapes = new Map(["x", "e", "y"].map((name) => [name, { dtype: "float32" as const, dims: [10] }]));
  expect(describeCost(countGraph(graph.graph(), shapes)).slice(1, 3)).toEqual([
    "1 Exp node takes 97 % of the floating-point operations.",
    "1 Add node takes 3.0 % of the floating-point operations.",
  ]);
});
