// What is said where a model can't be differentiated as asked, or a gradient is zero.
import {
  gradient,
  inGradientWords,
  type Loss,
  type ModelLoss,
  parametersOf,
  prepareForGradient,
  withLoss,
} from "@slipway/core/autodiff";
import { type GraphBuilder, graphBuilder, type Model } from "@slipway/core/graph";
import { externalizeWeights } from "@slipway/core/onnx";
import { inferTypes } from "@slipway/core/passes";
import type { Dimension, DType } from "@slipway/core/tensor";
import { describe, expect, it } from "vitest";
import { createPassEngine } from "../../server/src/lab/passes/index.ts";
import { createOnnxRuntimeBackend } from "../../server/src/runtime/index.ts";
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
  ["a name with a mistake", { wrt: ["wieghts"] }, "PARAMETER_INVALID", /Did you mean 'weights'\?/],
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

it.each([
  ["", "constructor"],
  ["constructor", "name"],
])("a node whose operator is called as what objects have: '%s', '%s'", (domain, opType) => {
  const g = graphBuilder({ opset: 12 });
  g.output("y", g.op(opType, [g.input("x", "float32", [])], {}, { domain, name: "odd" }), "float32", []);
  const opsets = new Map([...g.model().opsets, [domain, 12]]);
  const made = inGradientWords({ ...g.model(), opsets });
  expect(() => gradient(made, { wrt: ["x"], of: "y" })).toThrow(
    refused("GRADIENT_UNAVAILABLE", /node 'odd' has no gradient rule/),
  );
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

it("names what makes a value of which too little is known", () => {
  const g = graphBuilder({ opset: 17 });
  const hidden = g.op("Det", [g.input("x", "float32", [1, 2, 2])], {}, { name: "stops" });
  g.output("y", g.op("ReduceSum", [hidden], { keepdims: 0 }, { name: "sums" }), "float32", []);
  expect(() => gradient(g.model(), { wrt: ["x"], of: "y" })).toThrow(
    refused(
      "GRADIENT_UNAVAILABLE",
      /'sums' reads 'stops_out' that Det node 'stops' makes, of which not even the number/,
    ),
  );
});

it("names the way that derivatives took, which is not through shapes", () => {
  const g = graphBuilder({ opset: 17 });
  const hidden = g.op("Det", [g.input("x", "float32", [1, 2, 2])], {}, { name: "first" });
  const shape = g.op("Shape", [hidden], {}, { name: "shape" });
  const then = g.op("Exp", [g.op("Sin", [hidden], {}, { name: "second" })], {}, { name: "third" });
  g.output("y", g.op("Reshape", [then, shape], {}, { name: "last" }), "float32", [1]);
  expect(() => gradient(g.model(), { wrt: ["x"], of: "y", types: inferTypes(g.model()) })).toThrow(
    refused("GRADIENT_UNAVAILABLE", /through Reshape node 'last', then Exp node 'third', then Sin node 'second'\./),
  );
});

it("takes a name with a number where the model has that of a gradient already", async () => {
  const g = graphBuilder({ opset: 17 });
  const x = g.input("grad_loss", "float32", [2]);
  g.output("loss", g.op("ReduceSum", [g.op("Mul", [x, x])], { keepdims: 0 }), "float32", []);
  g.output("grad_grad_loss", g.op("Neg", [x]), "float32", [2]);
  const types = inferTypes(g.model());
  const made = gradient(g.model(), { wrt: ["grad_loss"], of: "loss", types });
  expect(Array.from(made.gradients)).toEqual([["grad_loss", "grad_grad_loss_1"]]);
  const sent = gradient(g.model(), { wrt: ["grad_loss"], types });
  expect(Array.from(sent.upstream)).toEqual([
    ["loss", "grad_loss_1"],
    ["grad_grad_loss", "grad_grad_grad_loss"],
  ]);
  const answers = await answersOf(made.model, { grad_loss: tensorOf("float32", [3, 4], [2]) });
  expect(Array.from(answers["grad_grad_loss_1"]!.data as Float32Array)).toEqual([6, 8]);
});

it("an operator set whose operators take their axes otherwise", () => {
  const g = graphBuilder({ opset: 11 });
  g.output("y", g.op("Exp", [g.input("x", "float32", [2])]));
  expect(() => gradient(g.model(), { wrt: ["x"] })).toThrow(refused("MODEL_UNSUPPORTED", /version 11 .*13 or later/));
});

it("what says how far to resize is no parameter", () => {
  const g = graphBuilder();
  const x = g.op("Mul", [g.input("x", "float32", [1, 1, 2, 2]), g.values("float32", [2, 3], [2], "weights")]);
  const scales = g.op("Concat", [g.values("float32", [1, 1]), g.values("float32", [2, 2])], { axis: 0 });
  g.output("y", g.op("Resize", [x, "", scales]));
  expect(parametersOf(g.model())).toEqual(["weights"]);
});

it("single numbers, running statistics and what is not computed with are no parameters", () => {
  const g = graphBuilder({ opset: 17 });
  const x = g.input("x", "float32", ["N", 1]);
  const inputs = ["scale", "shift", "mean", "variance"].map((name) => g.values("float32", [1], [1], name));
  g.values("float32", [1], [1], "unread");
  const scaled = g.op("Mul", [x, g.values("float32", [2], [], "half")]);
  g.output("y", g.op("BatchNormalization", [scaled, ...inputs]), "float32", ["N", 1]);
  expect(parametersOf(g.model())).toEqual(["scale", "shift"]);
});

it("a model of single numbers has no parameters, and is told which they are", () => {
  const g = graphBuilder({ opset: 17 });
  g.output("y", g.op("Mul", [g.input("x", "float32", [2]), g.values("float32", [2], [], "scale")]));
  expect(() => parametersOf(g.model())).toThrow(
    refused("PARAMETER_INVALID", /of its tensors 'scale', single numbers count as constants/),
  );
  const none = graphBuilder({ opset: 17 });
  none.output("y", none.op("Neg", [none.input("x", "float32", [2])]));
  expect(() => parametersOf(none.model())).toThrow(refused("PARAMETER_INVALID", /stores no floating-point tensors/));
});

it("a graph without nodes has the gradients there are", async () => {
  const g = graphBuilder({ opset: 17 });
  g.output("x", g.input("x", "float32", [2]), "float32", [2]);
  const prepared = await prepareForGradient(g.model(), ["x"], engineOn({}));
  const made = gradient(prepared.model, { wrt: ["x"], types: prepared.types });
  const answers = await answersOf(made.model, {
    x: tensorOf("float32", [1, 2], [2]),
    grad_x: tensorOf("float32", [3, 4], [2]),
  });
  expect(Array.from(answers[made.gradients.get("x")!]!.data as Float32Array)).toEqual([3, 4]);
});

it("a recurrent node that nothing is differentiated through may have open lengths", async () => {
  const g = graphBuilder({ opset: 17 });
  const weights = [
    g.values("float32", Array(12).fill(0.1), [1, 3, 4], "W"),
    g.values("float32", Array(9).fill(0.1), [1, 3, 3], "R"),
  ];
  const [hidden] = g.opOutputs("RNN", [g.input("x", "float32", ["T", "N", 4]), ...weights], 1, { hidden_size: 3 });
  g.output("y", g.op("Mul", [hidden!, g.values("float32", [1, 2, 3], [3], "head")]), "float32", ["T", 1, "N", 3]);
  const prepared = await prepareForGradient(g.model(), ["head"], engineOn({}));
  expect(gradient(prepared.model, { wrt: ["head"], types: prepared.types }).detached).toEqual([]);
  await expect(prepareForGradient(g.model(), ["head", "W"], engineOn({}))).rejects.toEqual(
    refused("MODEL_UNSUPPORTED", /length is open, so it is not unrolled\. Give the model a fixed one/),
  );
});

it("a parameter that holds NaN", async () => {
  const g = graphBuilder();
  g.output("y", g.op("Mul", [g.input("x", "float32", [2]), g.values("float32", [1, Number.NaN], [2], "scale")]));
  await expect(prepareForGradient(g.model(), ["scale"], engineOn({}))).rejects.toEqual(
    refused("MODEL_INVALID", /'scale' holds NaN as its element 1 of 2/),
  );
});

it.each<[string, DType, number[], RegExp]>([
  ["in half precision", "float16", [1, Number.NaN], /'scale' holds NaN as its element 1 of 2/],
  ["in bfloat16", "bfloat16", [Number.NEGATIVE_INFINITY, 1], /'scale' holds -Infinity as its element 0 of 2/],
])("a parameter that is no number, %s", async (_says, dtype, values, message) => {
  const g = graphBuilder();
  g.output("y", g.op("Mul", [g.input("x", dtype, [2]), g.values(dtype, values, [2], "scale")]));
  await expect(prepareForGradient(g.model(), ["scale"], engineOn({}))).rejects.toEqual(
    refused("MODEL_INVALID", message),
  );
});

it("a stored tensor that holds NaN, also where it is differentiated by another value", async () => {
  const g = graphBuilder();
  g.output("y", g.op("Mul", [g.input("x", "float32", [2]), g.values("float32", [1, Number.NaN], [2], "scale")]));
  await expect(prepareForGradient(g.model(), ["x"], engineOn({}))).rejects.toEqual(
    refused("MODEL_INVALID", /'scale' holds NaN as its element 1 of 2/),
  );
});

it("a parameter in another file that is no number", async () => {
  const g = graphBuilder();
  g.output("y", g.op("Mul", [g.input("x", "float32", [2]), g.values("float32", [1, Number.NaN], [2], "scale")]));
  const { model: outside, ...weights } = externalizeWeights(g.model(), { location: "weights.bin", minimumBytes: 1 });
  const engine = createPassEngine({
    backend: createOnnxRuntimeBackend(),
    externalData: new Map([["weights.bin", Buffer.concat([...weights.chunks()])]]),
    inputs: null,
  });
  await expect(prepareForGradient(outside, ["scale"], engine)).rejects.toEqual(
    refused("MODEL_INVALID", /'scale' holds NaN or an infinity/),
  );
  await expect(prepareForGradient(outside, ["x"], engine)).rejects.toEqual(
    refused("MODEL_INVALID", /'scale' holds NaN, so/),
  );
});

it("a mask of 0 and −∞ is no parameter, and stands in nobody's way", async () => {
  const g = graphBuilder({ opset: 17 });
  const x = g.input("x", "float32", [1, 2]);
  const scores = g.op("MatMul", [x, g.values("float32", [1, 2, 3, 4], [2, 2], "weights")]);
  const masked = g.op("Add", [scores, g.values("float32", [0, Number.NEGATIVE_INFINITY], [1, 2], "mask")]);
  g.output("y", g.op("Softmax", [masked]), "float32", [1, 2]);
  expect(parametersOf(g.model())).toEqual(["weights"]);
  const prepared = await prepareForGradient(g.model(), ["weights"], engineOn({}));
  expect(gradient(prepared.model, { wrt: ["weights"], types: prepared.types }).detached).toEqual([]);
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
  ["another name", { kind: "mse" } as unknown as Loss, /no loss 'mse'; there are cross-entropy/],
  ["half a label", { kind: "cross-entropy", ignoreIndex: 0.5 }, /label to ignore is 0\.5/],
])("a loss with %s", (_says, loss, message) => {
  expect(() => withLoss(model(), { loss })).toThrow(refused("PARAMETER_INVALID", message));
});

it.each<Loss["kind"]>(["cross-entropy", "soft-cross-entropy", "distillation", "cosine"])(
  "an axis there is not, of %s",
  (kind) => {
    expect(() => withLoss(model(), { loss: { kind }, axis: 2 })).toThrow(
      refused("PARAMETER_INVALID", /'y' has 2 axes, counted from 0, and none numbered 2 for the classes/),
    );
  },
);

it("a loss on an output of integers, and on one there is not", () => {
  const loss: Loss = { kind: "mean-squared-error" };
  expect(() => withLoss(model(), { loss, output: "best" })).toThrow(refused("PARAMETER_INVALID", /'best' holds int64/));
  expect(() => withLoss(model(), { loss, output: "z" })).toThrow(refused("PARAMETER_INVALID", /no output 'z'/));
});

describe("a loss that is a model", () => {
  /** From inputs of these names and shapes to a mean of the first times the second. */
  const lossOf = (inputs: Readonly<Record<string, readonly Dimension[]>>, dtype: DType = "float32"): ModelLoss => {
    const g = graphBuilder({ opset: 17 });
    const names = Object.entries(inputs).map(([name, shape]) => g.input(name, dtype, shape));
    const product = names.length === 1 ? names[0]! : g.op("Mul", [names[0]!, names[1]!]);
    g.output("l", g.op("ReduceMean", [product], { keepdims: 0 }), dtype, []);
    return { kind: "model", model: g.model() };
  };
  const shape = ["N", 2];
  const outputs = (build: (g: GraphBuilder, product: string) => void): ModelLoss => {
    const g = graphBuilder({ opset: 17 });
    build(g, g.op("Mul", [g.input("prediction", "float32", shape), g.input("target", "float32", shape)]));
    return { kind: "model", model: g.model() };
  };

  it.each<[string, ModelLoss, RegExp]>([
    ["of one input", lossOf({ p: shape }), /takes the prediction and the target.*; it has 'p'/],
    ["of three inputs", lossOf({ a: shape, b: shape, c: shape }), /it has 'a', 'b', 'c'/],
    ["of other shapes", lossOf({ a: ["N", 3], b: ["N", 3] }), /takes 'a' of the shape \[N, 3\], and 'y' has \[2, 2\]/],
    ["of other numbers", lossOf({ a: shape, b: shape }, "float64"), /takes float64 as 'a', and 'y' holds float32/],
    ["that needs weights", lossOf({ a: shape, b: shape, sample_weights: ["N"] }), /needs 'sample_weights'/],
    [
      "that is no number",
      outputs((g, product) => g.output("l", product, "float32", shape)),
      /'l' has the shape \[N, 2\]/,
    ],
    [
      "that is two numbers",
      outputs((g, product) => {
        for (const name of ["l", "m"]) g.output(name, g.op("ReduceMax", [product], { keepdims: 0 }), "float32", []);
      }),
      /one output, one number; it has 'l', 'm'/,
    ],
  ])("%s is refused", (_says, loss, message) => {
    expect(() => withLoss(model(), { loss })).toThrow(refused("PARAMETER_INVALID", message));
  });

  it("that takes no weights can't be told any, nor tell samples apart", () => {
    const loss = lossOf({ a: shape, b: shape });
    expect(() => withLoss(model(), { loss, hasSampleWeights: true })).toThrow(
      refused("PARAMETER_INVALID", /no input 'sample_weights'/),
    );
    expect(() => withLoss(model(), { loss, isPerSample: true })).toThrow(
      refused("PARAMETER_INVALID", /one number for the batch/),
    );
  });

  it("and turns out to be many numbers is refused when it is differentiated", async () => {
    const loss = outputs((g, product) => g.output("l", product, "float32"));
    const judged = withLoss(model(), { loss });
    const types = await engineOn({}).typesOf(judged.model);
    expect(() => gradient(judged.model, { wrt: ["weights"], of: judged.loss, types })).toThrow(
      refused("PARAMETER_INVALID", /'loss_1' has the shape \[2, 2\]; a loss is one/),
    );
  });
});
