// Filling a data directory from elsewhere, as a restore does. What comes is staged inside the directory, so a mounted
// volume will do, and takes its place only once it is whole. The format file leaves first and comes back last: stopped
// at any moment between, the directory is one that no server accepts, and nothing of the old or the new is lost.
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { SlipwayError } from "@slipway/core/base";
import {
  type DataDirectoryOptions,
  FORMAT_FILE,
  FORMAT_TEXT,
  HOLDER_FILE,
  holdsOthersError,
  LOCK_FILE,
  LOCK_WAIT_MS,
  lockedError,
  makeDirectory,
  SERVER_FILE,
} from "./data-directory.ts";
import { acquireFileLock, isFileLocked } from "./database.ts";
import { onDisk } from "./disk-errors.ts";
import { diskFileSystem, replaceFile, syncDirectory, unlinkIfThere } from "./files.ts";
import { writeFacts } from "./server-file.ts";

/** What is kept; the format file first, as it goes. */
const KEPT = [FORMAT_FILE, "slipway.db", "slipway.db-wal", "slipway.db-shm", "slipway.db-journal", "blobs"];
const PASSING = [LOCK_FILE, HOLDER_FILE, SERVER_FILE, `${HOLDER_FILE}.new`, `${SERVER_FILE}.new`, `${FORMAT_FILE}.new`];
const STAGING = "restoring-";
const ASIDE = "before-restore-";

export interface FillOptions extends DataDirectoryOptions {
  /** Whether what is there may be put aside. */
  readonly isReplacing: boolean;
  /** Never the same twice. */
  readonly temporaryName: () => string;
}

/** Where to put what the directory shall hold. */
export interface StagedDirectory {
  readonly databaseFile: string;
  readonly blobsDirectory: string;
}

export interface Filled {
  /** Absolute, without symbolic links. */
  readonly path: string;
  /** The directory that what was there lies in now; null where nothing was. */
  readonly keptAs: string | null;
}

/**
 * Fills a data directory, held by this process meanwhile. Where `fill` fails, nothing has changed.
 * @throws SlipwayError RESTORE_REFUSED where it is not empty, DATA_DIRECTORY_LOCKED, DATA_DIRECTORY_INVALID where it is
 * somebody else's, DISK_FULL, DISK_READ_ONLY
 */
export async function fillDataDirectory(
  options: FillOptions,
  fill: (staged: StagedDirectory) => Promise<void>,
): Promise<Filled> {
  const directory = await makeDirectory(options.path);
  await checkPlace(directory, options);
  const lock = acquireFileLock(path.join(directory, LOCK_FILE), LOCK_WAIT_MS);
  if (lock === null) throw await lockedError(directory);
  const what = `the data directory "${options.path}"`;
  const staging = path.join(directory, `${STAGING}${options.temporaryName()}`);
  try {
    await checkPlace(directory, options, { isHeld: true });
    return await onDisk(what, async () => {
      await removeStaged(directory);
      await unlinkIfThere(diskFileSystem, path.join(directory, SERVER_FILE));
      await writeFacts(path.join(directory, HOLDER_FILE), { ...options.holder, since: options.clock.wall() });
      await mkdir(staging, { mode: 0o700 });
      await fill({ databaseFile: path.join(staging, "slipway.db"), blobsDirectory: path.join(staging, "blobs") });
      return { path: directory, keptAs: await swap(directory, staging, options.clock.wall()) };
    });
  } finally {
    try {
      await removeStaged(directory);
      await unlinkIfThere(diskFileSystem, path.join(directory, HOLDER_FILE));
    } finally {
      lock.release();
    }
  }
}

/** Refuses a directory that is held, not empty or somebody else's. Writes nothing. */
async function checkPlace(directory: string, options: FillOptions, { isHeld = false } = {}): Promise<void> {
  const names = await readdir(directory);
  if (!isHeld && names.includes(LOCK_FILE) && isFileLocked(path.join(directory, LOCK_FILE)))
    throw await lockedError(directory);
  const kept = names.filter((name) => KEPT.includes(name));
  const other = names.find((name) => !KEPT.includes(name) && !isOwn(name));
  if (kept.length === 0 && other !== undefined) throw holdsOthersError(options.path, other);
  if (kept.length > 0 && !options.isReplacing)
    throw new SlipwayError(
      "RESTORE_REFUSED",
      `The data directory "${options.path}" is not empty. Choose an empty --data-dir, or say --replace: what is there is kept aside.`,
    );
}

function isOwn(name: string): boolean {
  return PASSING.includes(name) || name.startsWith(STAGING) || name.startsWith(ASIDE);
}

/** What a restore that was killed left, too. */
async function removeStaged(directory: string): Promise<void> {
  for (const name of await readdir(directory))
    if (name.startsWith(STAGING)) await rm(path.join(directory, name), { recursive: true, force: true });
}

/** Puts what is there aside and what is staged in its place. Answers where the old is. */
async function swap(directory: string, staging: string, now: number): Promise<string | null> {
  await syncDirectory(diskFileSystem, staging);
  const old = (await readdir(directory)).filter((name) => KEPT.includes(name));
  const keptAs = old.length === 0 ? null : await makeAside(directory, now);
  if (keptAs !== null) {
    for (const name of KEPT) if (old.includes(name)) await rename(path.join(directory, name), path.join(keptAs, name));
    await syncDirectory(diskFileSystem, keptAs);
  }
  for (const name of await readdir(staging)) await rename(path.join(staging, name), path.join(directory, name));
  await syncDirectory(diskFileSystem, directory);
  await replaceFile(path.join(directory, FORMAT_FILE), FORMAT_TEXT);
  await syncDirectory(diskFileSystem, path.dirname(directory));
  return keptAs;
}

async function makeAside(directory: string, now: number): Promise<string> {
  const stamp = new Date(now).toISOString().replace(/[-:]/g, "").replace(/\./, "-");
  const aside = path.join(directory, `${ASIDE}${stamp}`);
  await mkdir(aside, { mode: 0o700 });
  return aside;
}
