// Where a backup goes: an archive that appears under its name once it is whole, or a directory that always holds the
// newest whole backup, to which only new blobs are copied. Neither ever writes over what is not a backup.
import {
  link,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  rmdir,
  type FileHandle,
} from "node:fs/promises";
import path from "node:path";
import { SlipwayError } from "@slipway/core/base";
import {
  acquireFileLock,
  diskFileSystem,
  type FileLock,
  replaceFile,
  syncDirectory,
  systemCode,
  unlinkIfThere,
  writeAll,
  writeNewFile,
} from "#store";
import {
  type BackupFile,
  filesOf,
  type Manifest,
  MANIFEST_FILE,
  manifestFromText,
  textFromManifest,
} from "./manifest.ts";
import { TAR_END, tarHeader, tarPadding } from "./tar.ts";

const ARCHIVE_SUFFIX = ".tar";
const LOCK_FILE = "lock.db";
const PARTIAL = "partial-";
const DATABASE = /^slipway-[0-9a-f]{64}\.db$/;
const BLOB = /^[0-9a-f]{64}$/;

export interface BackupTarget {
  /** A directory for what is needed meanwhile, on the same disk; gone when the target is closed. */
  readonly scratch: string;
  /** Once what it will hold is known. */
  begin(manifest: Manifest): Promise<void>;
  /** Whether a file is there already, from an earlier backup. */
  holds(file: BackupFile): Promise<boolean>;
  /** Writes a file. Failures of the bytes' source are its own. */
  put(file: BackupFile, bytes: AsyncIterable<Uint8Array>): Promise<void>;
  /** Makes the backup whole, and sure to survive a power cut. */
  finish(manifest: Manifest): Promise<void>;
  /** Removes whatever is not part of a whole backup. */
  close(): Promise<void>;
}

export interface TargetOptions {
  /** Absolute. A name that ends with ".tar" is an archive, unless a directory has it; any other is a directory. */
  readonly to: string;
  /** What is backed up; a backup can't lie in it. */
  readonly dataDirectory: string;
  /** Never the same twice. */
  readonly temporaryName: () => string;
}

/**
 * Opens a place for a backup.
 * @throws SlipwayError BACKUP_TARGET_INVALID, DISK_FULL
 */
export async function openTarget(options: TargetOptions): Promise<BackupTarget> {
  const { to } = options;
  return await onTarget(to, async () => {
    const parent = await realpath(path.dirname(to));
    const place = path.join(parent, path.basename(to));
    if (!path.relative(options.dataDirectory, place).startsWith(".."))
      throw targetError(to, "it lies in the data directory that is backed up");
    const facts = await lstat(place).catch((error: unknown) => {
      if (systemCode(error) !== "ENOENT") throw error;
      return null;
    });
    if (facts !== null && !facts.isDirectory()) throw targetError(to, "there is such a file already");
    if (facts === null && to.endsWith(ARCHIVE_SUFFIX)) return await openArchive(place, options);
    return await openDirectory(place, options);
  });
}

async function openArchive(place: string, { temporaryName }: TargetOptions): Promise<BackupTarget> {
  const scratch = `${place}.${temporaryName()}.partial`;
  await mkdir(scratch, { mode: 0o700 });
  try {
    const file = path.join(scratch, "archive");
    return new Archive(place, scratch, file, await open(file, "wx", 0o600));
  } catch (error) {
    await rmdir(scratch);
    throw error;
  }
}

class Archive implements BackupTarget {
  readonly scratch: string;
  readonly #place: string;
  readonly #file: string;
  readonly #handle: FileHandle;
  #createdAt = 0;

  constructor(place: string, scratch: string, file: string, handle: FileHandle) {
    this.#place = place;
    this.scratch = scratch;
    this.#file = file;
    this.#handle = handle;
  }

  async begin(manifest: Manifest): Promise<void> {
    this.#createdAt = manifest.createdAt;
    const text = Buffer.from(textFromManifest(manifest));
    await this.#write(tarHeader(MANIFEST_FILE, text.byteLength, this.#createdAt));
    await this.#write(text);
    await this.#write(tarPadding(text.byteLength));
  }

  async holds(): Promise<boolean> {
    return false;
  }

  async put({ path: name, sizeBytes }: BackupFile, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#write(tarHeader(name, sizeBytes, this.#createdAt));
    for await (const chunk of bytes) await this.#write(chunk);
    await this.#write(tarPadding(sizeBytes));
  }

  async finish(): Promise<void> {
    await onTarget(this.#place, async () => {
      await writeAll(this.#handle, TAR_END);
      await this.#handle.sync();
      await this.#handle.close();
      // Unlike a rename, a link never takes the place of a file that came meanwhile. Not every disk has links.
      await link(this.#file, this.#place).catch(async (error: unknown) => {
        if (systemCode(error) === "EEXIST") throw targetError(this.#place, "there is such a file already");
        await rename(this.#file, this.#place);
      });
      await syncDirectory(diskFileSystem, path.dirname(this.#place));
    });
  }

  async close(): Promise<void> {
    await this.#handle.close();
    await rm(this.scratch, { recursive: true, force: true });
  }

  async #write(bytes: Uint8Array): Promise<void> {
    await onTarget(this.#place, () => writeAll(this.#handle, bytes));
  }
}

async function openDirectory(place: string, { to, temporaryName }: TargetOptions): Promise<BackupTarget> {
  await mkdir(place, { mode: 0o700 }).catch((error: unknown) => {
    if (systemCode(error) !== "EEXIST") throw error;
  });
  const names = await readdir(place);
  const other = names.find((name) => !isOwn(name));
  if (!names.includes(MANIFEST_FILE) && other !== undefined)
    throw targetError(to, `it holds other things ("${other}") and no backup`);
  // One of a newer Slipway is not to be replaced by an older one.
  if (names.includes(MANIFEST_FILE)) manifestFromText(await readFile(path.join(place, MANIFEST_FILE), "utf8"), to);
  const lock = acquireFileLock(path.join(place, LOCK_FILE), 0);
  if (lock === null) throw targetError(to, "another backup is being written there");
  try {
    for (const name of names)
      if (name.startsWith(PARTIAL)) await rm(path.join(place, name), { recursive: true, force: true });
    const scratch = path.join(place, `${PARTIAL}${temporaryName()}`);
    await mkdir(scratch, { mode: 0o700 });
    return new Directory(place, scratch, lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

function isOwn(name: string): boolean {
  return (
    [MANIFEST_FILE, `${MANIFEST_FILE}.new`, LOCK_FILE, "blobs"].includes(name) ||
    DATABASE.test(name) ||
    name.startsWith(PARTIAL)
  );
}

class Directory implements BackupTarget {
  readonly scratch: string;
  readonly #place: string;
  readonly #lock: FileLock;
  /** Directories with new names in them, which have to reach the disk before the manifest does. */
  readonly #changed = new Set<string>();

  constructor(place: string, scratch: string, lock: FileLock) {
    this.#place = place;
    this.scratch = scratch;
    this.#lock = lock;
  }

  async begin(): Promise<void> {}

  /** By its size: its bytes are compared with their hash when they are restored. */
  async holds(file: BackupFile): Promise<boolean> {
    return await onTarget(this.#place, async () => {
      try {
        const facts = await lstat(path.join(this.#place, file.path));
        return facts.isFile() && facts.size === file.sizeBytes;
      } catch (error) {
        if (systemCode(error) === "ENOENT") return false;
        throw error;
      }
    });
  }

  async put(file: BackupFile, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    const temporary = path.join(this.scratch, file.hash);
    await onTarget(this.#place, async () => {
      await writeNewFile(temporary, ownFailures(bytes));
      const target = path.join(this.#place, file.path);
      const directory = path.dirname(target);
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await rename(temporary, target);
      this.#changed.add(directory).add(path.dirname(directory));
    });
  }

  async finish(manifest: Manifest): Promise<void> {
    await onTarget(this.#place, async () => {
      this.#changed.add(this.#place);
      for (const directory of this.#changed) await syncDirectory(diskFileSystem, directory);
      await replaceFile(path.join(this.#place, MANIFEST_FILE), textFromManifest(manifest));
      await this.#prune(manifest);
    });
  }

  async close(): Promise<void> {
    try {
      await rm(this.scratch, { recursive: true, force: true });
    } finally {
      this.#lock.release();
    }
  }

  /** Removes what only earlier backups needed. */
  async #prune(manifest: Manifest): Promise<void> {
    const needed = new Set(filesOf(manifest).map((file) => file.path));
    for (const name of await readdir(this.#place))
      if (DATABASE.test(name) && !needed.has(name)) await unlinkIfThere(diskFileSystem, path.join(this.#place, name));
    const blobs = path.join(this.#place, "blobs");
    await mkdir(blobs, { recursive: true, mode: 0o700 });
    for (const entry of await readdir(blobs, { recursive: true, withFileTypes: true })) {
      const name = path.relative(this.#place, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, "/");
      if (entry.isFile() && BLOB.test(entry.name) && !needed.has(name))
        await unlinkIfThere(diskFileSystem, path.join(this.#place, name));
    }
  }
}

/** Marks failures of a source, so that they are not taken for those of writing. */
class SourceFailure extends Error {}

async function* ownFailures(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const iterator = bytes[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await iterator.next().catch((cause: unknown) => {
        throw new SourceFailure("The source failed.", { cause });
      });
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await iterator.return?.();
  }
}

const FULL: readonly string[] = ["ENOSPC", "EDQUOT", "EFBIG"];

/** Runs `act`, answering what the operating system says of the target as coded errors. */
async function onTarget<Result>(to: string, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof SourceFailure) throw error.cause;
    const code = systemCode(error);
    if (code === null || error instanceof SlipwayError) throw error;
    if (FULL.includes(code))
      throw new SlipwayError(
        "DISK_FULL",
        `The disk is full: the backup "${to}" could not be written (${code}), and nothing is left of it. Free space there, or back up elsewhere with --to.`,
        { cause: error },
      );
    throw targetError(to, REASONS[code] ?? `the system says ${code}`, error);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "the directory it was to lie in is not there",
  ENOTDIR: "a part of its path is no directory",
  EACCES: "permission was denied (EACCES)",
  EPERM: "permission was denied (EPERM)",
  EROFS: "the disk is read-only (EROFS)",
};

function targetError(to: string, why: string, cause?: unknown): SlipwayError {
  return new SlipwayError(
    "BACKUP_TARGET_INVALID",
    `The backup can't be written to "${to}": ${why}. Name another file or directory with --to.`,
    cause === undefined ? {} : { cause },
  );
}
