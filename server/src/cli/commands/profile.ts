// `slipway profile`: what a model takes of this machine, or what this machine is as a device others are compared with.
import { writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { SlipwayError } from "@slipway/core/base";
import { type DeviceProfile, measureDevice } from "#lab/measure";
import { createOnnxRuntimeBackend, systemClock } from "#runtime";
import { type Command, type CommandContext, textOption } from "../command.ts";
import { versionText } from "../endpoint-text.ts";
import { fileError } from "../files.ts";
import { untilInterrupted } from "../interrupt.ts";
import { measured } from "../measured.ts";
import { findVersion, versionReference } from "../model-reference.ts";
import { durationOption, wholeOption } from "../option-values.ts";
import { evidenceText } from "../policy-text.ts";
import { count, duration, size, table, wrapped } from "../text.ts";
import { shapesFrom } from "./measure.ts";

/** Of a model: all that says what it takes of the machine. */
const OF_A_MODEL = ["compute", "memory", "operators", "energy", "fit"] as const;
const FIGURE_MS = 1000;
const WIDTH = 110;

export const profile: Command = {
  about: `Profiles a model, or this machine. With a model it measures ${OF_A_MODEL.join(", ")}, and keeps each as evidence (see \`slipway measure\`). With --device it measures this machine with the engine that serves: rates of products and convolutions, memory bandwidth, what starting a node and a run takes. Written with --out, that is a device profile, for \`slipway place --device FILE\`.`,
  arguments: [{ name: "[model]", description: "NAME (the newest version) or NAME@VERSION" }],
  options: [
    { flags: "--device", description: "Measure this machine instead of a model" },
    { flags: "--out <file>", description: "With --device: where the profile is written, as JSON" },
    { flags: "--name <name>", description: "With --device: what the device is called; my-device if left out" },
    { flags: "--threads <number>", description: "With --device: threads of a run; one for each core if left out" },
    { flags: "--time <duration>", description: "With --device: how long each figure is measured for; 1s if left out" },
    {
      flags: "--axis <name=length>",
      description: "Length of an axis the model leaves open; 1 if left out",
      isList: true,
    },
    { flags: "--shape <input=d1,d2,...>", description: "Whole shape of an input", isList: true },
    { flags: "--p99 <duration>", description: "With a model: what a run may take on a device it fits" },
  ],
  examples: [
    { line: "slipway profile digits", says: "what the newest version of digits takes" },
    { line: "slipway profile --device --out board.json --name board", says: "this machine, as a device profile" },
  ],
  handlesInterrupt: true,
  run: async (context) => {
    const [model] = context.arguments;
    const isDevice = context.options["device"] === true;
    if (isDevice === (model !== undefined)) {
      throw new SlipwayError("USAGE", "Name a model to profile, or --device for this machine; one of the two.");
    }
    await (isDevice ? profileDevice(context) : profileModel(context, model!));
  },
};

async function profileModel(context: CommandContext, model: string): Promise<void> {
  const reference = versionReference(model);
  const shapes = shapesFrom(context.options);
  const p99Ms = durationOption(context.options, "p99", 0);
  const session = await untilInterrupted(context.connect(), context.signal);
  const { name, number } = await untilInterrupted(findVersion(session.client, reference), context.signal);
  const params = { name, number };
  const options = {
    ...Object.fromEntries(OF_A_MODEL.map((what) => [what, { shapes }])),
    fit: { shapes, latencyMs: p99Ms === 0 ? null : p99Ms },
  };
  context.progress.step(`Profiling ${versionText(params)} …`);
  const body = { what: [...OF_A_MODEL], options, data: null, reason: "slipway profile" };
  const found = await measured(context, session, { params, body });
  context.progress.end();
  context.answer(found, () => evidenceText(found));
}

async function profileDevice(context: CommandContext): Promise<void> {
  const { options, progress, environment, signal } = context;
  const threads = wholeOption(options, "threads", 1, 1024) ?? os.availableParallelism();
  const name = textOption(options, "name") ?? "my-device";
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) {
    throw new SlipwayError(
      "USAGE",
      `--name is "${name}"; lower-case letters, digits and hyphens make a device's name.`,
    );
  }
  const milliseconds = durationOption(options, "time", FIGURE_MS);
  const backend = createOnnxRuntimeBackend();
  try {
    const found = await measureDevice({
      name,
      backend,
      clock: systemClock,
      threads,
      processor: os.cpus()[0]?.model.trim() ?? "an unknown processor",
      memoryBytes: os.totalmem(),
      engineBytes: backend.residentBytes() ?? process.memoryUsage.rss(),
      date: new Date(systemClock.wall()).toISOString().slice(0, 10),
      milliseconds,
      signal,
      report: (text) => progress.step(`Measuring ${text} …`),
    });
    progress.end();
    const out = textOption(options, "out");
    if (out !== undefined) await writeProfile(environment.workingDirectory, out, found);
    context.answer(found, () => deviceText(found, out ?? null));
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new SlipwayError("INTERRUPTED", "Given up; nothing was written.", { cause: error });
  }
}

async function writeProfile(directory: string, file: string, found: DeviceProfile): Promise<void> {
  try {
    await writeFile(path.resolve(directory, file), `${JSON.stringify(found, null, 2)}\n`);
  } catch (error) {
    throw fileError(file, error, "written");
  }
}

function deviceText(found: DeviceProfile, out: string | null): string {
  const flops = (value: number) => `${count(value / 1e9)} GFLOP/s`;
  const figures: readonly (readonly [string, DeviceProfile["memoryBytes"], (value: number) => string])[] = [
    ["products", found.matrixFlops, flops],
    ["convolutions", found.convolutionFlops, flops],
    ["memory bandwidth", found.bandwidthBytes, (value) => `${count(value / 1e9)} GB/s`],
    ["starting a node", found.nodeSeconds, (value) => duration(1000 * value)],
    ["starting a run", found.runSeconds, (value) => duration(1000 * value)],
    ["memory", found.memoryBytes, size],
    ["the engine alone", found.engineBytes, size],
    ["power", found.busyWatts, (value) => `${count(value)} W`],
  ];
  const rows = figures.map(([what, { value, source }, text]) => [
    what,
    value === null ? "not known" : text(value),
    source,
  ]);
  const next =
    out === null
      ? "Keep it with --out FILE; then `slipway place MODEL --device FILE` estimates models for it."
      : `Written to ${out}. State there what is not known (power, what may be downloaded), with its source; then: slipway place MODEL --device ${out}`;
  return [
    `${found.name}: ${found.about}`,
    "",
    ...table(["figure", "value", "how"], rows, "lrl"),
    "",
    ...wrapped(next, WIDTH),
  ].join("\n");
}
