// How much memory a model takes while it is served: measured on its runner, less what a runner with next to nothing takes.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Clock, SlipwayError, slipwayErrorFrom } from "@slipway/core/base";
import { graphBuilder } from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import { meanInterval } from "@slipway/core/stats";
import { z } from "zod";
import type { RuntimeSettings } from "#config";
import type { JsonObject, MeasuredValue } from "#registry";
import type { ModelFiles } from "#runtime";
import { examineInProcess, INPUT_SHAPES, type InputShapes, withOpenAxes } from "./compute/index.ts";
import { exact, undefinedValue } from "./exact.ts";
import { measurement, type MeasurePorts, type Subject } from "./measurement.ts";
import { forgetPeak, pause, processMemory, type ServedRuns, servedRuns } from "./resources/index.ts";

const SCHEMA = 1;
const CONFIDENCE = 0.95;
const POLL_MS = 5;
/** A runner gives freed pages back, and finishes what its start left to do, within it. */
const SETTLE_MS = 100;
/** Points of the series that is kept. */
const MOST_POINTS = 400;
const ONE_RUNNER: Partial<RuntimeSettings> = { instances: 1, inline: false };

/** What one runner held, in bytes. */
interface Repetition {
  /** A runner that holds a model of one node. */
  readonly base: number;
  /** The model loaded, before any run. */
  readonly loaded: number;
  /** After it was loaded, warmed up and run. */
  readonly resident: number;
  readonly peak: number;
  /** Pages shared with others divided among them; null where the system does not tell. */
  readonly proportional: number | null;
  readonly isSystemPeak: boolean;
  readonly series: readonly (readonly [ms: number, bytes: number])[];
}

/**
 * `loaded`, `resident` and `peak` are beyond `base`, the resident memory of a runner with a model of one node: what the model
 * adds to what every runner takes anyway. Each repetition starts fresh runners; intervals are Student's over repetitions.
 */
export const memory = measurement({
  about:
    "The memory the model takes on a runner, as measured: loaded, resident once warm, and at the peak of its runs.",
  needsRows: false,
  needsRival: false,
  isTimed: false,
  options: z.strictObject({
    shapes: INPUT_SHAPES,
    runs: z.int().min(1).max(10_000).default(20).describe("runs at these shapes, in each repetition"),
    repetitions: z.int().min(2).max(50).default(3).describe("fresh runners it is measured on"),
  }),
  run: async (subject, { shapes, runs, repetitions }, ports, { signal, report }) => {
    const { machine, settings, code } = ports;
    const found: Repetition[] = [];
    let inputs: ServedRuns["inputs"] = {};
    for (let done = 0; done < repetitions; done++) {
      report({ done, total: repetitions, text: `repetition ${done + 1} of ${repetitions}` });
      const one = await repeatOnce(ports, shapes, runs, signal);
      inputs = one.inputs;
      found.push(one.repetition);
    }
    const beyond = (what: (one: Repetition) => number, method: string) =>
      valueOf(
        found.map((one) => what(one) - one.base),
        method,
      );
    const peaks = found.every(({ isSystemPeak }) => isSystemPeak) ? "VmHWM" : `polled every ${POLL_MS} ms`;
    const counted = await countedMemory(subject, shapes, ports, signal);
    const values = {
      resident: beyond(({ resident }) => resident, "resident after the runs, less base; mean, Student"),
      peak: beyond(({ peak }) => peak, `most resident during the runs (${peaks}), less base; mean, Student`),
      loaded: beyond(({ loaded }) => loaded, "resident before any run, less base; mean, Student"),
      base: valueOf(
        found.map(({ base }) => base),
        "resident memory of a runner with a model of one node; mean, Student",
      ),
      counted: counted.value,
    };
    return {
      kind: "memory",
      schema: SCHEMA,
      values,
      details: {
        summary: summaryOf(values, found),
        repetitions: found.map(({ series: _, ...bytes }) => bytes),
        series: thinned(found[0]!.series).map(([ms, bytes]) => [Math.round(ms), bytes]),
        counted: counted.details,
      },
      dataset: null,
      machine,
      settings: { inputs, runs, repetitions, maxBatchRows: settings.maxBatchRows },
      method: `${repetitions} repetitions on fresh runners, ${runs} runs each, resident memory as ${systemText()} tells it.`,
      code,
    };
  },
});

/** What a model adds to a runner; for others that need the figure and not the evidence. */
async function repeatOnce(
  { clock, load }: Pick<MeasurePorts, "clock" | "load">,
  shapes: InputShapes,
  runs: number,
  signal: AbortSignal,
): Promise<{ readonly repetition: Repetition; readonly inputs: ServedRuns["inputs"] }> {
  const base = await withTinyModel(async (files) => await residentOnceLoaded(load, clock, signal, ONE_RUNNER, files));
  const cold = { ...ONE_RUNNER, warmUpRuns: 0, batching: "off" } as const;
  const loaded = await residentOnceLoaded(load, clock, signal, cold);
  const served = await servedRuns(await load(ONE_RUNNER, signal), shapes, clock, signal);
  try {
    const watched = await watchRuns(served, runs, clock, signal);
    return { repetition: { base, loaded, ...watched }, inputs: served.inputs };
  } finally {
    await served.close();
  }
}

async function residentOnceLoaded(
  load: MeasurePorts["load"],
  clock: Clock,
  signal: AbortSignal,
  changes: Partial<RuntimeSettings>,
  files?: ModelFiles,
): Promise<number> {
  const executor = await load(changes, signal, files);
  try {
    await pause(clock, SETTLE_MS, signal);
    return residentNow(executor.status().runners[0]);
  } finally {
    await executor.close();
  }
}

/** Runs it, looking at its memory all the while. */
async function watchRuns(
  served: ServedRuns,
  runs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<Pick<Repetition, "resident" | "peak" | "proportional" | "isSystemPeak" | "series">> {
  const { pid } = served;
  const start = clock.now();
  const series: (readonly [number, number])[] = [];
  const look = (): void => void series.push([clock.now() - start, residentNow({ pid, residentBytes: null })]);
  let isOver = false;
  let cancel = (): void => undefined;
  const poll = (): void => {
    if (isOver) return;
    if (series.length < 100 * MOST_POINTS) look();
    cancel = clock.after(POLL_MS, poll);
  };
  const isReset = pid !== null && forgetPeak(pid);
  poll();
  try {
    for (let run = 0; run < runs; run++) await served.run();
  } finally {
    isOver = true;
    cancel();
  }
  await pause(clock, SETTLE_MS, signal);
  look();
  const now = pid === null ? null : processMemory(pid);
  const polled = series.reduce((most, [, bytes]) => Math.max(most, bytes), 0);
  const systemPeak = isReset ? (now?.peakBytes ?? null) : null;
  return {
    resident: series.at(-1)![1],
    peak: Math.max(polled, systemPeak ?? 0),
    proportional: now?.proportionalBytes ?? null,
    isSystemPeak: systemPeak !== null,
    series,
  };
}

function residentNow(
  runner: { readonly pid: number | null; readonly residentBytes: number | null } | undefined,
): number {
  const told = runner?.pid === null || runner === undefined ? null : processMemory(runner.pid);
  const bytes = told?.residentBytes ?? runner?.residentBytes ?? null;
  if (bytes !== null) return bytes;
  throw new SlipwayError(
    "RUNNER_DIED",
    "The runner's memory can't be read: it ended, or this system does not tell the memory of other processes.",
  );
}

/** A model of one node, as files for as long as `work` takes. */
async function withTinyModel<Result>(work: (files: ModelFiles) => Promise<Result>): Promise<Result> {
  const graph = graphBuilder({ opset: 17 });
  graph.output("y", graph.op("Identity", [graph.input("x", "float32", [1])]), "float32", [1]);
  const bytes = bytesFromModel(graph.model());
  const directory = await mkdtemp(path.join(tmpdir(), "slipway-measure-"));
  try {
    const file = path.join(directory, "one-node.onnx");
    await writeFile(file, bytes);
    const model = { name: "one-node.onnx", path: file, offset: 0, sizeBytes: bytes.byteLength };
    return await work({ model, externalData: [] });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** What liveness says of the same run: weights and the most activations alive at once. */
async function countedMemory(
  { model, files }: Subject,
  shapes: InputShapes,
  { clock, environment }: MeasurePorts,
  signal: AbortSignal,
): Promise<{ readonly value: MeasuredValue; readonly details: JsonObject }> {
  const method =
    "weights and the most activations alive at once, by liveness; what the engine itself needs is not in it";
  try {
    const inputs = withOpenAxes(model.scan.signature, shapes);
    const report = await examineInProcess({ files, inputs, findDuplicates: false, clock, signal, environment });
    const { peakBytes, unknownValues } = report.activations;
    const weightsBytes = report.parameters.sizeBytes;
    const details = { weightsBytes, activationsBytes: peakBytes, unknownValues: unknownValues.length };
    if (unknownValues.length > 0) {
      return {
        value: undefinedValue(`the sizes of ${unknownValues.length} values are not known`, "B", method),
        details,
      };
    }
    return { value: exact(weightsBytes + peakBytes, "B", method), details };
  } catch (error) {
    signal.throwIfAborted();
    const { code, message } = slipwayErrorFrom(error);
    return { value: undefinedValue(`${code}: ${message}`, "B", method), details: {} };
  }
}

function valueOf(bytes: readonly number[], method: string): MeasuredValue {
  const { estimate, lower, upper } = meanInterval(bytes, CONFIDENCE);
  const interval = { lower, upper, level: CONFIDENCE };
  return { value: estimate, reason: null, unit: "B", interval, method, count: bytes.length };
}

/** At most so many points, each the most of those it stands for, so that no peak is lost. */
function thinned(series: Repetition["series"]): Repetition["series"] {
  const each = Math.ceil(series.length / MOST_POINTS);
  const kept: (readonly [number, number])[] = [];
  for (let at = 0; at < series.length; at += each) {
    kept.push(series.slice(at, at + each).reduce((most, one) => (one[1] > most[1] ? one : most)));
  }
  return kept;
}

function summaryOf(
  values: Readonly<Record<"resident" | "peak" | "base" | "counted", MeasuredValue>>,
  found: readonly Repetition[],
): readonly string[] {
  const { resident, peak, base, counted } = values;
  const lines = [
    `The model adds ${mebibytes(resident.value!)} to a runner, ${mebibytes(peak.value!)} at the peak of its runs; every runner takes ${mebibytes(base.value!)} without it.`,
  ];
  if (counted.value !== null) {
    lines.push(
      `Counted from shapes, weights and activations take ${mebibytes(counted.value)}; the engine packs weights anew and keeps freed memory, which a count can't see.`,
    );
  }
  const proportional = found.map((one) => one.proportional).filter((bytes) => bytes !== null);
  if (proportional.length > 0) {
    lines.push(
      `Divided with the processes that share its pages, the whole runner takes ${mebibytes(proportional.reduce((sum, one) => sum + one, 0) / proportional.length)} (PSS).`,
    );
  }
  return lines;
}

function mebibytes(bytes: number): string {
  return `${Number((bytes / 2 ** 20).toPrecision(3))} MiB`;
}

function systemText(): string {
  return process.platform === "linux" ? "/proc" : "the runner itself";
}
