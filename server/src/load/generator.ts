// The load generator. Open loop: requests are due at times fixed beforehand, and a request's latency counts from when it
// was due, so a server that stalls is charged for every request that should have been sent meanwhile (no coordinated
// omission; Tene, "How NOT to Measure Latency"). Closed loop: so many clients, each sending when its answer came.
import type { Arrivals } from "./arrivals.ts";
import { Connection, type Ending, type Target } from "./connection.ts";
import { Latencies, type LatencySummary } from "./latencies.ts";

export type LoadMode =
  | { readonly kind: "open"; readonly arrivals: Arrivals; readonly connections: number }
  | { readonly kind: "closed"; readonly concurrency: number };

export interface LoadOptions {
  readonly target: Target;
  /** The whole request, head and body, sent again and again. */
  readonly request: Buffer;
  readonly mode: LoadMode;
  /** Sent before the measurement and not counted. */
  readonly warmUpMs: number;
  readonly durationMs: number;
  /** A request without an answer for this long fails, and its connection is given up. */
  readonly timeoutMs: number;
  /** Monotonic milliseconds with fractions. */
  readonly now: () => number;
  readonly signal?: AbortSignal;
  /** Told the latency of each answered request that counts. */
  readonly onLatency?: (latencyMs: number) => void;
  /** Called about ten times a second. */
  readonly onProgress?: (progress: LoadProgress) => void;
}

export interface LoadProgress {
  readonly elapsedMs: number;
  readonly answered: number;
  readonly failed: number;
}

export interface LoadResult {
  /** From the end of the warm-up to the last ending that counts. */
  readonly measuredMs: number;
  /** Requests that were due (open loop) or sent (closed loop) in the measured time. */
  readonly offered: number;
  /** Of these, answered with a 2xx status. */
  readonly answered: number;
  /** Of these, the rest, by status and code or by what happened to the connection. */
  readonly failures: Readonly<Record<string, number>>;
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** Answered requests, from when they were due to the last byte of the answer. */
  readonly latency: Latencies;
  /** The same, from when they were really sent: what a closed-loop tool would have claimed. */
  readonly service: LatencySummary | null;
  /** How late the generator itself sent what a free connection stood ready for. Large values: it was the limit, not the server. */
  readonly lag: LatencySummary | null;
  readonly wasInterrupted: boolean;
}

/** Waits shorter than this are spent polling: a timer may be a millisecond late, which would count as latency. */
const POLL_MS = 2;
/** What a request failed of that the server had all the time for, and more. */
const UNANSWERED = "unanswered at the end";

/**
 * Puts load on a server and measures its answers.
 * @throws the connection's error when the server can't be reached at the start
 */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const run = new LoadRun(options);
  try {
    await run.connect();
    return await run.run();
  } finally {
    run.close();
  }
}

class LoadRun {
  readonly #options: LoadOptions;
  readonly #connections: Connection[] = [];
  readonly #idle: Connection[] = [];
  /** Due times of requests that found no free connection, oldest first from `#backlogHead`. */
  #backlog: number[] = [];
  #backlogHead = 0;
  #startedAt = 0;
  #measureFrom = 0;
  #endAt = 0;
  #lastEndingAt = 0;
  #offered = 0;
  #answered = 0;
  #failed = 0;
  #isEnding = false;
  #isOver = false;
  #wasInterrupted = false;
  #finish: () => void = () => {};
  readonly #failures = new Map<string, number>();
  #responseBytes = 0;
  readonly #latency = new Latencies();
  readonly #service = new Latencies();
  readonly #lag = new Latencies();

  constructor(options: LoadOptions) {
    this.#options = options;
    const count = options.mode.kind === "open" ? options.mode.connections : options.mode.concurrency;
    for (let i = 0; i < count; i++) {
      this.#connections.push(new Connection(options.target, (connection, ending) => this.#ended(connection, ending)));
    }
  }

  async connect(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.open()));
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  async run(): Promise<LoadResult> {
    const { now, warmUpMs, durationMs, mode, signal } = this.#options;
    this.#startedAt = now();
    this.#measureFrom = this.#startedAt + warmUpMs;
    this.#endAt = this.#measureFrom + durationMs;
    const watch = setInterval(() => this.#watch(), 100);
    const interrupt = () => {
      this.#wasInterrupted = true;
      this.#endAt = Math.min(this.#endAt, now());
      this.#dropBacklog();
      this.#end();
    };
    signal?.addEventListener("abort", interrupt);
    try {
      await new Promise<void>((resolve) => {
        this.#finish = resolve;
        if (signal?.aborted === true) interrupt();
        else if (mode.kind === "open") this.#schedule(mode.arrivals);
        else for (const connection of this.#connections) this.#again(connection);
      });
    } finally {
      this.#isOver = true;
      clearInterval(watch);
      signal?.removeEventListener("abort", interrupt);
    }
    return {
      measuredMs: Math.max(0, Math.max(this.#lastEndingAt, this.#endAt) - this.#measureFrom),
      offered: this.#offered,
      answered: this.#answered,
      failures: Object.fromEntries(this.#failures),
      requestBytes: this.#options.request.length,
      responseBytes: this.#responseBytes,
      latency: this.#latency,
      service: this.#service.summary(),
      lag: this.#lag.summary(),
      wasInterrupted: this.#wasInterrupted,
    };
  }

  /** Sends what is due, then comes back when the next one is. */
  #schedule(arrivals: Arrivals): void {
    const { now } = this.#options;
    let dueAt = this.#startedAt + arrivals();
    this.#idle.push(...this.#connections);
    const turn = () => {
      if (this.#isOver) return;
      let present = now();
      while (dueAt <= present && dueAt < this.#endAt) {
        this.#arrive(dueAt, present);
        dueAt = this.#startedAt + arrivals();
        present = now();
      }
      // Nothing more is due; what is in flight may still outlast the end, or has ended before it.
      if (dueAt >= this.#endAt) return void setTimeout(() => this.#end(), Math.max(0, this.#endAt - present));
      if (dueAt - present > POLL_MS) setTimeout(turn, dueAt - present - POLL_MS / 2);
      else setImmediate(turn);
    };
    turn();
  }

  #arrive(dueAt: number, present: number): void {
    if (dueAt >= this.#measureFrom) this.#offered++;
    const connection = this.#idle.pop();
    if (connection === undefined) this.#backlog.push(dueAt);
    else {
      if (dueAt >= this.#measureFrom) this.#lag.observe(present - dueAt);
      this.#send(connection, dueAt);
    }
  }

  #send(connection: Connection, dueAt: number): void {
    connection.intendedAt = dueAt;
    connection.sentAt = this.#options.now();
    connection.send(this.#options.request);
  }

  #ended(connection: Connection, ending: Ending): void {
    const at = this.#options.now();
    if (connection.intendedAt >= this.#measureFrom) this.#count(connection, ending, at);
    if (this.#isOver) return;
    if (this.#options.mode.kind === "closed") {
      if (at < this.#endAt) {
        // A connection that is refused at once would otherwise be tried again without end in this very turn.
        if (ending.status === 0) setTimeout(() => this.#again(connection), 10);
        else this.#again(connection);
      } else this.#end();
      return;
    }
    const waiting = this.#backlog[this.#backlogHead];
    if (waiting === undefined) {
      this.#idle.push(connection);
      if (this.#isEnding) this.#end();
      return;
    }
    this.#backlogHead++;
    if (this.#backlogHead > 4096) {
      this.#backlog = this.#backlog.slice(this.#backlogHead);
      this.#backlogHead = 0;
    }
    this.#send(connection, waiting);
  }

  #again(connection: Connection): void {
    const present = this.#options.now();
    if (this.#isOver || present >= this.#endAt) return this.#end();
    if (present >= this.#measureFrom) this.#offered++;
    this.#send(connection, present);
  }

  #count(connection: Connection, ending: Ending, at: number): void {
    this.#lastEndingAt = at;
    if (ending.status >= 200 && ending.status < 300) {
      this.#answered++;
      this.#responseBytes = "sizeBytes" in ending ? ending.sizeBytes : 0;
      this.#latency.observe(at - connection.intendedAt);
      this.#options.onLatency?.(at - connection.intendedAt);
      this.#service.observe(at - connection.sentAt);
    } else {
      this.#fail(failureCode(ending));
    }
  }

  /** Nothing more will be due: ends the test once all that was due has ended. */
  #end(): void {
    this.#isEnding = true;
    if (this.#backlogHead < this.#backlog.length) return;
    if (this.#connections.every((connection) => !connection.isBusy)) this.#finish();
  }

  /** Fails what waits too long, and gives up on a server that does not come back. */
  #watch(): void {
    const { now, timeoutMs, onProgress } = this.#options;
    const present = now();
    for (const connection of this.#connections) {
      if (connection.isBusy && present - connection.sentAt > timeoutMs) connection.abort("timeout");
    }
    if (present > this.#endAt + timeoutMs) {
      this.#dropBacklog();
      this.#isOver = true;
      for (const connection of this.#connections) connection.abort(UNANSWERED);
      this.#finish();
    }
    onProgress?.({ elapsedMs: present - this.#startedAt, answered: this.#answered, failed: this.#failed });
  }

  /** Gives up what was due but never sent. */
  #dropBacklog(): void {
    for (let i = this.#backlogHead; i < this.#backlog.length; i++) {
      if (this.#backlog[i]! >= this.#measureFrom) this.#fail(UNANSWERED);
    }
    this.#backlogHead = this.#backlog.length;
  }

  #fail(code: string): void {
    this.#failed++;
    this.#failures.set(code, (this.#failures.get(code) ?? 0) + 1);
  }
}

/** `503 QUEUE_FULL`, `404`, `ECONNRESET`. */
function failureCode(ending: Ending): string {
  if ("failure" in ending) return ending.failure;
  const code = /"code"\s*:\s*"([A-Z][A-Z0-9_]*)"/.exec(ending.errorBody)?.[1];
  return code === undefined ? String(ending.status) : `${ending.status} ${code}`;
}
