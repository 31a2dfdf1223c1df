import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planThreads } from "./thread-plan.ts";

describe("the thread plan", () => {
  it("divides the cores among the instances, and leaves one to the front", () => {
    expect(planThreads({ instances: 2, intraOpThreads: 0 }, 9)).toEqual({
      intraOpThreads: 4,
      text: "2 runners × 4 threads on 9 cores",
    });
    expect(planThreads({ instances: 1, intraOpThreads: 0 }, 2).intraOpThreads).toBe(1);
    expect(planThreads({ instances: 1, intraOpThreads: 0 }, 1).intraOpThreads).toBe(1);
  });

  it("gives all cores to whoever asks for them", () => {
    expect(planThreads({ instances: 2, intraOpThreads: 4 }, 8).intraOpThreads).toBe(4);
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
