import { expect, test } from "vitest";
import { modelOf, node, SLOW } from "./devices.testing.ts";
import { advise, type DeviceProfile, fitOf, type Needs } from "./index.ts";

/** 20 ms on each: 9 of arithmetic, 1 of starting a node, 10 of the run. */
const MODEL = modelOf([node("MatMul", { flops: 9e6 })]);
const EDGE: DeviceProfile = { ...SLOW, name: "board" };
const BROWSER: DeviceProfile = { ...SLOW, name: "page", place: "browser" };
const SERVER: DeviceProfile = { ...SLOW, name: "rack", place: "server" };
const SOME: Needs = { p99Ms: 100, isPrivate: false, updatesPerDay: null, requestsPerSecond: null };

function advised(needs: Partial<Needs>, devices: readonly DeviceProfile[] = [EDGE, BROWSER, SERVER]) {
  const all = { ...SOME, ...needs };
  const fits = devices.map((device) => fitOf(MODEL, device, { latencyMs: all.p99Ms, energyJ: null }));
  return advise(fits, MODEL.fileBytes, all);
}
const verdicts = (advice: ReturnType<typeof advised>) =>
  Object.fromEntries(advice.places.map(({ place, verdict }) => [place, verdict]));

test("with an answer wanted soon a server is simplest; batches are ruled out", () => {
  const advice = advised({});
  expect(advice.recommended).toBe("server");
  expect(verdicts(advice)).toEqual({
    server: "recommended",
    browser: "possible",
    edge: "possible",
    batch: "ruled-out",
  });
});

test("who can wait is sent to batches", () => {
  expect(advised({ p99Ms: null }).recommended).toBe("batch");
  expect(advised({ p99Ms: 3_600_000 }).recommended).toBe("batch");
});

test("private inputs rule out what takes them elsewhere", () => {
  const advice = advised({ isPrivate: true });
  expect(advice.recommended).toBe("browser");
  expect(verdicts(advice)).toMatchObject({ server: "ruled-out", batch: "ruled-out" });
});

test("what fits nowhere is recommended nowhere, nor what is unknown", () => {
  expect(advised({ p99Ms: 1 })).toMatchObject({ recommended: null });
  const unknown: DeviceProfile = { ...EDGE, matrixFlops: { value: null, source: "nobody told" } };
  const advice = advised({ isPrivate: true }, [unknown]);
  expect(advice.recommended).toBeNull();
  expect(verdicts(advice)).toMatchObject({ edge: "unknown", browser: "unknown" });
  expect(advice.places.find(({ place }) => place === "browser")!.reasons).toEqual([
    "No device of this kind was looked at.",
  ]);
});

test("volume is turned into machines by Little's law", () => {
  // 100 a second of 20 ms keep 2 busy; at 70 % that takes 3, and with twice the time 6.
  const server = advised({ requestsPerSecond: 100 }).places.find(({ place }) => place === "server")!;
  expect(server.devices).toBe(3);
  expect(server.reasons).toContain(
    "100 requests a second of 20 ms keep 2 of rack busy; at 70 % use that takes 3 (at most 6).",
  );
});

test("updates that send more than a device's budget every day make it tight", () => {
  // 2100 bytes each; the budget is 5000.
  const edge = (updatesPerDay: number) =>
    advised({ isPrivate: true, updatesPerDay }, [EDGE]).places.find(({ place }) => place === "edge")!;
  expect(edge(2).verdict).toBe("recommended");
  expect(edge(3).reasons.join()).toContain("Updates send 0.0063 MB a day to every device, more than the 0.005 MB");
  const advice = advised({ updatesPerDay: 3 });
  expect(verdicts(advice)).toMatchObject({ edge: "tight", browser: "tight", server: "recommended" });
});
