// What a row's label and weight are: class indices or numbers, checked as they are read.
import { nearestWords, SlipwayError } from "@slipway/core/base";
import { parseProcessing } from "@slipway/core/processing";
import { elementCount } from "@slipway/core/tensor";
import type { Labels } from "./dataset.ts";
import type { DatasetDescription } from "./description.ts";
import type { Filler, Misfit } from "./fill.ts";
import type { ColumnBlock, ColumnKind, RowSource, Wanted } from "./source.ts";

/** What the labels of a dataset are. */
export interface LabelPlan {
  readonly column: string;
  readonly kind: Labels["kind"];
  /** Names of the classes by index; null for numbers, and for classes without names. */
  readonly classes: readonly string[] | null;
  /** Whether the column has the classes' names, rather than their indices. */
  readonly isNamed: boolean;
}

const COLUMNS = ["label", "labels"];
const MOST_CLASSES = 100_000;

/**
 * Finds the label column and its classes.
 * @param processing of the version; its labels name the classes where the description does not
 * @throws SlipwayError DATASET_INVALID, ROWS_INVALID
 */
export async function planLabels(
  { label }: Pick<DatasetDescription, "label">,
  source: RowSource,
  processing: unknown,
  signal: AbortSignal,
): Promise<LabelPlan | null> {
  const names = source.columns.map(({ name }) => name);
  const said = typeof label === "string" ? { column: label, kind: null, classes: null } : label;
  // What is only called so may hold something else, such as lists.
  const column = said?.column ?? COLUMNS.find((name) => names.includes(name) && isSingle(name, source));
  if (column === undefined) return null;
  checkSingle(column, "label", source);
  const kind = source.kindOf(column);
  const given = said?.classes ?? null;
  const wants = said?.kind ?? (kind === "number" ? "number" : "class");
  if (wants === "number") {
    if (given !== null) throw invalid("label", `the column "${column}" holds numbers, which have no classes`);
    return { column, kind: "number", classes: null, isNamed: false };
  }
  const classes = given ?? namedClasses(processing);
  if (kind === "truth") return { column, kind: "class", classes: classes ?? ["false", "true"], isNamed: false };
  const areNumbers = classes?.every((name) => /^\d+$/.test(name)) ?? false;
  if (kind === "text" || (given !== null && areNumbers)) {
    const found = classes ?? (await distinctTexts(column, source, signal));
    if (new Set(found).size !== found.length) throw invalid("label.classes", "a class is named twice");
    return { column, kind: "class", classes: found, isNamed: true };
  }
  if (kind === "whole" || kind === "number") return { column, kind: "class", classes, isNamed: false };
  throw invalid("label", `the column "${column}" is ${typeOf(column, source)}; a label is a text or a number`);
}

/** The classes' names by index, where a version declares them. */
function namedClasses(processing: unknown): readonly string[] | null {
  if (processing === null) return null;
  const step = parseProcessing(processing).after.find((one) => one.step === "labels");
  return step?.step === "labels" ? step.labels : null;
}

/** The texts of a column in the order of their code units. */
async function distinctTexts(column: string, source: RowSource, signal: AbortSignal): Promise<readonly string[]> {
  const seen = new Set<string>();
  for await (const { columns } of source.read([{ column, form: "text" }], 0, signal)) {
    const [block] = columns;
    if (block?.kind !== "texts") continue;
    // Missing ones are told where rows are read.
    for (const text of block.values) if (text !== null) seen.add(text);
    if (seen.size > MOST_CLASSES) {
      throw invalid("label", `the column "${column}" has more than ${MOST_CLASSES} different values; is it a class?`);
    }
  }
  return [...seen].toSorted((a, b) => (a < b ? -1 : 1));
}

export function labelFiller(plan: LabelPlan, source: RowSource): Filler<Labels> {
  return plan.kind === "number" ? new NumberLabels(plan) : new ClassLabels(plan, source.kindOf(plan.column));
}

/**
 * The name of a class as its column's values have it: of numbers with a point the number, so that 1, 1.0 and 1e0 are one class.
 * @param text of a value, or a class's name
 */
export function classText(text: string, kind: ColumnKind): string {
  const isNumber = kind === "number" && text.trim() !== "" && !Number.isNaN(Number(text));
  return isNumber ? String(Number(text)) : text;
}

class ClassLabels implements Filler<Labels> {
  readonly wanted: readonly Wanted[];
  readonly #plan: LabelPlan;
  readonly #places: ReadonlyMap<string, number>;
  readonly #kind: ColumnKind;
  #values = new Int32Array(0);

  constructor(plan: LabelPlan, kind: ColumnKind) {
    this.#plan = plan;
    this.#kind = kind;
    this.wanted = [{ column: plan.column, form: plan.isNamed ? "text" : "integer" }];
    this.#places = new Map(plan.classes?.map((name, place) => [classText(name, kind), place]) ?? []);
  }

  begin(rows: number): void {
    this.#values = new Int32Array(rows);
  }

  add([block]: readonly ColumnBlock[], from: number, count: number, at: number): Misfit | null {
    const most = (this.#plan.classes?.length ?? MOST_CLASSES) - 1;
    for (let row = 0; row < count; row++) {
      const value = valueOf(block!, from + row);
      const place = typeof value === "string" ? (this.#places.get(classText(value, this.#kind)) ?? Number.NaN) : value;
      if (!(Number.isInteger(place) && place >= 0 && place <= most)) return this.#misfit(from + row);
      this.#values[at + row] = place;
    }
    return null;
  }

  #misfit(row: number): Misfit {
    const { column, classes, isNamed } = this.#plan;
    const number = 'where it is a number and no class, say "label: {column, kind: number}"';
    const wants = isNamed
      ? `the label has to be one of ${listed(classes!)}`
      : `the label has to be a class index from 0${classes === null ? `; ${number}` : ` to ${classes.length - 1}`}`;
    return { row, column, wants };
  }

  finish(rows: number): Labels {
    return { kind: "class", values: this.#values.subarray(0, rows) };
  }
}

/** Finite numbers; for weights, not below 0. */
class Numbers {
  readonly wanted: readonly Wanted[];
  readonly #column: string;
  readonly #least: number;
  readonly #wants: string;
  #values = new Float64Array(0);

  constructor(column: string, least: number, wants: string) {
    this.wanted = [{ column, form: "number" }];
    this.#column = column;
    this.#least = least;
    this.#wants = wants;
  }

  begin(rows: number): void {
    this.#values = new Float64Array(rows);
  }

  add([block]: readonly ColumnBlock[], from: number, count: number, at: number): Misfit | null {
    for (let row = 0; row < count; row++) {
      const value = valueOf(block!, from + row);
      if (typeof value === "string" || !Number.isFinite(value) || value < this.#least) {
        return { row: from + row, column: this.#column, wants: this.#wants };
      }
      this.#values[at + row] = value;
    }
    return null;
  }

  taken(rows: number): Float64Array {
    return this.#values.subarray(0, rows);
  }
}

class NumberLabels extends Numbers implements Filler<Labels> {
  constructor({ column }: LabelPlan) {
    super(column, Number.NEGATIVE_INFINITY, "the label has to be a finite number");
  }

  finish(rows: number): Labels {
    return { kind: "number", values: this.taken(rows) };
  }
}

/** @throws SlipwayError DATASET_INVALID */
export function weightFiller(column: string, source: RowSource): Filler<Float64Array> {
  checkSingle(column, "weight", source);
  return new Weights(column, 0, "a weight has to be a finite number of at least 0");
}

class Weights extends Numbers implements Filler<Float64Array> {
  finish(rows: number): Float64Array {
    return this.taken(rows);
  }
}

/** A row's only value; NaN where it is missing or not what was wanted. */
function valueOf(block: ColumnBlock, row: number): string | number {
  if (block.kind === "texts") return block.values[row] ?? Number.NaN;
  if (block.kind === "lists" || block.nulls?.[row] === 1) return Number.NaN;
  return Number(block.values[row]);
}

/** @throws SlipwayError DATASET_INVALID for a column there is not, or one of several values a row */
export function checkSingle(column: string, key: string, source: RowSource): void {
  const names = source.columns.map(({ name }) => name);
  if (!names.includes(column)) {
    const near = nearestWords(column, names, 1)[0];
    const meant =
      near === undefined ? `there is ${listed(names)}` : `did you mean "${near}"? There is ${listed(names)}`;
    throw invalid(key, `there is no column "${column}"; ${meant}`);
  }
  if (!isSingle(column, source)) {
    throw invalid(key, `the column "${column}" is ${typeOf(column, source)}; it has to hold one value a row`);
  }
}

/** Whether a column holds one value a row. */
function isSingle(column: string, source: RowSource): boolean {
  return source.kindOf(column) !== "list" && elementCount(source.shapeOf(column) ?? []) === 1;
}

function typeOf(column: string, source: RowSource): string {
  return source.columns.find(({ name }) => name === column)!.type;
}

function listed(names: readonly string[]): string {
  return names.length <= 12 ? names.join(", ") : `${names.slice(0, 12).join(", ")} and ${names.length - 12} more`;
}

function invalid(key: string, why: string): SlipwayError {
  return new SlipwayError("DATASET_INVALID", `"${key}": ${why}.`);
}
