// Thirty-two fronts and thirty-two runners in simulated time: real admission, queues, credits, links, frames and batches;
// only processes, delays and the model's time are made up. However load falls on the fronts, they share the runners
// fairly, nothing grows beyond its bound, and every request ends exactly once.
import { FakeClock } from "@slipway/core/base";
import { expect, test } from "vitest";
import { SimulatedCrew } from "../server/src/runtime/crews.testing.ts";
import { RunnerPool } from "../server/src/runtime/pool.ts";
import { Simulation, simulatedOrder } from "../server/src/runtime/simulation.testing.ts";
import { createServing, type InferenceOutcome, type Serving } from "../server/src/serve/index.ts";
import { randomFrom } from "./support/random.ts";

const FRONTS = 32;
const INSTANCES = 32;
const MAX_ROWS = 8;
const LINK_MS = 0.2;
const QUEUE = { maxRequests: 64, maxBytes: 1 << 20, priorityLevels: 4, agingMs: 500 };
/** A full batch takes 10 ms: 32 runners answer 25.6 requests a millisecond. */
const runMs = (rows: number) => 2 + rows;
const CAPACITY_PER_MS = (INSTANCES * MAX_ROWS) / runMs(MAX_ROWS);

interface Sent {
  readonly front: number;
  readonly at: number;
  outcome: InferenceOutcome | null;
  endedAt: number;
}

class World {
  readonly clock = new FakeClock();
  readonly random: () => number;
  readonly simulation: Simulation;
  readonly sent: Sent[] = [];
  readonly fronts: Serving[] = [];
  readonly crews: SimulatedCrew[];
  pool: RunnerPool | null = null;

  constructor(seed: number) {
    this.random = randomFrom(seed);
    this.simulation = new Simulation({ clock: this.clock, random: this.random, linkMs: LINK_MS, runMs });
    this.crews = Array.from({ length: FRONTS }, (_, turn) => new SimulatedCrew(this.clock, turn));
  }

  async start(): Promise<void> {
    const { clock, simulation, crews } = this;
    const opening = RunnerPool.open({
      order: simulatedOrder({ maxRows: MAX_ROWS }),
      instances: INSTANCES,
      runTimeoutMs: 2000,
      loadTimeoutMs: 10_000,
      memoryLimitBytes: 2 ** 30,
      maxDistinctDeaths: 1000,
      start: simulation.start,
      clock,
      crews,
      fingerprint: (inputs) => inputs[0]!.data.join(),
      containment: [],
      log: () => undefined,
    });
    await clock.advanceAsync(100);
    this.pool = await opening;
    for (const { executor } of crews) {
      const serving = createServing({ clock, hooks: [], memoryBudgetBytes: null });
      this.fronts.push(serving);
      const spec = {
        deploymentId: "d",
        endpoint: "e",
        version: "1",
        queue: QUEUE,
        attachment: null,
        estimatedBytes: 0,
      };
      await serving.deploy({ ...spec, load: async () => executor! });
    }
    simulation.runs.length = 0;
  }

  send(front: number, timeoutMs = 60_000): void {
    const at = this.clock.now();
    const sent: Sent = { front, at, outcome: null, endedAt: -1 };
    const value = this.sent.push(sent);
    const data = Float32Array.of(value);
    this.fronts[front]!.route("e", null).submit(
      { inputs: [{ name: "x", dtype: "float32", shape: [1, 1], data }], outputs: ["y"] },
      {
        inferenceId: String(value),
        tenant: "default",
        principal: null,
        purpose: null,
        traceparent: null,
        priority: 0,
        arrivedAt: at,
        deadline: at + timeoutMs,
      },
      (outcome) => {
        expect(sent.outcome, "answered twice").toBeNull();
        sent.outcome = outcome;
        sent.endedAt = this.clock.now();
        if (outcome.ok) expect(outcome.outputs[0]!.data).toEqual(Float32Array.of(2 * value + 1));
      },
    );
  }

  /** Offers each front requests at a rate of its own for a time; `each` is called every millisecond. */
  async offer(perMs: (front: number) => number, durationMs: number, each = (): void => {}): Promise<void> {
    for (let ms = 0; ms < durationMs; ms++) {
      for (let front = 0; front < FRONTS; front++) {
        let due = perMs(front);
        while (due > 0 && this.random() < due) {
          this.send(front);
          due--;
        }
      }
      await this.clock.advanceAsync(1);
      each();
    }
  }

  answered(): number[] {
    const counts = Array.from({ length: FRONTS }, () => 0);
    for (const { front, outcome } of this.sent) if (outcome?.ok === true) counts[front]!++;
    return counts;
  }

  /** Requests at each runner, over all fronts. */
  atRunners(): number[] {
    const counts = Array.from({ length: INSTANCES }, () => 0);
    for (const { executor } of this.crews)
      for (const { id, inFlight } of executor!.status().runners) counts[id]! += inFlight;
    return counts;
  }

  checkEnd(codes: readonly string[]): void {
    for (const { outcome } of this.sent) {
      expect(outcome, "lost").not.toBeNull();
      expect(codes).toContain(outcome!.ok ? "OK" : outcome!.error.code);
    }
    expect(this.atRunners().every((count) => count === 0)).toBe(true);
  }
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

test("at most of the capacity, all are answered, and no runner or front is worse off", async () => {
  const world = new World(1);
  await world.start();
  await world.offer(() => (0.7 * CAPACITY_PER_MS) / FRONTS, 400);
  await world.clock.advanceAsync(1000);
  world.checkEnd(["OK"]);
  const rows = Array.from({ length: FRONTS }, () => 0);
  for (const { front, at, endedAt } of world.sent) rows[front] = Math.max(rows[front]!, endedAt - at);
  // The longest wait at any front is a few batches, not a queue behind one runner that all chose.
  expect(Math.max(...rows)).toBeLessThan(6 * runMs(MAX_ROWS));
});

test("offered three times the capacity, fronts get equal shares, and runners hold a bounded number", async () => {
  const world = new World(2);
  await world.start();
  let most = 0;
  await world.offer(
    () => (3 * CAPACITY_PER_MS) / FRONTS,
    300,
    () => {
      most = Math.max(most, ...world.atRunners());
      for (const serving of world.fronts) {
        const [status] = serving.status();
        expect(status!.queuedRequests).toBeLessThanOrEqual(QUEUE.maxRequests);
      }
    },
  );
  const answered = world.answered();
  expect(Math.min(...answered) / Math.max(...answered)).toBeGreaterThan(0.75);
  expect(sum(answered) / (300 * CAPACITY_PER_MS)).toBeGreaterThan(0.85);
  // Before the runners had said how many share them, each front may have sent what one alone may.
  expect(most).toBeLessThanOrEqual(2 * MAX_ROWS + FRONTS);
  await world.clock.advanceAsync(3000);
  world.checkEnd(["OK", "QUEUE_FULL"]);
});

test("a front that is busy alone gets all of the runners, in full batches", async () => {
  const world = new World(3);
  await world.start();
  await world.offer((front) => (front === 5 ? 2 * CAPACITY_PER_MS : 0), 300);
  const { runs } = world.simulation;
  const late = runs.slice(runs.length / 2);
  expect(sum(late.map(({ rows }) => rows)) / late.length).toBeGreaterThan(0.8 * MAX_ROWS);
  expect(world.answered()[5]! / (300 * CAPACITY_PER_MS)).toBeGreaterThan(0.8);
  await world.clock.advanceAsync(3000);
  world.checkEnd(["OK", "QUEUE_FULL"]);
});

test("a flood at one front does not take the others' share", async () => {
  const world = new World(4);
  await world.start();
  const modest = (0.5 * CAPACITY_PER_MS) / FRONTS;
  await world.offer((front) => (front === 0 ? 3 * CAPACITY_PER_MS : modest), 300);
  await world.clock.advanceAsync(3000);
  world.checkEnd(["OK", "QUEUE_FULL"]);
  const refused = world.sent.filter(({ front, outcome }) => front !== 0 && outcome?.ok === false);
  expect(refused).toEqual([]);
});

test.each([5, 6])("runners die at random, and every request ends once (seed %i)", async (seed) => {
  const world = new World(seed);
  await world.start();
  await world.offer(
    () => (0.5 * CAPACITY_PER_MS) / FRONTS,
    400,
    () => {
      for (const runner of world.simulation.live) if (world.random() < 0.004) runner.die("SIGKILL");
    },
  );
  await world.clock.advanceAsync(10_000);
  world.checkEnd(["OK", "RUNNER_DIED", "QUEUE_FULL"]);
  const codes = world.sent.map(({ outcome }) => (outcome!.ok ? "OK" : outcome!.error.code));
  // Only a request that was twice alone at a runner that died is held to be the cause.
  expect(codes.filter((code) => code !== "OK").length).toBeLessThan(0.01 * codes.length);
  expect(world.pool!.status().deaths.length).toBeGreaterThan(10);
});
