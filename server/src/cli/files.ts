// Files named on the command line, and what is said when one can't be read or written.
import { access, readFile } from "node:fs/promises";
import path from "node:path";
import { SlipwayError } from "@slipway/core/base";

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "permission was denied",
  EISDIR: "it is a directory",
  ENOTDIR: "a part of its path is not a directory",
  ENOSPC: "the disk is full",
  EROFS: "the disk is read-only",
};

/** The error for a file that can't be used. */
export function fileError(file: string, error: unknown, done: "read" | "written" = "read"): SlipwayError {
  if (error instanceof SlipwayError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const isNowhere = done === "written" && code === "ENOENT";
  const reason = isNowhere
    ? "there is no such directory"
    : ((code === undefined ? undefined : REASONS[code]) ?? message);
  return new SlipwayError("FILE_UNREADABLE", `${file} can't be ${done}: ${reason}.`, { cause: error });
}

/**
 * Asks for the directory of a file that is to be written, before long work is done for it.
 * @param shown the file as the user named it
 * @throws SlipwayError FILE_UNREADABLE
 */
export async function requireDirectoryOf(file: string, shown: string): Promise<void> {
  try {
    await access(path.dirname(file));
  } catch (error) {
    throw fileError(shown, error, "written");
  }
}

/**
 * The bytes of a file.
 * @param file relative to the working directory
 * @throws SlipwayError FILE_UNREADABLE
 */
export async function readNamedFile(workingDirectory: string, file: string): Promise<Buffer> {
  try {
    return await readFile(path.resolve(workingDirectory, file));
  } catch (error) {
    throw fileError(file, error);
  }
}

const IMAGE_TYPES: Readonly<Record<string, string>> = {
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".webp": "image/webp",
};

/** The media type of an image, by its file's name; null where that is not one of an image. */
export function imageType(file: string): string | null {
  return IMAGE_TYPES[path.extname(file).toLowerCase()] ?? null;
}
