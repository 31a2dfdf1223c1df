import { type CancelTimer, FakeClock } from "@slipway/core/base";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DeadlineWatch, type Expiring } from "./deadlines.ts";

class CountingClock extends FakeClock {
  timers = 0;

  override after(delayMs: number, task: () => void): CancelTimer {
    this.timers++;
    expect(delayMs).toBeLessThan(2 ** 31);
    return super.after(delayMs, task);
  }
}

interface Item extends Expiring {
  expiredAt: number | null;
}
const itemOf = (deadline: number): Item => ({ deadline, watchPosition: -1, expiredAt: null });

function setUp() {
  const clock = new CountingClock();
  const watch = new DeadlineWatch<Item>(clock, (expired, now) => {
    for (const item of expired) {
      expect(item.expiredAt).toBeNull();
      item.expiredAt = now;
    }
  });
  return { clock, watch };
}

describe("the watch over deadlines", () => {
  test("sets one timer for any number of requests that end in time", () => {
    const { clock, watch } = setUp();
    for (let i = 0; i < 1000; i++) {
      const item = itemOf(clock.now() + 30_000);
      watch.add(item, clock.now());
      clock.advance(1);
      watch.remove(item);
    }
    expect(clock.timers).toBe(1);
    clock.advance(100_000);
    expect(clock.timers).toBe(1);
  });

  test("sets an earlier one where a deadline is sooner", () => {
    const { clock, watch } = setUp();
    const late = itemOf(100);
    const soon = itemOf(10);
    watch.add(late, 0);
    watch.add(soon, 0);
    clock.advance(1000);
    expect([soon.expiredAt, late.expiredAt]).toEqual([10, 100]);
    expect(clock.timers).toBe(3);
  });

  test("is not confused by deadlines beyond what a timer can do, or that never come", () => {
    const { clock, watch } = setUp();
    const far = itemOf(2 ** 31 + 5);
    const never = itemOf(Number.POSITIVE_INFINITY);
    watch.add(never, 0);
    watch.add(far, 0);
    clock.advance(2 ** 31 + 10);
    expect(far.expiredAt).toBe(2 ** 31 + 5);
    expect(never.expiredAt).toBeNull();
    expect(clock.timers).toBeLessThan(10);
    expect(watch.stop()).toEqual([never]);
    expect(clock.step() && clock.step()).toBe(false);
  });

  test("expires each at its deadline, unless it was taken out before", () => {
    const plan = fc.record({
      laterMs: fc.integer({ min: 0, max: 5 }),
      timeoutMs: fc.integer({ min: 0, max: 50 }),
      endsAfterMs: fc.integer({ min: 1, max: 60 }),
    });
    fc.assert(
      fc.property(fc.array(plan, { maxLength: 100 }), (plans) => {
        const { clock, watch } = setUp();
        const items = plans.map(({ laterMs, timeoutMs, endsAfterMs }) => {
          clock.advance(laterMs);
          const item = itemOf(clock.now() + timeoutMs);
          const endsAt = clock.now() + endsAfterMs;
          watch.add(item, clock.now());
          clock.after(endsAfterMs, () => watch.remove(item));
          return { item, endsAt };
        });
        clock.advance(1000);
        for (const { item, endsAt } of items) {
          if (item.deadline < endsAt) expect(item.expiredAt).toBe(item.deadline);
          else if (item.deadline > endsAt) expect(item.expiredAt).toBeNull();
          expect(item.watchPosition).toBe(-1);
        }
      }),
    );
  });
});
