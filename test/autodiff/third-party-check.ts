// Files of other people, as they are: differentiated by all their parameters, the gradient by the input compared with a
// difference along it.
import { readFileSync } from "node:fs";
import path from "node:path";
import { gradient, inGradientWords, parametersOf, prepareForGradient } from "@slipway/core/autodiff";
import { byteSourceFromBytes, type Model } from "@slipway/core/graph";
import { modelFromBytes } from "@slipway/core/onnx";
import { expect } from "vitest";
import { randomFrom } from "../support/random.ts";
import { answersOf, engineOn, tensorOf } from "./gradient-check.ts";

const packages = path.resolve(import.meta.dirname, "../../node_modules");

export function thirdParty(file: string): Model {
  return inGradientWords(modelFromBytes(byteSourceFromBytes(readFileSync(path.join(packages, file)))));
}

export async function checkThirdParty(file: string, shape: readonly number[]): Promise<void> {
  const model = thirdParty(file);
  const random = randomFrom(3);
  const size = shape.reduce((product, length) => product * length, 1);
  const [height, width] = [shape[2]!, shape[3]!];
  // Dark strokes on white with some noise: on noise alone, what finds text is sure that there is none, and nothing changes that.
  const x = Array.from({ length: size }, (_, at) => {
    const [row, column] = [Math.floor(at / width) % height, at % width];
    const isInside = row > height / 4 && row < (3 * height) / 4 && column > 6 && column < width - 6;
    return (isInside && (column >> 1) % 3 !== 0 ? -1.8 : 2) + (random() - 0.5) * 0.2;
  });
  const feeds = { x: tensorOf("float32", x, shape) };
  const wrt = ["x", ...parametersOf(model)];
  const prepared = await prepareForGradient(model, wrt, engineOn(feeds));
  const made = gradient(prepared.model, { wrt, types: prepared.types });
  const [output] = model.graph.outputs;
  const answered = (await answersOf(model, feeds))[output!.name]!;
  const g = Array.from(answered.data as Float32Array, () => random() * 2 - 1);
  const objective = async (values: readonly number[]): Promise<number> => {
    const { data } = (await answersOf(model, { x: tensorOf("float32", values, shape) }))[output!.name]!;
    return g.reduce((sum, weight, at) => sum + weight * (data as Float32Array)[at]!, 0);
  };
  const found = await answersOf(made.model, {
    ...feeds,
    [`grad_${output!.name}`]: tensorOf("float32", g, answered.dims),
  });
  for (const name of wrt) expect(Object.keys(found)).toContain(`grad_${name}`);
  const byInput = Array.from(found["grad_x"]!.data as Float32Array);
  const length = Math.hypot(...byInput);
  expect(length).toBeGreaterThan(0);
  // Along the gradient itself the derivative is its length.
  const step = 1e-2;
  const moved = (sign: number): number[] => x.map((value, at) => value + (sign * step * byInput[at]!) / length);
  const slope = ((await objective(moved(1))) - (await objective(moved(-1)))) / (2 * step);
  expect(slope / length).toBeCloseTo(1, 1);
}
