// An inspection from beginning to end: columns are read into memory, all rows or a part of them, and looked at one by one,
// beside the target, and row by row.
import { SlipwayError } from "@slipway/core/base";
import {
  BadRows,
  type BadRowChoice,
  classBalance,
  type ColumnRole,
  DECIDES_SPLIT,
  inferRoles,
  joinedSkips,
  momentsFromTexts,
  numbersFromTexts,
  type OpenDataset,
  placeText,
  type RoleDecision,
  type SampledColumn,
  sampleTable,
  type TableSample,
} from "#lab/dataset";
import { associationOf, type TargetValues } from "./association.ts";
import { distributionOf } from "./distribution.ts";
import { duplicatesOf } from "./duplicates.ts";
import { findingsOf } from "./findings.ts";
import { imageDuplicatesOf } from "./image-duplicates.ts";
import type { Association, DatasetInspection, InspectedColumn, InspectedTarget } from "./inspection.ts";
import { type Coded, coded } from "./values.ts";

export interface InspectOptions {
  /** null takes the dataset's label, if it has one. */
  readonly target: string | null;
  readonly roles: ReadonlyMap<string, ColumnRole>;
  /** What becomes of images that can't be decoded. */
  readonly badRows: BadRowChoice;
  readonly signal: AbortSignal;
  /** Told what is being done, for people. */
  readonly report?: (text: string) => void;
}

/** Rows that are looked at; of more, a part that a seed decides. */
const MOST_ROWS = 200_000;
/** Whole numbers of more different values are no classes. */
const MOST_NUMBERED_CLASSES = 20;

/**
 * Inspects a dataset.
 * @throws SlipwayError DATASET_INVALID for a target or a role's column that is not there; ROWS_INVALID for what can't be read;
 *   the signal's reason
 */
export async function inspectDataset(dataset: OpenDataset, options: InspectOptions): Promise<DatasetInspection> {
  const { roles: told, signal, report = () => {} } = options;
  const { source, splits, manifest } = dataset;
  const goal = options.target ?? dataset.labels?.column ?? null;
  if (goal !== null) dataset.checkColumn(goal, "target");
  const read = await sampleTable(dataset, {
    split: null,
    mostRows: MOST_ROWS,
    signal,
    onRows: (done) => report(`looking at columns: ${done} of ${manifest.rows} rows`),
  });
  const splitsBy = splits?.wanted.map(({ column }) => column) ?? [];
  // Stratifying reads the label; it is learnt all the same.
  const split = splitsBy.filter((column) => column !== goal);
  const roles = inferRoles(read, { label: goal, weight: dataset.weight, split, told });
  const columns = read.columns.map((column, at) => {
    const readAs = { numeric: numbersFromTexts, timestamp: momentsFromTexts }[roles[at]!.role as string];
    return readAs?.(column, read.places) ?? column;
  });
  const sample = { ...read, columns };
  const codes = sample.columns.map(coded);
  const goalAt = sample.columns.findIndex(({ name }) => name === goal);
  const values = goalAt < 0 ? null : targetValues(sample.columns[goalAt]!, codes[goalAt]!);
  const target =
    values === null ? null : targetOf(sample, sample.columns[goalAt]!, codes[goalAt]!, values, splits?.names);
  report("comparing columns with the target");
  const associations = values === null ? [] : associationsOf(sample, roles, codes, values);
  report("looking for rows that are there twice");
  const placeOf = (row: number) => placeText(source, sample.places[row]!);
  const labels = values?.kind === "classes" ? values.codes : null;
  const alike = comparedColumns(sample, roles);
  const duplicates = duplicatesOf({ sample, columns: alike, labels, placeOf });
  const badRows = new BadRows(options.badRows);
  const images = await inspectImages(dataset, sample, badRows, options);
  const skipped = joinedSkips(dataset.skipped, badRows.skipped());
  const splitNames = splits?.names ?? [];
  const base = {
    sample,
    splitNames,
    splitsBy,
    roles,
    coded: codes,
    target,
    values,
    associations,
    duplicates,
    images,
    skipped,
  };
  return {
    rows: manifest.rows,
    sampledRows: sample.rows,
    splits: manifest.splits,
    target,
    columns: sample.columns.map((column, at) => columnOf(column, roles[at]!, codes[at]!)),
    associations,
    duplicates,
    images,
    findings: findingsOf({ ...base, placeOf: (row) => placeText(source, row) }),
    skipped,
  };
}

function columnOf(column: SampledColumn, { role, reason, isTold }: RoleDecision, own: Coded): InspectedColumn {
  const { name, type, missing, unreadable } = column;
  const distribution = distributionOf(column, own);
  return { name, type, role, reason, isTold, missing, unreadable, distinct: own.values.length, distribution };
}

function targetValues({ kind, numbers, name, type }: SampledColumn, { codes, values }: Coded): TargetValues {
  if (kind === "moment" || kind === "other" || kind === "list" || kind === "image") {
    throw new SlipwayError("DATASET_INVALID", `The target "${name}" is ${type}; it has to hold texts or numbers.`);
  }
  const areWhole = numbers !== null && values.every((value) => Number.isInteger(value));
  if (numbers !== null && kind !== "truth" && !(areWhole && values.length <= MOST_NUMBERED_CLASSES)) {
    return { kind: "number", values: numbers };
  }
  return { kind: "classes", codes, classes: values.length };
}

function targetOf(
  { rows, splits }: TableSample,
  { name, kind }: SampledColumn,
  { values }: Coded,
  goal: TargetValues,
  splitNames: readonly string[] = [],
): InspectedTarget {
  if (goal.kind === "number") return { kind: "number", column: name };
  const counts = values.map(() => new Float64Array(1 + splitNames.length));
  for (let row = 0; row < rows; row++) {
    const own = counts[goal.codes[row]!];
    if (own === undefined) continue;
    own[0]! += 1;
    if (splits !== null) own[1 + splits[row]!]! += 1;
  }
  const balance = classBalance(counts.length === 0 ? [1] : counts.map(([all]) => all!));
  const classes = values.map((value, code) => ({
    label: kind === "truth" ? String(value === 1) : String(value),
    rows: counts[code]![0]!,
    splits: Object.fromEntries(splitNames.map((split, place) => [split, counts[code]![1 + place]!])),
    weight: balance.weights[code]!,
  }));
  const { ratio, majority, evenness } = balance;
  return {
    kind: "classes",
    column: name,
    classes: classes.toSorted((a, b) => b.rows - a.rows),
    balance: { ratio, majority, evenness },
  };
}

function associationsOf(
  sample: TableSample,
  roles: readonly RoleDecision[],
  codes: readonly Coded[],
  target: TargetValues,
): readonly Association[] {
  return sample.columns
    .flatMap((column, at): readonly Association[] => {
      const { role, reason } = roles[at]!;
      if (role === "label" || role === "weight" || reason === DECIDES_SPLIT) return [];
      if (column.kind === "image" || (column.numbers ?? column.texts) === null) return [];
      const isNumber = column.numbers !== null && role !== "categorical" && column.kind !== "truth";
      const own = { name: column.name, numbers: isNumber ? column.numbers : null, coded: codes[at]! };
      return [associationOf(own, target)].filter((one) => one !== null);
    })
    .toSorted((a, b) => b.strength - a.strength || b.informationShare - a.informationShare);
}

/** Columns in which copies agree. */
function comparedColumns(sample: TableSample, roles: readonly RoleDecision[]): readonly SampledColumn[] {
  return sample.columns.filter(({ kind, numbers, texts, hashes }, at) => {
    const { role, reason } = roles[at]!;
    const isOther = role === "label" || role === "id" || role === "weight" || reason === DECIDES_SPLIT;
    return !isOther && kind !== "image" && (numbers ?? texts ?? hashes) !== null;
  });
}

async function inspectImages(
  dataset: OpenDataset,
  sample: TableSample,
  badRows: BadRows,
  { signal, report = () => {} }: InspectOptions,
): Promise<DatasetInspection["images"]> {
  const column = sample.columns.find(({ kind }) => kind === "image");
  if (column === undefined) return null;
  const { splits } = sample;
  const rows = new Map(Array.from(sample.places, (place, row) => [place, row]));
  return await imageDuplicatesOf(dataset, column.name, {
    splitOf: splits === null ? null : (place) => splits[rows.get(place) ?? 0]!,
    placeOf: (row) => placeText(dataset.source, row),
    badRows,
    signal,
    onImages: (done) => report(`looking at images: ${done}`),
  });
}
