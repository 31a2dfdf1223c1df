// Opening the rows of an order: the dataset with splits, which its rows are drawn into where they have none.
import type { Backend } from "@slipway/core/backend";
import { type Clock, SlipwayError } from "@slipway/core/base";
import { BadRows, type DatasetDescription, openDataset, type OpenDataset, type RowBatch } from "#lab/dataset";
import type { TrainOrder } from "./order.ts";
import { isSplitName, withSplits } from "./splits.ts";

export interface PrepareOptions {
  readonly order: TrainOrder;
  readonly backend: Backend;
  readonly clock: Clock;
  /** The whole environment of processes that decode images. */
  readonly environment: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly report: (text: string) => void;
}

const BATCH_ROWS = 4096;
/** Values of a whole-numbered target that may be classes, for which rows are drawn class by class. */
const MOST_STRATA = 20;
const MOST_CLASSES = 1000;
/** Of a folder of images. */
const FOLDER = "folder";

export interface OpenedRows {
  readonly dataset: OpenDataset;
  /** Why rows to validate by were drawn whatever their class, for people; null where they were not, or have none. */
  readonly unstratified: string | null;
}

/** @throws SlipwayError as `openDataset`; DATASET_INVALID for a target there is not */
export async function openRows(options: PrepareOptions): Promise<OpenedRows> {
  const { order, signal, clock, environment, report } = options;
  const { description, folder, hash } = order.data;
  const open = (one: DatasetDescription, expected: string | null) =>
    openDataset({
      description: one,
      folder,
      hash: expected,
      processing: order.base?.processing ?? null,
      clock,
      environment,
      badRows: order.badRows,
      signal,
      report: ({ text }) => report(text),
    });
  const plain = await open(description, hash);
  try {
    const target = targetOf(order, plain);
    if (target !== null) plain.checkColumn(target, "target");
    if (plain.manifest.rows === 0) throw new SlipwayError("DATASET_INVALID", `"${plain.manifest.name}" has no rows.`);
    if (description.split !== null) return { dataset: plain, unstratified: null };
    const { split, unstratified } = await splitsFor(plain, target, order, signal);
    await plain.close();
    const dataset = await open(split, null);
    try {
      refuseFew(dataset, order);
      return { dataset, unstratified };
    } catch (error) {
      await dataset.close();
      throw error;
    }
  } catch (error) {
    await plain.close();
    throw error;
  }
}

/** The column to predict: as it was said, else as the dataset has it. */
export function targetOf({ target, data }: TrainOrder, dataset: OpenDataset): string | null {
  const { label } = data.description;
  return target ?? (typeof label === "string" ? label : (label?.column ?? null)) ?? dataset.labels?.column ?? null;
}

async function splitsFor(
  plain: OpenDataset,
  target: string | null,
  order: TrainOrder,
  signal: AbortSignal,
): Promise<{ readonly split: DatasetDescription; readonly unstratified: string | null }> {
  const { description } = order.data;
  if (plain.manifest.format === "images") {
    const folders = await valuesOf(plain, FOLDER, MOST_STRATA, signal);
    if (folders !== null && folders.size > 1 && [...folders].every(isSplitName))
      return { split: { ...description, split: FOLDER }, unstratified: null };
  }
  const { validationShare, seed } = order.settings;
  const classes = target === null ? "none" : await classesOf(plain, target, order, signal);
  const unstratified = whyUnstratified(classes, order);
  const stratifiedBy = classes === "few" && unstratified === null ? target : null;
  return { split: withSplits(description, { stratifiedBy, validationShare, seed }), unstratified };
}

function whyUnstratified(classes: "none" | "few" | "many", { badRows }: TrainOrder): string | null {
  if (classes === "none") return null;
  if (classes === "many") return `there are more than ${MOST_CLASSES} classes`;
  // A row without a class can't be drawn by it.
  return badRows === "skip" ? "rows without a class may be left out" : null;
}

/** @throws SlipwayError DATASET_INVALID where a share of so few rows is none, or all of them */
function refuseFew({ manifest: { rows, splits } }: OpenDataset, { settings: { validationShare } }: TrainOrder): void {
  const side = Object.entries(splits).find(([, count]) => count === 0)?.[0];
  if (side === undefined) return;
  throw new SlipwayError(
    "DATASET_INVALID",
    `Of ${rows} rows a share of ${validationShare}, class by class, leaves none ${side === "validation" ? "to validate by" : "to train by"}. Hold out another share (--validation), or get more rows.`,
  );
}

/** Whether a target holds classes, and few enough to draw rows by them. */
async function classesOf(
  dataset: OpenDataset,
  target: string,
  { task }: TrainOrder,
  signal: AbortSignal,
): Promise<"none" | "few" | "many"> {
  const kind = dataset.source.kindOf(target);
  if (task === "regression" || kind === "moment") return "none";
  // Unless it is told, numbers are classes where few are there, and whole ones.
  const isOpen = (kind === "whole" || kind === "number") && task === null;
  const seen = await valuesOf(dataset, target, isOpen ? MOST_STRATA : MOST_CLASSES, signal);
  if (seen === null) return isOpen ? "none" : "many";
  if (isOpen && ![...seen].every((text) => Number.isInteger(Number(text)))) return "none";
  return seen.size > 1 ? "few" : "none";
}

/** Different values of a column; null where there are more. */
async function valuesOf(
  dataset: OpenDataset,
  column: string,
  most: number,
  signal: AbortSignal,
): Promise<ReadonlySet<string> | null> {
  const seen = new Set<string>();
  const wanted = { inputs: [], labels: null, weight: null, badRows: new BadRows("error"), split: null };
  for await (const { slices } of dataset.rowsAs({ ...wanted, batchRows: BATCH_ROWS, slices: [column], signal })) {
    for (const text of slices[column]!) if (text !== null) seen.add(text);
    if (seen.size > most) return null;
  }
  return seen;
}

/**
 * Reads the rows that are judged at the end once ahead: those that can't be used are told with the others, or end it before hours of
 * training.
 * @throws SlipwayError as reading does; DATASET_INVALID where none can be used
 */
export async function readAhead(batches: AsyncIterable<RowBatch>, split: string): Promise<void> {
  let usable = 0;
  for await (const { rows } of batches) usable += rows;
  refuseNone(usable, split);
}

/** @throws SlipwayError DATASET_INVALID where no row of a split can be used */
export function refuseNone(rows: number, split: string): void {
  if (rows === 0) throw new SlipwayError("DATASET_INVALID", `The split "${split}" has no row that can be used.`);
}

/** @throws SlipwayError MODEL_TOO_LARGE for more than memory is to take */
export function refuseTooMany(rows: number, width: number): void {
  const bytes = rows * width * 4;
  if (bytes <= MOST_BYTES) return;
  throw new SlipwayError(
    "MODEL_TOO_LARGE",
    `${rows} rows of ${width} numbers take ${Math.round(bytes / 2 ** 30)} GiB; at most ${MOST_BYTES / 2 ** 30} GiB are held in memory. Train by a part of the rows, or by less of each.`,
  );
}

/** Of features, in memory. */
const MOST_BYTES = 8 * 2 ** 30;
