// What is timed: something loaded that answers requests, so many at once, and says how long each took. Whether that goes
// through the runner alone or through HTTP as well is behind it.

/** Where the time of requests went within the runner, in milliseconds, summed over them. */
export interface StageSums {
  readonly queueMs: number;
  readonly inputMs: number;
  readonly inferMs: number;
  readonly outputMs: number;
}

/** Requests that were sent in one go. */
export interface Burst {
  /** From sending, or from when it was due, until the answer: of each answered request, or of as many as are kept. */
  readonly latenciesMs: readonly number[];
  readonly answered: number;
  /** Refused or failed; only requests that come whatever the server does (open loop) may be. */
  readonly failed: number;
  readonly longestMs: number;
  /** From the first sending to the last answer. */
  readonly elapsedMs: number;
  /** null where only the outside is seen. */
  readonly stages: StageSums | null;
  /** Rows of the batch each request ran in, summed over requests; null where only the outside is seen. */
  readonly batchRows: number | null;
}

export interface BurstOrder {
  /** Clients that each wait for their answer. */
  readonly concurrency: number;
  /** No request is sent later than this; at least one is sent by each client. */
  readonly durationMs: number;
  /** Nor more than so many. */
  readonly mostRequests: number;
}

/** Requests that come when they come, as those of many users who know nothing of each other (open loop, Poisson). */
export interface OfferOrder {
  readonly ratePerSecond: number;
  readonly durationMs: number;
  /** Of the arrivals. */
  readonly seed: number;
}

export interface Target {
  /**
   * Clients that each send again when their answer came (closed loop). Sends requests and waits for all of their answers; one burst at a time.
   * @throws SlipwayError where a request failed; the signal's reason, once what was sent is answered or given up
   */
  readonly burst: (order: BurstOrder, signal: AbortSignal) => Promise<Burst>;
}

/** A target behind a server, which requests may be offered to at a rate. */
export interface ServerTarget extends Target {
  /** A request's latency counts from when it was due, so that one the server was too slow to take is not forgotten. */
  readonly offer: (order: OfferOrder, signal: AbortSignal) => Promise<Burst>;
}

export function longestOf(latenciesMs: Iterable<number>): number {
  let longest = 0;
  for (const ms of latenciesMs) longest = Math.max(longest, ms);
  return longest;
}
