import { expect, test } from "vitest";
import type { MeasurementOptions } from "./index.ts";
import { measure } from "./measurements.ts";
import { NO_SUBJECT, RememberedRun, type SimulatedModel, Simulation } from "./timing.testing.ts";

type ThroughputOptions = NonNullable<MeasurementOptions["throughput"]>;
interface Point {
  readonly name: string;
  readonly rate: { readonly estimate: number };
  readonly p99: { readonly estimate: number };
  readonly isFront: boolean;
}

async function throughputOf(model: SimulatedModel, options: ThroughputOptions, run = new RememberedRun()) {
  const simulation = new Simulation(model);
  const work = measure("throughput", NO_SUBJECT, { throughput: options }, simulation.ports, run);
  const evidence = await simulation.drive(work);
  const points = evidence.details["points"] as unknown as readonly Point[];
  return { simulation, evidence, run, points };
}

/** Two runners, 4 ms for a row and 1 ms for each further one. */
const MODEL: SimulatedModel = { runners: 2, runMs: ({ rows }) => 3 + rows };

test("rates and latencies are those of a closed loop on two runners (Little's law)", async () => {
  const { evidence } = await throughputOf(MODEL, { clients: [1, 2, 8], batch: [5], seconds: 8, loads: 2 });
  const value = (name: string) => evidence.values[name]!.value!;
  // One client has one runner: 1000 / 4. Two have both. Eight wait in turn: no more rows, 8 / 500 s each.
  expect(value("rate[clients=1]")).toBeCloseTo(250, 6);
  expect(value("rate[clients=2]")).toBeCloseTo(500, 6);
  expect(value("rate[clients=8]")).toBeCloseTo(500, -1);
  expect(value("p50[clients=1]")).toBeCloseTo(4, 6);
  expect(value("p50[clients=8]")).toBeCloseTo(16, 6);
  expect(value("rate[batch=5,clients=2]")).toBeCloseTo(1250, 6);
  expect(value("rate")).toBeCloseTo(500, -1);
  expect(evidence.values["rate"]!.unit).toBe("/s");
});

test("the front has what nothing beats, and the summary names it", async () => {
  const { evidence, points } = await throughputOf(MODEL, { clients: [1, 2, 8], batch: [5], seconds: 4, loads: 2 });
  expect(evidence.details["front"]).toEqual(["[clients=2]", "[batch=5,clients=2]"]);
  expect(points.filter(({ isFront }) => isFront).map(({ name }) => name)).toEqual([
    "[clients=2]",
    "[batch=5,clients=2]",
  ]);
  for (const one of points) {
    const isBeaten = points.some(
      (other) => other.rate.estimate > one.rate.estimate && other.p99.estimate < one.p99.estimate,
    );
    expect(isBeaten && one.isFront).toBe(false);
  }
  expect(JSON.stringify(evidence.details["summary"])).toContain("batch=5,clients=2 (1250 rows a second, p99 8 ms)");
});

test("a job that was stopped goes on with the next round", async () => {
  const options: ThroughputOptions = { clients: [1, 2], seconds: 2, loads: 2 };
  const whole = await throughputOf(MODEL, options);
  const stopped = new RememberedRun(null, 5);
  await expect(throughputOf(MODEL, options, stopped)).rejects.toThrow("stopped");
  const resumed = await throughputOf(MODEL, options, new RememberedRun(stopped.saved));
  expect(resumed.run.saves).toBe(3);
  expect(resumed.simulation.loaded).toBe(1);
  expect(resumed.evidence.values["rate[clients=2]"]).toEqual(whole.evidence.values["rate[clients=2]"]);
});

test.each([
  [{ clients: [] }, "clients"],
  [{ clients: [0] }, "clients"],
  [{ offered: [2] }, "offered"],
  [{ clients: [1, 2, 3, 4, 5, 6], batch: [2, 3, 4, 5, 6, 7, 8, 9, 10, 11] }, "at most 60"],
] satisfies [ThroughputOptions, string][])(
  "options that don't fit are refused by name: %j",
  async (options, message) => {
    await expect(throughputOf(MODEL, options)).rejects.toThrow(message);
  },
);
