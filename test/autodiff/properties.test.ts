// What holds of gradients whatever the model: that of a sum is the sum, that of a composition is the chain, and saying a model in
// other words before or after differentiating changes nothing beyond rounding, and gradients by sample add up to that of the batch.
import { gradient, prepareForGradient, sampleGradient, withLoss } from "@slipway/core/autodiff";
import { type GraphBuilder, graphBuilder, type Model, spliceGraph } from "@slipway/core/graph";
import { passesNamed, runPasses } from "@slipway/core/passes";
import { describe, expect, it } from "vitest";
import { exportedModel } from "../passes/sample-models.ts";
import { randomFrom } from "../support/random.ts";
import { answersOf, engineOn, type Feeds, tensorOf } from "./gradient-check.ts";
import { checkPassesAndGradients, PASSES_ANYWHERE } from "./passes-check.ts";

/** Makes a value of [2, 3] from others of that shape. */
type Layer = (g: GraphBuilder, values: readonly [string, string], weights: (...shape: number[]) => string) => string;

const LAYERS: readonly Layer[] = [
  ...["Tanh", "Sigmoid", "Softplus", "Exp", "Sin", "Relu"].map(
    (opType): Layer =>
      (g, [x], weights) =>
        g.op(opType, [g.op("MatMul", [x, weights(3, 3)])]),
  ),
  (g, [x, y]) => g.op("Mul", [x, y]),
  (g, [x, y]) => g.op("Sub", [x, y]),
  (g, [x, y]) => g.op("Softmax", [g.op("Add", [x, y])]),
  (g, [x], weights) => g.op("LayerNormalization", [g.op("Add", [x, weights(3)]), weights(3), weights(3)]),
  (g, [x], weights) => g.op("Gemm", [x, weights(3, 3), weights(3)], { transB: 1 }),
  (g, [x, y]) => {
    const joined = g.op("Concat", [x, y], { axis: 1 });
    return g.op("Slice", [joined, ...[1, 6, 1, 2].map((value) => g.values("int64", [value]))]);
  },
  (g, [x, y]) => {
    const scores = g.op("MatMul", [x, g.op("Transpose", [y])]);
    return g.op("MatMul", [g.op("Softmax", [scores]), y]);
  },
];

/** A random graph of layers from [2, 3] to [2, 3], each of which reads any two of the values before it. */
function layers(g: GraphBuilder, x: string, random: () => number): string {
  const values = [x];
  const below = (count: number): number => Math.floor(random() * count);
  const weights = (...shape: number[]): string => {
    const size = shape.reduce((product, length) => product * length, 1);
    return g.values(
      "float32",
      Array.from({ length: size }, () => random() - 0.5),
      shape,
    );
  };
  const count = 2 + below(5);
  for (let at = 0; at < count; at++) {
    // The last one is always read, so that the graph is as deep as it is long.
    values.push(LAYERS[below(LAYERS.length)]!(g, [values.at(-1)!, values[below(values.length)]!], weights));
  }
  return values.at(-1)!;
}

function modelOf(random: () => number, input = "x", output = "y"): Model {
  const g = graphBuilder({ opset: 17 });
  g.output(output, layers(g, g.input(input, "float32", [2, 3]), random), "float32", [2, 3]);
  return g.model();
}

async function gradientOf(model: Model, feeds: Feeds, wrt: string, of?: string): Promise<number[]> {
  const prepared = await prepareForGradient(model, [wrt], engineOn(feeds));
  const made = gradient(prepared.model, { wrt: [wrt], types: prepared.types, ...(of === undefined ? {} : { of }) });
  return Array.from((await answersOf(made.model, feeds))[`grad_${wrt}`]!.data as Float32Array);
}

const numbers = (random: () => number, size: number): number[] => Array.from({ length: size }, () => random() * 2 - 1);
const close = (values: readonly number[]) => values.map((value) => expect.closeTo(value, 4) as number);

describe.each([1, 2, 3, 4, 5, 6])("of random models (seed %d)", (seed) => {
  it("the gradient of a sum is the sum of the gradients", async () => {
    const random = randomFrom(seed * 101);
    const g = graphBuilder({ opset: 17 });
    const x = g.input("x", "float32", [2, 3]);
    const losses = [0, 1].map(() => g.op("ReduceSum", [layers(g, x, random)], { keepdims: 0 }));
    for (const [index, loss] of losses.entries()) g.output(`loss${index}`, loss, "float32", []);
    g.output("both", g.op("Add", losses), "float32", []);
    const feeds = { x: tensorOf("float32", numbers(random, 6), [2, 3]) };
    const [first, second, both] = await Promise.all(
      ["loss0", "loss1", "both"].map((loss) => gradientOf(g.model(), feeds, "x", loss)),
    );
    expect(both).toEqual(close(first!.map((value, at) => value + second![at]!)));
  });

  it("the gradient of a composition is the chain of the gradients", async () => {
    const random = randomFrom(seed * 211);
    const [inner, outer] = [modelOf(random), modelOf(random, "y", "z")];
    const spliced = spliceGraph(inner.graph, outer.graph, {
      inputs: new Map([["y", "y"]]),
      prefix: "outer/",
      place: "end",
    });
    const z = spliced.outputs.get("z")!;
    const [output] = outer.graph.outputs;
    const composed: Model = { ...inner, graph: { ...spliced.graph, outputs: [{ ...output!, name: z }] } };
    const x = tensorOf("float32", numbers(random, 6), [2, 3]);
    const upstream = tensorOf("float32", numbers(random, 6), [2, 3]);
    const { y } = await answersOf(inner, { x });
    const byMiddle = await gradientOf(outer, { y: y!, grad_z: upstream }, "y");
    const chained = await gradientOf(inner, { x, grad_y: tensorOf("float32", byMiddle, [2, 3]) }, "x");
    expect(await gradientOf(composed, { x, [`grad_${z}`]: upstream }, "x")).toEqual(close(chained));
  });

  it("a pass before differentiating, or after, changes nothing", async () => {
    const random = randomFrom(seed * 307);
    const model = modelOf(random);
    const feeds = {
      x: tensorOf("float32", numbers(random, 6), [2, 3]),
      grad_y: tensorOf("float32", numbers(random, 6), [2, 3]),
    };
    const answered = async (made: Model): Promise<number[]> =>
      Array.from((await answersOf(made, feeds))["grad_x"]!.data as Float32Array);
    const differentiated = async (one: Model): Promise<Model> => {
      const prepared = await prepareForGradient(one, ["x"], engineOn(feeds));
      return gradient(prepared.model, { wrt: ["x"], types: prepared.types }).model;
    };
    const plain = await differentiated(model);
    const expected = close(await answered(plain));
    for (const name of PASSES_ANYWHERE) {
      const run = async (one: Model): Promise<Model> =>
        (await runPasses(one, passesNamed([name]), engineOn(feeds))).model;
      expect([name, ...(await answered(await differentiated(await run(model))))]).toEqual([name, ...expected]);
      expect([name, ...(await answered(await run(plain)))]).toEqual([name, ...expected]);
    }
  });

  it("gradients by sample add up to that of the batch", async () => {
    const random = randomFrom(seed * 401);
    const g = graphBuilder({ opset: 17 });
    const wrt: string[] = [];
    let value = g.input("x", "float32", ["N", 4, 3]);
    const weights = (...shape: number[]): string => {
      wrt.push(`weights${wrt.length}`);
      return g.values(
        "float32",
        numbers(
          random,
          shape.reduce((product, one) => product * one, 1),
        ),
        shape,
        wrt.at(-1),
      );
    };
    for (let at = 0; at < 3; at++) {
      const layer = Math.floor(random() * 4);
      if (layer === 0) value = g.op("LayerNormalization", [value, weights(3), weights(3)]);
      if (layer === 1) value = g.op("Tanh", [g.op("Mul", [value, weights(4, 1)])]);
      if (layer === 2) value = g.op("Sin", [g.op("MatMul", [value, weights(3, 3)])]);
      if (layer === 3) {
        const flat = g.op("Reshape", [value, g.values("int64", [-1, 3])]);
        value = g.op("Reshape", [g.op("Gemm", [flat, weights(3, 3), weights(3)]), g.values("int64", [-1, 4, 3])]);
      }
    }
    g.output("y", value, "float32", ["N", 4, 3]);
    const judged = withLoss(g.model(), { loss: { kind: "mean-squared-error" }, isPerSample: true });
    const shape = [3, 4, 3];
    const feeds = {
      x: tensorOf("float32", numbers(random, 36), shape),
      [judged.target]: tensorOf("float32", numbers(random, 36), shape),
    };
    const { model, types } = await prepareForGradient(judged.model, wrt, engineOn(feeds));
    const { outputs } = model.graph;
    const losses = { ...model, graph: { ...model.graph, outputs: outputs.filter(({ name }) => name === judged.loss) } };
    const together = gradient(losses, { wrt, types });
    const apart = sampleGradient(model, { wrt, of: judged.loss, form: "gradients", types });
    const ones = { [`grad_${judged.loss}`]: tensorOf("float32", [1, 1, 1], [3]) };
    const [sum, rows] = [await answersOf(together.model, { ...feeds, ...ones }), await answersOf(apart.model, feeds)];
    for (const name of wrt) {
      const whole = Array.from(sum[`grad_${name}`]!.data as Float32Array);
      const parts = Array.from(rows[`grad_${name}`]!.data as Float32Array);
      const added = whole.map((_, at) =>
        parts.reduce((total, one, place) => (place % whole.length === at ? total + one : total), 0),
      );
      expect(added, name).toEqual(close(whole));
    }
  });
});

describe("of whole models", () => {
  it.each(["lenet-legacy", "gpt-dynamo"])("%s: passes before or after change nothing", async (name) => {
    await checkPassesAndGradients(exportedModel(name));
  });
});
