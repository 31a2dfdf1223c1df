import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { forgetPeak, processMemory, processorSeconds } from "./index.ts";

let proc: string;
beforeEach(() => {
  proc = mkdtempSync(path.join(tmpdir(), "slipway-proc-"));
  mkdirSync(path.join(proc, "42"));
});
afterEach(() => rmSync(proc, { recursive: true, force: true }));
const put = (name: string, text: string) => writeFileSync(path.join(proc, "42", name), text);

test("resident, peak and proportional memory are read off /proc, in bytes", () => {
  put("status", "Name:\tnode\nVmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\n");
  expect(processMemory(42, proc)).toEqual({ residentBytes: 2 ** 20, peakBytes: 2 * 2 ** 20, proportionalBytes: null });
  put("smaps_rollup", "Rss:                1024 kB\nPss:                 512 kB\nPss_Anon: 1 kB\n");
  expect(processMemory(42, proc)?.proportionalBytes).toBe(512 * 1024);
});

test("a process that is gone, or a system that tells nothing, is null and no error", () => {
  expect(processMemory(43, proc)).toBeNull();
  expect(processorSeconds(43, proc)).toBeNull();
  expect(forgetPeak(43, proc)).toBe(false);
  put("stat", "42 (odd");
  expect(processorSeconds(42, proc)).toBeNull();
});

test("processor time is user and system time, whatever the program is called", () => {
  // proc_pid_stat(5): field 14 is utime, field 15 stime, in hundredths of a second.
  put("stat", `42 (a) b (c) S ${Array.from({ length: 10 }, (_, index) => index + 4).join(" ")} 250 50 0 0 20 0 11 0 1`);
  expect(processorSeconds(42, proc)).toBe(3);
});

test("the peak is forgotten by writing 5", () => {
  put("clear_refs", "");
  expect(forgetPeak(42, proc)).toBe(true);
  expect(readFileSync(path.join(proc, "42", "clear_refs"), "utf8")).toBe("5");
});

test.runIf(process.platform === "linux")("of this very process they are what Node says", () => {
  const memory = processMemory(process.pid)!;
  const resident = process.memoryUsage.rss();
  expect(Math.abs(memory.residentBytes - resident)).toBeLessThan(64 * 2 ** 20);
  const { user, system } = process.cpuUsage();
  expect(Math.abs(processorSeconds(process.pid)! - (user + system) / 1e6)).toBeLessThan(2);
});
