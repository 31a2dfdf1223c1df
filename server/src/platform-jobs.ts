// Jobs put together: what each kind needs from the data directory, the process that carries it out, and how what it finds is
// kept.
import { isDeepStrictEqual } from "node:util";
import { SlipwayError } from "@slipway/core/base";
import type { SubmitMeasure } from "#api";
import type { Settings } from "#config";
import { carryOutInProcess, type Job, type JobCarrier, type JobKind, type JobQueue } from "#jobs";
import { MEASUREMENTS } from "#lab/measure";
import { storedFiles } from "#launch";
import { type EvidenceMachine, type NewEvidence, processingHashOf, type Registry, type Version } from "#registry";
import { systemClock } from "#runtime";
import type { Store } from "#store";
import {
  blobHashesOf,
  MEASURE_SCHEMA,
  type MeasureCheckpoint,
  type MeasureOrder,
  type MeasureResult,
  type MeasureTask,
  type Told,
} from "./measure-job.ts";
import { carryOutTrain } from "./platform-train.ts";
import { TRAIN_SCHEMA } from "./train-job.ts";

export interface JobPorts {
  readonly registry: Registry;
  readonly store: Pick<Store, "blobs" | "directory">;
  readonly settings: Settings;
  /** What the machine's memory is to be used for at most. */
  readonly memoryBudgetBytes: number;
  readonly machine: EvidenceMachine;
  /** The whole environment of processes that run or examine models. */
  readonly environment: Readonly<Record<string, string>>;
  /** That of the processes that carry jobs out and start those. */
  readonly jobEnvironment: Readonly<Record<string, string>>;
  /** Versions of what computes, as evidence tells them. */
  readonly code: Readonly<Record<string, string>>;
}

const NOTHING_DONE: MeasureCheckpoint = { done: [], saved: null };

/** The kinds of jobs there are. */
export function jobKinds(ports: JobPorts): Readonly<Record<string, JobKind>> {
  return {
    measure: { schema: MEASURE_SCHEMA, carryOut: (job, carrier) => carryOutMeasure(job, carrier, ports) },
    train: { schema: TRAIN_SCHEMA, carryOut: (job, carrier) => carryOutTrain(job, carrier, ports) },
  };
}

/** Queues the measuring of a version. @throws SlipwayError PARAMETER_INVALID, BLOB_NOT_FOUND, as `JobQueue.submit` does */
export function submitMeasure(
  queue: JobQueue,
  { registry, store }: Pick<JobPorts, "registry" | "store">,
): SubmitMeasure {
  return async (version, { what, options, data, against }, authority) => {
    const { name, number } = version;
    const rival = against === null ? null : await rivalOf(version, against, registry);
    const other = rival === null ? null : { name: rival.name, number: rival.number };
    const order: MeasureOrder = { name, number, what: [...new Set(what)], options, data, against: other };
    const rowless = order.what.find((one) => MEASUREMENTS[one].needsRows);
    if (data === null && rowless !== undefined) {
      throw new SlipwayError(
        "PARAMETER_INVALID",
        `${rowless[0]!.toUpperCase()}${rowless.slice(1)} is measured on labelled rows, and none were given; name them with the request's data, or --data.`,
      );
    }
    const blobs = await Promise.all(
      blobHashesOf(order).map(async (hash) => {
        // What was stored ahead of this waits no longer for it.
        await registry.hasBlob(hash);
        const { sizeBytes } = await store.blobs.place(hash);
        return { hash, sizeBytes };
      }),
    );
    const subject = `${name}@${number}`;
    return await queue.submit({ ...authority, kind: "measure", schema: MEASURE_SCHEMA, subject, order, blobs });
  };
}

/** The version to compare with. @throws SlipwayError VERSION_NOT_FOUND; PARAMETER_INVALID where it is of the same content */
async function rivalOf(
  version: Version,
  { name, number }: { readonly name: string; readonly number: number | null },
  registry: Registry,
): Promise<Version> {
  const other = await registry.getVersion(name, number);
  if (
    other.modelHash === version.modelHash &&
    processingHashOf(other.processing) === processingHashOf(version.processing)
  ) {
    throw new SlipwayError(
      "PARAMETER_INVALID",
      `${version.name}@${version.number} and ${other.name}@${other.number} are the same model with the same processing; there is nothing to compare.`,
    );
  }
  return other;
}

async function rivalTask(
  version: Version,
  against: { readonly name: string; readonly number: number },
  { registry, store }: JobPorts,
): Promise<MeasureTask["rival"]> {
  const { name, number, modelHash, processing } = await rivalOf(version, against, registry);
  const model = await registry.getModel(modelHash);
  const files = await storedFiles(model, store.blobs);
  return { name, number, model, processingHash: processingHashOf(processing), files };
}

/** What is found is kept together with the note that it is done, so that it is there once however often the job is begun. */
async function carryOutMeasure(job: Job, carrier: JobCarrier, ports: JobPorts): Promise<MeasureResult> {
  const { registry, machine, code, environment } = ports;
  const order = job.order as MeasureOrder;
  const version = await registry.getVersion(order.name, order.number);
  const authority = { actor: job.actor, reason: job.reason };
  let { done, saved } = (job.checkpoint as MeasureCheckpoint | null) ?? NOTHING_DONE;
  const what = order.what.filter((name) => !done.some((one) => one.name === name));
  if (what.length > 0) {
    const model = await registry.getModel(version.modelHash);
    const files = await storedFiles(model, ports.store.blobs);
    const task: MeasureTask = {
      what,
      done: done.length,
      total: order.what.length,
      options: order.options,
      data: order.data,
      processing: version.processing,
      model,
      files,
      rival: order.against === null ? null : await rivalTask(version, order.against, ports),
      blobsDirectory: ports.store.directory.blobsDirectory,
      settings: ports.settings,
      machine,
      environment,
      code,
    };
    await carryOutInProcess({
      script: { beside: import.meta.url, name: "job-main", environment: ports.jobEnvironment, endsFirst: true },
      task: {
        kind: "measure",
        order: task,
        saved: isOfHere(saved, ports) ? { name: saved.name, value: saved.state } : null,
      },
      clock: systemClock,
      signal: carrier.signal,
      report: (progress) => carrier.report(progress),
      save: async (told) => {
        const { name, value } = told as Told<unknown>;
        saved = { name, state: value, machine: machine.fingerprint, code };
        await carrier.checkpoint({ done, saved } satisfies MeasureCheckpoint, { isPartDone: false });
      },
      find: async (told) => {
        const { name, value } = told as Told<NewEvidence>;
        await registry.addEvidence(version, value, authority, async (queries, { id }) => {
          const next: MeasureCheckpoint = { done: [...done, { name, evidenceId: id }], saved: null };
          await carrier.checkpoint(next, { isPartDone: true, queries });
          ({ done, saved } = next);
        });
      },
    });
  }
  return { evidence: done.map(({ evidenceId }) => evidenceId) };
}

/** Whether a measurement may go on with what it saved: figures of two machines, or two versions of the code, don't mix. */
function isOfHere(
  saved: MeasureCheckpoint["saved"],
  { machine, code }: JobPorts,
): saved is NonNullable<MeasureCheckpoint["saved"]> {
  return saved !== null && saved.machine === machine.fingerprint && isDeepStrictEqual(saved.code, code);
}
