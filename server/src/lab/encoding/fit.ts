// Fitting an encoder: what each column is, then what of its values in the training rows decides how they are encoded. Rows
// are read again and again instead of kept, so tables may be longer than memory.
import { assert, SlipwayError, unreachable } from "@slipway/core/base";
import type { TensorData } from "@slipway/core/tensor";
import {
  BadRows,
  type BadRowChoice,
  type ColumnRole,
  type InputBinding,
  inferRoles,
  type LabelPlan,
  type OpenDataset,
  type RoleDecision,
  roleFlag,
  type RowBatch,
  type SampledColumn,
  sampleTable,
} from "#lab/dataset";
import { CategoryFit, type ColumnFit, NumberFit, TimeFit, TruthFit } from "./column-fits.ts";
import { encoderModel } from "./encoder-model.ts";
import { type EncodedColumn, type FittedEncoder, type InputDType, usedColumns } from "./encoding.ts";
import { featuresOf } from "./features.ts";
import { fitTarget, type Task } from "./target.ts";

export interface FitEncoderOptions {
  /** Of the training rows; null takes all rows. Nothing of other rows is looked at. */
  readonly split: string | null;
  /** The column to predict; null takes the dataset's label, if it has one. */
  readonly target: string | null;
  /** null finds it in the target: texts, truth values and a few whole numbers are classes. */
  readonly task: Task | null;
  /** Roles that are told, by column; others are found. */
  readonly roles?: ReadonlyMap<string, ColumnRole>;
  readonly badRows: BadRowChoice;
  /** Values of a categorical column that get a feature of their own at most; 64 unless said. */
  readonly mostCategories?: number;
  /** Training rows a value has to have for that; 3 unless said. */
  readonly leastCategoryRows?: number;
  readonly signal: AbortSignal;
  /** Told what is being done, for people. */
  readonly report?: (text: string) => void;
}

/** Rows that are looked at for the roles of columns; encoders see all training rows. */
const SAMPLED_ROWS = 200_000;
const BATCH_ROWS = 4096;
/** Values of a table that may be kept until their quartiles are found: 128 MiB. */
const MOST_KEPT_VALUES = 2 ** 24;

/**
 * Finds what each column is and fits an encoder on the training rows.
 * @throws SlipwayError DATASET_INVALID for a column there is not, nothing to learn from, a column without values, or a target
 *   with one class; ROWS_INVALID for a row that can't be used, unless such are skipped; the signal's reason
 * @example
 * const encoder = await fitEncoder(dataset, { split: "train", target: "default", task: null, badRows: "skip", signal });
 */
export async function fitEncoder(dataset: OpenDataset, options: FitEncoderOptions): Promise<FittedEncoder> {
  const { split, signal, report = () => {} } = options;
  const badRows = new BadRows(options.badRows);
  if (options.target !== null) dataset.checkColumn(options.target, "target");
  report("looking at the columns");
  const sample = await sampleTable(dataset, { split, mostRows: SAMPLED_ROWS, signal });
  const label = options.target ?? dataset.labels?.column ?? null;
  const told = new Map(options.roles);
  if (label !== null) told.delete(label);
  const decisions = inferRoles(sample, {
    label,
    weight: dataset.weight,
    split: dataset.splits?.wanted.map(({ column }) => column) ?? [],
    told,
  });
  const weight = onlyOne(decisions, "weight");
  const target = label ?? onlyOne(decisions, "label");
  refuseEmpty(decisions, sample.rows, options);
  const isKept = dataset.rowsOf(split) * sample.columns.length <= MOST_KEPT_VALUES;
  const columns = sample.columns.map((column, at) => fittingOf(column, decisions[at]!, isKept, options));
  const used = columns.filter((column) => column.fit !== null);
  if (used.length === 0) throw nothingLeft(decisions);
  const inputs = used.map(({ name, input, role }) => bindingOf(name, input!, role === "timestamp"));
  const goal =
    target === null ? null : await fitTarget(dataset, { column: target, task: options.task, split, signal, badRows });
  const plan = { inputs, labels: goal === null ? null : goal.plan, weight };
  const rows = await fitColumns(dataset, used, plan, badRows, options);
  if (rows === 0) throw new SlipwayError("DATASET_INVALID", "There is no training row to fit an encoder on.");
  // Of the rows that were looked at some had a value, but all of those were left out.
  const empty = used.find(({ fit }) => fit!.missing === rows);
  if (empty !== undefined) throw emptyColumn(empty.name, rows);
  const encoded = columns.map(({ fit, missing, ...column }): EncodedColumn => {
    return { ...column, missing: fit === null ? missing : fit.missing, encoding: fit === null ? null : fit.encoding() };
  });
  const features = featuresOf(usedColumns(encoded));
  return {
    model: encoderModel(usedColumns(encoded), features.length),
    width: features.length,
    features,
    columns: encoded,
    target: goal === null ? null : goal.encoding(),
    weight,
    rows,
    skipped: badRows.skipped(),
  };
}

/** How a column is read for an encoder: rows' single values, NaN or "" where one is missing. */
export function bindingOf(column: string, dtype: InputDType, isTime: boolean): InputBinding {
  const missing = dtype === "string" ? "empty" : "nan";
  return { input: column, dtype, shape: [], kind: "columns", columns: [column], missing, isTime, isFinite: true };
}

interface FittingColumn extends Omit<EncodedColumn, "encoding"> {
  readonly fit: ColumnFit | null;
}

function fittingOf(
  column: SampledColumn,
  decision: RoleDecision,
  isKept: boolean,
  options: FitEncoderOptions,
): FittingColumn {
  const { role, reason, isTold } = decision;
  const about = { name: column.name, role, reason, isTold, missing: column.missing };
  const { mostCategories = 64, leastCategoryRows = 3 } = options;
  const isSingle = column.numbers !== null || column.texts !== null;
  if (isTold && !isSingle && ["numeric", "categorical", "timestamp"].includes(role)) {
    const { name, type } = column;
    throw new SlipwayError(
      "DATASET_INVALID",
      `The column "${name}" is ${type}, which can't be ${role}; leave it out: ${roleFlag(name, "ignored")}.`,
    );
  }
  switch (role) {
    case "numeric":
      return { ...about, input: "float32", fit: column.kind === "truth" ? new TruthFit() : new NumberFit(isKept) };
    case "categorical": {
      const isText = column.texts !== null || !areKeys(column.numbers!);
      const fit = new CategoryFit(column.name, mostCategories, leastCategoryRows);
      return { ...about, input: isText ? "string" : "float32", fit };
    }
    case "timestamp":
      return { ...about, input: "float64", fit: new TimeFit(isKept) };
    case "label":
    case "weight":
    case "id":
    case "protected":
    case "ignored":
      return { ...about, input: null, fit: null };
    default:
      return unreachable(role);
  }
}

/** Whether float32 tells numbers apart, so that they can be looked up as such; others are looked up as texts. */
function areKeys(numbers: Float64Array): boolean {
  return numbers.every((value) => Number.isNaN(value) || Math.fround(value) === value);
}

async function fitColumns(
  dataset: OpenDataset,
  columns: readonly FittingColumn[],
  plan: { readonly inputs: readonly InputBinding[]; readonly labels: LabelPlan | null; readonly weight: string | null },
  badRows: BadRows,
  { split, signal, report = () => {} }: FitEncoderOptions,
): Promise<number> {
  let rows = 0;
  for (let pass = 1; columns.some(({ fit }) => !fit!.isDone); pass++) {
    rows = 0;
    // A column that needs fewer passes than others must not count its rows again.
    const pending = columns.filter(({ fit }) => !fit!.isDone);
    report(`fitting the encoder, pass ${pass}`);
    const wanted = { ...plan, badRows, split, batchRows: BATCH_ROWS, slices: [], signal };
    for await (const batch of dataset.rowsAs(wanted)) {
      for (const { name, fit } of pending) fit!.add(valuesOf(batch, name));
      rows += batch.rows;
    }
    for (const { fit } of pending) fit!.endPass();
  }
  return rows;
}

function valuesOf(batch: RowBatch, column: string): TensorData {
  const tensor = batch.inputs[column];
  assert(tensor !== undefined, `The column "${column}" was not read.`);
  return tensor.data;
}

function onlyOne(decisions: readonly RoleDecision[], role: ColumnRole): string | null {
  const found = decisions.filter((one) => one.role === role).map(({ column }) => column);
  if (found.length > 1) {
    throw new SlipwayError(
      "DATASET_INVALID",
      `The columns ${found.join(" and ")} are both the ${role}; say it of one.`,
    );
  }
  return found[0] ?? null;
}

/** A column nobody spoke of that has no value is an error, or left out where bad rows are. */
function refuseEmpty(decisions: readonly RoleDecision[], rows: number, { badRows }: FitEncoderOptions): void {
  const empty = decisions.find(({ isEmpty, isTold, role }) => {
    const isWanted = role === "numeric" || role === "categorical" || role === "timestamp";
    return isEmpty && (isWanted || (!isTold && role === "ignored" && badRows === "error"));
  });
  if (empty !== undefined) throw emptyColumn(empty.column, rows);
}

function emptyColumn(column: string, rows: number): SlipwayError {
  return new SlipwayError(
    "DATASET_INVALID",
    `The column "${column}" has no value in any of the ${rows} training rows; leave it out: ${roleFlag(column, "ignored")}.`,
  );
}

function nothingLeft(decisions: readonly RoleDecision[]): SlipwayError {
  const others = decisions.filter(({ role }) => role !== "label" && role !== "weight");
  const why = others.slice(0, 8).map(({ column, role, reason }) => `${column} is ${role} (${reason})`);
  const some = others.find(({ isEmpty }) => !isEmpty)?.column;
  const advice = some === undefined ? "" : ` Give one a role, such as ${roleFlag(some, "categorical")}.`;
  if (others.length === 0) why.push("there is none beside the target");
  return new SlipwayError("DATASET_INVALID", `No column is left to learn from: ${why.join("; ")}.${advice}`);
}
