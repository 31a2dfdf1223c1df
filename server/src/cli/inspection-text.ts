// An inspection as the CLI prints it: histograms of one line, what tells what, and findings with what to do.
import { type DatasetInspection, type Distribution, type InspectedColumn, MEASURES } from "#lab/inspection";
import { count, table, wrapped } from "./text.ts";

const LINE = 100;
const MOST_ASSOCIATIONS = 15;
const LONGEST_NAME = 24;
const BLOCKS = "▁▂▃▄▅▆▇█";
const BAR = 12;

/** What a column holds, at a glance: rows by value from least to most, or of the most frequent texts. */
export function sparkline(distribution: Distribution | null): string {
  if (distribution === null) return "";
  const rows = distribution.kind === "texts" ? distribution.top.map((one) => one.rows) : distribution.bins;
  const most = Math.max(...rows);
  // A bin with few rows is no empty one.
  return rows
    .map((one) => (one === 0 ? " " : BLOCKS[Math.max(0, Math.ceil((one / most) * BLOCKS.length) - 1)]!))
    .join("");
}

export function inspectionText(found: DatasetInspection): string[] {
  const { rows, sampledRows } = found;
  const part = `Looked at ${count(sampledRows)} of the ${count(rows)} rows, which a seed decides.`;
  return [
    ...rolesTable(found.columns),
    ...associationsTable(found),
    ...findingsText(found),
    ...(sampledRows < rows ? ["", part] : []),
  ];
}

function rolesTable(columns: readonly InspectedColumn[]): string[] {
  const lines = columns.map(({ name, role, reason }) => [shortened(name), role, reason]);
  return ["", ...table(["column", "role", "because"], lines)];
}

function associationsTable({ associations, target }: DatasetInspection): string[] {
  if (associations.length === 0) return [];
  const shown = associations.slice(0, MOST_ASSOCIATIONS);
  const lines = shown.map(({ column, measure, strength, informationShare, ...one }) => [
    shortened(column),
    MEASURES[measure],
    (one.auc ?? one.cramersV ?? one.correlationRatio ?? one.spearman ?? 0).toFixed(3),
    `${(100 * informationShare).toFixed(1)} %`,
    "█".repeat(Math.round(strength * BAR)).padEnd(BAR, "·"),
  ]);
  const more = associations.length - shown.length;
  return [
    "",
    `What columns tell of ${target!.column}, each by itself:`,
    ...table(["column", "measure", "value", "information", "strength"], lines, "llrr"),
    ...(more > 0 ? [`and ${more} columns that tell less`] : []),
  ];
}

function findingsText({ findings }: DatasetInspection): string[] {
  if (findings.length === 0) return ["", "Nothing was found that speaks against training on it."];
  return [
    "",
    ...findings.flatMap(({ gravity, text, advice }) => {
      const [first, ...rest] = wrapped(text, LINE - 10);
      return [
        `${gravity.toUpperCase().padEnd(9)} ${first}`,
        ...[...rest, ...wrapped(advice, LINE - 10)].map((line) => `${" ".repeat(10)}${line}`),
      ];
    }),
  ];
}

function shortened(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length <= LONGEST_NAME ? line : `${line.slice(0, LONGEST_NAME - 1)}…`;
}
