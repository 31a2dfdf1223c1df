// What the rest of the server knows of a deployment's runners: it takes requests, answers each exactly once, and says
// how it is. Runner processes, frames, batches and retries are behind it; serve's simulations put a fake in front.
import type { SlipwayError } from "@slipway/core/base";
import type { NamedTensor, Signature } from "@slipway/core/tensor";

/** One request as a runner takes it: checked against the signature, all inputs with the same first axis where batched. */
export interface RunRequest {
  readonly inputs: readonly NamedTensor[];
  /** Names of the outputs wanted, in the order they are to be answered. */
  readonly outputs: readonly string[];
  /** Rows this request adds to a batch; 1 where the model is served unbatched. */
  readonly rows: number;
  /** When its answer is no longer wanted, in `Clock.now()` milliseconds. */
  readonly deadline: number;
}

/** Where a request's time went, in nanoseconds, as the runner measured it. */
export interface RunTimes {
  /** From the frame's arrival at the runner until its batch was formed. */
  readonly queueNs: number;
  /** Decoding frames and joining rows. */
  readonly inputNs: number;
  /** The run itself. */
  readonly inferNs: number;
  /** Splitting rows and encoding frames. */
  readonly outputNs: number;
  /** Rows and requests of the batch it ran in. */
  readonly batchRows: number;
  readonly batchRequests: number;
}

export type RunOutcome =
  | { readonly ok: true; readonly outputs: readonly NamedTensor[]; readonly times: RunTimes }
  | { readonly ok: false; readonly error: SlipwayError };

/** Tells the runner that nobody waits any more. The outcome, should one still come, is dropped. */
export type CancelRun = () => void;

/** How requests of this deployment share runs. */
export interface BatchingPlan {
  readonly mode: "dynamic" | "off";
  /** Most rows in one run; 1 when off. */
  readonly maxRows: number;
  /** Why batching is off or limited, for people; null when it is simply on. */
  readonly reason: string | null;
  /** Axis along which inputs may be padded; null never pads. */
  readonly padAxis: number | null;
}

export type ExecutorState = "loading" | "ready" | "recovering" | "quarantined" | "closed";

export interface RunnerStatus {
  readonly id: number;
  readonly pid: number | null;
  readonly state: "starting" | "ready" | "dead";
  readonly residentBytes: number | null;
  readonly startedAtMs: number;
  readonly runs: number;
  readonly inFlight: number;
}

/** A runner's death, kept for people to read. */
export interface RunnerDeath {
  readonly atMs: number;
  readonly cause: "run-timeout" | "memory" | "crash" | "protocol";
  readonly text: string;
  /** Distinguishes inputs without keeping them: a keyed hash of the inputs that were running alone, else null. */
  readonly inputFingerprint: string | null;
}

export interface ExecutorStatus {
  readonly state: ExecutorState;
  /** Why it is not ready, for people. */
  readonly reason: string | null;
  readonly backend: string;
  readonly intraOpThreads: number;
  readonly batching: BatchingPlan;
  readonly runners: readonly RunnerStatus[];
  /** The latest; forgotten when a quarantine ends. */
  readonly deaths: readonly RunnerDeath[];
  /** How many there were since the load. */
  readonly deathsByCause: Readonly<Partial<Record<RunnerDeath["cause"], number>>>;
  /** What confines the runners here, and what could not be applied: "memory ceiling 4 GiB (polling)", … */
  readonly containment: readonly string[];
  readonly loadMs: number;
}

export interface Executor {
  readonly signature: Signature;
  readonly batching: BatchingPlan;
  /** Requests that may be in flight at once: enough to keep every runner's next batch full, no more. */
  readonly credits: number;
  /** Takes a request. `done` is called exactly once, never before this returns, unless it was cancelled. */
  run(request: RunRequest, done: (outcome: RunOutcome) => void): CancelRun;
  status(): ExecutorStatus;
  /** Calls back whenever the state changed. Answers how to stop listening. */
  onChange(listener: (state: ExecutorState) => void): () => void;
  /** Ends a quarantine: starts fresh runners and forgets the deaths. */
  release(): Promise<void>;
  /** Ends the runners. What is still in flight is answered with SHUTTING_DOWN. */
  close(): Promise<void>;
}
