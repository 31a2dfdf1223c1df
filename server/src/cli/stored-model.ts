// A registered model as files again, for a command that loads it beside the server that has it.
import { createWriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { SlipwayError } from "@slipway/core/base";
import type { ModelView } from "slipway/client";
import type { CommandContext } from "./command.ts";
import type { ModelSource } from "./model-files.ts";

/**
 * Writes a registered model's files, and its processing where there is some, into a directory.
 * @throws SlipwayError BLOB_NOT_FOUND, BLOB_CORRUPT, FILE_UNREADABLE
 */
export async function writeStoredModel(
  { platform, configuration, signal }: Pick<CommandContext, "platform" | "configuration" | "signal">,
  model: ModelView,
  processing: unknown,
  directory: string,
): Promise<ModelSource> {
  const { dataDir } = configuration.settings;
  const loaded = await platform();
  const folder = path.resolve(directory, "files");
  for (const { path: name, hash } of model.files) {
    const file = path.resolve(folder, name);
    // The registry takes no such names; a server that is not ours might.
    if (!file.startsWith(folder + path.sep))
      throw new SlipwayError("FILE_UNREADABLE", `The model's file ${JSON.stringify(name)} lies outside its directory.`);
    await mkdir(path.dirname(file), { recursive: true });
    await pipeline(Readable.from(loaded.readBlob(dataDir, hash)), createWriteStream(file), { signal });
  }
  const processingFile = processing === null ? null : path.join(directory, "processing.json");
  if (processingFile !== null) await writeFile(processingFile, JSON.stringify(processing));
  return { file: path.resolve(folder, model.mainFile), processingFile };
}
