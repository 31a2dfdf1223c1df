// A regressor's figures with their intervals, and what pictures of them are drawn from.
import { quantileInterval } from "@slipway/core/stats";
import { type JsonObject, type MeasuredValue, selectedMetric } from "#registry";
import { areEven, type Metric, type RegressionQuality, regressionQuality } from "../quality/index.ts";
import { exact } from "../exact.ts";
import { binOf, histogram, rangeOf } from "./histograms.ts";
import { type Intervals, measured, methodOf } from "./measured.ts";
import type { PreparedRegressor } from "./prepare.ts";

const HISTOGRAM_BINS = 50;
const GRID_BINS = 40;

function qualityOf({ rows: { targets, predictions, weights }, quantiles }: PreparedRegressor) {
  return regressionQuality({ targets, predictions, weights }, { quantiles });
}

/** Errors are in the targets' unit, which nobody knows here; intervals come from resampled rows. */
export function regressionValues(
  prepared: PreparedRegressor,
  resampling: Intervals,
  level: number,
): Record<string, MeasuredValue> {
  const quality = qualityOf(prepared);
  const count = quality.weightedRows;
  const resampled = (name: string, metric: Metric, what: string) => {
    const { interval, method } = resampling.interval(name, level);
    return measured(metric, { interval, method: methodOf(what, method) }, count, level);
  };
  const losses = quality.quantileLosses.map(({ quantile, loss }) => {
    const name = selectedMetric("quantile-loss", String(quantile));
    return [name, resampled(name, loss, "pinball loss, mean over rows")] as const;
  });
  return {
    rows: exact(count, "1", "rows of a weight above 0"),
    mae: resampled("mae", quality.meanAbsoluteError, "mean absolute error"),
    rmse: resampled("rmse", quality.rootMeanSquaredError, "root of the mean squared error"),
    "median-error": medianValue(prepared, quality, resampling, level),
    "mean-error": resampled("mean-error", quality.meanError, "mean of prediction less target"),
    r2: resampled("r2", quality.r2, "share of the targets' variance that is explained"),
    mape: resampled("mape", quality.meanAbsolutePercentageError, "mean absolute error over the target"),
    ...Object.fromEntries(losses),
  };
}

/** Order statistics hold whatever the distribution; weighted rows are resampled, because those know no weights. */
function medianValue(
  { rows: { rows, targets, predictions, weights } }: PreparedRegressor,
  { medianAbsoluteError, weightedRows }: RegressionQuality,
  resampling: Intervals,
  level: number,
): MeasuredValue {
  const what = "median absolute error";
  if (!areEven(weights) || weightedRows === 0) {
    const { interval, method } = resampling.interval("median-error", level);
    return measured(medianAbsoluteError, { interval, method: methodOf(what, method) }, weightedRows, level);
  }
  const members = Array.from({ length: rows }, (_none, row) => row).filter((row) => weights[row]! > 0);
  const errors = Float64Array.from(members, (row) => Math.abs(predictions[row]! - targets[row]!));
  const { lower, upper } = quantileInterval(errors, 0.5, level);
  const isWhole = Number.isFinite(lower) && Number.isFinite(upper);
  const method = methodOf(what, isWhole ? "order statistics" : "no interval: too few rows");
  const interval = isWhole ? { estimate: medianAbsoluteError.value!, lower, upper } : null;
  return measured(medianAbsoluteError, { interval, method }, weightedRows, level);
}

export function regressionDetails({ rows: checked }: PreparedRegressor): JsonObject {
  const { rows, targets, predictions, weights } = checked;
  const column = (of: (row: number) => number) => Float64Array.from({ length: rows }, (_none, row) => of(row));
  const [actual, predicted] = [column((row) => targets[row]!), column((row) => predictions[row]!)];
  const residuals = column((row) => predictions[row]! - targets[row]!);
  const [actualRange, predictedRange] = [rangeOf(actual, weights), rangeOf(predicted, weights)];
  const cells = new Map<number, number>();
  for (let row = 0; row < rows; row++) {
    if (weights[row] === 0) continue;
    const cell =
      binOf(actual[row]!, ...actualRange, GRID_BINS) * GRID_BINS + binOf(predicted[row]!, ...predictedRange, GRID_BINS);
    cells.set(cell, (cells.get(cell) ?? 0) + weights[row]!);
  }
  const details = {
    task: "regression",
    residuals: histogram(residuals, weights, rangeOf(residuals, weights), HISTOGRAM_BINS),
    predictedVersusActual: {
      bins: GRID_BINS,
      actual: actualRange,
      predicted: predictedRange,
      /** [bin of the actual value, bin of the predicted one, weight], of cells that have rows. */
      cells: Array.from(cells, ([cell, weight]) => [Math.floor(cell / GRID_BINS), cell % GRID_BINS, weight]),
    },
  };
  return JSON.parse(JSON.stringify(details)) as JsonObject;
}
