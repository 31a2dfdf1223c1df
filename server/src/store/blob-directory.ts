// Blobs in a directory: `ab/abcdef….blob` by their hash, `incoming/` for what is being written. A blob appears under its
// name by one rename, after its bytes have reached the disk.
import { createHash } from "node:crypto";
import type { Stats } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import path from "node:path";
import { assert, type Clock, type ErrorCode, SlipwayError } from "@slipway/core/base";
import { corrupt, decodeHeader, encodeHeader, HEADER_BYTES } from "./blob-container.ts";
import {
  type BlobBytes,
  type BlobPlace,
  type BlobStore,
  type ByteRange,
  isHash,
  type Leftover,
  type ListedBlob,
  type PutOptions,
  type StoredBlob,
} from "./blobs.ts";
import { onDisk, systemCode } from "./disk-errors.ts";
import { diskFileSystem, type FileSystem, READ_SAFELY, syncDirectory, unlinkIfThere, writeAll } from "./files.ts";

const INCOMING = "incoming";
const SUFFIX = ".blob";
const READ_BYTES = 2 ** 20;
/** How often a file that lost its name meanwhile is opened before it counts as damaged. */
const MOST_OPENINGS = 8;
const ABSENT: readonly ErrorCode[] = ["BLOB_NOT_FOUND", "BLOB_CORRUPT"];

export interface BlobDirectoryOptions {
  readonly directory: string;
  readonly clock: Pick<Clock, "wall">;
  /** Names for files in the making; never the same twice in one directory. */
  readonly temporaryName: () => string;
  readonly files?: FileSystem;
}

/**
 * Opens, and where needed makes, a directory of blobs.
 * @throws SlipwayError DISK_FULL, DISK_READ_ONLY
 */
export async function openBlobDirectory(options: BlobDirectoryOptions): Promise<BlobStore> {
  const files = options.files ?? diskFileSystem;
  await onDisk(`the directory "${options.directory}"`, async () => {
    await files.mkdir(path.join(options.directory, INCOMING), { recursive: true, mode: 0o700 });
    await syncDirectory(files, options.directory);
  });
  return new BlobDirectory(options, files);
}

/**
 * Reads a directory of blobs that another process may hold: what is stored under a hash never changes.
 * @throws SlipwayError from its methods, BLOB_NOT_FOUND also for what is being removed meanwhile
 */
export function blobReader(directory: string): Pick<BlobStore, "stream" | "read"> {
  const unneeded = (): never => {
    throw new Error("Reading blobs asked for the time or a name. This is a bug.");
  };
  return new BlobDirectory({ directory, clock: { wall: unneeded }, temporaryName: unneeded }, diskFileSystem);
}

class BlobDirectory implements BlobStore {
  readonly #directory: string;
  readonly #clock: Pick<Clock, "wall">;
  readonly #temporaryName: () => string;
  readonly #files: FileSystem;
  /** Names in `incoming/` that a put is writing now. */
  readonly #writing = new Set<string>();

  constructor(options: BlobDirectoryOptions, files: FileSystem) {
    this.#directory = options.directory;
    this.#clock = options.clock;
    this.#temporaryName = options.temporaryName;
    this.#files = files;
  }

  async put(bytes: BlobBytes, options: PutOptions = {}): Promise<StoredBlob> {
    const name = this.#temporaryName();
    const temporary = path.join(this.#directory, INCOMING, name);
    this.#writing.add(name);
    try {
      const blob = await this.#write(temporary, bytes, options);
      await onDisk("the blob", () => this.#publish(temporary, blob.hash));
      return blob;
    } catch (error) {
      // Where even this fails, garbage collection finds the file.
      await unlinkIfThere(this.#files, temporary).catch(() => {});
      throw error;
    } finally {
      this.#writing.delete(name);
    }
  }

  /** Writes payload, then header, to a new file, and waits until the disk has them. */
  async #write(temporary: string, bytes: BlobBytes, options: PutOptions): Promise<StoredBlob> {
    const handle = await onDisk("the blob", () => this.#files.open(temporary, "wx", 0o600));
    try {
      const digest = createHash("sha256");
      const limitBytes = options.limitBytes ?? Number.MAX_SAFE_INTEGER;
      let sizeBytes = 0;
      // Failures of the source are its own; only those of writing speak of the disk.
      for await (const chunk of bytes instanceof Uint8Array ? [bytes] : bytes) {
        if (sizeBytes + chunk.byteLength > limitBytes) throw tooLarge(limitBytes);
        digest.update(chunk);
        await onDisk("the blob", () => writeAll(handle, chunk, HEADER_BYTES + sizeBytes));
        sizeBytes += chunk.byteLength;
      }
      const hash = digest.digest("hex");
      if (options.expectedHash !== undefined && options.expectedHash !== hash)
        throw new SlipwayError(
          "REQUEST_MALFORMED",
          `The ${sizeBytes} bytes received have the SHA-256 ${hash}, not ${options.expectedHash} as announced. Send them again.`,
        );
      await onDisk("the blob", async () => {
        await writeAll(handle, encodeHeader({ hash, sizeBytes }), 0);
        const now = new Date(this.#clock.wall());
        await handle.utimes(now, now);
        await handle.sync();
      });
      return { hash, sizeBytes };
    } finally {
      await handle.close();
    }
  }

  /** Gives a finished file its name. */
  async #publish(temporary: string, hash: string): Promise<void> {
    const target = this.#path(hash);
    const shard = path.dirname(target);
    await this.#files.mkdir(shard, { recursive: true, mode: 0o700 });
    await this.#files.rename(temporary, target);
    await syncDirectory(this.#files, shard);
    await syncDirectory(this.#files, this.#directory); // the shard itself may be new
  }

  async renew(hash: string): Promise<boolean> {
    const now = new Date(this.#clock.wall());
    try {
      await this.verify(hash);
      await onDisk("the blob", () => this.#files.utimes(this.#path(hash), now, now));
      return true;
    } catch (error) {
      // A damaged blob counts as absent: whoever asks sends the bytes, and put replaces it.
      if (error instanceof SlipwayError && ABSENT.includes(error.code)) return false;
      throw error;
    }
  }

  async place(hash: string): Promise<BlobPlace> {
    const { handle, sizeBytes } = await this.#open(hash);
    await handle.close();
    return { hash, sizeBytes, path: this.#path(hash), offset: HEADER_BYTES };
  }

  async *stream(
    hash: string,
    options: { readonly range?: ByteRange; readonly isVerified?: boolean } = {},
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const { handle, sizeBytes } = await this.#open(hash);
    try {
      const { start, end } = options.range ?? { start: 0, end: sizeBytes };
      assert(
        start >= 0 && start <= end && end <= sizeBytes,
        `Bytes ${start} to ${end} of a blob of ${sizeBytes} were asked for.`,
      );
      assert(!options.isVerified || options.range === undefined, "Only a whole blob can be verified.");
      const digest = options.isVerified ? createHash("sha256") : null;
      for (let at = start; at < end; ) {
        const chunk = Buffer.allocUnsafe(Math.min(READ_BYTES, end - at));
        await this.#fill(handle, chunk, at, hash);
        at += chunk.length;
        digest?.update(chunk);
        if (at === end) this.#compare(digest?.digest("hex"), hash);
        yield chunk;
      }
      if (sizeBytes === 0) this.#compare(digest?.digest("hex"), hash);
    } finally {
      await handle.close();
    }
  }

  async read(hash: string): Promise<Uint8Array> {
    const { handle, sizeBytes } = await this.#open(hash);
    try {
      const bytes = Buffer.allocUnsafeSlow(sizeBytes);
      const digest = createHash("sha256");
      for (let at = 0; at < sizeBytes; at += READ_BYTES) {
        const chunk = bytes.subarray(at, Math.min(at + READ_BYTES, sizeBytes));
        await this.#fill(handle, chunk, at, hash);
        digest.update(chunk);
      }
      this.#compare(digest.digest("hex"), hash);
      return bytes;
    } finally {
      await handle.close();
    }
  }

  async verify(hash: string): Promise<void> {
    for await (const _chunk of this.stream(hash, { isVerified: true }));
  }

  async delete(hash: string, options: { readonly notRenewedSince?: number } = {}): Promise<boolean> {
    const file = this.#path(hash);
    return await onDisk("the directory of blobs", async () => {
      if (options.notRenewedSince !== undefined) {
        const facts = await this.#facts(file);
        if (facts === null || facts.modifiedAt >= options.notRenewedSince) return false;
      }
      const wasThere = await unlinkIfThere(this.#files, file);
      if (wasThere) await syncDirectory(this.#files, path.dirname(file));
      return wasThere;
    });
  }

  async *list(): AsyncGenerator<ListedBlob, void, undefined> {
    for (const shard of await this.#names(this.#directory)) {
      if (!/^[0-9a-f]{2}$/.test(shard)) continue;
      const directory = path.join(this.#directory, shard);
      for (const name of await this.#names(directory)) {
        const hash = name.slice(0, -SUFFIX.length);
        if (!name.endsWith(SUFFIX) || !isHash(hash) || !hash.startsWith(shard)) continue;
        const facts = await this.#facts(path.join(directory, name));
        if (facts !== null)
          yield { hash, sizeBytes: Math.max(0, facts.sizeBytes - HEADER_BYTES), renewedAt: facts.modifiedAt };
      }
    }
  }

  async *leftovers(): AsyncGenerator<Leftover, void, undefined> {
    for (const id of await this.#names(path.join(this.#directory, INCOMING))) {
      if (this.#writing.has(id)) continue;
      const facts = await this.#facts(path.join(this.#directory, INCOMING, id));
      if (facts !== null) yield { id, sizeBytes: facts.sizeBytes };
    }
  }

  async deleteLeftover(id: string): Promise<void> {
    assert(path.basename(id) === id && !this.#writing.has(id), `"${id}" is no leftover.`);
    await onDisk("the directory of blobs", () => unlinkIfThere(this.#files, path.join(this.#directory, INCOMING, id)));
  }

  #path(hash: string): string {
    assert(isHash(hash), `"${hash}" is no SHA-256.`);
    return path.join(this.#directory, hash.slice(0, 2), hash + SUFFIX);
  }

  async #open(hash: string): Promise<{ handle: FileHandle; sizeBytes: number }> {
    for (let tries = 1; ; tries++) {
      const handle = await this.#handle(hash);
      try {
        const stat = await handle.stat();
        // Without a name it was deleted since it was opened, or another put of the same bytes took its name.
        if (stat.nlink > 0 || tries === MOST_OPENINGS)
          return { handle, sizeBytes: await this.#check(handle, stat, hash) };
      } catch (error) {
        await handle.close();
        throw error;
      }
      await handle.close();
    }
  }

  async #handle(hash: string): Promise<FileHandle> {
    try {
      return await this.#files.open(this.#path(hash), READ_SAFELY);
    } catch (error) {
      const code = systemCode(error);
      if (code === "ENOENT")
        throw new SlipwayError(
          "BLOB_NOT_FOUND",
          `No bytes with the SHA-256 ${hash} are stored. Import the model again.`,
        );
      if (code === "ELOOP") throw corrupt(this.#path(hash), "it is a symbolic link");
      throw error;
    }
  }

  /** Checks that the file is what `put` made, by all that shows without reading it. Answers the size of its bytes. */
  async #check(handle: FileHandle, stat: Stats, hash: string): Promise<number> {
    const where = this.#path(hash);
    if (!stat.isFile()) throw corrupt(where, "it is not a regular file");
    // Another name of the file is another way to change it.
    if (stat.nlink !== 1) throw corrupt(where, `it has ${stat.nlink} names (hard links)`);
    const bytes = Buffer.alloc(HEADER_BYTES);
    const { bytesRead } = await handle.read(bytes, 0, HEADER_BYTES, 0);
    const header = decodeHeader(bytes.subarray(0, bytesRead), where);
    if (header.hash !== hash) throw corrupt(where, `its header names the SHA-256 ${header.hash}`);
    const sizeBytes = stat.size - HEADER_BYTES;
    if (header.sizeBytes !== sizeBytes)
      throw corrupt(where, `it holds ${sizeBytes} bytes where its header says ${header.sizeBytes}`);
    return sizeBytes;
  }

  /** Fills `chunk` from the plain bytes at `at`. */
  async #fill(handle: FileHandle, chunk: Buffer, at: number, hash: string): Promise<void> {
    for (let filled = 0; filled < chunk.length; ) {
      const { bytesRead } = await handle.read(chunk, filled, chunk.length - filled, HEADER_BYTES + at + filled);
      if (bytesRead === 0) throw corrupt(this.#path(hash), "it became shorter while it was read");
      filled += bytesRead;
    }
  }

  #compare(actual: string | undefined, hash: string): void {
    if (actual !== undefined && actual !== hash)
      throw corrupt(this.#path(hash), `its bytes have the SHA-256 ${actual}`);
  }

  async #names(directory: string): Promise<readonly string[]> {
    try {
      return (await this.#files.readdir(directory)).sort();
    } catch (error) {
      const code = systemCode(error);
      if (code === "ENOENT" || code === "ENOTDIR") return [];
      throw error;
    }
  }

  async #facts(file: string): Promise<{ sizeBytes: number; modifiedAt: number } | null> {
    try {
      const stat = await this.#files.lstat(file);
      return stat.isDirectory() ? null : { sizeBytes: stat.size, modifiedAt: stat.mtimeMs };
    } catch (error) {
      if (systemCode(error) === "ENOENT") return null; // removed since it was listed
      throw error;
    }
  }
}

function tooLarge(limitBytes: number): SlipwayError {
  return new SlipwayError("MODEL_TOO_LARGE", `The file is larger than the limit of ${limitBytes} bytes.`);
}
