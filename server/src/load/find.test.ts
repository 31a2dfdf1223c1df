// The search against simulated servers, whose true limit is known.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "./arrivals.ts";
import { findHighestRate, type FindOptions, isMet, type Trial } from "./find.ts";

const objective = { quantile: 0.99, latencyMs: 20 };

/** A queue's latency: it grows without bound towards the capacity. */
function server(capacity: number, serviceMs: number, noise: () => number) {
  return async (ratePerSecond: number): Promise<Trial> => {
    const load = ratePerSecond / capacity;
    const isOver = load >= 1;
    return {
      ratePerSecond,
      offeredPerSecond: ratePerSecond,
      latencyMs: isOver ? 10_000 : (serviceMs / (1 - load)) * noise(),
      goodputPerSecond: isOver ? capacity : ratePerSecond,
      measuredMs: 10_000,
      failures: 0,
      isGeneratorLate: false,
    };
  };
}

function find(trial: FindOptions["trial"], startRate = 100, more: Partial<FindOptions> = {}) {
  return findHighestRate({ objective, startRate, resolution: 1.05, repeats: 3, maxTrials: 100, trial, ...more });
}

test("finds the limit of a server without noise, from wherever it begins", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.double({ min: 50, max: 100_000, noNaN: true }),
      fc.double({ min: 1, max: 15, noNaN: true }),
      fc.double({ min: 1, max: 200_000, noNaN: true }),
      async (capacity, serviceMs, startRate) => {
        const limit = capacity * (1 - serviceMs / objective.latencyMs);
        const found = await find(
          server(capacity, serviceMs, () => 1),
          startRate,
        );
        expect(found.end).toBe("resolved");
        expect(found.ratePerSecond!).toBeLessThanOrEqual(limit);
        expect(found.ratePerSecond!).toBeGreaterThan(limit / 1.06);
        expect(found.missedAtRate! / found.ratePerSecond!).toBeLessThanOrEqual(1.0501);
      },
    ),
    { numRuns: 100 },
  );
});

test("with noise of a quarter the answer stays near the limit and was met by most of its tests", async () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = seededRandom(seed);
    const found = await find(server(2000, 5, () => 0.75 + random() * 0.5));
    const limit = 2000 * (1 - 5 / 20);
    expect(found.ratePerSecond!).toBeGreaterThan(limit * 0.8);
    expect(found.ratePerSecond!).toBeLessThan(limit * 1.15);
    const own = found.trials.filter((trial) => trial.ratePerSecond === found.ratePerSecond);
    expect(own.slice(-3).filter((trial) => trial.isMet).length).toBeGreaterThanOrEqual(2);
  }
});

test("says so when no rate meets the objective", async () => {
  const found = await find(server(1000, 50, () => 1));
  expect(found).toMatchObject({ ratePerSecond: null, end: "never-met" });
});

test("one failure, or a growing queue, misses whatever the percentile says", async () => {
  const fails = await find(async (rate) => ({
    ...(await server(1e6, 1, () => 1)(rate)),
    failures: rate > 500 ? 1 : 0,
  }));
  expect(fails.ratePerSecond!).toBeLessThanOrEqual(500);
  const lags = await find(async (rate) => ({
    ...(await server(1e6, 1, () => 1)(rate)),
    goodputPerSecond: Math.min(rate, 300),
  }));
  expect(lags.ratePerSecond!).toBeLessThanOrEqual((300 + 0.1) / (0.98 * (1 - 20 / 10_000)));
});

test("the last answers of a short test may come as late as the objective allows, a queue that grew may not", () => {
  const short = { ratePerSecond: 100, offeredPerSecond: 100, failures: 0, isGeneratorLate: false, latencyMs: 15 };
  // 50 requests of half a second, the last answered 20 ms after it: 50 / 0.52 s.
  expect(isMet({ ...short, measuredMs: 520, goodputPerSecond: 50 / 0.52 }, objective)).toBe(true);
  expect(isMet({ ...short, measuredMs: 560, goodputPerSecond: 50 / 0.56 }, objective)).toBe(false);
  // A second that is answered in three, within an objective of five: it grows as long as it is offered.
  const patient = { quantile: 0.99, latencyMs: 5000 };
  expect(isMet({ ...short, latencyMs: 1990, measuredMs: 3000, goodputPerSecond: 100 / 3 }, patient)).toBe(false);
});

test("with arrivals by chance, what was due counts, not what was meant", () => {
  const trial = { ratePerSecond: 100, failures: 0, isGeneratorLate: false, latencyMs: 15, measuredMs: 10_000 };
  expect(isMet({ ...trial, offeredPerSecond: 94, goodputPerSecond: 94 }, objective)).toBe(true);
  expect(isMet({ ...trial, offeredPerSecond: 100, goodputPerSecond: 94 }, objective)).toBe(false);
});

test("a rate is no miss because answers come in whole numbers", async () => {
  const slow = await find(async (rate) => ({
    ...(await server(5, 1, () => 1)(rate)),
    goodputPerSecond: Math.floor(rate),
    measuredMs: 1000,
  }));
  expect(slow.ratePerSecond!).toBeGreaterThan(4);
});

test("tells when the generator, not the server, was the limit", async () => {
  const found = await find(async (rate) => ({
    ...(await server(1e4, 1, () => 1)(rate)),
    isGeneratorLate: rate > 5000,
  }));
  expect(found.end).toBe("generator-limit");
});

test("ends after the most tests, with what it knows", async () => {
  const found = await find(
    server(1000, 5, () => 1),
    1,
    { maxTrials: 10 },
  );
  expect(found.trials.length).toBe(10);
  expect(found.end).toBe("too-many-trials");
});
