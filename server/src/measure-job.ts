// Measuring as a job: what is asked for and kept of it, and the work itself, which runs in a process of its own.
import { randomBytes } from "node:crypto";
import os from "node:os";
import type { RuntimeSettings, Settings } from "#config";
import type { JobProgress, TaskRun } from "#jobs";
import {
  measure,
  type MeasurementName,
  type MeasurementOptions,
  type MeasurePorts,
  type Rival,
  type Subject,
  type SubjectRows,
} from "#lab/measure";
import { type DatasetOrder, openDataset } from "#lab/dataset";
import { labelledRows, type StoredRows } from "#launch";
import type { EvidenceMachine, JsonObject, Model, NewEvidence } from "#registry";
import { createExecutor, LongTurns, type ModelFiles, systemClock } from "#runtime";
import { blobReader } from "#store";
import { serveSubject } from "./platform-measure.ts";

/** Of the order, the checkpoint and the result. */
export const MEASURE_SCHEMA = 1;

/** What is to be measured, as it is kept: names and hashes. */
export interface MeasureOrder {
  readonly name: string;
  readonly number: number;
  /** Each once. */
  readonly what: readonly MeasurementName[];
  readonly options: MeasurementOptions;
  /** Stored arrays, or where a dataset lies and how it is read. */
  readonly data: StoredRows | DatasetOrder | null;
  /** The version to compare with, by the number it had when it was asked for; null where nothing is compared. */
  readonly against: { readonly name: string; readonly number: number } | null;
}

/** What is done already, and what the measurement that was running saved last. */
export interface MeasureCheckpoint {
  readonly done: readonly { readonly name: MeasurementName; readonly evidenceId: string }[];
  readonly saved: {
    readonly name: MeasurementName;
    readonly state: unknown;
    /** Where and by what it was found: elsewhere a measurement begins anew. */
    readonly machine: string;
    readonly code: Readonly<Record<string, string>>;
  } | null;
}

export interface MeasureResult {
  readonly evidence: readonly string[];
}

/** The order with all that it names looked up, for a process that reads no database. */
export interface MeasureTask {
  readonly what: readonly MeasurementName[];
  /** How many measurements of the job are done before these, and how many it has. */
  readonly done: number;
  readonly total: number;
  readonly options: MeasurementOptions;
  readonly data: MeasureOrder["data"];
  /** The version's: steps that read images, and names of labels. */
  readonly processing: JsonObject | null;
  readonly model: Model;
  readonly files: ModelFiles;
  readonly rival: (Omit<Rival, "load"> & { readonly files: ModelFiles }) | null;
  readonly blobsDirectory: string;
  readonly settings: Settings;
  readonly machine: EvidenceMachine;
  /** The whole environment of processes that run or examine models. */
  readonly environment: Readonly<Record<string, string>>;
  readonly code: Readonly<Record<string, string>>;
}

/** One measurement's state or finding, as the work tells it. */
export interface Told<Value> {
  readonly name: MeasurementName;
  readonly value: Value;
}

/** The stored bytes an order needs besides the model's. */
export function blobHashesOf({ data }: Pick<MeasureOrder, "data">): readonly string[] {
  return data === null || "description" in data ? [] : [...Object.values(data.inputs), data.labels];
}

/** The rows of a task; null where it has none. @throws SlipwayError BLOB_NOT_FOUND, ROWS_INVALID, as `openDataset` does */
async function rowsOf(
  { data, blobsDirectory, processing, environment }: MeasureTask,
  { signal, report }: Pick<TaskRun, "signal" | "report">,
): Promise<SubjectRows | null> {
  if (data === null) return null;
  if (!("description" in data)) return await labelledRows(data, blobReader(blobsDirectory));
  const { description, folder, hash, split } = data;
  const text = `opening ${description.name}`;
  const dataset = await openDataset({
    description,
    folder,
    hash,
    processing,
    clock: systemClock,
    environment,
    signal,
    report: (progress) => report({ ...progress, text: `${text}: ${progress.text}` }),
  });
  return { dataset, split };
}

/** The subject of all measurements of a task. */
function subjectOf(task: MeasureTask, rows: SubjectRows | null, loadFrom: LoadFrom): Subject {
  const { model, files } = task;
  if (task.rival === null) return { model, files, rows, rival: null };
  const { files: others, ...rival } = task.rival;
  return { model, files, rows, rival: { ...rival, load: loadFrom(others) } };
}

/** Loads a model's files as the subject is served, but for settings that are changed. */
type LoadFrom = (files: ModelFiles) => MeasurePorts["load"];

/** Measures one after the other, each as `TaskRun.find` keeps it. @throws SlipwayError as `measure` does */
export async function carryOutMeasureTask(order: unknown, run: TaskRun): Promise<null> {
  const task = order as MeasureTask;
  const loadFrom = loaderOf(task);
  const ports = portsOf(task, loadFrom);
  const rows = await rowsOf(task, run);
  try {
    await measureAll(task, subjectOf(task, rows, loadFrom), ports, run);
  } finally {
    await rows?.dataset.close();
  }
  return null;
}

async function measureAll(task: MeasureTask, subject: Subject, ports: MeasurePorts, run: TaskRun): Promise<void> {
  const { signal } = run;
  let saved = run.saved as Told<unknown> | null;
  for (const [index, name] of task.what.entries()) {
    const place = { name, done: task.done + index, total: task.total };
    run.report(progressAt(place, null));
    const found: NewEvidence = await measure(name, subject, task.options, ports, {
      signal,
      report: (progress) => run.report(progressAt(place, progress)),
      saved: saved?.name === name ? saved.value : null,
      save: (value) => run.save({ name, value } satisfies Told<unknown>),
    });
    saved = null;
    await run.find({ name, value: found } satisfies Told<NewEvidence>);
  }
}

function loaderOf({ settings, environment }: MeasureTask): LoadFrom {
  const longTurns = new LongTurns(systemClock);
  return (model) => (changes, signal, others) =>
    createExecutor({
      model: others ?? model,
      settings: { ...settings.runtime, ...changes },
      clock: systemClock,
      randomBytes,
      environment,
      longTurns,
      signal,
    });
}

function portsOf({ files, settings, machine, environment, code }: MeasureTask, loadFrom: LoadFrom): MeasurePorts {
  const clock = systemClock;
  const load = loadFrom(files);
  const serve = (changes: Partial<RuntimeSettings>, signal: AbortSignal) =>
    serveSubject({ settings, clock, load, environment, version: code["slipway"] ?? "unknown" }, changes, signal);
  return {
    clock,
    load,
    serve,
    loadAverage: () => os.loadavg()[0]!,
    cores: os.availableParallelism(),
    settings: settings.runtime,
    machine,
    environment,
    code,
  };
}

/** How far the job is, in measurements; where it has only one, in what that one counts. */
function progressAt(
  { name, done, total }: { readonly name: string; readonly done: number; readonly total: number },
  own: JobProgress | null,
): JobProgress {
  const text = own === null ? name : `${name}: ${own.text}`;
  if (total === 1) return { done: own?.done ?? 0, total: own === null ? null : own.total, text };
  const share = own === null || own.total === null || own.total === 0 ? 0 : Math.min(1, own.done / own.total);
  return { done: done + share, total, text: `${done + 1} of ${total}, ${text}` };
}
