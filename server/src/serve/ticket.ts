// An admitted request. It is what the executor takes, what waits in the queue and what the deadline watch holds, in one
// object, so that admitting costs one allocation.
import type { NamedTensor } from "@slipway/core/tensor";
import type { CancelRun, RunRequest } from "#runtime";
import type { Conforming } from "./conform.ts";
import type { RequestContext } from "./context.ts";
import type { Expiring } from "./deadlines.ts";
import type { Waiting } from "./queue.ts";
import type { InferenceOutcome, InferenceRequest } from "./serving.ts";

export class Ticket implements RunRequest, Waiting, Expiring {
  readonly inputs: readonly NamedTensor[];
  readonly outputs: readonly string[];
  readonly rows: number;
  readonly sizeBytes: number;
  readonly deadline: number;
  readonly priority: number;
  readonly context: RequestContext;
  readonly done: (outcome: InferenceOutcome) => void;
  readonly admittedAt: number;
  state: "queued" | "running" | "ended" = "queued";
  dispatchedAt = 0;
  cancelRun: CancelRun | null = null;
  turn = 0;
  order = 0;
  queuePosition = -1;
  watchPosition = -1;

  constructor(
    request: InferenceRequest,
    { outputs, rows, sizeBytes }: Conforming,
    context: RequestContext,
    priority: number,
    now: number,
    done: (outcome: InferenceOutcome) => void,
  ) {
    this.inputs = request.inputs;
    this.outputs = outputs;
    this.rows = rows;
    this.sizeBytes = sizeBytes;
    this.deadline = context.deadline;
    this.priority = priority;
    this.context = context;
    this.done = done;
    this.admittedAt = now;
  }
}
