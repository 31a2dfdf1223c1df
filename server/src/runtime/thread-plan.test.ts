import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planThreads } from "./thread-plan.ts";

describe("the thread plan", () => {
  it("divides the cores among the instances", () => {
    expect(planThreads({ instances: 2, intraOpThreads: 0 }, 8)).toEqual({
      intraOpThreads: 4,
      text: "2 runners × 4 threads on 8 cores",
    });
  });

  it("says so when there are more runners than cores", () => {
    expect(planThreads({ instances: 4, intraOpThreads: 0 }, 2).text).toContain("more runners than cores");
  });

  it("refuses more threads than cores, and says what fits", () => {
    expect(() => planThreads({ instances: 3, intraOpThreads: 4 }, 8)).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID", message: expect.stringContaining("at most 2 threads") }),
    );
  });

  it("never plans more threads than cores, unless there are more runners than cores", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 128 }), (instances, cores) => {
        const { intraOpThreads } = planThreads({ instances, intraOpThreads: 0 }, cores);
        expect(intraOpThreads).toBeGreaterThanOrEqual(1);
        expect(intraOpThreads * instances).toBeLessThanOrEqual(Math.max(cores, instances));
      }),
    );
  });
});
