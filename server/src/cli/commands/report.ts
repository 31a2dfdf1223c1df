// `slipway report`: everything that is known of a version, as a page, a model card or data, and its charts as pictures.
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { SlipwayError } from "@slipway/core/base";
import type { Client, OperationOutput } from "slipway/client";
import { type Command, type CommandContext, textOption } from "../command.ts";
import { versionText } from "../endpoint-text.ts";
import { fileError } from "../files.ts";
import { findVersion, versionReference } from "../model-reference.ts";
import { reportText } from "../report-text.ts";

const FORMATS = ["html", "md", "json"] as const;
type Format = (typeof FORMATS)[number];
type ReportAnswer = OperationOutput<"getReport">;

interface Order {
  readonly client: Client;
  readonly params: { readonly name: string; readonly number: number };
  readonly query: { readonly against?: string };
}

export const report: Command = {
  about:
    "Puts together what is known of a version: signature, evidence with its intervals and methods, charts, what launch policies say, lineage, and what was not measured; with --against beside another version. The HTML is one file that needs nothing else, reads in light and dark, and prints. md is a model card with the metadata model hubs read. Nothing is measured for it: `slipway measure` does that.",
  arguments: [{ name: "<model>", description: "NAME (the newest version) or NAME@VERSION" }],
  options: [
    { flags: "--against <model>", description: "Another version, NAME or NAME@VERSION, to hold this one against" },
    {
      flags: "--format <format>",
      description: "What to write; by the ending of --out if left out, else html",
      choices: FORMATS,
    },
    {
      flags: "--out <file>",
      description:
        "Where to write it; if left out, html goes to NAME-VERSION.html here, md and json to standard output",
    },
    { flags: "--charts <directory>", description: "Also write each chart and the lineage there, as SVG and PNG" },
  ],
  examples: [
    { line: "slipway report digits@3", says: "writes digits-3.html" },
    { line: "slipway report digits@3 --against digits@2", says: "the same, side by side with version 2" },
    { line: "slipway report digits --format md --out README.md --charts charts", says: "a model card with pictures" },
    { line: "slipway report digits --format json", says: "all of it as data" },
  ],
  run: async (context) => {
    const reference = versionReference(context.arguments[0]!);
    const against = textOption(context.options, "against");
    const other = against === undefined ? null : versionReference(against);
    const out = textOption(context.options, "out");
    const format = formatOf(textOption(context.options, "format"), out);
    const charts = textOption(context.options, "charts");
    const { client } = await context.connect();
    const { name, number } = await findVersion(client, reference);
    const params = { name, number };
    const query = other === null ? {} : { against: versionText(await findVersion(client, other)) };
    const order: Order = { client, params, query };
    context.progress.step(`Reporting on ${versionText(params)} …`);
    const found = await client.getReport({ params, query });
    const file = out ?? (format === "html" ? `${name}-${number}.html` : null);
    const pictures = charts === undefined ? [] : await writePictures(context, order, found, charts);
    const text = await textOf(format, order, found, charts === undefined ? null : relativeTo(file, charts));
    if (file === null) {
      context.progress.end();
      context.terminal.out(text);
      return;
    }
    await writeTo(context, file, text);
    context.progress.end();
    context.answer({ file, charts: pictures, summary: found.summary, gates: found.gates }, () =>
      reportText(found, file, pictures),
    );
  },
};

/** @throws SlipwayError USAGE */
function formatOf(given: string | undefined, out: string | undefined): Format {
  if (given !== undefined) return given as Format;
  if (out === undefined) return "html";
  const ending = path.extname(out).slice(1).toLowerCase();
  const found = FORMATS.find((format) => format === ending || (format === "html" && ending === "htm"));
  if (found !== undefined) return found;
  throw new SlipwayError(
    "USAGE",
    `"${out}" does not say what to write: end it in .html, .md or .json, or give --format.`,
  );
}

async function textOf(
  format: Format,
  { client, params, query }: Order,
  found: ReportAnswer,
  pictures: string | null,
): Promise<string> {
  if (format === "json") return `${JSON.stringify(found, null, 2)}\n`;
  const { bytes } =
    format === "html"
      ? await client.getReportPage({ params, query })
      : await client.getModelCard({ params, query: { ...query, ...(pictures === null ? {} : { pictures }) } });
  return Buffer.from(bytes).toString("utf8");
}

/** Where the charts lie for whoever reads the file; null where no relative path says it. */
function relativeTo(file: string | null, charts: string): string | null {
  const from = file === null ? "." : path.dirname(file);
  const relative = path.relative(from, charts).replaceAll(path.sep, "/");
  return /^[\w.-]+(\/[\w.-]+)*$/.test(relative) ? relative : null;
}

/** Writes every picture in both forms. @throws SlipwayError FILE_UNREADABLE, CHART_FAILED */
async function writePictures(
  context: CommandContext,
  { client, params, query }: Order,
  { charts }: ReportAnswer,
  directory: string,
): Promise<readonly string[]> {
  const files: string[] = [];
  try {
    await mkdir(path.resolve(context.environment.workingDirectory, directory), { recursive: true });
  } catch (error) {
    throw fileError(directory, error, "written");
  }
  for (const id of [...charts.map((chart) => chart.id), "lineage"]) {
    for (const format of ["svg", "png"]) {
      const name = `${id}.${format}`;
      context.progress.update(`Drawing ${name} …`);
      const { bytes } = await client.getChart({ params: { ...params, file: name }, query });
      const file = path.join(directory, name);
      await writeTo(context, file, bytes);
      files.push(file);
    }
  }
  return files;
}

async function writeTo({ environment }: CommandContext, file: string, content: string | Uint8Array): Promise<void> {
  try {
    await writeFile(path.resolve(environment.workingDirectory, file), content);
  } catch (error) {
    throw fileError(file, error, "written");
  }
}
