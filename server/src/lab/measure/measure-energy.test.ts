import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { FakeClock } from "@slipway/core/base";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { estimated, measured } from "./measure-energy.ts";
import { DIGITS, measureFile, type subjectOf, testPorts } from "./measuring.testing.ts";
import { watchEnergy } from "./resources/index.ts";

vi.setConfig({ testTimeout: 120_000 });

let powercap: string;
beforeEach(() => void (powercap = mkdtempSync(path.join(tmpdir(), "slipway-powercap-"))));
afterEach(() => rmSync(powercap, { recursive: true, force: true }));

const window = (joules: number, idleWatts: number, seconds: number, runs: number, processorSeconds = 0) => ({
  joules,
  idleWatts,
  seconds,
  runs,
  processorSeconds,
});

test("a run takes what the machine took less what idling would have, over the runs", () => {
  // By hand: (50 - 10 · 2) / 10 = 3 J and (58 - 12 · 2) / 10 = 3.4 J; their mean ± t(1, 0.975) · s / √2.
  const { run, gross } = measured([window(50, 10, 2, 10), window(58, 12, 2, 10)], "package-0");
  expect(run!.value).toBeCloseTo(3.2, 12);
  expect(run!.interval!.upper).toBeCloseTo(3.2 + 12.7062047362 * 0.2, 8);
  expect(run).toMatchObject({ unit: "J", count: 2, method: "RAPL (package-0) beyond idling; mean, Student" });
  expect(gross!.value).toBeCloseTo((5 + 5.8) / 2, 12);
});

test("an estimate says so, with the power's source, and its interval is widened by the power's factor", () => {
  const windows = [window(0, 0, 2, 10, 1), window(0, 0, 2, 10, 1)];
  const { run, gross } = estimated(windows, { watts: 4, source: "a data sheet" }, "there is no counter");
  expect(run).toMatchObject({ value: 0.4, interval: { lower: 0.2, upper: 0.8 } });
  expect(run!.method).toMatch(/^estimate: processor time × 4 W a busy core \(a data sheet\)/);
  expect(gross).toMatchObject({ value: null, reason: "idling is not measured: there is no counter" });
  const unknown = estimated([{ ...windows[0]!, processorSeconds: null }], { watts: 4, source: "" }, "no counter");
  expect(unknown["run"]).toMatchObject({ value: null });
});

test("windows of running and idling in turn find a machine's power and a run's energy", async () => {
  // A machine that takes 7 W and 0.5 J more for each run of 20 ms.
  const clock = new FakeClock();
  let runs = 0;
  const watching = watchEnergy({
    served: {
      run: async () => {
        runs++;
        clock.advance(20);
        return undefined as never;
      },
    },
    joules: () => (7 * clock.now()) / 1000 + 0.5 * runs,
    processorSeconds: () => 0.015 * runs,
    windows: 3,
    windowMs: 1000,
    clock,
    signal: new AbortController().signal,
    onWindow: () => queueMicrotask(() => clock.advance(1000)),
  });
  const windows = await watching;
  expect(windows).toHaveLength(3);
  for (const one of windows) {
    expect(one.runs).toBe(50);
    expect(one.idleWatts).toBeCloseTo(7, 9);
    expect(one.processorSeconds).toBeCloseTo(0.75, 9);
  }
  expect(measured(windows, "x")["run"]!.value).toBeCloseTo(0.5, 9);
});

test("with counters it measures and without it estimates, on the real model", async () => {
  const options = { energy: { windows: 2, windowMs: 60 } };
  const withCounters = (subject: Awaited<ReturnType<typeof subjectOf>>) => testPorts(subject, {}, { powercap });
  const without = await measureFile("energy", DIGITS, options, (subject) =>
    testPorts(subject, {}, { powercap: path.join(powercap, "none") }),
  );
  expect(without.method).toMatch(/^An estimate, since no counters of energy /);
  expect(without.values["run"]!.method).toMatch(/^estimate: processor time × 3.75 W a busy core/);
  expect(without.values["run"]!.value).toBeGreaterThanOrEqual(0);
  expect((without.details as { isEstimate: boolean }).isEstimate).toBe(true);

  const zone = path.join(powercap, "intel-rapl:0");
  mkdirSync(zone);
  writeFileSync(path.join(zone, "name"), "package-0\n");
  writeFileSync(path.join(zone, "max_energy_range_uj"), "262143328850\n");
  // 20 W, all the time.
  const started = performance.now();
  const count = () =>
    writeFileSync(path.join(zone, "energy_uj"), `${Math.round(20_000 * (performance.now() - started))}\n`);
  count();
  const timer = setInterval(count, 1);
  try {
    const { values, method, details } = await measureFile("energy", DIGITS, options, withCounters);
    expect(method).toMatch(/^RAPL \(package-0\) over 2 windows/);
    expect(values["gross"]!.value).toBeGreaterThan(0);
    expect(values["idle-power"]!.unit).toBe("W");
    expect(values["processor-time"]!.unit).toBe("ms");
    expect(details).toMatchObject({ isEstimate: false, reason: null });
  } finally {
    clearInterval(timer);
  }
});
