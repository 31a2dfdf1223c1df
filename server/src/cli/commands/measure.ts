// `slipway measure`: what can be said of a version, measured and kept as evidence.
import { SlipwayError } from "@slipway/core/base";
import { MEASUREMENT_NAMES, MEASUREMENTS, type MeasurementName, type MeasurementOptions } from "#lab/measure";
import { type Command, type CommandOptions, listOption, textOption } from "../command.ts";
import { versionText } from "../endpoint-text.ts";
import { untilInterrupted } from "../interrupt.ts";
import { queuedText } from "../job-text.ts";
import { measured } from "../measured.ts";
import { malformed, QUALITY_FLAGS, qualityOptionsFrom, ROWS_FLAGS, rowsFrom } from "../measure-flags.ts";
import { findVersion, versionReference } from "../model-reference.ts";
import { evidenceText } from "../policy-text.ts";
import { slipwayCommand } from "../running.ts";

/** What is measured of one version; what compares two is `slipway compare`. */
const HERE = MEASUREMENT_NAMES.filter((name) => !MEASUREMENTS[name].needsRival);

export const measure: Command = {
  about:
    "Measures a version and keeps each finding as evidence: a value, its interval where it has one, the method, the machine, the code, under a hash over all of it. Launch policies are answered from evidence (see `slipway policy`). It is a job (see `slipway job`): whatever ends the server, it goes on where it was. Ctrl-C cancels it.",
  arguments: [
    { name: "<model>", description: "NAME (the newest version) or NAME@VERSION" },
    { name: "[what...]", description: `What to measure: ${HERE.join(", ")}; all if left out` },
  ],
  options: [
    {
      flags: "--axis <name=length>",
      description: "Length of an axis the model leaves open; 1 if left out",
      isList: true,
    },
    { flags: "--shape <input=d1,d2,...>", description: "Whole shape of an input", isList: true },
    ...[...ROWS_FLAGS, ...QUALITY_FLAGS].map((flag) => ({
      ...flag,
      description: `quality: ${uncapitalised(flag.description)}`,
    })),
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
    const isShown = context.options["show"] === true;
    const known: readonly string[] = isShown ? MEASUREMENT_NAMES : HERE;
    const unknown = what.find((name) => !known.includes(name));
    if (unknown !== undefined) {
      const how = unknown === "comparison" ? " Compare two versions with slipway compare." : "";
      throw new SlipwayError("USAGE", `"${unknown}" can't be measured; there is ${known.join(", ")}.${how}`);
    }
    const session = await untilInterrupted(context.connect(), signal);
    const { client } = session;
    const { name, number } = await untilInterrupted(findVersion(client, reference), signal);
    const params = { name, number };
    if (isShown) {
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
        ? HERE.filter((one) => data !== null || !MEASUREMENTS[one].needsRows)
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

/** What each measurement takes, from the flags. @throws SlipwayError USAGE */
function optionsFrom(chosen: readonly MeasurementName[], options: CommandOptions): MeasurementOptions {
  const shapes = shapesFrom(options);
  const takesShapes = chosen.filter((name) => Object.hasOwn(MEASUREMENTS[name].options.shape, "shapes"));
  const taken = Object.fromEntries(takesShapes.map((name) => [name, { shapes }]));
  return chosen.includes("quality") ? { ...taken, quality: qualityOptionsFrom(options) } : taken;
}

/** Lengths of axes and shapes of inputs, from `batch=1` and `x=1,3,224,224`. @throws SlipwayError USAGE */
export function shapesFrom(options: CommandOptions): {
  symbols: Record<string, number>;
  inputs: Record<string, number[]>;
} {
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

function uncapitalised(text: string): string {
  return `${text[0]!.toLowerCase()}${text.slice(1)}`;
}
