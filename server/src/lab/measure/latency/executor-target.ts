// A loaded model timed at its executor: frames, runner, batches and back, without a queue before it and without HTTP.
import type { Clock, SlipwayError } from "@slipway/core/base";
import type { NamedTensor } from "@slipway/core/tensor";
import type { Executor, RunOutcome } from "#runtime";
import { type Burst, type BurstOrder, longestOf, type StageSums, type Target } from "./target.ts";

const LONGEST_WAIT_MS = 3_600_000;
const NS_PER_MS = 1e6;

/** What is sent again and again. */
export interface TimedRequest {
  readonly inputs: readonly NamedTensor[];
  readonly outputs: readonly string[];
  readonly rows: number;
}

/** Closing the executor is for whoever loaded it. */
export function executorTarget(executor: Executor, request: TimedRequest, clock: Clock): Target {
  return { burst: (order, signal) => new ExecutorBurst(executor, request, clock, order, signal).ended };
}

/** One burst: a closed loop of callbacks, since promises between an answer and the next request would be timed too. */
class ExecutorBurst {
  readonly ended: Promise<Burst>;
  readonly #executor: Executor;
  readonly #request: TimedRequest;
  readonly #clock: Clock;
  readonly #order: BurstOrder;
  readonly #signal: AbortSignal;
  readonly #startedAt: number;
  readonly #latenciesMs: number[] = [];
  /** When clients sent what waits for a credit, oldest first. */
  readonly #waiting: number[] = [];
  readonly #cancels = new Set<() => void>();
  readonly #stages = { queueMs: 0, inputMs: 0, inferMs: 0, outputMs: 0 } satisfies Record<keyof StageSums, number>;
  readonly #resolve: (burst: Burst) => void;
  readonly #reject: (reason: unknown) => void;
  #batchRows = 0;
  #sent = 0;
  #inFlight = 0;
  #failure: SlipwayError | null = null;

  constructor(executor: Executor, request: TimedRequest, clock: Clock, order: BurstOrder, signal: AbortSignal) {
    const { promise, resolve, reject } = Promise.withResolvers<Burst>();
    this.ended = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#executor = executor;
    this.#request = request;
    this.#clock = clock;
    this.#order = order;
    this.#signal = signal;
    this.#startedAt = clock.now();
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    signal.addEventListener("abort", this.#giveUp, { once: true });
    for (let client = 0; client < Math.min(order.concurrency, order.mostRequests); client++) this.#ask();
  }

  #ask(): void {
    this.#sent++;
    this.#waiting.push(this.#clock.now());
    this.#dispatch();
  }

  /** Sends what waits while the executor takes more, as serving does. */
  #dispatch(): void {
    while (this.#waiting.length > 0 && this.#inFlight < Math.max(1, this.#executor.credits)) {
      const askedAt = this.#waiting.shift()!;
      this.#inFlight++;
      const deadline = askedAt + LONGEST_WAIT_MS;
      const cancel = this.#executor.run({ ...this.#request, deadline }, (outcome) => {
        this.#cancels.delete(cancel);
        this.#answered(outcome, this.#clock.now() - askedAt);
      });
      this.#cancels.add(cancel);
    }
  }

  #answered(outcome: RunOutcome, latencyMs: number): void {
    this.#inFlight--;
    if (outcome.ok) {
      const { times } = outcome;
      this.#latenciesMs.push(latencyMs);
      this.#stages.queueMs += times.queueNs / NS_PER_MS;
      this.#stages.inputMs += times.inputNs / NS_PER_MS;
      this.#stages.inferMs += times.inferNs / NS_PER_MS;
      this.#stages.outputMs += times.outputNs / NS_PER_MS;
      this.#batchRows += times.batchRows;
    } else this.#failure ??= outcome.error;
    const { durationMs, mostRequests } = this.#order;
    const isOver = this.#failure !== null || this.#clock.now() - this.#startedAt >= durationMs;
    if (!isOver && this.#sent < mostRequests) this.#ask();
    else if (this.#failure !== null) this.#waiting.length = 0;
    else this.#dispatch();
    if (this.#inFlight === 0 && this.#waiting.length === 0) this.#end();
  }

  #end(): void {
    this.#signal.removeEventListener("abort", this.#giveUp);
    if (this.#failure !== null) return this.#reject(this.#failure);
    this.#resolve({
      latenciesMs: this.#latenciesMs,
      answered: this.#latenciesMs.length,
      failed: 0,
      longestMs: longestOf(this.#latenciesMs),
      elapsedMs: this.#clock.now() - this.#startedAt,
      stages: this.#stages,
      batchRows: this.#batchRows,
    });
  }

  readonly #giveUp = (): void => {
    this.#waiting.length = 0;
    for (const cancel of this.#cancels) cancel();
    this.#reject(this.#signal.reason);
  };
}
