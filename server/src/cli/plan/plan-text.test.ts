import { expect, test } from "vitest";
import { planOf, SUMMARY } from "../../lab/plan/plan.testing.ts";
import { planText } from "./plan-text.ts";

test("a plan that fits: the answer, why, what it costs, how to have it", () => {
  const text = planText(planOf(), ["slipway deploy digits@1 --plan 01ABC"]);
  expect(text).toContain("digits@1 on 2 cores (A Processor), 8 GiB");
  expect(text).toContain("asked for  p99 of at most 20 ms at 500/s, 1 row a request");
  expect(text).toContain("confirmed in windows of 5 s, open loop, Poisson arrivals");
  expect(text).toContain("Yes: these settings on this machine.");
  expect(text).toContain("- 500/s met p99 of at most 20 ms in 12 of 12 windows.");
  expect(text).toMatch(
    /^example-1 +1 +2 +\d+\/s +50 % +share of cores +0\.5 ms +50 % less, carries on +0\.1 +0\.0556 +0\.0556 \(2 ×\)$/m,
  );
  expect(text).toMatch(
    /^example-2 +2 +1 +750\/s +50 % +measured +– +100 % less, overload +0\.1 +0\.0556 +0\.111 \(2 ×\)$/m,
  );
  expect(text).toMatch(/^example-4 +4 +1 .* scaling law /m);
  expect(text).toContain("  slipway deploy digits@1 --plan 01ABC");
});

test.each([
  [
    { outcome: "replicas", replicas: 3 } as const,
    "It needs 3 replicas: machines like this one, each with these settings.",
  ],
  [{ outcome: "cannot" } as const, "Cannot: a faster (smaller) model or a looser objective is needed."],
  [{ outcome: "undecided" } as const, "Undecided: what was measured can't tell."],
  [
    { asked: { quantile: 0.999, latencyMs: 5, ratePerSecond: null, rowsPerRequest: 8 } },
    "Up to 500/s: these settings on this machine.",
  ],
])("%j", (more, line) => {
  const text = planText(planOf(more), []);
  expect(text).toContain(`\n${line}\n`);
  if ("asked" in more) expect(text).toContain("p99.9 of at most 5 ms at the highest rate there is, 8 rows a request");
});

test("without options there is no table", () => {
  expect(planText(planOf({ outcome: "cannot", options: [], confirmation: { ...SUMMARY } }), [])).not.toContain(
    "MACHINE",
  );
});
