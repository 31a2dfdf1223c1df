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
export { openBlobDirectory } from "./blob-directory.ts";
export { blobsDirectoryOf, type DataDirectory, readServerFile } from "./data-directory.ts";
export { acquireFileLock, copyDatabase, type Database, type FileLock, openDatabase } from "./database.ts";
export { systemCode } from "./disk-errors.ts";
export {
  diskFileSystem,
  type FileSystem,
  READ_SAFELY,
  replaceFile,
  syncDirectory,
  unlinkIfThere,
  writeAll,
  writeNewFile,
} from "./files.ts";
export { fillDataDirectory, type Filled, type StagedDirectory } from "./fill-directory.ts";
export type { Holder, ServerFile } from "./server-file.ts";
export { openStore, type Store, type StoreOptions } from "./store.ts";
export type { Tables } from "./tables.ts";
