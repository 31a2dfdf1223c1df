// Files that are whole or absent, whatever moment the machine stops at. What touches the disk does it through
// `FileSystem`, a part of `node:fs/promises`, so that tests can put a disk that fails in its place.
import { constants } from "node:fs";
import * as nodeFiles from "node:fs/promises";
import path from "node:path";
import { onDisk, systemCode } from "./disk-errors.ts";

/** The part of `node:fs/promises` that stored files need. */
export type FileSystem = Pick<
  typeof nodeFiles,
  "open" | "rename" | "unlink" | "mkdir" | "readdir" | "lstat" | "utimes"
>;

/** The machine's own file system. */
export const diskFileSystem: FileSystem = nodeFiles;

/** Opens for reading, refusing a symbolic link in the last place and never waiting on a pipe. */
export const READ_SAFELY = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** Makes renames, creations and removals in a directory last. Windows has no such call and needs none. */
export async function syncDirectory(files: FileSystem, directory: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await files.open(directory, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Replaces a small file in one step: a reader sees the old text or the new one, and once this resolves the new one
 * survives a power cut. Readable by its owner only.
 * @throws SlipwayError DISK_FULL, DISK_READ_ONLY
 */
export async function replaceFile(file: string, text: string, files: FileSystem = diskFileSystem): Promise<void> {
  const temporary = `${file}.new`;
  await onDisk(`the file "${file}"`, async () => {
    await unlinkIfThere(files, temporary);
    try {
      const handle = await files.open(temporary, "wx", 0o600);
      try {
        await handle.writeFile(text);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await files.rename(temporary, file);
    } catch (error) {
      await unlinkIfThere(files, temporary).catch(() => {}); // the first failure is the one to tell
      throw error;
    }
    await syncDirectory(files, path.dirname(file));
  });
}

/**
 * Writes a new file and waits until the disk has it. Readable by its owner only. Failures are the operating system's
 * own, or those of the bytes' source.
 */
export async function writeNewFile(
  file: string,
  bytes: AsyncIterable<Uint8Array>,
  files: FileSystem = diskFileSystem,
): Promise<void> {
  const handle = await files.open(file, "wx", 0o600);
  try {
    for await (const chunk of bytes) await writeAll(handle, chunk);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Writes all of the bytes where the file's position is, or at a position. */
export async function writeAll(handle: nodeFiles.FileHandle, bytes: Uint8Array, position?: number): Promise<void> {
  for (let written = 0; written < bytes.byteLength; ) {
    // One call takes less than 2 GiB.
    const length = Math.min(bytes.byteLength - written, 2 ** 26);
    const at = position === undefined ? null : position + written;
    written += (await handle.write(bytes, written, length, at)).bytesWritten;
  }
}

/** Removes a file. Answers whether it was there. */
export async function unlinkIfThere(files: Pick<FileSystem, "unlink">, file: string): Promise<boolean> {
  try {
    await files.unlink(file);
    return true;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return false;
    throw error;
  }
}
