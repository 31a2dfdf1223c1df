// The other end of a job's process: it is told one task, carries it out, and tells how that goes.
import { type Clock, SlipwayError, slipwayErrorFrom } from "@slipway/core/base";
import { errorFromFailure, watchParent } from "#runtime";
import type { JobProgress, JobRun } from "./job-run.ts";
import { LatestOnly } from "./latest-only.ts";
import type { FromJob, Task, ToJob } from "./messages.ts";

/** A job as the work in its process sees it. */
export interface TaskRun extends JobRun {
  /** Keeps a part of what comes of it; resolves once it is stored. */
  readonly find: (value: unknown) => Promise<void>;
}

/** Carries out tasks of one kind, and answers what came of them. */
export type Work = (order: unknown, run: TaskRun) => Promise<unknown>;

const PROGRESS_MS = 250;

/**
 * Makes this process one that carries out the task its parent sends, and goes when that is done or the parent is gone, even
 * while it computes.
 * @param works by kinds of jobs
 */
export function serveJob(works: Readonly<Record<string, Work>>, clock: Clock): void {
  // What the terminal sends to all of a group is the parent's to decide.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
  process.on("disconnect", () => process.exit(0));
  watchParent(process.ppid, { removesDirectory: false });
  const send = (message: FromJob): void => {
    if (process.connected) process.send!(message);
  };
  const stopping = new AbortController();
  const kept = new Map<number, { readonly resolve: () => void; readonly reject: (error: SlipwayError) => void }>();
  let keeps = 0;
  const keep = async (what: "state" | "found", value: unknown): Promise<void> => {
    const id = ++keeps;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    kept.set(id, { resolve, reject });
    send({ type: "keep", id, what, value });
    await promise.finally(() => kept.delete(id));
  };
  const progress = new LatestOnly<JobProgress>(clock, PROGRESS_MS, (value) =>
    send({ type: "progress", progress: value }),
  );
  const begin = async ({ kind, order, saved }: Task): Promise<FromJob> => {
    try {
      const work = works[kind];
      if (work === undefined) throw new Error(`No work of the kind "${kind}" is known in a job's process.`);
      const run: TaskRun = {
        signal: stopping.signal,
        report: (value) => progress.set(value),
        saved,
        save: (state) => keep("state", state),
        find: (value) => keep("found", value),
      };
      const result = await work(order, run);
      progress.flush();
      return { type: "done", result };
    } catch (error) {
      const { code, message, details, cause } = slipwayErrorFrom(error);
      const trace =
        code !== "INTERNAL" ? null : cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
      return { type: "failed", failure: { code, message, ...(details === undefined ? {} : { details }) }, trace };
    }
  };
  process.on("message", (message: ToJob) => {
    switch (message.type) {
      case "begin":
        void begin(message.task).then(send);
        break;
      case "stop":
        stopping.abort(new SlipwayError("INTERRUPTED", "The job is to stop."));
        break;
      case "kept":
        kept.get(message.id)?.resolve();
        break;
      case "not-kept":
        kept.get(message.id)?.reject(errorFromFailure(message.failure));
        break;
    }
  });
}
