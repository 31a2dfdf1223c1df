// What is learnt from rows: one of some classes, or a number.
import type { Loss } from "@slipway/core/autodiff";
import type { Tensor } from "@slipway/core/tensor";
import { accuracy, rSquared } from "./scores.ts";

export const TASK_KINDS = ["classification", "regression"] as const;
export type TaskKind = (typeof TASK_KINDS)[number];

/** What is to be answered of a row. */
export type Task =
  | {
      readonly kind: "classification";
      /** The target's column. */
      readonly target: string;
      /** By the index of the class. */
      readonly labels: readonly string[];
    }
  | {
      readonly kind: "regression";
      readonly target: string;
      /** Of the rows trained by: a network learns (value − mean) / scale. */
      readonly mean: number;
      readonly scale: number;
    };

/** Numbers a network answers for a row. */
export function outputsOf(task: Task): number {
  return task.kind === "classification" ? task.labels.length : 1;
}

/** @param classWeights what rows of each class count, where not all count alike */
export function lossOf(task: Task, classWeights: readonly number[] | null = null): Loss {
  if (task.kind === "regression") return { kind: "mean-squared-error" };
  return classWeights === null ? { kind: "cross-entropy" } : { kind: "cross-entropy", classWeights };
}

/** The name of what answers are worth, and how it is found. */
export function scoreOf(task: Task): {
  readonly name: "accuracy" | "R²";
  readonly score: (outputs: readonly Tensor[], targets: readonly Tensor[]) => number;
} {
  return task.kind === "classification" ? { name: "accuracy", score: accuracy } : { name: "R²", score: rSquared };
}
