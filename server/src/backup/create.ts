// Makes a backup of a data directory in use: the database as it is at one moment, then the blobs its rows refer to, which
// never change and are kept from garbage collection meanwhile.
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import path from "node:path";
import type { Clock } from "@slipway/core/base";
import { type Registry, referencedBlobs } from "#registry";
import { copyDatabase, openDatabase, type Store, type StoredBlob } from "#store";
import { type BackupFile, filesOf, type Manifest } from "./manifest.ts";
import { type BackupTarget, openTarget } from "./target.ts";
import { readBytes } from "./tar.ts";

/** What a backup is made of. */
export interface BackupPorts {
  readonly store: Pick<Store, "directory" | "blobs">;
  readonly registry: Pick<Registry, "holdBlobs">;
  readonly clock: Pick<Clock, "wall">;
  /** Names for what is being written; never the same twice. */
  readonly temporaryName: () => string;
  /** Of Slipway. */
  readonly version: string;
  readonly log: BackupLog;
}

/** Where the end of each backup is told. */
export interface BackupLog {
  debug(facts: object, text: string): void;
  error(facts: object, text: string): void;
}

/** How far it is; the sizes are zero until the database is copied. */
export interface BackupProgress {
  readonly files: number;
  readonly doneFiles: number;
  /** Of those, the files that were there from an earlier backup. */
  readonly reusedFiles: number;
  readonly sizeBytes: number;
  readonly doneBytes: number;
}

export const NO_PROGRESS: BackupProgress = { files: 0, doneFiles: 0, reusedFiles: 0, sizeBytes: 0, doneBytes: 0 };

/** Opens the place for a backup. @throws SlipwayError BACKUP_TARGET_INVALID, DISK_FULL */
export async function openBackupTarget({ store, temporaryName }: BackupPorts, to: string): Promise<BackupTarget> {
  return await openTarget({ to, dataDirectory: store.directory.path, temporaryName });
}

/**
 * Writes a backup to a target and closes it. Where this rejects, no part of it is left.
 * @throws SlipwayError BACKUP_TARGET_INVALID, DISK_FULL, BLOB_CORRUPT, BLOB_NOT_FOUND, or the signal's reason
 */
export async function writeBackup(
  ports: BackupPorts,
  target: BackupTarget,
  signal: AbortSignal,
  onProgress: (progress: BackupProgress) => void,
): Promise<void> {
  const { store, registry, clock, version } = ports;
  const release = await registry.holdBlobs();
  try {
    const createdAt = Math.floor(clock.wall());
    const copy = path.join(target.scratch, "slipway.db");
    await copyDatabase(store.directory.databaseFile, copy, signal);
    const blobs = await blobsOf(copy);
    const manifest: Manifest = { version, createdAt, database: await digest(copy), blobs };
    await target.begin(manifest);
    const bytesOf = ({ kind, hash }: BackupFile) =>
      kind === "database" ? readFileBytes(copy) : store.blobs.stream(hash, { isVerified: true });
    await putAll(target, filesOf(manifest), bytesOf, signal, onProgress);
    signal.throwIfAborted();
    await target.finish(manifest);
  } finally {
    release();
    await target.close();
  }
}

async function putAll(
  target: BackupTarget,
  files: readonly BackupFile[],
  bytesOf: (file: BackupFile) => AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  onProgress: (progress: BackupProgress) => void,
): Promise<void> {
  const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  let progress: BackupProgress = { ...NO_PROGRESS, files: files.length, sizeBytes };
  const report = (change: Partial<BackupProgress>) => onProgress((progress = { ...progress, ...change }));
  async function* counted(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of bytes) {
      signal.throwIfAborted();
      yield chunk;
      report({ doneBytes: progress.doneBytes + chunk.byteLength });
    }
  }
  for (const file of files) {
    signal.throwIfAborted();
    if (await target.holds(file)) {
      const doneBytes = progress.doneBytes + file.sizeBytes;
      report({ reusedFiles: progress.reusedFiles + 1, doneBytes });
    } else await target.put(file, counted(bytesOf(file)));
    report({ doneFiles: progress.doneFiles + 1 });
  }
}

async function blobsOf(copy: string): Promise<readonly StoredBlob[]> {
  const database = await openDatabase(copy);
  try {
    return await referencedBlobs(database);
  } finally {
    await database.destroy();
  }
}

async function digest(file: string): Promise<StoredBlob> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  for await (const chunk of readFileBytes(file)) {
    hash.update(chunk);
    sizeBytes += chunk.byteLength;
  }
  return { hash: hash.digest("hex"), sizeBytes };
}

async function* readFileBytes(file: string): AsyncGenerator<Uint8Array, void, undefined> {
  const handle = await open(file);
  try {
    yield* readBytes(handle, 0, (await handle.stat()).size);
  } finally {
    await handle.close();
  }
}
