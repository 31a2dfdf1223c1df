// A job's process as its parent holds it. The work computes for minutes and may take all memory, so it is done in a child of
// its own; what is kept stays with the parent, which alone writes the data directory.
import { type Clock, SlipwayError, slipwayErrorFrom } from "@slipway/core/base";
import { ChannelChild, type ChannelScript, type ContainmentNeeds, containmentOf, errorFromFailure } from "#runtime";
import type { JobProgress } from "./job-run.ts";
import type { FromJob, Task, ToJob } from "./messages.ts";

export interface JobProcessOptions {
  /** What the process runs: a script that calls `serveJob`. */
  readonly script: Omit<ChannelScript, "serialization" | "containment">;
  /** Of one that itself handles what others made. */
  readonly contained?: ContainmentNeeds;
  readonly task: Task;
  readonly clock: Clock;
  /** Has it stop; where it does not within seconds, it is killed. */
  readonly signal: AbortSignal;
  readonly report: (progress: JobProgress) => void;
  /** Keeps what a later run needs to go on; resolves once it is stored. */
  readonly save: (state: unknown) => Promise<void>;
  /** Keeps a part of what comes of it; resolves once it is stored. */
  readonly find: (value: unknown) => Promise<void>;
}

/** How long it may take to stop, or to go when it is done. */
const STOP_MS = 3000;

/**
 * Carries a task out in a process of its own, and answers what came of it once that process is gone.
 * @throws SlipwayError what the task failed with; JOB_DIED where the process ended before it; the signal's reason
 */
export async function carryOutInProcess(options: JobProcessOptions): Promise<unknown> {
  const { script, contained, task, clock, signal } = options;
  signal.throwIfAborted();
  const containment = contained === undefined ? null : await containmentOf(contained);
  signal.throwIfAborted();
  const { promise: gone, resolve: onExit } = Promise.withResolvers<string>();
  let end: Extract<FromJob, { readonly type: "done" | "failed" }> | null = null;
  /** What is being stored; the process may go before that is done. */
  const storing = new Set<Promise<void>>();
  const child = new ChannelChild<ToJob, FromJob>(
    { ...script, serialization: "advanced", containment },
    {
      onExit,
      onMessage: (message) => {
        switch (message.type) {
          case "progress":
            if (!signal.aborted) options.report(message.progress);
            break;
          case "keep": {
            const stored = keep(options, message).then((answer) => child.send(answer));
            storing.add(stored);
            void stored.finally(() => storing.delete(stored));
            break;
          }
          case "done":
          case "failed":
            end = message;
            killLater();
            child.end();
            break;
        }
      },
    },
  );
  let cancelKill = (): void => {};
  const killLater = (): void => {
    cancelKill();
    cancelKill = clock.after(STOP_MS, () => child.kill());
  };
  const stop = (): void => {
    child.send({ type: "stop" });
    killLater();
  };
  signal.addEventListener("abort", stop);
  child.send({ type: "begin", task });
  try {
    const exit = await gone;
    await Promise.all(storing);
    return resultFrom(end, exit, signal);
  } finally {
    signal.removeEventListener("abort", stop);
    cancelKill();
  }
}

/** Never rejects. */
async function keep(
  { save, find }: JobProcessOptions,
  { id, what, value }: Extract<FromJob, { readonly type: "keep" }>,
): Promise<ToJob> {
  try {
    await (what === "found" ? find(value) : save(value));
    return { type: "kept", id };
  } catch (error) {
    const { code, message, details } = slipwayErrorFrom(error);
    return { type: "not-kept", id, failure: { code, message, ...(details === undefined ? {} : { details }) } };
  }
}

function resultFrom(
  end: Extract<FromJob, { readonly type: "done" | "failed" }> | null,
  exit: string,
  signal: AbortSignal,
): unknown {
  if (end?.type === "done") return end.result;
  signal.throwIfAborted();
  if (end === null) throw new SlipwayError("JOB_DIED", `The process that carried the job out is gone: ${exit}.`);
  const error = errorFromFailure(end.failure);
  if (end.trace === null) throw error;
  throw new SlipwayError(error.code, error.message, { cause: new Error(end.trace) });
}
