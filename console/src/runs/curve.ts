// Learning curves as plots take them: one row of epochs for all runs shown, values where a run has them, axes that hold all of them.
import type { EpochPoint, RunRecord } from "../api.ts";
import type { ChartMark, ChartSeries, Scale } from "../parts/chart-series.ts";

/** What an epoch is drawn by. */
export type Quantity = "trainingLoss" | "validationLoss" | "validationScore";

/** A line of a plot: a quantity of a run, epoch by epoch. */
export interface CurveLine {
  readonly label: string;
  readonly curve: readonly EpochPoint[];
  readonly quantity: Quantity;
  readonly color: ChartSeries["color"];
  readonly dash?: readonly number[];
  /** The best epoch is marked on it. */
  readonly isMarked: boolean;
}

export interface CurvePlot {
  readonly x: readonly number[];
  readonly series: readonly ChartSeries[];
  readonly marks: readonly ChartMark[];
  readonly scale: Scale;
}

/** The epoch of the least validation loss, the first of several; null before one was judged. */
export function bestPoint(curve: readonly EpochPoint[]): EpochPoint | null {
  return curve.reduce<EpochPoint | null>((best, one) => {
    if (one.validationLoss === null) return best;
    return best === null || one.validationLoss < best.validationLoss! ? one : best;
  }, null);
}

/** Epochs whose validation loss was not finite: JSON has no word for such numbers. */
export function epochsNotFinite({ curve, data }: RunRecord): readonly number[] {
  if (data.validationRows === 0) return [];
  return curve.filter(({ validationLoss }) => validationLoss === null).map(({ epoch }) => epoch);
}

/** @param isLoss values are losses: on a logarithmic axis where all are above zero */
export function curvePlot(lines: readonly CurveLine[], isLoss: boolean): CurvePlot {
  const last = Math.max(1, ...lines.map(({ curve }) => curve.at(-1)?.epoch ?? 0));
  const x = Array.from({ length: last }, (_, at) => at + 1);
  const series = lines.map(({ label, curve, quantity, color, dash }): ChartSeries => {
    const values: (number | null)[] = x.map(() => null);
    for (const point of curve) values[point.epoch - 1] = point[quantity];
    return { label, values, color, ...(dash === undefined ? {} : { dash }) };
  });
  const marks = lines.flatMap(({ curve, isMarked }, at): ChartMark[] => {
    const best = isMarked ? bestPoint(curve) : null;
    return best === null ? [] : [{ series: at, index: best.epoch - 1 }];
  });
  const known = series.flatMap(({ values }) => values.filter((value) => value !== null));
  const isLogarithmic = isLoss && known.length > 0 && known.every((value) => value > 0);
  const scale: Scale = {
    of: "epoch",
    // A curve of few epochs is not spread over the whole width.
    x: [1, Math.max(last, 5)],
    y: isLogarithmic ? logarithmicRange(known) : linearRange(known),
    isLogarithmic,
  };
  return { x, series, marks, scale };
}

/** Of the range, that is left free above and below. */
const MARGIN = 0.06;

function linearRange(values: readonly number[]): [number, number] {
  if (values.length === 0) return [0, 1];
  const [least, most] = extremes(values);
  const margin = most > least ? (most - least) * MARGIN : Math.max(Math.abs(least) * MARGIN, 1e-3);
  return [least - margin, most + margin];
}

function logarithmicRange(values: readonly number[]): [number, number] {
  const [least, most] = extremes(values);
  const factor = most > least ? (most / least) ** MARGIN : 1.1;
  return [least / factor, most * factor];
}

function extremes(values: readonly number[]): [number, number] {
  return [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
}
