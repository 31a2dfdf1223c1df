// Rows that can't be used, and what becomes of them: an error, as long as nobody said otherwise, or left out, counted and
// told.
import type { SlipwayError } from "@slipway/core/base";

/** What a person chose: the first bad row ends the reading, or is left out. */
export const BAD_ROW_CHOICES = ["error", "skip"] as const;
export type BadRowChoice = (typeof BAD_ROW_CHOICES)[number];

/** What was left out. */
export interface SkippedRows {
  readonly rows: number;
  /** The columns at fault, those of most rows first; of lines that make no row there is none. */
  readonly columns: readonly { readonly column: string; readonly rows: number }[];
  /** Of the first ones: file, row, column, value, and what it should have been. */
  readonly first: readonly string[];
}

/** Of what was left out, so many are told one by one. */
export const MOST_TOLD = 5;

export const NONE_SKIPPED: SkippedRows = { rows: 0, columns: [], first: [] };

/** Both together. */
export function joinedSkips(a: SkippedRows, b: SkippedRows): SkippedRows {
  const first = [...a.first, ...b.first].slice(0, MOST_TOLD);
  return { rows: a.rows + b.rows, columns: [...a.columns, ...b.columns], first };
}

/** Keeps count over any number of readings: a row that is bad each time counts once. */
export class BadRows {
  readonly choice: BadRowChoice;
  readonly #columns = new Map<number, string>();
  readonly #first: string[] = [];

  constructor(choice: BadRowChoice) {
    this.choice = choice;
  }

  /**
   * Leaves a row out.
   * @param row among all rows of the source
   * @param error why, as it would have been thrown
   */
  skip(row: number, column: string, error: SlipwayError): void {
    if (this.#columns.has(row)) return;
    this.#columns.set(row, column);
    if (this.#first.length < MOST_TOLD) this.#first.push(error.message);
  }

  /** Rows of the source that were left out. */
  skippedRows(): ReadonlySet<number> {
    return new Set(this.#columns.keys());
  }

  skipped(): SkippedRows {
    const counts = new Map<string, number>();
    for (const column of this.#columns.values()) counts.set(column, (counts.get(column) ?? 0) + 1);
    const columns = [...counts].map(([column, rows]) => ({ column, rows })).toSorted((a, b) => b.rows - a.rows);
    return { rows: this.#columns.size, columns, first: [...this.#first] };
  }
}
