// How the digits model is made: five convolutions, fitted to digits that differ from epoch to epoch, with what normalises them folded
// into their weights at the end.
import {
  batchNorm,
  build,
  conv,
  dropout,
  flatten,
  type Layers,
  linear,
  maxPool,
  named,
  relu,
} from "@slipway/core/build";
import { type Backend, DEFAULT_SESSION_SETTINGS } from "@slipway/core/backend";
import { type Model, renameValues, verifyModel } from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import { PASSES, runPasses } from "@slipway/core/passes";
import { wilsonInterval } from "@slipway/core/stats";
import { rowRandom } from "../../server/src/lab/augment/index.ts";
import { createPassEngine } from "../../server/src/lab/passes/index.ts";
import {
  createLearner,
  fit,
  type FitPlan,
  type TrainingSet,
  trainingSetFromArrays,
} from "../../server/src/lab/train/index.ts";
import { type Kitchen, type Made, madeOn, type Recipe, sha256 } from "../recipe.ts";
import { type Digits, inkOf, mnistDigits, packagedDigits, SIDE, splitDigits } from "./digits.ts";
import { varied } from "./handwriting.ts";

/** Of the split, the first weights, the order of rows, dropout and variations. */
const SEED = 20260801;
const DROPOUT = 0.2;
const OPTIMIZER = { kind: "adamw", weightDecay: 0.01 } as const;
const PLAN: FitPlan = {
  epochs: 40,
  batchRows: 100,
  seed: SEED,
  learningRate: 4e-3,
  schedule: { kind: "one-cycle" },
  warmUpSteps: 0,
  patienceEpochs: null,
  mostSteps: null,
};
/** What is served: of an operator set and a version of the format that older engines read, too. */
const [OPSET, IR_VERSION] = [17, 8];
const DOC_STRING = "Handwritten digits: image float32 [N, 1, 28, 28] of 0 (background) to 1 (ink) to logits of 0 to 9.";

/**
 * Three stages of convolutions of 3 × 3, each at half the size of the one before, and a linear layer: about 35 000 parameters.
 * @param share of the features that is dropped in training
 */
export function digitLayers(share: number): Layers {
  const block = (channels: number): Layers => [conv({ channels, kernel: 3, bias: false }), batchNorm(), relu()];
  return [
    named("stage1", [block(16), block(16), maxPool({ size: 2 })]),
    named("stage2", [block(32), block(32), maxPool({ size: 2 })]),
    named("stage3", [block(48), maxPool({ size: 2 })]),
    flatten(),
    ...(share === 0 ? [] : [dropout(share)]),
    named("head", linear(10)),
  ];
}

export const digits: Recipe = {
  make: async (kitchen) => await madeDigits(kitchen, PLAN),
};

/** @param plan a shorter one shows that all goes well */
export async function madeDigits({ backend, now, log }: Kitchen, plan: FitPlan): Promise<Made> {
  const { training, heldOut } = splitDigits(mnistDigits(), packagedDigits(), SEED);
  const learner = await createLearner({
    network: build(digitLayers(DROPOUT), {
      input: { kind: "image", channels: 1, height: SIDE, width: SIDE },
      seed: SEED,
      name: "digits",
    }),
    loss: { kind: "cross-entropy" },
    optimizer: OPTIMIZER,
    backend,
    threads: 1,
    seed: SEED,
    emission: "portable",
  });
  try {
    const { weights, history, steps } = await fit(
      learner,
      // Without rows that choose: the last weights are kept.
      { training: variedSet(training), validation: null, score: () => 0 },
      plan,
      {
        signal: new AbortController().signal,
        backend,
        now,
        report: () => undefined,
        saved: null,
        save: async () => undefined,
        onEpoch: async (epochs) => {
          const { epoch, trainingLoss, seconds } = epochs.at(-1)!;
          log(`digits: epoch ${epoch} of ${plan.epochs}, loss ${trainingLoss.toFixed(4)}, ${Math.round(seconds)} s`);
        },
        checkpointAfterMs: () => Number.POSITIVE_INFINITY,
        plan: "digits",
      },
    );
    const model = bytesFromModel(await servedDigits(learner.network(weights), backend));
    const right = await rightOf(model, heldOut, backend);
    const { lower, upper } = wilsonInterval(right, heldOut.labels.length);
    log(
      `digits: ${right} of ${heldOut.labels.length} held-out digits right (95 % Wilson ${lower.toFixed(4)} to ${upper.toFixed(4)})`,
    );
    return {
      files: new Map([["model.onnx", model]]),
      record: {
        model: sha256(model),
        madeOn: madeOn(),
        data: { training: training.labels.length, heldOut: heldOut.labels.length, sha256: sha256(training.pixels) },
        settings: { ...plan, optimizer: OPTIMIZER, dropout: DROPOUT, learned: learner.learned },
        steps,
        curve: history.map(({ epoch, trainingLoss, learningRate }) => ({ epoch, trainingLoss, learningRate })),
        figures: {
          right,
          rows: heldOut.labels.length,
          accuracy: right / heldOut.labels.length,
          interval: [lower, upper],
        },
      },
    };
  } finally {
    await learner.close();
  }
}

/** Digits that are a little different in each epoch. */
function variedSet(digits: Digits): TrainingSet {
  const rows = digits.labels.length;
  const set = trainingSetFromArrays({
    inputs: { input: { dtype: "float32", shape: [rows, 1, SIDE, SIDE], data: inkOf(digits) } },
    target: { dtype: "int64", shape: [rows], data: BigInt64Array.from(digits.labels, BigInt) },
  });
  return {
    ...set,
    read: (places, epoch = null) => {
      const batch = set.read(places, epoch);
      if (epoch === null) return batch;
      const [image] = batch.inputs;
      const data = varied(image!.data as Float32Array, (at) => rowRandom(SEED, epoch, places[at]!));
      return { ...batch, inputs: [{ ...image!, data }] };
    },
  };
}

/** The network as it is served: by its own names, without what only training needs. */
async function servedDigits(network: Model, backend: Backend): Promise<Model> {
  const engine = createPassEngine({ backend, externalData: new Map(), inputs: () => [] });
  const passes = ["fuse-convolutions", "identities-and-transposes", "dead-code"].map((name) => PASSES[name]!);
  const { model } = await runPasses(network, passes, engine);
  // Each of its operators is in this operator set what it is in the one that networks are built in.
  const served: Model = {
    ...model,
    irVersion: IR_VERSION,
    opsets: new Map([["", OPSET]]),
    docString: DOC_STRING,
    graph: renameValues(model.graph, new Map([["input", "image"], ...model.graph.initializers.flatMap(plainName)])),
  };
  verifyModel(served);
  return served;
}

/** `stage1.conv1.weight_fused_bias` is the bias of `stage1.conv1`. */
function plainName({ name }: { readonly name: string }): [string, string][] {
  const plain = name.replace(/weight_fused_bias$/, "bias").replace(/_fused$/, "");
  return plain === name ? [] : [[name, plain]];
}

async function rightOf(model: Uint8Array, digits: Digits, backend: Backend): Promise<number> {
  const session = await backend.load({ model, externalData: new Map() }, DEFAULT_SESSION_SETTINGS);
  try {
    const ink = inkOf(digits);
    const rows = digits.labels.length;
    const image = { name: "image", dtype: "float32", shape: [rows, 1, SIDE, SIDE], data: ink } as const;
    const [logits] = await session.run([image], ["logits"]);
    const scores = logits!.data as Float32Array;
    return digits.labels.reduce((right, label, row) => {
      const ten = scores.subarray(row * 10, row * 10 + 10);
      return right + (ten.indexOf(Math.max(...ten)) === label ? 1 : 0);
    }, 0);
  } finally {
    await session.unload();
  }
}
