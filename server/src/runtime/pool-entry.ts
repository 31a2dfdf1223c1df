// A request inside the pool, and the three ways it ends: answered, failed, too late. Whichever comes first counts.
import { SlipwayError } from "@slipway/core/base";
import type { NamedTensor } from "@slipway/core/tensor";
import type { RunOutcome, RunRequest, RunTimes } from "./executor.ts";

/** A request, from `run` until its stream ended. */
export interface Entry {
  readonly request: RunRequest;
  /** Null once the caller has its answer, or wants none. */
  done: ((outcome: RunOutcome) => void) | null;
  stream: number;
  /** Its runner said that it runs now. */
  isRunning: boolean;
  /** It was running when a runner died, so it runs by itself from now on. */
  isAlone: boolean;
  /** Runners that died while running it. */
  deaths: number;
}

export function fail(entry: Entry, error: SlipwayError): void {
  if (entry.done !== null) answer(entry, { ok: false, error });
}

export function succeed(entry: Entry, outputs: readonly NamedTensor[], times: RunTimes): void {
  if (entry.done !== null) answer(entry, { ok: true, outputs, times });
}

function answer(entry: Entry, outcome: RunOutcome): void {
  const done = entry.done!;
  entry.done = null;
  try {
    done(outcome);
  } catch (error) {
    // A caller's bug is not the runner's, nor its batch mates': it surfaces by itself.
    queueMicrotask(() => {
      throw error;
    });
  }
}

/** Answers those whose deadline passed; their streams stay open until the runner ends them. */
export function expire(entries: Iterable<Entry>, now: number): void {
  for (const entry of entries) {
    if (entry.done !== null && entry.request.deadline <= now) {
      fail(entry, new SlipwayError("DEADLINE_EXCEEDED", "The deadline passed before the answer was ready."));
    }
  }
}
