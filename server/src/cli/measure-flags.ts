// Flags of commands that measure on labelled rows: the rows, and what quality can be asked to say of them.
import { SlipwayError } from "@slipway/core/base";
import { datasetOrder } from "#lab/dataset";
import type { MeasurementOptions } from "#lab/measure";
import type { Client, OperationInput } from "slipway/client";
import { type CommandContext, type CommandOptions, listOption, type OptionFact, textOption } from "./command.ts";
import { storeFile } from "./model-files.ts";
import { wholeOption } from "./option-values.ts";

type StoredRows = OperationInput<"startMeasure">["body"]["data"];

/** What `rowsFrom` reads. */
export const ROWS_FLAGS: readonly OptionFact[] = [
  {
    flags: "--data <rows>",
    description:
      "Labelled rows: a file, a folder, a description or a registered NAME, then perhaps @SPLIT (see `slipway dataset`)",
  },
  {
    flags: "--input <name=file.npy>",
    description: "Instead, rows of an input as an array; --data then says what they are called, such as digits/test",
    isList: true,
  },
  { flags: "--labels <file.npy>", description: "With --input: the class index of each row, or the number to predict" },
];

/** What `qualityOptionsFrom` reads. */
export const QUALITY_FLAGS: readonly OptionFact[] = [
  {
    flags: "--task <kind>",
    description: "What the model does; found out from the labels if left out",
    choices: ["classification", "regression"],
  },
  { flags: "--output <name>", description: "The output to take, where there are several" },
  {
    flags: "--scores <kind>",
    description: "What a classifier's scores are; found out if left out",
    choices: ["probabilities", "logits"],
  },
  { flags: "--slice <column>", description: "Column by whose values quality is told apart", isList: true },
  { flags: "--positive <class>", description: "Of two classes, the one that is looked for; class 1 if left out" },
  {
    flags: "--threshold <probability>",
    description: "Of two classes, from where the positive one is predicted; the likelier one if left out",
  },
  { flags: "--top <k>", description: "Count the label as right among the K highest scores", isList: true },
  { flags: "--quantile <share>", description: "Judge a regressor by the loss of this quantile", isList: true },
  { flags: "--confidence <share>", description: "Of intervals; 0.95 if left out" },
  { flags: "--resamples <count>", description: "Of the bootstrap; 2000 if left out, 0 for none" },
  { flags: "--seed <number>", description: "Of the bootstrap; 1 if left out" },
];

/** The labelled rows that were named, stored where the server finds them; null where none were. @throws SlipwayError USAGE */
export async function rowsFrom(context: CommandContext, client: Client): Promise<StoredRows> {
  const { options, environment } = context;
  const named = textOption(options, "data");
  const labels = textOption(options, "labels");
  const inputs = listOption(options, "input").map((text) => {
    const [, name, file] = /^([^=]+)=(.+)$/.exec(text) ?? [];
    if (name === undefined) throw malformed("input", text, "image=images.npy");
    return { name, file: file! };
  });
  if (named === undefined && labels === undefined && inputs.length === 0) return null;
  if (named !== undefined && labels === undefined && inputs.length === 0) {
    return await datasetOrder(named, {
      workingDirectory: environment.workingDirectory,
      find: async (name, number) =>
        await client.getDataset({ params: { name }, query: number === null ? {} : { number } }),
    });
  }
  if (named === undefined || labels === undefined || inputs.length === 0) {
    throw new SlipwayError("USAGE", "Rows as arrays are named by --data, --input and --labels together.");
  }
  const [, name, split = null] = /^([^/]+)(?:\/(.+))?$/.exec(named) ?? [];
  if (name === undefined) throw malformed("data", named, "digits/test");
  const store = (file: string) => storeFile(client, environment.workingDirectory, file, context.progress);
  const stored: Record<string, string> = {};
  for (const { name: input, file } of inputs) stored[input] = await store(file);
  return { name, split, inputs: stored, labels: await store(labels) };
}

/** Only what was given, so that the rest has its defaults. @throws SlipwayError USAGE */
export function qualityOptionsFrom(options: CommandOptions): NonNullable<MeasurementOptions["quality"]> {
  const texts = { output: textOption(options, "output"), positive: textOption(options, "positive") };
  const positive =
    texts.positive !== undefined && /^\d+$/.test(texts.positive) ? Number(texts.positive) : texts.positive;
  const task = textOption(options, "task") as "classification" | "regression" | undefined;
  const scores = textOption(options, "scores") as "probabilities" | "logits" | undefined;
  const top = listOption(options, "top").map((text) => wholeFrom("top", text, "5"));
  const quantiles = listOption(options, "quantile").map((text) => numberFrom("quantile", text, "0.9"));
  const slices = listOption(options, "slice");
  const numbers = {
    threshold: optionalNumber(options, "threshold", "0.3"),
    confidence: optionalNumber(options, "confidence", "0.99"),
    resamples: wholeOption(options, "resamples", 0, 100_000),
    seed: wholeOption(options, "seed", 0, Number.MAX_SAFE_INTEGER),
  };
  const given = {
    task,
    output: texts.output,
    positive,
    scores,
    topK: top.length === 0 ? undefined : top,
    quantiles: quantiles.length === 0 ? undefined : quantiles,
    slices: slices.length === 0 ? undefined : [...slices],
    ...numbers,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function optionalNumber(options: CommandOptions, name: string, example: string): number | undefined {
  const text = textOption(options, name);
  return text === undefined ? undefined : numberFrom(name, text, example);
}

function numberFrom(option: string, text: string, example: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw malformed(option, text, example);
  return value;
}

function wholeFrom(option: string, text: string, example: string): number {
  const value = numberFrom(option, text, example);
  if (!Number.isInteger(value)) throw noWhole(option, text, example);
  return value;
}

/** An option that counts, and has a fraction. */
export function noWhole(option: string, text: string, example: string): SlipwayError {
  return new SlipwayError("USAGE", `--${option} is "${text}"; it takes whole numbers, such as ${example}.`);
}

/** An option that is not written as it has to be. */
export function malformed(option: string, text: string, example: string): SlipwayError {
  return new SlipwayError(
    "USAGE",
    `--${option} ${JSON.stringify(text)} can't be read; write it as --${option} ${example}`,
  );
}
