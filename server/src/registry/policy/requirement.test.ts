import { SlipwayError } from "@slipway/core/base";
import { describe, expect, test } from "vitest";
import { parsePolicy } from "./policy.ts";
import { parseFreshness, parseRequirement, selectedMetric } from "./requirement.ts";

function messageOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(SlipwayError);
    expect((error as SlipwayError).code).toBe("POLICY_INVALID");
    return (error as SlipwayError).message;
  }
  throw new Error("It was taken.");
}

describe("a requirement", () => {
  test("names a result, a bound, a comparison, a number, a dataset", () => {
    expect(parseRequirement("quality.accuracy.lower >= 0.97 on digits/test")).toEqual({
      text: "quality.accuracy.lower >= 0.97 on digits/test",
      kind: "quality",
      metric: "accuracy",
      bound: "lower",
      comparison: ">=",
      threshold: 0.97,
      quantity: null,
      unit: "1",
      against: null,
      dataset: { name: "digits", split: "test" },
      machine: null,
      freshWithinMs: null,
    });
  });

  test.each([
    ["latency.p99 <= 20ms on this machine", { threshold: 20, quantity: "time", unit: "ms", machine: "this" }],
    ["latency.p99 < 0.5 s", { threshold: 500, quantity: "time", unit: "s" }],
    ["size <= 5 MB", { kind: "size", metric: null, threshold: 5e6, unit: "MB" }],
    ["size.gzip <= 5MiB", { metric: "gzip", threshold: 5 * 2 ** 20 }],
    ["throughput.rate >= 500/s on machine pi5.lab", { threshold: 500, unit: "/s", machine: { name: "pi5.lab" } }],
    ["quality.recall[7.5 a].upper > 95 %", { metric: "recall[7.5 a]", bound: "upper", threshold: 0.95, unit: "%" }],
    [
      "comparison.accuracy[city=a.b].difference.lower >= -0.01 against digits.v2@12 on d",
      { metric: "accuracy[city=a.b].difference", bound: "lower", against: { name: "digits.v2", number: 12 } },
    ],
    ["comparison.auc.p <= 0.05 against digits", { metric: "auc.p", against: { name: "digits", number: null } }],
    [
      "quality.accuracy-gap[country=United  States].lower >= -2 % on d/t",
      { metric: "accuracy-gap[country=United States]", bound: "lower", threshold: -0.02 },
    ],
    [String.raw`quality.accuracy[tag=a\]b.c\\] >= 0.9`, { metric: String.raw`accuracy[tag=a\]b.c\\]` }],
    ["quality.loss <= 1.5e-3 on a.b fresh within 2 h", { threshold: 1.5e-3, freshWithinMs: 7_200_000 }],
    [
      "  quality.loss   <=1 fresh within 30d on d/t ",
      { dataset: { name: "d", split: "t" }, text: "quality.loss <=1 fresh within 30d on d/t" },
    ],
    ["quality.loss <= .5 on this", { dataset: { name: "this", split: null } }],
    [
      "latency.p99 <= 20 on this machine on d",
      { machine: "this", dataset: { name: "d", split: null }, quantity: null },
    ],
    ["quality.gap >= -0.01", { threshold: -0.01 }],
  ])("%s", (text, expected) => {
    expect(parseRequirement(text)).toMatchObject(expected);
  });

  test.each([
    ["", '"quality.accuracy"'],
    [">= 3", "should be what is measured"],
    ["quality.accuracy", "what follows its end should be one of >="],
    ["quality.accuracy == 1", "should be one of >=, >, <=, <"],
    ["quality.accuracy >= high", '"high" should be a number'],
    ["latency.p99 <= 20 parsecs", '"parsecs" is no unit'],
    ["latency.p99.lower.upper <= 20", "too many parts"],
    ["a.b.c.d >= 1", "too many parts"],
    ["comparison.accuracy.p <= 1 against a@1 against b", "two versions to compare with are named"],
    ["comparison.accuracy.p <= 1 against a@0", "should be"],
    ["latency.p99 <= 20ms on", '"on" should be "on DATASET"'],
    ["latency.p99 <= 20ms on a on b", "two datasets"],
    ["latency.p99 <= 20ms on this machine on machine b", "two machines"],
    ["size <= 5 MB fresh within 3 weeks", '"fresh within 3 weeks" should be'],
    ["size <= 5 MB fresh within 3d fresh within 4d", "twice"],
    ["size <= 5 MB, fresh", '", fresh" should be'],
  ])("%j is refused, saying where and why", (text, why) => {
    expect(messageOf(() => parseRequirement(text))).toContain(why);
  });

  test.each(["7", "country=CA", "a]b", "back\\slash]", " two  blanks ", "city=São Paulo", "is missing", "x[y].lower"])(
    "a result for the slice %j is found by its name",
    (selection) => {
      const metric = selectedMetric("accuracy", selection);
      const line = `quality.${metric}.upper >= 0.9`;
      expect(parseRequirement(line)).toMatchObject({ kind: "quality", metric, bound: "upper" });
    },
  );

  test("freshness may be a line of its own", () => {
    expect(parseFreshness("fresh within 30d")).toBe(30 * 86_400_000);
    expect(parseFreshness(" fresh  within 1.5 h ")).toBe(5_400_000);
    expect(parseFreshness("fresh within 30d on digits")).toBeNull();
    expect(parseFreshness("size <= 1 B")).toBeNull();
  });
});

describe("a policy", () => {
  test("is a list of requirements, and how old evidence may be", () => {
    const policy = parsePolicy({ requirements: ["size <= 5 MB", "fresh within 30d", "quality.accuracy >= 0.9"] });
    expect(policy.requirements.map(({ kind }) => kind)).toEqual(["size", "quality"]);
    expect(policy.freshWithinMs).toBe(30 * 86_400_000);
  });

  test.each([
    [null, "object"],
    [[], "object"],
    [{}, "list of lines"],
    [{ requirements: "size <= 1 B" }, "list of lines"],
    [{ requirements: [] }, "requires nothing"],
    [{ requirements: ["fresh within 1d"] }, "requires nothing"],
    [{ requirements: ["fresh within 1d", "fresh within 2d", "size <= 1 B"] }, "twice"],
    [{ requirements: [{ size: 1 }] }, 'requirements[0] is {"size":1}'],
    [{ requirements: ["size <= 1 B"], name: "x" }, '"name" is not a part'],
    [{ requirements: Array.from({ length: 1001 }, () => "size <= 1 B") }, "1001 lines"],
  ])("%j is refused", (value, why) => {
    expect(messageOf(() => parsePolicy(value))).toContain(why);
  });

  test.each([
    [["size <= 1 B", "size < 5 bananas"], 1],
    [["size", "size <= 1 B"], 0],
    [["fresh within 1d", "size <= 1 B", "fresh within 2d"], 2],
    [[], undefined],
  ])("%j: editors are told that line %s is at fault", (requirements, line) => {
    const error = (() => {
      try {
        return parsePolicy({ requirements });
      } catch (thrown) {
        return thrown as SlipwayError;
      }
    })();
    expect(error).toMatchObject({ code: "POLICY_INVALID" });
    expect((error as SlipwayError).details?.["line"]).toBe(line);
  });
});
