// An executor without a model, for simulations: batches take time by a cost model, and requests may kill it. It checks
// what it is owed (credits, rows, nothing after closing) and what it owes (one outcome each, none after a cancel).
import { assert, type Clock, SlipwayError } from "@slipway/core/base";
import { type NamedTensor, type Signature, sizeBytes } from "@slipway/core/tensor";
import type {
  BatchingPlan,
  CancelRun,
  Executor,
  ExecutorState,
  ExecutorStatus,
  RunOutcome,
  RunRequest,
} from "#runtime";

export interface SimulatedExecutorOptions {
  readonly clock: Clock;
  readonly signature: Signature;
  readonly batching?: BatchingPlan;
  readonly credits?: number;
  /** Milliseconds a batch takes. */
  readonly serviceMs: (rows: number) => number;
  /** Whether a run of this batch kills the runner; asked anew for each run. */
  readonly kills?: (batch: readonly RunRequest[]) => boolean;
  /** How long a fresh runner takes to start. */
  readonly recoverMs?: number;
  /** Deaths before quarantine; none by default. */
  readonly maxDeaths?: number;
  readonly residentBytes?: number;
}

interface Entry {
  readonly request: RunRequest;
  readonly done: (outcome: RunOutcome) => void;
  readonly arrivedAt: number;
  isAlone: boolean;
  isOver: boolean;
}

const DYNAMIC: BatchingPlan = { mode: "dynamic", maxRows: 8, reason: null, padAxis: null };

/** Answers each request with its own inputs, named as the wanted outputs. */
export class SimulatedExecutor implements Executor {
  readonly signature: Signature;
  /** May change, as when rows turn out to mix. */
  batching: BatchingPlan;
  readonly credits: number;
  readonly #options: SimulatedExecutorOptions;
  readonly #listeners = new Set<(state: ExecutorState) => void>();
  #waiting: Entry[] = [];
  #running: Entry[] = [];
  #state: ExecutorState = "ready";
  /** Distinguishes the present runner from those that died. */
  #generation = 0;
  deaths = 0;
  runs = 0;
  answered = 0;
  mostInFlight = 0;
  mostBytesInFlight = 0;

  constructor(options: SimulatedExecutorOptions) {
    this.#options = options;
    this.signature = options.signature;
    this.batching = options.batching ?? DYNAMIC;
    this.credits = options.credits ?? 2 * this.batching.maxRows;
  }

  get inFlight(): number {
    return this.#waiting.length + this.#running.filter((entry) => !entry.isOver).length;
  }

  run(request: RunRequest, done: (outcome: RunOutcome) => void): CancelRun {
    assert(this.#state === "ready" || this.#state === "recovering", `A request came while ${this.#state}.`);
    assert(this.inFlight < this.credits, "A request came without a credit.");
    assert(request.deadline > this.#options.clock.now(), "A request came after its deadline.");
    const entry = { request, done, arrivedAt: this.#options.clock.now(), isAlone: false, isOver: false };
    this.#waiting.push(entry);
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
    const open = [...this.#waiting, ...this.#running.filter(({ isOver }) => !isOver)];
    const bytes = open.map((other) => other.request.inputs.reduce((sum, input) => sum + sizeBytes(input), 0));
    this.mostBytesInFlight = Math.max(
      this.mostBytesInFlight,
      bytes.reduce((sum, each) => sum + each, 0),
    );
    this.#options.clock.soon(() => this.#start());
    return () => {
      entry.isOver = true;
      this.#waiting = this.#waiting.filter((other) => other !== entry);
    };
  }

  status(): ExecutorStatus {
    const isUp = this.#state === "ready";
    return {
      state: this.#state,
      reason: isUp ? null : `simulated: ${this.#state}`,
      backend: "simulated",
      intraOpThreads: 1,
      batching: this.batching,
      runners: [
        {
          id: this.#generation,
          pid: null,
          state: isUp ? "ready" : "dead",
          residentBytes: this.#options.residentBytes ?? null,
          startedAtMs: 0,
          runs: this.runs,
          inFlight: this.inFlight,
        },
      ],
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

  async release(): Promise<void> {
    this.deaths = 0;
    this.#become("ready");
  }

  async close(): Promise<void> {
    this.#become("closed");
    const error = new SlipwayError("SHUTTING_DOWN", "The runner is ended.");
    for (const entry of [...this.#running, ...this.#waiting]) this.#finish(entry, { ok: false, error });
    this.#running = [];
    this.#waiting = [];
  }

  #start(): void {
    if (this.#state !== "ready" || this.#running.length > 0 || this.#waiting.length === 0) return;
    const batch = [this.#waiting.shift()!];
    let rows = batch[0]!.request.rows;
    while (!batch[0]!.isAlone && this.#waiting.length > 0 && !this.#waiting[0]!.isAlone) {
      if (rows + this.#waiting[0]!.request.rows > this.batching.maxRows) break;
      rows += this.#waiting[0]!.request.rows;
      batch.push(this.#waiting.shift()!);
    }
    this.#running = batch;
    this.runs++;
    const generation = this.#generation;
    const startedAt = this.#options.clock.now();
    this.#options.clock.after(this.#options.serviceMs(rows), () => {
      if (generation !== this.#generation || this.#state === "closed") return;
      this.#running = [];
      if (this.#options.kills?.(batch.map(({ request }) => request)) === true) this.#die(batch);
      else this.#answer(batch, rows, startedAt);
      this.#start();
    });
  }

  #answer(batch: readonly Entry[], rows: number, startedAt: number): void {
    const inferNs = (this.#options.clock.now() - startedAt) * 1e6;
    for (const entry of batch) {
      const queueNs = (startedAt - entry.arrivedAt) * 1e6;
      const times = { queueNs, inputNs: 0, inferNs, outputNs: 0, batchRows: rows, batchRequests: batch.length };
      const { inputs, outputs } = entry.request;
      this.#finish(entry, { ok: true, outputs: outputs.map((name) => renamed(inputs[0]!, name)), times });
    }
  }

  #die(batch: readonly Entry[]): void {
    this.deaths++;
    this.#generation++;
    if (batch.length === 1) {
      const error = new SlipwayError("RUNNER_DIED", "The runner died while running this request alone.");
      this.#finish(batch[0]!, { ok: false, error });
    }
    const retried = batch.length === 1 ? [] : batch.filter((entry) => !entry.isOver);
    for (const entry of retried) entry.isAlone = true;
    this.#waiting = [...retried, ...this.#waiting];
    if (this.deaths >= (this.#options.maxDeaths ?? Number.POSITIVE_INFINITY)) {
      this.#become("quarantined");
      const error = new SlipwayError("DEPLOYMENT_QUARANTINED", "Too many deaths.");
      for (const entry of this.#waiting.splice(0)) this.#finish(entry, { ok: false, error });
      return;
    }
    this.#become("recovering");
    const generation = this.#generation;
    this.#options.clock.after(this.#options.recoverMs ?? 50, () => {
      if (generation !== this.#generation || this.#state !== "recovering") return;
      this.#become("ready");
      this.#start();
    });
  }

  #finish(entry: Entry, outcome: RunOutcome): void {
    if (entry.isOver) return;
    entry.isOver = true;
    this.answered++;
    entry.done(outcome);
  }

  #become(state: ExecutorState): void {
    if (this.#state === state) return;
    assert(this.#state !== "closed", "A closed executor came back.");
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }
}

function renamed(tensor: NamedTensor, name: string): NamedTensor {
  return { name, dtype: tensor.dtype, shape: tensor.shape, data: tensor.data };
}

/** Random numbers from 0 to 1, so that a seed is a whole run (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
