// Serving where requests are answered by front processes: each step of a deployment is taken here first, where runners are
// owned and decisions are made, and then by every front, before whoever asked is told that it is done.
import type {
  BatchingPlan,
  CancelRun,
  Executor,
  ExecutorState,
  ExecutorStatus,
  RunOutcome,
  RunRequest,
} from "#runtime";
import type { DeployOptions, DeploymentSpec, Serving, UnloadOptions, Variant, VariantStatus } from "#serve";
import type { Signature } from "@slipway/core/tensor";
import type { Fleet } from "./fleet.ts";

export class FleetServing implements Serving {
  readonly #own: Serving;
  readonly #fleet: Fleet;

  constructor(own: Serving, fleet: Fleet) {
    this.#own = own;
    this.#fleet = fleet;
  }

  route(endpoint: string, version: string | null): Variant {
    return this.#own.route(endpoint, version);
  }

  async deploy(spec: DeploymentSpec, options: DeployOptions = {}): Promise<Variant> {
    const fleet = this.#fleet;
    const loadId = fleet.nextLoadId();
    try {
      return await this.#own.deploy(
        { ...spec, load: (signal) => this.#load(loadId, spec, options.isExpected === true, signal) },
        {
          ...options,
          beforeSwitch: async (candidate) => {
            await options.beforeSwitch?.(candidate);
            await fleet.switch(loadId);
          },
        },
      );
    } catch (error) {
      if (options.isExpected === true) await fleet.miss(loadId, spec, error);
      throw error;
    }
  }

  async unload(endpoint: string, options: UnloadOptions = {}): Promise<void> {
    await this.#own.unload(endpoint, {
      beforeUnload: async () => {
        await options.beforeUnload?.();
        await this.#fleet.unload(endpoint);
      },
    });
  }

  async release(endpoint: string): Promise<void> {
    await this.#own.release(endpoint);
  }

  status(): readonly VariantStatus[] {
    return this.#own.status().map((status) => this.#fleet.complete(status));
  }

  isReady(): boolean {
    return this.#own.isReady();
  }

  async close(drainTimeoutMs: number): Promise<void> {
    await this.#own.close(drainTimeoutMs);
  }

  async #load(loadId: number, spec: DeploymentSpec, isExpected: boolean, signal: AbortSignal): Promise<Executor> {
    const fleet = this.#fleet;
    await fleet.load(loadId, spec, isExpected);
    let executor: Executor | null = null;
    try {
      executor = await spec.load(signal);
      await fleet.linked(loadId);
      return new SharedExecutor(executor, () => fleet.retire(loadId));
    } catch (error) {
      await fleet.fail(loadId, error);
      await executor?.close();
      throw error;
    }
  }
}

/** An executor that ends its runners only after every front has retired the deployment. */
class SharedExecutor implements Executor {
  readonly #own: Executor;
  readonly #retire: () => Promise<void>;

  constructor(own: Executor, retire: () => Promise<void>) {
    this.#own = own;
    this.#retire = retire;
  }

  get signature(): Signature {
    return this.#own.signature;
  }

  get batching(): BatchingPlan {
    return this.#own.batching;
  }

  get credits(): number {
    return this.#own.credits;
  }

  run(request: RunRequest, done: (outcome: RunOutcome) => void): CancelRun {
    return this.#own.run(request, done);
  }

  status(): ExecutorStatus {
    return this.#own.status();
  }

  onChange(listener: (state: ExecutorState) => void): () => void {
    return this.#own.onChange(listener);
  }

  release(): Promise<void> {
    return this.#own.release();
  }

  async close(): Promise<void> {
    await this.#retire();
    await this.#own.close();
  }
}
