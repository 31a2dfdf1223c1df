// The figure a task is known for, as a number of each row whose mean it is: by it slices are told apart and models compared.
import { predictedClass } from "../quality/index.ts";
import type { Prepared } from "./prepare.ts";

export interface Headline {
  readonly metric: "accuracy" | "mae";
  /** [rows]: hits of 0 and 1, or errors; the figure is their weighted mean. */
  readonly values: Float64Array;
  readonly isShare: boolean;
  /** Whether more is better. */
  readonly isGain: boolean;
  /** [rows] */
  readonly weights: Float64Array;
}

export function headlineOf(prepared: Prepared): Headline {
  if (prepared.task === "classification") {
    const { rows: checked, options } = prepared;
    const { rows, labels, weights } = checked;
    const isHit = (row: number) => Number(predictedClass(checked, row, options.threshold) === labels[row]);
    return { metric: "accuracy", values: columnOf(rows, isHit), isShare: true, isGain: true, weights };
  }
  const { rows, targets, predictions, weights } = prepared.rows;
  const error = (row: number) => Math.abs(predictions[row]! - targets[row]!);
  return { metric: "mae", values: columnOf(rows, error), isShare: false, isGain: false, weights };
}

function columnOf(rows: number, valueOf: (row: number) => number): Float64Array {
  return Float64Array.from({ length: rows }, (_none, row) => valueOf(row));
}
