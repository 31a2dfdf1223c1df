// An executor over runners that another process owns: a front's side of a deployment. It has links to the runners and
// dispatches to them; what starts, ends and quarantines them is the owner's business, who tells it here.
import { type CancelTimer, type Clock, SlipwayError } from "@slipway/core/base";
import type { NamedTensor, Signature } from "@slipway/core/tensor";
import type { LoadedModel } from "./control.ts";
import { creditsOf, Dispatcher, refusalOf, type Verdict } from "./dispatcher.ts";
import type {
  BatchingPlan,
  CancelRun,
  Executor,
  ExecutorState,
  ExecutorStatus,
  RunOutcome,
  RunRequest,
} from "./executor.ts";
import type { Send } from "./frame-writer.ts";
import { RunnerLink } from "./runner-link.ts";

export interface LinkedExecutorOptions {
  readonly clock: Clock;
  readonly model: LoadedModel;
  /** The owner's: the same inputs look the same from every front. */
  readonly fingerprint: (inputs: readonly NamedTensor[]) => string;
  /** Which runner is tried first; another for each front. */
  readonly turn: number;
  /** Called once everything here has ended. */
  readonly onClosed: () => void;
}

const SWEEP_MS = 10;

export class LinkedExecutor implements Executor {
  readonly #options: LinkedExecutorOptions;
  readonly #dispatcher: Dispatcher;
  readonly #listeners = new Set<(state: ExecutorState) => void>();
  #batching: BatchingPlan;
  #state: ExecutorState = "ready";
  #reason: string | null = null;
  #cancelSweep: CancelTimer | null = null;

  constructor(options: LinkedExecutorOptions) {
    const { clock, fingerprint, turn } = options;
    this.#options = options;
    this.#batching = options.model.batching;
    this.#dispatcher = new Dispatcher({ clock, fingerprint, onBusy: () => this.#armSweep() }, turn);
  }

  get signature(): Signature {
    return this.#options.model.signature;
  }

  get batching(): BatchingPlan {
    return this.#batching;
  }

  /** This front's share: a runner says among how many fronts its capacity is divided. */
  get credits(): number {
    let credits = 0;
    for (const link of this.#dispatcher.links) {
      credits += Math.max(1, Math.ceil((link.credits ?? creditsOf(this.#batching)) / link.activeFronts));
    }
    return Math.max(1, credits);
  }

  run(request: RunRequest, done: (outcome: RunOutcome) => void): CancelRun {
    return this.#dispatcher.run(request, done, refusalOf(this.#state, this.#reason));
  }

  /** Takes on a link to a ready runner; `send` takes bytes for it. Answers the link, which takes the bytes it sends. */
  link(runner: number, send: Send): RunnerLink {
    const { clock, model } = this.#options;
    const names = model.signature.outputs.map(({ name }) => name);
    const link: RunnerLink = new RunnerLink({
      runner,
      clock,
      send,
      isShared: true,
      events: {
        onControl: (message) => {
          if (message.type === "batching") this.setBatching(message.plan);
          if (message.type === "fronts") link.activeFronts = message.active;
          if (message.type === "credits") link.credits = message.requests;
        },
        outputNames: () => names,
      },
    });
    this.#dispatcher.add(link, model.signature);
    return link;
  }

  /** See `Dispatcher.lose`, `judge` and `resume`. */
  lose(runner: number): number {
    return this.#dispatcher.lose(runner);
  }

  judge(runner: number, verdict: Verdict): string | null {
    return this.#dispatcher.judge(runner, verdict);
  }

  resume(runner: number): void {
    this.#dispatcher.resume(runner);
  }

  setBatching(plan: BatchingPlan): void {
    this.#batching = plan;
  }

  /** Hears how the runners are. */
  setState(state: ExecutorState, reason: string | null): void {
    if (this.#state === "closed" || state === this.#state) return;
    this.#state = state;
    this.#reason = reason;
    const refusal = refusalOf(state, reason);
    if (refusal !== null) this.#dispatcher.endAll(refusal);
    for (const listener of this.#listeners) listener(state);
  }

  status(): ExecutorStatus {
    return {
      state: this.#state,
      reason: this.#reason,
      backend: this.#options.model.backend,
      intraOpThreads: 0,
      batching: this.#batching,
      runners: this.#dispatcher.links.map(({ runner, runs, inFlight }) => ({
        id: runner,
        pid: null,
        state: "ready",
        residentBytes: null,
        startedAtMs: 0,
        runs,
        inFlight: inFlight.size,
      })),
      deaths: [],
      deathsByCause: {},
      containment: [],
      loadMs: 0,
    };
  }

  onChange(listener: (state: ExecutorState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  release(): Promise<void> {
    return Promise.reject(new SlipwayError("STATE_CONFLICT", "A quarantine ends where the runners are owned."));
  }

  async close(): Promise<void> {
    if (this.#state === "closed") return;
    this.setState("closed", "closed");
    this.#cancelSweep?.();
    this.#cancelSweep = null;
    this.#options.onClosed();
  }

  #armSweep(): void {
    this.#cancelSweep ??= this.#options.clock.after(SWEEP_MS, () => {
      this.#cancelSweep = null;
      if (this.#dispatcher.sweep(this.#options.clock.now()) && this.#state !== "closed") this.#armSweep();
    });
  }
}
