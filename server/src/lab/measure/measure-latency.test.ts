import { expect, test } from "vitest";
import type { MeasurementOptions } from "./index.ts";
import { measure } from "./measurements.ts";
import { NO_SUBJECT, RememberedRun, type SimulatedModel, Simulation } from "./timing.testing.ts";

type LatencyOptions = NonNullable<MeasurementOptions["latency"]>;

async function latencyOf(model: SimulatedModel, options: LatencyOptions, run = new RememberedRun()) {
  const simulation = new Simulation(model);
  const evidence = await simulation.drive(measure("latency", NO_SUBJECT, { latency: options }, simulation.ports, run));
  return { simulation, evidence, run };
}

/** Requests of one row take 2 ms, of which every fiftieth 12; each further row a quarter. */
const MODEL: SimulatedModel = {
  runMs: ({ rows }, run) => 2 + (rows - 1) / 4 + (run % 50 === 0 ? 10 : 0),
};

test("percentiles, their intervals, the mean and its stages are those of the simulated model", async () => {
  const { evidence, simulation } = await latencyOf(MODEL, { seconds: 4, batch: [5] });
  const { values } = evidence;
  expect(values["p50"]!.value).toBeCloseTo(2, 9);
  expect(values["p90"]!.value).toBeCloseTo(2, 9);
  expect(values["p99"]!.value).toBeCloseTo(12, 9);
  expect(values["max"]!.value).toBeCloseTo(12, 9);
  expect(values["p50[batch=5]"]!.value).toBeCloseTo(3, 9);
  expect(values["p50"]!.interval).toMatchObject({ lower: 2, upper: 2 });
  // Every fiftieth of both kinds together: 2 % of either, so that the mean is 2.2 but for chance.
  expect(values["mean"]!.value).toBeGreaterThan(2.1);
  expect(values["mean"]!.value).toBeLessThan(2.3);
  const [point] = evidence.details["points"] as unknown as [{ stages: { inferMs: number; outsideMs: number } }];
  expect(point.stages.inferMs).toBeCloseTo(values["mean"]!.value!, 6);
  expect(point.stages.outsideMs).toBeCloseTo(0, 6);
  expect(evidence.machine!.name).toBe("simulated");
  expect(evidence.details["reference"]).toMatchObject({ loadAverage: 0.1, cores: 4 });
  // One load for both batches, five times, and each was closed.
  expect([simulation.loaded, simulation.closed]).toEqual([5, 5]);
});

test("other threads and instances are loaded beside, with these settings", async () => {
  const model: SimulatedModel = {
    runMs: (_request, _run, { intraOpThreads = 0, instances = 0 }) => 12 / intraOpThreads + instances,
  };
  const { evidence, simulation } = await latencyOf(model, { seconds: 1, threads: [1, 2], instances: [2], loads: 2 });
  expect(evidence.settings).toMatchObject({ batch: 1, threads: 3, instances: 1 });
  expect(evidence.values["p50"]!.value).toBeCloseTo(5, 9);
  expect(evidence.values["p50[threads=1]"]!.value).toBeCloseTo(13, 9);
  // Two runners divide the cores unless threads are asked for: one each, as one is left to the front.
  expect(evidence.values["p50[instances=2]"]!.value).toBeCloseTo(14, 9);
  expect(evidence.values["p50[threads=2,instances=2]"]!.value).toBeCloseTo(8, 9);
  expect([simulation.loaded, simulation.closed]).toEqual([10, 10]);
});

test("a job that was stopped goes on with the next round, and comes to what it would have", async () => {
  const options: LatencyOptions = { seconds: 1, loads: 3, batch: [3] };
  const steady: SimulatedModel = { runMs: ({ rows }) => 1 + rows };
  const whole = await latencyOf(steady, options);
  const stopped = new RememberedRun(null, 6);
  await expect(latencyOf(steady, options, stopped)).rejects.toThrow("stopped");
  const resumed = await latencyOf(steady, options, new RememberedRun(stopped.saved));
  expect(resumed.run.saves).toBe(6);
  expect(resumed.simulation.loaded).toBe(2);
  expect(resumed.run.texts[0]).toContain("loading");
  expect(resumed.run.texts.at(-1)).toContain("round 12 of 12");
  for (const name of ["p50", "p99", "p50[batch=3]", "mean"]) {
    expect(resumed.evidence.values[name]).toEqual(whole.evidence.values[name]);
  }
});

test("what other options left behind is not mixed in", async () => {
  const steady: SimulatedModel = { runMs: () => 1 };
  const stopped = new RememberedRun(null, 3);
  await expect(latencyOf(steady, { seconds: 1, loads: 2 }, stopped)).rejects.toThrow("stopped");
  const other = await latencyOf(steady, { seconds: 2, loads: 2 }, new RememberedRun(stopped.saved));
  expect(other.run.saves).toBe(8);
  const damaged = await latencyOf(steady, { seconds: 1, loads: 2 }, new RememberedRun({ form: "latency rounds 1" }));
  expect(damaged.run.saves).toBe(8);
});

test("nothing stays loaded where a measurement is stopped or a run fails", async () => {
  const simulation = new Simulation({ runMs: () => 1 });
  const run = new RememberedRun(null, 2);
  const work = measure("latency", NO_SUBJECT, { latency: { seconds: 1 } }, simulation.ports, run);
  await expect(simulation.drive(work)).rejects.toThrow("stopped");
  expect(simulation.closed).toBe(simulation.loaded);
});

test.each([
  [{ batch: [0] }, "batch"],
  [{ seconds: 0 }, "seconds"],
  [{ loads: 1 }, "loads"],
  [{ shapes: { symbols: { M: 3 }, inputs: {} } }, 'no axis "M"'],
  [{ shapes: { symbols: {}, inputs: { z: [1, 4] } } }, 'no input "z"'],
  [{ batch: Array.from({ length: 24 }, (_none, index) => index + 2), threads: [1, 2] }, "at most 24"],
  [{ threads: [9] }, "9"],
  [{ batch: [3], shapes: { symbols: {}, inputs: { x: [2, 4] } } }, "Leave the batch at 1"],
] satisfies [LatencyOptions, string][])("options that don't fit are refused by name: %j", async (options, message) => {
  await expect(latencyOf({ runMs: () => 1 }, options)).rejects.toThrow(message);
});
