// What happened to the requests of each version behind an endpoint: counters that reconcile (admitted = answered +
// failed, by code, plus those still in flight), latency by stage, batch sizes. Kept by endpoint and version and not by
// deployment, so that a version that is loaded again goes on counting, and loading it often keeps nothing more. Fed by
// serve's hooks, read by /metrics, the protocols' statistics and the console.
import type { InferenceOutcome, RequestContext, ServeHooks, Variant } from "#serve";
import type { SlipwayError } from "@slipway/core/base";
import { Histogram } from "./histogram.ts";

/** The stages of a request, in order: in the front's queue, in the runner's, decoding, the run, encoding. */
export const STAGES = ["total", "queue", "wait", "input", "infer", "output"] as const;
export type Stage = (typeof STAGES)[number];

const NS_PER_MS = 1e6;

export interface BatchCount {
  count: number;
  inputNs: number;
  inferNs: number;
  outputNs: number;
}

/** Pairs of endpoint and version that are remembered: more than are served at once, and a bounded page of metrics. */
const KEPT = 256;

/** The running totals of one version behind one endpoint, since it was first asked. */
export class Traffic {
  readonly endpoint: string;
  readonly version: string;
  admitted = 0;
  answered = 0;
  /** Rows answered. */
  rows = 0;
  /** Runs that led to an answer. */
  batches = 0;
  failMs = 0;
  /** Milliseconds since the Unix epoch; 0 before the first answer. */
  lastAnswerAtMs = 0;
  startedAtMs: number;
  readonly failed = new Map<string, number>();
  readonly refused = new Map<string, number>();
  readonly stages: Readonly<Record<Stage, Histogram>> = {
    total: new Histogram(),
    queue: new Histogram(),
    wait: new Histogram(),
    input: new Histogram(),
    infer: new Histogram(),
    output: new Histogram(),
  };
  /** Runs by their number of rows. */
  readonly batchRows = new Map<number, BatchCount>();

  constructor({ endpoint, version }: Pick<Variant, "endpoint" | "version">, startedAtMs: number) {
    this.endpoint = endpoint;
    this.version = version;
    this.startedAtMs = startedAtMs;
  }

  ended(context: RequestContext, outcome: InferenceOutcome, endedAt: number, wallMs: number): void {
    const totalMs = endedAt - context.arrivedAt;
    if (!outcome.ok) {
      count(this.failed, outcome.error.code);
      this.failMs += totalMs;
      return;
    }
    const { queueMs, run } = outcome.times;
    const { stages } = this;
    this.answered++;
    this.lastAnswerAtMs = wallMs;
    stages.total.observe(totalMs);
    stages.queue.observe(queueMs);
    stages.wait.observe(run.queueNs / NS_PER_MS);
    stages.input.observe(run.inputNs / NS_PER_MS);
    stages.infer.observe(run.inferNs / NS_PER_MS);
    stages.output.observe(run.outputNs / NS_PER_MS);
    // Each request of a batch reports the whole batch; its share of it makes the sums come out right.
    const share = 1 / run.batchRequests;
    this.rows += run.batchRows * share;
    this.batches += share;
    let batch = this.batchRows.get(run.batchRows);
    if (batch === undefined)
      this.batchRows.set(run.batchRows, (batch = { count: 0, inputNs: 0, inferNs: 0, outputNs: 0 }));
    batch.count += share;
    batch.inputNs += run.inputNs * share;
    batch.inferNs += run.inferNs * share;
    batch.outputNs += run.outputNs * share;
  }

  get failures(): number {
    return sum(this.failed);
  }
}

/** Running totals as they are read. */
export interface TrafficView {
  all(): Iterable<Traffic>;
  get(endpoint: string, version: string): Traffic | undefined;
}

export class TrafficBook implements TrafficView {
  /** By endpoint, then version: looked up for every request, so without a joined key. */
  readonly #byEndpoint = new Map<string, Map<string, Traffic>>();
  readonly #wall: () => number;

  constructor(wall: () => number) {
    this.#wall = wall;
  }

  /** The hooks that keep the book; give them to serving. */
  readonly hooks: ServeHooks = {
    onAdmitted: (variant: Variant): void => {
      this.#of(variant).admitted++;
    },
    onEnded: (variant: Variant, context: RequestContext, outcome: InferenceOutcome, endedAt: number): void => {
      this.#of(variant).ended(context, outcome, endedAt, this.#wall());
    },
    onRefused: (variant: Variant, _context: RequestContext, error: SlipwayError): void => {
      count(this.#of(variant).refused, error.code);
    },
  };

  *all(): Generator<Traffic> {
    for (const versions of this.#byEndpoint.values()) yield* versions.values();
  }

  get(endpoint: string, version: string): Traffic | undefined {
    return this.#byEndpoint.get(endpoint)?.get(version);
  }

  #of(variant: Variant): Traffic {
    return this.#byEndpoint.get(variant.endpoint)?.get(variant.version) ?? this.#begin(variant);
  }

  #begin(variant: Variant): Traffic {
    const known = [...this.all()];
    if (known.length >= KEPT)
      this.#forget(known.reduce((idle, traffic) => (usedAt(traffic) < usedAt(idle) ? traffic : idle)));
    const traffic = new Traffic(variant, this.#wall());
    const versions = this.#byEndpoint.get(variant.endpoint);
    if (versions === undefined) this.#byEndpoint.set(variant.endpoint, new Map([[variant.version, traffic]]));
    else versions.set(variant.version, traffic);
    return traffic;
  }

  #forget({ endpoint, version }: Traffic): void {
    const versions = this.#byEndpoint.get(endpoint)!;
    versions.delete(version);
    if (versions.size === 0) this.#byEndpoint.delete(endpoint);
  }
}

function usedAt({ startedAtMs, lastAnswerAtMs }: Traffic): number {
  return Math.max(startedAtMs, lastAnswerAtMs);
}

function count(map: Map<string, number>, key: string): void {
  map.set(key, (map.get(key) ?? 0) + 1);
}

function sum(map: ReadonlyMap<unknown, number>): number {
  let total = 0;
  for (const value of map.values()) total += value;
  return total;
}
