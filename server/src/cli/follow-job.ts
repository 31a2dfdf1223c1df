// A job as a command follows it to its end: how it goes on is shown, and Ctrl-C cancels it or leaves it.
import { SlipwayError } from "@slipway/core/base";
import { ApiError, type Client, type JobView } from "slipway/client";
import type { CommandContext } from "./command.ts";
import { progressText } from "./job-text.ts";
import { slipwayCommand } from "./running.ts";

type Surroundings = Pick<CommandContext, "environment" | "progress" | "signal">;

/**
 * The job once it has ended, however that was.
 * @param onInterrupt what Ctrl-C means: the job ends too, or it goes on and this command alone ends
 * @throws SlipwayError INTERRUPTED where the job was left; SERVER_UNREACHABLE where the server is gone
 */
export async function followJob(
  { environment, progress, signal }: Surroundings,
  client: Client,
  begun: JobView,
  onInterrupt: "cancel" | "leave",
): Promise<JobView> {
  const { id } = begun;
  const again = `${slipwayCommand(environment)} job watch ${id}`;
  let job = begun;
  let isCancelling = false;
  try {
    while (job.endedAt === null) {
      progress.update(progressText(job));
      if (!signal.aborted || isCancelling) job = await changed(client, job, isCancelling ? null : signal);
      else if (onInterrupt === "leave") {
        throw new SlipwayError("INTERRUPTED", `The job ${id} goes on. Watch it again: ${again}`);
      } else {
        isCancelling = true;
        job = await cancelled(client, job);
      }
    }
    return job;
  } catch (error) {
    if (!(error instanceof SlipwayError) || error.code !== "SERVER_UNREACHABLE") throw error;
    const message = `${error.message} The job ${id} is kept, and goes on when a server starts again. Then: ${again}`;
    throw new SlipwayError(error.code, message, { cause: error, details: { job: id } });
  } finally {
    progress.end();
  }
}

/** The job once it is another, or as it is after a while, or when the signal is aborted. */
async function changed(client: Client, job: JobView, signal: AbortSignal | null): Promise<JobView> {
  try {
    const input = { params: { id: job.id }, query: { since: job.revision } };
    return await client.getJob(input, signal === null ? {} : { signal });
  } catch (error) {
    if (signal?.aborted === true) return job;
    throw error;
  }
}

/** The job after it was asked to end. */
async function cancelled(client: Client, { id }: JobView): Promise<JobView> {
  const params = { id };
  try {
    return await client.cancelJob({ params, body: { reason: null } });
  } catch (error) {
    // It came to its end just before.
    if (error instanceof ApiError || error instanceof SlipwayError) {
      if (error.code === "STATE_CONFLICT") return await client.getJob({ params, query: {} });
    }
    throw error;
  }
}

/**
 * Expects that a job succeeded.
 * @throws ApiError what it failed with; SlipwayError INTERRUPTED where it was cancelled
 */
export function expectSuccess({ environment }: Pick<CommandContext, "environment">, job: JobView): void {
  const { id, state, error, hasCheckpoint } = job;
  const kept = hasCheckpoint ? " What it found until then is kept." : "";
  const resume = `\`${slipwayCommand(environment)} job resume ${id}\` ${hasCheckpoint ? "goes on from there" : "begins it anew"}.`;
  if (state === "cancelled")
    throw new SlipwayError("INTERRUPTED", `The job was cancelled.${kept} ${resume}`, { details: { job: id } });
  if (error !== null) throw new ApiError(0, error.code, `${error.message}${kept}`, { job: id });
}
