// Datasets as the CLI prints them.
import type { DatasetSummary } from "#lab/dataset";
import type { DatasetInspection } from "#lab/inspection";
import type { DatasetView } from "slipway/client";
import { inspectionText, sparkline } from "./inspection-text.ts";
import { columns as aligned, count, moment, size, table, wrapped } from "./text.ts";

/** Whether rows fit a model, and which columns go where. */
export interface ModelFit {
  readonly fits: boolean;
  /** Why not. */
  readonly reason: string | null;
  readonly inputs: readonly {
    readonly input: string;
    readonly kind: "columns" | "image";
    readonly columns: readonly string[];
    readonly dtype: string;
    /** Of a row, as the first ones are; null where there are no rows. */
    readonly shape: readonly number[] | null;
  }[];
}

const LINE = 100;
const MOST_LABELS = 20;
const LONGEST_CELL = 24;

type Manifest = Omit<DatasetView["manifest"], "inspection">;

/** Before "file". */
const FORMATS: Readonly<Record<Manifest["format"], string>> = {
  csv: "CSV",
  parquet: "Parquet",
  jsonl: "JSON Lines",
  arrays: "array",
  images: "image",
};

export function summaryText(about: {
  readonly name: string;
  readonly manifest: Manifest;
  readonly summary: DatasetSummary;
  readonly inspection: DatasetInspection;
  readonly fit: (ModelFit & { readonly model: string }) | null;
}): string {
  const { name, manifest, summary, inspection, fit } = about;
  const lines = [
    `${name}: ${headline(manifest)}`,
    ...provenance(manifest),
    "",
    ...columnsTable(summary, inspection),
    // Of numbers that are few enough to be counted, too, the distribution says more.
    ...(inspection.target?.kind === "number" ? [] : labelsTable(summary, manifest)),
    ...splitsTable(manifest),
    ...sampleTable(summary),
    ...inspectionText(inspection),
  ];
  if (fit !== null) lines.push("", ...fitText(fit));
  return lines.join("\n");
}

function headline({ format, rows, fileCount, sizeBytes }: Manifest): string {
  return `${count(rows)} ${rows === 1 ? "row" : "rows"} in ${count(fileCount)} ${FORMATS[format]} ${fileCount === 1 ? "file" : "files"}, ${size(sizeBytes)}.`;
}

function provenance({ source, licence, hash }: Manifest): string[] {
  return [
    `Source: ${source ?? "not said"}. Licence: ${licence ?? "not said"}.`,
    `Hash ${hash.slice(0, 12)}, over the files' bytes and how they are read.`,
  ];
}

function columnsTable({ columns }: DatasetSummary, inspection: DatasetInspection): string[] {
  const hasUnreadable = columns.some(({ unreadable }) => unreadable > 0);
  const numberHead = hasUnreadable ? ["no number"] : [];
  const head = ["column", "type", "missing", ...numberHead, "min", "max", "different", "is", "values"];
  const isWhole = inspection.sampledRows === inspection.rows;
  const rows = columns.map(({ name, type, missing, unreadable, min, max, distinct, role }, at) => {
    const found = inspection.columns[at]!;
    const different = distinct ?? (isWhole && found.distribution !== null ? found.distinct : null);
    return [
      shortened(name),
      shortened(type),
      count(missing),
      ...(hasUnreadable ? [count(unreadable)] : []),
      cell(min),
      cell(max),
      different === null ? "" : count(different),
      role ?? found.role,
      sparkline(found.distribution),
    ];
  });
  return table(head, rows, hasUnreadable ? "llrrrrr" : "llrrrr");
}

function labelsTable({ labels }: DatasetSummary, { rows, splits }: Manifest): string[] {
  if (labels === null || labels.length === 0) return [];
  const names = Object.keys(splits);
  const shown = labels.slice(0, MOST_LABELS);
  const lines = table(
    ["label", "rows", "share", ...names.map((name) => `in ${shortened(name)}`)],
    shown.map((one) => [
      shortened(one.label),
      count(one.rows),
      share(one.rows, rows),
      ...names.map((name) => share(one.splits[name] ?? 0, splits[name] ?? 0)),
    ]),
    `lrr${"r".repeat(names.length)}`,
  );
  const more = labels.length - shown.length;
  return ["", ...lines, ...(more > 0 ? [`and ${more} labels of fewer rows`] : [])];
}

function share(part: number, whole: number): string {
  return whole === 0 ? "–" : `${((100 * part) / whole).toFixed(1)} %`;
}

function splitsTable({ splits, rows }: Manifest): string[] {
  const entries = Object.entries(splits);
  if (entries.length === 0) return [];
  const cells = entries.map(([name, size_]) => [name, count(size_), share(size_, rows)]);
  return ["", ...table(["split", "rows", "share"], cells, "lrr")];
}

function sampleTable({ columns, sample }: DatasetSummary): string[] {
  if (sample.length === 0) return [];
  // As many columns as a line holds.
  let width = 0;
  const places = columns
    .map((_, place) => place)
    .filter((place) => {
      const cells = [columns[place]!.name, ...sample.map((row) => row[place] ?? "–")];
      width += 2 + Math.max(...cells.map((text) => Math.min(text.length, LONGEST_CELL)));
      return width <= LINE;
    });
  const shown = sample.map((row) => places.map((place) => shortened(row[place] ?? "–")));
  const more = columns.length - places.length;
  return [
    "",
    `The first rows${more > 0 ? `, of ${more} columns more` : ""}:`,
    // Names as they are written, not in capitals.
    ...aligned([places.map((place) => shortened(columns[place]!.name)), ...shown]),
  ];
}

function fitText({ fits, reason, inputs, model }: ModelFit & { readonly model: string }): string[] {
  if (!fits) return wrapped(`Does not fit ${model}: ${reason}`, LINE);
  const rows = inputs.map(({ input, kind, columns, dtype, shape }) => [
    input,
    `${dtype}${shape === null ? "" : `[${shape.join(", ")}]`}`,
    `${kind === "image" ? "images of " : ""}${columns.length > 8 ? `${columns.slice(0, 8).join(", ")} and ${columns.length - 8} more` : columns.join(", ")}`,
  ]);
  return [`Fits ${model}:`, ...table(["input", "of a row", "from"], rows)];
}

/** A registered dataset. @param isNew whether it was registered now */
export function datasetText({ name, number, manifest, createdAt }: DatasetView, isNew: boolean): string {
  const { files, fileCount } = manifest;
  const named = files.slice(0, 10).map(({ path, sizeBytes, sha256 }) => [path, size(sizeBytes), sha256.slice(0, 12)]);
  return [
    `${isNew ? "Registered " : ""}${name}:${number}: ${headline(manifest)}`,
    ...provenance(manifest),
    `Registered ${moment(createdAt)}.`,
    ...splitsTable(manifest),
    "",
    ...table(["file", "size", "sha-256"], named, "lrl"),
    ...(fileCount > named.length ? [`and ${count(fileCount - named.length)} files more`] : []),
    "",
    ...table(
      ["column", "type"],
      manifest.columns.map((column) => [shortened(column.name), shortened(column.type)]),
    ),
    ...(manifest.inspection === null ? [] : inspectionText(manifest.inspection as DatasetInspection)),
  ].join("\n");
}

export function datasetsText(datasets: readonly DatasetView[]): string {
  if (datasets.length === 0) return "No dataset is registered yet: slipway dataset add FILE.";
  const rows = datasets.map(({ name, number, manifest, createdAt }) => [
    `${name}:${number}`,
    manifest.format,
    count(manifest.rows),
    Object.keys(manifest.splits).join(", "),
    manifest.licence ?? "",
    manifest.hash.slice(0, 12),
    moment(createdAt),
  ]);
  return table(["dataset", "format", "rows", "splits", "licence", "hash", "registered"], rows, "llr").join("\n");
}

function cell(value: number | string | null): string {
  if (typeof value !== "number") return shortened(value ?? "");
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
}

function shortened(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length <= LONGEST_CELL ? line : `${line.slice(0, LONGEST_CELL - 1)}…`;
}
