// What a plot shows: lines, points of them that stand out, and the axes they are drawn on.

export interface ChartSeries {
  readonly label: string;
  readonly values: readonly (number | null)[];
  /** One of the palette's colours. */
  readonly color: 1 | 2 | 3 | 4 | 5 | 6;
  /** Tells lines apart without their colour. */
  readonly dash?: readonly number[];
}

export interface ChartMark {
  readonly series: number;
  readonly index: number;
}

/** The axes of a plot that is not over time. */
export interface Scale {
  /** What is counted along it, in one word: plots of the same show the cursor at the same place. */
  readonly of: string;
  readonly x: readonly [from: number, to: number];
  readonly y: readonly [from: number, to: number];
  /** Of y. */
  readonly isLogarithmic: boolean;
}
