// `slipway passes`: a model in other words, pass by pass, with what each did.
import path from "node:path";
import { SlipwayError } from "@slipway/core/base";
import {
  MODEL_PROPERTIES,
  type Pass,
  PASSES,
  passesNamed,
  type PassSettings,
  type PassTrace,
} from "@slipway/core/passes";
import { type AppliedPasses, applyPassesInProcess, type OutputDifference } from "#lab/passes";
import { systemClock } from "#runtime";
import { type Command, type CommandContext, listOption, textOption } from "../command.ts";
import { requireDirectoryOf } from "../files.ts";
import { modelToRewrite, writeRewritten } from "../model-to-rewrite.ts";
import { wholeOption } from "../option-values.ts";
import { withTemporaryDirectory } from "../temporary-server.ts";
import { duration, size, table } from "../text.ts";

const USAGE = "slipway passes MODEL --run PASS[,PASS…] [--out FILE]";

export const passes: Command = {
  about:
    "Runs passes over a model: each writes it in other words that compute the same. Shows what each changed and how long it took, and writes the outcome where --out names a file. --check runs the model before and after on made-up inputs and says how far the answers differ. Without a model it lists the passes there are. See docs/passes.md.",
  arguments: [{ name: "[model]", description: "ONNX file or directory, NAME, NAME@VERSION or a model's hash" }],
  options: [
    { flags: "--run <passes>", description: "Passes by name, in their order, with commas between" },
    { flags: "-o, --out <file>", description: "The ONNX file to write" },
    { flags: "--check <count>", description: "Run before and after on this many sets of made-up inputs" },
    { flags: "--seed <number>", description: "Where made-up inputs begin; 1 if left out" },
    {
      flags: "--set <axis=length>",
      description: "pin-shapes: the length of an open axis, by its name or as INPUT:AXIS",
      isList: true,
    },
    { flags: "--batch <name>", description: "symbolise-batch: what the axis is called; N if left out" },
    {
      flags: "--batch-axis <input:axis>",
      description: "symbolise-batch: where the batch is; the first axis of every input if left out",
      isList: true,
    },
    { flags: "--opset <version>", description: "upgrade-opset: the operator set to write for; 21 if left out" },
    { flags: "--keep <name>", description: "fold-constants: a stored tensor that may change", isList: true },
  ],
  examples: [
    { line: "slipway passes", says: "the passes there are" },
    {
      line: "slipway passes model.onnx --run upgrade-opset,fold-constants --check 3 -o new.onnx",
      says: "a later operator set, with constants computed, compared with what it was",
    },
  ],
  run: async (context) => {
    if (context.arguments.length === 0) {
      const stray = Object.keys(FLAGS).find((name) => isGiven(context, name));
      if (stray !== undefined)
        throw new SlipwayError("USAGE", `${FLAGS[stray]!.flag} is about a model, and none is named: ${USAGE}`);
      context.answer({ passes: listed() }, listText);
      return;
    }
    const names = passNames(textOption(context.options, "run"));
    passesNamed(names);
    for (const [name, { flag, owner }] of Object.entries(FLAGS)) {
      if (owner !== null && isGiven(context, name) && !names.includes(owner))
        throw new SlipwayError("USAGE", `${flag} is a setting of the pass '${owner}', which --run does not name.`);
    }
    if (isGiven(context, "seed") && !isGiven(context, "check"))
      throw new SlipwayError("USAGE", "--seed says where the made-up inputs of --check begin; give both.");
    const out = textOption(context.options, "out");
    const file = out === undefined ? null : path.resolve(context.environment.workingDirectory, out);
    if (file !== null) await requireDirectoryOf(file, out!);
    const applied = await withTemporaryDirectory(async (directory) => await apply(context, names, file, directory));
    const sizeBytes = file === null ? null : await writeRewritten(file, out!, applied.model);
    context.progress.end();
    const { trace, differences } = applied;
    context.answer({ file, sizeBytes, trace, differences }, () => appliedText(applied, out ?? null, sizeBytes));
  },
};

/** Options, each with the pass that it is a setting of. */
const FLAGS: Readonly<Record<string, { readonly flag: string; readonly owner: string | null }>> = {
  run: { flag: "--run", owner: null },
  out: { flag: "--out", owner: null },
  check: { flag: "--check", owner: null },
  seed: { flag: "--seed", owner: null },
  set: { flag: "--set", owner: "pin-shapes" },
  batch: { flag: "--batch", owner: "symbolise-batch" },
  batchAxis: { flag: "--batch-axis", owner: "symbolise-batch" },
  opset: { flag: "--opset", owner: "upgrade-opset" },
  keep: { flag: "--keep", owner: "fold-constants" },
};

function isGiven({ options }: CommandContext, name: string): boolean {
  const given = options[name];
  return Array.isArray(given) ? given.length > 0 : given !== undefined;
}

async function apply(
  context: CommandContext,
  names: readonly string[],
  out: string | null,
  directory: string,
): Promise<AppliedPasses> {
  const { options, signal, progress } = context;
  const settings = settingsFrom(context);
  // Said before a process is started for it.
  passesNamed(names, settings);
  const files = await modelToRewrite(context, out, directory);
  progress.step(`Running ${names.length === 1 ? "1 pass" : `${names.length} passes`} …`);
  return await applyPassesInProcess({
    files,
    passes: names,
    settings,
    checks: wholeOption(options, "check", 0, 1000) ?? 0,
    seed: wholeOption(options, "seed", 0, 2 ** 31 - 1) ?? 1,
    clock: systemClock,
    signal,
  });
}

/** @throws SlipwayError USAGE */
function passNames(text: string | undefined): readonly string[] {
  const names = (text ?? "").split(",").map((name) => name.trim());
  if (text !== undefined && names.every((name) => name !== "")) return names;
  throw new SlipwayError(
    "USAGE",
    `${text === undefined ? "--run is missing" : `--run is "${text}", which leaves a name out`}: ${USAGE}. \`slipway passes\` lists the passes there are.`,
  );
}

function settingsFrom({ options }: CommandContext): PassSettings {
  const opset = wholeOption(options, "opset", 1, 1000);
  const kept = listOption(options, "keep");
  const lengths = numbersByName(listOption(options, "set"), "set", "=", "N=4");
  const axes = numbersByName(listOption(options, "batchAxis"), "batch-axis", ":", "x:0");
  const name = textOption(options, "batch");
  const batch = { ...(name === undefined ? {} : { name }), ...(axes === null ? {} : { axes }) };
  return {
    ...(opset === undefined ? {} : { opset }),
    ...(kept.length === 0 ? {} : { kept }),
    ...(lengths === null ? {} : { lengths }),
    ...(Object.keys(batch).length === 0 ? {} : { batch }),
  };
}

/** Numbers behind names, such as `N=4`; names may hold the sign between as well. null where none are given. */
function numbersByName(
  given: readonly string[],
  flag: string,
  sign: string,
  example: string,
): Readonly<Record<string, number>> | null {
  const pairs = given.map((text): readonly [string, number] => {
    const at = text.lastIndexOf(sign);
    const number = text.slice(at + 1).trim();
    if (at > 0 && /^\d+$/.test(number)) return [text.slice(0, at), Number(number)];
    throw new SlipwayError(
      "USAGE",
      `--${flag} is "${text}"; it must be a name and a whole number, such as ${example}.`,
    );
  });
  return pairs.length === 0 ? null : Object.fromEntries(pairs);
}

function listed(): readonly Omit<Pass, "run">[] {
  return Object.values(PASSES).map(({ name, does, requires, ensures }) => ({ name, does, requires, ensures }));
}

function listText(): string {
  const lines: string[] = [];
  for (const { name, does, requires, ensures } of Object.values(PASSES)) {
    lines.push(name, `  ${does}`);
    for (const property of requires) lines.push(`  Takes a model that ${MODEL_PROPERTIES[property].means}.`);
    for (const property of ensures) lines.push(`  Afterwards the model ${MODEL_PROPERTIES[property].means}.`);
  }
  return lines.join("\n");
}

function appliedText({ trace, differences }: AppliedPasses, out: string | null, sizeBytes: number | null): string {
  const rows = trace.map((one) => [
    one.name,
    one.changed ? "yes" : "no",
    duration(one.milliseconds ?? 0),
    `${one.nodes.before} → ${one.nodes.after}`,
    changesText(one),
  ]);
  const lines = table(["pass", "changed", "took", "nodes", "what"], rows, "llrr");
  if (differences !== null) lines.push(...differencesLines(differences));
  lines.push(out === null ? "Nothing is written; --out names a file." : `${out}, ${size(sizeBytes!)}.`);
  return lines.join("\n");
}

function changesText({ added, removed, initializers, others, idleReason }: PassTrace): string {
  if (idleReason !== null) return `The model ${idleReason}.`;
  const counted = (sign: string, operators: Readonly<Record<string, number>>): readonly string[] =>
    Object.entries(operators).map(([name, count]) => `${sign}${count} ${name}`);
  const tensors = initializers.after - initializers.before;
  const stored = tensors === 0 ? [] : [`${tensors > 0 ? "+" : "−"}${Math.abs(tensors)} stored tensors`];
  const all = [...counted("+", added), ...counted("−", removed), ...stored, ...others];
  const shown = all.slice(0, 6);
  if (all.length > shown.length) shown.push(`${all.length - shown.length} more`);
  return shown.length === 0 ? "–" : shown.join(", ");
}

function differencesLines(differences: readonly OutputDifference[]): readonly string[] {
  return differences.map(({ name, largest, magnitude, shape }) => {
    if (shape !== null)
      return `Output ${name} has the shape [${shape.after.join(", ")}], before [${shape.before.join(", ")}].`;
    if (largest === null) return `Output ${name} is no number where it was one, or the other way round.`;
    return largest === 0
      ? `Output ${name} is the same to the last bit.`
      : `Output ${name} differs by at most ${largest.toPrecision(2)}, of values up to ${magnitude.toPrecision(2)}.`;
  });
}
