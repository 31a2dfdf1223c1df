// `slipway gradient`: a model that computes its own gradients, as a file that any ONNX Runtime runs.
import path from "node:path";
import { type Loss, LOSS_KINDS, type LossKind } from "@slipway/core/autodiff";
import { SlipwayError } from "@slipway/core/base";
import { type DifferentiateBy, type DifferentiatedModel, differentiateInProcess } from "#lab/gradient";
import { type ModelFile, systemClock } from "#runtime";
import { type Command, type CommandContext, listOption, textOption } from "../command.ts";
import { requireDirectoryOf } from "../files.ts";
import { scanFile } from "../model-files.ts";
import { modelToRewrite, writeRewritten } from "../model-to-rewrite.ts";
import { numberOption, wholeOption } from "../option-values.ts";
import { withTemporaryDirectory } from "../temporary-server.ts";
import { duration, size } from "../text.ts";

const USAGE = "slipway gradient MODEL --wrt inputs|params|NAME --out FILE";

export const gradient: Command = {
  about:
    "Writes a model that computes its own gradients, of standard operators only, so that any ONNX Runtime runs it. With --loss it takes what should be answered as an input `target` and answers `loss` too; without, it takes the gradient by each output as an input `grad_OUTPUT`. Either way it answers `grad_NAME` for everything named by --wrt. What is covered: docs/autodiff.md.",
  arguments: [{ name: "<model>", description: "ONNX file or directory, NAME, NAME@VERSION or a model's hash" }],
  options: [
    {
      flags: "--wrt <what>",
      description: "What to differentiate by: inputs, params, or a value's name; params if left out",
      isList: true,
    },
    {
      flags: "--loss <kind>",
      description: `A loss to put behind the model: ${LOSS_KINDS.join(", ")}; or an ONNX file that takes the prediction and the target and answers one number`,
    },
    {
      flags: "--per-sample <form>",
      description: "With a loss: gradients of each sample's own loss, or only their norms",
      choices: ["gradients", "norms"],
    },
    {
      flags: "--samples <name>",
      description:
        "With --per-sample: an input with one thing for each sample along its first axis; if left out, all whose first axis is open",
      isList: true,
    },
    { flags: "--output <name>", description: "The output the loss judges; the first if left out" },
    { flags: "--class-axis <axis>", description: "The axis of the classes; 1 if left out" },
    { flags: "--label-smoothing <share>", description: "cross-entropy: share of the target all classes have alike" },
    { flags: "--ignore-index <label>", description: "cross-entropy: the label of rows that do not count" },
    { flags: "--delta <number>", description: "huber: where it turns linear; 1 if left out" },
    { flags: "--temperature <number>", description: "distillation: what logits are divided by; 2 if left out" },
    { flags: "-o, --out <file>", description: "The ONNX file to write" },
  ],
  examples: [
    { line: "slipway gradient model.onnx --wrt inputs -o gradient.onnx", says: "what the answers owe to each input" },
    {
      line: "slipway gradient digits@1 --loss cross-entropy -o step.onnx",
      says: "the loss, and its gradient by each parameter",
    },
    {
      line: "slipway gradient digits@1 --loss cross-entropy --per-sample norms -o norms.onnx",
      says: "how much each sample would move the weights",
    },
    { line: "slipway gradient digits@1 --loss focal.onnx -o step.onnx", says: "by a loss of your own" },
  ],
  run: async (context) => {
    const out = textOption(context.options, "out");
    if (out === undefined) throw new SlipwayError("USAGE", `--out is missing: ${USAGE}`);
    const file = path.resolve(context.environment.workingDirectory, out);
    await requireDirectoryOf(file, out);
    const made = await withTemporaryDirectory(async (directory) => await differentiated(context, file, directory));
    const sizeBytes = await writeRewritten(file, out, made.model);
    context.progress.end();
    const { model: _model, ...facts } = made;
    context.answer({ file, sizeBytes, ...facts }, () => gradientText(out, sizeBytes, made));
  },
};

async function differentiated(context: CommandContext, out: string, directory: string): Promise<DifferentiatedModel> {
  const files = await modelToRewrite(context, out, directory);
  const loss = lossFrom(context);
  const lossFile = loss === null ? await lossFileFrom(context) : null;
  const perSample = (textOption(context.options, "perSample") ?? null) as "gradients" | "norms" | null;
  const samples = listOption(context.options, "samples");
  const output = textOption(context.options, "output") ?? null;
  if (loss === null && lossFile === null) {
    if (perSample !== null)
      throw new SlipwayError("USAGE", "--per-sample needs --loss: it is the gradient of each sample's own loss.");
    if (output !== null)
      throw new SlipwayError("USAGE", "--output needs --loss: it says which output the loss judges.");
  }
  if (samples.length > 0 && perSample === null)
    throw new SlipwayError("USAGE", "--samples needs --per-sample: it says which inputs carry the samples.");
  context.progress.step("Differentiating …");
  return await differentiateInProcess({
    files,
    by: byFrom(listOption(context.options, "wrt")),
    loss,
    lossFile,
    perSample,
    samples: samples.length === 0 ? null : samples,
    output,
    axis: wholeOption(context.options, "classAxis", -8, 8) ?? 1,
    clock: systemClock,
    signal: context.signal,
  });
}

function byFrom(given: readonly string[]): DifferentiateBy {
  return {
    inputs: given.includes("inputs"),
    parameters: given.length === 0 || given.includes("params"),
    names: given.filter((one) => one !== "inputs" && one !== "params"),
  };
}

/** The file that holds the loss; null where none was asked for. @throws SlipwayError USAGE, FILE_UNREADABLE, MODEL_* */
async function lossFileFrom(context: CommandContext): Promise<ModelFile | null> {
  const given = textOption(context.options, "loss");
  if (given === undefined) return null;
  if (!given.toLowerCase().endsWith(".onnx"))
    throw new SlipwayError(
      "USAGE",
      `There is no loss '${given}'; --loss takes ${LOSS_KINDS.join(", ")}, or a file that ends in .onnx.`,
    );
  const file = path.resolve(context.environment.workingDirectory, given);
  context.progress.step(`Examining ${path.basename(file)} …`);
  const scan = await scanFile(file);
  if (scan.externalFiles.length > 0)
    throw new SlipwayError("USAGE", `The loss ${given} keeps tensors in other files; store them in it.`);
  return { name: path.basename(file), path: file, offset: 0, sizeBytes: scan.sizeBytes };
}

/** Losses that work along an axis. */
const BY_CLASS: ReadonlySet<LossKind | undefined> = new Set<LossKind>([
  "cross-entropy",
  "soft-cross-entropy",
  "distillation",
  "cosine",
]);

/** The loss that was named, null where it is none of ours. @throws SlipwayError USAGE for a parameter of another loss */
function lossFrom({ options }: CommandContext): Loss | null {
  const given = textOption(options, "loss");
  const kind = LOSS_KINDS.find((one) => one === given);
  const labelSmoothing = numberOption(options, "labelSmoothing", 0, 1);
  const ignoreIndex = wholeOption(options, "ignoreIndex", -(2 ** 31), 2 ** 31 - 1);
  const delta = numberOption(options, "delta", 0, 1e9);
  const temperature = numberOption(options, "temperature", 0, 1e9);
  const belongsTo = (flag: string, value: number | undefined, owner: LossKind): void => {
    if (value !== undefined && kind !== owner) throw new SlipwayError("USAGE", `${flag} belongs to --loss ${owner}.`);
  };
  if (wholeOption(options, "classAxis", -8, 8) !== undefined && !BY_CLASS.has(kind))
    throw new SlipwayError("USAGE", `--class-axis belongs to --loss ${[...BY_CLASS].join(", ")}.`);
  belongsTo("--label-smoothing", labelSmoothing, "cross-entropy");
  belongsTo("--ignore-index", ignoreIndex, "cross-entropy");
  belongsTo("--delta", delta, "huber");
  belongsTo("--temperature", temperature, "distillation");
  switch (kind) {
    case undefined:
      return null;
    case "cross-entropy":
      return {
        kind,
        ...(labelSmoothing === undefined ? {} : { labelSmoothing }),
        ...(ignoreIndex === undefined ? {} : { ignoreIndex }),
      };
    case "huber":
      return delta === undefined ? { kind } : { kind, delta };
    case "distillation":
      return temperature === undefined ? { kind } : { kind, temperature };
    case "soft-cross-entropy":
    case "binary-cross-entropy":
    case "mean-squared-error":
    case "mean-absolute-error":
    case "cosine":
      return { kind };
  }
}

function gradientText(file: string, sizeBytes: number, made: DifferentiatedModel): string {
  const names = Object.entries(made.gradients);
  const shown = names.slice(0, 8).map(([name, output]) => `  ${output}  by ${name}`);
  if (names.length > shown.length) shown.push(`  … and ${names.length - shown.length} more`);
  const { nodes, milliseconds, loss, detached } = made;
  const upstream = Object.entries(made.upstream).map(([output, input]) => `${input} by ${output}`);
  const lines = [
    `${file}, ${size(sizeBytes)}: ${nodes.before} nodes became ${nodes.after}, in ${duration(milliseconds.prepare)} of preparing and ${duration(milliseconds.differentiate)} of differentiating.`,
    ...(loss === null ? [] : [`It takes ${loss.target} and answers ${loss.output}.`]),
    ...(upstream.length === 0 ? [] : [`It takes the gradients ${listed(upstream)}.`]),
    `Gradients:`,
    ...shown,
  ];
  if (made.norm !== null) lines.push(`${made.norm} holds the norm of all of them together, by sample.`);
  if (made.looped.length > 0) {
    lines.push(
      `Samples run one by one for ${listed(made.looped)}: an operator on the way has no gradient by sample in a batch.`,
    );
  }
  if (detached.length > 0) {
    lines.push(`Nothing that is differentiated depends on ${listed(detached)}: the gradient is zero.`);
  }
  return lines.join("\n");
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 8).join(", ");
  return names.length > 8 ? `${shown} and ${names.length - 8} more` : shown;
}
