// The runners of a deployment: started, watched, ended at their limits, started again, or given up as quarantined. Its own
// requests go through a dispatcher; other fronts' dispatchers are crews, told of the same runners. Every request ends
// exactly once, whatever dies. It drives runners through RunnerHandle and time through Clock, so that simulations drive it.
import { assert, type CancelTimer, type Clock, SlipwayError, slipwayErrorFrom, unreachable } from "@slipway/core/base";
import type { NamedTensor, Signature } from "@slipway/core/tensor";
import type { ControlMessage, LoadedModel, LoadOrder } from "./control.ts";
import type { Crew } from "./crew.ts";
import { DeathRecord } from "./death-record.ts";
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
import { frameError } from "./frames.ts";
import { deathCause, deathError, exitText, type KillCause, loadError, type RunnerLimits } from "./runner-exit.ts";
import type { RunnerExit, RunnerHandle, StartRunner } from "./runner-handle.ts";
import { RunnerLink } from "./runner-link.ts";
import { Slot } from "./runner-slot.ts";

export interface PoolOptions extends RunnerLimits {
  readonly order: LoadOrder;
  readonly instances: number;
  readonly maxDistinctDeaths: number;
  readonly start: StartRunner;
  readonly clock: Clock;
  /** Distinguishes inputs without telling what they are. */
  readonly fingerprint: (inputs: readonly NamedTensor[]) => string;
  /** What confines the runners, for people. */
  readonly containment: readonly string[];
  /** Other fronts that send requests to these runners. */
  readonly crews?: readonly Crew[];
  readonly log: (message: string, facts: Readonly<Record<string, unknown>>) => void;
  /** Gives the load up. */
  readonly signal?: AbortSignal | undefined;
}

/** How often deadlines and limits are looked at while anything is in flight. */
const SWEEP_MS = 10;
/** The same while only other fronts may have anything in flight. */
const IDLE_SWEEP_MS = 50;
/** How often memory is looked at, in sweeps. */
const MEMORY_SWEEPS = 5;
const FIRST_BACKOFF_MS = 100;
const LAST_BACKOFF_MS = 30_000;
/** A runner that lived this long is no sign of a runner that can't live. */
const STEADY_MS = 10_000;
/** How often runners that others send requests to are asked whether they still move; at most, and as a share of the limit. */
const PING_MS = 1000;
const PING_SHARE = 0.25;

export class RunnerPool implements Executor {
  readonly #options: PoolOptions;
  readonly #slots: Slot[] = [];
  readonly #dispatcher: Dispatcher;
  readonly #crews: readonly Crew[];
  readonly #record: DeathRecord;
  readonly #listeners = new Set<(state: ExecutorState) => void>();
  readonly #startedAt: number;
  #loaded: LoadedModel | null = null;
  #batching: BatchingPlan | null = null;
  #outputNames: readonly string[] = [];
  #state: ExecutorState = "loading";
  #reason: string | null = null;
  #loadMs = 0;
  #cancelSweep: CancelTimer | null = null;
  #sweeps = 0;
  #release: Promise<void> | null = null;
  /** How often all runners were started: what is learnt of a death only after a release is of no consequence any more. */
  #generation = 0;
  #firstLoad: { resolve: () => void; reject: (error: SlipwayError) => void } | null = null;

  private constructor(options: PoolOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
    this.#record = new DeathRecord(options.clock, options.maxDistinctDeaths);
    this.#crews = options.crews ?? [];
    this.#dispatcher = new Dispatcher({
      clock: options.clock,
      fingerprint: options.fingerprint,
      onBusy: () => this.#armSweep(),
    });
  }

  /**
   * Starts the runners and answers when all are ready.
   * @throws SlipwayError MODEL_* when the model can't be loaded, REQUEST_CANCELLED when the signal says so; nothing is
   *   left running then
   */
  static async open(options: PoolOptions): Promise<RunnerPool> {
    const pool = new RunnerPool(options);
    const givenUp = new SlipwayError("REQUEST_CANCELLED", "The load was given up.");
    if (options.signal?.aborted === true) throw givenUp;
    const giveUp = (): void => pool.#firstLoad?.reject(givenUp);
    options.signal?.addEventListener("abort", giveUp);
    try {
      await pool.#startAll();
      return pool;
    } catch (error) {
      await pool.close();
      throw error;
    } finally {
      options.signal?.removeEventListener("abort", giveUp);
    }
  }

  get signature(): Signature {
    return this.#loaded!.signature;
  }

  get batching(): BatchingPlan {
    return this.#batching!;
  }

  get credits(): number {
    let credits = 0;
    for (const { link } of this.#slots) credits += link?.credits ?? creditsOf(this.batching);
    return credits;
  }

  run(request: RunRequest, done: (outcome: RunOutcome) => void): CancelRun {
    return this.#dispatcher.run(request, done, refusalOf(this.#state, this.#reason));
  }

  status(): ExecutorStatus {
    return {
      state: this.#state,
      reason: this.#reason,
      backend: this.#loaded?.backend ?? "",
      intraOpThreads: this.#options.order.session.intraOpThreads,
      batching: this.batching,
      runners: this.#slots.map((slot) => ({
        id: slot.id,
        pid: slot.handle?.pid ?? null,
        state: slot.state,
        residentBytes: slot.residentBytes(),
        startedAtMs: slot.startedAtMs,
        runs: slot.link?.runs ?? 0,
        inFlight: slot.link?.inFlight.size ?? 0,
      })),
      deaths: this.#record.deaths,
      deathsByCause: this.#record.byCause,
      containment: this.#options.containment,
      loadMs: this.#loadMs,
    };
  }

  onChange(listener: (state: ExecutorState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async release(): Promise<void> {
    if (this.#state === "closed") throw new SlipwayError("STATE_CONFLICT", "The deployment was closed.");
    this.#record.forget();
    if (this.#state !== "quarantined" && this.#release === null) return;
    this.#release ??= this.#startAgain().finally(() => {
      this.#release = null;
    });
    await this.#release;
  }

  async close(): Promise<void> {
    if (this.#state !== "closed") {
      this.#setState("closed", "closed");
      this.#firstLoad?.reject(new SlipwayError("SHUTTING_DOWN", "The deployment was closed while it started."));
      this.#dispatcher.endAll(
        new SlipwayError("SHUTTING_DOWN", "The deployment was unloaded before the request was answered."),
      );
    }
    this.#cancelSweep?.();
    this.#cancelSweep = null;
    await this.#endAll("closed");
  }

  async #startAgain(): Promise<void> {
    await this.#endAll("closed");
    this.#setState("recovering", "released from quarantine, starting runners");
    try {
      await this.#startAll();
    } catch (error) {
      if (this.#state !== "closed") {
        await this.#quarantine(`its runners could not be started again: ${slipwayErrorFrom(error).message}`);
      }
      throw error;
    }
  }

  // What runners say

  /** Takes bytes from a runner. Whatever they are, the server stands. */
  #receive(slot: Slot, chunk: Uint8Array): void {
    if (!slot.isHeard) return;
    try {
      slot.link?.receive(chunk);
    } catch (error) {
      this.#options.log("a runner broke the protocol", { runner: slot.id, error: String(error) });
      slot.kill("protocol");
      slot.killCause = "protocol";
    }
  }

  #onControl(slot: Slot, message: ControlMessage): void {
    switch (message.type) {
      case "loaded":
        this.#onLoaded(slot, message.model);
        break;
      case "refused":
        slot.refusal = new SlipwayError(message.code, message.message);
        slot.handle!.kill();
        break;
      case "batching":
        this.#batching = message.plan;
        this.#options.log("batching was given up", { reason: message.plan.reason });
        for (const crew of this.#crews) crew.batchingChanged(message.plan);
        break;
      case "memory":
        slot.reportedBytes = message.residentBytes;
        break;
      case "pong":
        slot.pingedAt = null;
        slot.pongedAt = this.#options.clock.now();
        break;
      case "credits":
        slot.link!.credits = message.requests;
        break;
      case "fronts":
        break; // this pool's own credits are not shared out
      case "load":
      case "ping":
        throw frameError(`a ${message.type} at a server`);
      default:
        unreachable(message);
    }
  }

  #onLoaded(slot: Slot, model: LoadedModel): void {
    this.#loaded ??= model;
    this.#outputNames = this.#loaded.signature.outputs.map(({ name }) => name);
    this.#batching ??= model.batching;
    slot.state = "ready";
    if (this.#state === "recovering") this.#setState("ready", null);
    this.#dispatcher.add(slot.link!, this.#loaded.signature);
    for (const crew of this.#crews) crew.runnerReady(slot.id, slot.handle!, this.#loaded);
    if (this.#firstLoad !== null && this.#slots.every(({ state }) => state === "ready")) {
      this.#loadMs = this.#options.clock.now() - this.#startedAt;
      this.#setState("ready", null);
      this.#firstLoad.resolve();
      this.#firstLoad = null;
    }
  }

  // Runners

  async #startAll(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#firstLoad = { resolve, reject };
    this.#generation++;
    while (this.#slots.length < this.#options.instances) {
      this.#slots.push(new Slot(this.#slots.length));
    }
    for (const slot of this.#slots) {
      slot.failures = 0;
      this.#start(slot);
    }
    await promise;
  }

  #start(slot: Slot): void {
    const { clock, start, order } = this.#options;
    const isShared = this.#crews.length > 0;
    assert(slot.handle === null, "A runner was started twice.");
    let handle: RunnerHandle | null = null;
    try {
      handle = start({
        receive: (chunk) => this.#receive(slot, chunk),
        isAwaited: () => slot.link?.isAwaited() === true,
        flush: () => slot.link?.flush(),
        exited: (exit) => this.#onExit(slot, exit),
      });
    } catch (error) {
      this.#options.log("a runner could not be started", { error: String(error) });
      clock.soon(() => this.#onExit(slot, { code: null, signal: null, lastWords: String(error) }));
    }
    const link = new RunnerLink({
      runner: slot.id,
      clock,
      send: handle?.send ?? (() => true),
      events: {
        onControl: (message) => this.#onControl(slot, message),
        outputNames: () => this.#outputNames,
      },
      isShared,
    });
    slot.opened(handle, link, clock);
    link.control({ type: "load", order, isShared });
    this.#armSweep();
  }

  async #endAll(cause: KillCause): Promise<void> {
    await Promise.all(this.#slots.map((slot) => this.#end(slot, cause)));
  }

  /** Ends a runner for good and answers when it is gone. */
  async #end(slot: Slot, cause: KillCause): Promise<void> {
    slot.cancelRestart?.();
    slot.cancelRestart = null;
    if (slot.handle === null) return;
    const gone = new Promise<void>((resolve) => slot.onGone.push(resolve));
    slot.kill(cause);
    await gone;
  }

  #onExit(slot: Slot, exit: RunnerExit): void {
    const { clock } = this.#options;
    const wasReady = slot.state === "ready";
    const livedMs = clock.now() - slot.openedAt;
    const { killCause, refusal, link } = slot;
    slot.closed();
    if (this.#state === "closed" || this.#state === "quarantined") return;
    const text = exitText(killCause, exit, this.#options);
    if (!wasReady) {
      this.#onLoadFailed(slot, refusal ?? loadError(killCause, text, this.#options), exit.lastWords);
      return;
    }
    const generation = this.#generation;
    this.#askRunning(slot.id, (running) => {
      if (generation !== this.#generation) return;
      this.#options.log("a runner died", { cause: deathCause(killCause), text, running, lastWords: exit.lastWords });
      const hasWorked = running > 0 || link!.runs > 0 || livedMs > STEADY_MS;
      slot.failures = hasWorked ? 0 : slot.failures + 1;
      this.#judge(slot, killCause, text, running === 1);
    });
  }

  /** How many requests a runner that is gone was running, over all fronts. */
  #askRunning(runner: number, answer: (running: number) => void): void {
    let running = this.#dispatcher.lose(runner);
    gather<number>(
      this.#crews.map((crew) => (report) => crew.runnerLost(runner, report)),
      (reports) => {
        for (const count of reports) running += count;
        answer(running);
      },
    );
  }

  /** Tells every front what a runner's end means, and goes on: with another runner, or in quarantine. */
  #judge(slot: Slot, killCause: KillCause | null, text: string, wasAlone: boolean): void {
    const { code, message } = deathError(killCause, text, this.#options);
    const verdict: Verdict = { isTimeout: killCause === "run-timeout", code, message, wasAlone };
    const generation = this.#generation;
    let fingerprint = this.#dispatcher.judge(slot.id, verdict);
    gather<string | null>(
      this.#crews.map((crew) => (report) => crew.judge(slot.id, verdict, report)),
      (reports) => {
        if (generation !== this.#generation) return;
        for (const found of reports) fingerprint ??= found;
        const isQuarantine = this.#record.add({
          atMs: this.#options.clock.wall(),
          cause: deathCause(killCause),
          text,
          inputFingerprint: fingerprint,
        });
        if (this.#state === "closed" || this.#state === "quarantined") return;
        if (isQuarantine) {
          const { distinct, deaths } = this.#record;
          const reason = `${distinct} distinct inputs ended its runners within ten minutes; the last: ${deaths.at(-1)!.text}`;
          void this.#quarantine(reason);
        } else {
          this.#restart(slot, text);
          this.#dispatcher.resume(slot.id);
          for (const crew of this.#crews) crew.resume(slot.id);
        }
      },
    );
  }

  #onLoadFailed(slot: Slot, error: SlipwayError, lastWords: string): void {
    this.#options.log("a runner could not load the model", { code: error.code, error: error.message, lastWords });
    if (this.#firstLoad !== null) {
      this.#firstLoad.reject(error);
      this.#firstLoad = null;
      return;
    }
    slot.failures++;
    this.#restart(slot, error.message);
  }

  #restart(slot: Slot, reason: string): void {
    const { clock } = this.#options;
    if (this.#slots.every(({ state }) => state !== "ready")) this.#setState("recovering", reason);
    if (slot.failures === 0) {
      this.#start(slot);
      return;
    }
    const delayMs = Math.min(LAST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (slot.failures - 1));
    slot.cancelRestart = clock.after(delayMs, () => {
      slot.cancelRestart = null;
      this.#start(slot);
    });
  }

  /** Refuses everything until it is released; resolves once its runners are gone. */
  async #quarantine(reason: string): Promise<void> {
    this.#setState("quarantined", reason);
    this.#dispatcher.endAll(new SlipwayError("DEPLOYMENT_QUARANTINED", `The deployment is quarantined: ${reason}`));
    await this.#endAll("closed");
  }

  #setState(state: ExecutorState, reason: string | null): void {
    const isNew = state !== this.#state;
    this.#state = state;
    this.#reason = reason;
    if (!isNew) return;
    for (const listener of this.#listeners) listener(state);
    for (const crew of this.#crews) crew.stateChanged(state, reason);
  }

  // Limits

  #armSweep(delayMs = SWEEP_MS): void {
    this.#cancelSweep ??= this.#options.clock.after(delayMs, () => {
      this.#cancelSweep = null;
      this.#sweep();
    });
  }

  /** Looks at every deadline and limit, and comes back while there is anything to look at. */
  #sweep(): void {
    const now = this.#options.clock.now();
    const isMemoryDue = ++this.#sweeps % MEMORY_SWEEPS === 0;
    let isBusy = this.#dispatcher.sweep(now);
    for (const slot of this.#slots) {
      if (slot.handle === null) continue;
      if (slot.state === "starting") isBusy = true;
      if (slot.handle.isKillable) this.#checkLimits(slot, now, isMemoryDue);
    }
    if (this.#state === "closed") return;
    // What others have in flight can't be seen from here.
    if (isBusy) this.#armSweep();
    else if (this.#crews.length > 0) this.#armSweep(IDLE_SWEEP_MS);
  }

  #checkLimits(slot: Slot, now: number, isMemoryDue: boolean): void {
    const { loadTimeoutMs, runTimeoutMs, memoryLimitBytes } = this.#options;
    if (slot.state === "starting" && now - slot.openedAt > loadTimeoutMs) slot.kill("load-timeout");
    if (slot.state === "ready") {
      const { inFlight, progressAt } = slot.link!;
      if (inFlight.size > 0 && now - progressAt > runTimeoutMs) slot.kill("run-timeout");
      if (this.#crews.length > 0) this.#checkPing(slot, now);
    }
    if (isMemoryDue && (slot.residentBytes() ?? 0) > memoryLimitBytes) slot.kill("memory");
  }

  /**
   * Finds a run past its limit that is of other fronts: a runner can't answer while it runs, and answers in between.
   */
  #checkPing(slot: Slot, now: number): void {
    const { runTimeoutMs } = this.#options;
    if (slot.pingedAt !== null) {
      if (now - slot.pingedAt > runTimeoutMs) slot.kill("run-timeout");
    } else if (now - slot.pongedAt > Math.min(PING_MS, PING_SHARE * runTimeoutMs)) {
      slot.pingedAt = now;
      slot.link!.control({ type: "ping" });
    }
  }
}

/** Calls `then` with what every one of `asks` reported, in their order; at once where there are none. */
function gather<T>(
  asks: readonly ((report: (value: T) => void) => void)[],
  then: (reports: readonly T[]) => void,
): void {
  const reports: T[] = [];
  let missing = asks.length;
  if (missing === 0) then(reports);
  asks.forEach((ask, index) =>
    ask((value) => {
      reports[index] = value;
      if (--missing === 0) then(reports);
    }),
  );
}
