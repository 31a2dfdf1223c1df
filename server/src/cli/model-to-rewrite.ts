// A model that a command makes another from: found by what the user named, with its files, for a contained process to read.
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { SlipwayError } from "@slipway/core/base";
import type { ModelFile, ModelFiles } from "#runtime";
import type { CommandContext } from "./command.ts";
import { fileError } from "./files.ts";
import { modelSource, scanFile } from "./model-files.ts";
import { findModel, modelReference } from "./model-reference.ts";
import { writeStoredModel } from "./stored-model.ts";

/**
 * The files of the model that was named first.
 * @param out where the new model will be written, which must be beside weights that lie in other files; null where it will not
 * @param directory a temporary one, for a registered model
 * @throws SlipwayError USAGE, FILE_UNREADABLE, MODEL_*
 */
export async function modelToRewrite(
  context: CommandContext,
  out: string | null,
  directory: string,
): Promise<ModelFiles> {
  const source = await modelFileOf(context, context.arguments[0]!, directory);
  context.progress.step(`Examining ${path.basename(source)} …`);
  const scan = await scanFile(source);
  const folder = path.dirname(source);
  if (out !== null && scan.externalFiles.length > 0 && folder !== path.dirname(out)) {
    const names = scan.externalFiles.map(({ location }) => location).join(", ");
    throw new SlipwayError(
      "USAGE",
      `The model keeps weights in ${names}, which the new file refers to as well: write it into the same directory, ${folder}.`,
    );
  }
  const overwritten = scan.externalFiles.find(({ location }) => path.join(folder, location) === out);
  if (overwritten !== undefined)
    throw new SlipwayError(
      "USAGE",
      `${overwritten.location} holds weights of the model, which the new file refers to as well: write it to another file.`,
    );
  const externalData = scan.externalFiles.map(
    ({ location, minimumBytes }): ModelFile => ({
      name: location,
      path: path.join(folder, location),
      offset: 0,
      sizeBytes: minimumBytes,
    }),
  );
  return { model: { name: path.basename(source), path: source, offset: 0, sizeBytes: scan.sizeBytes }, externalData };
}

/**
 * The ONNX file of a model; a registered one is written into the directory.
 * @throws SlipwayError USAGE, FILE_UNREADABLE, MODEL_NOT_FOUND, VERSION_NOT_FOUND
 */
export async function modelFileOf(context: CommandContext, named: string, directory: string): Promise<string> {
  const { workingDirectory } = context.environment;
  const reference = modelReference(named);
  if (reference.kind === "path") return modelSource(workingDirectory, reference.path, undefined).file;
  const { client } = await context.connect();
  const model = await findModel(client, reference, workingDirectory);
  const files = path.join(directory, "model");
  await mkdir(files);
  return (await writeStoredModel(context, model, null, files)).file;
}

/**
 * Writes a model that came as base64.
 * @returns its bytes
 * @throws SlipwayError FILE_UNREADABLE
 */
export async function writeRewritten(file: string, shown: string, model: string): Promise<number> {
  const bytes = Buffer.from(model, "base64");
  try {
    await writeFile(file, bytes);
  } catch (error) {
    throw fileError(shown, error, "written");
  }
  return bytes.byteLength;
}
