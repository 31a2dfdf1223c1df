import { describe, expect, test } from "vitest";
import { Pace } from "./pace.ts";

/** A queue that is worked off, one request every `everyMs`, from `start`. Answers when it ended. */
function work(pace: Pace, dispatches: number, everyMs: number, start = 0): number {
  pace.began(start);
  let now = start;
  for (let i = 0; i < dispatches; i++) pace.dispatched((now += everyMs));
  pace.rested(now);
  return now;
}

describe("the pace", () => {
  test("is unknown at first, and then what was measured", () => {
    const pace = new Pace();
    expect(pace.waitMs(10, 0)).toBeNull();
    expect(pace.retryAfterMs(10, 0)).toBe(1000);
    const now = work(pace, 20, 5);
    expect(pace.waitMs(10, now)).toBe(50);
    expect(pace.retryAfterMs(10, now)).toBe(50);
  });

  test("does not count the time nobody waited", () => {
    const pace = new Pace();
    work(pace, 20, 5);
    const now = work(pace, 20, 5, 1e6);
    expect(pace.waitMs(10, now)).toBe(50);
  });

  test("counts the time nothing moved", () => {
    const pace = new Pace();
    const now = work(pace, 20, 5);
    pace.began(now);
    expect(pace.waitMs(1, now + 900)).toBe(50);
  });

  test("follows a change", () => {
    const pace = new Pace();
    const now = work(pace, 1000, 5);
    const later = work(pace, 1000, 50, now);
    expect(pace.waitMs(1, later)).toBeGreaterThan(49);
    expect(pace.waitMs(1, later)).toBeLessThanOrEqual(50);
  });

  test("tells nobody to come back at once, or in an hour", () => {
    const pace = new Pace();
    const now = work(pace, 20, 10_000);
    expect(pace.retryAfterMs(0, now)).toBe(1);
    expect(pace.retryAfterMs(1000, now)).toBe(60_000);
  });

  test("takes runs to last their mean and a margin for how they differ", () => {
    const pace = new Pace();
    expect(pace.serviceMs).toBe(0);
    for (let i = 0; i < 500; i++) pace.answered(10);
    expect(pace.serviceMs).toBe(10);
    for (let i = 0; i < 500; i++) pace.answered(i % 2 === 0 ? 5 : 15);
    expect(pace.serviceMs).toBeGreaterThan(18);
    expect(pace.serviceMs).toBeLessThan(22);
  });

  test("learns from runs that were given up only that they are long", () => {
    const pace = new Pace();
    for (let i = 0; i < 100; i++) pace.answered(10);
    for (let i = 0; i < 100; i++) pace.gaveUp(1);
    expect(pace.serviceMs).toBe(10);
    for (let i = 0; i < 100; i++) pace.gaveUp(100);
    expect(pace.serviceMs).toBeGreaterThan(80);
  });
});
