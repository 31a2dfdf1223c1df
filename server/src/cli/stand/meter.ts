// Measurements of a candidate: its requests a second in a closed loop, or the highest rate of an open loop that meets the
// objective, looked for within the time given; and single windows of load, as a plan is made of.
import { median } from "@slipway/core/stats";
import {
  findHighestRate,
  type LoadOutcome,
  type LoadPlan,
  type LoadReport,
  type LoadThread,
  type Objective,
  trialFrom,
} from "#load";
import { type Window, windowFrom } from "#lab/plan";
import type { Sample } from "#lab/tune";
import { count } from "../text.ts";

export interface LoadWanted {
  /** Null for the highest throughput. */
  readonly objective: Objective | null;
  /** Clients of a closed loop, connections of an open one. */
  readonly connections: number;
  readonly seed: number;
  readonly timeoutMs: number;
}

/** A candidate's endpoint, and what is sent to it. */
export interface Addressed {
  readonly url: URL;
  readonly request: Buffer;
}

/** Of a measurement, what is not counted: connections and batches have to settle. */
const WARM_UP_SHARE = 0.25;
const MOST_WARM_UP_MS = 500;
/** Tests of a search: about so many bracket a limit from nearby. */
const TESTS = 6;
const MOST_TESTS = 8;
/** How near a search's passing and failing rate come: a finer one would take longer than it is worth. */
const RESOLUTION = 1.1;

export class Meter {
  readonly #thread: LoadThread;
  readonly #wanted: LoadWanted;
  /** Rates found, whichever candidate's: a search begins at their median, so that no candidate carries its luck along. */
  readonly #rates: number[] = [];
  #windows = 0;
  /** The highest share of the time that the generator was at work in a closed loop. */
  busiestShare = 0;
  /** Searches for a rate, and those that the generator ended by being short of CPU. */
  searches = 0;
  generatorLimits = 0;
  /** The fewest requests that a test which met the objective was made of. */
  fewestRequests = Number.POSITIVE_INFINITY;

  constructor(thread: LoadThread, wanted: LoadWanted) {
    this.#thread = thread;
    this.#wanted = wanted;
  }

  /** A first look, whatever the objective: a closed loop in which every request counts, however slow the model is. */
  async look(addressed: Addressed, durationMs: number): Promise<LoadReport> {
    const mode = { kind: "closed", concurrency: this.#wanted.connections } as const;
    return (await this.#load(addressed, mode, durationMs, 0)).report;
  }

  /**
   * Measures for about so long.
   * @param startRate where the first search begins
   */
  async sample(addressed: Addressed, durationMs: number, startRate: number): Promise<Sample> {
    const { objective } = this.#wanted;
    if (objective !== null) return await this.#highestRate(addressed, objective, durationMs, startRate);
    const mode = { kind: "closed", concurrency: this.#wanted.connections } as const;
    const { report, busyShare } = await this.#load(addressed, mode, durationMs, warmUpFor(durationMs));
    this.busiestShare = Math.max(this.busiestShare, busyShare);
    const failed = Object.entries(report.failures);
    if (failed.length === 0 && report.answered > 0) return { ok: true, value: report.goodputPerSecond };
    const [code = "none was answered", times = 0] = failed[0] ?? [];
    return { ok: false, reason: `${count(times)} of ${count(report.offered)} requests failed: ${code}` };
  }

  /**
   * One load test with arrivals of its own, as what it says of an objective.
   * @param load one client, as many as there are connections, or Poisson arrivals at a rate
   */
  async window(
    addressed: Addressed,
    objective: Objective,
    load: "lone" | "saturated" | { readonly ratePerSecond: number },
    durationMs: number,
  ): Promise<Window> {
    const { connections } = this.#wanted;
    const mode: LoadPlan["mode"] =
      typeof load === "string"
        ? { kind: "closed", concurrency: load === "lone" ? 1 : connections }
        : { kind: "open", ratePerSecond: load.ratePerSecond, arrivals: "poisson", connections };
    const warmUpMs = warmUpFor(durationMs);
    // Beside what is measured: a window is as long as it says.
    return windowFrom(await this.#load(addressed, mode, durationMs + warmUpMs, warmUpMs, ++this.#windows), objective);
  }

  async #highestRate(
    addressed: Addressed,
    objective: Objective,
    durationMs: number,
    startRate: number,
  ): Promise<Sample> {
    const { connections } = this.#wanted;
    const found = await findHighestRate({
      objective,
      startRate: this.#rates.length === 0 ? startRate : median(this.#rates),
      resolution: RESOLUTION,
      repeats: 1,
      maxTrials: MOST_TESTS,
      trial: async (ratePerSecond) => {
        const mode = { kind: "open", ratePerSecond, arrivals: "poisson", connections } as const;
        const testMs = durationMs / TESTS;
        const { report } = await this.#load(addressed, mode, testMs, warmUpFor(testMs));
        return trialFrom(report, objective);
      },
      onTrial: ({ goodputPerSecond, measuredMs }, isMet) => {
        const answered = Math.round((goodputPerSecond * measuredMs) / 1000);
        if (isMet) this.fewestRequests = Math.min(this.fewestRequests, answered);
      },
    });
    const rate = found.ratePerSecond ?? 0;
    if (rate > 0) this.#rates.push(rate);
    if (found.end === "generator-limit") this.generatorLimits++;
    this.searches++;
    return { ok: true, value: rate };
  }

  async #load(
    { url, request }: Addressed,
    mode: LoadPlan["mode"],
    totalMs: number,
    warmUpMs: number,
    nth = 0,
  ): Promise<LoadOutcome> {
    const { seed, timeoutMs } = this.#wanted;
    const plan = { url: url.href, mode, seed: (seed + nth) % 2 ** 32, warmUpMs, durationMs: totalMs - warmUpMs };
    return await this.#thread.run({ plan, request, timeoutMs });
  }
}

function warmUpFor(durationMs: number): number {
  return Math.min(MOST_WARM_UP_MS, durationMs * WARM_UP_SHARE);
}
