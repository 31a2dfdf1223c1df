// The loop: epochs over rows in a seeded order, a step for each batch, a look at rows that are not trained by, the best weights kept,
// and a checkpoint now and then. Whatever ends it, it goes on from there to the same weights, bit by bit, on one thread.
import { type Schedule, learningRateAt } from "@slipway/core/autodiff";
import type { Backend } from "@slipway/core/backend";
import { assert, SlipwayError } from "@slipway/core/base";
import type { Tensor } from "@slipway/core/tensor";
import { type EpochPoint, bytesFromFitState, type FitState, fitStateFromBytes } from "./checkpoint.ts";
import type { Learner } from "./learner.ts";
import { divergedError, firstNonFinite, neverFiniteError } from "./non-finite.ts";
import { epochOrder } from "./randomness.ts";
import type { Tensors } from "./step-engine.ts";
import type { TrainingSet } from "./training-set.ts";

export interface FitPlan {
  readonly epochs: number;
  /** Rows of a batch; the last of an epoch has what is left. */
  readonly batchRows: number;
  /** Of the order of rows, from 0 below 2³². */
  readonly seed: number;
  readonly learningRate: number;
  readonly schedule: Schedule;
  /** Steps over which the rate rises from 0. */
  readonly warmUpSteps: number;
  /** Ends after so many epochs without a better validation loss; null goes to the end. */
  readonly patienceEpochs: number | null;
  /** Ends after so many steps, in whichever epoch; null leaves it to the epochs. */
  readonly mostSteps: number | null;
}

export interface FitData {
  readonly training: TrainingSet;
  /** Rows whose loss chooses the best weights; null keeps the last. */
  readonly validation: TrainingSet | null;
  /** What answers are worth: accuracy, or R². */
  readonly score: (outputs: readonly Tensor[], targets: readonly Tensor[]) => number;
}

export interface FitRun {
  readonly signal: AbortSignal;
  readonly backend: Backend;
  /** Milliseconds that only grow. */
  readonly now: () => number;
  readonly report: (progress: FitProgress) => void;
  /** The checkpoint to go on from; null begins. */
  readonly saved: Uint8Array | null;
  /** Keeps a checkpoint; resolves once it is stored. */
  readonly save: (checkpoint: Uint8Array) => Promise<void>;
  /** Told after each epoch, and when it goes on from a checkpoint. */
  readonly onEpoch?: (history: readonly EpochPoint[]) => Promise<void>;
  /** How long to wait for the next checkpoint, given how long the last one took. */
  readonly checkpointAfterMs: (lastMs: number) => number;
  /** Hash of what is fitted to what: a checkpoint of something else is refused. */
  readonly plan: string;
}

export interface FitProgress {
  readonly step: number;
  readonly steps: number;
  readonly epoch: number;
  readonly loss: number;
  readonly rowsPerSecond: number;
  /** Where every epoch is gone through to the end. */
  readonly secondsLeft: number;
  readonly history: readonly EpochPoint[];
}

export interface Fitted {
  /** The best by validation; the last without. */
  readonly weights: Tensors;
  readonly history: readonly EpochPoint[];
  /** The epoch the weights are of, from 1. */
  readonly bestEpoch: number;
  readonly steps: number;
  readonly endedBy: "epochs" | "steps" | "patience";
  readonly seconds: number;
}

/** What a batch of validation has at most. */
const JUDGED_ROWS = 1024;

/**
 * Fits a learner to rows.
 * @throws SlipwayError TRAINING_DIVERGED where a loss is no finite number, or that of validation never is; STATE_CONFLICT for a checkpoint of another plan; the
 *   signal's reason, after a last checkpoint
 */
export async function fit(learner: Learner, data: FitData, plan: FitPlan, run: FitRun): Promise<Fitted> {
  const loop = new FitLoop(learner, data, plan, run);
  return await loop.run();
}

class FitLoop {
  readonly #learner: Learner;
  readonly #data: FitData;
  readonly #plan: FitPlan;
  readonly #run: FitRun;
  readonly #stepsOfEpoch: number;
  readonly #steps: number;
  #step = 0;
  #epoch = 0;
  #stepOfEpoch = 0;
  #lossSum = 0;
  #lossRows = 0;
  #history: EpochPoint[] = [];
  #best: FitState["best"] = null;
  /** Of runs before this one. */
  #secondsBefore = 0;
  readonly #begunAt: number;
  #savedAt: number;
  #saveMs = 0;
  #savedStep: number | null = null;
  #rowsDone = 0;

  constructor(learner: Learner, data: FitData, plan: FitPlan, run: FitRun) {
    this.#learner = learner;
    this.#data = data;
    this.#plan = plan;
    this.#run = run;
    this.#stepsOfEpoch = Math.ceil(data.training.rows / plan.batchRows);
    assert(this.#stepsOfEpoch > 0, "There are no rows to train by.");
    this.#steps = Math.min(this.#stepsOfEpoch * plan.epochs, plan.mostSteps ?? Number.POSITIVE_INFINITY);
    this.#begunAt = run.now();
    this.#savedAt = this.#begunAt;
    if (run.saved !== null) this.#restore(fitStateFromBytes(run.saved));
  }

  async run(): Promise<Fitted> {
    if (this.#step > 0) await this.#run.onEpoch?.([...this.#history]);
    for (;;) {
      const endedBy = this.#endedBy();
      if (endedBy !== null) return this.#fitted(endedBy);
      await this.#doEpoch();
    }
  }

  #endedBy(): Fitted["endedBy"] | null {
    const { epochs, patienceEpochs, mostSteps } = this.#plan;
    if (mostSteps !== null && this.#step >= mostSteps) return "steps";
    if (this.#stepOfEpoch === 0) {
      const since = this.#epoch - (this.#best?.epoch ?? 0);
      if (patienceEpochs !== null && this.#data.validation !== null && since >= patienceEpochs) return "patience";
      if (this.#epoch >= epochs) return "epochs";
    }
    return null;
  }

  async #doEpoch(): Promise<void> {
    const { training } = this.#data;
    const { batchRows, seed } = this.#plan;
    const order = epochOrder(training.rows, seed, this.#epoch);
    while (this.#stepOfEpoch < this.#stepsOfEpoch && this.#step < this.#steps) {
      await this.#stopIfAsked();
      const from = this.#stepOfEpoch * batchRows;
      await this.#doStep(order.subarray(from, from + batchRows));
      if (this.#isDue()) await this.#save();
    }
    await this.#endEpoch();
  }

  async #doStep(places: Int32Array): Promise<void> {
    const { training } = this.#data;
    const number = this.#step + 1;
    const learningRate = this.#rateOf(number);
    const batch = training.read(places, this.#epoch);
    const settings = { number, learningRate };
    const loss = await this.#learner.step(batch, settings);
    if (!Number.isFinite(loss)) await this.#diverged(loss, learningRate, places);
    this.#step = number;
    this.#stepOfEpoch++;
    this.#lossSum += loss * places.length;
    this.#lossRows += places.length;
    this.#rowsDone += places.length;
    this.#report(loss);
  }

  #rateOf(step: number): number {
    const { schedule, learningRate, warmUpSteps } = this.#plan;
    return learningRateAt(step, { schedule, learningRate, steps: this.#steps, warmUp: warmUpSteps });
  }

  async #endEpoch(): Promise<void> {
    const { validation } = this.#data;
    this.#epoch++;
    this.#stepOfEpoch = 0;
    const judged = validation === null ? null : await this.#judge(validation);
    this.#history.push({
      epoch: this.#epoch,
      step: this.#step,
      trainingLoss: this.#lossSum / this.#lossRows,
      validationLoss: judged?.loss ?? null,
      validationScore: judged?.score ?? null,
      learningRate: this.#rateOf(this.#step),
      seconds: this.#seconds(),
    });
    this.#lossSum = 0;
    this.#lossRows = 0;
    if (judged !== null && judged.loss < (this.#best?.loss ?? Number.POSITIVE_INFINITY)) {
      this.#best = { epoch: this.#epoch, loss: judged.loss, weights: this.#learner.weights };
    }
    await this.#run.onEpoch?.([...this.#history]);
    if (this.#isDue()) await this.#save();
  }

  async #judge(set: TrainingSet): Promise<{ readonly loss: number; readonly score: number }> {
    const outputs: Tensor[] = [];
    const targets: Tensor[] = [];
    let [sum, weights] = [0, 0];
    for (let from = 0; from < set.rows; from += JUDGED_ROWS) {
      await this.#stopIfAsked();
      const rows = Math.min(JUDGED_ROWS, set.rows - from);
      const batch = set.read(Int32Array.from({ length: rows }, (_, at) => from + at));
      const { loss, weight, output } = await this.#learner.judge(batch);
      sum += loss * weight;
      weights += weight;
      outputs.push(output);
      targets.push(batch.target);
    }
    return { loss: sum / weights, score: this.#data.score(outputs, targets) };
  }

  #isDue(): boolean {
    return this.#run.now() - this.#savedAt >= this.#run.checkpointAfterMs(this.#saveMs);
  }

  /** Keeps where it is, unless a weight is no number any more: what is gone on from has to be good. */
  async #save(): Promise<void> {
    const state: FitState = {
      plan: this.#run.plan,
      step: this.#step,
      epoch: this.#epoch,
      stepOfEpoch: this.#stepOfEpoch,
      lossSum: this.#lossSum,
      lossRows: this.#lossRows,
      seconds: this.#seconds(),
      history: this.#history,
      best: this.#best,
      carried: this.#learner.state,
    };
    if (!areFinite(state.carried)) return;
    const begunAt = this.#run.now();
    await this.#run.save(bytesFromFitState(state));
    this.#savedAt = this.#run.now();
    this.#saveMs = this.#savedAt - begunAt;
    this.#savedStep = this.#step;
  }

  /** A checkpoint before it ends, so that little is lost by being asked to. @throws the signal's reason */
  async #stopIfAsked(): Promise<void> {
    const { signal } = this.#run;
    if (!signal.aborted) return;
    if (this.#step > (this.#savedStep ?? 0)) await this.#save();
    signal.throwIfAborted();
  }

  #restore(state: FitState): void {
    if (state.plan !== this.#run.plan) {
      throw new SlipwayError(
        "STATE_CONFLICT",
        "The checkpoint is of another network, other rows or other settings, so this run can't go on from it. Train anew.",
      );
    }
    this.#learner.restore(state.carried);
    this.#step = state.step;
    this.#epoch = state.epoch;
    this.#stepOfEpoch = state.stepOfEpoch;
    this.#lossSum = state.lossSum;
    this.#lossRows = state.lossRows;
    this.#history = [...state.history];
    this.#best = state.best;
    this.#secondsBefore = state.seconds;
    this.#savedStep = state.step;
  }

  async #diverged(loss: number, learningRate: number, places: Int32Array): Promise<never> {
    const batch = this.#data.training.read(places, this.#epoch);
    const inside = this.#learner.inside(batch, { number: this.#step + 1, learningRate });
    throw divergedError({
      step: this.#step + 1,
      epoch: this.#epoch + 1,
      loss,
      learningRate,
      places,
      found: await firstNonFinite(inside, places.length, this.#run.backend),
      checkpointStep: this.#savedStep,
    });
  }

  #report(loss: number): void {
    const seconds = this.#seconds() - this.#secondsBefore;
    const rate = seconds > 0 ? this.#rowsDone / seconds : 0;
    const left = (this.#steps - this.#step) / this.#stepsOfEpoch;
    this.#run.report({
      step: this.#step,
      steps: this.#steps,
      epoch: this.#epoch + 1,
      loss,
      rowsPerSecond: rate,
      secondsLeft: rate > 0 ? (left * this.#data.training.rows) / rate : 0,
      history: this.#history,
    });
  }

  #seconds(): number {
    return this.#secondsBefore + (this.#run.now() - this.#begunAt) / 1000;
  }

  #fitted(endedBy: Fitted["endedBy"]): Fitted {
    const last = this.#history.at(-1);
    // What answers rows it has not seen with no number at all must not come to be served.
    if (this.#data.validation !== null && this.#best === null && last !== undefined)
      throw neverFiniteError(last.epoch, last.validationLoss!, this.#savedStep);
    return {
      weights: this.#best?.weights ?? this.#learner.weights,
      history: this.#history,
      bestEpoch: this.#best?.epoch ?? this.#epoch,
      steps: this.#step,
      endedBy,
      seconds: this.#seconds(),
    };
  }
}

function areFinite(tensors: Tensors): boolean {
  for (const { dtype, data } of tensors.values()) {
    if (dtype !== "float32" && dtype !== "float64") continue;
    if ((data as Float32Array).some((value) => !Number.isFinite(value))) return false;
  }
  return true;
}
