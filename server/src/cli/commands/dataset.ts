// `slipway dataset`: what rows are in files, whether they fit a model, and a name for them.
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { SlipwayError } from "@slipway/core/base";
import {
  BAD_ROW_CHOICES,
  type BadRowChoice,
  COLUMN_ROLES,
  datasetOrder,
  type DatasetOrder,
  openDataset,
  type OpenDataset,
  summariseDataset,
} from "#lab/dataset";
import { type DatasetInspection, inspectDataset, type InspectOptions } from "#lab/inspection";
import { systemClock } from "#runtime";
import type { Client, DatasetView } from "slipway/client";
import { type Command, type CommandContext, textOption } from "../command.ts";
import { datasetsText, datasetText, type ModelFit, summaryText } from "../dataset-text.ts";
import { fileError } from "../files.ts";
import { signatureOfModel } from "../model-signature.ts";
import { rolesFrom } from "../role-option.ts";
import { count, size } from "../text.ts";

const USAGE =
  "slipway dataset inspect PATH|NAME, slipway dataset add PATH, slipway dataset list [NAME], or slipway dataset show NAME[:NUMBER]";
/** Files that are kept by name; of more, the first ones and how many there are. */
const MOST_NAMED_FILES = 1000;
/** Columns whose distributions are kept with a registered dataset. */
const MOST_KEPT_COLUMNS = 1000;

export const dataset: Command = {
  about:
    "Rows of CSV, Parquet, JSON Lines, .npy, .npz and image files, as measurements read them. `inspect` reads all of them and says what is there: columns with their distributions, missing values, labels, splits, what each column is and what it tells of the target, rows that are there twice, what would make a model look better than it is, and whether they fit a model. `add` registers them under a name: where they lie, how they are read, what an inspection finds, and a hash by which a change is noticed; the rows stay where they are. A description in YAML or JSON says what a file alone does not: see docs/datasets.md.",
  arguments: [
    { name: "<action>", description: "inspect, add, list or show" },
    {
      name: "[operand]",
      description:
        "inspect, add: a file, folder or description (inspect: or NAME); list: NAME; show: NAME or NAME:NUMBER",
    },
  ],
  options: [
    { flags: "--model <model>", description: "inspect: whether the rows fit it: NAME, NAME@VERSION or an ONNX file" },
    {
      flags: "--target <column>",
      description: "inspect, add: what is to be predicted; the description's label if left out",
    },
    {
      flags: "--role <column=role>",
      description: `inspect, add: what a column is, where it is not what it looks like: ${Object.keys(COLUMN_ROLES).join(", ")}`,
      isList: true,
    },
    {
      flags: "--on-bad-row <choice>",
      description: "inspect: what becomes of lines that make no row and of broken images: error (if left out) or skip",
      choices: BAD_ROW_CHOICES,
    },
    { flags: "--html <file>", description: "inspect: write all of it as one HTML file" },
    { flags: "--name <name>", description: "add: what it is called; the description's name if left out" },
    { flags: "--reason <text>", description: "add: why, for the record" },
  ],
  examples: [
    {
      line: "slipway dataset inspect iris.csv --model iris",
      says: "what is in the file, and which column goes to which input",
    },
    {
      line: "slipway dataset inspect loans.csv --target default --html loans.html",
      says: "what tells of the target, and what gives it away, as a page too",
    },
    { line: "slipway dataset add digits.yaml", says: "register what a description describes" },
    { line: "slipway dataset show digits", says: "what was found when it was registered" },
  ],
  // What is read holds a folder for what does not fit into memory.
  handlesInterrupt: true,
  run: async (context) => {
    const [action, ...operands] = context.arguments;
    const act = { inspect, add, list, show }[action!];
    if (act === undefined) throw new SlipwayError("USAGE", `There is no "dataset ${action}"; there is ${USAGE}.`);
    try {
      await act(context, operands);
    } catch (error) {
      throw context.signal.aborted ? new SlipwayError("INTERRUPTED", "Stopped.", { cause: error }) : error;
    }
  },
};

async function inspect(context: CommandContext, operands: readonly string[]): Promise<void> {
  const [named] = expectOperands(operands, 1, 1);
  const order = await orderFrom(context, named!);
  const wanted = textOption(context.options, "model");
  const model = wanted === undefined ? null : await signatureOfModel(context, wanted);
  const target = textOption(context.options, "target") ?? null;
  const roles = rolesFrom(context.options);
  const page = textOption(context.options, "html");
  const badRows = badRowsFrom(context);
  const wantedOrder = labelled(context, order);
  await withDataset(context, wantedOrder, model?.processing ?? null, badRows, async (opened) => {
    context.progress.step("Reading the rows …");
    const summary = await summariseDataset(opened, context.signal, (done) =>
      context.progress.update(`Reading the rows: ${count(done)} of ${count(opened.manifest.rows)}`),
    );
    const fit = model === null ? null : await fitOf(opened, model.signature, order.split, context.signal);
    const inspection = await inspected(context, opened, { target, roles, badRows });
    const manifest = shortened(opened);
    if (page !== undefined) await writePage(context, page, opened.manifest.name, manifest, inspection);
    context.progress.end();
    context.answer({ ...manifest, ...summary, fit, inspection }, () =>
      summaryText({
        name: opened.manifest.name,
        manifest,
        summary,
        inspection,
        fit: fit === null ? null : { ...fit, model: wanted! },
      }),
    );
  });
}

function badRowsFrom({ options }: CommandContext): BadRowChoice {
  return (textOption(options, "onBadRow") as BadRowChoice | undefined) ?? "error";
}

type Manifest = ReturnType<typeof shortened>;

function factsOf({ format, fileCount, sizeBytes, source, licence, hash }: Manifest) {
  return [
    ["Format", format],
    ["Files", `${count(fileCount)}, ${size(sizeBytes)}`],
    ["Source", source ?? "not said"],
    ["Licence", licence ?? "not said"],
    ["Hash", hash],
  ] as const;
}

async function writePage(
  context: CommandContext,
  file: string,
  name: string,
  manifest: Manifest,
  inspection: DatasetInspection,
): Promise<void> {
  // Only where a page is wanted.
  const { renderInspection } = await import("#report");
  const page = renderInspection({ name, facts: factsOf(manifest), inspection, madeAt: Date.now() });
  const full = path.resolve(context.environment.workingDirectory, file);
  try {
    await writeFile(full, page);
  } catch (error) {
    throw fileError(file, error, "written");
  }
}

async function add(context: CommandContext, operands: readonly string[]): Promise<void> {
  const [file] = expectOperands(operands, 1, 1);
  const order = labelled(context, await orderFrom(context, file!, true));
  const target = textOption(context.options, "target") ?? null;
  const roles = rolesFrom(context.options);
  const { client } = await context.connect();
  await withDataset(context, order, null, "error", async (opened) => {
    // An image that can't be decoded is a finding here; whoever reads it hears of it.
    const inspection = await inspected(context, opened, { target, roles, badRows: "skip" });
    context.progress.end();
    const name = textOption(context.options, "name") ?? order.description.name;
    const added = await client.addDataset({
      body: {
        name,
        description: { ...order.description, name },
        manifest: { ...shortened(opened), inspection: keptOf(inspection) },
        reason: textOption(context.options, "reason") ?? null,
      },
    });
    context.answer(added, () => datasetText(added.dataset, added.isNew));
  });
}

type KeptInspection = NonNullable<DatasetView["manifest"]["inspection"]>;

/** As it is kept; null of tables so wide that it would be too long. */
function keptOf(inspection: DatasetInspection): KeptInspection | null {
  return inspection.columns.length > MOST_KEPT_COLUMNS
    ? null
    : (structuredClone(inspection) as unknown as KeptInspection);
}

/** The order with the label that was named; with another one it is not what was registered. */
function labelled({ options }: CommandContext, order: DatasetOrder): DatasetOrder {
  const target = textOption(options, "target");
  if (target === undefined) return order;
  return { ...order, description: { ...order.description, label: target }, hash: null };
}

async function inspected(
  context: CommandContext,
  opened: OpenDataset,
  options: Pick<InspectOptions, "target" | "roles" | "badRows">,
): Promise<DatasetInspection> {
  return await inspectDataset(opened, {
    ...options,
    signal: context.signal,
    report: (text) => context.progress.update(`Inspecting: ${text}`),
  });
}

async function list(context: CommandContext, operands: readonly string[]): Promise<void> {
  const [name] = expectOperands(operands, 0, 1);
  const { client } = await context.connect();
  const datasets = await client.listDatasets({ query: name === undefined ? {} : { name } });
  context.answer(datasets, () => datasetsText(datasets));
}

async function show(context: CommandContext, operands: readonly string[]): Promise<void> {
  const [reference] = expectOperands(operands, 1, 1);
  const [, name, number] = /^([^:]+)(?::([1-9]\d{0,8}))?$/.exec(reference!) ?? [];
  if (name === undefined) throw new SlipwayError("USAGE", `"${reference}" must be NAME or NAME:NUMBER here.`);
  const { client } = await context.connect();
  const found = await findDataset(client, name, number === undefined ? null : Number(number));
  context.answer(found, () => datasetText(found, false));
}

/** What an argument names. @param isNew whether it is to be registered, so that a registered name is no answer */
async function orderFrom(context: CommandContext, named: string, isNew = false): Promise<DatasetOrder> {
  return await datasetOrder(named, {
    workingDirectory: context.environment.workingDirectory,
    find: async (name, number) => {
      if (isNew) {
        throw new SlipwayError(
          "USAGE",
          `"${named}" is no path: give a file, a folder (with a slash) or a description.`,
        );
      }
      const { client } = await context.connect();
      return await findDataset(client, name, number);
    },
  });
}

async function findDataset(client: Client, name: string, number: number | null): Promise<DatasetView> {
  return await client.getDataset({ params: { name }, query: number === null ? {} : { number } });
}

async function withDataset(
  { progress, signal }: CommandContext,
  { description, folder, hash }: DatasetOrder,
  processing: unknown,
  badRows: BadRowChoice,
  use: (opened: OpenDataset) => Promise<void>,
): Promise<void> {
  progress.step(`Opening ${description.name} …`);
  const opened = await openDataset({
    description,
    folder,
    hash,
    processing,
    badRows,
    clock: systemClock,
    environment: {},
    signal,
    report: ({ done, total, text }) => {
      progress.update(
        total === null
          ? `Opening ${description.name}: ${text}`
          : `Opening ${description.name}: ${text}, ${size(done)} of ${size(total)}`,
      );
    },
  });
  try {
    await use(opened);
  } finally {
    await opened.close();
  }
}

/** Whether rows fit a model, tried on the first of them. */
async function fitOf(
  opened: OpenDataset,
  signature: Parameters<OpenDataset["fit"]>[0],
  split: string | null,
  signal: AbortSignal,
): Promise<ModelFit> {
  try {
    const inputs = opened.fit(signature).map(({ input, kind, columns, dtype }) => ({ input, kind, columns, dtype }));
    const options = { signature, split, batchRows: 16, slices: [], firstRow: 0, signal };
    let shapes: Record<string, readonly number[]> = {};
    for await (const batch of opened.batches(options)) {
      shapes = Object.fromEntries(Object.entries(batch.inputs).map(([name, { shape }]) => [name, shape.slice(1)]));
      break;
    }
    return { fits: true, reason: null, inputs: inputs.map((one) => ({ ...one, shape: shapes[one.input] ?? null })) };
  } catch (error) {
    if (!(error instanceof SlipwayError) || !/^(INPUT_|DATASET_|ROWS_)/.test(error.code)) throw error;
    return { fits: false, reason: `${error.code} ${error.message}`, inputs: [] };
  }
}

/** The manifest as it is shown and kept. */
function shortened({ manifest }: OpenDataset): Omit<DatasetView["manifest"], "inspection"> {
  const { format, rows, columns, splits, source, licence, files, hash } = manifest;
  return {
    format,
    rows,
    columns: columns.map((column) => ({ ...column })),
    splits: { ...splits },
    source,
    licence,
    files: files.slice(0, MOST_NAMED_FILES).map((file) => ({ ...file })),
    fileCount: files.length,
    sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    hash,
  };
}

function expectOperands(operands: readonly string[], least: number, most: number): readonly string[] {
  if (operands.length >= least && operands.length <= most) return operands;
  throw new SlipwayError(
    "USAGE",
    `It takes ${least === most ? least : `${least} or ${most}`} operand${most === 1 ? "" : "s"}, not ${operands.length}: ${USAGE}.`,
  );
}
