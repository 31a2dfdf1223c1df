// Serving over any number of endpoints: routes by name, keeps the memory budget over all of them, and stops as one.
import { type Clock, SlipwayError } from "@slipway/core/base";
import { Endpoint, type EndpointPorts, shuttingDown } from "./endpoint.ts";
import { HookList } from "./hooks.ts";
import { checkMemoryBudget, type MemoryClaim } from "./memory-budget.ts";
import { chooseVariant } from "./routing.ts";
import type {
  DeployOptions,
  DeploymentSpec,
  ServeHooks,
  Serving,
  UnloadOptions,
  Variant,
  VariantStatus,
} from "./serving.ts";

export interface ServingOptions {
  readonly clock: Clock;
  readonly hooks: readonly ServeHooks[];
  /** What all runners together may take when loading; null for no limit. */
  readonly memoryBudgetBytes: number | null;
}

/** Makes a serving with nothing deployed yet. */
export function createServing(options: ServingOptions): Serving {
  return new Endpoints(options);
}

class Endpoints implements Serving {
  readonly #clock: Clock;
  readonly #memoryBudgetBytes: number | null;
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #closing = new AbortController();
  readonly #ports: EndpointPorts;
  #closed: Promise<void> | null = null;

  constructor({ clock, hooks, memoryBudgetBytes }: ServingOptions) {
    this.#clock = clock;
    this.#memoryBudgetBytes = memoryBudgetBytes;
    this.#ports = {
      clock,
      hooks: new HookList(hooks),
      closing: this.#closing.signal,
      checkMemory: (wanted) => checkMemoryBudget(this.#memoryBudgetBytes, wanted, this.#claims()),
    };
  }

  route(endpoint: string, version: string | null): Variant {
    if (this.#closed !== null) throw shuttingDown();
    return chooseVariant(this.#named(endpoint), version);
  }

  async deploy(spec: DeploymentSpec, options: DeployOptions = {}): Promise<Variant> {
    if (this.#closed !== null) throw shuttingDown();
    let endpoint = this.#endpoints.get(spec.endpoint);
    if (endpoint === undefined) {
      endpoint = new Endpoint(spec.endpoint, this.#ports);
      this.#endpoints.set(spec.endpoint, endpoint);
    }
    try {
      return await endpoint.deploy(spec, options);
    } finally {
      this.#forgetIfGone(endpoint);
    }
  }

  async unload(name: string, options: UnloadOptions = {}): Promise<void> {
    const endpoint = this.#named(name);
    try {
      await endpoint.unload(options);
    } finally {
      this.#forgetIfGone(endpoint);
    }
  }

  async release(name: string): Promise<void> {
    await this.#named(name).release();
  }

  status(): readonly VariantStatus[] {
    return [...this.#endpoints.values()].flatMap((endpoint) => endpoint.status());
  }

  isReady(): boolean {
    if (this.#closed !== null) return false;
    for (const endpoint of this.#endpoints.values()) if (!endpoint.isReady) return false;
    return true;
  }

  close(drainTimeoutMs: number): Promise<void> {
    this.#closed ??= this.#close(drainTimeoutMs);
    return this.#closed;
  }

  async #close(drainTimeoutMs: number): Promise<void> {
    this.#closing.abort(shuttingDown());
    const cutOff = Promise.withResolvers<void>();
    const cancelTimer = this.#clock.after(drainTimeoutMs, cutOff.resolve);
    await Promise.all([...this.#endpoints.values()].map((endpoint) => endpoint.close(cutOff.promise)));
    cancelTimer();
    this.#endpoints.clear();
  }

  #named(name: string): Endpoint {
    const endpoint = this.#endpoints.get(name);
    if (endpoint !== undefined) return endpoint;
    throw new SlipwayError("ENDPOINT_NOT_FOUND", `No endpoint is called ${JSON.stringify(name.slice(0, 128))}.`);
  }

  #claims(): MemoryClaim[] {
    return [...this.#endpoints.values()].flatMap((endpoint) => endpoint.claims());
  }

  #forgetIfGone(endpoint: Endpoint): void {
    if (endpoint.isGone && this.#endpoints.get(endpoint.endpoint) === endpoint)
      this.#endpoints.delete(endpoint.endpoint);
  }
}
