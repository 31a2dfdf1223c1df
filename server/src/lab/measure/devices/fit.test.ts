import { expect, test } from "vitest";
import { modelOf, node, SLOW } from "./devices.testing.ts";
import { BUILT_IN_DEVICES, deviceProfileFrom, type FitCheck, fitOf, type FitQuestion, verdictOf } from "./index.ts";

const NONE = { latencyMs: null, energyJ: null };
const MODEL = modelOf([node("MatMul", { flops: 89e6 })]); // 89 + 1 + 10 = 100 ms, within a factor of 2
const check = (found: { readonly checks: readonly FitCheck[] }, question: FitQuestion) =>
  found.checks.find((one) => one.question === question)!;

test("a range fits where all of it is within the limit, does not where none is, and is tight between", () => {
  expect(verdictOf(1, 2, 2)).toBe("fits");
  expect(verdictOf(1, 2, 1.5)).toBe("tight");
  expect(verdictOf(1, 2, 1)).toBe("tight");
  expect(verdictOf(1, 2, 0.5)).toBe("does-not-fit");
  expect(verdictOf(1, 2, null)).toBe("not-asked");
});

test("each question has its numbers, reckoned by hand", () => {
  const found = fitOf(MODEL, SLOW, { latencyMs: 150, energyJ: 1 });
  // Engine 1000, weights 2000, activations 500; without activations, and with both three times and 40 MB.
  expect(check(found, "memory")).toMatchObject({
    verdict: "fits",
    found: 3500,
    lower: 3000,
    upper: 40_008_500,
    limit: 100e6,
  });
  const latency = check(found, "latency");
  expect(latency.verdict).toBe("tight");
  expect([latency.found, latency.lower, latency.upper].map((ms) => Math.round(ms!))).toEqual([100, 50, 200]);
  // 2 W for 0.1 s; 0.05 s at 1 W to 0.2 s at 4 W.
  const energy = check(found, "energy");
  expect(energy.verdict).toBe("fits");
  expect(energy.found).toBeCloseTo(0.2, 9);
  expect(energy.lower).toBeCloseTo(0.05, 9);
  expect(energy.upper).toBeCloseTo(0.8, 9);
  expect(check(found, "download")).toMatchObject({ verdict: "fits", found: 2100, limit: 5000 });
  expect(check(found, "operators")).toMatchObject({ verdict: "fits", found: 0 });
  expect(found.verdict).toBe("tight");
});

test("the device's verdict is the worst that is asked; what is not known never passes", () => {
  const verdict = (...arguments_: Parameters<typeof fitOf>) => fitOf(...arguments_).verdict;
  expect(verdict(MODEL, SLOW, NONE)).toBe("fits");
  expect(verdict(MODEL, SLOW, { latencyMs: 10, energyJ: null })).toBe("does-not-fit");
  expect(verdict(modelOf([node("Own", { flops: null })]), SLOW, { latencyMs: 500, energyJ: null })).toBe("unknown");
  // What nobody asks need not be known.
  expect(verdict(modelOf([node("Own", { flops: null })]), SLOW, NONE)).toBe("fits");
  const powerless = { ...SLOW, busyWatts: { value: null, source: "nobody told" } };
  expect(verdict(MODEL, powerless, NONE)).toBe("fits");
  expect(verdict(MODEL, powerless, { latencyMs: null, energyJ: 1 })).toBe("unknown");
  expect(verdict(modelOf([], { fileBytes: 6000 }), SLOW, NONE)).toBe("does-not-fit");
  const blank = modelOf([], { activationsBytes: null, activationsReason: "the sizes of 2 values are not known" });
  expect(check(fitOf(blank, SLOW, NONE), "memory")).toMatchObject({
    verdict: "unknown",
    found: null,
    method: "the sizes of 2 values are not known",
  });
});

test("operators a device does not run are counted and named", () => {
  const some = (others: "fall-back" | "refused") => ({
    ...SLOW,
    operators: { names: ["MatMul"], isAll: false, others, source: "its list" },
  });
  const model = modelOf([node("MatMul"), node("TopK"), node("com.microsoft.Odd")]);
  const fallBack = check(fitOf(model, some("fall-back"), NONE), "operators");
  expect(fallBack).toMatchObject({ verdict: "tight", found: 2, limit: 0 });
  expect(fallBack.method).toBe("2 nodes of TopK, com.microsoft.Odd run elsewhere, with copies between (its list)");
  expect(check(fitOf(model, some("refused"), NONE), "operators").verdict).toBe("does-not-fit");
  const unlisted = { ...SLOW, operators: { names: null, isAll: false, others: "refused", source: "no list" } } as const;
  expect(check(fitOf(model, unlisted, NONE), "operators").verdict).toBe("unknown");
});

test("every built-in profile is one, under its name, with a source for each figure", () => {
  for (const [name, profile] of Object.entries(BUILT_IN_DEVICES)) {
    expect(deviceProfileFrom(JSON.parse(JSON.stringify(profile)), name)).toEqual(profile);
    expect(profile.name).toBe(name);
  }
});

test("what is no profile is refused by the field", () => {
  const refusal = (json: unknown) => {
    try {
      deviceProfileFrom(json, "mine.json");
    } catch (error) {
      return error;
    }
    return null;
  };
  expect(refusal({ ...SLOW, matrixFlops: { value: -1, source: "x" } })).toMatchObject({ code: "PARAMETER_INVALID" });
  expect((refusal({ ...SLOW, matrixFlops: { value: 1 } }) as Error).message).toMatch(/mine\.json.*matrixFlops/s);
  expect((refusal({ ...SLOW, name: "Not A Name" }) as Error).message).toMatch(/name/);
  expect((refusal([]) as Error).message).toMatch(/no device profile/);
});
