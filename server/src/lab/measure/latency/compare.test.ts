import { expect, test } from "vitest";
import { Simulation } from "../timing.testing.ts";
import { compareLatency, comparisonOf } from "./compare.ts";

const at = (p50Ms: number) => ({ p50Ms, p99Ms: null, requests: 10 });

/** What each load leaves to chance, the first model's and the second's in turn: some per cent, as of real ones. */
const CHANCE = [1.02, 0.99, 1, 1.01, 0.98, 1.01, 1.01, 0.99];

function models(secondFactor: number) {
  let loads = 0;
  const factors = new Map<number, number>();
  const simulation = new Simulation({ runMs: (_request, _run, { instances = 0 }) => 2 * factors.get(instances)! });
  const loading = (factor: number) => async () => {
    // Which load it is travels in a setting that nobody here reads.
    factors.set(++loads, factor * CHANCE[loads - 1]!);
    return simulation.load({ instances: loads });
  };
  const compared = simulation.drive(
    compareLatency({
      first: loading(1),
      second: loading(secondFactor),
      clock: simulation.clock,
      signal: new AbortController().signal,
      names: ["digits@1", "digits@2"],
      loads: 4,
      roundsPerLoad: 2,
    }),
  );
  return { simulation, compared };
}

test("a model that is a tenth slower is said to be, by how much", async () => {
  const { simulation, compared } = models(1.1);
  const { verdict, p50, sentence, loads } = await compared;
  expect(verdict).toBe("slower");
  expect(p50.estimate).toBeCloseTo(1.1 * Math.sqrt(Math.sqrt((0.99 / 1.02) * 1.01 * (1.01 / 0.98) * (0.99 / 1.01))), 6);
  expect(p50.lower).toBeLessThanOrEqual(p50.estimate);
  expect(sentence).toContain("Digits@2 is slower than digits@1");
  expect(sentence).toContain(`${p50.estimate.toFixed(3)} ×`);
  expect(loads).toHaveLength(4);
  expect([simulation.loaded, simulation.closed]).toEqual([8, 8]);
});

test("a model is as fast as itself", async () => {
  const { verdict, p50, sentence } = await models(1).compared;
  expect(verdict).toBe("no difference");
  expect(p50.pValue).toBeGreaterThan(0.05);
  expect(p50.lower).toBeLessThan(1);
  expect(p50.upper).toBeGreaterThan(1);
  expect(sentence).toContain("No difference in latency is shown");
});

test("the verdict follows Student's test over loads, at 5 %", () => {
  // Log-ratios 0.1, 0.2, 0.3: t = 0.2 / (0.1 / √3) = 3.4641, p = 0.0742 with 2 degrees of freedom (SciPy 1.17.1).
  const loads = [0.1, 0.2, 0.3].map((log) => ({
    first: at(1),
    second: at(Math.exp(log)),
    ratio: Math.exp(log),
    referenceMs: 1,
  }));
  const { verdict, p50, p99 } = comparisonOf(loads, {});
  expect(p50.pValue).toBeCloseTo(0.07418, 4);
  expect(p50.estimate).toBeCloseTo(Math.exp(0.2), 9);
  expect(verdict).toBe("no difference");
  expect(p99).toBeNull();
  const four = [...loads, { first: at(1), second: at(Math.exp(0.2)), ratio: Math.exp(0.2), referenceMs: 1 }];
  expect(comparisonOf(four, {}).verdict).toBe("slower");
  const turned = four.map(({ first, second, ratio, referenceMs }) => ({
    first: second,
    second: first,
    ratio: 1 / ratio,
    referenceMs,
  }));
  expect(comparisonOf(turned, {}).verdict).toBe("faster");
});

test("one load compares nothing, and what failed to load leaves nothing loaded", async () => {
  const simulation = new Simulation({ runMs: () => 1 });
  const common = { clock: simulation.clock, signal: new AbortController().signal };
  const first = async () => simulation.load();
  await expect(compareLatency({ ...common, first, second: first, loads: 1 })).rejects.toThrow("at least 2 loads");
  const second = async () => {
    throw new Error("no such file");
  };
  await expect(simulation.drive(compareLatency({ ...common, first, second }))).rejects.toThrow("no such file");
  expect([simulation.loaded, simulation.closed]).toEqual([1, 1]);
});
