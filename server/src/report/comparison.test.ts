// Two versions side by side: a verdict only where intervals are apart or numbers are counted, and only on the same question.
import { describe, expect, test } from "vitest";
import type { MeasuredValue } from "#registry";
import { chartsOfBoth } from "./charts/charts.ts";
import { compareReports } from "./comparison.ts";
import type { ReportEvidence } from "./evidence.ts";
import {
  classifierEvidence,
  comparisonEvidence,
  evidence,
  latencyEvidence,
  reportOf,
  sizeEvidence,
  value,
} from "./report.testing.ts";

const subject = { name: "digits", number: 2, note: null, source: "model.onnx", createdAt: 0 };
const model = { ...reportOf([]).model, hash: "b".repeat(64) };
const between = (first: readonly ReportEvidence[], second: readonly ReportEvidence[]) =>
  compareReports(reportOf(first, { subject, model }), reportOf(second));
const accuracy = (of: number, lower: number, upper: number) =>
  classifierEvidence(2, { values: { accuracy: value(of, { interval: { lower, upper, level: 0.95 }, count: 500 }) } });
const one = (kind: string, metric: string, first: Partial<MeasuredValue>, second: Partial<MeasuredValue>) =>
  between([evidence(kind, { [metric]: value(1, first) }, {})], [evidence(kind, { [metric]: value(1, second) }, {})])
    .values[0]!;

describe("a verdict", () => {
  test("is better or worse where intervals are apart, by the metric's good side", () => {
    expect(between([accuracy(0.9, 0.88, 0.92)], [accuracy(0.96, 0.94, 0.98)]).values[0]).toMatchObject({
      verdict: "better",
      difference: expect.closeTo(0.06, 12) as number,
      relative: expect.closeTo(0.06 / 0.9, 12) as number,
    });
    expect(between([accuracy(0.96, 0.94, 0.98)], [accuracy(0.9, 0.88, 0.92)]).values[0]!.verdict).toBe("worse");
  });
  test("is undecided where they overlap", () => {
    const [found] = between([accuracy(0.95, 0.93, 0.97)], [accuracy(0.96, 0.94, 0.98)]).values;
    expect(found).toMatchObject({
      verdict: "undecided",
      reason: expect.stringContaining("paired comparison") as string,
    });
  });
  test("needs no interval of what is counted", () => {
    const { values } = between([sizeEvidence(200_000)], [sizeEvidence(100_000)]);
    expect(values.map(({ verdict }) => verdict)).toEqual(["better", "better", "better"]);
    expect(between([sizeEvidence()], [sizeEvidence()]).values[0]!.verdict).toBe("equal");
  });
  test("is undecided of estimates without an interval", () => {
    expect(one("latency", "p99", { value: 9, count: 100 }, { value: 1, count: 100 }).verdict).toBe("undecided");
  });
  test("of a part has the good side of the whole", () => {
    const [slow, fast] = [{ value: 9 }, { value: 8 }];
    expect(one("latency", "p99[batch=8,threads=2]", slow, fast).verdict).toBe("better");
    expect(one("quality", "recall[a [b\\]]", slow, fast).verdict).toBe("worse");
  });
  test("is only different where nobody knows which side is good", () => {
    expect(one("size", "nodes", { value: 3 }, { value: 4 }).verdict).toBe("different");
  });
  test("is none of values that are undefined, in other units, or on one side", () => {
    expect(one("quality", "f1", { value: null, reason: "no labels" }, {})).toMatchObject({
      verdict: "incomparable",
      reason: "undefined: no labels",
    });
    expect(one("energy", "run", { unit: "J" }, { unit: "mJ" })).toMatchObject({ reason: "in J and in mJ" });
    expect(one("size", "file", { value: 0 }, { value: 4 }).relative).toBeNull();
    const alone = between([sizeEvidence()], [latencyEvidence()]).values;
    expect(alone.map(({ kind, reason }) => [kind, reason])).toEqual([
      ["latency", "not measured of digits@2"],
      ["latency", "not measured of digits@2"],
      ["size", "not measured of digits@3"],
      ["size", "not measured of digits@3"],
      ["size", "not measured of digits@3"],
    ]);
  });
});

describe("is not the same question", () => {
  const why = (first: ReportEvidence, second: ReportEvidence) => between([first], [second]).values[0]!.reason;
  const rows = { name: "digits", split: "test", hash: "d" };
  test("on other data, on other rows of that name, on a machine that is not alike, or with other settings", () => {
    expect(
      why(classifierEvidence(2, { dataset: { ...rows, split: "train" } }), classifierEvidence(2, { dataset: rows })),
    ).toBe("measured on digits/train and on digits/test");
    expect(
      why(classifierEvidence(2, { dataset: { ...rows, hash: "e" } }), classifierEvidence(2, { dataset: rows })),
    ).toBe("digits/test held other rows");
    const machine = { fingerprint: "f", name: "laptop", facts: {} };
    expect(why({ ...latencyEvidence(), machine }, latencyEvidence())).toBe(
      "measured on the machines laptop and pi5, which are not alike",
    );
    expect(why({ ...latencyEvidence(), settings: { batch: 8 } }, latencyEvidence())).toBe(
      "measured with other settings",
    );
  });
  test("and the newest of the same is taken, superseded ones never", () => {
    const newest = { ...sizeEvidence(1000), id: "02" };
    const { values } = between([newest, { ...sizeEvidence(5000), id: "01" }], [sizeEvidence(2000)]);
    expect(
      values.filter(({ metric }) => metric === "file").map(({ first, second }) => [first?.value, second?.value]),
    ).toEqual([[1000, 2000]]);
  });
});

test("a paired comparison that was measured against that very version is told, others are not", () => {
  expect(between([], [comparisonEvidence()]).paired.map(({ sentences, where }) => [where, sentences[0]])).toEqual([
    ["on digits/test", "No difference from digits@2 is shown: accuracy is 0.994 against 0.988."],
  ]);
  const other = compareReports(reportOf([], { subject }), reportOf([comparisonEvidence()]));
  expect(other.paired).toEqual([]);
  expect(between([], [evidence("comparison", {}, { against: 3 })]).paired).toEqual([]);
});

describe("the chart of both", () => {
  test("has each share with its interval, of one and the other", () => {
    const { charts } = chartsOfBoth(between([accuracy(0.9, 0.88, 0.92)], [accuracy(0.96, 0.94, 0.98)]));
    expect(charts[0]!.table.rows).toEqual([
      ["accuracy", "digits@2", 0.9, 0.88, 0.92],
      ["accuracy", "digits@3", 0.96, 0.94, 0.98],
    ]);
    expect(charts[0]!.description).toBe("Intervals are apart for accuracy (better). accuracy 0.9 and 0.96.");
  });
  test("is none of counts, and of what only one has", () => {
    expect(chartsOfBoth(between([sizeEvidence()], [sizeEvidence(), classifierEvidence()]))).toMatchObject({
      charts: [],
      absent: [{ kind: "versions", evidenceId: null, why: expect.stringContaining("no share") as string }],
    });
  });
});

test("what differs beside numbers is named", () => {
  const { facts } = compareReports(
    reportOf([], { subject, model }),
    reportOf([], { processing: { before: [], after: ["softmax: output logits"] } }),
  );
  expect(facts).toEqual([
    { name: "model", first: "bbbbbbbbbbbb", second: "aaaaaaaaaaaa" },
    { name: "steps before", first: "decode-image: channels grey", second: "none" },
  ]);
});
