import { describe, expect, it } from "vitest";
import { controlMessage } from "./control.ts";

const PLAN = { mode: "dynamic", maxRows: 8, reason: null, padAxis: null };
const SIGNATURE = { inputs: [], outputs: [] };

describe("a control message", () => {
  it("is taken as it came where its form is right", () => {
    for (const message of [
      { type: "pong" },
      { type: "fronts", active: 2 },
      { type: "batching", plan: PLAN },
      { type: "loaded", model: { signature: SIGNATURE, batching: PLAN, backend: "b" } },
    ]) {
      expect(controlMessage(message)).toEqual(message);
    }
  });

  it("is refused where what would be in flight could not be reckoned from it", () => {
    const badPlans = [undefined, null, {}, { mode: "dynamic" }, { ...PLAN, maxRows: 0 }, { ...PLAN, maxRows: "8" }];
    for (const message of [
      ...[undefined, 0, -1, 1.5, "2", null].map((active) => ({ type: "fronts", active })),
      ...badPlans.map((plan) => ({ type: "batching", plan })),
      ...badPlans.map((batching) => ({ type: "loaded", model: { signature: SIGNATURE, batching, backend: "b" } })),
    ]) {
      expect(() => controlMessage(message), JSON.stringify(message)).toThrow("can't be read");
    }
  });
});
