// The way to a plan: whether one client alone is answered in time, which settings carry most, where their limit lies, how
// much of it has to be kept free, and then the rate that the plan would stand on, measured again and again until it is
// certain enough either way. What carries the tests out, and on what, is the caller's.
import { assert } from "@slipway/core/base";
import type { JobRun } from "#jobs";
import type { Candidate } from "#lab/tune";
import { findHighestRate, isMet, type Objective } from "#load";
import { type Headroom, headroomFrom } from "./headroom.ts";
import type { Outcome } from "./plan-document.ts";
import { busiestRate, replicasFor, type Reserve } from "./replicas.ts";
import { fitScaling, type ScalingLaw, type ScalingPoint } from "./scaling.ts";
import { type Decision, decide, LEAST_WINDOWS, summaryOf, type Window, type WindowsSummary } from "./windows.ts";

export interface Asked {
  readonly objective: Objective;
  /** Requests a second; null for the highest rate there is. */
  readonly ratePerSecond: number | null;
}

/** What is assumed of several machines behind a balancer; none of it can be measured on one. */
export interface Assumptions {
  /** How much more than its part the busiest replica gets, as a share. */
  readonly imbalance: number;
  /** What the balancer adds to each request's latency. */
  readonly balancerMs: number;
}

export const ASSUMPTIONS: Assumptions = { imbalance: 0.1, balancerMs: 0.5 };

/** What measures. Each call is one load test with arrivals of its own. */
export interface PlannerPorts {
  /** One client that waits for each answer. */
  readonly lone: (candidate: Candidate, durationMs: number) => Promise<Window>;
  /** As many clients as there are connections, each waiting: all the server can do. */
  readonly saturated: (candidate: Candidate, durationMs: number) => Promise<Window>;
  /** Poisson arrivals at a rate. */
  readonly open: (candidate: Candidate, ratePerSecond: number, durationMs: number) => Promise<Window>;
  /** Races settings for the objective, beginning with `current`, for about so long. */
  readonly race: (current: Candidate, budgetMs: number) => Promise<Raced>;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

export interface Raced {
  readonly chosen: Candidate;
  /** About the highest rate the chosen one meets the objective at; null where none was found. */
  readonly ratePerSecond: number | null;
  /** The highest rates by how many cores candidates could use. */
  readonly points: readonly ScalingPoint[];
  readonly outcome: RaceOutcome;
}

/** What the race came to. */
export interface RaceOutcome {
  /** Candidates in it, the current settings included. */
  readonly candidates: number;
  /** Whether the best was better than the current settings beyond the noise, and so is planned with. */
  readonly isChanged: boolean;
  /** The best over the current settings, median of pairs; null where there were none. */
  readonly ratio: number | null;
  readonly wins: number;
  readonly pairs: number;
}

export interface Attempt {
  readonly replicas: number;
  readonly decision: Decision;
  /** Met, and so evenly that the next window is to be expected to meet it too. */
  readonly isAccepted: boolean;
  readonly summary: WindowsSummary;
}

export interface Limit {
  readonly ratePerSecond: number;
  readonly missedAtRate: number | null;
  readonly tests: number;
  readonly isGeneratorLimited: boolean;
}

/** What was found, before it is put into words and priced. */
export interface Findings {
  readonly outcome: Outcome;
  readonly candidate: Candidate;
  readonly lone: WindowsSummary;
  readonly limit: Limit | null;
  readonly headroom: Headroom | null;
  readonly scaling: ScalingLaw | null;
  /** null where it did not come to a race. */
  readonly race: RaceOutcome | null;
  readonly attempts: readonly Attempt[];
  /** Of the last attempt; above `MOST_REPLICAS` where no number of machines helps. */
  readonly replicas: number | null;
  readonly ratePerReplica: number | null;
  /** The limit that replicas are counted with: the search's, or less where the confirmation turned that down. */
  readonly capacity: number | null;
  readonly windowMs: number | null;
}

/** More machines than this are no plan. */
export const MOST_REPLICAS = 1000;

/** Shares of the budget at whose end each step ends; what is left is the confirmation's. */
const ENDS = { lone: 0.08, race: 0.45, search: 0.62 };
/** Of the budget, where even the confirmation ends; but the windows it takes at least are always made. */
const LAST_END = 1.5;
const LONE_MS = { least: 250, most: 3000, mostForOneAnswer: 60_000 };
/** Windows of one client that all have to miss the objective before no settings are thought to meet it. */
export const LONE_WINDOWS = 8;
/** A window of one client has about so many answers. */
const LONE_ANSWERS = 100;
const SEARCH_TESTS = 14;
const SEARCH_MS = { least: 400, most: 4000, mostForFewRequests: 5000 };
/** A test or window takes at least so many answers of a lone client, or its last ones decide whether a queue grew. */
const ANSWERS = 10;
/** Fewer requests than this are no window. */
const FEW_REQUESTS = 10;
const MOST_EMPTY = 3;
const SATURATED_SHARE = 0.4;
const RESOLUTION = 1.15;
const WINDOW_MS = { least: 500, most: 10_000, mostForFewRequests: 20_000 };
/** A confirmation that is still open after so many windows is of a rate that is neither good nor bad. */
const MOST_WINDOWS = 2 * LEAST_WINDOWS;
const MOST_ATTEMPTS = 4;
/** After a rate was turned down, the next is at most this share of it. */
const STEP_DOWN = 0.75;
/** What a load test takes beside its windows: connections, warm-up, last answers. */
const OVERHEAD = 1.15;

/**
 * Finds a plan within about the budget.
 * @param current the settings there are
 * @param quickest settings that answer one client soonest, such as all cores at one run; null where these are the current ones
 * @throws what the ports throw; the signal's reason
 */
export async function findPlan(
  asked: Asked,
  { current, quickest }: { readonly current: Candidate; readonly quickest: Candidate | null },
  assumptions: Assumptions,
  ports: PlannerPorts,
  run: Pick<JobRun, "signal" | "report">,
  budgetMs: number,
): Promise<Findings> {
  const planner = new Planner(asked, assumptions, ports, run, budgetMs);
  return await planner.find(current, quickest);
}

class Planner {
  readonly #asked: Asked;
  readonly #assumptions: Assumptions;
  readonly #ports: PlannerPorts;
  readonly #run: Pick<JobRun, "signal" | "report">;
  readonly #budgetMs: number;
  readonly #startedAt: number;

  constructor(
    asked: Asked,
    assumptions: Assumptions,
    ports: PlannerPorts,
    run: Pick<JobRun, "signal" | "report">,
    budgetMs: number,
  ) {
    this.#asked = asked;
    this.#assumptions = assumptions;
    this.#ports = ports;
    this.#run = run;
    this.#budgetMs = budgetMs;
    this.#startedAt = ports.now();
  }

  async find(current: Candidate, quickest: Candidate | null): Promise<Findings> {
    const { objective } = this.#asked;
    const nothing = { limit: null, headroom: null, scaling: null, race: null, attempts: [], replicas: null } as const;
    const open = { ...nothing, ratePerReplica: null, capacity: null, windowMs: null } as const;
    let base = current;
    let lone = await this.#lone(current);
    if (!lone.isPossible && quickest !== null) {
      const quicker = await this.#lone(quickest);
      if (quicker.isPossible || (quicker.summary.latencyMs ?? 0) < (lone.summary.latencyMs ?? 0)) {
        base = quickest;
        lone = quicker;
      }
    }
    if (!lone.isPossible) {
      const outcome = isTooSlow(lone.summary, objective) ? "cannot" : "undecided";
      return { ...open, outcome, candidate: base, lone: lone.summary };
    }

    this.#report("racing settings");
    const raced = await this.#ports.race(base, this.#leftMs(ENDS.race));
    const candidate = raced.chosen;
    const scaling = fitScaling(raced.points);
    const answersMs = ANSWERS * (lone.summary.p50Ms ?? 0);
    const { limit, headroom } = await this.#search(candidate, raced.ratePerSecond, answersMs);
    const found = { ...open, candidate, lone: lone.summary, race: raced.outcome, scaling, limit, headroom };
    if (limit === null) return { ...found, outcome: "undecided" };
    const confirmed = await this.#confirm(candidate, limit.ratePerSecond, headroom, answersMs);
    const last = confirmed.attempts.at(-1);
    return { ...found, ...confirmed, outcome: outcomeOf(last, confirmed.replicas, objective, this.#assumptions) };
  }

  /** One client, until a window meets the objective or enough have not. */
  async #lone(candidate: Candidate): Promise<{ readonly isPossible: boolean; readonly summary: WindowsSummary }> {
    const { objective } = this.#asked;
    const windows: Window[] = [];
    let isPossible = false;
    let durationMs = LONE_MS.least;
    while (windows.length < LONE_WINDOWS) {
      this.#report(`one client alone, window ${windows.length + 1}`);
      const window = await this.#ports.lone(candidate, durationMs);
      if (window.latencyMs === null && window.failures === 0 && durationMs < LONE_MS.mostForOneAnswer) {
        // A model so slow that no answer came in time needs a longer window, not a verdict.
        durationMs *= 4;
        continue;
      }
      windows.push(window);
      const answerMs = window.p50Ms ?? 0;
      durationMs = Math.max(3 * answerMs, clamp(LONE_ANSWERS * answerMs, LONE_MS.least, LONE_MS.most));
      isPossible ||= isMet(window, objective);
      // A few more tell how evenly, while there is time.
      if (isPossible && (windows.length >= 3 || this.#leftMs(ENDS.lone) <= 0)) break;
    }
    return { isPossible, summary: summaryOf(windows, objective, null) };
  }

  /** The limit, and how much windows of the same load differ meanwhile. */
  async #search(
    candidate: Candidate,
    startRate: number | null,
    answersMs: number,
  ): Promise<{ readonly limit: Limit | null; readonly headroom: Headroom }> {
    const { objective, ratePerSecond } = this.#asked;
    const affordableMs = this.#leftMs(ENDS.search) / (SEARCH_TESTS * (1 + SATURATED_SHARE) * OVERHEAD);
    const testMs = Math.max(answersMs, clamp(affordableMs, SEARCH_MS.least, SEARCH_MS.most));
    const throughputs: number[] = [];
    const found = await findHighestRate<Window>({
      objective,
      startRate: startRate ?? ratePerSecond ?? 1,
      resolution: RESOLUTION,
      repeats: 1,
      maxTrials: 2 * SEARCH_TESTS,
      isOver: () => this.#leftMs(ENDS.search) <= 0 && throughputs.length >= SEARCH_TESTS / 2,
      trial: async (rate) => {
        this.#report(`looking for the limit, ${Math.round(rate)}/s`);
        const saturated = await this.#ports.saturated(candidate, testMs * SATURATED_SHARE);
        if (saturated.goodputPerSecond > 0) throughputs.push(saturated.goodputPerSecond);
        return await this.#open(
          candidate,
          rate,
          Math.max(testMs, Math.min(SEARCH_MS.mostForFewRequests, (FEW_REQUESTS * 1000) / rate)),
        );
      },
    });
    const headroom = headroomFrom(throughputs);
    if (found.ratePerSecond === null) return { limit: null, headroom };
    const limit = {
      ratePerSecond: found.ratePerSecond,
      missedAtRate: found.missedAtRate,
      tests: found.trials.length,
      isGeneratorLimited: found.end === "generator-limit",
    };
    return { limit, headroom };
  }

  /** Tries the rate a plan would stand on, and lower ones with more replicas, until one is accepted. */
  async #confirm(
    candidate: Candidate,
    limit: number,
    headroom: Headroom,
    answersMs: number,
  ): Promise<Pick<Findings, "attempts" | "replicas" | "ratePerReplica" | "capacity" | "windowMs">> {
    const { ratePerSecond } = this.#asked;
    const reserve: Reserve = { headroom: headroom.share, imbalance: this.#assumptions.imbalance };
    const budgetMs = Math.max(0, this.#budgetMs - this.#elapsedMs()) / (LEAST_WINDOWS * OVERHEAD);
    const baseMs = Math.max(answersMs, clamp(budgetMs, WINDOW_MS.least, WINDOW_MS.most));
    const attempts: Attempt[] = [];
    let capacity = limit;
    for (;;) {
      const usable = capacity * (1 - reserve.headroom);
      const replicas = ratePerSecond === null ? 1 : replicasFor(ratePerSecond, capacity, reserve);
      const rate = ratePerSecond === null ? usable : busiestRate(ratePerSecond, replicas, reserve);
      const windowMs = this.#windowMs(rate, baseMs);
      const result = { attempts, replicas, ratePerReplica: rate, capacity, windowMs };
      if (replicas > MOST_REPLICAS) return result;
      const attempt = await this.#attempt(candidate, rate, replicas, windowMs);
      if (attempt === null) return result;
      attempts.push(attempt);
      if (attempt.isAccepted || attempts.length >= MOST_ATTEMPTS) return result;
      capacity = Math.min(usable, rate * STEP_DOWN) / (1 - reserve.headroom);
      // An attempt that can't be decided in time says nothing.
      if (this.#leftMs(LAST_END) < LEAST_WINDOWS * windowMs * OVERHEAD) return result;
    }
  }

  /** Windows at one rate until they decide; null where the balancer alone takes as long as the objective allows. */
  async #attempt(candidate: Candidate, rate: number, replicas: number, windowMs: number): Promise<Attempt | null> {
    const objective = objectiveOf(this.#asked.objective, replicas, this.#assumptions);
    if (objective.latencyMs <= 0) return null;
    const windows: Window[] = [];
    let decision: Decision = "open";
    const hasTime = () => windows.length < LEAST_WINDOWS || this.#leftMs(LAST_END) > 0;
    while (decision === "open" && windows.length < MOST_WINDOWS && hasTime()) {
      this.#report(`confirming ${Math.round(rate)}/s, window ${windows.length + 1} of ${LEAST_WINDOWS} or more`);
      windows.push(await this.#open(candidate, rate, windowMs));
      decision = decide(windows.map((window) => isMet(window, objective)));
    }
    const summary = summaryOf(windows, objective, rate);
    const isEven = summary.nextMs !== null && summary.nextMs <= objective.latencyMs;
    return { replicas, decision, isAccepted: decision === "met" && isEven, summary };
  }

  /** A window in which, by chance, no request was due says nothing. */
  async #open(candidate: Candidate, rate: number, durationMs: number): Promise<Window> {
    let window = await this.#ports.open(candidate, rate, durationMs);
    for (let again = 0; window.offered === 0 && again < MOST_EMPTY; again++)
      window = await this.#ports.open(candidate, rate, durationMs);
    return window;
  }

  /** A quantile takes requests: a window has as many as it is about, where that does not take too long. */
  #windowMs(rate: number, baseMs: number): number {
    const needed = Math.max(FEW_REQUESTS, 1 / (1 - this.#asked.objective.quantile));
    return Math.max(baseMs, Math.min(WINDOW_MS.mostForFewRequests, (needed * 1000) / rate));
  }

  #report(text: string): void {
    this.#run.signal.throwIfAborted();
    this.#run.report({ done: Math.round(this.#elapsedMs()), total: Math.round(this.#budgetMs), text });
  }

  #elapsedMs(): number {
    return this.#ports.now() - this.#startedAt;
  }

  #leftMs(share: number): number {
    return this.#budgetMs * share - this.#elapsedMs();
  }
}

/** Where half of a lone client's answers take this share of the objective, it is the model that takes it and not a disturbance. */
const SLOW_SHARE = 0.5;

/** Whether one client's answers themselves leave no way to an objective that no window met. */
function isTooSlow({ p50Ms }: WindowsSummary, { latencyMs }: Objective): boolean {
  return p50Ms !== null && p50Ms >= SLOW_SHARE * latencyMs;
}

/** What one replica has to meet so that all together meet the objective. */
export function objectiveOf(objective: Objective, replicas: number, { balancerMs }: Assumptions): Objective {
  return replicas === 1 ? objective : { ...objective, latencyMs: objective.latencyMs - balancerMs };
}

function outcomeOf(
  last: Attempt | undefined,
  replicas: number | null,
  objective: Objective,
  assumptions: Assumptions,
): Outcome {
  assert(replicas !== null, "A plan was confirmed for no number of replicas. This is a bug.");
  if (replicas > MOST_REPLICAS || objectiveOf(objective, replicas, assumptions).latencyMs <= 0) return "cannot";
  if (last?.isAccepted !== true) return "undecided";
  return replicas === 1 ? "fits" : "replicas";
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
