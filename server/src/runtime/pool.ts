// The runners of a deployment and everything that is in flight at them: dispatch to the least loaded, deadlines and hard
// limits, deaths, retries, quarantine. Every request ends exactly once, whatever dies. It drives runners through
// RunnerHandle and time through Clock, so that simulations drive it.
import { assert, type CancelTimer, type Clock, SlipwayError, slipwayErrorFrom, unreachable } from "@slipway/core/base";
import type { NamedTensor, Signature } from "@slipway/core/tensor";
import type { ControlMessage, LoadedModel, LoadOrder } from "./control.ts";
import { DeathRecord } from "./death-record.ts";
import type {
  BatchingPlan,
  CancelRun,
  Executor,
  ExecutorState,
  ExecutorStatus,
  RunnerDeath,
  RunOutcome,
  RunRequest,
} from "./executor.ts";
import { frameError } from "./frames.ts";
import { type Entry, expire, fail } from "./pool-entry.ts";
import { deathCause, deathError, exitText, type KillCause, loadError, type RunnerLimits } from "./runner-exit.ts";
import type { RunnerExit, RunnerHandle, StartRunner } from "./runner-handle.ts";
import { type PortNames, portNames, Slot, type SlotEvents } from "./runner-slot.ts";

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
  readonly log: (message: string, facts: Readonly<Record<string, unknown>>) => void;
  /** Gives the load up. */
  readonly signal?: AbortSignal | undefined;
}

/** How often deadlines and limits are looked at while anything is in flight. */
const SWEEP_MS = 10;
/** How often memory is looked at, in sweeps. */
const MEMORY_SWEEPS = 5;
const FIRST_BACKOFF_MS = 100;
const LAST_BACKOFF_MS = 30_000;
/** A runner that lived this long is no sign of a runner that can't live. */
const STEADY_MS = 10_000;
/** Deaths of a request's runner, other than by the run limit, after which it is held to be the cause. */
const LAST_ATTEMPT = 2;

export class RunnerPool implements Executor {
  readonly #options: PoolOptions;
  readonly #slots: Slot[] = [];
  readonly #waiting: Entry[] = [];
  readonly #record: DeathRecord;
  readonly #listeners = new Set<(state: ExecutorState) => void>();
  readonly #startedAt: number;
  #loaded: LoadedModel | null = null;
  #batching: BatchingPlan | null = null;
  #names: PortNames | null = null;
  #state: ExecutorState = "loading";
  #reason: string | null = null;
  #loadMs = 0;
  #cancelSweep: CancelTimer | null = null;
  #sweeps = 0;
  #release: Promise<void> | null = null;
  readonly #events: SlotEvents = {
    onControl: (slot, message) => this.#onControl(slot, message),
    onBroken: (slot, error) => {
      this.#options.log("a runner broke the protocol", { runner: slot.id, error: String(error) });
    },
    outputNames: () => this.#names?.outputs ?? [],
  };
  #firstLoad: { resolve: () => void; reject: (error: SlipwayError) => void } | null = null;

  private constructor(options: PoolOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
    this.#record = new DeathRecord(options.clock, options.maxDistinctDeaths);
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
    const { mode, maxRows } = this.batching;
    return this.#options.instances * (mode === "dynamic" ? 2 * maxRows : 4);
  }

  run(request: RunRequest, done: (outcome: RunOutcome) => void): CancelRun {
    const entry: Entry = { request, done, stream: 0, isRunning: false, isAlone: false, deaths: 0 };
    const refusal = this.#refusal();
    if (refusal === null) this.#place(entry);
    else this.#options.clock.soon(() => fail(entry, refusal));
    return () => this.#cancel(entry);
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
        runs: slot.runs,
        inFlight: slot.inFlight.size,
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
      this.#failAll(new SlipwayError("SHUTTING_DOWN", "The deployment was unloaded before the request was answered."));
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
      if (this.#state === "closed") throw error;
      this.#setState("quarantined", `its runners could not be started again: ${slipwayErrorFrom(error).message}`);
      await this.#endAll("closed");
      throw error;
    }
  }

  // Requests

  /** Sends a request to the least loaded runner, or keeps it until one is ready. */
  #place(entry: Entry): void {
    const slot = this.#leastLoaded();
    if (slot === null) this.#waiting.push(entry);
    else this.#dispatch(slot, entry);
    this.#armSweep();
  }

  #leastLoaded(): Slot | null {
    let best: Slot | null = null;
    for (const slot of this.#slots) {
      if (slot.state === "ready" && (best === null || slot.inFlight.size < best.inFlight.size)) best = slot;
    }
    return best;
  }

  #dispatch(slot: Slot, entry: Entry): void {
    try {
      slot.send(entry, this.#names!);
    } catch (error) {
      if (!(error instanceof SlipwayError)) throw error;
      this.#options.clock.soon(() => fail(entry, error));
    }
  }

  #cancel(entry: Entry): void {
    if (entry.done === null) return;
    entry.done = null;
    const slot = this.#slotOf(entry);
    if (slot === null) {
      const index = this.#waiting.indexOf(entry);
      if (index !== -1) this.#waiting.splice(index, 1);
      return;
    }
    slot.cancel(entry);
  }

  #slotOf(entry: Entry): Slot | null {
    return this.#slots.find((slot) => slot.inFlight.get(entry.stream) === entry) ?? null;
  }

  #refusal(): SlipwayError | null {
    switch (this.#state) {
      case "closed":
        return new SlipwayError("SHUTTING_DOWN", "The deployment was unloaded.");
      case "quarantined":
        return new SlipwayError("DEPLOYMENT_QUARANTINED", this.#reason ?? "The deployment is quarantined.");
      case "loading":
      case "ready":
      case "recovering":
        return null;
      default:
        return unreachable(this.#state);
    }
  }

  // What runners say

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
        break;
      case "memory":
        slot.reportedBytes = message.residentBytes;
        break;
      case "load":
        throw frameError("a load at a server");
      default:
        unreachable(message);
    }
  }

  #onLoaded(slot: Slot, model: LoadedModel): void {
    if (this.#loaded === null) {
      this.#loaded = model;
      this.#names = portNames(model.signature);
    }
    this.#batching ??= model.batching;
    slot.state = "ready";
    slot.progressAt = this.#options.clock.now();
    if (this.#state === "recovering") this.#setState("ready", null);
    for (const entry of this.#waiting.splice(0)) this.#place(entry);
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
    while (this.#slots.length < this.#options.instances) {
      this.#slots.push(new Slot(this.#slots.length, this.#options.clock, this.#events));
    }
    for (const slot of this.#slots) {
      slot.failures = 0;
      this.#start(slot);
    }
    await promise;
  }

  #start(slot: Slot): void {
    const { clock, start, order } = this.#options;
    assert(slot.handle === null, "A runner was started twice.");
    let handle: RunnerHandle | null = null;
    try {
      handle = start({
        receive: (chunk) => slot.receive(chunk),
        exited: (exit) => this.#onExit(slot, exit),
      });
    } catch (error) {
      this.#options.log("a runner could not be started", { error: String(error) });
      clock.soon(() => this.#onExit(slot, { code: null, signal: null, lastWords: String(error) }));
    }
    slot.opened(handle);
    slot.control({ type: "load", order });
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
    const running = slot.runningEntries();
    const others = [...slot.inFlight.values()].filter((entry) => !running.includes(entry));
    const { killCause, refusal } = slot;
    slot.closed();
    if (this.#state === "closed" || this.#state === "quarantined") return;
    const text = exitText(killCause, exit, this.#options);
    if (!wasReady) {
      this.#onLoadFailed(slot, refusal ?? loadError(killCause, text, this.#options), exit.lastWords);
      return;
    }
    for (const entry of running) entry.deaths++;
    const culprit = this.#culpritOf(running, killCause);
    const death: RunnerDeath = {
      atMs: clock.wall(),
      cause: deathCause(killCause),
      text,
      inputFingerprint: culprit === null ? null : this.#options.fingerprint(culprit.request.inputs),
    };
    this.#options.log("a runner died", {
      cause: death.cause,
      text,
      running: running.length,
      waiting: others.length,
      lastWords: exit.lastWords,
    });
    if (culprit !== null) fail(culprit, deathError(killCause, text, this.#options));
    const isQuarantine = this.#record.add(death);
    for (const entry of running) if (entry !== culprit) entry.isAlone = true;
    if (isQuarantine) {
      this.#quarantine([...running, ...others]);
      return;
    }
    slot.failures = running.length > 0 || livedMs > STEADY_MS ? 0 : slot.failures + 1;
    this.#restart(slot, text);
    for (const entry of [...running, ...others]) if (entry.done !== null) this.#place(entry);
  }

  /** The request that ended its runner: the one that ran alone, past the limit or for the second time. */
  #culpritOf(running: readonly Entry[], killCause: KillCause | null): Entry | null {
    const [entry] = running;
    if (entry === undefined || running.length > 1) return null;
    return killCause === "run-timeout" || entry.deaths >= LAST_ATTEMPT ? entry : null;
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

  #quarantine(entries: readonly Entry[]): void {
    const reason = `${this.#record.distinct} distinct inputs ended its runners within ten minutes; the last: ${this.#record.deaths.at(-1)!.text}`;
    this.#setState("quarantined", reason);
    const error = new SlipwayError("DEPLOYMENT_QUARANTINED", `The deployment is quarantined: ${reason}`);
    for (const entry of entries) fail(entry, error);
    this.#failAll(error);
    void this.#endAll("closed");
  }

  #failAll(error: SlipwayError): void {
    for (const entry of this.#waiting.splice(0)) fail(entry, error);
    for (const slot of this.#slots) for (const entry of slot.inFlight.values()) fail(entry, error);
  }

  #setState(state: ExecutorState, reason: string | null): void {
    const isNew = state !== this.#state;
    this.#state = state;
    this.#reason = reason;
    if (isNew) for (const listener of this.#listeners) listener(state);
  }

  // Limits

  #armSweep(): void {
    this.#cancelSweep ??= this.#options.clock.after(SWEEP_MS, () => {
      this.#cancelSweep = null;
      this.#sweep();
    });
  }

  /** Looks at every deadline and limit, and comes back while there is anything to look at. */
  #sweep(): void {
    const now = this.#options.clock.now();
    const isMemoryDue = ++this.#sweeps % MEMORY_SWEEPS === 0;
    let isBusy = this.#waiting.length > 0;
    expire(this.#waiting, now);
    for (const slot of this.#slots) {
      if (slot.handle === null) continue;
      if (slot.state === "starting" || slot.inFlight.size > 0) isBusy = true;
      expire(slot.inFlight.values(), now);
      if (slot.handle.isKillable) this.#checkLimits(slot, now, isMemoryDue);
    }
    this.#dropEnded();
    if (isBusy && this.#state !== "closed") this.#armSweep();
  }

  #checkLimits(slot: Slot, now: number, isMemoryDue: boolean): void {
    const { loadTimeoutMs, runTimeoutMs, memoryLimitBytes } = this.#options;
    if (slot.state === "starting" && now - slot.openedAt > loadTimeoutMs) slot.kill("load-timeout");
    if (slot.inFlight.size > 0 && now - slot.progressAt > runTimeoutMs) slot.kill("run-timeout");
    if (isMemoryDue && (slot.residentBytes() ?? 0) > memoryLimitBytes) slot.kill("memory");
  }

  #dropEnded(): void {
    for (let index = this.#waiting.length - 1; index >= 0; index--) {
      if (this.#waiting[index]!.done === null) this.#waiting.splice(index, 1);
    }
  }
}
