// A backup to restore, in either form: what it says it holds, and its files one after the other.
import { type FileHandle, lstat, open } from "node:fs/promises";
import path from "node:path";
import { SlipwayError } from "@slipway/core/base";
import { READ_SAFELY, systemCode } from "#store";
import {
  type BackupFile,
  filesOf,
  invalid,
  type Manifest,
  MANIFEST_FILE,
  MANIFEST_LIMIT_BYTES,
  manifestFromText,
} from "./manifest.ts";
import { readBytes, readTar, type TarEntry } from "./tar.ts";

export interface SourceFile {
  readonly file: BackupFile;
  readonly bytes: AsyncIterable<Uint8Array>;
}

export interface BackupSource {
  readonly manifest: Manifest;
  /** Every file of the manifest once. @throws SlipwayError BACKUP_INVALID where one is missing or too many */
  files(): AsyncGenerator<SourceFile, void, undefined>;
  close(): Promise<void>;
}

/**
 * Opens a backup and reads what it says it holds.
 * @throws SlipwayError FILE_UNREADABLE, BACKUP_INVALID
 */
export async function openBackup(from: string): Promise<BackupSource> {
  try {
    if ((await lstat(from)).isDirectory()) return await openDirectory(from);
    return await openArchive(from);
  } catch (error) {
    if (error instanceof SlipwayError || systemCode(error) === null) throw error;
    throw new SlipwayError("FILE_UNREADABLE", `The backup "${from}" can't be read (${systemCode(error)}).`, {
      cause: error,
    });
  }
}

async function openDirectory(from: string): Promise<BackupSource> {
  const handle = await openFile(from, MANIFEST_FILE, `it has no ${MANIFEST_FILE}, so it is none or was never finished`);
  let manifest: Manifest;
  try {
    const { size } = await handle.stat();
    manifest = await readManifest(from, size, readBytes(handle, 0, size));
  } finally {
    await handle.close();
  }
  async function* files(): AsyncGenerator<SourceFile, void, undefined> {
    for (const file of filesOf(manifest)) {
      const opened = await openFile(from, file.path, `its file ${file.path} is not there`);
      try {
        const { size } = await opened.stat();
        if (size !== file.sizeBytes)
          throw invalid(from, `its file ${file.path} has ${size} bytes instead of ${file.sizeBytes}`);
        yield { file, bytes: readBytes(opened, 0, size) };
      } finally {
        await opened.close();
      }
    }
  }
  return { manifest, files, close: async () => {} };
}

async function openFile(from: string, name: string, why: string): Promise<FileHandle> {
  try {
    return await open(path.join(from, name), READ_SAFELY);
  } catch (error) {
    const code = systemCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") throw invalid(from, why);
    if (code === "ELOOP") throw invalid(from, `its file ${name} is a symbolic link`);
    throw error;
  }
}

async function openArchive(from: string): Promise<BackupSource> {
  const handle = await open(from, READ_SAFELY);
  try {
    if (!(await handle.stat()).isFile()) throw invalid(from, "it is neither a file nor a directory");
    const entries = readTar(handle, (why) => invalid(from, why));
    const { value: first } = await entries.next();
    if (first?.path !== MANIFEST_FILE)
      throw invalid(from, `it does not begin with ${MANIFEST_FILE}; if it was packed anew, unpack it and restore that`);
    const manifest = await readManifest(from, first.sizeBytes, first.bytes);
    return { manifest, files: () => archiveFiles(from, manifest, entries), close: () => handle.close() };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function* archiveFiles(
  from: string,
  manifest: Manifest,
  entries: AsyncIterable<TarEntry>,
): AsyncGenerator<SourceFile, void, undefined> {
  const missing = new Map(filesOf(manifest).map((file) => [file.path, file]));
  for await (const { path: name, sizeBytes, bytes } of entries) {
    const file = missing.get(name);
    if (file === undefined) throw invalid(from, `its file ${name} is twice there, or not of it`);
    if (sizeBytes !== file.sizeBytes)
      throw invalid(from, `its file ${name} has ${sizeBytes} bytes instead of ${file.sizeBytes}`);
    missing.delete(name);
    yield { file, bytes };
  }
  for (const name of missing.keys()) throw invalid(from, `its file ${name} is not there`);
}

async function readManifest(from: string, sizeBytes: number, bytes: AsyncIterable<Uint8Array>): Promise<Manifest> {
  if (sizeBytes > MANIFEST_LIMIT_BYTES) throw invalid(from, `its ${MANIFEST_FILE} has ${sizeBytes} bytes`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return manifestFromText(Buffer.concat(chunks).toString("utf8"), from);
}
