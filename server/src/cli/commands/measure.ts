// `slipway measure`: what can be said of a version, measured and kept as evidence.
import { SlipwayError } from "@slipway/core/base";
import { MEASUREMENT_NAMES, MEASUREMENTS, type MeasurementName, type MeasurementOptions } from "#lab/measure";
import { type Command, type CommandOptions, listOption, textOption } from "../command.ts";
import { versionText } from "../endpoint-text.ts";
import { untilInterrupted } from "../interrupt.ts";
import { queuedText } from "../job-text.ts";
import { measured } from "../measured.ts";
import { malformed, noWhole, QUALITY_FLAGS, qualityOptionsFrom, ROWS_FLAGS, rowsFrom } from "../measure-flags.ts";
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
    { flags: "--batch <rows,...>", description: "latency, throughput: rows of a request, beside 1" },
    {
      flags: "--threads <n,...>",
      description: "latency, throughput: threads of a run, beside those it is served with",
    },
    { flags: "--instances <n,...>", description: "latency, throughput: runners, beside as many as it is served with" },
    {
      flags: "--through <path>",
      description: "latency, throughput: the runners alone (executor, if left out), or HTTP as well",
      choices: ["executor", "server"],
    },
    {
      flags: "--wire <format>",
      description: "through the server: numbers in JSON (if left out), or raw bytes",
      choices: ["json", "binary"],
    },
    { flags: "--clients <n,...>", description: "throughput: clients that wait for their answers; 1,4,16 if left out" },
    {
      flags: "--offered <share,...>",
      description: "throughput through the server: shares of what can be had, at random times; 0.5,0.8 if left out",
    },
    {
      flags: "--seconds <n>",
      description: "latency, throughput: time for each combination; 10 and 5 if left out",
    },
    { flags: "--loads <n>", description: "latency, throughput: times everything is loaded anew; 5 if left out" },
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
    {
      line: "slipway measure digits latency --batch 8,32",
      says: "p50, p90, p99 of requests of 1, 8 and 32 rows, with intervals",
    },
    {
      line: "slipway measure digits throughput --through server",
      says: "rows a second over HTTP, and latency under requests at random times",
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

/** Flags of timed measurements, which are options of the same names: lists of numbers, one number, or a word. */
const TIMING_FLAGS = {
  batch: wholesFrom,
  threads: wholesFrom,
  instances: wholesFrom,
  clients: wholesFrom,
  offered: numbersFrom,
  seconds: numberFrom,
  loads: wholeFrom,
  through: (_flag: string, text: string) => text,
  wire: (_flag: string, text: string) => text,
} as const;

/** What each measurement takes, from the flags. @throws SlipwayError USAGE */
function optionsFrom(chosen: readonly MeasurementName[], options: CommandOptions): MeasurementOptions {
  const given: Record<string, unknown> = { shapes: shapesFrom(options) };
  const takes = (measurement: MeasurementName, option: string) =>
    Object.hasOwn(MEASUREMENTS[measurement].options.shape, option);
  for (const [flag, read] of Object.entries(TIMING_FLAGS)) {
    const text = textOption(options, flag);
    if (text === undefined) continue;
    if (!chosen.some((measurement) => takes(measurement, flag))) {
      const takers = MEASUREMENT_NAMES.filter((measurement) => takes(measurement, flag));
      throw new SlipwayError(
        "USAGE",
        `--${flag} is for ${takers.join(" and ")}, and ${chosen.join(", ")} is measured.`,
      );
    }
    given[flag] = read(flag, text);
  }
  const ofQuality: Record<string, unknown> = qualityOptionsFrom(options);
  return Object.fromEntries(
    chosen.map((measurement) => [
      measurement,
      measurement === "quality"
        ? ofQuality
        : Object.fromEntries(Object.entries(given).filter(([option]) => takes(measurement, option))),
    ]),
  );
}

function numbersFrom(flag: string, text: string): readonly number[] {
  const numbers = text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  if (!numbers.every((number) => Number.isFinite(number))) throw malformed(flag, text, "1,4,16");
  return numbers;
}

function wholesFrom(flag: string, text: string): readonly number[] {
  const numbers = numbersFrom(flag, text);
  if (!numbers.every((number) => Number.isInteger(number))) throw noWhole(flag, text, "1,4,16");
  return numbers;
}

function wholeFrom(flag: string, text: string): number {
  const number = numberFrom(flag, text);
  if (!Number.isInteger(number)) throw noWhole(flag, text, "10");
  return number;
}

function numberFrom(flag: string, text: string): number {
  const numbers = numbersFrom(flag, text);
  if (numbers.length !== 1) throw malformed(flag, text, "10");
  return numbers[0]!;
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
