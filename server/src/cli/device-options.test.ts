import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BUILT_IN_DEVICES } from "#lab/measure";
import type { CommandContext, CommandOptions } from "./command.ts";
import { DEVICE_NAMES, devicesFrom, needsFrom } from "./device-options.ts";

let directory: string;
beforeAll(() => void (directory = mkdtempSync(path.join(tmpdir(), "slipway-devices-"))));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const context = (options: CommandOptions) =>
  ({ options, environment: { workingDirectory: directory } }) as unknown as CommandContext;
const needs = (options: CommandOptions) => needsFrom({ options });

test("needs are read with their units; what is not said is not made up", () => {
  expect(needs({})).toEqual({ p99Ms: null, isPrivate: false, updatesPerDay: null, requestsPerSecond: null });
  expect(needs({ p99: "50ms", private: true, updates: "weekly", volume: "1440/min" })).toEqual({
    p99Ms: 50,
    isPrivate: true,
    updatesPerDay: 1 / 7,
    requestsPerSecond: 24,
  });
  expect(needs({ updates: "never" }).updatesPerDay).toBe(0);
  expect(needs({ updates: "3/week" }).updatesPerDay).toBeCloseTo(3 / 7, 12);
  expect(needs({ volume: "864000/day" }).requestsPerSecond).toBe(10);
});

test.each([
  [{ volume: "20" }, /--volume is "20"; write it as 20\/s/],
  [{ volume: "-1/s" }, /--volume is "-1\/s"/],
  [{ volume: "1/constructor" }, /Units are s, min, h/],
  [{ updates: "sometimes" }, /--updates is "sometimes"/],
  [{ p99: "soon" }, /--p99 is "soon"/],
])("%o is refused", (options, message) => {
  expect(() => needs(options as CommandOptions)).toThrow(message);
});

test("devices are those that are known and profiles in files", async () => {
  const own = { ...BUILT_IN_DEVICES.phone, name: "mine" };
  writeFileSync(path.join(directory, "mine.json"), JSON.stringify(own));
  expect(await devicesFrom(context({}))).toEqual({ devices: [...DEVICE_NAMES], profiles: [] });
  expect(await devicesFrom(context({ device: ["phone", "mine.json"] }))).toEqual({
    devices: ["phone"],
    profiles: [own],
  });
});

test("what is neither is refused with what there is", async () => {
  writeFileSync(path.join(directory, "broken.json"), "{");
  writeFileSync(path.join(directory, "other.json"), "{}");
  const refusal = (name: string) => devicesFrom(context({ device: [name] }));
  await expect(refusal("toaster")).rejects.toThrow(/"toaster" is no device that is known \(this-machine, server-cpu/);
  await expect(refusal("none.json")).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
  await expect(refusal("broken.json")).rejects.toThrow(/broken\.json is no device profile: it can't be read as JSON/);
  await expect(refusal("other.json")).rejects.toThrow(/other\.json is no device profile.*matrixFlops/s);
});
