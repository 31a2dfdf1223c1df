// What a chart is: a sentence of what it shows, the numbers behind it as a table, and a Vega-Lite specification. Each kind of
// chart is a pure function of one piece of evidence; where the evidence lacks what the chart needs, there is none.
import type { JsonObject } from "#registry";
import type { ReportEvidence } from "../evidence.ts";

/** A Vega-Lite specification: plain data, without addresses, and without users' text in expressions or field names. */
export type ChartSpec = JsonObject;

/** The numbers a chart is drawn from. */
export interface ChartTable {
  readonly columns: readonly ChartColumn[];
  /** Cells in the columns' order; null where nothing is known. */
  readonly rows: readonly (readonly (string | number | null)[])[];
  /** Rows that were left out because nobody would read so many. */
  readonly omittedRows: number;
}

export interface ChartColumn {
  readonly name: string;
  /** "1" for ratios and counts; null for text. */
  readonly unit: string | null;
}

/** A chart as its function answers it. */
export interface Drawing {
  readonly title: string;
  /** What it shows and how it was computed, for people. */
  readonly caption: string;
  /** The same for those who can't see it: what is largest, least, where it lies. */
  readonly description: string;
  readonly table: ChartTable;
  readonly spec: ChartSpec;
  /** It needs the page's whole width. */
  readonly isWide: boolean;
}

/** Why evidence of the right kind has no such chart: a sentence's end, "the details have no curve". */
export interface NoChart {
  readonly why: string;
}

/** What is known beside the evidence. */
export interface ChartContext {
  /** Names of the classes by index; null where nobody named them. */
  readonly classes: readonly string[] | null;
}

export type QualityTask = "classification" | "regression";

export interface ChartKind {
  /** Kinds of evidence it may be drawn from. */
  readonly evidence: readonly string[];
  /** Of quality evidence: the task it is about; both where nothing is said. */
  readonly task?: QualityTask;
  /** In a sentence, for documentation: what it shows, and what evidence needs for it. */
  readonly about: string;
  readonly draw: (evidence: ReportEvidence, context: ChartContext) => Drawing | NoChart;
}

/** A chart that evidence of the right kind does not have. */
export interface AbsentChart extends NoChart {
  readonly kind: string;
  /** null where it would be of two versions. */
  readonly evidenceId: string | null;
}

/** A drawing in a report. */
export interface Chart extends Drawing {
  /** Unique and the same each time: kind and evidence. */
  readonly id: string;
  readonly kind: string;
  /** null where it is of two versions. */
  readonly evidenceId: string | null;
}

/** A column of text. */
export function words(name: string): ChartColumn {
  return { name, unit: null };
}

/** A column of numbers. */
export function numbers(name: string, unit = "1"): ChartColumn {
  return { name, unit };
}

/** A table of all rows, or of the first ones. */
export function tableOf(columns: readonly ChartColumn[], rows: ChartTable["rows"], mostRows = MOST_ROWS): ChartTable {
  return { columns, rows: rows.slice(0, mostRows), omittedRows: Math.max(0, rows.length - mostRows) };
}

const MOST_ROWS = 200;
