// Whether a model fits devices: measured on this machine, estimated from profiles for those that are elsewhere.
import type { NodeCost } from "@slipway/core/cost";
import { SlipwayError } from "@slipway/core/base";
import { quantileInterval } from "@slipway/core/stats";
import { z } from "zod";
import type { JsonObject, MeasuredValue } from "#registry";
import { type ComputeReport, examineInProcess, INPUT_SHAPES, type InputShapes, withOpenAxes } from "./compute/index.ts";
import {
  BUILT_IN_DEVICES,
  type BuiltInDevice,
  BUSY_CORE,
  checkText,
  DEVICE_PROFILE,
  type DeviceFit,
  type DeviceProfile,
  type FitCheck,
  type FitModel,
  fitOf,
  POWER_FACTOR,
  verdictOf,
  worstOf,
} from "./devices/index.ts";
import { undefinedValue } from "./exact.ts";
import { measurement, type MeasurePorts, type Subject } from "./measurement.ts";
import { processMemory, processorSeconds, servedRuns } from "./resources/index.ts";

const SCHEMA = 1;
const THIS_MACHINE = "this-machine";
const NAMES = [THIS_MACHINE, ...Object.keys(BUILT_IN_DEVICES)] as readonly string[];
const MOST_PROFILES = 20;
const WARM_UP_RUNS = 3;
const CONFIDENCE = 0.95;

/**
 * `fits[DEVICE]` is 1 where all that is asked fits, 0 where something does not, and undefined where it is tight, not known or
 * not asked: `reason` says which. `latency`, `memory` and `energy` of each device are the numbers behind it; intervals of
 * estimates are the range the estimate is good for, and no confidence interval.
 */
export const fit = measurement({
  about: "Whether it fits devices: memory, latency, energy, operators and download of each, with the numbers behind.",
  needsRows: false,
  needsRival: false,
  isTimed: true,
  options: z.strictObject({
    shapes: INPUT_SHAPES,
    devices: z
      .array(z.enum(NAMES as readonly [string, ...string[]]))
      .max(NAMES.length)
      .default([...NAMES])
      .describe("devices whose profiles are known"),
    profiles: z.array(DEVICE_PROFILE).max(MOST_PROFILES).default([]).describe("further devices, by their profiles"),
    latencyMs: z.number().positive().nullable().default(null).describe("what a run may take; null asks nothing"),
    energyJ: z.number().positive().nullable().default(null).describe("what a run may take; null asks nothing"),
    runs: z.int().min(6).max(10_000).default(50).describe("runs on this machine"),
  }),
  run: async (subject, options, ports, { signal, report }) => {
    const { shapes, latencyMs, energyJ, runs } = options;
    const profiles = profilesOf(options.devices, options.profiles);
    report({ done: 0, total: null, text: "counting what a run computes" });
    const { model, compute } = await modelOf(subject, shapes, ports, signal);
    const limits = { latencyMs, energyJ };
    const fits = profiles.map((profile) => fitOf(model, profile, limits));
    if (options.devices.includes(THIS_MACHINE)) {
      report({ done: 0, total: null, text: `measuring ${runs} runs on this machine` });
      fits.unshift(await fitHere(shapes, runs, limits, ports, signal));
    }
    return {
      kind: "fit",
      schema: SCHEMA,
      values: Object.assign({}, ...fits.map(valuesOf)) as Record<string, MeasuredValue>,
      details: {
        summary: fits.map(summaryOf),
        fits,
        profiles,
        fileBytes: model.fileBytes,
        countedMacs: compute.cost.macs,
      } as unknown as JsonObject,
      dataset: null,
      machine: ports.machine,
      settings: { inputs: compute.inputs, latencyMs, energyJ, runs },
      method:
        "This machine measured; others by roofline estimates from device profiles, whose figures and sources are in the details.",
      code: ports.code,
    };
  },
});

/** @throws SlipwayError PARAMETER_INVALID for two devices of one name */
function profilesOf(names: readonly string[], own: readonly DeviceProfile[]): readonly DeviceProfile[] {
  const built = [...new Set(names)].filter((name) => name !== THIS_MACHINE);
  const profiles = [...built.map((name) => BUILT_IN_DEVICES[name as BuiltInDevice]), ...own];
  const seen = new Set([THIS_MACHINE]);
  for (const { name } of profiles) {
    if (seen.has(name)) {
      throw new SlipwayError("PARAMETER_INVALID", `Two devices are called "${name}". Give your profile another name.`);
    }
    seen.add(name);
  }
  return profiles;
}

async function modelOf(
  { model, files }: Subject,
  shapes: InputShapes,
  { clock, environment }: MeasurePorts,
  signal: AbortSignal,
): Promise<{ readonly model: FitModel; readonly compute: ComputeReport }> {
  const inputs = withOpenAxes(model.scan.signature, shapes);
  const compute = await examineInProcess({ files, inputs, findDuplicates: false, clock, signal, environment });
  const { activations, parameters, cost } = compute;
  const unknown = activations.unknownValues.length;
  const found: FitModel = {
    nodes: cost.nodes,
    weightsBytes: parameters.sizeBytes,
    activationsBytes: unknown === 0 ? activations.peakBytes : null,
    activationsReason: unknown === 0 ? null : `the sizes of ${unknown} values are not known`,
    fileBytes: [files.model, ...files.externalData].reduce((sum, file) => sum + file.sizeBytes, 0),
    operators: operatorsOf(cost.nodes),
  };
  return { model: found, compute };
}

function operatorsOf(nodes: readonly NodeCost[]): FitModel["operators"] {
  const groups = Map.groupBy(nodes, ({ operator }) => operator);
  return Array.from(groups, ([operator, group]) => ({ operator, nodes: group.length })).filter(
    ({ operator }) => operator !== "Constant",
  );
}

/** This machine is not estimated: the model is run on it, as it is served. */
async function fitHere(
  shapes: InputShapes,
  runs: number,
  { latencyMs, energyJ }: { readonly latencyMs: number | null; readonly energyJ: number | null },
  { clock, load, machine, settings }: MeasurePorts,
  signal: AbortSignal,
): Promise<DeviceFit> {
  const executor = await load({ instances: 1, inline: false }, signal);
  const { backend } = executor.status();
  const served = await servedRuns(executor, shapes, clock, signal);
  try {
    for (let run = 0; run < WARM_UP_RUNS; run++) await served.run();
    const { pid } = served;
    const processor = (): number | null => (pid === null ? null : processorSeconds(pid));
    const before = processor();
    const times: number[] = [];
    for (let run = 0; run < runs; run++) {
      const start = clock.now();
      await served.run();
      times.push(clock.now() - start);
    }
    const after = processor();
    const perRun = before === null || after === null ? null : (after - before) / runs;
    const memory = pid === null ? null : processMemory(pid);
    const checks: readonly FitCheck[] = [
      memoryHere(memory?.peakBytes ?? memory?.residentBytes ?? null, settings.memoryLimitBytes),
      latencyHere(times, latencyMs),
      energyHere(perRun, energyJ),
      {
        unit: "1",
        question: "operators",
        verdict: "fits",
        found: 0,
        lower: 0,
        upper: 0,
        limit: 0,
        method: `${backend} loads and runs it`,
      },
    ];
    const about = `${machine.name}, where it was measured.`;
    const asOf = new Date(clock.wall()).toISOString().slice(0, 10);
    const verdict = worstOf(checks);
    return {
      device: THIS_MACHINE,
      about,
      place: "server",
      engine: backend,
      asOf,
      verdict,
      checks,
      latency: latencyOf(times),
    };
  } finally {
    await served.close();
  }
}

function memoryHere(bytes: number | null, limit: number): FitCheck {
  const at = { question: "memory", unit: "B", limit } as const;
  if (bytes === null) {
    const method = "this system does not tell the memory of other processes";
    return { ...at, verdict: "unknown", found: null, lower: null, upper: null, method };
  }
  const method = "the most the runner held in memory, measured, against the memory limit of a runner";
  return { ...at, verdict: verdictOf(bytes, bytes, limit), found: bytes, lower: bytes, upper: bytes, method };
}

/** It fits where the slowest run does, and does not where the median already takes longer. */
function latencyHere(times: readonly number[], limit: number | null): FitCheck {
  const { estimate } = quantileInterval(times, 0.5, CONFIDENCE);
  const slowest = times.reduce((most, time) => Math.max(most, time), 0);
  return {
    question: "latency",
    unit: "ms",
    limit,
    verdict: verdictOf(estimate, slowest, limit),
    found: estimate,
    lower: estimate,
    upper: slowest,
    method: `measured: the median to the slowest of ${times.length} runs, one after the other`,
  };
}

function energyHere(processorTime: number | null, limit: number | null): FitCheck {
  const at = { question: "energy", unit: "J", limit } as const;
  if (processorTime === null) {
    const method = "this system does not tell the processor time of other processes";
    return { ...at, verdict: "unknown", found: null, lower: null, upper: null, method };
  }
  const { watts, source } = BUSY_CORE;
  const found = processorTime * watts;
  const [lower, upper] = [found / POWER_FACTOR, found * POWER_FACTOR];
  const method = `estimate: processor time × ${watts} W a busy core (${source}); \`energy\` measures it where it can be`;
  return { ...at, verdict: verdictOf(lower, upper, limit), found, lower, upper, method };
}

/** As the estimates of other devices are told, for what is reckoned from them. */
function latencyOf(times: readonly number[]): DeviceFit["latency"] {
  const { estimate } = quantileInterval(times, 0.5, CONFIDENCE);
  const slowest = times.reduce((most, time) => Math.max(most, time), 0);
  const parts = { matrix: 0, convolution: 0, memory: 0, nodes: 0, run: estimate / 1000 };
  return { seconds: estimate / 1000, lower: estimate / 1000, upper: slowest / 1000, parts };
}

function valuesOf({ device, verdict, checks }: DeviceFit): Record<string, MeasuredValue> {
  const values: Record<string, MeasuredValue> = {};
  const failing = checks
    .filter((one) => one.verdict === verdict)
    .map(checkText)
    .join("; ");
  const method = "all that is asked, by the worst";
  values[`fits[${device}]`] =
    verdict === "fits" || verdict === "does-not-fit"
      ? { value: verdict === "fits" ? 1 : 0, reason: null, unit: "1", interval: null, method, count: null }
      : undefinedValue(`${verdict.replaceAll("-", " ")}: ${failing}`, "1", method);
  for (const { question, unit, found, lower, upper, method: how } of checks) {
    if (question !== "latency" && question !== "memory" && question !== "energy") continue;
    const interval =
      lower === null || upper === null || lower === upper
        ? null
        : { lower, upper, level: CONFIDENCE, isRange: true as const };
    values[`${question}[${device}]`] =
      found === null
        ? undefinedValue(how, unit, "estimate")
        : { value: found, reason: null, unit, interval, method: how, count: null };
  }
  return values;
}

function summaryOf({ device, verdict, checks }: DeviceFit): string {
  return `${device}: ${verdict.replaceAll("-", " ")}. ${checks.map(checkText).join("; ")}.`;
}
