// One endpoint: what is live, what is loading beside it and what is draining. Deployments to it are made one after the
// other; a switch is a single assignment, so every request meets either the old or the new.
import { assert, type Clock, SlipwayError, slipwayErrorFrom } from "@slipway/core/base";
import type { Executor } from "#runtime";
import { breakingDifferences } from "./compatibility.ts";
import { Deployment } from "./deployment.ts";
import type { HookList } from "./hooks.ts";
import { claimedBytes, type MemoryClaim } from "./memory-budget.ts";
import type { RoutingState } from "./routing.ts";
import type { DeployOptions, DeploymentSpec, UnloadOptions, Variant, VariantState, VariantStatus } from "./serving.ts";

export interface EndpointPorts {
  readonly clock: Clock;
  readonly hooks: HookList;
  /** Aborted when the server stops, with SHUTTING_DOWN as its reason. */
  readonly closing: AbortSignal;
  /** Throws MEMORY_BUDGET when there is no room for a deployment. */
  readonly checkMemory: (wanted: MemoryClaim) => void;
}

export class Endpoint implements RoutingState {
  readonly endpoint: string;
  readonly #ports: EndpointPorts;
  #live: Deployment | null = null;
  #loading: DeploymentSpec | null = null;
  #failed: { readonly spec: DeploymentSpec; readonly error: SlipwayError } | null = null;
  readonly #draining = new Map<Deployment, Promise<void>>();
  #isExpected = false;
  #isClosed = false;
  #waiting = 0;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(endpoint: string, ports: EndpointPorts) {
    this.endpoint = endpoint;
    this.#ports = ports;
  }

  get live(): Variant | null {
    return this.#live;
  }

  get reason(): string {
    if (this.#loading !== null) return `version ${this.#loading.version} is still loading`;
    if (this.#failed !== null) return `version ${this.#failed.spec.version} could not be loaded`;
    return this.#draining.size > 0 ? "it is being taken out of service" : "nothing is deployed yet";
  }

  /** Whether there is nothing left to know of it. */
  get isGone(): boolean {
    return this.#live === null && this.#waiting === 0 && this.#draining.size === 0 && !this.#isExpected;
  }

  /** Whether it answers, or need not. */
  get isReady(): boolean {
    if (this.#live === null) return !this.#isExpected;
    return canAnswer(this.#live);
  }

  /** What it takes of the memory budget. */
  claims(): MemoryClaim[] {
    const loaded = [...(this.#live === null ? [] : [this.#live]), ...this.#draining.keys()];
    const claims = loaded.map((deployment) => ({
      name: nameOf(deployment),
      bytes: claimedBytes(deployment.estimatedBytes, deployment.executor.status()),
    }));
    if (this.#loading !== null) claims.push(claimOf(this.#loading));
    return claims;
  }

  status(): VariantStatus[] {
    const rows: VariantStatus[] = [];
    if (this.#live !== null) rows.push(this.#statusOf(this.#live));
    if (this.#loading !== null) rows.push(unloadedStatus(this.#loading, "loading", null));
    if (this.#failed !== null) rows.push(unloadedStatus(this.#failed.spec, "failed", this.#failed.error.message));
    for (const deployment of this.#draining.keys()) rows.push(this.#statusOf(deployment));
    return rows;
  }

  /** See `Serving.deploy`. */
  deploy(spec: DeploymentSpec, options: DeployOptions): Promise<Variant> {
    assert(spec.endpoint === this.endpoint, "A deployment was given to another endpoint.");
    if (options.isExpected === true) this.#isExpected = true;
    const { closing } = this.#ports;
    const signal = options.signal === undefined ? closing : AbortSignal.any([closing, options.signal]);
    return this.#oneByOne(async () => {
      this.#failed = null;
      try {
        return await this.#loadAndSwitch(spec, options, signal);
      } catch (thrown) {
        const error = closing.aborted ? shuttingDown() : errorFrom(thrown, signal);
        this.#loading = null;
        this.#failed = { spec, error };
        this.#ports.hooks.changed(unloadedStatus(spec, "failed", error.message));
        throw error;
      }
    });
  }

  /** See `Serving.unload`. */
  async unload({ beforeUnload }: UnloadOptions): Promise<void> {
    await this.#oneByOne(async () => {
      await beforeUnload?.();
      this.#isExpected = false;
      this.#failed = null;
      this.#takeOut(null);
    });
    await Promise.all(this.#draining.values());
  }

  /** See `Serving.release`. */
  async release(): Promise<void> {
    if (this.#live === null)
      throw new SlipwayError("ENDPOINT_NOT_READY", `"${this.endpoint}" can't answer: ${this.reason}.`);
    await this.#live.executor.release();
  }

  /** Lets what was admitted finish until `cutOff` resolves, then ends it; in either case unloads everything. */
  async close(cutOff: Promise<void>): Promise<void> {
    const error = shuttingDown();
    for (const deployment of this.#draining.keys()) deployment.refuseAll(error);
    this.#live?.refuseAll(error);
    await Promise.race([this.#tail, cutOff]); // what is loading was told to give up
    this.#isClosed = true;
    this.#isExpected = false;
    this.#takeOut(error);
    const drained = Promise.all(this.#draining.values());
    await Promise.race([drained, cutOff]);
    for (const deployment of this.#draining.keys()) deployment.endAll(error);
    await drained;
  }

  async #loadAndSwitch(spec: DeploymentSpec, options: DeployOptions, signal: AbortSignal): Promise<Deployment> {
    signal.throwIfAborted();
    const { hooks, checkMemory } = this.#ports;
    checkMemory(claimOf(spec));
    this.#loading = spec;
    hooks.changed(unloadedStatus(spec, "loading", null));
    const candidate = await this.#prepare(spec, options, signal);
    const old = this.#live;
    this.#loading = null;
    this.#live = candidate;
    this.#changed(candidate);
    if (old !== null) this.#retire(old);
    if (this.#isClosed) this.#takeOut(shuttingDown());
    return candidate;
  }

  /** Loads a deployment and finds out that it may go live. */
  async #prepare(spec: DeploymentSpec, options: DeployOptions, signal: AbortSignal): Promise<Deployment> {
    const { clock, hooks } = this.#ports;
    const executor = await spec.load(signal);
    let candidate: Deployment | null = null;
    try {
      signal.throwIfAborted();
      if (options.allowBreaking !== true && this.#live !== null) refuseBreaking(this.#live, spec, executor);
      const onChange = (changed: Deployment): void => this.#changed(changed);
      candidate = new Deployment({ clock, hooks, onChange }, spec, executor);
      await options.beforeSwitch?.(candidate);
      return candidate;
    } catch (error) {
      await (candidate === null ? executor.close() : candidate.close(replaced(candidate)));
      throw error;
    }
  }

  /** Ends what is live: routing no longer meets it, and it drains. */
  #takeOut(refusal: SlipwayError | null): void {
    const live = this.#live;
    this.#live = null;
    if (live === null) return;
    if (refusal !== null) live.refuseAll(refusal);
    this.#retire(live);
  }

  /** Lets a deployment that is no longer live finish what it admitted, then unloads it. */
  #retire(deployment: Deployment): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#draining.set(deployment, promise);
    this.#changed(deployment);
    deployment.whenDrained(() => {
      const gone = (state: VariantState, reason: string | null): void => {
        this.#draining.delete(deployment);
        this.#ports.hooks.changed(unloadedStatus(deployment, state, reason));
        resolve();
      };
      deployment.close(replaced(deployment)).then(
        () => gone("unloaded", null),
        (error: unknown) => gone("failed", `its runners did not end: ${String(error)}`),
      );
    });
  }

  /** Runs `task` after those asked for before it. */
  #oneByOne<T>(task: () => Promise<T>): Promise<T> {
    this.#waiting++;
    const result = this.#tail.then(task).finally(() => this.#waiting--);
    this.#tail = result.then(
      () => undefined,
      () => undefined, // whoever asked for it hears of it
    );
    return result;
  }

  #changed(deployment: Deployment): void {
    this.#ports.hooks.changed(this.#statusOf(deployment));
  }

  #statusOf(deployment: Deployment): VariantStatus {
    const executor = deployment.executor.status();
    const isLive = deployment === this.#live;
    const isReady = canAnswer(deployment);
    const liveState = isReady ? "ready" : "not-ready";
    return {
      deploymentId: deployment.deploymentId,
      endpoint: deployment.endpoint,
      version: deployment.version,
      state: isLive ? liveState : this.#draining.has(deployment) ? "draining" : "loading",
      reason: isReady ? null : (executor.reason ?? `its runners are ${executor.state}`),
      isLive,
      queuedRequests: deployment.queuedRequests,
      queuedBytes: deployment.queuedBytes,
      inFlight: deployment.inFlight,
      executor,
    };
  }
}

/** A dead runner answers nothing, whatever else is said; run inline, there is none to look at. */
function canAnswer({ executor }: Deployment): boolean {
  const { state, runners } = executor.status();
  return state === "ready" && (runners.length === 0 || runners.some((runner) => runner.state === "ready"));
}

function refuseBreaking(live: Variant, spec: DeploymentSpec, executor: Executor): void {
  const differences = breakingDifferences(live.signature, executor.signature);
  if (differences.length === 0) return;
  const texts = differences.map(({ text }) => text);
  const shown = texts.length > 8 ? `${texts.slice(0, 8).join("; ")}; and ${texts.length - 8} more` : texts.join("; ");
  throw new SlipwayError(
    "SIGNATURE_BREAKING",
    `Version ${spec.version} of "${spec.endpoint}" would break callers of version ${live.version}: ${shown}.`,
    { details: { differences } },
  );
}

function unloadedStatus(
  { deploymentId, endpoint, version }: Pick<DeploymentSpec, "deploymentId" | "endpoint" | "version">,
  state: VariantState,
  reason: string | null,
): VariantStatus {
  return {
    deploymentId,
    endpoint,
    version,
    state,
    reason,
    isLive: false,
    queuedRequests: 0,
    queuedBytes: 0,
    inFlight: 0,
    executor: null,
  };
}

function nameOf({ endpoint, version }: Pick<DeploymentSpec, "endpoint" | "version">): string {
  return `"${endpoint}" version ${version}`;
}

function claimOf(spec: DeploymentSpec): MemoryClaim {
  return { name: nameOf(spec), bytes: spec.estimatedBytes };
}

function replaced(variant: Variant): SlipwayError {
  return new SlipwayError(
    "ENDPOINT_NOT_READY",
    `${nameOf(variant)} was taken out of service while this request was on its way; send it again.`,
    { retryAfterMs: 0 },
  );
}

export function shuttingDown(): SlipwayError {
  return new SlipwayError("SHUTTING_DOWN", "The server is stopping and takes no new requests.");
}

/** What loading failed with, as a coded error. */
function errorFrom(thrown: unknown, signal: AbortSignal): SlipwayError {
  if (thrown instanceof SlipwayError) return thrown;
  if (signal.aborted)
    return new SlipwayError("INTERRUPTED", "Loading was given up before it was done.", { cause: thrown });
  return slipwayErrorFrom(thrown);
}
