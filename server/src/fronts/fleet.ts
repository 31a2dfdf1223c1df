// All front processes of a server: started on one port, started again when one ends, told alike of every deployment, and
// read as one. The server itself owns the runners and decides; fronts answer requests.
import { type AddressInfo, createServer } from "node:net";
import { type CancelTimer, type Clock, SlipwayError, slipwayErrorFrom } from "@slipway/core/base";
import type { Settings } from "#config";
import { processingOf } from "#launch";
import {
  type AnswerBook,
  type BooksSnapshot,
  mergedAnswers,
  MergedTraffic,
  snapshotOf,
  type TrafficBook,
  type TrafficSnapshot,
  type TrafficView,
} from "#monitor";
import type { Crew } from "#runtime";
import type { DeploymentSpec, VariantStatus } from "#serve";
import { FrontChild } from "./front-child.ts";
import { FrontCrew } from "./front-crew.ts";
import type { FrontDeployment, FrontReport, Order, Overview } from "./messages.ts";

export interface FleetOptions {
  readonly settings: Settings;
  readonly version: string;
  readonly clock: Clock;
  readonly fingerprintKey: Uint8Array;
  /** The fronts' whole environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** What this process counts itself: requests through the console. */
  readonly book: TrafficBook;
  readonly answers: AnswerBook;
  readonly overview: (endpoint: string | null, version: string | null) => Overview;
  readonly log: (message: string, facts: Readonly<Record<string, unknown>>) => void;
}

/** How often fronts are asked what they count. */
const REPORT_MS = 500;
/** A front that does not say what it counts for so long is stuck, and ended. */
const STUCK_MS = 30_000;
/** Beyond the time requests have to finish, what fronts have to end in. */
const END_MARGIN_MS = 5_000;
const FIRST_BACKOFF_MS = 100;
const LAST_BACKOFF_MS = 10_000;
/** A front that lived this long is no sign of fronts that can't live. */
const STEADY_MS = 10_000;
const NOTHING: BooksSnapshot = { traffic: [], answers: [] };

interface Front {
  readonly index: number;
  child: FrontChild | null;
  /** What it last said; null since it was started. */
  report: FrontReport | null;
  startedAt: number;
  failures: number;
  cancelRestart: CancelTimer | null;
}

interface Served {
  readonly deployment: FrontDeployment;
  readonly crews: readonly FrontCrew[];
}

type Missing = Order & { readonly type: "miss" };

export class Fleet {
  readonly fingerprintKey: Uint8Array;
  readonly traffic: TrafficView;
  readonly #options: FleetOptions;
  readonly #fronts: readonly Front[];
  /** By their loading. */
  readonly #served = new Map<number, Served>();
  /** What fronts were told to miss, by endpoint. */
  readonly #missing = new Map<string, Missing>();
  #loads = 0;
  /** What fronts counted that are gone. */
  #past = NOTHING;
  #address: AddressInfo | null = null;
  #isClosed = false;
  #cancelReports: CancelTimer | null = null;
  /** The last round of asking fronts what they count, and the one to follow it; null where nobody wants one. */
  #round: Promise<void> = Promise.resolve();
  #nextRound: Promise<void> | null = null;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.fingerprintKey = options.fingerprintKey;
    this.traffic = new MergedTraffic(() => this.#trafficSnapshots());
    this.#fronts = Array.from({ length: options.settings.server.fronts }, (_, index) => ({
      index,
      child: null,
      report: null,
      startedAt: 0,
      failures: 0,
      cancelRestart: null,
    }));
  }

  /**
   * Starts the fronts; resolves with where once all listen.
   * @throws SlipwayError PORT_IN_USE or CONFIG_INVALID
   */
  async listen(): Promise<AddressInfo> {
    const { host, port } = this.#options.settings.server;
    // Sharing a port is allowed to anyone who asks for it, so that nobody else has it is found out by not sharing.
    if (port !== 0) await checkPortFree(host, port);
    const [first, ...others] = this.#fronts;
    try {
      // The first finds a port, where any will do; the others join it.
      await this.#start(first!);
      await this.#listen(first!);
      await Promise.all(others.map((front) => this.#start(front).then(() => this.#listen(front))));
    } catch (error) {
      await this.close(0);
      throw error;
    }
    this.#cancelReports = this.#options.clock.after(REPORT_MS, () => void this.#keepReporting());
    return this.#address!;
  }

  /** The crews of a deployment that is being loaded, for its pool; see `load`. */
  readonly crewsOf = (deploymentId: string): readonly Crew[] =>
    [...this.#served.values()].findLast(({ deployment }) => deployment.deploymentId === deploymentId)?.crews ?? [];

  /** What a loading of a deployment is called from here on. */
  nextLoadId(): number {
    return ++this.#loads;
  }

  /** Tells the fronts that a deployment is being loaded. */
  async load(loadId: number, spec: DeploymentSpec, isExpected: boolean): Promise<void> {
    const deployment = this.#deploymentOf(loadId, spec, isExpected);
    const { endpoint } = spec;
    const { clock, log } = this.#options;
    const crews = this.#fronts.map(
      (front) =>
        new FrontCrew(deployment, {
          clock,
          child: () => front.child,
          onUnlinked: (runner, error) =>
            log("a front could not be linked to a runner, which is tried again", {
              front: front.index,
              endpoint,
              runner,
              error: String(error),
            }),
        }),
    );
    this.#served.set(loadId, { deployment, crews });
    await Promise.all(crews.map((crew) => crew.load()));
  }

  /**
   * Resolves once every front has its links to a deployment's runners.
   * @throws SlipwayError MODEL_LOAD_FAILED when one can't be made
   */
  async linked(loadId: number): Promise<void> {
    await this.#each(loadId, (crew) => crew.linked());
  }

  /** Has every front send new requests to a deployment; resolves when all do. */
  async switch(loadId: number): Promise<void> {
    const served = this.#served.get(loadId);
    if (served !== undefined) this.#missing.delete(served.deployment.endpoint);
    await this.#each(loadId, (crew) => crew.switch());
  }

  /** A deployment does not go live after all. */
  async fail(loadId: number, thrown: unknown): Promise<void> {
    const error = slipwayErrorFrom(thrown);
    await this.#each(loadId, (crew) => crew.fail(error));
    this.#served.delete(loadId);
  }

  /** Tells every front, also one that comes back, what should be live and could not be brought back. */
  async miss(loadId: number, spec: DeploymentSpec, thrown: unknown): Promise<void> {
    const { code, message } = slipwayErrorFrom(thrown);
    const deployment = this.#deploymentOf(loadId, spec, true);
    const order: Missing = { type: "miss", deployment, code, message };
    this.#missing.set(spec.endpoint, order);
    await Promise.all(this.#fronts.map(async ({ child }) => await child?.call(order).catch(() => null)));
  }

  /** Has every front forget an endpoint, also those that are being told of it; what it admitted goes on. */
  async unload(endpoint: string): Promise<void> {
    this.#missing.delete(endpoint);
    for (const { deployment, crews } of this.#served.values()) {
      if (deployment.endpoint === endpoint) for (const crew of crews) crew.leave();
    }
    await Promise.all(
      this.#fronts.map(async ({ child }) => await child?.call({ type: "unload", endpoint }).catch(() => null)),
    );
  }

  /** Resolves once every front has answered what it admitted to a deployment that is no longer live, and forgotten it. */
  async retire(loadId: number): Promise<void> {
    await this.#each(loadId, (crew) => crew.retire());
    this.#served.delete(loadId);
  }

  /** A status with what the fronts hold of it added. */
  complete(status: VariantStatus): VariantStatus {
    let { queuedRequests, queuedBytes, inFlight } = status;
    const runners = status.executor?.runners.map((runner) => ({ ...runner })) ?? [];
    for (const { report } of this.#fronts) {
      const counts = report?.deployments.find(
        ({ deploymentId, isLive }) => deploymentId === status.deploymentId && isLive === status.isLive,
      );
      if (counts === undefined) continue;
      queuedRequests += counts.queuedRequests;
      queuedBytes += counts.queuedBytes;
      inFlight += counts.inFlight;
      for (const runner of runners) {
        const seen = counts.runners.find(({ id }) => id === runner.id);
        Object.assign(runner, {
          runs: runner.runs + (seen?.runs ?? 0),
          inFlight: runner.inFlight + (seen?.inFlight ?? 0),
        });
      }
    }
    const executor = status.executor === null ? null : { ...status.executor, runners };
    return { ...status, queuedRequests, queuedBytes, inFlight, executor };
  }

  /** The fronts' answers and this process's as one book. */
  answers(): AnswerBook {
    const { answers } = this.#options;
    const books = [this.#past, ...this.#fronts.map(({ report }) => report?.books ?? NOTHING)];
    return mergedAnswers([...answers.all(), ...books.flatMap((of) => of.answers)]);
  }

  /** Its processes, in their order. */
  status(): { pid: number | null; residentBytes: number | null }[] {
    return this.#fronts.map(({ child, report }) => ({
      pid: child?.pid ?? null,
      residentBytes: report?.residentBytes ?? null,
    }));
  }

  /** Memory of the front processes, in bytes. */
  residentBytes(): number {
    return this.#fronts.reduce((sum, { report }) => sum + (report?.residentBytes ?? 0), 0);
  }

  /** Asks every front anew what it counts. All who want that while fronts are being asked share the next round. */
  refresh(): Promise<void> {
    this.#nextRound ??= this.#round.then(() => {
      this.#nextRound = null;
      this.#round = this.#askFronts();
      return this.#round;
    });
    return this.#nextRound;
  }

  async #askFronts(): Promise<void> {
    await Promise.all(
      this.#fronts.map(async (front) => {
        const { child } = front;
        if (child === null) return;
        const cancel = this.#options.clock.after(STUCK_MS, () => child.kill());
        const report = await child.call({ type: "report" }).catch(() => null);
        cancel();
        if (report !== null && front.child === child) front.report = report;
      }),
    );
  }

  /** Takes no new connections, lets what was asked be answered within the time given, and ends the fronts. */
  async close(drainTimeoutMs: number): Promise<void> {
    this.#isClosed = true;
    this.#cancelReports?.();
    const cancel = this.#options.clock.after(drainTimeoutMs + END_MARGIN_MS, () => {
      for (const { child } of this.#fronts) child?.kill();
    });
    await Promise.all(
      this.#fronts.map(async (front) => {
        front.cancelRestart?.();
        await front.child?.call({ type: "close", drainTimeoutMs }).catch(() => null);
      }),
    );
    await this.refresh();
    cancel();
    for (const { child } of this.#fronts) child?.end();
  }

  #deploymentOf(loadId: number, spec: DeploymentSpec, isExpected: boolean): FrontDeployment {
    const { deploymentId, endpoint, version, queue, attachment } = spec;
    const { declared, signature } = processingOf({ attachment });
    const share = (whole: number) => Math.ceil(whole / this.#fronts.length);
    return {
      loadId,
      deploymentId,
      endpoint,
      version,
      // All fronts' queues together hold what one would.
      queue: { ...queue, maxRequests: share(queue.maxRequests), maxBytes: share(queue.maxBytes) },
      processing: declared,
      signature,
      isExpected,
    };
  }

  async #start(front: Front): Promise<FrontChild> {
    const { settings, version, environment, clock, log } = this.#options;
    const connections = Math.ceil(settings.server.maxConnections / this.#fronts.length);
    front.startedAt = clock.now();
    const child = new FrontChild(environment, {
      onOverview: async (endpoint, number) => {
        await this.refresh();
        return this.#options.overview(endpoint, number);
      },
      onBroken: (loadId, runner) => {
        const served = this.#served.get(loadId);
        const endpoint = served?.deployment.endpoint;
        log("a front lost its link to a runner, which is ended", { front: front.index, endpoint, runner });
        served?.crews[front.index]?.breakRunner(runner);
      },
      onLog: (message, facts) => log(message, { front: front.index, ...facts }),
      onExit: (text) => this.#onExit(front, child, text),
    });
    front.child = child;
    await child.call({
      type: "start",
      index: front.index,
      settings: { ...settings, server: { ...settings.server, maxConnections: connections } },
      version,
      fingerprintKey: Buffer.from(this.fingerprintKey).toString("hex"),
    });
    return child;
  }

  async #listen({ child }: Front): Promise<void> {
    const port = this.#address?.port ?? this.#options.settings.server.port;
    this.#address = await child!.call({ type: "listen", port });
  }

  #onExit(front: Front, child: FrontChild, text: string): void {
    if (front.child !== child) return;
    front.child = null;
    if (front.report !== null) this.#past = sumOf(this.#past, endedBooks(front.report.books));
    front.report = null;
    if (this.#isClosed) return;
    this.#options.log("a front ended and is started again", { front: front.index, text });
    this.#startLater(front);
  }

  #startLater(front: Front): void {
    const { clock } = this.#options;
    front.failures = clock.now() - front.startedAt > STEADY_MS ? 0 : front.failures + 1;
    const delayMs = front.failures === 0 ? 0 : Math.min(LAST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (front.failures - 1));
    front.cancelRestart = clock.after(delayMs, () => void this.#startAgain(front));
  }

  async #startAgain(front: Front): Promise<void> {
    front.cancelRestart = null;
    try {
      const child = await this.#start(front);
      // Where it went again meanwhile, its end started another, which is told everything by itself.
      const isOver = () => this.#isClosed || front.child !== child;
      for (const order of this.#missing.values()) void child.call(order).catch(() => null);
      for (const { crews } of this.#served.values()) if (!isOver()) await crews[front.index]!.repeat();
      if (!isOver()) await this.#listen(front);
    } catch (error) {
      this.#options.log("a front could not be started", { front: front.index, error: slipwayErrorFrom(error).message });
      if (front.child !== null) front.child.kill();
      else if (front.cancelRestart === null && !this.#isClosed) this.#startLater(front); // no process came of it
    }
  }

  async #keepReporting(): Promise<void> {
    await this.refresh();
    if (!this.#isClosed) this.#cancelReports = this.#options.clock.after(REPORT_MS, () => void this.#keepReporting());
  }

  *#trafficSnapshots(): Generator<TrafficSnapshot> {
    const { book, answers } = this.#options;
    yield* snapshotOf(book, answers).traffic;
    yield* this.#past.traffic;
    for (const { report } of this.#fronts) if (report !== null) yield* report.books.traffic;
  }

  async #each(loadId: number, act: (crew: FrontCrew) => Promise<void>): Promise<void> {
    await Promise.all(this.#served.get(loadId)?.crews.map(act) ?? []);
  }
}

function sumOf(one: BooksSnapshot, other: BooksSnapshot): BooksSnapshot {
  const traffic = new MergedTraffic(() => [...one.traffic, ...other.traffic]);
  return snapshotOf(traffic, mergedAnswers([...one.answers, ...other.answers]));
}

/** The books of a front that ended: what it had admitted and not answered then failed with it. */
function endedBooks({ traffic, answers }: BooksSnapshot): BooksSnapshot {
  return {
    answers,
    traffic: traffic.map((of) => {
      const failed = new Map(of.failed);
      const failures = of.failed.reduce((sum, [, count]) => sum + count, 0);
      const lost = of.admitted - of.answered - failures;
      if (lost > 0) failed.set("INTERNAL", (failed.get("INTERNAL") ?? 0) + lost);
      return { ...of, failed: [...failed] };
    }),
  };
}

async function checkPortFree(host: string, port: number): Promise<void> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host, port, exclusive: true }, resolve);
    });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw code === "EADDRINUSE"
      ? new SlipwayError("PORT_IN_USE", `Port ${port} of ${host} is taken.`, { cause: error })
      : new SlipwayError("CONFIG_INVALID", `Can't listen on ${host}, port ${port}: ${message}.`, { cause: error });
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}
