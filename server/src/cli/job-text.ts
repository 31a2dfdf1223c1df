// Jobs as people read them.
import type { JobView } from "slipway/client";
import type { Session } from "./session.ts";
import { columns, count, duration, moment, table } from "./text.ts";

const MOST_JSON = 400;

/** How far a job is, in a line. */
export function progressText(job: JobView): string {
  return `${job.kind} ${job.subject}: ${stateText(job)}`;
}

/** `running, 42 %: quality, 300 rows`, `queued`. */
function stateText({ state, progress, cancelAskedAt, hasCheckpoint }: JobView): string {
  if (state === "queued") return hasCheckpoint ? "queued, to go on where it ended" : "queued";
  if (state !== "running") return state;
  if (cancelAskedAt !== null) return "running, to be cancelled";
  return progress === null ? "running" : `running, ${doneText(progress)}${progress.text}`;
}

function doneText({ done, total }: NonNullable<JobView["progress"]>): string {
  if (total === null) return done === 0 ? "" : `${count(done)}: `;
  return total === 0 ? "" : `${Math.floor((100 * done) / total)} %: `;
}

/** What is said of a job nobody waits for. */
export function queuedText({ id, kind, subject }: JobView, session: Session["kind"], slipway: string): string {
  return session === "server"
    ? `The job ${id} is queued: ${kind} ${subject}. Watch it: ${slipway} job watch ${id}`
    : `The job ${id} is queued: ${kind} ${subject}. It begins when a server starts, or now with: ${slipway} job resume ${id}`;
}

export function jobTable(jobs: readonly JobView[]): string {
  const rows = jobs.map((job) => [job.id, job.kind, job.subject, stateText(job), moment(job.createdAt), tookText(job)]);
  return table(["job", "kind", "of", "state", "asked for", "took"], rows, "lllllr").join("\n");
}

export function jobText(job: JobView): string {
  const { id, kind, subject, createdAt, startedAt, endedAt, actor, reason, attempts, error } = job;
  const facts = [
    ["job", id],
    ["what", `${kind} ${subject}`],
    ["state", stateText(job)],
    ["asked for", `${moment(createdAt)} by ${actor}${reason === null ? "" : `: ${reason}`}`],
    ["begun", startedAt === null ? "not yet" : moment(startedAt)],
    ...(endedAt === null
      ? []
      : [["ended", `${moment(endedAt)}${startedAt === null ? "" : `, after ${tookText(job)}`}`]]),
    ...(attempts > 1 ? [["attempts", `${attempts} since it last finished a part`]] : []),
    ...(error === null ? [] : [["error", `${error.code} ${error.message}`]]),
    ["order", jsonText(job.order)],
    ...(job.result === null ? [] : [["result", jsonText(job.result)]]),
  ];
  return columns(facts).join("\n");
}

function tookText({ startedAt, endedAt }: JobView): string {
  return startedAt === null || endedAt === null ? "–" : duration(endedAt - startedAt);
}

function jsonText(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length <= MOST_JSON ? text : `${text.slice(0, MOST_JSON)} … (all of it with --json)`;
}
