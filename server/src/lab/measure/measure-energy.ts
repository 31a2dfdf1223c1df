// What energy a run takes: measured by the processor's own counters where the system shows them, else estimated from
// processor time at a stated power, and called an estimate.
import { meanInterval } from "@slipway/core/stats";
import { z } from "zod";
import type { JsonObject, MeasuredValue } from "#registry";
import { INPUT_SHAPES } from "./compute/index.ts";
import { BUSY_CORE, POWER_FACTOR } from "./devices/index.ts";
import { undefinedValue } from "./exact.ts";
import { measurement } from "./measurement.ts";
import {
  type EnergyWindow,
  openRapl,
  processorSeconds,
  RaplMeter,
  servedRuns,
  watchEnergy,
} from "./resources/index.ts";

const SCHEMA = 1;
const CONFIDENCE = 0.95;
const WARM_UP_RUNS = 3;

/**
 * `run` is what a run takes beyond idling, `gross` with the share of idling while it ran. RAPL counts the whole package and
 * what else runs there; idling is measured right before each window of running and subtracted, so a steady load beside it
 * cancels and an unsteady one widens the interval. Windows below a second are not to be trusted: counters are updated about
 * every millisecond, processor time in hundredths of a second.
 *
 * Without counters, `run` is processor time times a stated power per busy core; `method` says "estimate" and the power's
 * source, and its interval is Student's over windows, widened by a factor of 2 for the power.
 */
export const energy = measurement({
  about: "The energy of a run in joules: measured by RAPL where the system shows it, else an estimate that says so.",
  needsRows: false,
  needsRival: false,
  isTimed: true,
  options: z.strictObject({
    shapes: INPUT_SHAPES,
    windows: z.int().min(2).max(100).default(5).describe("windows of running, each with one of idling before it"),
    windowMs: z.int().min(50).max(60_000).default(2000).describe("length of each"),
    wattsPerCore: z
      .number()
      .positive()
      .max(1000)
      .nullable()
      .default(null)
      .describe("for the estimate: what a busy core takes; null takes the server processor's of the device profiles"),
  }),
  run: async (_subject, { shapes, windows, windowMs, wattsPerCore }, ports, { signal, report }) => {
    const { clock, load, machine, code, powercap } = ports;
    const opened = openRapl(powercap);
    const meter = opened instanceof RaplMeter ? opened : null;
    const served = await servedRuns(await load({ instances: 1, inline: false }, signal), shapes, clock, signal);
    let found: readonly EnergyWindow[];
    try {
      for (let run = 0; run < WARM_UP_RUNS; run++) await served.run();
      const { pid } = served;
      found = await watchEnergy({
        served,
        joules: meter === null ? null : () => meter.joules(),
        processorSeconds: () => (pid === null ? null : processorSeconds(pid)),
        windows,
        windowMs,
        clock,
        signal,
        onWindow: (done) => report({ done, total: windows, text: `window ${done + 1} of ${windows}` }),
      });
    } finally {
      await served.close();
    }
    const why = opened instanceof RaplMeter ? null : opened.reason;
    const power = wattsPerCore === null ? BUSY_CORE : { watts: wattsPerCore, source: "as stated" };
    const values = why === null ? measured(found, meter!.name) : estimated(found, power, why);
    return {
      kind: "energy",
      schema: SCHEMA,
      values: { ...values, "processor-time": processorTimeOf(found) },
      details: {
        summary: summaryOf(values["run"]!, why, power),
        isEstimate: why !== null,
        reason: why,
        wattsPerCore: why === null ? null : power.watts,
        windows: found,
      } as unknown as JsonObject,
      dataset: null,
      machine,
      settings: { inputs: served.inputs, windows, windowMs },
      method:
        why === null
          ? `RAPL (${meter!.name}) over ${windows} windows of ${windowMs} ms, each less what idling took right before.`
          : `An estimate, since ${why}: processor time of the runner at ${power.watts} W a busy core.`,
      code,
    };
  },
});

type Power = typeof BUSY_CORE;

/** Exported for its test. */
export function measured(windows: readonly EnergyWindow[], zones: string): Record<string, MeasuredValue> {
  const net = windows.map(({ joules, idleWatts, seconds, runs }) => (joules! - idleWatts! * seconds) / runs);
  const gross = windows.map(({ joules, runs }) => joules! / runs);
  return {
    run: meanOf(net, "J", `RAPL (${zones}) beyond idling`),
    gross: meanOf(gross, "J", `RAPL (${zones}), idling included`),
    "idle-power": meanOf(
      windows.map(({ idleWatts }) => idleWatts!),
      "W",
      `RAPL (${zones})`,
    ),
  };
}

/** Exported for its test. */
export function estimated(windows: readonly EnergyWindow[], power: Power, why: string): Record<string, MeasuredValue> {
  const method = `estimate: processor time × ${power.watts} W a busy core (${power.source}), power within a factor of ${POWER_FACTOR}`;
  const gross = undefinedValue(`idling is not measured: ${why}`, "J", "RAPL");
  if (windows.some((one) => one.processorSeconds === null)) {
    const reason = `${why}, and this system does not tell the processor time of other processes`;
    return { run: undefinedValue(reason, "J", method), gross };
  }
  const times = meanInterval(
    windows.map((one) => one.processorSeconds! / one.runs),
    CONFIDENCE,
  );
  const interval = {
    lower: (Math.max(0, times.lower) * power.watts) / POWER_FACTOR,
    upper: times.upper * power.watts * POWER_FACTOR,
    level: CONFIDENCE,
    isRange: true as const,
  };
  return {
    run: { value: times.estimate * power.watts, reason: null, unit: "J", interval, method, count: windows.length },
    gross,
  };
}

function processorTimeOf(windows: readonly EnergyWindow[]): MeasuredValue {
  const method = "user and system time of all threads of the runner, a run";
  if (windows.some((one) => one.processorSeconds === null)) {
    return undefinedValue("this system does not tell the processor time of other processes", "ms", method);
  }
  return meanOf(
    windows.map((one) => (1000 * one.processorSeconds!) / one.runs),
    "ms",
    method,
  );
}

function meanOf(values: readonly number[], unit: string, method: string): MeasuredValue {
  const { estimate, lower, upper } = meanInterval(values, CONFIDENCE);
  const interval = { lower, upper, level: CONFIDENCE };
  return { value: estimate, reason: null, unit, interval, method: `${method}; mean, Student`, count: values.length };
}

function summaryOf({ value, interval }: MeasuredValue, why: string | null, { watts, source }: Power): string[] {
  if (value === null || interval === null) return [`The energy of a run is not known: ${why}.`];
  const range = `${joules(Math.max(0, interval.lower))} to ${joules(interval.upper)}`;
  if (why === null) return [`A run takes ${joules(value)} (${range}) beyond what the machine takes idling.`];
  return [
    `A run takes about ${joules(value)} (${range}): an estimate, since ${why}.`,
    `It is processor time at ${watts} W a busy core: ${source}. What memory, fans and power supply take is not in it.`,
  ];
}

function joules(value: number): string {
  if (value === 0) return "0 J";
  const [factor, unit] = value < 1e-3 ? [1e6, "µJ"] : value < 1 ? [1e3, "mJ"] : [1, "J"];
  return `${Number((value * factor).toPrecision(3))} ${unit}`;
}
