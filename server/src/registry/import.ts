// Importing: files become blobs, blobs become a model, the model a version. What is on the disk is examined, not what
// was read on the way there; nothing is registered before it was examined and accepted, and then all of it at once.
import path from "node:path";
import { createHash } from "node:crypto";
import { assert, SlipwayError } from "@slipway/core/base";
import { type ModelScan, unsafeReason } from "@slipway/core/onnx";
import { isHash } from "#store";
import { assertName, type RegistryContext } from "./context.ts";
import { discardBlob } from "./gc.ts";
import { HeldBlobs } from "./leases.ts";
import { type LocalFile, openExternalFile, openNamedFile } from "./local-files.ts";
import { findModel, modelHash, putModel } from "./models.ts";
import type { Authority, JsonObject, Model, ModelFile, Version } from "./types.ts";
import { createVersion } from "./versions.ts";

/** A model that was examined and is stored, but not registered yet. */
export interface Candidate {
  readonly hash: string;
  readonly mainFile: string;
  readonly files: readonly ModelFile[];
  readonly scan: ModelScan;
}

export interface ImportRequest extends Authority {
  readonly name: string;
  readonly processing: JsonObject | null;
  /** Where it came from, for people. */
  readonly source: string;
  readonly note: string | null;
  /** The number the version must have, as a repository directory says; null takes the next. */
  readonly number: number | null;
  /** Last look before the model is registered, such as a trial run; throws to refuse it. */
  readonly accept?: (candidate: Candidate) => Promise<void>;
}

/** Files that are stored already. */
export interface StoredImport extends ImportRequest {
  /** Path of the ONNX file among `files`. */
  readonly mainFile: string;
  readonly files: readonly { readonly path: string; readonly hash: string }[];
}

/** Files on this machine: an ONNX file, and beside it the external data it names. */
export interface FileImport extends ImportRequest {
  readonly file: string;
  /** Most bytes all its files may have together; null sets no limit. */
  readonly limitBytes: number | null;
}

export interface Imported {
  readonly model: Model;
  readonly version: Version;
  /** False where the name already had this model with this processing. */
  readonly isNew: boolean;
}

/**
 * Registers stored files as a version.
 * @throws SlipwayError NAME_INVALID, BLOB_NOT_FOUND, REQUEST_MALFORMED where files are missing or not used, what
 * examining throws, what `accept` throws, STATE_CONFLICT for a number that is taken
 */
export async function importStored(context: RegistryContext, request: StoredImport): Promise<Imported> {
  assertName(request.name, "a model");
  using held = new HeldBlobs(context.leases);
  const files: ModelFile[] = [];
  for (const { path, hash } of request.files) {
    if (!isHash(hash)) throw malformed(`The hash ${JSON.stringify(hash)} of "${path}" is no SHA-256.`);
    if (files.some((file) => file.path === path)) throw malformed(`The file "${path}" is named twice.`);
    const reason = unsafeReason(path);
    if (reason !== null)
      throw new SlipwayError(
        "MODEL_UNSAFE",
        `The file name ${JSON.stringify(path.slice(0, 200))} ${reason}. Name files by plain relative paths.`,
      );
    await held.hold(hash);
    files.push({ path, hash, sizeBytes: (await context.blobs.place(hash)).sizeBytes });
  }
  const main = files.find((file) => file.path === request.mainFile);
  if (main === undefined)
    throw malformed(
      `The ONNX file "${request.mainFile}" is not among the files: ${quoted(files.map((file) => file.path))}.`,
    );
  const scan = await context.scan(await context.blobs.place(main.hash));
  refuseSelfReference(main.path, scan);
  const needed = new Set([main.path, ...scan.externalFiles.map((file) => file.location)]);
  const missing = [...needed].filter((path) => !files.some((file) => file.path === path));
  if (missing.length > 0)
    throw malformed(`The model needs external data that was not sent: ${quoted(missing)}. Send these files too.`);
  const unused = files.filter((file) => !needed.has(file.path)).map((file) => file.path);
  if (unused.length > 0)
    throw malformed(`The model does not refer to ${quoted(unused)}. Send only the ONNX file and its external data.`);
  return await register(context, request, candidateFrom(main.path, files, scan));
}

/**
 * Copies files of this machine into the store and registers them as a version. Where that fails nothing stays behind.
 * @throws SlipwayError FILE_UNREADABLE, MODEL_UNSAFE, MODEL_TOO_LARGE, and what `importStored` throws
 */
export async function importFile(context: RegistryContext, request: FileImport): Promise<Imported> {
  assertName(request.name, "a model");
  const written: string[] = [];
  try {
    using held = new HeldBlobs(context.leases);
    const limit = { leftBytes: request.limitBytes ?? Number.MAX_SAFE_INTEGER, limitBytes: request.limitBytes };
    const copy = async (file: LocalFile, path: string): Promise<ModelFile> => {
      await using open = file;
      limit.leftBytes -= open.sizeBytes;
      if (limit.leftBytes < 0)
        throw new SlipwayError(
          "MODEL_TOO_LARGE",
          `The model's files are larger than the limit of ${limit.limitBytes} bytes together.`,
        );
      return { ...(await store(context, held, written, open)), path };
    };
    const main = await copy(await openNamedFile(request.file), mainName(request.file));
    const scan = await context.scan(await context.blobs.place(main.hash));
    const files = [main];
    const folder = path.dirname(request.file);
    refuseSelfReference(main.path, scan);
    for (const external of scan.externalFiles) {
      files.push(await copy(await openExternalFile(folder, external.location), external.location));
    }
    return await register(context, request, candidateFrom(main.path, files, scan));
  } catch (error) {
    for (const hash of written) await discardBlob(context, hash).catch(() => {}); // else garbage collection finds it
    throw error;
  }
}

/** What the ONNX file is called in the store: as it is, unless that would not do everywhere. */
function mainName(file: string): string {
  const name = path.basename(file);
  return unsafeReason(name) === null ? name : "model.onnx";
}

/** Stores a file unless its bytes are stored already; notes in `written` what was not there before. */
async function store(
  context: RegistryContext,
  held: HeldBlobs,
  written: string[],
  file: LocalFile,
): Promise<{ readonly hash: string; readonly sizeBytes: number }> {
  const digest = createHash("sha256");
  for await (const chunk of file.stream()) digest.update(chunk);
  const hash = digest.digest("hex");
  await held.hold(hash);
  if (await context.blobs.renew(hash)) return { hash, sizeBytes: file.sizeBytes };
  written.push(hash);
  try {
    return await context.blobs.put(file.stream(), { expectedHash: hash });
  } catch (error) {
    if (error instanceof SlipwayError && error.code === "REQUEST_MALFORMED")
      throw new SlipwayError("FILE_UNREADABLE", `The file "${file.path}" was changed while it was read. Try again.`);
    throw error;
  }
}

/** @throws SlipwayError MODEL_UNSAFE */
function refuseSelfReference(mainFile: string, scan: ModelScan): void {
  if (scan.externalFiles.some(({ location }) => location === mainFile))
    throw new SlipwayError("MODEL_UNSAFE", `The model refers to its own file "${mainFile}" as external data.`);
}

/** @throws SlipwayError MODEL_INVALID where a reference reaches behind the end of its file */
function candidateFrom(mainFile: string, files: readonly ModelFile[], scan: ModelScan): Candidate {
  for (const { location, minimumBytes } of scan.externalFiles) {
    const file = files.find((file) => file.path === location);
    assert(file !== undefined, `The external file "${location}" was not looked at.`);
    if (file.sizeBytes < minimumBytes)
      throw new SlipwayError(
        "MODEL_INVALID",
        `The external data "${location}" has ${file.sizeBytes} bytes, and the model refers to ${minimumBytes} of them. The file is cut short, or of another model.`,
      );
  }
  return { hash: modelHash(mainFile, files), mainFile, files, scan };
}

async function register(context: RegistryContext, request: ImportRequest, candidate: Candidate): Promise<Imported> {
  await request.accept?.(candidate);
  return await context.database.transaction().execute(async (queries) => {
    const hash = await putModel(context, queries, candidate);
    const { name, processing, source, note, number } = request;
    const { version, isNew } = await createVersion(
      context,
      queries,
      { name, modelHash: hash, processing, source, note, number },
      { actor: request.actor, reason: request.reason },
    );
    const model = await findModel(context, queries, hash);
    assert(model !== null, `The model ${hash} was registered and is gone.`);
    return { model, version, isNew };
  });
}

function malformed(message: string): SlipwayError {
  return new SlipwayError("REQUEST_MALFORMED", message);
}

function quoted(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => JSON.stringify(name.slice(0, 200)));
  return shown.join(", ") + (names.length > shown.length ? ` and ${names.length - shown.length} more` : "");
}
