// What is said where a model can't be differentiated as asked, or a gradient is zero.
import { gradient, type Loss, prepareForGradient, withLoss } from "@slipway/core/autodiff";
import { graphBuilder, type Model } from "@slipway/core/graph";
import { expect, it } from "vitest";
import { answersOf, engineOn, tensorOf } from "./gradient-check.ts";

function model(): Model {
  const g = graphBuilder({ opset: 17 });
  const x = g.input("x", "float32", [2, 3]);
  const weights = g.values("float32", [1, 2, 3, 4, 5, 6], [3, 2], "weights");
  g.values("float32", [1], [1], "unused");
  const ids = g.input("ids", "int64", [1]);
  const product = g.op("MatMul", [x, weights], {}, { name: "product" });
  g.output("y", product, "float32", [2, 2]);
  g.output("loss", g.op("ReduceMean", [product], { keepdims: 0 }), "float32", []);
  g.output("picked", g.op("Gather", [product, ids], { axis: 0 }), "float32", [1, 2]);
  g.output("best", g.op("ArgMax", [product], { axis: 1 }), "int64", [2, 1]);
  g.output("decided", g.op("Det", [product], {}, { name: "determinant" }), "float32", []);
  return g.model();
}

const refused = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) as string });

it.each([
  ["a name there is not", { wrt: ["w"] }, "PARAMETER_INVALID", /no value 'w'.*'x', 'ids'.*'weights', 'unused'/],
  ["an integer input", { wrt: ["ids"] }, "PARAMETER_INVALID", /'ids' holds int64/],
  ["nothing", { wrt: [] }, "PARAMETER_INVALID", /Nothing is named/],
  ["a loss that is no scalar", { wrt: ["x"], of: "y" }, "PARAMETER_INVALID", /'y' has the shape \[2, 2\]/],
  ["a loss of integers", { wrt: ["x"], of: "best" }, "PARAMETER_INVALID", /'best' holds int64/],
  ["a loss there is not", { wrt: ["x"], of: "cost" }, "PARAMETER_INVALID", /no output 'cost'.*'y', 'loss'/],
  [
    "an operator without a rule",
    { wrt: ["weights"], of: "decided" },
    "GRADIENT_UNAVAILABLE",
    /Det node 'determinant' has no gradient rule/,
  ],
])("%s", (_says, options, code, message) => {
  expect(() => gradient(model(), options)).toThrow(refused(code, message));
});

it("names the way to a node without a rule", () => {
  const g = graphBuilder({ opset: 17 });
  const hidden = g.op("Det", [g.input("x", "float32", [2, 2])], {}, { name: "first" });
  const then = g.op("Exp", [hidden], {}, { name: "second" });
  g.output("y", g.op("Sin", [then], {}, { name: "third" }), "float32", []);
  const types = new Map([hidden, then].map((name) => [name, { kind: "tensor", dtype: "float32", shape: [] } as const]));
  expect(() => gradient(g.model(), { wrt: ["x"], of: "y", types })).toThrow(
    refused("GRADIENT_UNAVAILABLE", /through Sin node 'third', then Exp node 'second'\./),
  );
});

it("an operator set whose operators take their axes otherwise", () => {
  const g = graphBuilder({ opset: 11 });
  g.output("y", g.op("Exp", [g.input("x", "float32", [2])]));
  expect(() => gradient(g.model(), { wrt: ["x"] })).toThrow(refused("MODEL_UNSUPPORTED", /version 11 .*13 or later/));
});

it("a parameter that holds NaN", async () => {
  const g = graphBuilder();
  g.output("y", g.op("Mul", [g.input("x", "float32", [2]), g.values("float32", [1, Number.NaN], [2], "scale")]));
  await expect(prepareForGradient(g.model(), ["scale"], engineOn({}))).rejects.toEqual(
    refused("MODEL_INVALID", /'scale' holds NaN as its element 1 of 2/),
  );
});

it("a gradient that is zero is zero, and said to be", async () => {
  const made = gradient(model(), { wrt: ["unused", "weights"], of: "loss" });
  expect(made.detached).toEqual(["unused"]);
  const answers = await answersOf(made.model, {
    x: tensorOf("float32", [1, 2, 3, 4, 5, 6], [2, 3]),
    ids: tensorOf("int64", [0], [1]),
  });
  expect(Array.from(answers["grad_unused"]!.data as Float32Array)).toEqual([0]);
  expect(Array.from(answers["grad_weights"]!.data as Float32Array)).toEqual([1.25, 1.25, 1.75, 1.75, 2.25, 2.25]);
});

it.each<[string, Loss, RegExp]>([
  ["smoothing of all", { kind: "cross-entropy", labelSmoothing: 1 }, /smoothing is 1/],
  ["no delta", { kind: "huber", delta: 0 }, /delta is 0/],
  ["no temperature", { kind: "distillation", temperature: -1 }, /temperature is -1/],
])("a loss with %s", (_says, loss, message) => {
  expect(() => withLoss(model(), { loss })).toThrow(refused("PARAMETER_INVALID", message));
});

it("a loss on an output of integers, and on one there is not", () => {
  const loss: Loss = { kind: "mean-squared-error" };
  expect(() => withLoss(model(), { loss, output: "best" })).toThrow(refused("PARAMETER_INVALID", /'best' holds int64/));
  expect(() => withLoss(model(), { loss, output: "z" })).toThrow(refused("PARAMETER_INVALID", /no output 'z'/));
});
