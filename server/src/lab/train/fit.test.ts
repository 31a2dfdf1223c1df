import { SlipwayError } from "@slipway/core/base";
import { learningRateAt } from "@slipway/core/autodiff";
import { batchNorm, build, conv, flatten, linear, maxPool, relu } from "@slipway/core/build";
import { createRandom, drawNormal } from "@slipway/core/stats";
import { graphBuilder, type Model, tensorFromInitializer } from "@slipway/core/graph";
import { describe, expect, it } from "vitest";
import { fitStateFromBytes } from "./checkpoint.ts";
import { clouds, learnerOf, PLAN, runOf, smallNetwork } from "./fit.testing.ts";
import { fit, type FitPlan, type FitRun, type Fitted } from "./fit.ts";
import type { LearnerOptions } from "./learner.ts";
import type { Tensors } from "./step-engine.ts";
import { epochOrder } from "./randomness.ts";
import { accuracy, rSquared } from "./scores.ts";
import { type TrainingSet, trainingSetFromArrays } from "./training-set.ts";

const training = clouds(75, 4, 3, 1);
const validation = clouds(60, 4, 3, 2);
const DATA = { training, validation, score: accuracy };

function bitsOf(weights: Tensors): Record<string, string> {
  return Object.fromEntries(
    Array.from(weights, ([name, { data }]) => {
      const { buffer, byteOffset, byteLength } = data as Float32Array;
      return [name, Buffer.from(buffer, byteOffset, byteLength).toString("hex")];
    }),
  );
}

/** Softmax regression by plain descent, written out in double precision. */
function logisticRegression(set: TrainingSet, plan: FitPlan) {
  const [features, classes] = [4, 3];
  const weights = Array.from({ length: features * classes }, () => 0);
  const biases = Array.from({ length: classes }, () => 0);
  const steps = plan.epochs * Math.ceil(set.rows / plan.batchRows);
  const losses: number[] = [];
  let step = 0;
  for (let epoch = 0; epoch < plan.epochs; epoch++) {
    const order = epochOrder(set.rows, plan.seed, epoch);
    let sum = 0;
    for (let from = 0; from < set.rows; from += plan.batchRows) {
      const { inputs, target } = set.read(order.subarray(from, from + plan.batchRows));
      const x = inputs[0]!.data as Float32Array;
      const labels = target.data as BigInt64Array;
      const rows = labels.length;
      const slopes = weights.map(() => 0);
      const shifts = biases.map(() => 0);
      for (let row = 0; row < rows; row++) {
        const scores = biases.map((bias, one) =>
          weights.reduce(
            (score, weight, at) =>
              at % classes === one ? score + weight * x[row * features + Math.floor(at / classes)]! : score,
            bias,
          ),
        );
        const total = scores.reduce((all, score) => all + Math.exp(score), 0);
        sum -= scores[Number(labels[row])]! - Math.log(total);
        for (let one = 0; one < classes; one++) {
          const slope = (Math.exp(scores[one]!) / total - (one === Number(labels[row]) ? 1 : 0)) / rows;
          shifts[one]! += slope;
          for (let at = 0; at < features; at++) slopes[at * classes + one]! += slope * x[row * features + at]!;
        }
      }
      const rate = learningRateAt(++step, { ...plan, steps, warmUp: plan.warmUpSteps });
      for (const [at, slope] of slopes.entries()) weights[at]! -= rate * slope;
      for (const [at, shift] of shifts.entries()) biases[at]! -= rate * shift;
    }
    losses.push(sum / set.rows);
  }
  return { weights, biases, losses };
}

/** Images of stripes that lie, or stand: of class 0, or 1. */
function striped(rows: number, side: number): TrainingSet {
  const random = createRandom(9);
  const data = Float32Array.from({ length: rows * side * side }, (_, at) => {
    const [row, across, down] = [Math.floor(at / (side * side)), at % side, Math.floor(at / side) % side];
    return ((row % 2 === 0 ? down : across) % 2) + drawNormal(random) / 2;
  });
  return trainingSetFromArrays({
    inputs: { input: { dtype: "float32", shape: [rows, 1, side, side], data } },
    target: { dtype: "int64", shape: [rows], data: BigInt64Array.from({ length: rows }, (_, row) => BigInt(row % 2)) },
  });
}

interface FittedOptions extends Omit<Partial<FitRun>, "plan"> {
  readonly plan?: Partial<FitPlan>;
  readonly learner?: Partial<LearnerOptions>;
}

async function fitted(
  network: Model,
  { plan = {}, learner: options = {}, ...run }: FittedOptions = {},
): Promise<Fitted> {
  const learner = await learnerOf(network, options);
  try {
    return await fit(learner, DATA, { ...PLAN, ...plan }, runOf(run));
  } finally {
    await learner.close();
  }
}

describe("fit", () => {
  it("learns, with a last batch of other size, and says how it went", async () => {
    const { history, steps, endedBy, bestEpoch } = await fitted(smallNetwork(4, 16, 3), { plan: { epochs: 8 } });
    // 75 rows in batches of 16: four whole ones and one of 11.
    expect({ steps, endedBy }).toEqual({ steps: 40, endedBy: "epochs" });
    expect(history.map(({ epoch, step }) => [epoch, step])).toEqual(
      [1, 2, 3, 4, 5, 6, 7, 8].map((epoch) => [epoch, epoch * 5]),
    );
    expect(history.at(-1)!.trainingLoss).toBeLessThan(history[0]!.trainingLoss / 2);
    expect(history.at(-1)!.validationScore).toBeGreaterThan(0.8);
    expect(history[bestEpoch - 1]!.validationLoss).toBe(
      Math.min(...history.map(({ validationLoss }) => validationLoss!)),
    );
  });

  it("does the same again, bit by bit, and something else from another seed", async () => {
    const network = smallNetwork(4, 16, 3, { dropout: 0.2, isNormalised: true });
    const [one, again, other] = [
      await fitted(network),
      await fitted(network),
      await fitted(network, { plan: { seed: 12 } }),
    ];
    expect(bitsOf(again.weights)).toEqual(bitsOf(one.weights));
    expect(bitsOf(other.weights)).not.toEqual(bitsOf(one.weights));
  });

  it("goes on from any checkpoint to the same weights, bit by bit", async () => {
    const network = smallNetwork(4, 16, 3, { dropout: 0.2, isNormalised: true });
    const options = { learner: { averageDecay: 0.9, maxNorm: 1 }, plan: { patienceEpochs: 3 } };
    const kept: Uint8Array[] = [];
    const save = async (checkpoint: Uint8Array) => void kept.push(checkpoint.slice());
    const whole = await fitted(network, { ...options, save, checkpointAfterMs: () => 0 });
    // One for each of 20 steps, and one for each of 4 epochs.
    expect(kept).toHaveLength(24);
    for (const saved of [kept[0]!, kept[4]!, kept[5]!, kept[13]!, kept[23]!]) {
      const resumed = await fitted(network, { ...options, saved });
      expect(bitsOf(resumed.weights)).toEqual(bitsOf(whole.weights));
      const told = ({ seconds: _seconds, ...point }: (typeof whole.history)[number]) => point;
      expect(resumed.history.map(told)).toEqual(whole.history.map(told));
    }
  });

  it("keeps a checkpoint when it is stopped, and refuses one that is damaged or of another plan", async () => {
    const network = smallNetwork(4, 8, 3);
    const controller = new AbortController();
    const kept: Uint8Array[] = [];
    const stopped = fitted(network, {
      signal: controller.signal,
      report: ({ step }) => step === 7 && controller.abort(new SlipwayError("INTERRUPTED", "Stopped.")),
      save: async (checkpoint) => void kept.push(checkpoint.slice()),
    });
    await expect(stopped).rejects.toThrow("Stopped.");
    expect(fitStateFromBytes(kept[0]!).step).toBe(7);
    const whole = await fitted(network);
    expect(bitsOf((await fitted(network, { saved: kept[0]! })).weights)).toEqual(bitsOf(whole.weights));
    const damaged = kept[0]!.slice();
    damaged[damaged.length - 60]! ^= 1;
    await expect(fitted(network, { saved: damaged })).rejects.toThrow("not what was written");
    await expect(fitted(network, { saved: kept[0]!.subarray(0, 200) })).rejects.toThrow("not what was written");
    const learner = await learnerOf(network);
    await expect(fit(learner, DATA, PLAN, runOf({ saved: kept[0]!, plan: "other" }))).rejects.toThrow(
      "of another network",
    );
    await learner.close();
  });

  it("ends early, and answers the best weights rather than the last", async () => {
    // Of 12 rows a network of this size learns the noise.
    const few = { training: clouds(12, 4, 3, 5), validation, score: accuracy };
    const learner = await learnerOf(smallNetwork(4, 64, 3));
    const plan = {
      ...PLAN,
      epochs: 300,
      learningRate: 0.05,
      schedule: { kind: "constant" },
      patienceEpochs: 10,
    } as const;
    const { history, bestEpoch, endedBy, weights } = await fit(learner, few, plan, runOf());
    expect(endedBy).toBe("patience");
    expect(history).toHaveLength(bestEpoch + 10);
    learner.restore(new Map([...learner.state, ...weights]));
    const { loss } = await learner.judge(validation.read(Int32Array.from({ length: validation.rows }, (_, at) => at)));
    expect(loss).toBeCloseTo(history[bestEpoch - 1]!.validationLoss!, 6);
    await learner.close();
  });

  it("comes to what the formulas of logistic regression come to, in the same order of rows", async () => {
    const g = graphBuilder({ opset: 17 });
    const zeros = (name: string, shape: readonly number[], count: number) =>
      g.values(
        "float32",
        Array.from({ length: count }, () => 0),
        shape,
        name,
      );
    const logits = g.op("Gemm", [g.input("input", "float32", ["N", 4]), zeros("w", [4, 3], 12), zeros("b", [3], 3)]);
    g.output("logits", logits, "float32", ["N", 3]);
    const learner = await learnerOf(g.model(), { optimizer: { kind: "sgd" } });
    const plan = { ...PLAN, epochs: 2, learningRate: 0.3, schedule: { kind: "cosine" }, warmUpSteps: 2 } as const;
    const { history } = await fit(learner, { training, validation: null, score: accuracy }, plan, runOf());
    const expected = logisticRegression(training, plan);
    for (const [epoch, loss] of expected.losses.entries()) expect(history[epoch]!.trainingLoss).toBeCloseTo(loss, 5);
    const now = learner.weights;
    for (const [at, value] of (now.get("w")!.data as Float32Array).entries())
      expect(value).toBeCloseTo(expected.weights[at]!, 5);
    for (const [at, value] of (now.get("b")!.data as Float32Array).entries())
      expect(value).toBeCloseTo(expected.biases[at]!, 5);
    await learner.close();
  });

  it("comes to the same by operators made for this machine as by standard ones, within rounding", async () => {
    const images = striped(48, 10);
    const image = (channels: number) => conv({ channels, kernel: 3 });
    const layers = [image(16), batchNorm(), relu(), image(16), relu(), maxPool({ size: 2 }), flatten(), linear(2)];
    const network = build(layers, { input: { kind: "image", channels: 1, height: 10, width: 10 }, seed: 4 });
    const losses = (["fast", "portable"] as const).map(async (emission) => {
      const learner = await learnerOf(network, { emission });
      const data = { training: images, validation: images, score: accuracy };
      const { history } = await fit(learner, data, { ...PLAN, learningRate: 0.002 }, runOf());
      await learner.close();
      return history.map(({ trainingLoss, validationLoss }) => [trainingLoss, validationLoss!]);
    });
    const [fast, portable] = await Promise.all(losses);
    expect(fast!.at(-1)![0]).toBeLessThan(fast![0]![0]! / 2);
    for (const [at, pair] of fast!.entries())
      for (const [which, loss] of pair.entries())
        expect(Math.abs(loss / portable![at]![which]! - 1)).toBeLessThan(1e-3);
  });

  it("averages weights as a ← d·a + (1 − d)·w", async () => {
    const network = smallNetwork(4, 8, 3);
    const learner = await learnerOf(network, { averageDecay: 0.75 });
    const batch = training.read(Int32Array.of(0, 1, 2, 3));
    const before = Array.from(learner.weights.get("last.bias")!.data as Float32Array);
    await learner.step(batch, { number: 1, learningRate: 0.1 });
    const now = learner.state.get("last.bias")!.data as Float32Array;
    const averaged = Array.from(learner.weights.get("last.bias")!.data as Float32Array);
    for (const [at, value] of averaged.entries()) expect(value).toBeCloseTo(0.75 * before[at]! + 0.25 * now[at]!, 6);
    const stored = learner.network(learner.weights).graph.initializers.find(({ name }) => name === "last.bias")!;
    expect(Array.from(tensorFromInitializer(stored).data as Float32Array)).toEqual(averaged);
    await learner.close();
  });

  it("takes batches in parts, whose gradients add up, with weights", async () => {
    const weights = Float32Array.from({ length: training.rows }, (_, row) => (row % 4) / 2);
    const { inputs, target } = training.read(Int32Array.from({ length: training.rows }, (_, at) => at));
    const set = trainingSetFromArrays({ inputs: { input: inputs[0]! }, target, weights });
    const network = smallNetwork(4, 8, 3, { dropout: 0.2 });
    const options = { hasSampleWeights: true, averageDecay: 0.9, maxNorm: 1 };
    const [whole, parts] = [await learnerOf(network, options), await learnerOf(network, { ...options, partRows: 5 })];
    const data = { training: set, validation: set, score: accuracy };
    const results = [await fit(whole, data, PLAN, runOf()), await fit(parts, data, PLAN, runOf())] as const;
    for (const [at, { trainingLoss, validationLoss }] of results[0].history.entries()) {
      expect(results[1].history[at]!.trainingLoss).toBeCloseTo(trainingLoss, 5);
      expect(results[1].history[at]!.validationLoss!).toBeCloseTo(validationLoss!, 5);
    }
    await whole.close();
    await parts.close();
  });

  it("counts a row of weight 2 as two rows, and one of weight 0 not at all", async () => {
    const network = smallNetwork(4, 8, 3);
    const weighted = await learnerOf(network, { hasSampleWeights: true });
    const plain = await learnerOf(network);
    const batch = training.read(Int32Array.of(0, 1, 2));
    const weights = { dtype: "float32", shape: [3], data: Float32Array.of(2, 1, 0) } as const;
    const twice = training.read(Int32Array.of(0, 0, 1));
    const settings = { number: 1, learningRate: 0.1 };
    expect(await weighted.step({ ...batch, weights }, settings)).toBeCloseTo(await plain.step(twice, settings), 6);
    for (const [name, { data }] of plain.weights) {
      for (const [at, value] of (data as Float32Array).entries())
        expect((weighted.weights.get(name)!.data as Float32Array)[at]!).toBeCloseTo(value, 4);
    }
    await weighted.close();
    await plain.close();
  });

  it("computes nothing for what is frozen, and leaves it as it was", async () => {
    const network = smallNetwork(4, 8, 3, { dropout: 0.5, isNormalised: true });
    const groups = [{ names: /^(first|norm)\./, isFrozen: true }];
    const frozen = await learnerOf(network, { groups });
    const learning = await learnerOf(network);
    const batch = training.read(Int32Array.of(0, 1, 2, 3));
    const nodes = (learner: typeof frozen) => learner.inside(batch, { number: 1, learningRate: 0 }).model.graph.nodes;
    // The gradients of a Gemm's weights: one, and two with one by its input.
    const products = (learner: typeof frozen) =>
      nodes(learner).filter(({ opType }) => /^(?:Gemm|MatMul)$/.test(opType)).length;
    expect(products(frozen)).toBeLessThan(products(learning));
    expect([...frozen.weights.keys()].toSorted()).toEqual(["last.bias", "last.weight"]);
    // What lies before all that learns answers as it does when it is used: no dropout, normalised by what is stored.
    expect(nodes(frozen).filter(({ opType }) => opType === "BatchNormalization")).toEqual([]);
    const loss = await frozen.step(batch, { number: 1, learningRate: 0.1 });
    const fresh = await learnerOf(network, { groups });
    expect(loss).toBeCloseTo((await fresh.judge(batch)).loss, 6);
    for (const learner of [frozen, learning, fresh]) await learner.close();
  });
});

describe("a loss that is no number", () => {
  it("ends the fit with step, rows and tensor, and the last good checkpoint stays", async () => {
    const rows = 40;
    const { data } = training.read(Int32Array.from({ length: rows }, (_, at) => at)).inputs[0]!;
    const spoilt = (data as Float32Array).slice();
    spoilt[4 * 17 + 2] = Number.NaN;
    const set = trainingSetFromArrays({
      inputs: { input: { dtype: "float32", shape: [rows, 4], data: spoilt } },
      target: { dtype: "int64", shape: [rows], data: BigInt64Array.from({ length: rows }, (_, at) => BigInt(at % 3)) },
    });
    const kept: Uint8Array[] = [];
    const learner = await learnerOf(smallNetwork(4, 8, 3));
    const plan = { ...PLAN, batchRows: 8 };
    const run = runOf({ save: async (checkpoint) => void kept.push(checkpoint.slice()), checkpointAfterMs: () => 0 });
    const error = await fit(learner, { training: set, validation: null, score: accuracy }, plan, run).then(
      () => null,
      (caught: SlipwayError) => caught,
    );
    expect(error!.code).toBe("TRAINING_DIVERGED");
    const {
      step,
      rows: places,
      tensor,
      rowsOfTensor,
    } = error!.details as { step: number; rows: number[]; tensor: string; rowsOfTensor: number[] };
    expect({ tensor, rowsOfTensor }).toEqual({ tensor: "input", rowsOfTensor: [17] });
    expect(places).toHaveLength(8);
    expect(error!.message).toContain("'input', which goes into the step");
    expect(fitStateFromBytes(kept.at(-1)!).step).toBe(step - 1);
    await learner.close();
  });

  it("ends it where no epoch had a finite validation loss, with nothing to serve", async () => {
    const data = new Float32Array(60 * 4).fill(3e38);
    const target = validation.read(Int32Array.from({ length: 60 }, (_, at) => at)).target;
    const set = trainingSetFromArrays({ inputs: { input: { dtype: "float32", shape: [60, 4], data } }, target });
    const learner = await learnerOf(smallNetwork(4, 8, 3));
    const plan = { ...PLAN, epochs: 9, patienceEpochs: 3 };
    const told = fit(learner, { training, validation: set, score: accuracy }, plan, runOf());
    const error = await told.then(
      () => null,
      (caught: SlipwayError) => caught,
    );
    await learner.close();
    expect(error?.code).toBe("TRAINING_DIVERGED");
    expect(error?.message).toContain("The validation loss was not finite after any of 3 epochs (NaN at last)");
  });

  it("names what a step computes where what goes in is finite", async () => {
    const learner = await learnerOf(smallNetwork(4, 8, 3), { optimizer: { kind: "sgd" } });
    const plan = { ...PLAN, learningRate: 1e18, warmUpSteps: 0, schedule: { kind: "constant" } } as const;
    const kept: Uint8Array[] = [];
    const run = runOf({ save: async (checkpoint) => void kept.push(checkpoint.slice()), checkpointAfterMs: () => 0 });
    const error = await fit(learner, { training, validation: null, score: accuracy }, plan, run).then(
      () => null,
      (caught: SlipwayError) => caught,
    );
    expect(error!.code).toBe("TRAINING_DIVERGED");
    expect(error!.details!["tensor"]).not.toBe("input");
    for (const checkpoint of kept) {
      for (const { data } of fitStateFromBytes(checkpoint).carried.values())
        expect((data as Float32Array).every((value) => Number.isFinite(value))).toBe(true);
    }
    await learner.close();
  });
});

describe("scores", () => {
  it("are what scikit-learn says", () => {
    const scores = { dtype: "float32", shape: [3, 2], data: Float32Array.of(1, 2, 5, 5, 0, -1) } as const;
    expect(accuracy([scores], [{ dtype: "int64", shape: [3], data: BigInt64Array.of(1n, 0n, 1n) }])).toBeCloseTo(2 / 3);
    const numbers = (...values: number[]) =>
      ({ dtype: "float32", shape: [values.length], data: Float32Array.from(values) }) as const;
    // sklearn.metrics.r2_score([3, -0.5, 2, 7], [2.5, 0, 2, 8])
    expect(rSquared([numbers(2.5, 0, 2, 8)], [numbers(3, -0.5, 2, 7)])).toBeCloseTo(0.9486081370449679, 6);
    expect(rSquared([numbers(1)], [numbers(2)])).toBe(0);
  });
});
