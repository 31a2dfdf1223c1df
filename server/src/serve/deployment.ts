// A loaded deployment: it admits requests, lets them wait, hands them to its executor as credits allow, and ends each
// exactly once, whichever comes first of answer, deadline, cancellation and shutdown.
import { assert, type Clock, SlipwayError } from "@slipway/core/base";
import type { Signature } from "@slipway/core/tensor";
import type { BatchingPlan, Executor, ExecutorState, RunOutcome } from "#runtime";
import { compileConformance, type Conformance } from "./conform.ts";
import type { RequestContext } from "./context.ts";
import { DeadlineWatch } from "./deadlines.ts";
import type { HookList } from "./hooks.ts";
import { Pace } from "./pace.ts";
import { RequestQueue } from "./queue.ts";
import type { DeploymentSpec, InferenceOutcome, InferenceRequest, Variant } from "./serving.ts";
import { Ticket } from "./ticket.ts";

const CANCELLED: InferenceOutcome = {
  ok: false,
  error: new SlipwayError("REQUEST_CANCELLED", "The client went away before the answer."),
};

export class Deployment implements Variant {
  readonly deploymentId: string;
  readonly endpoint: string;
  readonly version: string;
  readonly signature: Signature;
  readonly attachment: unknown;
  readonly executor: Executor;
  readonly estimatedBytes: number;

  readonly #clock: Clock;
  readonly #hooks: HookList;
  #conform: Conformance;
  #batching: BatchingPlan;
  readonly #queue: RequestQueue<Ticket>;
  readonly #watch: DeadlineWatch<Ticket>;
  readonly #pace = new Pace();
  readonly #ignoreExecutor: () => void;
  #executorState: ExecutorState;
  #inFlight = 0;
  #inFlightBytes = 0;
  #holds = 0;
  /** Why nothing is admitted any more; null while it is. */
  #closedFor: SlipwayError | null = null;
  #whenDrained: (() => void) | null = null;

  /**
   * @param onChange called whenever the executor's state changed
   * @throws SlipwayError MODEL_UNSUPPORTED when requests can't carry what the model takes or gives
   */
  constructor(
    { clock, hooks, onChange }: { clock: Clock; hooks: HookList; onChange: (deployment: Deployment) => void },
    spec: DeploymentSpec,
    executor: Executor,
  ) {
    this.#batching = executor.batching;
    this.#conform = compileConformance(executor.signature, this.#batching);
    this.deploymentId = spec.deploymentId;
    this.endpoint = spec.endpoint;
    this.version = spec.version;
    this.attachment = spec.attachment;
    this.estimatedBytes = spec.estimatedBytes;
    this.executor = executor;
    this.signature = executor.signature;
    this.#clock = clock;
    this.#hooks = hooks;
    this.#queue = new RequestQueue(spec.queue);
    this.#watch = new DeadlineWatch(clock, (expired, now) => this.#expire(expired, now));
    this.#executorState = executor.status().state;
    this.#ignoreExecutor = executor.onChange((state) => {
      this.#executorState = state;
      this.#executorChanged();
      onChange(this);
    });
  }

  get queuedRequests(): number {
    return this.#queue.size;
  }

  get queuedBytes(): number {
    return this.#queue.sizeBytes;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get executorState(): ExecutorState {
    return this.#executorState;
  }

  submit(request: InferenceRequest, context: RequestContext, done: (outcome: InferenceOutcome) => void): () => void {
    const now = this.#clock.now();
    let ticket: Ticket;
    try {
      ticket = this.#admit(request, context, now, done);
    } catch (error) {
      if (!(error instanceof SlipwayError)) throw error;
      return this.#refuse(context, error, done);
    }
    this.#watch.add(ticket, now);
    this.#hooks.admitted(this, context);
    if (this.#queue.size === 0 && this.#hasCredit(ticket.sizeBytes)) this.#dispatch(ticket, now);
    else {
      this.#pace.began(now);
      this.#queue.push(ticket, now);
    }
    return () => this.#cancel(ticket);
  }

  get isCrowded(): boolean {
    return this.#queue.size > 0;
  }

  refuseUnread(context: RequestContext): SlipwayError | null {
    if (!this.isCrowded || this.#closedFor !== null || !this.#isTakingRequests()) return null;
    try {
      this.#checkRoom(0, this.#priorityOf(context), context, this.#clock.now());
      return null;
    } catch (error) {
      if (!(error instanceof SlipwayError)) throw error;
      this.#hooks.refused(this, context, error);
      return error;
    }
  }

  hold(): () => void {
    let isHeld = true;
    this.#holds++;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#holds--;
      this.#checkDrained();
    };
  }

  /**
   * Calls back, once, as soon as nothing is admitted or held, which may be now. Until it is closed, the deployment still
   * admits what was routed to it before.
   */
  whenDrained(callback: () => void): void {
    assert(this.#whenDrained === null, "A deployment is drained twice.");
    this.#whenDrained = callback;
    this.#checkDrained();
  }

  /** Refuses everything from now on with `error`, also what is held; what was admitted goes on. */
  refuseAll(error: SlipwayError): void {
    this.#closedFor ??= error;
    this.#checkDrained();
  }

  /** Ends everything that was admitted with `error`, now, and admits nothing more. */
  endAll(error: SlipwayError): void {
    this.#ignoreExecutor();
    this.#executorState = "closed";
    this.#closedFor ??= error;
    const now = this.#clock.now();
    for (const ticket of this.#watch.stop()) {
      ticket.cancelRun?.();
      this.#end(ticket, { ok: false, error }, now);
    }
    this.#checkDrained();
  }

  /** As `endAll`; then ends the runners. */
  async close(reason: SlipwayError): Promise<void> {
    this.endAll(reason);
    await Promise.resolve(); // the executor may be in the midst of answering the last request
    await this.executor.close();
  }

  /** Checks whether a request may come in, and throws why not. */
  #admit(
    request: InferenceRequest,
    context: RequestContext,
    now: number,
    done: (outcome: InferenceOutcome) => void,
  ): Ticket {
    if (this.#closedFor !== null) throw this.#closedFor;
    if (!this.#isTakingRequests()) throw this.#notReady();
    if (this.executor.batching !== this.#batching) this.#replan();
    const conforming = this.#conform(request);
    const priority = this.#priorityOf(context);
    if (context.deadline <= now) {
      throw new SlipwayError("DEADLINE_EXCEEDED", "The request's deadline had passed before it was admitted.");
    }
    const { sizeBytes } = conforming;
    if (this.#queue.size > 0 || !this.#hasCredit(sizeBytes)) this.#checkRoom(sizeBytes, priority, context, now);
    return new Ticket(request, conforming, context, priority, now, done);
  }

  /** A runner may find out late that rows mix, and give up batching. */
  #replan(): void {
    this.#batching = this.executor.batching;
    this.#conform = compileConformance(this.signature, this.#batching);
  }

  #priorityOf({ priority }: RequestContext): number {
    const { priorityLevels } = this.#queue.limits;
    if (priority === 0) return Math.ceil(priorityLevels / 2);
    if (Number.isInteger(priority) && priority > 0 && priority <= priorityLevels) return priority;
    throw new SlipwayError(
      "PARAMETER_INVALID",
      `Priority ${priority} does not exist here; give 1 (first) to ${priorityLevels}, or 0 for the middle one.`,
    );
  }

  /** Refuses what would not fit into the queue, or could not be answered in time. */
  #checkRoom(sizeBytes: number, priority: number, { deadline }: RequestContext, now: number): void {
    const queue = this.#queue;
    if (!queue.hasRoom(sizeBytes)) throw this.#queueFull(sizeBytes, now);
    if (this.#inFlight === 0) return; // whose answers could say that there is time again
    const waitMs = this.#pace.waitMs(queue.ahead(priority, now), now) ?? 0;
    if (now + waitMs + this.#pace.serviceMs <= deadline) return;
    throw refusal(
      `The answer of "${this.endpoint}" would take about ${Math.ceil(waitMs + this.#pace.serviceMs)} ms, and the ` +
        `request's deadline is in ${Math.floor(deadline - now)} ms.`,
      this.#pace.retryAfterMs(queue.size, now),
    );
  }

  #queueFull(sizeBytes: number, now: number): SlipwayError {
    const { size, limits } = this.#queue;
    const text =
      size >= limits.maxRequests
        ? `${size} requests wait for "${this.endpoint}", as many as may.`
        : `${this.#queue.sizeBytes} of ${limits.maxBytes} bytes wait for "${this.endpoint}"; these ${sizeBytes} don't fit.`;
    return refusal(text, this.#pace.retryAfterMs(size, now));
  }

  #refuse(context: RequestContext, error: SlipwayError, done: (outcome: InferenceOutcome) => void): () => void {
    this.#hooks.refused(this, context, error);
    let isWanted = true;
    this.#clock.soon(() => {
      if (isWanted) done({ ok: false, error });
    });
    return () => {
      isWanted = false;
    };
  }

  #isTakingRequests(): boolean {
    return this.#executorState === "ready" || this.#executorState === "recovering";
  }

  #notReady(): SlipwayError {
    const reason = this.executor.status().reason ?? `its runners are ${this.#executorState}`;
    return this.#executorState === "quarantined"
      ? new SlipwayError(
          "DEPLOYMENT_QUARANTINED",
          `"${this.endpoint}" version ${this.version} is in quarantine: ${reason}`,
        )
      : new SlipwayError("ENDPOINT_NOT_READY", `"${this.endpoint}" version ${this.version} can't answer: ${reason}`);
  }

  /** Whether a request may go to the runners now: they take so many, and no more bytes than may wait. */
  #hasCredit(sizeBytes: number): boolean {
    if (this.#executorState !== "ready" || this.#inFlight >= this.executor.credits) return false;
    return this.#inFlight === 0 || this.#inFlightBytes + sizeBytes <= this.#queue.limits.maxBytes;
  }

  #dispatch(ticket: Ticket, now: number): void {
    ticket.state = "running";
    ticket.dispatchedAt = now;
    this.#inFlight++;
    this.#inFlightBytes += ticket.sizeBytes;
    ticket.cancelRun = this.executor.run(ticket, (outcome) => this.#answered(ticket, outcome));
  }

  #answered(ticket: Ticket, outcome: RunOutcome): void {
    if (ticket.state === "ended") return;
    const now = this.#clock.now();
    if (outcome.ok) {
      this.#pace.answered(now - ticket.dispatchedAt);
      const times = { queueMs: ticket.dispatchedAt - ticket.admittedAt, run: outcome.times };
      this.#end(ticket, { ok: true, outputs: outcome.outputs, times }, now);
    } else this.#end(ticket, outcome, now);
  }

  #cancel(ticket: Ticket): void {
    if (ticket.state === "ended") return;
    ticket.cancelRun?.();
    const now = this.#clock.now();
    this.#leave(ticket, now);
    this.#pump(now);
    this.#hooks.ended(this, ticket.context, CANCELLED, now);
    this.#checkDrained();
  }

  /** Their deadlines passed; the watch let go of them. */
  #expire(expired: readonly Ticket[], now: number): void {
    for (const ticket of expired) {
      if (ticket.state === "ended") continue;
      ticket.cancelRun?.();
      if (ticket.state === "running") this.#pace.gaveUp(now - ticket.dispatchedAt);
      this.#answer(ticket, { ok: false, error: this.#deadlineExceeded(ticket, now) }, now);
    }
    this.#pump(now);
    this.#checkDrained();
  }

  /** Ends a request that is queued or running, and gives its credit to the next. */
  #end(ticket: Ticket, outcome: InferenceOutcome, now: number): void {
    this.#leave(ticket, now);
    this.#pump(now); // before the answer is encoded, so that the runner does not wait for that
    this.#hooks.ended(this, ticket.context, outcome, now);
    ticket.done(outcome);
    this.#checkDrained();
  }

  /** As `end`, for those who go on to the next themselves. */
  #answer(ticket: Ticket, outcome: InferenceOutcome, now: number): void {
    this.#leave(ticket, now);
    this.#hooks.ended(this, ticket.context, outcome, now);
    ticket.done(outcome);
  }

  /** Takes a request out of everything that holds it. Every admitted request comes by here, once. */
  #leave(ticket: Ticket, now: number): void {
    assert(ticket.state !== "ended", "A request ended twice.");
    this.#watch.remove(ticket);
    if (ticket.state === "running") {
      this.#inFlight--;
      this.#inFlightBytes -= ticket.sizeBytes;
    } else if (this.#queue.remove(ticket) && this.#queue.size === 0) this.#pace.rested(now);
    ticket.state = "ended";
    ticket.cancelRun = null;
  }

  /** Hands over whose turn it is while credits are free, passing over what can't be answered in time any more. */
  #pump(now: number): void {
    const queue = this.#queue;
    for (let ticket = queue.peek(); ticket !== undefined; ticket = queue.peek()) {
      if (!this.#hasCredit(ticket.sizeBytes)) break;
      queue.pop();
      if (queue.size === 0) this.#pace.rested(now);
      if (this.#isTooLate(ticket, now)) {
        this.#answer(ticket, { ok: false, error: this.#deadlineExceeded(ticket, now) }, now);
        continue;
      }
      this.#pace.dispatched(now);
      this.#dispatch(ticket, now);
    }
  }

  /** With nothing in flight every request is tried, so that one slow run can't shut the door for good. */
  #isTooLate({ deadline }: Ticket, now: number): boolean {
    return deadline <= now || (this.#inFlight > 0 && deadline - now < this.#pace.serviceMs);
  }

  #deadlineExceeded({ state, context, admittedAt, dispatchedAt }: Ticket, now: number): SlipwayError {
    const had = `The request had ${Math.round(context.deadline - context.arrivedAt)} ms; it waited`;
    if (state === "running") {
      const queueMs = Math.round(dispatchedAt - admittedAt);
      const text = `${had} ${queueMs} ms in the queue and was with a runner for ${Math.round(now - dispatchedAt)} ms.`;
      return new SlipwayError("DEADLINE_EXCEEDED", text);
    }
    const leftMs = Math.floor(context.deadline - now);
    const rest = leftMs > 0 ? `, and the ${leftMs} ms left are too few for a run` : "";
    return new SlipwayError("DEADLINE_EXCEEDED", `${had} ${Math.round(now - admittedAt)} ms in the queue${rest}.`);
  }

  #executorChanged(): void {
    const now = this.#clock.now();
    if (this.#executorState === "ready") this.#pump(now);
    else if (!this.#isTakingRequests()) {
      const error = this.#notReady();
      for (let ticket = this.#queue.pop(); ticket !== undefined; ticket = this.#queue.pop()) {
        this.#answer(ticket, { ok: false, error }, now);
      }
      this.#pace.rested(now);
    }
    this.#checkDrained();
  }

  #checkDrained(): void {
    if (this.#whenDrained === null || this.#inFlight > 0 || this.#queue.size > 0) return;
    if (this.#holds > 0 && this.#closedFor === null) return;
    const callback = this.#whenDrained;
    this.#whenDrained = null;
    callback();
  }
}

/** A refusal of what is too much. Its stack says nothing, and would cost ten times as much as all the rest of it. */
function refusal(message: string, retryAfterMs: number): SlipwayError {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return new SlipwayError("QUEUE_FULL", message, { retryAfterMs });
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}
