// A front's side of a deployment: its requests, waiting or in flight at the runners it has links to. It sends each to the
// least loaded, and when a runner dies, places what was there again. What a death means is decided where the runners are
// owned, since only there it is known what other fronts had running.
import { type Clock, type ErrorCode, SlipwayError, unreachable } from "@slipway/core/base";
import type { NamedTensor, Signature } from "@slipway/core/tensor";
import type { BatchingPlan, CancelRun, ExecutorState, RunOutcome, RunRequest } from "./executor.ts";
import { type Entry, expire, fail } from "./pool-entry.ts";
import { type PortNames, portNames, type RunnerLink } from "./runner-link.ts";

/** What the end of a runner means for the requests it ran. Plain data, since fronts in other processes hear it too. */
export interface Verdict {
  /** Whether it was ended for running too long: then a request that ran alone is the cause at once. */
  readonly isTimeout: boolean;
  /** What the request that is the cause is answered with. */
  readonly code: ErrorCode;
  readonly message: string;
  /** Whether it ran a single request, over all fronts: only that one can be the cause. */
  readonly wasAlone: boolean;
}

export interface DispatcherOptions {
  readonly clock: Clock;
  /** Distinguishes inputs without telling what they are. */
  readonly fingerprint: (inputs: readonly NamedTensor[]) => string;
  /** Called when there is something to sweep. */
  readonly onBusy: () => void;
}

/** Deaths of a request's runner, other than by the run limit, after which it is held to be the cause. */
const LAST_ATTEMPT = 2;

/** Requests a link takes at once, before the runner says better: enough to keep its next batch full. */
export function creditsOf({ mode, maxRows }: BatchingPlan): number {
  return mode === "dynamic" ? 2 * maxRows : 4;
}

/** Why an executor in this state takes no requests; null where it does. */
export function refusalOf(state: ExecutorState, reason: string | null): SlipwayError | null {
  switch (state) {
    case "closed":
      return new SlipwayError("SHUTTING_DOWN", "The deployment was unloaded.");
    case "quarantined":
      return new SlipwayError("DEPLOYMENT_QUARANTINED", reason ?? "The deployment is quarantined.");
    case "loading":
    case "ready":
    case "recovering":
      return null;
    default:
      return unreachable(state);
  }
}

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #links: RunnerLink[] = [];
  readonly #waiting: Entry[] = [];
  /** What was in flight at runners that are gone, until it is known what that means. */
  readonly #lost = new Map<number, { readonly running: readonly Entry[]; readonly all: readonly Entry[] }>();
  #names: PortNames | null = null;
  /** Where the next look for the least loaded begins, so that fronts that see all alike don't all choose the first. */
  #turn: number;

  /** @param turn which link is tried first; another for each front */
  constructor(options: DispatcherOptions, turn = 0) {
    this.#options = options;
    this.#turn = turn;
  }

  get links(): readonly RunnerLink[] {
    return this.#links;
  }

  /** @param refusal what the request is answered with, unasked; null sends it to a runner */
  run(request: RunRequest, done: (outcome: RunOutcome) => void, refusal: SlipwayError | null): CancelRun {
    const entry: Entry = { request, done, stream: 0, isRunning: false, isAlone: false, deaths: 0 };
    if (refusal === null) this.#place(entry);
    else this.#options.clock.soon(() => fail(entry, refusal));
    return () => this.#cancel(entry);
  }

  /** A runner is ready to take requests on this link. */
  add(link: RunnerLink, signature: Signature): void {
    this.#names ??= portNames(signature);
    this.#links.push(link);
    for (const entry of this.#waiting.splice(0)) this.#place(entry);
  }

  /** A runner is gone. Answers how many of these requests it was running; they wait for the verdict. */
  lose(runner: number): number {
    const index = this.#links.findIndex((link) => link.runner === runner);
    if (index === -1) return 0;
    const [link] = this.#links.splice(index, 1);
    link!.close();
    const running = link!.runningEntries();
    for (const entry of running) entry.deaths++;
    this.#lost.set(runner, { running, all: link!.inFlight.values() });
    return running.length;
  }

  /**
   * Hears what the end of a runner means. The request that ended it, if it is one of these, gets its error: the one that
   * ran alone, past the limit or for the second time. Those that ran with others run by themselves from now on.
   * @returns the fingerprint of that request's inputs; null where the cause is not here
   */
  judge(runner: number, { isTimeout, code, message, wasAlone }: Verdict): string | null {
    const { fingerprint } = this.#options;
    const { running } = this.#lost.get(runner) ?? { running: [] };
    let found: string | null = null;
    for (const entry of running) {
      const isCause = wasAlone && (isTimeout || entry.deaths >= LAST_ATTEMPT);
      if (isCause) {
        found = fingerprint(entry.request.inputs);
        fail(entry, new SlipwayError(code, message));
      } else entry.isAlone = true;
    }
    return found;
  }

  /** Goes on after a verdict: places again what was at that runner and still wants an answer. */
  resume(runner: number): void {
    const lost = this.#lost.get(runner);
    this.#lost.delete(runner);
    for (const entry of lost?.all ?? []) if (entry.done !== null) this.#place(entry);
  }

  /** Ends everything with `error`, and forgets the links: their runners end too, and others come on links of their own. */
  endAll(error: SlipwayError): void {
    for (const entry of this.#waiting.splice(0)) fail(entry, error);
    for (const { all } of this.#lost.values()) for (const entry of all) fail(entry, error);
    this.#lost.clear();
    for (const link of this.#links.splice(0)) {
      link.close();
      for (const entry of link.inFlight.values()) fail(entry, error);
    }
  }

  /** Looks at every deadline. Answers whether there is anything left to look at. */
  sweep(now: number): boolean {
    let isBusy = this.#waiting.length > 0 || this.#lost.size > 0;
    expire(this.#waiting, now);
    for (const { all } of this.#lost.values()) expire(all, now);
    for (const link of this.#links) {
      if (link.inFlight.size > 0) isBusy = true;
      expire(link.inFlight.values(), now);
    }
    for (let index = this.#waiting.length - 1; index >= 0; index--) {
      if (this.#waiting[index]!.done === null) this.#waiting.splice(index, 1);
    }
    return isBusy;
  }

  /** Sends a request to the least loaded runner, or keeps it until one is ready. */
  #place(entry: Entry): void {
    const link = this.#leastLoaded();
    if (link === null) this.#waiting.push(entry);
    else this.#dispatch(link, entry);
    this.#options.onBusy();
  }

  #leastLoaded(): RunnerLink | null {
    const links = this.#links;
    let best: RunnerLink | null = null;
    for (let i = 0; i < links.length; i++) {
      const link = links[(this.#turn + i) % links.length]!;
      if (best === null || link.inFlight.size < best.inFlight.size) best = link;
      if (best.inFlight.size === 0) break;
    }
    this.#turn++;
    return best;
  }

  #dispatch(link: RunnerLink, entry: Entry): void {
    try {
      link.send(entry, this.#names!);
    } catch (error) {
      if (!(error instanceof SlipwayError)) throw error;
      this.#options.clock.soon(() => fail(entry, error));
    }
  }

  #cancel(entry: Entry): void {
    if (entry.done === null) return;
    entry.done = null;
    const link = this.#links.find(({ inFlight }) => inFlight.get(entry.stream) === entry);
    if (link !== undefined) {
      link.cancel(entry);
      return;
    }
    const index = this.#waiting.indexOf(entry);
    if (index !== -1) this.#waiting.splice(index, 1);
  }
}
