// Opening a dataset: its files are found and hashed, its rows counted, its classes and splits found; then it can be read.
import path from "node:path";
import { type Clock, SlipwayError, unreachable } from "@slipway/core/base";
import type { Signature } from "@slipway/core/tensor";
import { canonicalJson, type JsonValue, textHash } from "#registry";
import { ImagePreparer } from "#runtime";
import { openArrays } from "./array-source.ts";
import { type BadRowChoice, type BadRows, MOST_TOLD, NONE_SKIPPED, type SkippedRows } from "./bad-rows.ts";
import { batchesOf } from "./batches.ts";
import type { BatchOptions, Dataset, DatasetFile, DatasetManifest, RowBatch } from "./dataset.ts";
import { type DatasetDescription, filesOf } from "./description.ts";
import {
  endingsText,
  fileInside,
  filesIn,
  findFiles,
  type FolderFiles,
  formatOf,
  type FoundFile,
  hashFile,
  shownFrom,
} from "./files.ts";
import { IMAGE_COLUMNS, type ImageFolder, openImages } from "./image-source.ts";
import { bindInputs, checkSteps, type InputBinding } from "./inputs.ts";
import { checkSingle, type LabelPlan, planLabels, weightFiller } from "./labels.ts";
import type { RowSource } from "./source.ts";
import { findSplits, type Splits } from "./splits.ts";
import { openTables } from "./table-source.ts";

export interface OpenDatasetOptions {
  /** With absolute paths, as `readDescription` and `datasetOrder` answer it. */
  readonly description: DatasetDescription;
  /** Where its paths are told from; null, or left out, tells them as they are. */
  readonly folder?: string | null;
  /** Of the manifest it has to have, where it was registered; null takes whatever is found. */
  readonly hash: string | null;
  /** The version's, where images are read by its steps or classes have the names of its labels; null for none. */
  readonly processing: unknown;
  /** What becomes of lines of CSV files that make no row; an error unless said. */
  readonly badRows?: BadRowChoice;
  readonly clock: Clock;
  /** The whole environment of the process that decodes images. */
  readonly environment: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** In bytes, where there is a total; what is being done has none. */
  readonly report?: (progress: { readonly done: number; readonly total: number | null; readonly text: string }) => void;
}

export interface OpenDataset extends Dataset {
  readonly source: RowSource;
  readonly labels: LabelPlan | null;
  readonly splits: Splits | null;
  /** The column of weights. */
  readonly weight: string | null;
  /** Lines of CSV files that made no row, as was chosen, and pictures that are not read; they count nowhere else. */
  readonly skipped: SkippedRows;
  /** Columns that are label, weight or decide the split, and so no features unless the description says it. */
  readonly taken: ReadonlySet<string>;
  /**
   * Which columns become which input of a model.
   * @throws SlipwayError INPUT_*, DATASET_INVALID where they don't fit
   */
  fit(signature: Signature): readonly InputBinding[];
  /** @throws SlipwayError DATASET_INVALID naming `key` for a column there is not, or one of several values a row */
  checkColumn(column: string, key: string): void;
  /**
   * As `batches`, of what is wanted, whatever the description says of inputs, label and weight.
   * @throws SlipwayError as `batches` does
   */
  rowsAs(wanted: RowsWanted): AsyncIterable<RowBatch>;
}

/** What is wanted of rows by those who know it themselves. */
export interface RowsWanted extends Omit<BatchOptions, "signature" | "firstRow"> {
  readonly inputs: readonly InputBinding[];
  readonly labels: LabelPlan | null;
  readonly weight: string | null;
  readonly badRows: BadRows;
  /** Each so many-th row of the source alone, for a look at all of it; 1 unless said. */
  readonly every?: number;
}

/**
 * Opens a dataset. Every byte of its files is read once for its hash; close it when done.
 * @throws SlipwayError FILE_UNREADABLE, DATASET_INVALID, DATASET_CHANGED, ROWS_INVALID; the signal's reason
 * @example
 * const dataset = await openDataset({ description, hash: null, processing: null, clock, environment: {}, signal });
 * for await (const { inputs, labels } of dataset.batches({ signature, split: "test", batchRows: 64, slices: [], firstRow: 0, signal })) …
 */
export async function openDataset(options: OpenDatasetOptions): Promise<OpenDataset> {
  const { description, processing, signal } = options;
  checkSteps(description);
  const shownAs = (full: string): string => shownFrom(options.folder ?? null, full);
  const doing = (text: string) => options.report?.({ done: 0, total: null, text });
  doing("counting the rows");
  const { source, files, format, skipped } = await openSource(options, shownAs);
  const preparer = new ImagePreparer({ clock: options.clock, environment: options.environment });
  try {
    const labels = await planLabels(description, source, processing, signal);
    if (description.weight !== null) weightFiller(description.weight, source);
    doing("splitting the rows");
    if (
      format === "arrays" &&
      typeof description.split === "object" &&
      description.split !== null &&
      "files" in description.split
    ) {
      throw new SlipwayError(
        "DATASET_INVALID",
        '"split.files": a row of arrays lies in all files; split by fractions.',
      );
    }
    const splits = description.split === null ? null : await findSplits(description.split, source, shownAs, signal);
    const named = await namedImages(description, source, signal);
    const manifest = await manifestOf({ ...options, format, source, splits, skipped, files: [...files, ...named] });
    if (options.hash !== null && options.hash !== manifest.hash) throw changed(manifest, options.hash);
    return new Opened({ description, processing, source, labels, splits, preparer, manifest, skipped });
  } catch (error) {
    preparer.close();
    await source.close();
    throw error;
  }
}

interface OpenedParts {
  readonly description: DatasetDescription;
  readonly processing: unknown;
  readonly source: RowSource;
  readonly labels: LabelPlan | null;
  readonly splits: Splits | null;
  readonly preparer: ImagePreparer;
  readonly manifest: DatasetManifest;
  readonly skipped: SkippedRows;
}

class Opened implements OpenDataset {
  readonly manifest: DatasetManifest;
  readonly classes: readonly string[] | null;
  readonly source: RowSource;
  readonly labels: LabelPlan | null;
  readonly splits: Splits | null;
  readonly weight: string | null;
  readonly skipped: SkippedRows;
  readonly taken: ReadonlySet<string>;
  readonly #parts: OpenedParts;

  constructor(parts: OpenedParts) {
    this.#parts = parts;
    this.manifest = parts.manifest;
    this.source = parts.source;
    this.labels = parts.labels;
    this.splits = parts.splits;
    this.weight = parts.description.weight;
    this.skipped = parts.skipped;
    this.classes = parts.labels?.classes ?? null;
    const { description, labels, splits } = parts;
    const named = [labels?.column ?? null, description.weight, ...(splits?.wanted.map(({ column }) => column) ?? [])];
    this.taken = new Set(named.filter((name) => name !== null));
  }

  rowsOf(split: string | null): number {
    return split === null ? this.manifest.rows : this.splits!.sizes[this.#placeOf(split)!]!;
  }

  fit(signature: Signature): readonly InputBinding[] {
    const { description, source, processing } = this.#parts;
    return bindInputs(description, source, signature, this.taken, processing);
  }

  async *batches(options: BatchOptions): AsyncGenerator<RowBatch> {
    const { source, splits, labels, preparer, description } = this.#parts;
    const split = this.#placeOf(options.split);
    const bindings = this.fit(options.signature);
    yield* batchesOf({ source, splits, labels, weight: description.weight, preparer }, bindings, split, options);
  }

  checkColumn(column: string, key: string): void {
    checkSingle(column, key, this.source);
  }

  rowsAs({ inputs, labels, weight, badRows, split, ...options }: RowsWanted): AsyncGenerator<RowBatch> {
    const { source, splits, preparer } = this.#parts;
    const parts = { source, splits, labels, weight, preparer, badRows };
    return batchesOf(parts, inputs, this.#placeOf(split), { ...options, firstRow: 0 });
  }

  #placeOf(split: string | null): number | null {
    if (split === null) return null;
    const names = this.splits?.names ?? [];
    const place = names.indexOf(split);
    if (place >= 0) return place;
    const there = names.length === 0 ? 'it is not split; say how under "split"' : `there is ${names.join(", ")}`;
    throw new SlipwayError("ROWS_INVALID", `The dataset "${this.manifest.name}" has no split "${split}"; ${there}.`);
  }

  async close(): Promise<void> {
    this.#parts.preparer.close();
    await this.source.close();
  }
}

interface OpenedSource {
  readonly source: RowSource;
  readonly files: readonly FoundFile[];
  readonly format: DatasetManifest["format"];
  readonly skipped: SkippedRows;
}

async function openSource(
  { description, badRows = "error", signal }: OpenDatasetOptions,
  shownAs: (path: string) => string,
): Promise<OpenedSource> {
  const named = filesOf(description);
  const told = named.map(shownAs).join(", ");
  const found = await findFiles(named, shownAs);
  const inFolders = new Map<string, FolderFiles>();
  for (const one of found.folders) inFolders.set(one, await filesIn(one, shownAs(one)));
  const single = shortlyNamed(found.files);
  const all = [...single, ...[...inFolders.values()].flatMap((one) => one.files)];
  const format = description.format ?? guessedFormat(all, told);
  // In folders lies what else people keep there; a file that was named is meant.
  const folders = [...inFolders].map(([folder, { files }]): ImageFolder => {
    return { path: folder, images: files.filter(({ path: file }) => formatOf(file) === format) };
  });
  const files = [...single, ...folders.flatMap(({ images }) => images)];
  if (files.length === 0) {
    throw new SlipwayError("DATASET_INVALID", `${told} holds no ${format} files.`);
  }
  const twice = namedTwice(files);
  if (twice !== undefined) {
    throw new SlipwayError(
      "DATASET_INVALID",
      `"files" names ${shownAs(twice.path)} twice; its rows would count twice.`,
    );
  }
  const odd = files.find(({ path: file }) => (formatOf(file) ?? format) !== format);
  if (odd !== undefined) {
    throw new SlipwayError(
      "DATASET_INVALID",
      `"${odd.shown}" is of format ${formatOf(odd.path)}, and the dataset is ${format}. Files of one dataset have one format.`,
    );
  }
  switch (format) {
    case "csv":
    case "parquet":
    case "jsonl":
      return { ...(await openTables(files, format, csvOf(description, files), badRows, signal)), files, format };
    case "arrays":
      return { source: await openArrays(files), files, format, skipped: NONE_SKIPPED };
    case "images": {
      const alone = found.files.map((file): ImageFolder => {
        const shown = file.path.split(path.sep).slice(-2).join("/");
        return { path: path.dirname(path.dirname(file.path)), images: [{ ...file, shown }] };
      });
      const parts = [...alone, ...folders];
      const skipped = skippedImages([...inFolders.values()].flatMap((one) => one.otherImages));
      return { source: openImages(parts), files: parts.flatMap(({ images }) => images), format, skipped };
    }
    default:
      return unreachable(format);
  }
}

/** Pictures that lie among those that are read. */
function skippedImages(names: readonly string[]): SkippedRows {
  const first = names
    .slice(0, MOST_TOLD)
    .map((name) => `${name} is of a format that is not read; PNG, JPEG and WebP are. Save it as one of these.`);
  const column = IMAGE_COLUMNS.image;
  return { rows: names.length, columns: names.length === 0 ? [] : [{ column, rows: names.length }], first };
}

function namedTwice(files: readonly FoundFile[]): FoundFile | undefined {
  const seen = new Set<string>();
  return files.find((file) => {
    if (seen.has(file.path)) return true;
    seen.add(file.path);
    return false;
  });
}

/** Files by their names alone, where these are different. */
function shortlyNamed(files: readonly FoundFile[]): readonly FoundFile[] {
  const names = files.map((file) => path.basename(file.path));
  return new Set(names).size === names.length ? files.map((file, at) => ({ ...file, shown: names[at]! })) : files;
}

function csvOf({ csv }: DatasetDescription, files: readonly FoundFile[]): DatasetDescription["csv"] {
  const isTabs = files.every((file) => /\.tsv(\.gz)?$/i.test(file.path));
  return csv.delimiter === null && isTabs ? { ...csv, delimiter: "\t" } : csv;
}

/** The format of the files; in folders with several, that of the tables, which may name the images. */
function guessedFormat(files: readonly FoundFile[], named: string): DatasetManifest["format"] {
  const formats = new Set(files.map((file) => formatOf(file.path)).filter((format) => format !== null));
  if (formats.size === 1) return [...formats][0]!;
  if (formats.size === 0) {
    throw new SlipwayError(
      "DATASET_INVALID",
      `Nothing says what ${named} is: no file's name ends in ${endingsText()}. Say it under "format".`,
    );
  }
  throw new SlipwayError(
    "DATASET_INVALID",
    `${named} holds files of several formats: ${[...formats].join(", ")}. Say which under "format".`,
  );
}

/** Images that rows of tables name are part of the dataset. */
async function namedImages(
  { inputs }: DatasetDescription,
  source: RowSource,
  signal: AbortSignal,
): Promise<readonly FoundFile[]> {
  const columns = Object.values(inputs).flatMap((one) =>
    typeof one === "object" && "image" in one ? [one.image] : [],
  );
  const found = new Map<string, FoundFile>();
  for (const column of columns) {
    if (!source.columns.some(({ name }) => name === column)) {
      throw new SlipwayError("DATASET_INVALID", `"inputs": there is no column "${column}" with images.`);
    }
    if (source.kindOf(column) === "image") continue;
    for await (const { firstRow, columns: blocks } of source.read([{ column, form: "text" }], 0, signal)) {
      const [block] = blocks;
      if (block?.kind !== "texts") continue;
      for (const [row, name] of block.values.entries()) {
        // Rows without one are told where they are read.
        if (name === null) continue;
        const folder = source.folderOf(firstRow + row);
        const full = path.resolve(folder, name);
        if (!found.has(full)) found.set(full, await fileInside(folder, name));
      }
    }
  }
  return [...found.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

interface ManifestParts extends OpenDatasetOptions {
  readonly format: DatasetManifest["format"];
  readonly source: RowSource;
  readonly splits: Splits | null;
  readonly files: readonly FoundFile[];
  readonly skipped: SkippedRows;
}

async function manifestOf(parts: ManifestParts): Promise<DatasetManifest> {
  const { description, format, source, splits, signal, report } = parts;
  const files: DatasetFile[] = [];
  const total = parts.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let done = 0;
  for (const file of parts.files) {
    const sha256 = await hashFile(file, signal, (bytes) => {
      done += bytes;
      report?.({ done, total, text: `reading ${file.shown}` });
    });
    files.push({ path: file.shown, sizeBytes: file.sizeBytes, sha256 });
  }
  const { inputs, label, weight, csv, name, source: from, licence } = description;
  // What an image is called decides its label, or which row it belongs to; a table's name decides nothing.
  const isNamed = (file: string) => formatOf(file) === "images" || format === "arrays";
  // Classes that a version names are the version's, not the data's.
  const decides = {
    schema: 1,
    format,
    files: files.map(({ path: shown, sha256 }) => (isNamed(shown) ? [shown, sha256] : sha256)),
    inputs,
    label,
    weight,
    split: splits?.decides ?? null,
    csv: format === "csv" ? csv : null,
    // Where nothing was left out, it is the same data for those who would not have left it out.
    ...(parts.skipped.rows === 0 || format === "images" ? {} : { skippedLines: parts.skipped.rows }),
  };
  return {
    schema: 1,
    name,
    format,
    files,
    columns: source.columns,
    rows: source.rows,
    splits: Object.fromEntries(splits?.names.map((one, place) => [one, splits.sizes[place]!]) ?? []),
    source: from,
    licence,
    hash: textHash(canonicalJson(decides as unknown as JsonValue)),
  };
}

function changed({ name, files, hash }: DatasetManifest, wanted: string): SlipwayError {
  const named = files.slice(0, 3).map((file) => file.path);
  return new SlipwayError(
    "DATASET_CHANGED",
    `The dataset "${name}" is not what was registered: its hash was ${wanted.slice(0, 12)} and is ${hash.slice(0, 12)}. Its ${files.length === 1 ? "file is" : `${files.length} files are`} ${named.join(", ")}${files.length > 3 ? ", …" : ""}.`,
  );
}
