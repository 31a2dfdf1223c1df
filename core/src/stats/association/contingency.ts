// What is said by two labels of the same cases: how often each pair comes together, and what the one tells of the other.
import { paired, sample } from "../arguments.ts";

/** Counts by pairs that are there; labels are whole numbers from 0. */
interface Contingency {
  readonly count: number;
  readonly rows: readonly number[];
  readonly columns: readonly number[];
  readonly cells: readonly { readonly row: number; readonly column: number; readonly count: number }[];
}

function contingencyOf(a: ArrayLike<number>, b: ArrayLike<number>): Contingency {
  paired("The first labels", sample("The first labels", a), "the second", sample("The second labels", b));
  const rows: number[] = [];
  const columns: number[] = [];
  const cells = new Map<number, number>();
  const width = 1 + Array.from(b).reduce((most, label) => Math.max(most, label), 0);
  for (let index = 0; index < a.length; index++) {
    const [row, column] = [a[index]!, b[index]!];
    rows[row] = (rows[row] ?? 0) + 1;
    columns[column] = (columns[column] ?? 0) + 1;
    const cell = row * width + column;
    cells.set(cell, (cells.get(cell) ?? 0) + 1);
  }
  return {
    count: a.length,
    rows,
    columns,
    cells: [...cells].map(([cell, count]) => ({ row: Math.floor(cell / width), column: cell % width, count })),
  };
}

/**
 * Mutual information of two labels in nats: how much knowing the one says of the other. Estimated by the shares that were
 * seen, which is too high by about (r − 1)(c − 1) / 2n where r and c different labels are independent.
 * Source: C. E. Shannon, Bell System Technical Journal 27 (1948); the bias, G. A. Miller (1955).
 * @param a whole numbers from 0
 * @param b as many
 */
export function mutualInformation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const { count, rows, columns, cells } = contingencyOf(a, b);
  const sum = cells.reduce(
    (total, cell) => total + cell.count * Math.log((cell.count * count) / (rows[cell.row]! * columns[cell.column]!)),
    0,
  );
  return Math.max(0, sum / count);
}

/** Entropy of labels in nats, by the shares that were seen. @param labels whole numbers from 0 */
export function entropy(labels: ArrayLike<number>): number {
  return mutualInformation(labels, labels);
}

/**
 * Cramér's V of two labels: 0 where they are independent, 1 where one tells the other. Corrected unless `isCorrected` is false:
 * labels that are as many as cases tell nothing then, where the plain V is 1.
 * Sources: H. Cramér, Mathematical Methods of Statistics (1946); the correction, W. Bergsma, Journal of the Korean Statistical
 * Society 42 (2013).
 * @param a whole numbers from 0
 * @param b as many
 * @returns 0 where either has one label only
 */
export function cramersV(a: ArrayLike<number>, b: ArrayLike<number>, { isCorrected = true } = {}): number {
  const { count, rows, columns, cells } = contingencyOf(a, b);
  const [height, width] = [presentIn(rows), presentIn(columns)];
  if (height < 2 || width < 2) return 0;
  // χ² / n, written without the cells that are empty.
  const share = cells.reduce((sum, cell) => sum + cell.count ** 2 / (rows[cell.row]! * columns[cell.column]!), 0);
  const phi = share - 1;
  if (!isCorrected) return Math.min(1, Math.sqrt(Math.max(0, phi) / (Math.min(height, width) - 1)));
  const chance = ((height - 1) * (width - 1)) / (count - 1);
  const least = Math.min(shrunk(height, count), shrunk(width, count));
  return least <= 1 ? 0 : Math.min(1, Math.sqrt(Math.max(0, phi - chance) / (least - 1)));
}

function shrunk(labels: number, count: number): number {
  return labels - (labels - 1) ** 2 / (count - 1);
}

function presentIn(counts: readonly number[]): number {
  return counts.filter((count) => count > 0).length;
}
