// Reading a model's files from where the user has them, without being led elsewhere: a model file may name any path as
// its external data, so what it names is opened only as a plain file inside the model's own folder.
import type { Stats } from "node:fs";
import { type FileHandle, lstat, open, realpath, stat } from "node:fs/promises";
import path from "node:path";
import { SlipwayError } from "@slipway/core/base";
import { unsafeReason } from "@slipway/core/onnx";
import { READ_SAFELY, systemCode } from "#store";

const READ_BYTES = 2 ** 20;

/** A regular file, open for reading. */
export class LocalFile implements AsyncDisposable {
  readonly path: string;
  readonly sizeBytes: number;
  readonly #handle: FileHandle;

  constructor(file: string, handle: FileHandle, sizeBytes: number) {
    this.path = file;
    this.#handle = handle;
    this.sizeBytes = sizeBytes;
  }

  /** Its bytes from the start, at most as many as it had when it was opened. */
  async *stream(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let at = 0; at < this.sizeBytes; ) {
      const chunk = Buffer.allocUnsafe(Math.min(READ_BYTES, this.sizeBytes - at));
      const { bytesRead } = await this.#handle.read(chunk, 0, chunk.length, at);
      if (bytesRead === 0)
        throw new SlipwayError(
          "FILE_UNREADABLE",
          `The file "${this.path}" became shorter while it was read. Try again.`,
        );
      at += bytesRead;
      yield chunk.subarray(0, bytesRead);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}

/**
 * Opens the file a user named; links are the user's own choice.
 * @throws SlipwayError FILE_UNREADABLE
 */
export async function openNamedFile(file: string): Promise<LocalFile> {
  try {
    return await openRegular(await realpath(file), file);
  } catch (error) {
    throw unreadable(error, file);
  }
}

/**
 * Opens a file that a model names as its external data: a regular file with one name, inside `folder`, reached through
 * no link.
 * @throws SlipwayError MODEL_UNSAFE for anything else, FILE_UNREADABLE where it is missing
 */
export async function openExternalFile(folder: string, location: string): Promise<LocalFile> {
  const shown = location.slice(0, 200);
  const refuse = (why: string): never => {
    throw new SlipwayError(
      "MODEL_UNSAFE",
      `The model refers to the external data "${shown}", which ${why}. Keep external data in plain files beside the model.`,
    );
  };
  const reason = unsafeReason(location);
  if (reason !== null) return refuse(reason);
  try {
    const root = await realpath(folder);
    let at = root;
    for (const part of location.split("/")) {
      at = path.join(at, part);
      const entry = await lstat(at);
      if (entry.isSymbolicLink()) return refuse("is, or lies behind, a symbolic link");
    }
    const file = await openRegular(at, at, (stat) => {
      if (stat.nlink !== 1) refuse("has another name elsewhere (a hard link)");
    });
    return file;
  } catch (error) {
    const code = systemCode(error);
    if (code === "ENOENT" || code === "ENOTDIR")
      throw new SlipwayError(
        "FILE_UNREADABLE",
        `The model needs the external data "${shown}", and there is no such file in "${folder}". Put it beside the model.`,
      );
    throw unreadable(error, path.join(folder, shown));
  }
}

/**
 * Opens a path that has no links in it and makes sure that it is still what was opened, so that nobody swaps a folder
 * for a link in between.
 */
async function openRegular(file: string, shown: string, check?: (stat: Stats) => void): Promise<LocalFile> {
  if (!(await lstat(file)).isFile()) throw notRegular(shown); // before opening: devices and pipes act when opened
  const handle = await open(file, READ_SAFELY);
  try {
    const opened = await handle.stat();
    if (!opened.isFile()) throw notRegular(shown);
    check?.(opened);
    const named = await stat(file);
    if ((await realpath(file)) !== file || named.ino !== opened.ino || named.dev !== opened.dev)
      throw new SlipwayError("FILE_UNREADABLE", `The file "${shown}" was replaced while it was opened. Try again.`);
    return new LocalFile(shown, handle, opened.size);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function notRegular(file: string): SlipwayError {
  return new SlipwayError("FILE_UNREADABLE", `"${file}" is not a regular file. Name a model file.`);
}

function unreadable(error: unknown, file: string): unknown {
  const code = systemCode(error);
  if (error instanceof SlipwayError || code === null) return error;
  const why = code === "ENOENT" ? "does not exist" : `can't be read (${code})`;
  return new SlipwayError(
    "FILE_UNREADABLE",
    `The file "${file}" ${why}. Check the path, its permissions and what it holds.`,
    {
      cause: error,
    },
  );
}
