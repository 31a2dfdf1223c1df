// A model's graph as an SVG picture, for `inspect --graph`: which model, which part of it, and where the picture goes.
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { SlipwayError } from "@slipway/core/base";
import { type Model, verifyModel } from "@slipway/core/graph";
import { modelFromBytes } from "@slipway/core/onnx";
import {
  changedNodes,
  type DrawnModel,
  drawModels,
  type Picture,
  type PictureDirection,
  type PictureTheme,
} from "@slipway/core/picture";
import { type CommandContext, textOption } from "./command.ts";
import { fileError } from "./files.ts";
import { withModelBytes } from "./model-files.ts";
import { modelReference } from "./model-reference.ts";
import { modelFileOf } from "./model-to-rewrite.ts";
import { wholeOption } from "./option-values.ts";
import { withTemporaryDirectory } from "./temporary-server.ts";
import { count } from "./text.ts";

export const DIRECTIONS = ["down", "right"] as const satisfies readonly PictureDirection[];
export const PICTURE_THEMES = ["auto", "light", "dark"] as const satisfies readonly PictureTheme[];
const STEPS = 6;

/** Draws the model that was named, beside another where one was, and writes the picture or answers it. */
export async function drawGraph(context: CommandContext): Promise<void> {
  const { options, environment, progress } = context;
  const named = [context.arguments[0]!];
  const beside = textOption(options, "beside");
  if (beside !== undefined) named.push(beside);
  progress.step("Drawing …");
  const picture = await withModels(context, named, [], (models) => pictureOf(context, named, models));
  progress.end();
  const out = textOption(options, "out");
  if (out === undefined) {
    context.answer(picture, () => picture.svg.trimEnd());
    return;
  }
  const file = path.resolve(environment.workingDirectory, out);
  try {
    await writeFile(file, picture.svg);
  } catch (error) {
    throw fileError(out, error, "written");
  }
  const { width, height } = picture;
  context.answer({ file, width, height }, () => `${out}: a picture of ${width} × ${height} pixels, for any browser.`);
}

function pictureOf({ options }: CommandContext, named: readonly string[], models: readonly Model[]): Picture {
  const around = textOption(options, "around");
  const steps = wholeOption(options, "steps", 0, 1000);
  if (around === undefined && steps !== undefined)
    throw new SlipwayError("USAGE", "--steps says how far --around reaches; give both.");
  const [first, second] = models as [Model, Model?];
  const isMarked = second === undefined ? () => false : changedNodes(first, second);
  const drawn = models.map(
    (model, index): DrawnModel => ({
      model,
      isMarked,
      ...(around === undefined ? {} : { around: { name: around, steps: steps ?? STEPS } }),
      ...(second === undefined ? {} : { heading: `${nameOf(named[index]!)}: ${nodesText(model)}` }),
    }),
  );
  return drawModels(drawn, {
    title: named.map(nameOf).join(" and "),
    subtitle: second === undefined ? subtitleOf(first, around) : "What the other does not have is framed.",
    direction: (textOption(options, "direction") ?? "down") as PictureDirection,
    theme: (textOption(options, "theme") ?? "auto") as PictureTheme,
    isWhole: options["whole"] === true,
    markMeans: "differs",
  });
}

function subtitleOf(model: Model, around: string | undefined): string {
  const opset = model.opsets.get("");
  const facts = [nodesText(model), ...(opset === undefined ? [] : [`operator set ${opset}`])];
  if (around !== undefined) facts.push(`around ${around}`);
  return facts.join(", ");
}

function nodesText({ graph }: Model): string {
  return `${count(graph.nodes.length)} node${graph.nodes.length === 1 ? "" : "s"}`;
}

function nameOf(named: string): string {
  return modelReference(named).kind === "path" ? path.basename(named) : named;
}

/** Reads models, each from its file or the registry, and hands them over while what they lie in is there. */
async function withModels<Result>(
  context: CommandContext,
  named: readonly string[],
  read: readonly Model[],
  use: (models: readonly Model[]) => Result,
): Promise<Result> {
  const [next, ...others] = named;
  if (next === undefined) return use(read);
  return await withTemporaryDirectory(async (directory) => {
    const file = await modelFileOf(context, next, directory);
    return await withModelBytes(
      file,
      async (bytes) => await withModels(context, others, [...read, verifiedModel(bytes)], use),
    );
  });
}

/** @throws SlipwayError MODEL_* */
function verifiedModel(bytes: Parameters<typeof modelFromBytes>[0]): Model {
  const model = modelFromBytes(bytes);
  verifyModel(model);
  return model;
}
