// The fixture's runs of training, in each state a page has to show: one that trains, one that became a version, one whose loss
// was not finite for a while, one that failed and one that waits.
import type { JobView, RunView } from "slipway/client";
import { job } from "./jobs.ts";

type RunRecord = NonNullable<RunView["run"]>;
type Figures = RunRecord["baselines"][number]["figures"];

const MINUTE = 60_000;

const classes = (accuracy: number, logLoss: number): Figures => ({
  kind: "classification",
  rows: 120,
  accuracy,
  interval: [accuracy - 0.05, Math.min(1, accuracy + 0.04)],
  balancedAccuracy: accuracy - 0.02,
  logLoss,
});

/** Losses that fall and, of validation, rise again from the twelfth epoch on. */
export function curve(epochs: number, seed: number): RunRecord["curve"] {
  return Array.from({ length: epochs }, (_, at) => {
    const validationLoss = 0.3 + 0.7 * Math.exp(-at / (3 + seed)) + 0.02 * Math.max(0, at - 11);
    return {
      epoch: at + 1,
      step: (at + 1) * 15,
      trainingLoss: 0.25 + 0.75 * Math.exp(-at / (3 + seed)),
      validationLoss,
      validationScore: 1 - 0.4 * validationLoss,
      learningRate: 0.002,
      seconds: (at + 1) * 0.2,
    };
  });
}

function record(facts: Partial<RunRecord>): RunRecord {
  return {
    schema: 1,
    task: { kind: "classification", target: "default", labels: ["no", "yes"] },
    data: {
      name: "loans",
      hash: "e".repeat(64),
      trainingRows: 480,
      validationRows: 120,
      skippedRows: 2,
      skippedFirst: ["loans.csv, line 7: amount is empty"],
      columns: [
        { name: "amount", role: "numeric", features: 1 },
        { name: "purpose", role: "categorical", features: 4 },
        { name: "default", role: "label", features: 0 },
      ],
    },
    network: { kind: "mlp", text: "hidden layers of 128, 64", learned: 9091 },
    settings: {
      epochs: 40,
      batchRows: 32,
      learningRate: 0.002,
      optimizer: { kind: "adamw", weightDecay: 0.05 },
      seed: 0,
    },
    score: "accuracy",
    baselines: [
      { name: "majority", figures: classes(0.7, 0.61) },
      { name: "logistic regression", figures: classes(0.79, 0.44) },
    ],
    curve: [],
    result: null,
    ...facts,
  };
}

function run(id: string, now: number, facts: Partial<RunView>): RunView {
  return {
    id,
    name: "loans",
    number: null,
    state: "running",
    startedAt: now - 2 * MINUTE,
    endedAt: null,
    progress: null,
    error: null,
    order: {
      name: "loans",
      data: { description: { name: "loans", files: "/data/loans.csv" }, hash: "e".repeat(64), split: null },
      target: "default",
    } as RunView["order"],
    machine: { fingerprint: "f".repeat(16), name: "2-core AMD EPYC", facts: {} },
    code: { slipway: "0.1.0", node: "24.21.0" },
    anew: null,
    run: null,
    ...facts,
  };
}

/** A run that was just asked for. */
export function waiting(id: string, order: RunView["order"]): RunView {
  return run(id, 0, { name: order.name, state: "queued", startedAt: null, machine: null, code: null, order });
}

const PROGRESS = { done: 120, total: 600, text: "epoch 9, step 120 of 600, loss 0.31, 5300 rows/s, 8 s left" };

export const RUNS = (now: number): RunView[] => [
  run("01WAITING", now, { state: "queued", startedAt: null, machine: null, code: null }),
  run("01TRAINING", now, { run: record({ curve: curve(8, 0) }), progress: PROGRESS }),
  run("01TRAINED", now, {
    name: "digits",
    number: 2,
    state: "succeeded",
    endedAt: now - MINUTE,
    run: record({
      settings: {
        epochs: 40,
        batchRows: 64,
        learningRate: 0.004,
        optimizer: { kind: "adamw", weightDecay: 0.05 },
        seed: 0,
      },
      curve: curve(20, 2),
      result: {
        bestEpoch: 12,
        steps: 300,
        endedBy: "patience",
        seconds: 4,
        figures: { validation: classes(0.91, 0.31), test: classes(0.9, 0.33) },
        answer: "default",
        probabilities: "probabilities",
        examples: [],
      },
    }),
  }),
  run("01DIVERGED", now, {
    state: "failed",
    endedAt: now - MINUTE,
    error: {
      code: "TRAINING_DIVERGED",
      message: "The loss of step 61 is Infinity. Use a learning rate below 10, or clip gradients.",
    },
    run: record({
      curve: curve(4, 0).map((one) =>
        one.epoch === 3 ? { ...one, validationLoss: null, validationScore: null } : one,
      ),
    }),
  }),
];

/** Of the runs that a job still stands for. */
export const RUN_JOBS = (now: number): JobView[] => [
  job("01TRAINING", now, {
    kind: "train",
    subject: "loans",
    order: {},
    state: "running",
    startedAt: now - 2 * MINUTE,
    progress: PROGRESS,
  }),
  job("01DIVERGED", now, {
    kind: "train",
    subject: "loans",
    order: {},
    state: "failed",
    hasCheckpoint: true,
    endedAt: now - MINUTE,
  }),
];
