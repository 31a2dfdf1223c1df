// Fits against PyTorch's with the same rows, first weights and optimiser (tools/goldens/fit.py). Of whole batches, since the loss of a
// batch does not depend on the order of its rows; which rows a smaller one has is `fit.test.ts`'s to check.
import { readFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { it } from "vitest";
import type { Optimizer } from "@slipway/core/autodiff";
import { graphBuilder, type Model } from "@slipway/core/graph";
import { type Curve, expectToFollow } from "../../../../test/goldens/curves.ts";
import { learnerOf, runOf } from "./fit.testing.ts";
import { fit } from "./fit.ts";
import { accuracy } from "./scores.ts";
import { trainingSetFromArrays } from "./training-set.ts";

const FOLDER = path.resolve(import.meta.dirname, "../../../../test/goldens");
const { runs } = JSON.parse(readFileSync(path.join(FOLDER, "fit.json"), "utf8")) as {
  readonly runs: readonly (Curve & { readonly optimizer: string })[];
};
const OPTIMIZERS: Readonly<Record<string, { readonly optimizer: Optimizer; readonly learningRate: number }>> = {
  sgd: { optimizer: { kind: "sgd", momentum: 0.9 }, learningRate: 0.1 },
  adamw: { optimizer: { kind: "adamw", weightDecay: 0.05 }, learningRate: 0.003 },
};

function digits() {
  const [, ...lines] = gunzipSync(readFileSync(path.join(FOLDER, "tables/digits.csv.gz")))
    .toString()
    .trim()
    .split("\n");
  const values = lines.map((line) => line.split(",").map(Number));
  const pixels = Float32Array.from(
    values.flatMap((row) => row.slice(0, 64)),
    (value) => value / 16,
  );
  const labels = BigInt64Array.from(values, (row) => BigInt(row[64]!));
  return trainingSetFromArrays({
    inputs: { input: { dtype: "float32", shape: [values.length, 64], data: pixels } },
    target: { dtype: "int64", shape: [values.length], data: labels },
  });
}

/** Linear layers as PyTorch has them, of the golden's first weights. */
function network(): Model {
  const g = graphBuilder({ opset: 17 });
  let layer = 0;
  const parameter = (name: string, shape: readonly number[]) => {
    const count = shape.reduce((product, length) => product * length, 1);
    const values = Array.from({ length: count }, (_, at) => Math.sin(1 + 0.37 * at + layer) / 8);
    layer += 1;
    return g.values("float32", values, shape, name);
  };
  const linear = (x: string, name: string, inputs: number, outputs: number) =>
    g.op("Gemm", [x, parameter(`${name}.weight`, [outputs, inputs]), parameter(`${name}.bias`, [outputs])], {
      transB: 1,
    });
  const hidden = g.op("Relu", [linear(g.input("input", "float32", ["N", 64]), "hidden", 64, 32)]);
  g.output("logits", linear(hidden, "head", 32, 10), "float32", ["N", 10]);
  return g.model();
}

const set = digits();

it.each(runs.map((run) => [run.optimizer, run] as const))("%s", async (name, run) => {
  const { optimizer, learningRate } = OPTIMIZERS[name]!;
  const learner = await learnerOf(network(), { optimizer, loss: { kind: "cross-entropy", labelSmoothing: 0.05 } });
  const plan = {
    epochs: run.losses.length,
    batchRows: set.rows,
    seed: 1,
    learningRate,
    schedule: { kind: "constant" },
    warmUpSteps: 0,
    patienceEpochs: null,
    mostSteps: null,
  } as const;
  const { history } = await fit(learner, { training: set, validation: null, score: accuracy }, plan, runOf());
  await learner.close();
  expectToFollow(
    history.map(({ trainingLoss }) => trainingLoss),
    run,
  );
});
