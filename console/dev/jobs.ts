// The fixture's jobs, in each state a page has to show; a test moves them on by hand.
import type { JobView } from "slipway/client";

const MINUTE = 60_000;

/** A job that waits, but for what is said of it. */
export function job(id: string, now: number, facts: Partial<JobView>): JobView {
  return {
    id,
    kind: "measure",
    subject: "digits@2",
    order: { what: ["quality"], options: {}, data: null },
    state: "queued",
    progress: null,
    hasCheckpoint: false,
    result: null,
    error: null,
    attempts: 1,
    cancelAskedAt: null,
    createdAt: now - 5 * MINUTE,
    startedAt: null,
    endedAt: null,
    actor: "console",
    reason: null,
    revision: 1,
    ...facts,
  };
}

export const JOBS = (now: number): JobView[] => [
  job("01QUEUED", now, { order: { what: ["compute", "size"] } }),
  job("01RUNNING", now, {
    state: "running",
    startedAt: now - 2 * MINUTE,
    progress: { done: 210, total: 500, text: "quality: 210 of 500 rows" },
    hasCheckpoint: true,
  }),
  job("01SUCCEEDED", now, {
    state: "succeeded",
    startedAt: now - 41 * MINUTE,
    endedAt: now - 40 * MINUTE,
    createdAt: now - 41 * MINUTE,
    result: { evidence: ["quality-2"] },
    actor: "cli",
  }),
  job("01FAILED", now, {
    subject: "sentiment@1",
    state: "failed",
    startedAt: now - 61 * MINUTE,
    endedAt: now - 60 * MINUTE,
    createdAt: now - 61 * MINUTE,
    error: { code: "ROWS_INVALID", message: "The labels hold 3 classes, and the output `logits` has 2 columns." },
  }),
  job("01CANCELLED", now, {
    state: "cancelled",
    startedAt: now - 90 * MINUTE,
    endedAt: now - 85 * MINUTE,
    createdAt: now - 91 * MINUTE,
    hasCheckpoint: true,
    reason: "before the demonstration",
  }),
];

/** A job with changes, as another revision. */
export function changed(before: JobView, changes: Partial<JobView>): JobView {
  return { ...before, ...changes, revision: before.revision + 1 };
}

/** A job that was just started. */
export function started(subject: string, order: unknown, reason: string | null, now: number): JobView {
  return job(`01STARTED${now}`, now, { subject, order, reason, createdAt: now });
}
