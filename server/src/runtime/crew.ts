// Another front's requests at a pool's runners, as the pool sees them: it tells of runners that come and go, and hears
// what of theirs was running. Fronts are processes, so answers come when they come.
import type { Verdict } from "./dispatcher.ts";
import type { LoadedModel } from "./control.ts";
import type { BatchingPlan, ExecutorState } from "./executor.ts";
import type { RunnerHandle } from "./runner-handle.ts";

export interface Crew {
  /** A runner is ready and takes links. */
  runnerReady(runner: number, handle: RunnerHandle, model: LoadedModel): void;
  /** A runner is gone. `report` is to be called once, with how many of the crew's requests it was running. */
  runnerLost(runner: number, report: (running: number) => void): void;
  /** What that means. `report` is to be called once, with the fingerprint of the crew's request that was the cause. */
  judge(runner: number, verdict: Verdict, report: (fingerprint: string | null) => void): void;
  /** The crew's requests that were at the runner go on: at others, or when it is back. */
  resume(runner: number): void;
  stateChanged(state: ExecutorState, reason: string | null): void;
  batchingChanged(plan: BatchingPlan): void;
}
