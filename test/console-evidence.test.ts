// What the console says of evidence, jobs and policies, without a browser: numbers in words, whiskers' axes, forms made from
// schemas, lines of policies and their places.
import { ApiError } from "slipway/client";
import { describe, expect, test } from "vitest";
import { JOBS } from "../console/dev/jobs.ts";
import type { Evidence, MeasuredValue } from "../console/src/api.ts";
import { axesOf, commonAxis, kindsOf, splitValues } from "../console/src/evidence/groups.ts";
import { differenceText, digitsText, measuredText, relativeText } from "../console/src/evidence/quantity.ts";
import { jobState, jobTitle, shareDone, takenText, versionOf } from "../console/src/jobs/job-text.ts";
import { fieldsOf, nested, valueTyped } from "../console/src/measure/options.ts";
import { misfit } from "../console/src/measure/stored-file.ts";
import { faultOf, kindOf, linesOf, verdictsByLine } from "../console/src/policies/policy-lines.ts";
import { comparePath, measurePath, policyPath, routeFromPath } from "../console/src/router.ts";

const NOW = 1_800_000_000_000;

function valueOf(value: number | null, unit: string, lower?: number, upper?: number): MeasuredValue {
  const interval = lower === undefined || upper === undefined ? null : { lower, upper, level: 0.95 };
  return { value, unit, interval, reason: value === null ? "no rows" : null, method: "counted", count: null };
}

describe("addresses", () => {
  test.each([
    ["/jobs", { page: "jobs" }],
    ["/jobs/01ABC", { page: "job", id: "01ABC" }],
    ["/policies", { page: "policies" }],
    ["/policies/*", { page: "policy", endpoint: "*" }],
    ["/compare", { page: "compare" }],
    ["/models/digits/versions/2/measure", { page: "measure", name: "digits", number: 2 }],
    ["/models/digits/versions/2/forget", { page: "missing", path: "/models/digits/versions/2/forget" }],
    ["/jobs/01ABC/more", { page: "missing", path: "/jobs/01ABC/more" }],
  ])("%s", (address, route) => expect(routeFromPath(address)).toEqual(route));

  test("names of any kind find their way back", () => {
    expect(routeFromPath(measurePath("a/b", 3))).toEqual({ page: "measure", name: "a/b", number: 3 });
    expect(routeFromPath(policyPath("a/b"))).toEqual({ page: "policy", endpoint: "a/b" });
    expect(comparePath("a&b@1", "c@2")).toBe("/compare?first=a%26b%401&second=c%402");
  });
});

describe("numbers", () => {
  test.each([
    [valueOf(0.994, "1", 0.98251, 0.99796), { value: "0.9940", interval: "0.9825 to 0.9980", unit: "" }],
    [valueOf(2.345, "ms", 2.3, 2.4), { value: "2.345", interval: "2.300 to 2.400", unit: "ms" }],
    [valueOf(0.0123, "ms"), { value: "12.3", interval: null, unit: "µs" }],
    [valueOf(45_000, "ms"), { value: "45", interval: null, unit: "s" }],
    [valueOf(141_476, "B"), { value: "141.5", interval: null, unit: "kB" }],
    [valueOf(5_310_432, "MAC"), { value: "5.31", interval: null, unit: "MMAC" }],
    [valueOf(0.0052, "J"), { value: "5.2", interval: null, unit: "mJ" }],
    [valueOf(34_570, "1"), { value: "34,570", interval: null, unit: "" }],
    [valueOf(null, "1"), { value: null, interval: null, unit: "" }],
  ])("%j", (value, text) => expect(measuredText(value)).toEqual(text));

  test("digits: short of all is never written as all, and little is not nothing", () => {
    expect([0.99998, 0.9996, 1, 0, 0.00002, 1234.56, 12345.6].map((value) => digitsText(value))).toEqual([
      "0.99998",
      "0.9996",
      "1",
      "0",
      "2.00 × 10⁻⁵",
      "1,235",
      "12,346",
    ]);
  });

  test("differences have their sign, in the unit of the larger", () => {
    expect(differenceText(-5499, "B", 129_320)).toBe("−5.499 kB");
    expect(differenceText(0.006, "1", 0.994)).toBe("+0.006");
    expect(differenceText(0, "B", 141_476)).toBe("±0 kB");
    expect([-0.0425, 0.5, 2].map(relativeText)).toEqual(["−4.3 %", "+50 %", "+200 %"]);
  });
});

describe("axes", () => {
  test("values that can be seen together share one; an accuracy near 1 and a loss near 0 do not", () => {
    const axes = axesOf([
      ["accuracy", valueOf(0.994, "1", 0.98, 0.998)],
      ["recall", valueOf(0.97, "1", 0.93, 0.99)],
      ["loss", valueOf(0.015, "1", 0.01, 0.02)],
      ["rows", valueOf(500, "1")],
      ["p99", valueOf(2, "ms", 1.5, 2.5)],
    ]);
    expect(axes.get("accuracy")).toBe(axes.get("recall"));
    expect(axes.get("loss")).not.toBe(axes.get("recall"));
    expect([...axes.keys()].sort()).toEqual(["accuracy", "loss", "p99", "recall"]);
    for (const [name, lower, upper] of [["accuracy", 0.98, 0.998] as const, ["loss", 0.01, 0.02] as const]) {
      const { from, to } = axes.get(name)!;
      expect(from).toBeLessThanOrEqual(lower);
      expect(to).toBeGreaterThanOrEqual(upper);
      expect(to).toBeLessThanOrEqual(1);
    }
  });
  test("one for both sides of a comparison", () => {
    expect(commonAxis([valueOf(0.994, "1", 0.98, 0.998), valueOf(0.93, "1")])).toEqual({ from: 0.93, to: 1 });
    expect(commonAxis([valueOf(5, "B"), valueOf(5, "B")])).toEqual({ from: 5, to: 5.5 });
    expect(commonAxis([valueOf(null, "1")])).toBeNull();
  });
});

describe("evidence", () => {
  const one = (id: string, kind: string, dataset: string | null): Evidence => ({
    id,
    kind,
    schema: 1,
    measuredAt: NOW,
    values: {},
    dataset: dataset === null ? null : { name: dataset, split: null, hash: "0" },
    machine: null,
    settings: {},
    method: "",
    code: {},
    hash: "0",
    standing: "current",
    reason: null,
  });
  test("the newest of each subject first, what was before behind it", () => {
    const kinds = kindsOf([
      one("5", "size", null),
      one("4", "quality", "a"),
      one("3", "zeal", null),
      one("2", "quality", "b"),
      one("1", "quality", "a"),
    ]);
    expect(
      kinds.map(({ kind, findings }) => [
        kind,
        findings.map(({ evidence, older }) => [evidence.id, older.map(({ id }) => id)]),
      ]),
    ).toEqual([
      [
        "quality",
        [
          ["4", ["1"]],
          ["2", []],
        ],
      ],
      ["size", [["5", []]]],
      ["zeal", [["3", []]]],
    ]);
  });
  test("classes and slices become a table of their own", () => {
    const { plain, parts } = splitValues({
      accuracy: valueOf(1, "1"),
      "recall[0]": valueOf(0.5, "1"),
      "recall[age=30, sex=f]": valueOf(0.7, "1"),
      "precision[0]": valueOf(0.6, "1"),
    });
    expect(plain.map(([name]) => name)).toEqual(["accuracy"]);
    expect(parts?.metrics).toEqual(["recall", "precision"]);
    expect(parts?.rows.map(({ part, values }) => [part, values.map((value) => value?.[1].value ?? null)])).toEqual([
      ["0", [0.5, 0.6]],
      ["age=30, sex=f", [0.7, null]],
    ]);
  });
});

describe("jobs in words", () => {
  const [queued, running, succeeded, failed] = JOBS(NOW) as [never, never, never, never];
  test("states, titles, progress", () => {
    expect(jobTitle(queued)).toBe("measure compute, size");
    expect(jobTitle({ kind: "tidy", order: null })).toBe("tidy");
    expect([queued, running, succeeded, failed].map(shareDone)).toEqual([null, 0.42, 1, null]);
    expect(jobState({ state: "running", cancelAskedAt: NOW })).toBe("cancelling");
    expect([queued, running].map((job) => takenText(job, NOW))).toEqual([null, "2 min"]);
    expect(versionOf({ subject: "a@b@3" })).toEqual({ name: "a@b", number: 3 });
    expect(versionOf({ subject: "everything" })).toBeNull();
  });
});

describe("options as a form", () => {
  /** As Zod writes it. */
  const schema = {
    type: "object",
    properties: {
      scores: {
        default: null,
        description: "what they are",
        anyOf: [
          {
            type: "string",
            enum: ["probabilities", "logits"],
          },
          {
            type: "null",
          },
        ],
      },
      topK: {
        default: null,
        anyOf: [
          {
            type: "array",
            items: {
              type: "integer",
              minimum: 1,
            },
          },
          {
            type: "null",
          },
        ],
      },
      confidence: {
        default: 0.95,
        type: "number",
        minimum: 0.5,
        maximum: 0.9999,
      },
      runs: {
        type: "integer",
        minimum: 1,
      },
      isFast: {
        default: true,
        type: "boolean",
      },
      shapes: {
        default: {
          symbols: {},
          more: 1,
        },
        type: "object",
        properties: {
          symbols: {
            default: {},
            type: "object",
            propertyNames: {
              type: "string",
            },
            additionalProperties: {
              type: "integer",
            },
          },
          more: {},
        },
        required: ["more"],
        additionalProperties: false,
      },
      either: {
        default: "all",
        type: ["number", "string"],
      },
    },
    required: ["runs"],
    additionalProperties: false,
  };
  const fields = new Map(fieldsOf(schema).map((field) => [field.name, field]));
  const typed = (name: string, text: string) => valueTyped(fields.get(name)!, text);

  test("each as its schema says", () => {
    expect(
      [...fields].map(([name, { form, byDefault, isRequired }]) => [name, form.kind, byDefault, isRequired]),
    ).toEqual([
      ["scores", "choice", "", false],
      ["topK", "list", "", false],
      ["confidence", "number", "0.95", false],
      ["runs", "number", null, true],
      ["isFast", "flag", "true", false],
      ["shapes.symbols", "pairs", "", false],
      ["shapes.more", "json", null, false],
      ["either", "json", "all", false],
    ]);
    expect(fields.get("scores")?.about).toBe("what they are");
  });
  test("what is typed becomes what the schema asks for", () => {
    expect(typed("scores", "logits")).toEqual({ value: "logits" });
    expect(typed("topK", "1, 5")).toEqual({ value: [1, 5] });
    expect(typed("confidence", "0.9")).toEqual({ value: 0.9 });
    expect(typed("isFast", "false")).toEqual({ value: false });
    expect(typed("shapes.symbols", "N=4, sequence = 128")).toEqual({ value: { N: 4, sequence: 128 } });
    expect(typed("shapes.more", '{"a": [1]}')).toEqual({ value: { a: [1] } });
    expect(typed("runs", "  ")).toBeNull();
  });
  test.each([
    ["topK", "1,,5"],
    ["confidence", "0.4"],
    ["confidence", "much"],
    ["runs", "1.5"],
    ["runs", "0"],
    ["shapes.symbols", "N"],
    ["shapes.symbols", "N=4=5"],
    ["shapes.more", "{"],
  ])("%s: %j is told to be wrong", (name, text) => expect(typed(name, text)).toHaveProperty("wrong"));
  test("parts go back into their option", () => {
    expect(
      nested([
        ["shapes.symbols", { N: 1 }],
        ["shapes.more", 2],
        ["runs", 3],
      ]),
    ).toEqual({
      shapes: { symbols: { N: 1 }, more: 2 },
      runs: 3,
    });
  });
});

test("files that do not have the same number of rows", () => {
  const file = (rows: number) => ({
    file: new File([], "a.npy"),
    dtype: "float32",
    shape: [rows, 2],
    bytes: new Uint8Array(),
  });
  expect(misfit({ a: file(3), b: file(3) }, file(3))).toBeNull();
  expect(misfit({ a: file(3) }, file(4))).toContain("a has 3, labels has 4");
});

describe("policies", () => {
  const lines = linesOf('requirements:\n# first\n  - "size <= 5 MB"\n\nfresh within 30d\nquality.f1 >= 0.9');
  test("requirements and where they stand", () => {
    expect(lines).toEqual([
      { line: 2, text: "size <= 5 MB" },
      { line: 4, text: "fresh within 30d" },
      { line: 5, text: "quality.f1 >= 0.9" },
    ]);
    expect(lines.map(({ text }) => kindOf(text))).toEqual(["size", "fresh", "quality"]);
  });
  test("the line at fault", () => {
    const error = (details: Record<string, unknown>, code = "POLICY_INVALID") =>
      new ApiError(400, code, "No.", details);
    expect(faultOf(error({ line: 2 }), lines)).toEqual({ line: 5, message: "No." });
    expect(faultOf(error({}), lines)).toEqual({ line: null, message: "No." });
    expect(faultOf(error({ line: 0 }, "VERSION_NOT_FOUND"), lines)).toBeNull();
    expect(faultOf(null, lines)).toBeNull();
  });
  test("what was found stands at its line", () => {
    const requirement = (text: string, verdict: "yes" | "no") => ({
      requirement: text,
      verdict,
      found: 1,
      needed: 1,
      unit: "1",
      margin: 0,
      evidenceId: null,
      text: "",
      remedy: null,
    });
    const judged = {
      verdict: "no" as const,
      requirements: [requirement("size <= 5 MB", "yes"), requirement("quality.f1 >= 0.9", "no")],
    };
    expect([...verdictsByLine(judged, lines)].map(([line, { verdict }]) => [line, verdict])).toEqual([
      [2, "yes"],
      [5, "no"],
    ]);
  });
});
