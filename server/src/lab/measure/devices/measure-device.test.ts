import { createOnnxRuntimeBackend, systemClock } from "#runtime";
import { expect, test } from "vitest";
import { deviceProfileFrom, measureDevice } from "./index.ts";

const options = (signal: AbortSignal, report: (text: string) => void = () => {}) => ({
  name: "mine",
  backend: createOnnxRuntimeBackend(),
  clock: systemClock,
  threads: 1,
  processor: "a processor",
  memoryBytes: 2 ** 30,
  engineBytes: 5e7,
  date: "2026-11-25",
  milliseconds: 10,
  signal,
  report,
});

test("this machine is measured into a profile that can be read back, each figure with how it was found", async () => {
  const said: string[] = [];
  const profile = await measureDevice(options(new AbortController().signal, (text) => said.push(text)));
  expect(deviceProfileFrom(JSON.parse(JSON.stringify(profile)), "it")).toEqual(profile);
  expect(said).toEqual(["products of matrices", "convolutions", "memory bandwidth", "starting nodes and runs"]);
  expect(profile.matrixFlops.source).toMatch(
    /512 × 512 \(onnxruntime-node .*, 1 thread on a processor, measured 2026-11-25, lower quartile\)/,
  );
  // Between a microcontroller and a datacentre's GPU: neither seconds nor milliseconds are mistaken for the other.
  expect(profile.matrixFlops.value).toBeGreaterThan(1e8);
  expect(profile.matrixFlops.value).toBeLessThan(1e14);
  expect(profile.bandwidthBytes.value).toBeGreaterThan(1e7);
  expect(profile.nodeSeconds.value).toBeLessThan(0.01);
  expect(profile.cacheBandwidthBytes.value).toBeGreaterThan(1e8);
  // What was not measured is not made up.
  expect(profile.busyWatts.value).toBeNull();
});

test("it ends where it is given up", async () => {
  await expect(measureDevice(options(AbortSignal.abort(new Error("enough"))))).rejects.toThrow("enough");
});
