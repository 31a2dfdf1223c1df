// Measuring as a job: what is asked for and kept of it, and the work itself, which runs in a process of its own.
import { randomBytes } from "node:crypto";
import type { RuntimeSettings, Settings } from "#config";
import type { JobProgress, TaskRun } from "#jobs";
import { measure, type MeasurementName, type MeasurementOptions, type MeasurePorts, type Subject } from "#lab/measure";
import { labelledRows, type StoredRows } from "#launch";
import type { EvidenceMachine, Model, NewEvidence } from "#registry";
import { createExecutor, LongTurns, type ModelFiles, systemClock } from "#runtime";
import { blobReader } from "#store";

/** Of the order, the checkpoint and the result. */
export const MEASURE_SCHEMA = 1;

/** What is to be measured, as it is kept: names and hashes. */
export interface MeasureOrder {
  readonly name: string;
  readonly number: number;
  /** Each once. */
  readonly what: readonly MeasurementName[];
  readonly options: MeasurementOptions;
  readonly data: StoredRows | null;
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
  readonly data: StoredRows | null;
  readonly model: Model;
  readonly files: ModelFiles;
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
  return data === null ? [] : [...Object.values(data.inputs), data.labels];
}

/** The subject of all measurements of a task. @throws SlipwayError BLOB_NOT_FOUND, ROWS_INVALID */
async function subjectOf({ model, files, data, blobsDirectory }: MeasureTask): Promise<Subject> {
  return { model, files, rows: data === null ? null : await labelledRows(data, blobReader(blobsDirectory)) };
}

/** Measures one after the other, each as `TaskRun.find` keeps it. @throws SlipwayError as `measure` does */
export async function carryOutMeasureTask(order: unknown, run: TaskRun): Promise<null> {
  const task = order as MeasureTask;
  const { signal } = run;
  const ports = portsOf(task);
  const subject = await subjectOf(task);
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
  return null;
}

function portsOf({ files, settings, machine, environment, code }: MeasureTask): MeasurePorts {
  const clock = systemClock;
  const longTurns = new LongTurns(clock);
  const load = (changes: Partial<RuntimeSettings>, signal: AbortSignal) =>
    createExecutor({
      model: files,
      settings: { ...settings.runtime, ...changes },
      clock,
      randomBytes,
      environment,
      longTurns,
      signal,
    });
  return {
    clock,
    load,
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
