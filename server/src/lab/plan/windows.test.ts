import { describe, expect, test } from "vitest";
import { seededRandom } from "#load";
import {
  BAD_SHARE,
  decide,
  GOOD_SHARE,
  LEAST_WINDOWS,
  MOST_FALSE_MET,
  MOST_FALSE_MISSED,
  nextBound,
  summaryOf,
  type Window,
} from "./windows.ts";

const objective = { quantile: 0.99, latencyMs: 20 };
const window = (latencyMs: number | null, more: Partial<Window> = {}): Window => ({
  ratePerSecond: 100,
  offeredPerSecond: 100,
  offered: 500,
  latencyMs,
  p50Ms: latencyMs === null ? null : latencyMs / 4,
  goodputPerSecond: 100,
  measuredMs: 5000,
  failures: 0,
  isGeneratorLate: false,
  generatorShare: 0.1,
  ...more,
});

describe("the sequential test", () => {
  const times = (count: number, value: boolean) => Array.from({ length: count }, () => value);

  test("decides as soon as the likelihood ratio reaches Wald's bounds, not before", () => {
    // ln(0.98/0.8) = 0.2029 a window that met, ln(0.02/0.2) = −2.3026 one that did not; bounds ln(9.5) and ln(0.05/0.9).
    expect(LEAST_WINDOWS).toBe(12);
    expect(decide(times(11, true))).toBe("open");
    expect(decide(times(12, true))).toBe("met");
    expect(decide([false])).toBe("open");
    expect(decide([false, false])).toBe("missed");
    expect(decide([...times(8, true), false])).toBe("open");
    expect(decide([...times(8, true), false, ...times(14, true)])).toBe("open");
    expect(decide([...times(8, true), false, ...times(15, true)])).toBe("met");
    expect(decide([])).toBe("open");
    // What came after the decision changes nothing.
    expect(decide([...times(12, true), ...times(20, false)])).toBe("met");
  });

  test.each([
    [BAD_SHARE, "met", MOST_FALSE_MET],
    [GOOD_SHARE, "missed", MOST_FALSE_MISSED],
  ] as const)(
    "of rates whose windows hold in a share of %f it says %s no oftener than stated",
    (share, wrong, most) => {
      const random = seededRandom(7);
      const runs = 20_000;
      let errors = 0;
      for (let run = 0; run < runs; run++) {
        const met: boolean[] = [];
        while (decide(met) === "open") met.push(random() < share);
        if (decide(met) === wrong) errors++;
      }
      // Wald's bounds are approximate: α/(1 − β) holds for sure.
      const bound = most / (1 - (wrong === "met" ? MOST_FALSE_MISSED : MOST_FALSE_MET));
      expect(errors / runs).toBeLessThanOrEqual(bound);
      expect(errors / runs).toBeGreaterThan(0);
    },
  );
});

describe("the bound on the next window", () => {
  const values = [12.1, 13.4, 11.8, 15.2, 12.9, 14.1, 12.2, 13.0];

  test("is that of a normal law of the logarithms", () => {
    // SciPy 1.17.1: exp(mean ± t.ppf(level, 7) · sd(ddof=1) · √(1 + 1/8)) of the logarithms.
    expect(nextBound(values, "upper", 0.9)).toBeCloseTo(14.818887252145695, 10);
    expect(nextBound(values, "lower", 0.9)).toBeCloseTo(11.484612562582544, 10);
    expect(nextBound(values, "upper", 0.95)).toBeCloseTo(15.473157223210881, 10);
    expect(nextBound(values, "lower", 0.95)).toBeCloseTo(10.998994984953063, 10);
  });

  test("is none of too few values, or of one that has no logarithm", () => {
    expect(nextBound([1, 2], "upper")).toBeNull();
    expect(nextBound([1, 2, 0], "upper")).toBeNull();
    expect(nextBound([3, 3, 3], "upper")).toBeCloseTo(3, 12);
  });

  test("keeps its level on normal logarithms", () => {
    const random = seededRandom(3);
    const draw = () => Math.exp(Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()));
    let below = 0;
    for (let run = 0; run < 4000; run++) {
      const seen = Array.from({ length: 12 }, draw);
      if (draw() <= nextBound(seen, "upper", 0.9)!) below++;
    }
    // 0.9 with a standard error of 0.005.
    expect(below / 4000).toBeGreaterThan(0.88);
    expect(below / 4000).toBeLessThan(0.92);
  });
});

describe("the summary", () => {
  test("counts what met the objective, and gives the median with its interval", () => {
    const windows = [10, 12, 11, 13, 25, 9, 14, 12].map((ms) => window(ms));
    expect(summaryOf(windows, objective, 100)).toMatchObject({
      ratePerSecond: 100,
      windows: 8,
      met: 7,
      requests: 4000,
      failed: 0,
      latencyMs: 12,
      interval: { lower: 9, upper: 25 },
      worstMs: 25,
      p50Ms: 3,
    });
  });

  test("a failed request, a queue that grows and a window without an answer miss it", () => {
    const fallsBehind = { goodputPerSecond: 80, offeredPerSecond: 100 };
    const windows = [window(10, { failures: 1 }), window(10, fallsBehind), window(null), window(10)];
    const summary = summaryOf(windows, objective, 100);
    expect(summary).toMatchObject({ met: 1, failed: 1, latencyMs: null, interval: null, nextMs: null, worstMs: null });
  });

  test("that the generator was late counts where it was in most windows", () => {
    const late = window(10, { isGeneratorLate: true, generatorShare: 0.97 });
    expect(summaryOf([late, window(1), window(1)], objective, 1)).toMatchObject({ isGeneratorLate: false });
    expect(summaryOf([late, late, window(1)], objective, 1)).toMatchObject({
      isGeneratorLate: true,
      generatorShare: 0.97,
    });
  });
});
