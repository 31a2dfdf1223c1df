// Gradients of whole models as PyTorch exports them, against PyTorch's own: ‖g − g*‖ ≤ 1e-3 · max(‖g*‖, 1e-6 · ‖all g*‖) for each
// parameter. The models and numbers are made by tools/goldens/gradients.py.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { gradient, prepareForGradient, withLoss } from "@slipway/core/autodiff";
import { byteSourceFromBytes, verifyModel } from "@slipway/core/graph";
import { modelFromBytes } from "@slipway/core/onnx";
import { expect, it } from "vitest";
import { answersOf, engineOn, tensorOf } from "./gradient-check.ts";

interface Facts {
  readonly axis: number;
  readonly inputs: Readonly<
    Record<string, { readonly shape: number[]; readonly dtype: string; readonly values: number[] }>
  >;
  readonly labels: { readonly shape: number[]; readonly values: number[] };
  readonly loss: number;
  readonly parameters: readonly { readonly name: string; readonly shape: number[] }[];
}

const FOLDER = path.resolve(import.meta.dirname, "../goldens/gradients");
const NAMES = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".onnx"))
  .map((file) => file.slice(0, -".onnx".length));
/**
 * Softmax does not see what is added to all keys alike: the gradient by their bias is 0, and what either side computes is
 * rounding, which is compared with ten times the floor.
 */
const BLIND = /\.key\.bias$/;
const norm = (values: ArrayLike<number>): number => Math.hypot(...Array.from(values));

it.each(NAMES)("%s", async (name) => {
  const facts = JSON.parse(readFileSync(path.join(FOLDER, `${name}.json`), "utf8")) as Facts;
  const bytes = readFileSync(path.join(FOLDER, `${name}.bin`));
  const golden = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const read = modelFromBytes(byteSourceFromBytes(readFileSync(path.join(FOLDER, `${name}.onnx`))));
  const feeds = Object.fromEntries(
    Object.entries(facts.inputs).map(([input, { shape, dtype, values }]) => [input, tensorOf(dtype, values, shape)]),
  );
  const wrt = facts.parameters.map((one) => one.name);
  const engine = engineOn(feeds);
  const prepared = await prepareForGradient(read, wrt, engine);
  const judged = withLoss(prepared.model, { loss: { kind: "cross-entropy" }, axis: facts.axis, types: prepared.types });
  const labels = tensorOf("int64", facts.labels.values, facts.labels.shape);
  const types = await engineOn({ ...feeds, [judged.target]: labels }).typesOf(judged.model);
  const made = gradient(judged.model, { wrt, of: judged.loss, types });
  verifyModel(made.model);
  const answers = await answersOf(made.model, { ...feeds, [judged.target]: labels });
  expect(Number(answers[judged.loss]!.data[0])).toBeCloseTo(facts.loss, 4);
  const floor = 1e-6 * norm(golden);
  const wrong: string[] = [];
  let at = 0;
  for (const { name: parameter, shape } of facts.parameters) {
    const size = shape.reduce((product, length) => product * length, 1);
    const wanted = golden.subarray(at, at + size);
    at += size;
    const found = answers[made.gradients.get(parameter)!]!;
    expect(found.dims, parameter).toEqual(shape);
    const difference = norm((found.data as Float32Array).map((value, index) => value - wanted[index]!));
    const relative = difference / Math.max(norm(wanted), BLIND.test(parameter) ? 10 * floor : floor);
    if (!(relative <= 1e-3)) wrong.push(`${parameter} differs by ${relative}`);
  }
  expect(wrong).toEqual([]);
});
