import { describe, expect, test } from "vitest";
import { type Circumstances, type Candidate, verdictOf } from "#lab/tune";
import { changesTree, candidatesFrom, type TuneReport, tuneText } from "./report.ts";

const current: Candidate = {
  "runtime.instances": 1,
  "runtime.intraOpThreads": 0,
  "runtime.maxBatchRows": 32,
  "server.fronts": 1,
};
const faster: Candidate = { ...current, "runtime.instances": 2, "server.fronts": 2 };
const broken: Candidate = { ...current, "runtime.maxBatchRows": 1 };
const circumstances: Circumstances = { cores: 2, rowsInFlight: 8, doesBatch: true, isInline: false, canShare: true };

/** A report on pairs of which the challenger wins so many. */
function report(wins: number, pairs: number, more: Partial<TuneReport> = {}): TuneReport {
  const ratios = Array.from({ length: pairs }, (_, index) => (index < wins ? 1.5 : 0.9));
  const verdict = verdictOf(ratios.map((ratio) => ({ current: 100, challenger: 100 * ratio })));
  const standing = { samples: 3, rounds: 2, failure: null };
  const standings = [
    {
      ...standing,
      entry: current,
      isCurrent: true,
      value: { median: 1234, low: 900, high: 1500 },
      ratio: { median: 1, low: 1, high: 1 },
    },
    {
      ...standing,
      entry: faster,
      isCurrent: false,
      value: { median: 1800, low: 1600, high: 2000 },
      ratio: { median: 1.5, low: 0.9, high: 1.6 },
    },
    {
      ...standing,
      entry: broken,
      isCurrent: false,
      samples: 0,
      value: null,
      ratio: null,
      failure: "RUN_FAILED: it broke",
    },
  ];
  const challenger = changesTree(faster, current);
  return {
    model: "digits@1",
    machine: {
      cpu: "A Processor",
      cores: 2,
      totalMemoryBytes: 2 ** 33,
      system: "Linux x64",
      node: "24.0.0",
      backend: "engine 1",
    },
    load: {
      objective: null,
      connections: 8,
      payload: null,
      rows: 1,
      isBinary: true,
      seed: 1,
      requestBytes: 100,
      responseBytes: 2048,
    },
    budgetMs: 60_000,
    tookMs: 58_000,
    candidates: candidatesFrom({ standings, challenger: faster, verdict }, circumstances),
    verdict: { ...verdict, challenger },
    recommendation: verdict.isBetter ? challenger : null,
    isApplied: false,
    commands: verdict.isBetter ? ["slipway deploy digits@1 --runtime-instances 2", "slipway start --fronts 2"] : [],
    yaml: verdict.isBetter ? ["runtime:", "  instances: 2", "server:", "  fronts: 2"] : [],
    notes: [],
    ...more,
  };
}

describe("as people read it", () => {
  test("the machine, the load and every candidate, threads as the cores are divided", () => {
    const lines = tuneText(report(8, 8, { notes: ["A note."] })).split("\n");
    expect(lines[0]).toBe("digits@1 on 2 cores (A Processor), 8 GiB, Linux x64, Node 24.0.0, engine 1");
    expect(lines).toContain("looked for  the highest throughput of 8 waiting clients (closed loop)");
    expect(lines).toContain("sent        1 made-up row a request (seed 1), binary; 100 B out, 2 KiB back");
    const cells = lines.map((line) => line.trim().split(/ {2,}/));
    expect(cells).toContainEqual(["1", "1", "32", "1", "1 234", "900 to 1 500", "1.00", "3 ×", "current"]);
    expect(cells).toContainEqual([
      "2",
      "1",
      "32",
      "2",
      "1 800",
      "1 600 to 2 000",
      "1.50",
      "0.90 to 1.60",
      "3 ×",
      "challenger",
    ]);
    expect(cells).toContainEqual(["1", "1", "1", "1", "–", "–", "0 ×", "RUN_FAILED: it broke"]);
    expect(lines.at(-1)).toBe("A note.");
  });

  test("a recommendation, what it rests on, and how to follow it", () => {
    const text = tuneText(report(7, 8));
    expect(text).toContain(
      "Recommended: runtime.instances 2, server.fronts 2. It came to 1.50 × the current settings (0.90 to 1.50), ahead in 7 of 8 pairs, which chance alone brings in 3.5 % of cases.",
    );
    expect(text).toContain("  slipway start --fronts 2\n");
    expect(text).toMatch(/or in slipway\.yaml:\n\n {2}runtime:\n {4}instances: 2\n/);
    expect(tuneText(report(7, 8, { isApplied: true }))).toMatch(/\n\nApplied\.$/);
  });

  test("nothing beyond the noise", () => {
    const text = tuneText(report(6, 8));
    expect(text).toContain("Keep the current settings: no other was better beyond the noise.");
    expect(text).toContain("ahead in 6 of 8 pairs");
    expect(text).not.toContain("slipway deploy");
  });

  test("too few pairs, or nothing to compare with", () => {
    expect(tuneText(report(3, 3))).toContain("3 pairs of measurements can't tell a gain from noise, 5 or more can");
    const alone = report(0, 0);
    expect(tuneText({ ...alone, verdict: { ...alone.verdict, challenger: null } })).toContain(
      "Keep the current settings: there was no other candidate to compare them with.",
    );
  });

  test("an objective, and a current candidate that never met it", () => {
    const given = report(5, 5);
    const text = tuneText({
      ...given,
      load: { ...given.load, objective: { quantile: 0.99, latencyMs: 20 }, payload: "body.json" },
      candidates: given.candidates.map((candidate) => ({
        ...candidate,
        ratio: { median: Number.POSITIVE_INFINITY, low: 1, high: 1 },
      })),
    });
    expect(text).toContain("the highest rate with p99 of at most 20 ms (open loop, 8 connections)");
    expect(text).toContain("sent        body.json; ");
    expect(text).toContain("∞");
  });
});
