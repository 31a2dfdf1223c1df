// What holds of gradients whatever the model: that of a sum is the sum, that of a composition is the chain, and saying a model in
// other words before or after differentiating changes nothing beyond rounding.
import { gradient, prepareForGradient } from "@slipway/core/autodiff";
import { type GraphBuilder, graphBuilder, type Model, spliceGraph } from "@slipway/core/graph";
import { constantsToInitializers, upgradeOpset } from "@slipway/core/passes";
import { describe, expect, it } from "vitest";
import { randomFrom } from "../support/random.ts";
import { answersOf, engineOn, type Feeds, tensorOf } from "./gradient-check.ts";

const OPERATORS = ["Tanh", "Sigmoid", "Softplus", "Exp", "Sin", "Relu"];

/** A chain of random layers from [2, 3] to [2, 3]. */
function layers(g: GraphBuilder, x: string, random: () => number): string {
  let value = x;
  const count = 1 + Math.floor(random() * 3);
  for (let at = 0; at < count; at++) {
    const weights = g.values(
      "float32",
      Array.from({ length: 9 }, () => random() - 0.5),
      [3, 3],
    );
    value = g.op(OPERATORS[Math.floor(random() * OPERATORS.length)]!, [g.op("MatMul", [value, weights])]);
    if (random() < 0.5) value = g.op("Mul", [value, x]);
  }
  return value;
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
    const prepared = await prepareForGradient(model, ["x"], engineOn(feeds));
    const options = { wrt: ["x"], types: prepared.types };
    const pass = (one: Model): Model => constantsToInitializers(upgradeOpset(one, 21));
    const [plain, after, before] = await Promise.all(
      [gradient(model, options).model, pass(gradient(model, options).model), gradient(pass(model), options).model].map(
        async (made) => Array.from((await answersOf(made, feeds))["grad_x"]!.data as Float32Array),
      ),
    );
    expect(after).toEqual(close(plain!));
    expect(before).toEqual(close(plain!));
  });
});
