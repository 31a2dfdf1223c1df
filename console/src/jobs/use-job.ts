// One job, followed: the server holds each question until the job is another than the page knows.
import { useEffect, useState } from "react";
import { ApiError, client, type JobView } from "../api.ts";
import { hasEnded } from "./job-text.ts";

const WAIT_MS = 25_000;
/** Between questions after one that failed. */
const PAUSE_MS = 2000;

export interface FollowedJob {
  readonly job: JobView | null;
  readonly error: Error | null;
  /** Ask again, for instance after it was resumed. */
  readonly follow: () => void;
}

/** @param id null follows none, and keeps what was last known */
export function useJob(id: string | null): FollowedJob {
  const [state, setState] = useState<{ job: JobView | null; error: Error | null }>({ job: null, error: null });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (id === null) return undefined;
    const controller = new AbortController();
    void followJob(id, controller.signal, setState);
    return () => controller.abort();
  }, [id, turn]);
  return { ...state, follow: () => setTurn((n) => n + 1) };
}

async function followJob(
  id: string,
  signal: AbortSignal,
  tell: (state: { job: JobView | null; error: Error | null }) => void,
): Promise<void> {
  let job: JobView | null = null;
  while (!signal.aborted) {
    try {
      const query: { since?: number; waitMs?: number } = job === null ? {} : { since: job.revision, waitMs: WAIT_MS };
      job = await client.getJob({ params: { id }, query }, { signal });
      tell({ job, error: null });
      if (hasEnded(job)) return;
    } catch (error) {
      if (signal.aborted) return;
      tell({ job, error: error instanceof Error ? error : new Error(String(error)) });
      if (error instanceof ApiError && error.status === 404) return;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}
