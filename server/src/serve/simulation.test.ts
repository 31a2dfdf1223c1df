// Serving under random load, with a fake clock and executors that take time and die: whatever happens, every request
// ends exactly once, no bound is passed, and nobody starves.
import { FakeClock, SlipwayError } from "@slipway/core/base";
import type { Signature } from "@slipway/core/tensor";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { BatchingPlan } from "#runtime";
import type { RequestContext } from "./context.ts";
import { createServing } from "./create-serving.ts";
import type { DeploymentSpec, InferenceOutcome, Serving, ServeHooks } from "./serving.ts";
import { randomFrom, SimulatedExecutor, type SimulatedExecutorOptions } from "./simulated-executor.testing.ts";

const SIGNATURE: Signature = {
  inputs: [{ name: "x", type: { kind: "tensor", dtype: "float32", shape: ["N", 1] } }],
  outputs: [{ name: "y", type: { kind: "tensor", dtype: "float32", shape: ["N", 1] } }],
};
const UNBATCHED: BatchingPlan = { mode: "off", maxRows: 1, reason: null, padAxis: null };
const SEEDS = [1, 2, 3, 4, 5];

interface Sent {
  readonly context: RequestContext;
  readonly version: string;
  readonly rows: number;
  cancel: () => void;
  isCancelled: boolean;
  outcome: InferenceOutcome | null;
  endedAt: number;
  admitted: number;
  ended: number;
  refused: number;
}

/** A serving with one endpoint, what was sent to it, and what must hold of both. */
class World {
  readonly clock = new FakeClock();
  readonly serving: Serving;
  readonly random: () => number;
  readonly queue: DeploymentSpec["queue"];
  readonly sent: Sent[] = [];
  readonly executors: SimulatedExecutor[] = [];
  readonly #byId = new Map<string, Sent>();
  #versions = 0;

  constructor(seed: number, queue: Partial<DeploymentSpec["queue"]> = {}) {
    this.random = randomFrom(seed);
    this.queue = { maxRequests: 40, maxBytes: 400, priorityLevels: 4, agingMs: 50, ...queue };
    const hooks: ServeHooks = {
      onAdmitted: (_variant, context) => this.#byId.get(context.inferenceId)!.admitted++,
      onEnded: (_variant, context) => this.#byId.get(context.inferenceId)!.ended++,
      onRefused: (_variant, context) => this.#byId.get(context.inferenceId)!.refused++,
    };
    this.serving = createServing({ clock: this.clock, hooks: [hooks], memoryBudgetBytes: null });
  }

  /** Deploys one more version, which takes `loadMs` to load; a server that stops meanwhile is no error. */
  async deploy(options: Partial<SimulatedExecutorOptions> = {}, loadMs = 0): Promise<void> {
    const version = String(++this.#versions);
    const { clock } = this;
    const executor = new SimulatedExecutor({ clock, signature: SIGNATURE, serviceMs: (rows) => 5 + rows, ...options });
    this.executors.push(executor);
    const spec: DeploymentSpec = {
      deploymentId: `d${version}`,
      endpoint: "e",
      version,
      queue: this.queue,
      attachment: null,
      estimatedBytes: 0,
      load: () => new Promise((resolve) => clock.after(loadMs, () => resolve(executor))),
    };
    try {
      await this.serving.deploy(spec);
    } catch (error) {
      if (!(error instanceof SlipwayError) || error.code !== "SHUTTING_DOWN") throw error;
    }
  }

  /** Deploys, and answers when it is live. */
  async start(options: Partial<SimulatedExecutorOptions> = {}): Promise<void> {
    const deploying = this.deploy(options);
    await this.clock.advanceAsync(0);
    await deploying;
  }

  send({ timeoutMs, priority = 0, rows = 1 }: { timeoutMs: number; priority?: number; rows?: number }): Sent {
    const { clock } = this;
    const arrivedAt = clock.now();
    const inferenceId = String(this.sent.length);
    const deadline = arrivedAt + timeoutMs;
    const who = { inferenceId, tenant: "default", principal: null, purpose: null, traceparent: null };
    const context: RequestContext = { ...who, priority, arrivedAt, deadline };
    const counts = { admitted: 0, ended: 0, refused: 0 };
    const variant = this.serving.route("e", null);
    const sent: Sent = {
      context,
      version: variant.version,
      rows,
      cancel: () => {},
      isCancelled: false,
      outcome: null,
      endedAt: -1,
      ...counts,
    };
    this.sent.push(sent);
    this.#byId.set(inferenceId, sent);
    const data = new Float32Array(rows).fill(Number(inferenceId));
    const inputs = [{ name: "x", dtype: "float32", shape: [rows, 1], data } as const];
    let hasReturned = false;
    const cancel = variant.submit({ inputs, outputs: null }, context, (outcome) => {
      expect(hasReturned, "answered before submit returned").toBe(true);
      expect(sent.isCancelled, "answered after it was cancelled").toBe(false);
      expect(sent.outcome, "answered twice").toBeNull();
      sent.outcome = outcome;
      sent.endedAt = clock.now();
    });
    hasReturned = true;
    sent.cancel = () => {
      if (sent.outcome === null) sent.isCancelled = true;
      cancel();
    };
    return sent;
  }

  /** What must hold at every moment. */
  check(): void {
    const now = this.clock.now();
    for (const { queuedRequests, queuedBytes, inFlight, state } of this.serving.status()) {
      if (state === "loading" || state === "failed") continue;
      expect(queuedRequests).toBeLessThanOrEqual(this.queue.maxRequests);
      expect(queuedBytes).toBeLessThanOrEqual(this.queue.maxBytes);
      expect(queuedBytes).toBeGreaterThanOrEqual(queuedRequests * 4);
      expect(inFlight).toBeLessThanOrEqual(16);
    }
    for (const executor of this.executors) {
      expect(executor.mostInFlight).toBeLessThanOrEqual(executor.credits);
      expect(executor.mostBytesInFlight).toBeLessThanOrEqual(this.queue.maxBytes);
    }
    for (const { outcome, isCancelled, context } of this.sent.slice(-200)) {
      if (outcome === null && !isCancelled)
        expect(now - context.deadline, "waits past its deadline").toBeLessThan(1e-6);
    }
  }

  /** What must hold of every request when all is over. */
  checkEnd(): void {
    for (const sent of this.sent) {
      const isOver = sent.outcome !== null || sent.isCancelled;
      expect(isOver, `request ${sent.context.inferenceId} was lost`).toBe(true);
      expect([sent.admitted, sent.refused]).toEqual(sent.admitted === 1 ? [1, 0] : [0, 1]);
      expect(sent.ended).toBe(sent.admitted);
      if (sent.outcome === null) continue;
      expect(sent.endedAt - sent.context.deadline).toBeLessThan(1e-6);
      if (!sent.outcome.ok) continue;
      const [y] = sent.outcome.outputs;
      expect(y?.data).toEqual(new Float32Array(sent.rows).fill(Number(sent.context.inferenceId)));
    }
    expect(this.serving.status().every(({ inFlight, queuedRequests }) => inFlight + queuedRequests === 0)).toBe(true);
  }

  codes(): Map<string, number> {
    const codes = new Map<string, number>();
    for (const { outcome, isCancelled } of this.sent) {
      const code = isCancelled ? "cancelled" : outcome === null ? "none" : outcome.ok ? "OK" : outcome.error.code;
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }
    return codes;
  }

  exponential(meanMs: number): number {
    return -meanMs * Math.log(1 - this.random());
  }
}

describe("random load, bursts, cancels, deaths and deployments", () => {
  test.each(SEEDS)("seed %i", async (seed) => {
    const world = new World(seed);
    const { clock, random } = world;
    const flaky = (): Partial<SimulatedExecutorOptions> => ({
      ...(random() < 0.3 ? { batching: UNBATCHED, credits: 2 } : {}),
      kills: () => random() < 0.02,
      recoverMs: 30,
      serviceMs: (rows) => 2 + rows + world.exponential(3),
    });
    await world.start(flaky());
    const versions = new Set<string>();
    for (let step = 0; step < 2500; step++) {
      const burst = random() < 0.02 ? 60 : 1;
      for (let i = 0; i < burst; i++) {
        const rows = 1 + Math.floor(random() * 4);
        const timeoutMs = random() < 0.1 ? world.exponential(10) : 50 + world.exponential(500);
        const sent = world.send({ timeoutMs, priority: Math.floor(random() * 5), rows });
        if (random() < 0.1) clock.after(world.exponential(20), sent.cancel);
        versions.add(sent.version);
      }
      if (random() < 0.005) void world.deploy(flaky(), 20);
      await clock.advanceAsync(world.exponential(4));
      world.check();
    }
    await clock.advanceAsync(20_000);
    world.checkEnd();
    const codes = world.codes();
    // The run is worth something only when all this happened.
    expect(versions.size).toBeGreaterThan(2);
    expect(world.executors.some(({ deaths }) => deaths > 0)).toBe(true);
    for (const code of ["OK", "cancelled", "QUEUE_FULL", "DEADLINE_EXCEEDED", "RUNNER_DIED"])
      expect(codes.get(code) ?? 0, code).toBeGreaterThan(0);
    expect(world.executors.slice(0, -1).every((executor) => executor.status().state === "closed")).toBe(true);
    expect([...codes.keys()].sort()).toEqual(["DEADLINE_EXCEEDED", "OK", "QUEUE_FULL", "RUNNER_DIED", "cancelled"]);
  });
});

test.each(SEEDS)("a close in the middle ends everything in time, seed %i", async (seed) => {
  const world = new World(seed);
  const { clock, random } = world;
  await world.start({ kills: () => random() < 0.1, recoverMs: 20 });
  for (let i = 0; i < 60; i++) world.send({ timeoutMs: world.exponential(1000), rows: 1 + Math.floor(random() * 3) });
  void world.deploy({}, 5);
  await clock.advanceAsync(5 + random() * 20);
  for (let i = 0; i < 30; i++) world.send({ timeoutMs: world.exponential(1000) });
  let isClosed = false;
  const drainTimeoutMs = random() * 60;
  const closed = world.serving.close(drainTimeoutMs).then(() => (isClosed = true));
  await clock.advanceAsync(drainTimeoutMs + 1);
  expect(isClosed).toBe(true);
  await closed;
  world.checkEnd();
  expect(world.executors.every((executor) => executor.status().state === "closed")).toBe(true);
});

test.each(SEEDS)("reloads under load lose nothing, seed %i", async (seed) => {
  const world = new World(seed, { maxRequests: 1000, maxBytes: 1e6 });
  const { clock } = world;
  await world.start();
  for (let step = 0; step < 1000; step++) {
    world.send({ timeoutMs: 5000 });
    if (step % 50 === 25) void world.deploy({}, 10);
    await clock.advanceAsync(world.exponential(2));
  }
  await clock.advanceAsync(5000);
  world.checkEnd();
  expect(world.codes()).toEqual(new Map([["OK", 1000]]));
  expect(new Set(world.sent.map(({ version }) => version)).size).toBe(21);
  expect(world.serving.status().map(({ version }) => version)).toEqual(["21"]);
});

describe("nobody starves", () => {
  test.each(SEEDS)("the lowest priority is served beside a flood of the highest, seed %i", async (seed) => {
    const world = new World(seed, { maxRequests: 20, maxBytes: 1e6 });
    const { clock, queue } = world;
    await world.start({ batching: UNBATCHED, credits: 1, serviceMs: () => 10 });
    const low: Sent[] = [];
    for (let step = 0; step < 3000; step++) {
      world.send({ timeoutMs: 60_000, priority: 1 });
      if (step % 50 === 0) low.push(world.send({ timeoutMs: 60_000, priority: 4 }));
      clock.advance(world.exponential(8));
    }
    clock.advance(60_000);
    world.checkEnd();
    // Overtaken only by what comes within its priority's intervals, and by what the queue held then.
    const boundMs = 4 * queue.agingMs + 10 * (queue.maxRequests + 1);
    const served = low.filter(({ admitted }) => admitted === 1);
    expect(served.length).toBeGreaterThan(5);
    for (const { context, endedAt, outcome } of served) {
      expect(outcome?.ok).toBe(true);
      expect(endedAt - context.arrivedAt).toBeLessThanOrEqual(boundMs + 10);
    }
  });

  test.each(SEEDS)("a late deadline is served beside a flood of early ones, seed %i", async (seed) => {
    const world = new World(seed, { maxRequests: 20, maxBytes: 1e6 });
    const { clock, queue } = world;
    await world.start({ batching: UNBATCHED, credits: 1, serviceMs: () => 10 });
    const patient: Sent[] = [];
    for (let step = 0; step < 2000; step++) {
      world.send({ timeoutMs: 400 });
      if (step % 40 === 0) patient.push(world.send({ timeoutMs: 600_000 }));
      clock.advance(world.exponential(9));
    }
    clock.advance(700_000);
    world.checkEnd();
    const served = patient.filter(({ admitted }) => admitted === 1);
    expect(served.length).toBeGreaterThan(5);
    for (const { context, endedAt } of served)
      expect(endedAt - context.arrivedAt).toBeLessThanOrEqual(2 * queue.agingMs + 10 * (queue.maxRequests + 2));
  });

  test.each(SEEDS)("priorities wait in their order, seed %i", async (seed) => {
    const world = new World(seed, { maxRequests: 1000, maxBytes: 1e6, agingMs: 10_000 });
    await world.start({ batching: UNBATCHED, credits: 1, serviceMs: () => 10 });
    for (let step = 0; step < 400; step++) {
      world.send({ timeoutMs: 600_000, priority: 1 + Math.floor(world.random() * 4) });
      world.clock.advance(world.exponential(9));
    }
    world.clock.advance(10_000);
    world.checkEnd();
    const waits = [1, 2, 3, 4].map((priority) => {
      const of = world.sent.filter(({ context }) => context.priority === priority);
      return of.reduce((sum, { context, endedAt }) => sum + endedAt - context.arrivedAt, 0) / of.length;
    });
    expect(waits).toEqual(waits.toSorted((a, b) => a - b));
  });
});

describe("overload", () => {
  test.each(
    SEEDS.flatMap((seed) => [
      { seed, times: 2 },
      { seed, times: 10 },
    ]),
  )("goodput stays near capacity when offered $times times as much, seed $seed", async ({ seed, times }) => {
    const serviceMs = 10;
    const durationMs = 2500;
    for (const timeoutMs of [100, 300, 1000]) {
      const world = new World(seed, { maxRequests: 1024, maxBytes: 1e9 });
      await world.start({
        batching: UNBATCHED,
        credits: 4,
        serviceMs: () => serviceMs * (0.8 + 0.4 * world.random()),
      });
      while (world.clock.now() < durationMs) {
        world.send({ timeoutMs });
        world.clock.advance(world.exponential(serviceMs / times));
      }
      world.clock.advance(2 * timeoutMs);
      world.checkEnd();
      const good = world.codes().get("OK") ?? 0;
      expect(good / (durationMs / serviceMs), `timeout ${timeoutMs} ms`).toBeGreaterThan(0.9);
    }
  });
});

test("any script of events ends every request once", async () => {
  const event = fc.oneof(
    fc.record({
      kind: fc.constant("send" as const),
      timeoutMs: fc.integer({ min: 0, max: 100 }),
      priority: fc.integer({ min: 0, max: 4 }),
      rows: fc.integer({ min: 1, max: 10 }),
    }),
    fc.record({ kind: fc.constant("cancel" as const), which: fc.nat() }),
    fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 40 }) }),
    fc.record({ kind: fc.constant("deploy" as const), loadMs: fc.integer({ min: 0, max: 30 }) }),
    fc.record({ kind: fc.constant("release" as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 60 }), fc.nat(), async (events, seed) => {
      const world = new World(seed, { maxRequests: 5, maxBytes: 100 });
      const deadly = { kills: () => world.random() < 0.2, maxDeaths: 3, recoverMs: 15 };
      await world.start(deadly);
      for (const each of events) {
        if (each.kind === "send") world.send(each);
        else if (each.kind === "cancel") world.sent[each.which % Math.max(1, world.sent.length)]?.cancel();
        else if (each.kind === "wait") await world.clock.advanceAsync(each.ms);
        else if (each.kind === "deploy") void world.deploy(deadly, each.loadMs);
        else await world.serving.release("e");
        world.check();
      }
      await world.clock.advanceAsync(1000);
      world.checkEnd();
      await world.serving.close(10);
      expect(() => world.send({ timeoutMs: 1 })).toThrow(SlipwayError);
    }),
    { numRuns: 300 },
  );
});
