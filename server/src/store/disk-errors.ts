// What the operating system says about a disk, as coded errors: everything that writes the data directory uses this.
import { SlipwayError } from "@slipway/core/base";

const FULL: readonly string[] = ["ENOSPC", "EDQUOT"];
const READ_ONLY: readonly string[] = ["EROFS", "EACCES", "EPERM"];

/** The operating system's code of an error, such as "ENOENT"; null where it has none. */
export function systemCode(error: unknown): string | null {
  const code = error instanceof Error && "code" in error ? error.code : null;
  return typeof code === "string" ? code : null;
}

/**
 * The error of a failed write as what the user can act on: DISK_FULL, DISK_READ_ONLY, or
 * DATA_DIRECTORY_LOST where a directory was taken away; any other error is itself.
 * @param what what was being written, for the message: "the blob", "/data/server.json"
 */
export function diskError(error: unknown, what: string): unknown {
  const code = systemCode(error);
  if (code === null || error instanceof SlipwayError) return error;
  if (FULL.includes(code))
    return new SlipwayError(
      "DISK_FULL",
      `The disk is full: ${what} could not be written (${code}). Free space, then try again.`,
      {
        cause: error,
      },
    );
  if (READ_ONLY.includes(code))
    return new SlipwayError(
      "DISK_READ_ONLY",
      `${capitalised(what)} could not be written (${code}). Make the data directory writable, or choose another.`,
      { cause: error },
    );
  if (code === "ENOENT")
    return new SlipwayError(
      "DATA_DIRECTORY_LOST",
      `${capitalised(what)} could not be written: the directory it belongs in is gone. Restore the data directory, then start the server again.`,
      { cause: error },
    );
  return error;
}

/** Runs `write` and answers its failures through `diskError`. */
export async function onDisk<Result>(what: string, write: () => Promise<Result>): Promise<Result> {
  try {
    return await write();
  } catch (error) {
    throw diskError(error, what);
  }
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
