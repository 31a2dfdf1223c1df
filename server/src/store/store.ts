// Everything of a data directory opened together, and closed in the order that keeps it whole.
import type { Clock } from "@slipway/core/base";
import { openBlobDirectory } from "./blob-directory.ts";
import type { BlobStore } from "./blobs.ts";
import { type DataDirectory, openDataDirectory } from "./data-directory.ts";
import { type Database, openDatabase } from "./database.ts";

export interface StoreOptions {
  /** The data directory; made where there is none. */
  readonly path: string;
  readonly clock: Pick<Clock, "wall">;
  /** Random bytes. */
  readonly random: (sizeBytes: number) => Uint8Array;
  /** Who opens it, for the message others get. */
  readonly holder: { readonly pid: number; readonly what: string };
}

export interface Store {
  readonly directory: DataDirectory;
  readonly database: Database;
  readonly blobs: BlobStore;
  close(): Promise<void>;
}

/**
 * Opens a data directory for writing, alone.
 * @throws SlipwayError DATA_DIRECTORY_LOCKED, DATA_DIRECTORY_INVALID, DISK_FULL, DISK_READ_ONLY
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const directory = await openDataDirectory(options);
  try {
    const blobs = await openBlobDirectory({
      directory: directory.blobsDirectory,
      clock: options.clock,
      temporaryName: () => Buffer.from(options.random(16)).toString("hex"),
    });
    const database = await openDatabase(directory.databaseFile);
    return {
      directory,
      database,
      blobs,
      close: async () => {
        try {
          await database.destroy();
        } finally {
          await directory.close();
        }
      },
    };
  } catch (error) {
    await directory.close();
    throw error;
  }
}
