// What a job is: a long task as it is kept, so that it outlives whoever asked for it and whoever carries it out.
import type { JobProgress } from "./job-run.ts";

export type JobState = "queued" | "running" | "succeeded" | "failed" | "cancelled";

/** From each state, the states that may follow. */
export const NEXT_STATES: Readonly<Record<JobState, readonly JobState[]>> = {
  queued: ["running", "cancelled", "failed"],
  // Back to the queue when what carried it out ended first.
  running: ["queued", "succeeded", "failed", "cancelled"],
  succeeded: [],
  failed: ["queued"],
  cancelled: ["queued"],
};

export const JOB_STATES = Object.keys(NEXT_STATES) as readonly JobState[];

/** Whether nobody will carry it on unless asked to. */
export function hasEnded(state: JobState): boolean {
  return state !== "queued" && state !== "running";
}

export interface Job {
  readonly tenant: string;
  /** Later ones sort behind earlier ones. */
  readonly id: string;
  /** What sort of task: "measure". */
  readonly kind: string;
  /** Version of the kind's forms: of `order`, `checkpoint` and `result`, which are JSON. */
  readonly schema: number;
  /** What it is about, for people: "digits@1". */
  readonly subject: string;
  /** What is to be done. */
  readonly order: unknown;
  readonly state: JobState;
  /** As last heard; null before it first said. */
  readonly progress: JobProgress | null;
  /** What a later run needs to go on where an earlier one ended; null where there is nothing. */
  readonly checkpoint: unknown;
  /** What came of it; null unless it succeeded. */
  readonly result: unknown;
  /** Why it failed; null unless it did. */
  readonly error: { readonly code: string; readonly message: string } | null;
  /** How often it was begun since it last finished a part of its task. */
  readonly attempts: number;
  /** Who carries it out, and until when that is believed without a sign of life; null where nobody does. */
  readonly lease: { readonly holder: string; readonly until: number } | null;
  /** Since when it is to end, where it runs on; null where nobody asked. */
  readonly cancelAskedAt: number | null;
  readonly createdAt: number;
  /** When it was first begun. */
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** Who asked for it, and why. */
  readonly actor: string;
  readonly reason: string | null;
  /** Another one after each change. */
  readonly revision: number;
}

/** How a job ends. */
export type JobEnd =
  | { readonly state: "succeeded"; readonly result: unknown }
  | { readonly state: "failed"; readonly code: string; readonly message: string }
  | { readonly state: "cancelled" };

/** Stored bytes a job needs. */
export interface JobBlob {
  readonly hash: string;
  readonly sizeBytes: number;
}

export interface NewJob {
  readonly kind: string;
  readonly schema: number;
  readonly subject: string;
  readonly order: unknown;
  /** Kept from garbage collection, and in backups, until it succeeded or is forgotten. */
  readonly blobs: readonly JobBlob[];
  readonly actor: string;
  readonly reason: string | null;
}

export interface JobFilter {
  readonly state?: JobState;
  readonly kind?: string;
  readonly subject?: string;
  readonly limit: number;
}
