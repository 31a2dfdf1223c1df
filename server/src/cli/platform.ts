// What the CLI needs of the platform. `main.ts` hands over the real one, loaded only when a command asks for it, so that
// `slipway --help` loads neither ONNX Runtime nor SQLite.
import type { Restored, RestoreOptions } from "#backup";
import type { Configuration, Settings } from "#config";
import type { EvidenceMachine } from "#registry";
import type { Client } from "slipway/client";

/** A platform that runs in this process. */
export interface RunningServer {
  /** The administration API, without going through HTTP. */
  readonly client: Client;
  readonly inferenceAddress: string;
  /** With the token: whoever opens it is let in. */
  readonly consoleAddress: string;
  /** Settles when the server stopped, whoever asked for it. */
  readonly stopped: Promise<void>;
  /** Takes no new requests, lets those in flight finish within the time given, and stops. */
  stop(drainTimeoutMs: number): Promise<void>;
}

/** A data directory opened without a server. */
export interface OfflineStore {
  readonly client: Client;
  /** Carries out a job that waits, in this process's charge; where it is closed first, the job waits again. */
  carryOut(id: string): void;
  close(): Promise<void>;
}

/** What is to be restored, and how. */
export type RestoreOrder = Pick<RestoreOptions, "from" | "isReplacing" | "isDryRun" | "signal" | "onProgress">;

/** Where a running server is found, from the data directory. */
export interface ServerLocation {
  readonly adminAddress: string;
  readonly token: string;
  readonly pid: number;
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
}

export interface StartOptions {
  readonly isForOneCommand?: boolean;
}

export interface Platform {
  readonly version: string;
  /** What of this machine a measurement may depend on. */
  readonly machine: EvidenceMachine;
  /** The digits example that comes with Slipway; null where it was left out. */
  readonly exampleDirectory: string | null;
  /**
   * Starts the whole system.
   * @param signal gives the start up, also while models load
   * @param options.isForOneCommand it leaves the jobs that wait to the next server
   * @throws SlipwayError PORT_IN_USE, PUBLIC_REFUSED, DATA_DIRECTORY_*, or the signal's reason
   */
  start(configuration: Configuration, signal: AbortSignal, options?: StartOptions): Promise<RunningServer>;
  /** The server that holds a data directory; null where none runs. */
  findServer(dataDirectory: string): Promise<ServerLocation | null>;
  /**
   * The bytes stored under a hash, also while a server holds the data directory.
   * @throws SlipwayError BLOB_NOT_FOUND, BLOB_CORRUPT
   */
  readBlob(dataDirectory: string, hash: string): AsyncIterable<Uint8Array>;
  /** Opens a data directory itself. @throws SlipwayError DATA_DIRECTORY_LOCKED, DATA_DIRECTORY_INVALID */
  openOffline(settings: Settings): Promise<OfflineStore>;
  /** Restores a backup into the data directory, or reads it through. See `restoreBackup`. */
  restore(settings: Settings, order: RestoreOrder): Promise<Restored>;
}
