// `slipway measure`: what can be said of a version, measured and kept as evidence.
import { SlipwayError } from "@slipway/core/base";
import { MEASUREMENT_NAMES, MEASUREMENTS, type MeasurementName, type MeasurementOptions } from "#lab/measure";
import type { Client, OperationInput } from "slipway/client";
import { type Command, type CommandContext, type CommandOptions, listOption, textOption } from "../command.ts";
import { versionText } from "../endpoint-text.ts";
import { untilInterrupted } from "../interrupt.ts";
import { queuedText } from "../job-text.ts";
import { measured } from "../measured.ts";
import { storeFile } from "../model-files.ts";
import { findVersion, versionReference } from "../model-reference.ts";
import { evidenceText } from "../policy-text.ts";
import { slipwayCommand } from "../running.ts";

type MeasureBody = OperationInput<"startMeasure">["body"];

export const measure: Command = {
  about:
    "Measures a version and keeps each finding as evidence: a value, its interval where it has one, the method, the machine, the code, under a hash over all of it. Launch policies are answered from evidence (see `slipway policy`). It is a job (see `slipway job`): whatever ends the server, it goes on where it was. Ctrl-C cancels it.",
  arguments: [
    { name: "<model>", description: "NAME (the newest version) or NAME@VERSION" },
    { name: "[what...]", description: `What to measure: ${MEASUREMENT_NAMES.join(", ")}; all if left out` },
  ],
  options: [
    {
      flags: "--axis <name=length>",
      description: "Length of an axis the model leaves open; 1 if left out",
      isList: true,
    },
    { flags: "--shape <input=d1,d2,...>", description: "Whole shape of an input", isList: true },
    { flags: "--data <name/split>", description: "quality: what the rows are called, such as digits/test" },
    { flags: "--input <name=file.npy>", description: "quality: rows of an input, along the first axis", isList: true },
    { flags: "--labels <file.npy>", description: "quality: the class index of each row" },
    { flags: "--output <name>", description: "quality: the output with the scores, where there are several" },
    {
      flags: "--scores <kind>",
      description: "quality: what the scores are; found out if left out",
      choices: ["probabilities", "logits"],
    },
    { flags: "--detach", description: "Do not wait: answer the job, which goes on by itself" },
    { flags: "--show", description: "Only show what was measured before" },
    { flags: "--reason <text>", description: "Why, for the record" },
  ],
  examples: [
    { line: "slipway measure digits size", says: "how large the newest version of digits is" },
    {
      line: "slipway measure encoder compute --axis batch=1 --axis tokens=128",
      says: "what a run of 128 tokens computes",
    },
    {
      line: "slipway measure digits quality --data digits/test --input image=images.npy --labels labels.npy",
      says: "accuracy and more on labelled rows, with intervals",
    },
    { line: "slipway measure digits compute --detach", says: "answers at once; see `slipway job`" },
    { line: "slipway measure digits@1 --show", says: "all evidence of version 1, newest first" },
  ],
  handlesInterrupt: true,
  run: async (context) => {
    const { signal } = context;
    const [model, ...what] = context.arguments;
    const reference = versionReference(model!);
    const unknown = what.find((name) => !(MEASUREMENT_NAMES as readonly string[]).includes(name));
    if (unknown !== undefined) {
      throw new SlipwayError("USAGE", `"${unknown}" can't be measured; there is ${MEASUREMENT_NAMES.join(", ")}.`);
    }
    const session = await untilInterrupted(context.connect(), signal);
    const { client } = session;
    const { name, number } = await untilInterrupted(findVersion(client, reference), signal);
    const params = { name, number };
    if (context.options["show"] === true) {
      const evidence = await client.listEvidence({ params, query: {} });
      const wanted = what.length === 0 ? evidence : evidence.filter(({ kind }) => what.includes(kind));
      context.answer(wanted, () =>
        wanted.length === 0 ? `Nothing was measured of ${versionText(params)} yet.` : evidenceText(wanted),
      );
      return;
    }
    const data = await untilInterrupted(rowsFrom(context, client), signal);
    const chosen =
      what.length === 0
        ? MEASUREMENT_NAMES.filter((one) => data !== null || !MEASUREMENTS[one].needsRows)
        : (what as MeasurementName[]);
    const reason = textOption(context.options, "reason") ?? null;
    const wanted = { params, body: { what: chosen, options: optionsFrom(chosen, context.options), data, reason } };
    if (context.options["detach"] === true) {
      const job = await untilInterrupted(client.startMeasure(wanted), signal);
      context.answer(job, () => queuedText(job, session.kind, slipwayCommand(context.environment)));
      return;
    }
    context.progress.step(`Measuring ${versionText(params)} …`);
    const found = await measured(context, session, wanted);
    context.answer(found, () => evidenceText(found));
  },
};

/** The labelled rows that were named, stored where the server finds them; null where none were. @throws SlipwayError USAGE */
async function rowsFrom(context: CommandContext, client: Client): Promise<MeasureBody["data"]> {
  const { options, environment } = context;
  const named = textOption(options, "data");
  const labels = textOption(options, "labels");
  const inputs = listOption(options, "input").map((text) => {
    const [, name, file] = /^([^=]+)=(.+)$/.exec(text) ?? [];
    if (name === undefined) throw malformed("input", text, "image=images.npy");
    return { name, file: file! };
  });
  if (named === undefined && labels === undefined && inputs.length === 0) return null;
  if (named === undefined || labels === undefined || inputs.length === 0) {
    throw new SlipwayError("USAGE", "Labelled rows are named by --data, --input and --labels together.");
  }
  const [, name, split = null] = /^([^/]+)(?:\/(.+))?$/.exec(named) ?? [];
  if (name === undefined) throw malformed("data", named, "digits/test");
  const store = (file: string) => storeFile(client, environment.workingDirectory, file, context.progress);
  const stored: Record<string, string> = {};
  for (const { name: input, file } of inputs) stored[input] = await store(file);
  return {
    name,
    split,
    inputs: stored,
    labels: await store(labels),
    output: textOption(options, "output") ?? null,
    scores: (textOption(options, "scores") ?? null) as "probabilities" | "logits" | null,
  };
}

/** What each measurement takes, from the flags. @throws SlipwayError USAGE */
function optionsFrom(chosen: readonly MeasurementName[], options: CommandOptions): MeasurementOptions {
  const shapes = shapesFrom(options);
  const takesShapes = chosen.filter((name) => Object.hasOwn(MEASUREMENTS[name].options.shape, "shapes"));
  return Object.fromEntries(takesShapes.map((name) => [name, { shapes }]));
}

/** Lengths of axes and shapes of inputs, from `batch=1` and `x=1,3,224,224`. @throws SlipwayError USAGE */
function shapesFrom(options: CommandOptions): { symbols: Record<string, number>; inputs: Record<string, number[]> } {
  const symbols = listOption(options, "axis").map((text) => {
    const { name, lengths } = namedLengths("axis", text, "batch=1");
    if (lengths.length !== 1) throw malformed("axis", text, "batch=1");
    return [name, lengths[0]!] as const;
  });
  const inputs = listOption(options, "shape").map((text) => {
    const { name, lengths } = namedLengths("shape", text, "image=1,3,224,224");
    return [name, lengths] as const;
  });
  return { symbols: Object.fromEntries(symbols), inputs: Object.fromEntries(inputs) };
}

function namedLengths(option: string, text: string, example: string): { name: string; lengths: number[] } {
  const [, name, numbers] = /^(.+)=(\d{1,9}(?:,\d{1,9})*)$/.exec(text) ?? [];
  if (name === undefined) throw malformed(option, text, example);
  return { name, lengths: numbers!.split(",").map(Number) };
}

function malformed(option: string, text: string, example: string): SlipwayError {
  return new SlipwayError(
    "USAGE",
    `--${option} ${JSON.stringify(text)} can't be read; write it as --${option} ${example}`,
  );
}
