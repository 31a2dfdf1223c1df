// Overload in simulated time over the real queue, pool, frames and batcher: offered ten times what a runner can do, with
// deadlines, it still answers nearly as much in time as it can, although runs take now longer, now shorter than foreseen.
import { FakeClock } from "@slipway/core/base";
import { expect, test } from "vitest";
import { RunnerPool } from "../runtime/pool.ts";
import { Simulation, seeded, simulatedOrder } from "../runtime/simulation.testing.ts";
import { createServing } from "./create-serving.ts";
import type { Serving } from "./serving.ts";

const SEEDS = [1, 2, 3, 4];
const TIMES_CAPACITY = 10;
const BEFORE_MS = 1000;
const FLOOD_MS = 4000;

interface Model {
  readonly name: string;
  readonly rowMs: number;
  readonly baseMs: number;
  readonly deadlineMs: number;
}

/** Of the second and third kind, batching saves nothing. */
const MODELS: readonly Model[] = [
  { name: "one that gains by batching", rowMs: 1, baseMs: 10, deadlineMs: 200 },
  { name: "one of ten milliseconds a row", rowMs: 10, baseMs: 0, deadlineMs: 400 },
  { name: "the same, in a hurry", rowMs: 10, baseMs: 0, deadlineMs: 120 },
];

test.each(MODELS.flatMap((model) => SEEDS.map((seed) => ({ ...model, seed }))))(
  "$name, seed $seed",
  async ({ rowMs, baseMs, deadlineMs, seed }) => {
    const clock = new FakeClock();
    const random = seeded(seed);
    const swing = () => 0.75 + random() * 0.5;
    const runMs = (rows: number) => (baseMs + rows * rowMs) * swing();
    const simulation = new Simulation({ clock, random, linkMs: 0.05, runMs });
    const serving = createServing({ clock, memoryBudgetBytes: null, hooks: [] });
    await deploy(serving, clock, simulation);
    const capacity = 32_000 / (baseMs + 32 * rowMs);
    let inTime = 0;
    const offer = async (perSecond: number, durationMs: number) => {
      inTime = 0;
      const endAt = clock.now() + durationMs;
      const send = () => {
        submit(serving, clock, deadlineMs, () => inTime++);
        if (clock.now() < endAt) clock.after(1000 / perSecond, send);
      };
      send();
      await clock.advanceAsync(durationMs);
      return (inTime * 1000) / durationMs;
    };
    await offer(capacity * 0.8, BEFORE_MS);
    const goodput = await offer(capacity * TIMES_CAPACITY, FLOOD_MS);
    expect(goodput / capacity).toBeGreaterThan(0.9);
  },
);

function submit(serving: Serving, clock: FakeClock, timeoutMs: number, inTime: () => void): void {
  const input = { name: "x", dtype: "float32", shape: [1, 2], data: Float32Array.of(1, 2) } as const;
  const arrivedAt = clock.now();
  const context = {
    inferenceId: "i",
    tenant: "default",
    principal: null,
    purpose: null,
    priority: 0,
    arrivedAt,
    deadline: arrivedAt + timeoutMs,
    traceparent: null,
  };
  serving.route("e", null).submit({ inputs: [input], outputs: null }, context, (outcome) => {
    if (outcome.ok) inTime();
  });
}

async function deploy(serving: Serving, clock: FakeClock, simulation: Simulation): Promise<void> {
  const deploying = serving.deploy({
    deploymentId: "d",
    endpoint: "e",
    version: "1",
    queue: { maxRequests: 1024, maxBytes: 1e9, priorityLevels: 4, agingMs: 500 },
    attachment: null,
    estimatedBytes: 0,
    load: (signal) =>
      RunnerPool.open({
        order: simulatedOrder({ maxRows: 32 }),
        instances: 1,
        runTimeoutMs: 30_000,
        loadTimeoutMs: 120_000,
        memoryLimitBytes: 2 ** 30,
        maxDistinctDeaths: 3,
        start: simulation.start,
        clock,
        fingerprint: () => "",
        containment: [],
        log: () => undefined,
        signal,
      }),
  });
  await clock.advanceAsync(5000);
  await deploying;
}
