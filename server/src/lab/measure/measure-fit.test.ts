import { expect, test, vi } from "vitest";
import { BUILT_IN_DEVICES, type DeviceFit } from "./devices/index.ts";
import { DIGITS, measureFile, OCR_CLASSIFIER } from "./measuring.testing.ts";

vi.setConfig({ testTimeout: 120_000 });

interface Details {
  readonly summary: readonly string[];
  readonly fits: readonly DeviceFit[];
}

test("a small real model: measured here, estimated elsewhere, and each with its range", async () => {
  const { values, details } = await measureFile("fit", DIGITS, { fit: { latencyMs: 60_000, runs: 6 } });
  const { fits, summary } = details as unknown as Details;
  expect(fits.map(({ device }) => device)).toEqual(["this-machine", ...Object.keys(BUILT_IN_DEVICES)]);
  expect(fits.every(({ checks }) => new Set(checks.map(({ question }) => question)).size === checks.length)).toBe(true);
  expect(summary).toHaveLength(fits.length);
  expect(values["fits[this-machine]"]).toMatchObject({ value: 1, reason: null });
  expect(values["latency[this-machine]"]!.method).toMatch(/^measured: the median to the slowest of 6 runs/);
  expect(values["fits[raspberry-pi-5]"]!.value).toBe(1);
  // All nodes are known and the model takes 10.6 million operations of convolutions: 0.18 ms at 60 GFLOP/s, and more.
  const { value, interval } = values["latency[raspberry-pi-5]"]!;
  expect(value).toBeGreaterThan((1000 * 10_620_864) / 60e9);
  expect(interval!.upper / value!).toBeCloseTo(BUILT_IN_DEVICES["raspberry-pi-5"].uncertaintyFactor, 9);
  // The CUDA provider has kernels for all of its operators.
  expect(values["fits[datacentre-gpu]"]).toMatchObject({ value: 1 });
});

test("only the devices asked for, with people's own; and operators that are missing are named", async () => {
  const own = {
    ...BUILT_IN_DEVICES["browser-webgpu"],
    name: "mine",
    operators: { ...BUILT_IN_DEVICES["browser-webgpu"].operators, names: ["Conv", "Add"] },
  };
  const options = {
    shapes: { inputs: { x: [1, 3, 48, 192] } },
    devices: ["browser-webgpu"],
    profiles: [own],
    latencyMs: 1e-6,
  };
  const { values, details } = await measureFile("fit", OCR_CLASSIFIER, { fit: options });
  const { fits } = details as unknown as Details;
  expect(fits.map(({ device }) => device)).toEqual(["browser-webgpu", "mine"]);
  expect(values["fits[mine]"]).toMatchObject({ value: 0 });
  const missing = fits[1]!.checks.find(({ question }) => question === "operators")!;
  expect(missing.verdict).toBe("tight");
  expect(missing.method).toMatch(/nodes of .*BatchNormalization/);
});

test("what is not known of a device is not taken for fitting", async () => {
  const own = { ...BUILT_IN_DEVICES.phone, name: "mine", matrixFlops: { value: null, source: "nobody told" } };
  const options = { devices: [], profiles: [own], latencyMs: 1000 };
  const { values } = await measureFile("fit", DIGITS, { fit: options });
  expect(values["fits[mine]"]).toMatchObject({ value: null });
  expect(values["fits[mine]"]!.reason).toMatch(/^unknown: latency is not known: mine does not tell its rate of matrix/);
  expect(values["latency[mine]"]).toMatchObject({ value: null });
});

test("two devices of one name are refused, and options that are none", async () => {
  const twice = { fit: { devices: ["phone"], profiles: [BUILT_IN_DEVICES.phone] } };
  await expect(measureFile("fit", DIGITS, twice)).rejects.toMatchObject({
    code: "PARAMETER_INVALID",
    message: expect.stringMatching(/Two devices are called "phone"/),
  });
  await expect(measureFile("fit", DIGITS, { fit: { devices: ["toaster"] } })).rejects.toMatchObject({
    code: "PARAMETER_INVALID",
  });
});
