// Where bytes are kept: by what they are, not where they came from. A directory on this machine is one adapter; an
// object store will be another.

/** Bytes to store: whole, or as they come. */
export type BlobBytes = Uint8Array | AsyncIterable<Uint8Array>;

export interface PutOptions {
  /** SHA-256 the bytes must have, in hexadecimal. */
  readonly expectedHash?: string;
  /** Most bytes to take. */
  readonly limitBytes?: number;
}

export interface StoredBlob {
  /** SHA-256 of the plain bytes, in hexadecimal. */
  readonly hash: string;
  readonly sizeBytes: number;
}

export interface ListedBlob extends StoredBlob {
  /** When it was last put or renewed, in milliseconds since the Unix epoch. */
  readonly renewedAt: number;
}

/** Where the plain bytes lie in a file, for those who map or read it themselves. */
export interface BlobPlace extends StoredBlob {
  readonly path: string;
  readonly offset: number;
}

/** What an interrupted `put` left behind. */
export interface Leftover {
  readonly id: string;
  readonly sizeBytes: number;
}

/** A stretch of bytes, from `start` up to but not including `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface BlobStore {
  /**
   * Stores bytes. When this resolves they survive a power cut; when it rejects nothing of them can be read. Storing what
   * is there already replaces it, which heals a damaged copy.
   * @throws SlipwayError REQUEST_MALFORMED for another hash than expected, MODEL_TOO_LARGE over the limit, DISK_FULL, DISK_READ_ONLY, DATA_DIRECTORY_LOST
   */
  put(bytes: BlobBytes, options?: PutOptions): Promise<StoredBlob>;
  /** Whether these bytes are stored and have their hash. When so, this counts as a use: `renewedAt` becomes now. */
  renew(hash: string): Promise<boolean>;
  /**
   * The blob's file, opened and found sound in form (not in content: see `verify`).
   * @throws SlipwayError BLOB_NOT_FOUND, BLOB_CORRUPT
   */
  place(hash: string): Promise<BlobPlace>;
  /**
   * The bytes, or a stretch of them, as they are read from the disk. With `isVerified` (whole blobs only) the stream
   * fails at its end where the hash does not fit.
   * @throws SlipwayError BLOB_NOT_FOUND, BLOB_CORRUPT
   */
  stream(
    hash: string,
    options?: { readonly range?: ByteRange; readonly isVerified?: boolean },
  ): AsyncIterable<Uint8Array>;
  /**
   * All the bytes, with their hash checked.
   * @throws SlipwayError BLOB_NOT_FOUND, BLOB_CORRUPT
   */
  read(hash: string): Promise<Uint8Array>;
  /**
   * Reads everything and checks the hash.
   * @throws SlipwayError BLOB_NOT_FOUND, BLOB_CORRUPT
   */
  verify(hash: string): Promise<void>;
  /**
   * Removes a blob, also a damaged one.
   * @param options.notRenewedSince leaves it alone where it was put or renewed at that time or later, in milliseconds
   * since the Unix epoch
   * @returns whether it was removed
   */
  delete(hash: string, options?: { readonly notRenewedSince?: number }): Promise<boolean>;
  list(): AsyncIterable<ListedBlob>;
  /** What puts that will never end left behind; not what a put is writing now. */
  leftovers(): AsyncIterable<Leftover>;
  deleteLeftover(id: string): Promise<void>;
}

const HASH = /^[0-9a-f]{64}$/;

/** Whether `text` is a SHA-256 as blobs are named by: 64 lower-case hexadecimal digits. */
export function isHash(text: string): boolean {
  return HASH.test(text);
}
