// What answers are worth on rows that were not trained by, in figures as scikit-learn has them.
import { meanInterval, wilsonInterval } from "@slipway/core/stats";
import type { Task } from "./task.ts";

export type Figures =
  | {
      readonly kind: "classification";
      readonly rows: number;
      readonly accuracy: number;
      /** Of the accuracy, at 95 %, by Wilson. */
      readonly interval: readonly [number, number];
      /** The mean of the classes' recalls. */
      readonly balancedAccuracy: number;
      /** Mean of −ln of the probability of the right class. */
      readonly logLoss: number;
    }
  | {
      readonly kind: "regression";
      readonly rows: number;
      readonly r2: number;
      /** Root of the mean squared error, in the target's unit. */
      readonly rmse: number;
      /** Mean absolute error, in the target's unit. */
      readonly mae: number;
    };

/** As scikit-learn clips probabilities of float64: its machine epsilon. */
const LEAST_PROBABILITY = Number.EPSILON;

/** Adds up what answers are worth, over any number of batches. */
export interface FigureCount {
  /** @param answers probabilities [rows, classes], or numbers [rows] @param truths class indices, or numbers */
  add(answers: ArrayLike<number>, truths: ArrayLike<number>): void;
  figures(): Figures;
}

export function figureCount(task: Task): FigureCount {
  return task.kind === "classification" ? new ClassFigures(task.labels.length) : new NumberFigures();
}

class ClassFigures implements FigureCount {
  readonly #classes: number;
  readonly #rows: number[];
  readonly #right: number[];
  #loss = 0;

  constructor(classes: number) {
    this.#classes = classes;
    this.#rows = Array.from({ length: classes }, () => 0);
    this.#right = Array.from({ length: classes }, () => 0);
  }

  add(answers: ArrayLike<number>, truths: ArrayLike<number>): void {
    const classes = this.#classes;
    for (let row = 0; row < truths.length; row++) {
      const truth = truths[row]!;
      let best = 0;
      for (let one = 1; one < classes; one++)
        if (answers[row * classes + one]! > answers[row * classes + best]!) best = one;
      this.#rows[truth]! += 1;
      if (best === truth) this.#right[truth]! += 1;
      const probability = answers[row * classes + truth]!;
      this.#loss -= Math.log(Math.min(Math.max(probability, LEAST_PROBABILITY), 1 - LEAST_PROBABILITY));
    }
  }

  figures(): Figures {
    const rows = sum(this.#rows);
    const right = sum(this.#right);
    const { lower, upper } = wilsonInterval(right, rows);
    const recalls = this.#rows.flatMap((count, one) => (count === 0 ? [] : [this.#right[one]! / count]));
    return {
      kind: "classification",
      rows,
      accuracy: right / rows,
      interval: [lower, upper],
      balancedAccuracy: sum(recalls) / recalls.length,
      logLoss: this.#loss / rows,
    };
  }
}

class NumberFigures implements FigureCount {
  #rows = 0;
  #squares = 0;
  #absolutes = 0;
  #mean = 0;
  #spread = 0;

  add(answers: ArrayLike<number>, truths: ArrayLike<number>): void {
    for (let row = 0; row < truths.length; row++) {
      const truth = truths[row]!;
      const error = answers[row]! - truth;
      this.#squares += error ** 2;
      this.#absolutes += Math.abs(error);
      // Welford's mean and sum of squared distances.
      this.#rows += 1;
      const from = truth - this.#mean;
      this.#mean += from / this.#rows;
      this.#spread += from * (truth - this.#mean);
    }
  }

  figures(): Figures {
    const rows = this.#rows;
    const isAlike = this.#spread === 0;
    const r2 = isAlike ? (this.#squares === 0 ? 1 : 0) : 1 - this.#squares / this.#spread;
    return { kind: "regression", rows, r2, rmse: Math.sqrt(this.#squares / rows), mae: this.#absolutes / rows };
  }
}

/** (answer − truth)² of each row. */
export function squaredErrors(answers: ArrayLike<number>, truths: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: truths.length }, (_, row) => (answers[row]! - truths[row]!) ** 2);
}

/**
 * By how much the mean squared error is less than another's on the same rows, at 95 %: Student's interval of paired differences.
 * null where there are too few rows, or errors too large, to say.
 */
export function errorGain(own: Float64Array, other: Float64Array): readonly [number, number] | null {
  const differences = own.map((error, row) => other[row]! - error);
  if (differences.length < 2 || !differences.every(Number.isFinite)) return null;
  const { lower, upper } = meanInterval(differences);
  return Number.isFinite(lower) && Number.isFinite(upper) ? [lower, upper] : null;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
