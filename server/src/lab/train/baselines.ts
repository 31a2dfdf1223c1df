// What a network has to beat: whatever is most frequent, or the mean; and a linear model of the same features, fitted by the same loop.
import type { Backend } from "@slipway/core/backend";
import { graphBuilder, type Model } from "@slipway/core/graph";
import { elementCount } from "@slipway/core/tensor";
import { figureCount, type Figures, squaredErrors } from "./figures.ts";
import { fit, type FitProgress } from "./fit.ts";
import { createLearner, type Learner } from "./learner.ts";
import type { PreparedRows } from "./prepared-rows.ts";
import { lossOf, outputsOf, scoreOf, type Task } from "./task.ts";
import type { TrainingSet } from "./training-set.ts";

export interface Baseline {
  readonly name: "majority" | "mean" | "logistic regression" | "linear regression";
  /** On the rows of validation. */
  readonly figures: Figures;
}

export interface FittedBaselines {
  /** The simpler one first. */
  readonly baselines: readonly Baseline[];
  /** Of the last one, on the rows of validation in their order; null for classes. */
  readonly squaredErrors: Float64Array | null;
}

/** A baseline with what is only needed to compare it row by row. */
interface FittedBaseline {
  readonly baseline: Baseline;
  readonly squaredErrors: Float64Array | null;
}

export interface BaselineOptions {
  readonly backend: Backend;
  readonly seed: number;
  readonly threads: number;
  /** What rows of each class count, as for the network; null where all rows count alike. */
  readonly classWeights: readonly number[] | null;
  readonly now: () => number;
  readonly signal: AbortSignal;
  readonly report: (progress: FitProgress) => void;
}

const JUDGED_ROWS = 1024;
/** Of a linear model; large pictures take none. */
const MOST_FEATURES = 16_384;
const EPOCHS = 100;
const PATIENCE = 10;
/** Steps that are enough for a linear model of many rows. */
const STEPS = 3000;

/** Both baselines, the simpler first; the simpler alone where rows are no numbers, or too many. */
export async function baselinesOf(rows: PreparedRows, options: BaselineOptions): Promise<FittedBaselines> {
  const areNumbers = rows.training.inputs.every(({ dtype }) => dtype === "float32");
  const width = rows.training.inputs.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const constant = constantBaseline(rows);
  const linear = !areNumbers || width > MOST_FEATURES ? null : await linearBaseline(rows, options);
  const { squaredErrors: errors } = linear ?? constant;
  return { baselines: [constant, linear].flatMap((one) => one?.baseline ?? []), squaredErrors: errors };
}

/** The training rows' shares of classes for each row, or their mean. */
function constantBaseline({ task, training, validation, classRows }: PreparedRows): FittedBaseline {
  const count = figureCount(task);
  const truths = truthsOf(task, validation);
  if (task.kind === "classification") {
    const shares = classRows!.map((one) => one / training.rows);
    // Row by row: of many rows and many classes, all at once is more than memory takes.
    for (const truth of truths) count.add(shares, [truth]);
    return { baseline: { name: "majority", figures: count.figures() }, squaredErrors: null };
  }
  const scaled = targetsOf(training);
  const mean = scaled.reduce((sum, value) => sum + value, 0) / scaled.length;
  const answers = truths.map(() => mean * task.scale + task.mean);
  count.add(answers, truths);
  return { baseline: { name: "mean", figures: count.figures() }, squaredErrors: squaredErrors(answers, truths) };
}

/** Logistic regression, or linear regression, from zeros. */
async function linearBaseline(rows: PreparedRows, options: BaselineOptions): Promise<FittedBaseline> {
  const { task, training, validation } = rows;
  const { backend, seed, threads, classWeights, now, signal, report } = options;
  const learner = await createLearner({
    network: linearNetwork(training, outputsOf(task)),
    loss: lossOf(task, classWeights),
    // Scikit-learn's logistic and ridge regression are held back, too: ½‖w‖² against a sum over the rows, so a share of 1 / rows.
    optimizer: { kind: "adam", weightDecay: 1 / training.rows },
    hasSampleWeights: training.isWeighted,
    backend,
    threads,
    seed,
  });
  try {
    const batchRows = Math.min(Math.max(Math.round(training.rows / 16), 16), 256);
    const epochs = Math.min(EPOCHS, Math.max(Math.ceil(STEPS / Math.ceil(training.rows / batchRows)), 5));
    const { weights } = await fit(
      learner,
      { training, validation, score: scoreOf(task).score },
      {
        epochs,
        batchRows,
        seed,
        learningRate: 0.03,
        schedule: { kind: "cosine" },
        warmUpSteps: 0,
        patienceEpochs: PATIENCE,
        mostSteps: null,
      },
      {
        signal,
        backend,
        now,
        report,
        saved: null,
        // It takes a moment, and is begun anew where it was interrupted.
        save: async () => undefined,
        checkpointAfterMs: () => Number.POSITIVE_INFINITY,
        plan: "baseline",
      },
    );
    learner.restore(new Map([...learner.state, ...weights]));
    const name = task.kind === "classification" ? "logistic regression" : "linear regression";
    const { figures, squaredErrors: errors } = await judged(learner, task, validation);
    return { baseline: { name, figures }, squaredErrors: errors };
  } finally {
    await learner.close();
  }
}

function linearNetwork({ inputs }: TrainingSet, outputs: number): Model {
  const g = graphBuilder({ opset: 17, name: "linear" });
  const flat = inputs.map(({ name, shape }) => {
    const input = g.input(name, "float32", ["N", ...shape]);
    return shape.length === 1 ? input : g.op("Flatten", [input], { axis: 1 });
  });
  const width = inputs.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const zeros = (name: string, shape: readonly number[]) =>
    g.constant({ dtype: "float32", shape, data: new Float32Array(elementCount(shape)) }, name);
  const features = flat.length === 1 ? flat[0]! : g.op("Concat", flat, { axis: 1 });
  const logits = g.op("Gemm", [features, zeros("weight", [width, outputs]), zeros("bias", [outputs])]);
  g.output("logits", logits, "float32", ["N", outputs]);
  return g.model();
}

async function judged(
  learner: Learner,
  task: Task,
  set: TrainingSet,
): Promise<Pick<FittedBaseline, "squaredErrors"> & { readonly figures: Figures }> {
  const count = figureCount(task);
  const errors = task.kind === "classification" ? null : new Float64Array(set.rows);
  for (let from = 0; from < set.rows; from += JUDGED_ROWS) {
    const batch = set.read(placesFrom(from, Math.min(JUDGED_ROWS, set.rows - from)));
    const { output } = await learner.judge(batch);
    const scores = output.data as Float32Array;
    const { data } = batch.target;
    if (task.kind === "classification") {
      count.add(shares(scores, task.labels.length), Array.from(data as BigInt64Array, Number));
    } else {
      const inUnit = (value: number) => value * task.scale + task.mean;
      const [answers, truths] = [Array.from(scores, inUnit), Array.from(data as Float32Array, inUnit)];
      count.add(answers, truths);
      errors!.set(squaredErrors(answers, truths), from);
    }
  }
  return { figures: count.figures(), squaredErrors: errors };
}

/** Softmax of each row. */
function shares(scores: Float32Array, classes: number): Float64Array {
  const made = new Float64Array(scores.length);
  for (let from = 0; from < scores.length; from += classes) {
    const row = scores.subarray(from, from + classes);
    const most = row.reduce((a, b) => Math.max(a, b));
    let total = 0;
    for (let at = 0; at < classes; at++) total += made[from + at] = Math.exp(row[at]! - most);
    for (let at = 0; at < classes; at++) made[from + at]! /= total;
  }
  return made;
}

function placesFrom(from: number, rows: number): Int32Array {
  return Int32Array.from({ length: rows }, (_, at) => from + at);
}

function targetsOf(set: TrainingSet): readonly number[] {
  return Array.from(set.read(placesFrom(0, set.rows)).target.data as ArrayLike<number | bigint>, Number);
}

function truthsOf(task: Task, set: TrainingSet): readonly number[] {
  const targets = targetsOf(set);
  return task.kind === "classification" ? targets : targets.map((value) => value * task.scale + task.mean);
}
