// Requests of different length from the pool's door to their answers: in simulated time, where the price of a run is
// known, and on a real Transformer encoder.
import { randomBytes } from "node:crypto";
import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { FakeClock } from "@slipway/core/base";
import type { NamedTensor } from "@slipway/core/tensor";
import { afterEach, describe, expect, it } from "vitest";
import { RuntimeSettings } from "#config";
import { createExecutor } from "./create-executor.ts";
import type { Executor, RunOutcome } from "./executor.ts";
import { RunnerPool } from "./pool.ts";
import { seeded, Simulation, simulatedOrder } from "./simulation.testing.ts";
import { systemClock } from "./system-clock.ts";
import { differenceOf } from "./tensor-difference.ts";

/** The price of a run in simulated time. */
interface Price {
  readonly run: number;
  readonly row: number;
  readonly position: number;
}
const PRICE: Price = { run: 2, row: 0.05, position: 0.02 };
const CLIENTS = 16;

interface Course {
  /** From the first request to the last answer. */
  readonly totalMs: number;
  readonly longestWaitMs: number;
  readonly answered: number;
}

/** Clients that each send their next request when the last was answered, until `requests` were sent. */
async function course(
  seed: number,
  requests: number,
  batching: Partial<ReturnType<typeof simulatedOrder>["batching"]>,
  price = PRICE,
): Promise<Course> {
  const clock = new FakeClock();
  const random = seeded(seed);
  const noise = seeded(seed + 1);
  const simulation = new Simulation({
    clock,
    random: seeded(seed + 2),
    linkMs: 0.05,
    runMs: (rows, width) => (price.run + rows * (price.row + price.position * width)) * (0.8 + 0.4 * noise()),
  });
  const opening = RunnerPool.open({
    order: simulatedOrder({ padAxis: 1, ...batching }),
    instances: 1,
    runTimeoutMs: 10_000,
    loadTimeoutMs: 60_000,
    memoryLimitBytes: 2 ** 30,
    maxDistinctDeaths: 3,
    start: simulation.start,
    clock,
    fingerprint: () => "",
    containment: [],
    log: () => undefined,
  });
  await clock.advanceAsync(10_000);
  const pool = await opening;
  expect(pool.batching).toMatchObject(batching.mode === "off" ? { mode: "off" } : { mode: "dynamic", padAxis: 1 });
  simulation.runs.length = 0;

  const startedAt = clock.now();
  let sent = 0;
  const seen = { answered: 0, endedAt: startedAt, longestWaitMs: 0 };
  const next = (): void => {
    if (sent === requests) return;
    sent++;
    // Mostly short, some long.
    const length = Math.max(1, Math.min(256, Math.round(12 * Math.exp(1.1 * normal(random)))));
    const data = Float32Array.from({ length }, () => Math.floor(random() * 1000));
    const sentAt = clock.now();
    let calls = 0;
    const input = { name: "x", dtype: "float32", shape: [1, length], data } as const;
    pool.run({ inputs: [input], outputs: ["y", "z"], rows: 1, deadline: sentAt + 60_000 }, (outcome) => {
      expect(++calls).toBe(1);
      expect(outcome).toMatchObject({ ok: true });
      if (!outcome.ok) return;
      expect(outcome.outputs[0]).toMatchObject({ shape: [1, length], data: data.map((value) => 2 * value + 1) });
      expect(outcome.outputs[1]!.data[0]).toBe(data.reduce((sum, value) => sum + value, 0));
      expect(outcome.times.batchRows).toBeLessThanOrEqual(8);
      seen.answered++;
      seen.endedAt = clock.now();
      seen.longestWaitMs = Math.max(seen.longestWaitMs, seen.endedAt - sentAt);
      next();
    });
  };
  for (let client = 0; client < CLIENTS; client++) next();
  while (seen.answered < requests && clock.now() - startedAt < 60_000) await clock.advanceAsync(20);
  const closing = pool.close();
  await clock.advanceAsync(100);
  await closing;
  return { totalMs: seen.endedAt - startedAt, longestWaitMs: seen.longestWaitMs, answered: seen.answered };
}

/** Standard normal, by the polar form's plainer sibling. Box and Muller. */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

describe("in simulated time", () => {
  for (let seed = 1; seed <= 8; seed++) {
    it(`grouping by cost answers all, each rightly and soon, in less time than padding all or none (seed ${seed})`, async () => {
      const requests = 240;
      const byCost = await course(seed * 101, requests, {});
      const byArrival = await course(seed * 101, requests, { grouping: "arrival" });
      const unbatched = await course(seed * 101, requests, { mode: "off", padAxis: null });
      for (const each of [byCost, byArrival, unbatched]) expect(each.answered).toBe(requests);
      expect(byCost.totalMs).toBeLessThan(byArrival.totalMs);
      expect(byCost.totalMs).toBeLessThan(unbatched.totalMs);
      // A request is overtaken only by those that arrived within the patience after it: at most what CLIENTS of the
      // costliest runs take on top.
      const costliest = 1.2 * (PRICE.run + PRICE.row + PRICE.position * 256);
      expect(byCost.longestWaitMs).toBeLessThan(200 + CLIENTS * costliest);
    });
  }

  it("grouping by cost takes no longer than running each alone where a run costs next to nothing of its own", async () => {
    const price = { run: 0.02, row: 0, position: 0.05 };
    const byCost = await course(7, 240, {}, price);
    const byArrival = await course(7, 240, { grouping: "arrival" }, price);
    const unbatched = await course(7, 240, { mode: "off", padAxis: null }, price);
    // The durations' noise is drawn anew, hence the tenth; padding all costs several times that.
    expect(byCost.totalMs).toBeLessThan(1.1 * unbatched.totalMs);
    expect(byArrival.totalMs).toBeGreaterThan(1.5 * unbatched.totalMs);
  });
});

describe("a Transformer encoder", () => {
  const open: Executor[] = [];
  afterEach(() => Promise.all(open.splice(0).map((executor) => executor.close())));

  async function serve(settings: Partial<RuntimeSettings>): Promise<Executor> {
    const path = fileURLToPath(new URL("../../../test/goldens/models/encoder.onnx", import.meta.url));
    const { size } = await stat(path);
    const executor = await createExecutor({
      model: { model: { name: "encoder.onnx", path, offset: 0, sizeBytes: size }, externalData: [] },
      settings: RuntimeSettings.parse({ intraOpThreads: 1, ...settings }),
      clock: systemClock,
      randomBytes,
    });
    open.push(executor);
    return executor;
  }

  function ask(executor: Executor, inputs: readonly NamedTensor[]): Promise<RunOutcome> {
    const outputs = ["last_hidden_state", "logits"];
    const deadline = systemClock.now() + 60_000;
    return new Promise((resolve) => {
      executor.run({ inputs, outputs, rows: inputs[0]!.shape[0]!, deadline }, resolve);
    });
  }

  it("answers a burst of mixed lengths as it answers each alone, with the mask sent or left out", async () => {
    const together = await serve({ padAxis: 1, maskInput: "attention_mask", padValues: { input_ids: 7 } });
    expect(together.batching).toEqual({ mode: "dynamic", maxRows: 32, reason: null, padAxis: 1 });
    const alone = await serve({ batching: "off" });
    const random = seeded(5);
    const requests = Array.from({ length: 60 }, (_, index) => {
      const [rows, length] = [1 + (index % 3), index + 1];
      const ids = BigInt64Array.from({ length: rows * length }, () => BigInt(Math.floor(random() * 100)));
      // Some mask out a part of their own.
      const kept = index % 4 === 0 ? Math.ceil(length / 2) : length;
      const mask = BigInt64Array.from({ length: rows * length }, (__, at) => (at % length < kept ? 1n : 0n));
      const input_ids = { name: "input_ids", dtype: "int64", shape: [rows, length], data: ids } as const;
      const attention_mask = { name: "attention_mask", dtype: "int64", shape: [rows, length], data: mask } as const;
      return { whole: [input_ids, attention_mask], sent: index % 2 === 1 ? [input_ids] : [input_ids, attention_mask] };
    });
    const burst = await Promise.all(requests.map(({ sent }) => ask(together, sent)));
    let shared = 0;
    for (const [index, outcome] of burst.entries()) {
      const expected = await ask(alone, requests[index]!.whole);
      if (!outcome.ok || !expected.ok) throw new Error(`request ${index} failed`);
      for (const [port, tensor] of expected.outputs.entries()) {
        expect(differenceOf(tensor, outcome.outputs[port]!)).toBeNull();
      }
      // No two are of one length, so who shared a run was padded.
      if (outcome.times.batchRequests > 1) shared++;
    }
    expect(shared).toBeGreaterThan(0);
  });
});
