// Training as a job: what is kept of it, and the work itself, which runs in a process of its own.
import { SlipwayError } from "@slipway/core/base";
import type { TaskRun } from "#jobs";
import { type RunRecord, train, type TrainOrder, type TrainState } from "#lab/train";
import type { JsonObject } from "#registry";
import { createOnnxRuntimeBackend, systemClock } from "#runtime";
import { blobReader } from "#store";

/** Of the order, the checkpoint and the result. */
export const TRAIN_SCHEMA = 1;

/** What a job that trains has done so far: where its fit is lies among the stored bytes. */
export interface TrainCheckpoint {
  readonly baselines: TrainState["baselines"];
  readonly fit: { readonly hash: string; readonly sizeBytes: number };
  /** Where and by what: elsewhere, a run begins anew, since its weights would not be those of one run. */
  readonly machine: string;
  readonly code: Readonly<Record<string, string>>;
}

export interface TrainResult {
  readonly name: string;
  readonly number: number;
}

/** The order with all that it names, for a process that reads no database. */
export interface TrainTask {
  readonly order: TrainOrder;
  readonly blobsDirectory: string;
  /** That the process may have in memory. */
  readonly memoryLimitBytes: number;
  /** The whole environment of processes that decode images. */
  readonly environment: Readonly<Record<string, string>>;
}

/** What the work tells whoever keeps it. */
export type TrainTold =
  | { readonly kind: "curve"; readonly record: RunRecord }
  | {
      readonly kind: "trained";
      readonly model: Uint8Array;
      readonly processing: JsonObject;
      readonly record: RunRecord;
    };

/** What a run saved, as it comes back. */
export type TrainSaved = Pick<TrainCheckpoint, "baselines" | "fit">;

/** The curve is told so often at most. */
const CURVE_EVERY_MS = 500;

/** Trains, telling how it goes by `TaskRun.find`. @throws SlipwayError as `train` does */
export async function carryOutTrainTask(order: unknown, run: TaskRun): Promise<null> {
  const task = order as TrainTask;
  const blobs = blobReader(task.blobsDirectory);
  const saved = run.saved as TrainSaved | null;
  let toldAt = Number.NEGATIVE_INFINITY;
  const trained = await train(
    task.order,
    {
      backend: createOnnxRuntimeBackend(),
      clock: systemClock,
      environment: task.environment,
      readBlob: (hash) => blobs.read(hash),
    },
    {
      signal: run.signal,
      report: (progress) => {
        refuseMemory(process.memoryUsage.rss(), task.memoryLimitBytes);
        run.report(progress);
      },
      saved: saved === null ? null : { baselines: saved.baselines, fit: await checkpointOf(blobs, saved.fit.hash) },
      save: (state) => run.save(state),
      onCurve: async (record) => {
        if (systemClock.now() - toldAt < CURVE_EVERY_MS) return;
        toldAt = systemClock.now();
        await run.find({ kind: "curve", record } satisfies TrainTold);
      },
    },
  );
  await run.find({ kind: "trained", ...trained } satisfies TrainTold);
  return null;
}

/** Looked at with each step: what takes all memory would end others first. @throws SlipwayError MODEL_TOO_LARGE */
function refuseMemory(residentBytes: number, limitBytes: number): void {
  if (residentBytes <= limitBytes) return;
  const gib = (bytes: number): string => (bytes / 2 ** 30).toFixed(1);
  throw new SlipwayError(
    "MODEL_TOO_LARGE",
    `Training takes ${gib(residentBytes)} GiB of memory, over the budget of ${gib(limitBytes)} GiB. Train by smaller batches (--batch) or parts of them (--part), by fewer rows, or raise memoryBudgetBytes.`,
  );
}

async function checkpointOf(blobs: ReturnType<typeof blobReader>, hash: string): Promise<Uint8Array> {
  try {
    return await blobs.read(hash);
  } catch (error) {
    throw new SlipwayError(
      "STATE_CONFLICT",
      "The run's checkpoint is gone or damaged, so it can't go on. Train anew.",
      {
        cause: error,
      },
    );
  }
}
