// What evidence is worth today, what a summary says of it, and how numbers are written.
import { describe, expect, test } from "vitest";
import type { ReportEvidence } from "./evidence.ts";
import { ageText, amountText, exactText, intervalText, numberText, shareText } from "./numbers.ts";
import { classesOf, processingSteps } from "./processing-text.ts";
import {
  classifierEvidence,
  CODE,
  comparisonEvidence,
  evidence,
  latencyEvidence,
  NOW,
  reportOf,
  sizeEvidence,
  value,
} from "./report.testing.ts";
import { standingOf } from "./standing.ts";

const spaced = (text: string) => text.replaceAll("\u202f", " ");

describe("evidence", () => {
  const standing = (...kept: readonly ReportEvidence[]) =>
    standingOf(kept, { now: NOW, code: CODE }).map((one) => [one.standing, one.reason]);
  const days = (count: number) => NOW - count * 86_400_000;
  test("is current until a newer one says the same of the same", () => {
    const other = { ...latencyEvidence(), machine: { fingerprint: "x", name: "laptop", facts: {} } };
    expect(standing(latencyEvidence(), other, { ...latencyEvidence(), id: "00" })).toEqual([
      ["current", null],
      ["current", null],
      ["superseded", "A newer one says the same of the same."],
    ]);
  });
  test("of a newer form stands for that of an older one, whatever its settings", () => {
    const old = { ...classifierEvidence(), schema: 1, settings: { scores: "logits" } };
    expect(standing(classifierEvidence(), old).map(([how]) => how)).toEqual(["current", "superseded"]);
    expect(standing(classifierEvidence(), { ...old, schema: 2 }).map(([how]) => how)).toEqual(["current", "current"]);
  });
  test("is stale a month later, and with another engine where that matters", () => {
    const old = { backend: "onnxruntime-node 1.20.0" };
    expect(standing({ ...sizeEvidence(), measuredAt: days(31) })).toEqual([["stale", "It was measured 31 days ago."]]);
    expect(standing({ ...sizeEvidence(), measuredAt: days(29), code: old })).toEqual([["current", null]]);
    expect(standing({ ...latencyEvidence(), code: old })).toEqual([
      ["stale", "It was measured with onnxruntime-node 1.20.0; onnxruntime-node 1.30.0 runs now."],
    ]);
  });
});

describe("a summary", () => {
  test("says what is known with interval, data and machine, what is not, and what is stale", () => {
    const old = { ...sizeEvidence(), measuredAt: NOW - 40 * 86_400_000 };
    const { known, unknown, stale } = reportOf([
      classifierEvidence(),
      latencyEvidence(),
      comparisonEvidence(),
      old,
    ]).summary;
    expect(known.map(spaced)).toEqual([
      "Accuracy is 96 % (95 % interval: 94 % to 97.5 %) on digits/test, over 500 rows.",
      "The area under the ROC curve is 0.998 (95 % interval: 0.99 to 0.9995) on digits/test, over 500 rows.",
      "The expected calibration error is 0.012 on digits/test.",
      "The median latency is 0.42 ms (95 % interval: 0.4 ms to 0.44 ms) on the machine pi5.",
      "The 99th percentile of latency is 0.84 ms on the machine pi5.",
      "Comparison on digits/test: No difference from digits@2 is shown: accuracy is 0.994 against 0.988.",
    ]);
    expect(unknown).toEqual([
      "quality.f1 is undefined on digits/test: no row has label 3.",
      "energy was not measured. Joules of a run.",
    ]);
    expect(stale).toEqual(["size: it was measured 40 days ago."]);
  });
  test("says of kinds nobody knows what they say first, else their first values", () => {
    const values = { zeta: value(2, { unit: "mJ" }), eta: value(3), theta: value(4) };
    expect(reportOf([evidence("drift", values, {})]).summary.known.map(spaced)).toEqual([
      "drift.zeta is 2 mJ.",
      "drift.eta is 3.",
    ]);
    expect(reportOf([evidence("drift", values, { summary: ["It drifts."] })]).summary.known).toEqual([
      "Drift: It drifts.",
    ]);
  });
  test("names what a policy asks for and nobody measured once", () => {
    const requirement = {
      requirement: "energy <= 1 mJ",
      verdict: "unknown" as const,
      found: null,
      needed: 1,
      unit: "mJ",
      margin: null,
      evidenceId: null,
      text: '"energy" was not measured.',
      remedy: null,
    };
    const gates = [
      { endpoint: "digits", isLive: false, judged: { verdict: "unknown" as const, requirements: [requirement] } },
    ];
    expect(reportOf([], { gates }).summary.unknown).toEqual([
      'The launch policy of digits asks for “energy <= 1 mJ”: "energy" was not measured.',
    ]);
  });
});

describe("numbers", () => {
  test.each([
    [numberText(1234), "1234"],
    [numberText(12_345), "12 345"],
    [numberText(-0.000_000_123_456_78), "−1.2346e-7"],
    [numberText(1 / 3), "0.33333"],
    [amountText(141_476, "B"), "138 KiB"],
    [amountText(1023.6 * 1024, "B"), "1 MiB"],
    [amountText(5_310_432, "MAC"), "5.31 M MAC"],
    [amountText(999_600, "FLOP"), "1 M FLOP"],
    [amountText(12.345, "ms"), "12.3 ms"],
    [amountText(420.4, "/s"), "420/s"],
    [amountText(0.999_98, "1"), "0.99998"],
    [amountText(1, "1"), "1"],
    [shareText(0.999_98), "99.998 %"],
    [shareText(1), "100 %"],
    [shareText(0.123_45), "12.3 %"],
    [exactText(1_234_567, "B"), "1 234 567 B"],
    [intervalText({ interval: { lower: 0.97, upper: 0.98, level: 0.95 }, unit: "1" }), "0.97 to 0.98"],
    [intervalText({ interval: null, unit: "1" }), null],
    [ageText(59_000), "59 seconds"],
    [ageText(86_400_000), "1 day"],
    [ageText(-5), "0 seconds"],
  ])("%s", (text, wanted) => expect(text === null ? null : spaced(text)).toBe(wanted));
});

test("processing is told step by step, long lists cut", () => {
  const labels = Array.from({ length: 10 }, (_, index) => `class ${index}`);
  const processing = {
    before: [
      { step: "scale", by: 0.003_921_568_627_450_98 },
      { step: "layout", to: "CHW" },
    ],
    after: [{ step: "labels", labels }],
  };
  expect(processingSteps(processing)).toEqual({
    before: ["scale: by 0.00392157", "layout: to CHW"],
    after: ["labels: labels [class 0, class 1, class 2, class 3, class 4, class 5, … 10 in all]"],
  });
  expect(classesOf(processing)).toEqual(labels);
  expect(processingSteps(null)).toEqual({ before: [], after: [] });
  expect(classesOf({ after: "none" })).toBeNull();
});
