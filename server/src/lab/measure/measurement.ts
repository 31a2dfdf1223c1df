// What a measurement is: one file each, one row in the table of `measurements.ts`. The API's inputs, the command's help and
// the documentation are made from it.
import type { Clock } from "@slipway/core/base";
import type { Signature } from "@slipway/core/tensor";
import type { z } from "zod";
import type { RuntimeSettings } from "#config";
import type { JobRun } from "#jobs";
import type { EvidenceMachine, Model, NewEvidence } from "#registry";
import type { BatchingPlan, Executor, ModelFiles } from "#runtime";
import type { SubjectRows } from "./answers/index.ts";

/** What is measured. */
export interface Subject {
  readonly model: Model;
  /** The model's files, as they are stored. */
  readonly files: ModelFiles;
  /** Labelled rows to measure on; null where none were given. */
  readonly rows: SubjectRows | null;
  /** Another version to compare with; null where none was named. */
  readonly rival: Rival | null;
}

/** A version the subject is compared with. */
export interface Rival {
  readonly name: string;
  readonly number: number;
  readonly model: Model;
  /** SHA-256 of its processing's canonical JSON; "none" without. */
  readonly processingHash: string;
  /** Loads it, under the settings the subject has. */
  readonly load: MeasurePorts["load"];
}

/** The subject behind an inference listener of its own, on a free port of this machine. */
export interface ServedSubject {
  /** The address of the model: http://127.0.0.1:PORT/v2/models/NAME. */
  readonly url: URL;
  readonly signature: Signature;
  readonly batching: BatchingPlan;
  readonly close: () => Promise<void>;
}

export interface MeasurePorts {
  readonly clock: Clock;
  /** Loads the subject as it is served, or other files in its place, but for the settings that are changed here. */
  readonly load: (changes: Partial<RuntimeSettings>, signal: AbortSignal, files?: ModelFiles) => Promise<Executor>;
  /** Serves the subject to HTTP on this machine, as it is served but for the settings that are changed here. */
  readonly serve: (changes: Partial<RuntimeSettings>, signal: AbortSignal) => Promise<ServedSubject>;
  /** Processes that ran or wanted to, on average over the last minute: what the machine has to do beside. */
  readonly loadAverage: () => number;
  /** Cores of this machine that may be used. */
  readonly cores: number;
  /** The runtime settings it is served with unless they are changed. */
  readonly settings: RuntimeSettings;
  readonly machine: EvidenceMachine;
  /** The whole environment of processes that examine models. */
  readonly environment: Readonly<Record<string, string>>;
  /** Versions of what computes, as evidence tells them. */
  readonly code: Readonly<Record<string, string>>;
  /** Where counters of energy are, in place of /sys/class/powercap. */
  readonly powercap?: string;
}

export interface Measurement<Options extends z.ZodObject = z.ZodObject> {
  /** In a sentence, for help and documentation. */
  readonly about: string;
  /** Whether it needs labelled rows; the others need the model alone. */
  readonly needsRows: boolean;
  /** Whether it needs a second version to compare with; it is then left out unless asked for. */
  readonly needsRival: boolean;
  /** Whether its figures depend on what else the machine does meanwhile. */
  readonly isTimed: boolean;
  /** Its own options: a strict object, JSON, each with a default. */
  readonly options: Options;
  /**
   * @throws SlipwayError BLOB_* where the subject's files are damaged, MODEL_* where it can't be loaded, PARAMETER_INVALID for
   *   options that don't fit it, ROWS_INVALID for rows that don't; the signal's reason
   */
  readonly run: (
    subject: Subject,
    options: z.output<Options>,
    ports: MeasurePorts,
    run: JobRun,
  ) => Promise<NewEvidence>;
}

/** Lets the compiler tie a measurement's options to its schema. */
export function measurement<Options extends z.ZodObject>(one: Measurement<Options>): Measurement<Options> {
  return one;
}
