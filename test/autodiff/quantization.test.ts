// Gradients through quantisation: the straight-through estimator, whose scale learns as by Esser et al., arXiv 1902.08153.
import { gradient, prepareForGradient } from "@slipway/core/autodiff";
import { graphBuilder } from "@slipway/core/graph";
import { expect, it } from "vitest";
import { answersOf, engineOn, tensorOf } from "./gradient-check.ts";

interface Setting {
  readonly scales: readonly number[];
  readonly zeroPoints: readonly number[];
}

/** What the formulas give, written out: in range G, and (q − z) − x/s; outside 0, and q − z. */
function expected(x: readonly number[], g: readonly number[], { scales, zeroPoints }: Setting) {
  const perRow = x.length / scales.length;
  const byScale = scales.map(() => 0);
  const byInput = x.map((value, at) => {
    const row = Math.floor(at / perRow);
    const [scale, zero] = [scales[row]!, zeroPoints[row]!];
    const isInside = value / scale + zero >= -128 && value / scale + zero <= 127;
    const quantized = Math.min(Math.max(roundHalfEven(value / scale) + zero, -128), 127) - zero;
    byScale[row]! += g[at]! * (isInside ? quantized - value / scale : quantized);
    return isInside ? g[at]! : 0;
  });
  return { byInput, byScale };
}

function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

it.each([
  ["one scale", { scales: [0.1], zeroPoints: [3] }],
  ["a scale for each row", { scales: [0.1, 0.02], zeroPoints: [0, -5] }],
])("%s", async (_says, setting: Setting) => {
  const x = [0.31, -0.87, 25, -14.2, 0.5, 0.04, 2.6, -9];
  const g = [1, -2, 0.5, 3, 0.25, -1, 2, 1];
  const b = graphBuilder({ opset: 19 });
  const isScalar = setting.scales.length === 1;
  const scale = b.input("scale", "float32", isScalar ? [] : [2]);
  const zero = b.values("int8", setting.zeroPoints, isScalar ? [] : [2]);
  const quantized = b.op("QuantizeLinear", [b.input("x", "float32", [2, 4]), scale, zero], { axis: 0 });
  b.output("y", b.op("DequantizeLinear", [quantized, scale, zero], { axis: 0 }));
  const model = b.model();
  const feeds = { x: tensorOf("float32", x, [2, 4]), scale: tensorOf("float32", setting.scales, isScalar ? [] : [2]) };
  const prepared = await prepareForGradient(model, ["x", "scale"], engineOn(feeds));
  const made = gradient(prepared.model, { wrt: ["x", "scale"], types: prepared.types });
  const found = await answersOf(made.model, { ...feeds, grad_y: tensorOf("float32", g, [2, 4]) });
  const { byInput, byScale } = expected(x, g, setting);
  expect(Array.from(found["grad_x"]!.data as Float32Array)).toEqual(byInput.map((value) => expect.closeTo(value, 5)));
  expect(Array.from(found["grad_scale"]!.data as Float32Array)).toEqual(
    byScale.map((value) => expect.closeTo(value, 3)),
  );
});
