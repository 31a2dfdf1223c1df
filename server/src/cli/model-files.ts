// A model from files on this machine to a version in the registry: what belongs to it is found by examining it here, and
// only bytes that are not stored yet are sent.
import { createHash } from "node:crypto";
import { readSync, statSync } from "node:fs";
import { open, stat } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { LIMITS, SlipwayError } from "@slipway/core/base";
import { type ByteSource, byteSourceFromFile } from "@slipway/core/graph";
import { type ModelScan, scanModel } from "@slipway/core/onnx";
import { type LocalFile, openExternalFile, openNamedFile } from "#registry";
import type { Client, OperationOutput } from "slipway/client";
import { fileError, readNamedFile } from "./files.ts";
import type { Progress } from "./terminal.ts";
import { size } from "./text.ts";

/** The names looked for where a directory stands for a model. */
const MODEL_FILE = "model.onnx";
const PROCESSING_FILE = "processing.json";
/** Smaller files are read at once; of larger ones only what describes the graph. */
const READ_WHOLE_BYTES = 2 ** 28;

/** Where a model and what goes with it lie. */
export interface ModelSource {
  /** The ONNX file. */
  readonly file: string;
  /** Its processing's file, where there is one. */
  readonly processingFile: string | null;
}

/**
 * Finds the model a path stands for: an ONNX file, or a directory with `model.onnx` and perhaps `processing.json`.
 * @param processing a processing file named by the user
 * @throws SlipwayError FILE_UNREADABLE
 */
export function modelSource(workingDirectory: string, given: string, processing: string | undefined): ModelSource {
  const full = path.resolve(workingDirectory, given);
  const named = processing === undefined ? null : path.resolve(workingDirectory, processing);
  if (kindOf(full, given) === "file") return { file: full, processingFile: named };
  const file = path.join(full, MODEL_FILE);
  if (!exists(file)) throw new SlipwayError("FILE_UNREADABLE", `The directory ${given} has no ${MODEL_FILE}.`);
  const beside = path.join(full, PROCESSING_FILE);
  return { file, processingFile: named ?? (exists(beside) ? beside : null) };
}

/** A name for a model from its path: the file's, or its directory's where the file is called model.onnx. */
export function nameFromPath(file: string): string {
  const stem = path.basename(file).replace(/\.onnx$/i, "");
  const base = stem === "model" ? path.basename(path.dirname(file)) : stem;
  return (
    base
      .replace(/[^A-Za-z0-9._-]+/g, "-")
      .replace(/^[^A-Za-z0-9]+/, "")
      .slice(0, LIMITS.nameLength) || "model"
  );
}

/**
 * Examines a model file without running it.
 * @throws SlipwayError FILE_UNREADABLE, MODEL_*
 */
export async function scanFile(file: string): Promise<ModelScan> {
  return await withModelBytes(file, scanModel);
}

/**
 * Reads a model file: at once, or of a large one what `use` asks for, as long as it runs.
 * @throws SlipwayError FILE_UNREADABLE, and what `use` throws
 */
export async function withModelBytes<Result>(
  file: string,
  use: (bytes: ByteSource | Uint8Array) => Result | Promise<Result>,
): Promise<Result> {
  try {
    // Before it is opened: a pipe would be waited for, and a device has no end.
    if (!(await stat(file)).isFile())
      throw new SlipwayError("FILE_UNREADABLE", `${file} is not a regular file. Name a model file.`);
    const handle = await open(file);
    try {
      const { size: sizeBytes } = await handle.stat();
      if (sizeBytes <= READ_WHOLE_BYTES) return await use(await handle.readFile());
      const source = byteSourceFromFile(sizeBytes, (target, position) => {
        const count = readSync(handle.fd, target, { position });
        if (count === 0) throw new SlipwayError("FILE_UNREADABLE", `${file} became shorter while it was read.`);
        return count;
      });
      return await use(source);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw (error as NodeJS.ErrnoException).syscall === undefined ? error : fileError(file, error);
  }
}

/**
 * Brings a model into the registry.
 * @throws SlipwayError FILE_UNREADABLE, MODEL_*, PROCESSING_INVALID, NAME_INVALID
 */
export async function importFiles(
  client: Client,
  source: ModelSource,
  facts: { readonly name: string; readonly note: string | null },
  progress: Progress,
): Promise<OperationOutput<"importVersion">> {
  const main = path.basename(source.file);
  const folder = path.dirname(source.file);
  progress.step(`Examining ${main} …`);
  const scan = await scanFile(source.file);
  const files: { path: string; hash: string }[] = [];
  for (const location of [null, ...scan.externalFiles.map((file) => file.location)]) {
    await using file = location === null ? await openNamedFile(source.file) : await openExternalFile(folder, location);
    files.push({ path: location ?? main, hash: await sendFile(client, file, location ?? main, progress) });
  }
  progress.step(`Registering ${facts.name} …`);
  const processing = source.processingFile === null ? null : await readProcessing(source.processingFile);
  return await client.importVersion({
    body: { name: facts.name, main, files, processing, source: main, note: facts.note },
  });
}

/**
 * Stores a file of the user's unless it is there already, and answers its hash.
 * @throws SlipwayError FILE_UNREADABLE
 */
export async function storeFile(
  client: Client,
  workingDirectory: string,
  file: string,
  progress: Progress,
): Promise<string> {
  await using local = await openNamedFile(path.resolve(workingDirectory, file));
  return await sendFile(client, local, file, progress);
}

/** Stores a file's bytes unless they are there already, and answers their hash. */
async function sendFile(client: Client, file: LocalFile, shown: string, progress: Progress): Promise<string> {
  const digest = createHash("sha256");
  for await (const chunk of file.stream()) digest.update(chunk);
  const hash = digest.digest("hex");
  const { isStored } = await client.hasBlob({ params: { hash } });
  if (isStored) return hash;
  progress.step(`Storing ${shown}, ${size(file.sizeBytes)} …`);
  await client.putBlob({ params: { hash }, body: uploadFrom(file) });
  return hash;
}

/** Both a server's client (fetch takes what can be iterated) and the operations themselves take this. */
function uploadFrom(file: LocalFile): NonNullable<RequestInit["body"]> {
  const stream: unknown = Readable.from(file.stream());
  return stream as NonNullable<RequestInit["body"]>;
}

/** @throws SlipwayError FILE_UNREADABLE, PROCESSING_INVALID */
export async function readProcessing(file: string): Promise<unknown> {
  const text = (await readNamedFile("/", file)).toString("utf8");
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SlipwayError("PROCESSING_INVALID", `${file} is not JSON: ${(error as Error).message}.`, { cause: error });
  }
}

function kindOf(full: string, given: string): "file" | "directory" {
  try {
    return statSync(full).isDirectory() ? "directory" : "file";
  } catch (error) {
    throw fileError(given, error);
  }
}

function exists(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false }) !== undefined;
}
