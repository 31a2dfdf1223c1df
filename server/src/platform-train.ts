// Training put together: what is queued, what a run keeps in the data directory, and the version that comes of it.
import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { isName, SlipwayError, slipwayErrorFrom } from "@slipway/core/base";
import type { SubmitTraining } from "#api";
import { carryOutInProcess, type Job, type JobBlob, type JobCarrier, type JobQueue } from "#jobs";
import type { TrainOrder, TrainState } from "#lab/train";
import { ServedProcessing } from "#launch";
import type { Candidate, EvidenceMachine, JsonObject, Registry } from "#registry";
import { systemClock } from "#runtime";
import type { JobPorts } from "./platform-jobs.ts";
import {
  TRAIN_SCHEMA,
  type TrainCheckpoint,
  type TrainResult,
  type TrainSaved,
  type TrainTask,
  type TrainTold,
} from "./train-job.ts";

/** Queues a run. @throws SlipwayError NAME_INVALID, BLOB_NOT_FOUND, as `JobQueue.submit` does */
export function submitTraining(
  queue: JobQueue,
  { registry, store }: Pick<JobPorts, "registry" | "store">,
): SubmitTraining {
  return async (order, authority) => {
    if (!isName(order.name)) {
      throw new SlipwayError(
        "NAME_INVALID",
        `${JSON.stringify(order.name.slice(0, 200))} can't be the name of a model. Use letters, digits, ".", "_" and "-", starting with a letter or digit.`,
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
    return await queue.submit({
      ...authority,
      kind: "train",
      schema: TRAIN_SCHEMA,
      subject: order.name,
      order,
      blobs,
    });
  };
}

/** The stored bytes an order needs. */
function blobHashesOf({ network, base }: TrainOrder): readonly string[] {
  return [...(network?.kind === "model" ? [network.hash] : []), ...(base === null ? [] : [base.hash])];
}

/** Carries a run out: its checkpoints are stored bytes that the job names, and what comes of it is registered once. */
export async function carryOutTrain(job: Job, carrier: JobCarrier, ports: JobPorts): Promise<TrainResult> {
  const keeper = new RunKeeper(job, carrier, ports);
  await keeper.begin();
  try {
    await carryOutInProcess({
      script: { beside: import.meta.url, name: "job-main", environment: ports.jobEnvironment, endsFirst: true },
      // The network may be another's, and so may images be.
      contained: { memoryLimitBytes: ports.memoryBudgetBytes, files: "any" },
      task: { kind: "train", order: keeper.task, saved: keeper.saved },
      clock: systemClock,
      signal: carrier.signal,
      report: (progress) => carrier.report(progress),
      save: (state) => keeper.save(state as TrainState),
      find: (told) => keeper.find(told as TrainTold),
    });
    return keeper.result;
  } catch (error) {
    await keeper.failed(error);
    throw error;
  }
}

class RunKeeper {
  readonly #job: Job;
  readonly #carrier: JobCarrier;
  readonly #ports: JobPorts;
  readonly #order: TrainOrder;
  #checkpoint: TrainCheckpoint | null;
  #record: JsonObject;
  #result: TrainResult | null = null;

  constructor(job: Job, carrier: JobCarrier, ports: JobPorts) {
    this.#job = job;
    this.#carrier = carrier;
    this.#ports = ports;
    this.#order = job.order as TrainOrder;
    this.#checkpoint = job.checkpoint as TrainCheckpoint | null;
    const { machine, code } = ports;
    this.#record = { order: this.#order, machine, code, run: null } as unknown as JsonObject;
  }

  get task(): TrainTask {
    const { store, environment, memoryBudgetBytes } = this.#ports;
    const { blobsDirectory } = store.directory;
    return { order: this.#order, blobsDirectory, environment, memoryLimitBytes: memoryBudgetBytes };
  }

  /** What an earlier process left, where it was on this machine and by this code. */
  get saved(): TrainSaved | null {
    const one = this.#checkpoint;
    if (one === null || this.#isOfOtherMachine(one) || this.#isOfOtherCode(one)) return null;
    return { baselines: one.baselines, fit: one.fit };
  }

  #isOfOtherMachine({ machine }: TrainCheckpoint): boolean {
    return machine !== this.#ports.machine.fingerprint;
  }

  #isOfOtherCode({ code }: TrainCheckpoint): boolean {
    return !isDeepStrictEqual(code, this.#ports.code);
  }

  /** Why what an earlier process left is not gone on from, for people; null where it is, or there is none. */
  #whyAnew(before: JsonObject | null): string | null {
    const one = this.#checkpoint;
    if (one === null || this.saved !== null) return null;
    if (this.#isOfOtherCode(one)) {
      const { code } = this.#ports;
      const names = [...new Set([...Object.keys(one.code), ...Object.keys(code)])];
      const differing = names.filter((name) => one.code[name] !== code[name]);
      const told = differing.map((name) => `${name} ${one.code[name] ?? "none"}, now ${code[name] ?? "none"}`);
      return `its checkpoint was made by other versions of the code (${told.join("; ")})`;
    }
    const machine = before?.["machine"] as Partial<EvidenceMachine> | undefined;
    const name = machine?.fingerprint === one.machine ? ` (${String(machine.name)})` : "";
    return `its checkpoint was made on another machine${name}, or on this one with another processor, memory or system`;
  }

  get result(): TrainResult {
    if (this.#result !== null) return this.#result;
    throw new SlipwayError("INTERNAL", "A run ended without a model. This is a bug.");
  }

  async begin(): Promise<void> {
    const { id } = this.#job;
    const known = (await this.#registry.findRun(id))?.record ?? null;
    const anew = this.#whyAnew(known);
    if (anew !== null) this.#carrier.report({ done: 0, total: null, text: `begins anew: ${anew}` });
    // A run that goes on shows its curve so far.
    const run = anew === null ? (known?.["run"] ?? null) : null;
    this.#record = { ...this.#record, run, anew: anew ?? known?.["anew"] ?? null };
    await this.#registry.beginRun({ id, name: this.#order.name, record: this.#record });
  }

  async save({ baselines, fit }: TrainState): Promise<void> {
    const { machine, code } = this.#ports;
    const hash = createHash("sha256").update(fit).digest("hex");
    const { sizeBytes } = await this.#registry.putBlob(fit, { expectedHash: hash });
    const before = this.#checkpoint?.fit.hash ?? null;
    const checkpoint = { baselines, fit: { hash, sizeBytes }, machine: machine.fingerprint, code };
    const blobs: JobBlob[] = [...(await this.#ordered()), { hash, sizeBytes }];
    await this.#carrier.checkpoint(checkpoint satisfies TrainCheckpoint, { isPartDone: true, blobs });
    this.#checkpoint = checkpoint;
    if (before !== null && before !== hash) await this.#registry.discardBlob(before);
  }

  async find(told: TrainTold): Promise<void> {
    this.#record = { ...this.#record, run: told.record as unknown as JsonObject };
    if (told.kind === "curve") return await this.#registry.keepRun(this.#job.id, this.#record);
    const { id, actor, reason } = this.#job;
    const hash = createHash("sha256").update(told.model).digest("hex");
    await this.#registry.putBlob(told.model, { expectedHash: hash });
    const { version } = await this.#registry.importStored({
      actor,
      reason,
      name: this.#order.name,
      mainFile: "model.onnx",
      files: [{ path: "model.onnx", hash }],
      processing: told.processing,
      source: `trained by run ${id}`,
      note: null,
      number: null,
      accept: async ({ scan }: Candidate) => void new ServedProcessing(told.processing, scan.signature),
    });
    const { name, number } = version;
    await this.#registry.endRun(id, { state: "succeeded", number, record: this.#record });
    this.#result = { name, number };
  }

  async failed(error: unknown): Promise<void> {
    const { code, message } = slipwayErrorFrom(error);
    // One that stops with its server, lost its process or is carried out elsewhere by now goes on.
    if (code === "JOB_DIED" || (this.#carrier.signal.aborted && code !== "INTERRUPTED")) return;
    const record = { ...this.#record, error: { code, message } };
    const state = code === "INTERRUPTED" ? "cancelled" : "failed";
    await this.#registry.endRun(this.#job.id, { state, number: null, record });
  }

  get #registry(): Registry {
    return this.#ports.registry;
  }

  async #ordered(): Promise<readonly JobBlob[]> {
    return await Promise.all(
      blobHashesOf(this.#order).map(async (hash) => {
        const { sizeBytes } = await this.#ports.store.blobs.place(hash);
        return { hash, sizeBytes };
      }),
    );
  }
}
