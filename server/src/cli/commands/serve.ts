// `slipway serve`: files answered at once; nothing is kept.
import { statSync } from "node:fs";
import path from "node:path";
import { isName, SlipwayError } from "@slipway/core/base";
import type { Configuration } from "#config";
import { type Command, type CommandContext, textOption } from "../command.ts";
import { fileError } from "../files.ts";
import { type ModelSource, modelSource, nameFromPath } from "../model-files.ts";
import { announce, slipwayCommand, type TryIt, untilStopped } from "../running.ts";
import { deployFiles, withTemporaryDirectory } from "../temporary-server.ts";

export const serve: Command = {
  about:
    "Serves model files at once, each as an endpoint named after its file, or after what stands before an equals sign. Nothing is registered or kept; `slipway status`, `infer`, `bench`, `release`, `config --server` and `stop` without --data-dir find it. A directory without model.onnx is served as a repository, NAME/VERSION/model.onnx, as Triton and TensorFlow Serving have it.",
  arguments: [
    { name: "<models...>", description: "ONNX files, NAME=FILE, directories with model.onnx, or one repository" },
  ],
  options: [{ flags: "--processing <file>", description: "Steps before and after the model, as JSON, for one model" }],
  settings: "all",
  examples: [
    { line: "slipway serve model.onnx", says: "answers at http://127.0.0.1:8000/v2/models/model" },
    { line: "slipway serve big=a.onnx small=b.onnx --port 9000", says: "two files under names of their own" },
    { line: "slipway serve ./models", says: "a whole repository" },
  ],
  handlesInterrupt: true,
  run: async (context) => {
    const startedAt = context.environment.now();
    const { models, repository } = modelsFrom(context);
    await withTemporaryDirectory(
      async (directory) => {
        context.progress.step("Starting …");
        const platform = await context.platform();
        const configuration = configurationFor(context.configuration, directory, repository);
        const server = await platform.start(configuration, context.signal);
        try {
          for (const { name, source } of models) await deployFiles(server, source, name, context);
          const announced = {
            version: platform.version,
            server,
            dataDirectory: null,
            tries: triesFor(models, server.inferenceAddress, slipwayCommand(context.environment)),
            startedAt,
          };
          announce(context, announced);
          await untilStopped(context, server);
        } catch (error) {
          await server.stop(0);
          throw error;
        }
      },
      { isFindable: true },
    );
  },
};

interface NamedSource {
  readonly name: string;
  readonly source: ModelSource;
}

function modelsFrom(context: CommandContext): { models: readonly NamedSource[]; repository: string | null } {
  const { workingDirectory } = context.environment;
  const processing = textOption(context.options, "processing");
  const given = context.arguments;
  if (processing !== undefined && given.length > 1)
    throw new SlipwayError("USAGE", "--processing goes with one model.");
  if (given.length === 1 && isRepository(path.resolve(workingDirectory, given[0]!), given[0]!)) {
    return { models: [], repository: path.resolve(workingDirectory, given[0]!) };
  }
  const models = given.map((text) => {
    const [, named, file] = /^(?:([^=/\\]+)=)?(.+)$/s.exec(text)!;
    const source = modelSource(workingDirectory, file!, processing);
    const name = named ?? nameFromPath(source.file);
    if (!isName(name)) throw new SlipwayError("NAME_INVALID", `"${name}" can't be a name.`);
    return { name, source };
  });
  const twice = models.find(({ name }, index) => models.findIndex((model) => model.name === name) < index);
  if (twice !== undefined) {
    throw new SlipwayError("USAGE", `Two models would be called "${twice.name}"; name one: OTHER=${twice.source.file}`);
  }
  return { models, repository: null };
}

/** A directory that is not itself a model. */
function isRepository(full: string, given: string): boolean {
  if (given.includes("=") && statSync(full, { throwIfNoEntry: false }) === undefined) return false;
  try {
    if (!statSync(full).isDirectory()) return false;
  } catch (error) {
    throw fileError(given, error);
  }
  return statSync(path.join(full, "model.onnx"), { throwIfNoEntry: false }) === undefined;
}

function configurationFor(configuration: Configuration, dataDir: string, repository: string | null): Configuration {
  const { settings } = configuration;
  return { ...configuration, settings: { ...settings, dataDir, repository: repository ?? settings.repository } };
}

function triesFor(models: readonly NamedSource[], address: string, slipway: string): TryIt[] {
  const [first] = models;
  if (first === undefined) return [];
  return [
    { says: "What it takes and gives", line: `curl ${address}/v2/models/${first.name}` },
    { says: "How fast it is", line: `${slipway} bench ${address}/v2/models/${first.name}` },
  ];
}
