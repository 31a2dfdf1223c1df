// The data directory: where everything lies that Slipway keeps on this machine, and the one process that may write it.
//
//   format         "slipway 1": what this directory is, and its version
//   lock.db        locked by the holder for as long as it lives
//   holder.json    who that is
//   server.json    where the server answers, and its token
//   slipway.db     the database
//   blobs/         model files, by hash
import { mkdir, readdir, readFile, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { type Clock, SlipwayError } from "@slipway/core/base";
import { acquireFileLock, type FileLock, isFileLocked } from "./database.ts";
import { onDisk, systemCode } from "./disk-errors.ts";
import { diskFileSystem, replaceFile, syncDirectory, unlinkIfThere } from "./files.ts";
import { parseHolder, parseServerFile, type ServerFile, writeFacts } from "./server-file.ts";

const FORMAT_VERSION = 1;
/** What the format file says. */
export const FORMAT_TEXT = `slipway ${FORMAT_VERSION}\n`;
export const FORMAT_FILE = "format";
export const LOCK_FILE = "lock.db";
export const HOLDER_FILE = "holder.json";
export const SERVER_FILE = "server.json";

/**
 * Where a data directory keeps its blobs, for those who only read them.
 * @param directory the data directory
 */
export function blobsDirectoryOf(directory: string): string {
  return path.join(directory, "blobs");
}

/** Covers a moment's look at the lock by `readServerFile`, no more. */
export const LOCK_WAIT_MS = 250;

export interface DataDirectoryOptions {
  readonly path: string;
  readonly clock: Pick<Clock, "wall">;
  /** Who opens it, for the message others get. */
  readonly holder: { readonly pid: number; readonly what: string };
}

/** A data directory this process holds. */
export interface DataDirectory {
  /** Absolute, without symbolic links. */
  readonly path: string;
  readonly databaseFile: string;
  readonly blobsDirectory: string;
  /**
   * Tells commands on this machine where the server answers.
   * @throws SlipwayError DISK_FULL, DISK_READ_ONLY
   */
  writeServerFile(file: ServerFile): Promise<void>;
  /** Removes the server file and lets others have the directory. */
  close(): Promise<void>;
}

/**
 * Makes the directory where there is none, locks it for this process and checks that it is ours.
 * @throws SlipwayError DATA_DIRECTORY_LOCKED saying who holds it, DATA_DIRECTORY_INVALID, DISK_FULL, DISK_READ_ONLY
 */
export async function openDataDirectory(options: DataDirectoryOptions): Promise<DataDirectory> {
  const directory = await makeDirectory(options.path);
  await checkFormat(directory, options.path);
  const lock = acquireFileLock(path.join(directory, LOCK_FILE), LOCK_WAIT_MS);
  if (lock === null) throw await lockedError(directory);
  try {
    await prepare(directory, options);
    return new HeldDirectory(directory, lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

/**
 * The server of a data directory, as it described itself, and whether it is alive: a server that was killed leaves its
 * file. Null where no server has left one.
 */
export async function readServerFile(
  directory: string,
): Promise<{ readonly file: ServerFile; readonly isAlive: boolean } | null> {
  const file = await parseServerFile(path.join(directory, SERVER_FILE));
  if (file === null) return null;
  return { file, isAlive: isFileLocked(path.join(directory, LOCK_FILE)) };
}

class HeldDirectory implements DataDirectory {
  readonly path: string;
  readonly #lock: FileLock;
  #isOpen = true;

  constructor(directory: string, lock: FileLock) {
    this.path = directory;
    this.#lock = lock;
  }

  get databaseFile(): string {
    return path.join(this.path, "slipway.db");
  }

  get blobsDirectory(): string {
    return blobsDirectoryOf(this.path);
  }

  async writeServerFile(file: ServerFile): Promise<void> {
    await writeFacts(path.join(this.path, SERVER_FILE), file);
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    try {
      await unlinkIfThere(diskFileSystem, path.join(this.path, SERVER_FILE));
      await unlinkIfThere(diskFileSystem, path.join(this.path, HOLDER_FILE));
    } finally {
      this.#lock.release();
    }
  }
}

/** Makes the directory where there is none, and answers its real path. */
export async function makeDirectory(wanted: string): Promise<string> {
  try {
    await onDisk(`the data directory "${wanted}"`, () => makeWithParents(wanted));
    if ((await stat(wanted)).isDirectory()) return await realpath(wanted);
  } catch (error) {
    const code = systemCode(error);
    if (code !== "EEXIST" && code !== "ENOTDIR" && code !== "ELOOP") throw error;
  }
  throw new SlipwayError(
    "DATA_DIRECTORY_INVALID",
    `The data directory "${wanted}" is, or lies under, something that is not a directory. Choose another --data-dir.`,
  );
}

/** As `mkdir` with `recursive`, which tries without end on file systems that take no directories, such as /proc. */
async function makeWithParents(wanted: string): Promise<void> {
  try {
    await mkdirUnlessThere(wanted);
  } catch (error) {
    const parent = path.dirname(wanted);
    if (systemCode(error) !== "ENOENT" || parent === wanted) throw error;
    await makeWithParents(parent);
    await mkdirUnlessThere(wanted).catch((again: unknown) => {
      if (systemCode(again) !== "ENOENT") throw again;
      throw new SlipwayError(
        "DATA_DIRECTORY_INVALID",
        `The data directory "${wanted}" can't be made: "${parent}" takes no directories. Choose another --data-dir.`,
      );
    });
  }
}

async function mkdirUnlessThere(directory: string): Promise<void> {
  await mkdir(directory, { mode: 0o700 }).catch((error: unknown) => {
    if (systemCode(error) !== "EEXIST") throw error;
  });
}

/**
 * Refuses a directory of a newer Slipway, and one with other things in it. Writes nothing.
 * @returns whether the directory still has to be marked as ours
 */
async function checkFormat(directory: string, wanted: string): Promise<boolean> {
  let text: string;
  try {
    text = await readFile(path.join(directory, FORMAT_FILE), "utf8");
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
    // One that was interrupted while it was made has at most these.
    const ours = [LOCK_FILE, HOLDER_FILE, `${HOLDER_FILE}.new`, `${FORMAT_FILE}.new`];
    const others = (await readdir(directory)).filter((name) => !ours.includes(name));
    if (others.length === 0) return true;
    throw holdsOthersError(wanted, others[0]!);
  }
  const version = /^slipway (\d{1,9})\n$/.exec(text)?.[1];
  if (version === undefined)
    throw new SlipwayError(
      "DATA_DIRECTORY_INVALID",
      `The file "${FORMAT_FILE}" in "${wanted}" does not say "slipway ${FORMAT_VERSION}". Choose another --data-dir.`,
    );
  if (Number(version) > FORMAT_VERSION)
    throw new SlipwayError(
      "DATA_DIRECTORY_INVALID",
      `The data directory "${wanted}" has format ${version}, of a newer Slipway; this one knows format ${FORMAT_VERSION}. Update Slipway, or choose another --data-dir.`,
    );
  return false;
}

/** The error for a directory that is somebody else's. */
export function holdsOthersError(wanted: string, other: string): SlipwayError {
  return new SlipwayError(
    "DATA_DIRECTORY_INVALID",
    `The directory "${wanted}" holds other things ("${other}") and is not a data directory of Slipway. Choose an empty one, or one that does not exist, as --data-dir.`,
  );
}

/** With the lock held: forgets a server that was killed, marks a new directory as ours, and says who holds it. */
async function prepare(directory: string, options: DataDirectoryOptions): Promise<void> {
  const what = `the data directory "${options.path}"`;
  await onDisk(what, () => unlinkIfThere(diskFileSystem, path.join(directory, SERVER_FILE)));
  // Asked again: whoever held the lock until now may have made it.
  if (await checkFormat(directory, options.path)) {
    await replaceFile(path.join(directory, FORMAT_FILE), FORMAT_TEXT);
    await onDisk(what, () => syncDirectory(diskFileSystem, path.dirname(directory)));
  }
  try {
    await writeFacts(path.join(directory, HOLDER_FILE), { ...options.holder, since: options.clock.wall() });
  } catch (error) {
    // Garbage collection has to work on a full disk; the name of the holder is only for a message.
    if (!(error instanceof SlipwayError && error.code === "DISK_FULL")) throw error;
  }
}

/** The error for a directory another process holds. */
export async function lockedError(directory: string): Promise<SlipwayError> {
  const holder = await parseHolder(path.join(directory, HOLDER_FILE));
  const server = await parseServerFile(path.join(directory, SERVER_FILE));
  const who =
    holder === null
      ? "another process"
      : `process ${holder.pid} (${holder.what}) since ${new Date(holder.since).toISOString()}`;
  const where = server === null ? "" : `, administration at ${server.adminAddress}`;
  return new SlipwayError(
    "DATA_DIRECTORY_LOCKED",
    `The data directory "${directory}" is held by ${who}${where}. Use it through that server, stop it, or choose another --data-dir.`,
    {
      details: {
        directory,
        pid: holder?.pid ?? null,
        since: holder?.since ?? null,
        adminAddress: server?.adminAddress ?? null,
      },
    },
  );
}
