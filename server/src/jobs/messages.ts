// What a process that carries a job out and the one that keeps it say to each other, over Node's channel between child and
// parent.
import type { Failure } from "#runtime";
import type { JobProgress } from "./job-run.ts";

/** What is to be done, in full: nothing of it has to be looked up. Plain JSON. */
export interface Task {
  readonly kind: string;
  readonly order: unknown;
  /** As in `JobRun`. */
  readonly saved: unknown;
}

export type ToJob =
  | { readonly type: "begin"; readonly task: Task }
  | { readonly type: "stop" }
  /** What was to be kept is on the disk. */
  | { readonly type: "kept"; readonly id: number }
  | { readonly type: "not-kept"; readonly id: number; readonly failure: Failure };

export type FromJob =
  | { readonly type: "progress"; readonly progress: JobProgress }
  /** `found` is a part of what comes of the job, `state` what a later run needs to go on. */
  | { readonly type: "keep"; readonly id: number; readonly what: "state" | "found"; readonly value: unknown }
  | { readonly type: "done"; readonly result: unknown }
  /** `trace` is for the log, where something broke that should not. */
  | { readonly type: "failed"; readonly failure: Failure; readonly trace: string | null };
