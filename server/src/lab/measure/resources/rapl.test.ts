import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openRapl, RaplMeter } from "./index.ts";

let powercap: string;
beforeEach(() => void (powercap = mkdtempSync(path.join(tmpdir(), "slipway-powercap-"))));
afterEach(() => rmSync(powercap, { recursive: true, force: true }));

function zone(directory: string, name: string, microjoules: number | string, range = 1_000_000): void {
  mkdirSync(path.join(powercap, directory), { recursive: true });
  writeFileSync(path.join(powercap, directory, "name"), `${name}\n`);
  writeFileSync(path.join(powercap, directory, "max_energy_range_uj"), `${range}\n`);
  writeFileSync(path.join(powercap, directory, "energy_uj"), `${microjoules}\n`);
}
const opened = (): RaplMeter => {
  const meter = openRapl(powercap);
  if (!(meter instanceof RaplMeter)) throw new Error(meter.reason);
  return meter;
};

test("packages and their memory are summed; cores, uncore, the platform and second views of a package are not", () => {
  const all = (step: number) => {
    zone("intel-rapl:0", "package-0", 1000 + 100_000 * step);
    zone("intel-rapl:0:0", "core", 70_000 * step);
    zone("intel-rapl:0:1", "uncore", 5000 * step);
    zone("intel-rapl:0:2", "dram", 20_000 * step);
    zone("intel-rapl:1", "package-1", 300_000 * step);
    zone("intel-rapl:2", "psys", 500_000 * step);
    zone("intel-rapl-mmio:0", "package-0", 100_000 * step);
  };
  all(0);
  const meter = opened();
  expect(meter.name).toBe("package-0, dram, package-1");
  expect(meter.joules()).toBe(0);
  all(1);
  expect(meter.joules()).toBeCloseTo(0.42, 12);
  all(2);
  expect(meter.joules()).toBeCloseTo(0.84, 12);
});

test("a counter that begins anew at its range goes on", () => {
  zone("intel-rapl:0", "package-0", 999_000);
  const meter = opened();
  zone("intel-rapl:0", "package-0", 4000);
  expect(meter.joules()).toBeCloseTo(0.005, 12);
});

test("where nothing is counted, or may not be read, it says why", () => {
  const reason = () => (openRapl(powercap) as { reason: string }).reason;
  expect(reason()).toMatch(/no package that counts/);
  expect((openRapl(path.join(powercap, "none")) as { reason: string }).reason).toMatch(
    /^no counters of energy .* \(there is no .*none\)$/,
  );
  zone("intel-rapl:0", "psys", 1);
  expect(reason()).toMatch(/no package/);
  zone("intel-rapl:0", "package-0", "not a number");
  expect(reason()).toMatch(/energy_uj can't be read; by default only root may/);
});
