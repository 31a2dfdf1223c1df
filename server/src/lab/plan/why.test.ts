import { expect, test } from "vitest";
import { ASSUMPTIONS, type Findings } from "./planner.ts";
import { SETTINGS } from "./planner.testing.ts";
import { SUMMARY } from "./plan.testing.ts";
import { fitScaling } from "./scaling.ts";
import { objectiveText, whyOf } from "./why.ts";

const objective = { quantile: 0.99, latencyMs: 20 };
const asked = { objective, ratePerSecond: 500 };
const lone = { ...SUMMARY, ratePerSecond: null, windows: 8, latencyMs: 1.93, p50Ms: 1.1 };
const met = { replicas: 1, decision: "met", isAccepted: true, summary: SUMMARY } as const;
const findings: Findings = {
  outcome: "fits",
  candidate: SETTINGS,
  lone,
  limit: { ratePerSecond: 1003.2, missedAtRate: 1120, tests: 11, isGeneratorLimited: false },
  headroom: { share: 0.31, variation: 0.142, windows: 11 },
  scaling: null,
  race: { candidates: 4, isChanged: false, ratio: 1.04, wins: 5, pairs: 8 },
  attempts: [met],
  replicas: 1,
  ratePerReplica: 500,
  capacity: 1003.2,
  windowMs: 5000,
};
const why = (more: Partial<Findings>, of = asked) => whyOf(of, { ...findings, ...more }, ASSUMPTIONS);

test("the objective, to the digit", () => {
  expect(objectiveText(objective)).toBe("p99 of at most 20 ms");
  expect(objectiveText({ quantile: 0.999, latencyMs: 1.25 })).toBe("p99.9 of at most 1.25 ms");
});

test("what fits: what was confirmed, the limit, the headroom", () => {
  expect(why({})).toEqual([
    "500/s met p99 of at most 20 ms in 12 of 12 windows: p99 8.2 ms at the median of windows (95 % interval 7.1 to 9.9 ms), worst 12.3 ms, the next one below 11.5 ms at 90 %; 30000 requests.",
    "The limit was found at 1003/s (1120/s missed the objective) in 11 tests.",
    "31 % of it is kept free, since throughput in 11 windows of the same load varied by 14 %.",
    "The current settings were kept: of 4 raced, none was better beyond the noise (the best came to 1.04 times its rate in 5 of 8 pairs).",
  ]);
  expect(why({ headroom: { share: 0.15, variation: 0.01, windows: 9 } })[2]).toContain("the least there is");
});

test("what growing on this machine brought, and by what law", () => {
  const scaling = fitScaling([
    { threads: 1, perSecond: 1000 },
    { threads: 2, perSecond: 1700 },
    { threads: 4, perSecond: 2500 },
  ]);
  expect(why({ scaling }).at(-1)).toBe(
    "By how many cores settings could use, the race's highest rates were 1000/s with 1, 1700/s with 2, 2500/s with 4; by Amdahl's law (1.6 % off) 20 % of the work is serial.",
  );
  const worse = fitScaling([
    { threads: 1, perSecond: 1000 },
    { threads: 2, perSecond: 600 },
  ]);
  expect(why({ scaling: worse }).at(-1)).toBe(
    "By how many cores settings could use, the race's highest rates were 1000/s with 1, 600/s with 2: more cores brought nothing, and larger machines count as this one.",
  );
});

test("replicas: what one carries, and what was turned down before", () => {
  const turnedDown = { ...SUMMARY, ratePerSecond: 700, windows: 2, met: 0, latencyMs: 31, nextMs: null };
  const lines = why(
    {
      outcome: "replicas",
      replicas: 4,
      ratePerReplica: 550,
      attempts: [
        { replicas: 3, decision: "missed", isAccepted: false, summary: turnedDown },
        { ...met, replicas: 4, summary: { ...SUMMARY, ratePerSecond: 550 } },
      ],
    },
    { objective, ratePerSecond: 2000 },
  );
  expect(lines[0]).toBe(
    "One machine like this carries 550/s of the 2000/s; the busiest of 4 gets that much, if balancing is 10 % off.",
  );
  expect(lines[1]).toContain("550/s met p99 of at most 19.5 ms (0.5 ms is left to the balancer)");
  expect(lines.at(-1)).toBe(
    "700/s was turned down for 3 replicas: 0 of 2 windows met it (p99 31 ms at the median of windows).",
  );
});

test("a rate that was met too unevenly says so", () => {
  const uneven = { ...SUMMARY, nextMs: 24 };
  const lines = why({
    outcome: "undecided",
    attempts: [{ replicas: 1, decision: "met", isAccepted: false, summary: uneven }],
  });
  expect(lines.at(-1)).toContain("so unevenly that the next may take 24 ms");
});

test("cannot: how long one client takes, and how much faster it would have to be", () => {
  const slow = { ...lone, latencyMs: 41, p50Ms: 33, met: 0 };
  expect(why({ outcome: "cannot", lone: slow, limit: null, headroom: null, attempts: [], replicas: null })).toEqual([
    "One client alone, who waits for each answer, already sees a p99 of 41 ms (median of 8 windows, none within 20 ms; 33 ms at the median), so no rate and no number of machines meets it.",
    "It takes a model or machine at least 2.1 times as fast, or an objective above 41 ms.",
  ]);
});
