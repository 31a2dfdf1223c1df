// A job in words: what it is to do, how it stands, how long it takes.
import type { JobView } from "../api.ts";
import { durationText } from "../parts/format.ts";

/** Whether nobody will carry it on unless asked to. */
export function hasEnded({ state }: Pick<JobView, "state">): boolean {
  return state !== "queued" && state !== "running";
}

/** Its state as a mark; one that is to end, and has not yet, says so. */
export function jobState({
  state,
  cancelAskedAt,
}: Pick<JobView, "state" | "cancelAskedAt">): JobView["state"] | "cancelling" {
  return state === "running" && cancelAskedAt !== null ? "cancelling" : state;
}

/** `measure quality, size`, `training`; the kind alone where its order is none this console knows. */
export function jobTitle({ kind, order }: Pick<JobView, "kind" | "order">): string {
  if (kind === "train") return "training";
  const what = (order as { what?: unknown } | null)?.what;
  return Array.isArray(what) && what.length > 0 ? `${kind} ${what.join(", ")}` : kind;
}

/** From 0 to 1; null where nobody knows. */
export function shareDone({ state, progress }: Pick<JobView, "state" | "progress">): number | null {
  if (state === "succeeded") return 1;
  if (progress === null || progress.total === null || progress.total <= 0) return null;
  return Math.min(1, Math.max(0, progress.done / progress.total));
}

/** How long it has taken, from when it was first begun; null before that. */
export function takenText({ startedAt, endedAt }: Pick<JobView, "startedAt" | "endedAt">, now: number): string | null {
  return startedAt === null ? null : durationText((endedAt ?? now) - startedAt);
}

/** The version a job is about, where it is about one: `digits@2`. */
export function versionOf({ subject }: Pick<JobView, "subject">): { name: string; number: number } | null {
  const found = /^(.+)@([1-9]\d*)$/.exec(subject);
  return found === null ? null : { name: found[1]!, number: Number(found[2]) };
}
