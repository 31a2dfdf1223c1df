// Figures of repeated measurements: these machines swing by half within minutes, so a figure is a median with its range.

export interface Figure {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  readonly rounds: number;
}

/** Median and range of what the rounds measured. */
export function figureOf(values: readonly number[]): Figure {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, low: sorted[0]!, high: sorted.at(-1)!, rounds: sorted.length };
}

/** Round by round, so that what disturbed both sides of a round cancels out. */
export function ratioOf(above: readonly number[], below: readonly number[]): Figure {
  return figureOf(above.map((value, round) => value / below[round]!));
}

export function figureText(figure: Figure, unit = "", digits = 3): string {
  const text = (value: number) => String(Number(value.toPrecision(digits)));
  return `${text(figure.median)}${unit} (${text(figure.low)} to ${text(figure.high)}, ${figure.rounds} rounds)`;
}
