// What Slipway keeps, and where: a database for facts, blobs for bytes, both in a data directory one process writes.
export { blobReader } from "./blob-directory.ts";
export {
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
export { blobsDirectoryOf, type DataDirectory, readServerFile } from "./data-directory.ts";
export type { Database } from "./database.ts";
export { systemCode } from "./disk-errors.ts";
export { type FileSystem, READ_SAFELY } from "./files.ts";
export type { Holder, ServerFile } from "./server-file.ts";
export { openStore, type Store, type StoreOptions } from "./store.ts";
export type { Tables } from "./tables.ts";
