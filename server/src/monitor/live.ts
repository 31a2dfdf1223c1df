// The last minutes, second by second, for people who watch: differences between what the traffic book said at the ends
// of each second. Sampling costs microseconds a second, so it is always on.
import type { VariantStatus } from "#serve";
import type { CancelTimer, Clock } from "@slipway/core/base";
import { Histogram, type Percentiles } from "./histogram.ts";
import { STAGES, type Stage, type Traffic, type TrafficView } from "./traffic.ts";

export interface LiveTraffic {
  readonly endpoint: string;
  readonly version: string;
  readonly requestsPerSecond: number;
  readonly rowsPerSecond: number;
  readonly failuresPerSecond: number;
  readonly refusedPerSecond: number;
  /** Endings in this window by code; OK for answers. */
  readonly codes: Readonly<Record<string, number>>;
  readonly stages: Readonly<Record<Stage, Percentiles>> | null;
  readonly batches: { readonly meanRows: number; readonly byRows: Readonly<Record<string, number>> } | null;
  readonly queued: number;
  readonly inFlight: number;
  readonly residentBytes: number | null;
}

export interface LiveSecond {
  /** The window's end, milliseconds since the Unix epoch. */
  readonly at: number;
  readonly windowMs: number;
  readonly endpoints: readonly LiveTraffic[];
}

interface Totals {
  startedAtMs: number;
  answered: number;
  rows: number;
  batches: number;
  failed: Map<string, number>;
  refused: Map<string, number>;
  stages: Record<Stage, Histogram>;
  byRows: Map<number, number>;
}

export class LiveWindow {
  readonly #clock: Clock;
  readonly #book: TrafficView;
  readonly #status: () => readonly VariantStatus[];
  readonly #keep: number;
  readonly #seconds: LiveSecond[] = [];
  #earlier = new Map<string, Totals>();
  #lastAt: number;
  #cancel: CancelTimer;

  constructor(options: {
    clock: Clock;
    book: TrafficView;
    status: () => readonly VariantStatus[];
    keepSeconds: number;
  }) {
    this.#clock = options.clock;
    this.#book = options.book;
    this.#status = options.status;
    this.#keep = options.keepSeconds;
    this.#lastAt = this.#clock.now();
    this.#cancel = this.#clock.after(1000, () => this.#tick());
  }

  /** The last `seconds` seconds, oldest first. */
  last(seconds: number): readonly LiveSecond[] {
    return this.#seconds.slice(-seconds);
  }

  close(): void {
    this.#cancel();
  }

  #tick(): void {
    this.#cancel = this.#clock.after(1000, () => this.#tick());
    const now = this.#clock.now();
    const windowMs = now - this.#lastAt;
    this.#lastAt = now;
    const totals = new Map<string, Totals>();
    const endpoints: LiveTraffic[] = [];
    const loaded = this.#status().filter(({ state }) => state !== "unloaded" && state !== "failed");
    // While a deployment replaces one of the same version, both are that version. Names hold no space.
    for (const [key, same] of Map.groupBy(loaded, ({ endpoint, version }) => `${endpoint} ${version}`)) {
      const { endpoint, version } = same[0]!;
      const present = totalsOf(this.#book.get(endpoint, version));
      totals.set(key, present);
      // What the book forgot meanwhile began anew.
      const earlier = this.#earlier.get(key);
      const before = earlier === undefined || earlier.startedAtMs !== present.startedAtMs ? NOTHING : earlier;
      endpoints.push(difference(same, present, before, windowMs / 1000));
    }
    this.#earlier = totals;
    this.#seconds.push({ at: this.#clock.wall(), windowMs, endpoints });
    if (this.#seconds.length > this.#keep) this.#seconds.shift();
  }
}

function totalsOf(traffic: Traffic | undefined): Totals {
  const stages = {} as Record<Stage, Histogram>;
  for (const stage of STAGES) stages[stage] = traffic?.stages[stage].copy() ?? new Histogram();
  return {
    startedAtMs: traffic?.startedAtMs ?? 0,
    answered: traffic?.answered ?? 0,
    rows: traffic?.rows ?? 0,
    batches: traffic?.batches ?? 0,
    failed: new Map(traffic?.failed),
    refused: new Map(traffic?.refused),
    stages,
    byRows: new Map([...(traffic?.batchRows ?? [])].map(([rows, batch]) => [rows, batch.count])),
  };
}

const NOTHING = totalsOf(undefined);

function difference(same: readonly VariantStatus[], now: Totals, before: Totals, seconds: number): LiveTraffic {
  const failed = grown(now.failed, before.failed);
  const refused = grown(now.refused, before.refused);
  const answered = now.answered - before.answered;
  const codes: Record<string, number> = { ...failed, ...refused };
  if (answered > 0) codes["OK"] = answered;
  let stages: Record<Stage, Percentiles> | null = null;
  if (answered > 0) {
    stages = {} as Record<Stage, Percentiles>;
    for (const stage of STAGES) stages[stage] = now.stages[stage].since(before.stages[stage]).percentiles()!;
  }
  const batches = now.batches - before.batches;
  const { endpoint, version } = same[0]!;
  const memory = same.flatMap(({ executor }) => executor?.runners.map((runner) => runner.residentBytes) ?? []);
  return {
    endpoint,
    version,
    requestsPerSecond: answered / seconds,
    rowsPerSecond: (now.rows - before.rows) / seconds,
    failuresPerSecond: total(failed) / seconds,
    refusedPerSecond: total(refused) / seconds,
    codes,
    stages,
    batches:
      batches > 0 ? { meanRows: (now.rows - before.rows) / batches, byRows: grown(now.byRows, before.byRows) } : null,
    queued: same.reduce((sum, { queuedRequests }) => sum + queuedRequests, 0),
    inFlight: same.reduce((sum, { inFlight }) => sum + inFlight, 0),
    residentBytes: memory.some((bytes) => bytes !== null)
      ? memory.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0)
      : null,
  };
}

function grown(
  now: ReadonlyMap<string | number, number>,
  before: ReadonlyMap<string | number, number>,
): Record<string, number> {
  const answer: Record<string, number> = {};
  for (const [key, value] of now) {
    const more = value - (before.get(key) ?? 0);
    // Shares of batches are fractions, so what is left of a sum that did not grow may be a rounding error.
    if (more > 1e-6) answer[String(key)] = more;
  }
  return answer;
}

function total(counts: Readonly<Record<string, number>>): number {
  let answer = 0;
  for (const value of Object.values(counts)) answer += value;
  return answer;
}
