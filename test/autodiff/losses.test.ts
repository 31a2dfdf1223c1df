// Losses and their gradients by what a model answers, against PyTorch's (tools/goldens/losses.py).
import { readFileSync } from "node:fs";
import path from "node:path";
import { gradient, type Loss, prepareForGradient, withLoss } from "@slipway/core/autodiff";
import { graphBuilder } from "@slipway/core/graph";
import { expect, it } from "vitest";
import { answersOf, engineOn, tensorOf } from "./gradient-check.ts";

interface Case {
  readonly loss: Loss;
  readonly axis: number;
  readonly shape: number[];
  readonly output: number[];
  readonly target: { readonly shape: number[]; readonly dtype: string; readonly values: number[] };
  readonly value: number;
  readonly gradient: number[];
}

const goldens = path.resolve(import.meta.dirname, "../goldens/losses.json");
const { cases } = JSON.parse(readFileSync(goldens, "utf8")) as { readonly cases: readonly Case[] };

it.each(cases.map((one) => [`${JSON.stringify(one.loss)} of [${one.shape.join()}]`, one] as const))(
  "%s",
  async (_says, one) => {
    const g = graphBuilder({ opset: 17 });
    // With the batch open, as models have it.
    g.output("y", g.op("Identity", [g.input("x", "float32", ["N", ...one.shape.slice(1)])]), "float32", [
      "N",
      ...one.shape.slice(1),
    ]);
    const { model, loss, target } = withLoss(g.model(), { loss: one.loss, axis: one.axis });
    const labels = tensorOf(one.target.dtype === "int64" ? "int64" : "float32", one.target.values, one.target.shape);
    const feeds = { x: tensorOf("float32", one.output, one.shape), [target]: labels };
    const prepared = await prepareForGradient(model, ["x"], engineOn(feeds));
    const made = gradient(prepared.model, { wrt: ["x"], of: loss, types: prepared.types });
    const answers = await answersOf(made.model, feeds);
    expect(Number(answers[loss]!.data[0])).toBeCloseTo(one.value, 5);
    const found = Array.from(answers["grad_x"]!.data as Float32Array);
    expect(found).toEqual(one.gradient.map((value) => expect.closeTo(value, 5) as number));
  },
);
