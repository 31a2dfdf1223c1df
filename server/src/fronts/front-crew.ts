// One front's share in one deployment, as the server holds it: what the front was told, so that a front that comes back
// can be told again, and the crew of the deployment's pool.
import { type Clock, SlipwayError } from "@slipway/core/base";
import type { BatchingPlan, Crew, ExecutorState, LoadedModel, RunnerHandle, Verdict } from "#runtime";
import type { FrontChild } from "./front-child.ts";
import type { AnswerTo, FrontDeployment, Order } from "./messages.ts";

export interface FrontCrewPorts {
  readonly clock: Clock;
  /** The front process there is now; null while there is none. */
  readonly child: () => FrontChild | null;
  /** Hears why a link could not be made although front and runner live; it is tried again. */
  readonly onUnlinked: (runner: number, error: unknown) => void;
}

const LINK_RETRY_MS = 1_000;

export class FrontCrew implements Crew {
  readonly deployment: FrontDeployment;
  readonly #ports: FrontCrewPorts;
  /** The front process that knows of this deployment; another is told by `repeat`. */
  #told: FrontChild | null = null;
  readonly #ready = new Map<number, RunnerHandle>();
  #model: LoadedModel | null = null;
  #state: ExecutorState = "ready";
  #reason: string | null = null;
  #stage: "new" | "loading" | "live" | "over" = "new";
  /** Links that are on their way to the front. */
  #linking: Promise<void> = Promise.resolve();
  /** Why there is no link yet to a runner that is ready. */
  readonly #unlinked = new Map<number, unknown>();

  constructor(deployment: FrontDeployment, ports: FrontCrewPorts) {
    this.deployment = deployment;
    this.#ports = ports;
  }

  /** Tells the front that the deployment is being loaded. */
  async load(): Promise<void> {
    this.#stage = "loading";
    this.#told = this.#child();
    await this.#order({ type: "load", deployment: this.deployment });
  }

  /**
   * Resolves once the front has every link there is.
   * @throws SlipwayError MODEL_LOAD_FAILED when one can't be made
   */
  async linked(): Promise<void> {
    await this.#linking;
    for (const error of this.#unlinked.values()) {
      throw new SlipwayError(
        "MODEL_LOAD_FAILED",
        `A front process could not be linked to a runner: ${String(error)}. Links are made in the system's temporary directory.`,
        { cause: error },
      );
    }
  }

  async switch(): Promise<void> {
    this.#stage = "live";
    await this.#order({ type: "switch", loadId: this.#id });
  }

  async fail({ code, message }: SlipwayError): Promise<void> {
    this.#stage = "over";
    await this.#order({ type: "fail", loadId: this.#id, code, message });
  }

  /** Its endpoint is taken out of service: a front that comes back is not told of it any more. */
  leave(): void {
    this.#stage = "over";
  }

  /** Resolves once the front has answered everything it admitted. */
  async retire(): Promise<void> {
    this.#stage = "over";
    await this.#order({ type: "retire", loadId: this.#id });
  }

  /** Tells a new front process all that the one before it knew. */
  async repeat(): Promise<void> {
    const isKnown = this.#told === this.#child();
    if (isKnown || (this.#stage !== "loading" && this.#stage !== "live")) return;
    this.#told = this.#child();
    this.#unlinked.clear();
    void this.#order({ type: "load", deployment: this.deployment });
    if (this.#model === null) return;
    void this.#tellModel(this.#model);
    if (this.#state !== "ready") void this.#tellState();
    for (const [runner, handle] of this.#ready) this.#link(runner, handle);
    await this.#linking;
    if (this.#stage === "live") await this.#order({ type: "switch", loadId: this.#id });
  }

  /** Ends a runner that the front can't reach any more. */
  breakRunner(runner: number): void {
    this.#ready.get(runner)?.kill();
  }

  runnerReady(runner: number, handle: RunnerHandle, model: LoadedModel): void {
    if (this.#model === null) {
      this.#model = model;
      void this.#tellModel(model);
    }
    this.#ready.set(runner, handle);
    this.#link(runner, handle);
  }

  runnerLost(runner: number, report: (running: number) => void): void {
    this.#ready.delete(runner);
    this.#unlinked.delete(runner);
    void this.#ask("lost", { type: "lost", loadId: this.#id, runner }).then((running) => report(running ?? 0));
  }

  judge(runner: number, verdict: Verdict, report: (fingerprint: string | null) => void): void {
    void this.#ask("judge", { type: "judge", loadId: this.#id, runner, verdict }).then(report);
  }

  resume(runner: number): void {
    void this.#order({ type: "resume", loadId: this.#id, runner });
  }

  stateChanged(state: ExecutorState, reason: string | null): void {
    // Loading and closing are told in other words.
    if (state === "loading" || state === "closed") return;
    this.#state = state;
    this.#reason = reason;
    if (state === "quarantined") this.#ready.clear();
    if (this.#model !== null) void this.#tellState();
  }

  batchingChanged(plan: BatchingPlan): void {
    if (this.#model !== null) this.#model = { ...this.#model, batching: plan };
    void this.#order({ type: "batching", loadId: this.#id, plan });
  }

  get #id(): number {
    return this.deployment.loadId;
  }

  #tellModel(model: LoadedModel): Promise<void> {
    return this.#order({ type: "model", loadId: this.#id, model });
  }

  #tellState(): Promise<void> {
    return this.#order({ type: "state", loadId: this.#id, state: this.#state, reason: this.#reason });
  }

  /** Opens a link to a runner; where that fails although both ends live, tries again for as long as they do. */
  #link(runner: number, handle: RunnerHandle): void {
    const child = this.#child();
    if (child === null || child !== this.#told) return;
    const isWanted = () => child === this.#child() && this.#ready.get(runner) === handle && this.#stage !== "over";
    const opening = handle.openLink!(async (end) => {
      if (!isWanted()) throw new Error("Nobody to link.");
      await child.call({ type: "link", loadId: this.#id, runner }, end);
    }).then(
      () => void this.#unlinked.delete(runner),
      (error: unknown) => {
        // A link that has only one end counts as a runner that is lost and was running nothing.
        if (this.#ready.get(runner) !== handle) this.resume(runner);
        const isGoing = error instanceof SlipwayError && error.code === "SHUTTING_DOWN";
        if (isGoing || !isWanted()) return;
        this.#unlinked.set(runner, error);
        this.#ports.onUnlinked(runner, error);
        this.#ports.clock.after(LINK_RETRY_MS, () => {
          if (isWanted()) this.#link(runner, handle);
        });
      },
    );
    const before = this.#linking;
    this.#linking = before.then(() => opening);
  }

  #child(): FrontChild | null {
    return this.#ports.child();
  }

  /** Gives an order to the front; one that goes, or is not there, is told again when it comes back. */
  async #order(order: Order): Promise<void> {
    await this.#ask(order.type, order);
  }

  /** As `#order`; answers null where there is no front, or it goes. */
  async #ask<Type extends Order["type"]>(
    _type: Type,
    order: Order & { readonly type: Type },
  ): Promise<AnswerTo<Type> | null> {
    const child = this.#child();
    if (child === null || child !== this.#told) return null;
    try {
      return await child.call<Type>(order);
    } catch {
      return null;
    }
  }
}
