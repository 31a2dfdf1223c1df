// The load generator on a thread of its own, for commands whose process also runs the server: on one thread the two would
// take turns, and each measurement would be of both.
import { Worker } from "node:worker_threads";
import { SlipwayError } from "@slipway/core/base";
import type { LoadOrder } from "./order.ts";
import type { LoadReport } from "./report.ts";

export interface LoadOutcome {
  readonly report: LoadReport;
  /** Share of the time the generator's thread was at work; near 1 in a closed loop, it was the limit and not the server. */
  readonly busyShare: number;
  /** Of each answered request that counts, in milliseconds; null where they were not wanted. */
  readonly latenciesMs: Float64Array | null;
}

/** What the thread answers an order with. */
export type LoadAnswer =
  | { readonly ok: true; readonly outcome: LoadOutcome }
  | { readonly ok: false; readonly code: "SERVER_UNREACHABLE" | "INTERNAL"; readonly message: string };

export class LoadThread {
  readonly #worker: Worker;
  #answer: PromiseWithResolvers<LoadOutcome> | null = null;
  #end: Error | null = null;

  constructor() {
    const isSource = import.meta.url.endsWith(".ts");
    const file = new URL(`./thread-main.${isSource ? "ts" : "js"}`, import.meta.url);
    this.#worker = new Worker(file, { execArgv: isSource ? ["--conditions=source"] : [], env: {} });
    this.#worker.on("message", (answer: LoadAnswer) => this.#answered(answer));
    this.#worker.on("error", (error: Error) => this.#ended(error));
    this.#worker.on("exit", () => this.#ended(new SlipwayError("INTERRUPTED", "The load was given up.")));
  }

  /**
   * Carries a load test out; one at a time.
   * @throws SlipwayError SERVER_UNREACHABLE, or INTERRUPTED when the thread was closed meanwhile
   */
  run(order: LoadOrder): Promise<LoadOutcome> {
    if (this.#end !== null) return Promise.reject(this.#end);
    this.#answer = Promise.withResolvers();
    // Copied, with nothing handed over: the same bytes are sent again.
    this.#worker.postMessage(order, []);
    return this.#answer.promise;
  }

  /** Ends the thread, and with it the load test under way. */
  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #answered(answer: LoadAnswer): void {
    if (answer.ok) this.#answer?.resolve(answer.outcome);
    else this.#answer?.reject(new SlipwayError(answer.code, answer.message));
    this.#answer = null;
  }

  #ended(error: Error): void {
    this.#end ??= error;
    this.#answer?.reject(this.#end);
    this.#answer = null;
  }
}
