// Restores a backup into a data directory that nobody uses. Every byte is compared with its hash while it is staged, and
// what is there is touched only once all of it was right.
import { createHash } from "node:crypto";
import { type Clock, SlipwayError } from "@slipway/core/base";
import { referencedBlobs } from "#registry";
import { fillDataDirectory, openBlobDirectory, openDatabase, type StagedDirectory, writeNewFile } from "#store";
import { type BackupFile, filesOf, invalid } from "./manifest.ts";
import { type BackupSource, openBackup } from "./source.ts";

export interface RestoreOptions {
  /** A backup: an archive or a directory. */
  readonly from: string;
  readonly dataDirectory: string;
  /** Whether what the data directory holds may be put aside. */
  readonly isReplacing: boolean;
  /** Only reads the backup through. */
  readonly isDryRun: boolean;
  readonly clock: Pick<Clock, "wall">;
  /** Never the same twice. */
  readonly temporaryName: () => string;
  readonly holder: { readonly pid: number; readonly what: string };
  readonly signal: AbortSignal;
  readonly onProgress: (doneBytes: number, sizeBytes: number) => void;
}

export interface Restored {
  readonly from: string;
  /** The moment the backup shows, in milliseconds since the Unix epoch. */
  readonly createdAt: number;
  /** The Slipway that made it. */
  readonly version: string;
  readonly files: number;
  readonly sizeBytes: number;
  /** Null for a dry run. */
  readonly dataDirectory: string | null;
  /** Where what was there lies now; null where nothing was. */
  readonly keptAs: string | null;
}

/**
 * Restores a backup, or reads it through.
 * @throws SlipwayError FILE_UNREADABLE, BACKUP_INVALID, RESTORE_REFUSED, DATA_DIRECTORY_*, DISK_FULL, DISK_READ_ONLY, or
 * the signal's reason; then nothing has changed
 */
export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
  const { from, isDryRun } = options;
  const source = await openBackup(from);
  try {
    const { createdAt, version } = source.manifest;
    const files = filesOf(source.manifest);
    const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
    const facts = { from, createdAt, version, files: files.length, sizeBytes };
    const check = createCheck(options, sizeBytes);
    if (isDryRun) {
      for await (const { file, bytes } of source.files()) for await (const _chunk of check(file, bytes));
      return { ...facts, dataDirectory: null, keptAs: null };
    }
    const filled = await fillDataDirectory({ ...options, path: options.dataDirectory }, (staged) =>
      stage(source, staged, check, options),
    );
    return { ...facts, dataDirectory: filled.path, keptAs: filled.keptAs };
  } finally {
    await source.close();
  }
}

type Check = (file: BackupFile, bytes: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array, void, undefined>;

/** Bytes as they pass, ending with an error where they are not what the manifest says. */
function createCheck({ from, signal, onProgress }: RestoreOptions, sizeBytes: number): Check {
  let doneBytes = 0;
  return async function* (file, bytes) {
    const digest = createHash("sha256");
    for await (const chunk of readable(from, bytes)) {
      signal.throwIfAborted();
      digest.update(chunk);
      yield chunk;
      doneBytes += chunk.byteLength;
      onProgress(doneBytes, sizeBytes);
    }
    if (digest.digest("hex") !== file.hash)
      throw invalid(from, `its file ${file.path} is damaged: its bytes have another SHA-256`);
  };
}

/** Failures to read the backup, told from those to write the data directory. */
async function* readable(from: string, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* bytes;
  } catch (error) {
    if (error instanceof SlipwayError) throw error;
    throw new SlipwayError("FILE_UNREADABLE", `The backup "${from}" can't be read to its end.`, { cause: error });
  }
}

async function stage(
  source: BackupSource,
  { databaseFile, blobsDirectory }: StagedDirectory,
  check: Check,
  { from, clock, temporaryName }: RestoreOptions,
): Promise<void> {
  const blobs = await openBlobDirectory({ directory: blobsDirectory, clock, temporaryName });
  for await (const { file, bytes } of source.files()) {
    const checked = check(file, bytes);
    if (file.kind === "database") await writeNewFile(databaseFile, checked);
    else await blobs.put(checked, { expectedHash: file.hash });
  }
  const stored = new Set(source.manifest.blobs.map(({ hash }) => hash));
  // Opened once: a database of a newer Slipway is refused here, not by the next start.
  const database = await openDatabase(databaseFile);
  try {
    const lost = (await referencedBlobs(database)).find(({ hash }) => !stored.has(hash));
    if (lost !== undefined) throw invalid(from, `the blob ${lost.hash}, which a model or a job needs, is not in it`);
  } finally {
    await database.destroy();
  }
}
