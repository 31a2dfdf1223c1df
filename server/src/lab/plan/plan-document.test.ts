import { describe, expect, test } from "vitest";
import { planFrom } from "./plan-document.ts";
import { planOf, SUMMARY } from "./plan.testing.ts";
import { planEvidence } from "./plan-evidence.ts";

describe("a plan from a file", () => {
  test("is the one that was written", () => {
    const plan = planOf();
    expect(planFrom(JSON.parse(JSON.stringify(plan)), "plan.json")).toEqual(plan);
  });

  test.each([
    [null, "expected object"],
    [{ ...planOf(), schema: 2 }, "schema"],
    [{ ...planOf(), outcome: "perhaps" }, "outcome"],
    [{ ...planOf(), settings: { runtime: { instances: "2" } } }, "settings.runtime.instances"],
    [{ ...planOf(), extra: 1 }, "extra"],
  ])("%# is refused, with the place that is wrong", (value, message) => {
    expect(() => planFrom(value, "plan.json")).toThrow(
      expect.objectContaining({
        code: "PARAMETER_INVALID",
        message: expect.stringContaining(message) as string,
      }) as Error,
    );
  });
});

describe("a plan as evidence", () => {
  test("has what a policy may ask for, with the whole plan beside it", () => {
    const plan = planOf();
    const { kind, values, details, machine, settings, code } = planEvidence(plan);
    expect(kind).toBe("plan");
    expect(Object.fromEntries(Object.entries(values).map(([name, { value, unit }]) => [name, [value, unit]]))).toEqual({
      rate: [500, "/s"],
      ratePerReplica: [500, "/s"],
      replicas: [1, "1"],
      limit: [1000, "/s"],
      headroom: [0.25, "1"],
      latency: [8.2, "ms"],
      latencyBound: [11.5, "ms"],
      costPerMillion: [plan.options[0]!.cost.perMillionAtRate, "USD"],
    });
    expect(values["latency"]!.interval).toEqual({ lower: 7.1, upper: 9.9, level: 0.95 });
    expect(values["rate"]!.count).toBe(12);
    expect({ details, machine, settings, code }).toEqual({
      details: { plan },
      machine: plan.machine,
      settings: plan.settings,
      code: plan.code,
    });
  });

  test("of what can't be done has no rate, and says why", () => {
    const nothing = { limit: null, headroom: null, confirmation: null, replicas: null, ratePerReplica: null } as const;
    const why = ["One client alone already takes too long."];
    const lone = { ...SUMMARY, ratePerSecond: null };
    const { values } = planEvidence(planOf({ ...nothing, outcome: "cannot", why, lone, attempts: [], options: [] }));
    for (const [name, { value, reason, interval }] of Object.entries(values))
      expect({ name, value, reason, interval }).toEqual({
        name,
        value: null,
        reason: 'The plan came to "cannot"; its details say why.',
        interval: null,
      });
  });

  test("of what was not decided keeps the limit that was found, and promises nothing", () => {
    const { values } = planEvidence(planOf({ outcome: "undecided", replicas: null, ratePerReplica: null }));
    expect(values["limit"]!.value).toBe(1000);
    for (const name of ["rate", "latency", "latencyBound", "replicas", "costPerMillion"])
      expect(values[name]).toMatchObject({ value: null, interval: null });
  });
});
