import { expect, test } from "vitest";
import { keptBurst, latenciesKept } from "./kept-rounds.ts";
import { longestOf } from "./target.ts";

const burst = (latenciesMs: readonly number[]) => ({
  latenciesMs,
  answered: latenciesMs.length,
  failed: 0,
  longestMs: longestOf(latenciesMs),
  elapsedMs: 1,
  stages: null,
  batchRows: null,
});

test("of more latencies than are kept every so-manieth stays, and the longest is still known", () => {
  const kept = keptBurst(burst(Array.from({ length: 1000 }, (_none, index) => 1000 - index)), 10);
  expect(kept.latenciesMs).toEqual([51, 151, 251, 351, 451, 551, 651, 751, 851, 951]);
  expect([kept.answered, kept.longestMs]).toEqual([1000, 1000]);
});

test("few enough stay as they are, to a ten-thousandth of a millisecond", () => {
  expect(keptBurst(burst([3.00004, 1, 2]), 3).latenciesMs).toEqual([3, 1, 2]);
});

test("what the largest measurement saves is less than a job may save", () => {
  const bursts = 400 * 61;
  expect(latenciesKept(bursts) * bursts * "1234.5678,".length).toBeLessThan(16 * 2 ** 20);
  expect(latenciesKept(40)).toBe(500);
});
