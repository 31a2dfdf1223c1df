// `slipway finetune`: a model that is there learns more.
import path from "node:path";
import { SlipwayError } from "@slipway/core/base";
import { type Command, type CommandContext, listOption, textOption } from "../command.ts";
import { untilInterrupted } from "../interrupt.ts";
import { modelSource, nameFromPath, readProcessing, storeFile } from "../model-files.ts";
import { findModel, findVersion, modelReference, pathHint } from "../model-reference.ts";
import type { Session } from "../session.ts";
import { rowsOrder, SETTINGS_FLAGS, settingsFrom, TRAIN_ROWS_FLAGS, type TrainOrderInput } from "../train-flags.ts";
import { runTraining } from "./train.ts";

const USAGE = "slipway finetune MODEL --data ROWS [--head] [--freeze PATTERN] [--name NAME]";

export const finetune: Command = {
  about:
    "Trains a model that is there on rows, and registers what comes of it as a version. Rows become its inputs as they do when it is measured; its processing stays. --head gives it a new last layer, for other classes; --freeze leaves parameters as they are, for which nothing is computed. It is a job and a run, as `slipway train`.",
  arguments: [{ name: "<model>", description: "ONNX file or directory, NAME, NAME@VERSION or a model's hash" }],
  options: [
    ...TRAIN_ROWS_FLAGS.filter(({ flags }) => !flags.startsWith("--role")),
    { flags: "--head", description: "Replace the last layer by a new one, for the classes of these rows" },
    {
      flags: "--freeze <pattern>",
      description: "Parameters that stay, by name, where * stands for anything; '*' with --head trains the head alone",
      isList: true,
    },
    { flags: "--output <value>", description: "The value that is learnt by; scores before a Softmax if left out" },
    { flags: "--processing <file>", description: "The processing of an ONNX file" },
    { flags: "--name <name>", description: "What the version is called; as the model if left out" },
    ...SETTINGS_FLAGS,
    { flags: "--detach", description: "Do not wait: answer the job, which goes on by itself" },
    { flags: "--reason <text>", description: "Why, for the record" },
  ],
  examples: [
    {
      line: "slipway finetune digits --data letters/ --head --freeze '*'",
      says: "a new last layer on what digits has learnt",
    },
    {
      line: "slipway finetune model.onnx --data rows.npz --target label --rate 0.0001",
      says: "all of somebody else's model",
    },
  ],
  handlesInterrupt: true,
  run: async (context) => {
    const [named] = context.arguments;
    const session = await untilInterrupted(context.connect(), context.signal);
    const { base, name } = await untilInterrupted(baseFrom(context, session, named!), context.signal);
    const rows = await untilInterrupted(rowsOrder(context, session.client, USAGE), context.signal);
    const settings = settingsFrom(context.options);
    await runTraining(context, session, { ...rows, name: textOption(context.options, "name") ?? name, settings, base });
  },
};

interface Base {
  readonly base: NonNullable<TrainOrderInput["base"]>;
  /** What it is called. */
  readonly name: string;
}

async function baseFrom(context: CommandContext, { client }: Session, named: string): Promise<Base> {
  const { options, environment } = context;
  const how = {
    output: textOption(options, "output") ?? null,
    freeze: [...listOption(options, "freeze")],
    isHeadNew: options["head"] === true,
  };
  const { workingDirectory } = environment;
  const reference = modelReference(named);
  if (reference.kind === "path") {
    const source = modelSource(workingDirectory, reference.path, textOption(options, "processing"));
    const hash = await storeFile(client, workingDirectory, source.file, context.progress);
    const processing = source.processingFile === null ? null : await readProcessing(source.processingFile);
    return { base: { ...how, hash, of: path.basename(source.file), processing }, name: nameFromPath(source.file) };
  }
  if (textOption(options, "processing") !== undefined) {
    const hint = reference.kind === "hash" ? "" : pathHint(reference.name, workingDirectory);
    throw new SlipwayError("USAGE", `--processing is for files; a version has its own.${hint}`);
  }
  const version = reference.kind === "hash" ? null : await findVersion(client, reference, workingDirectory);
  const model = reference.kind === "hash" ? await findModel(client, reference) : version!.model;
  const [file, ...others] = model.files;
  if (file === undefined || others.length > 0) {
    throw new SlipwayError(
      "MODEL_UNSUPPORTED",
      `${named} keeps weights in other files, and what is trained is read as one; save it with its weights inside.`,
    );
  }
  const of = version === null ? model.hash.slice(0, 12) : `${version.name}@${version.number}`;
  const processing = version?.processing ?? null;
  return { base: { ...how, hash: file.hash, of, processing }, name: version?.name ?? "model" };
}
