// Everything said of a regressor's quality, gathered batch by batch in sums of bounded memory; only the median error needs
// the errors of all rows, which are kept unless told otherwise.
import { KeptValues, MAX_KEPT_VALUES } from "./kept.ts";
import { type Metric, metricFrom, ratio, undefinedMetric } from "./metric.ts";
import { descendingOrder } from "./order.ts";
import { checkRegressed, invalid, type RegressedRows } from "./rows.ts";
import { Spread } from "./spread.ts";

/** What each metric needs while batches come in: sums of bounded memory, or the errors of all rows. */
export const REGRESSION_NEEDS = {
  meanAbsoluteError: "sums",
  rootMeanSquaredError: "sums",
  r2: "sums",
  explainedVariance: "sums",
  meanAbsolutePercentageError: "sums",
  quantileLosses: "sums",
  medianAbsoluteError: "errors",
} as const satisfies Record<string, "sums" | "errors">;

export interface RegressionOptions {
  /** Quantiles, between 0 and 1, as which the predictions' loss is measured. Default none. */
  readonly quantiles?: readonly number[];
  /** Whether to keep all errors, for the median. Default true. */
  readonly keepErrors?: boolean;
  /** Most errors to keep. Default `MAX_KEPT_VALUES`. */
  readonly maxKeptErrors?: number;
}

/** Errors are in the target's unit. */
export interface RegressionQuality {
  /** Rows seen, those of weight 0 too; rows of a weight above 0; and the sum of weights. */
  readonly rows: number;
  readonly weightedRows: number;
  readonly weight: number;
  readonly meanAbsoluteError: Metric;
  readonly rootMeanSquaredError: Metric;
  readonly medianAbsoluteError: Metric;
  /** The mean of prediction − target: which way the model errs. */
  readonly meanError: Metric;
  /** The share of the targets' variance that is not left in the errors; below 0 the mean target would predict better. */
  readonly r2: Metric;
  /** The same for errors less their mean. */
  readonly explainedVariance: Metric;
  /** As a share, not per cent. Undefined as soon as one target is 0. */
  readonly meanAbsolutePercentageError: Metric;
  readonly quantileLosses: readonly { readonly quantile: number; readonly loss: Metric }[];
}

/** Gathers rows of one regressor. */
export class RegressionMeasure {
  readonly #options: Required<RegressionOptions>;
  readonly #targets = new Spread();
  readonly #errors = new Spread();
  readonly #pinball: Float64Array;
  #rows = 0;
  #weightedRows = 0;
  #absolute = 0;
  #squared = 0;
  #relative = 0;
  #hasZeroTarget = false;
  readonly #keptErrors: KeptValues<Float64Array>;
  readonly #keptWeights = new KeptValues(new Float64Array(0));

  /** @throws RangeError for an option that can't be */
  constructor(options: RegressionOptions = {}) {
    const { quantiles = [], keepErrors = true, maxKeptErrors = MAX_KEPT_VALUES } = options;
    for (const quantile of quantiles) checkQuantile(quantile);
    if (!Number.isInteger(maxKeptErrors) || maxKeptErrors < 1 || maxKeptErrors > MAX_KEPT_VALUES) {
      throw new RangeError(
        `The most errors to keep is ${maxKeptErrors}; give a whole number from 1 to ${MAX_KEPT_VALUES}.`,
      );
    }
    this.#options = { quantiles, keepErrors, maxKeptErrors };
    this.#pinball = new Float64Array(quantiles.length);
    this.#keptErrors = new KeptValues(new Float64Array(0), maxKeptErrors);
  }

  /**
   * Adds a batch of rows, all or (where one is wrong) none.
   * @throws SlipwayError ROWS_INVALID naming the first wrong row, counted over all batches; or for more errors than may be kept
   */
  add(batch: RegressedRows): void {
    const { rows, targets, predictions, weights } = checkRegressed(batch, this.#rows);
    const errors = new Float64Array(rows).map((_, row) => predictions[row]! - targets[row]!);
    if (this.#options.keepErrors) this.#keep(errors, weights);
    for (let row = 0; row < rows; row++) {
      const [target, error, weight] = [targets[row]!, errors[row]!, weights[row]!];
      if (weight === 0) continue;
      this.#weightedRows++;
      this.#targets.add(target, weight);
      this.#errors.add(error, weight);
      this.#absolute += weight * Math.abs(error);
      this.#squared += weight * error * error;
      if (target === 0) this.#hasZeroTarget = true;
      else this.#relative += weight * Math.abs(error / target);
      this.#options.quantiles.forEach((quantile, index) => {
        this.#pinball[index]! += weight * pinballLoss(-error, quantile);
      });
    }
    this.#rows += rows;
  }

  /** Adds what another measure of the same options gathered, as if its rows had come here. */
  merge(other: RegressionMeasure): void {
    if (other === this) throw new RangeError("A measure can't be merged into itself; its rows are there already.");
    const [own, others] = [JSON.stringify(this.#options), JSON.stringify(other.#options)];
    if (own !== others) throw new RangeError(`Measures of different options can't be merged: ${own} and ${others}.`);
    if (this.#options.keepErrors) this.#keep(other.#keptErrors.values, other.#keptWeights.values);
    this.#targets.merge(other.#targets);
    this.#errors.merge(other.#errors);
    this.#rows += other.#rows;
    this.#weightedRows += other.#weightedRows;
    this.#absolute += other.#absolute;
    this.#squared += other.#squared;
    this.#relative += other.#relative;
    this.#hasZeroTarget ||= other.#hasZeroTarget;
    other.#pinball.forEach((sum, index) => {
      this.#pinball[index]! += sum;
    });
  }

  #keep(errors: Float64Array, weights: Float64Array): void {
    if (!this.#keptErrors.hasRoom(errors.length)) {
      throw invalid(
        `${this.#keptErrors.length + errors.length} errors are more than the ${this.#options.maxKeptErrors} that are kept; measure fewer rows, or without keeping errors.`,
      );
    }
    this.#keptErrors.add(errors);
    this.#keptWeights.add(weights);
  }

  /** The quality over all rows so far. */
  quality(): RegressionQuality {
    const { weight } = this.#targets;
    const mean = (sum: number) => ratio(sum, weight, "no-rows");
    const squared = mean(this.#squared);
    return {
      rows: this.#rows,
      weightedRows: this.#weightedRows,
      weight,
      meanAbsoluteError: mean(this.#absolute),
      rootMeanSquaredError: squared.value === null ? squared : metricFrom(Math.sqrt(squared.value)),
      medianAbsoluteError: this.#options.keepErrors
        ? weightedMedian(this.#keptErrors.values.map(Math.abs), this.#keptWeights.values)
        : undefinedMetric("errors-not-kept"),
      meanError: weight === 0 ? undefinedMetric("no-rows") : metricFrom(this.#errors.mean),
      r2: this.#explained(this.#squared),
      explainedVariance: this.#explained(this.#errors.squares),
      meanAbsolutePercentageError: this.#hasZeroTarget ? undefinedMetric("zero-target") : mean(this.#relative),
      quantileLosses: this.#options.quantiles.map((quantile, index) => ({
        quantile,
        loss: mean(this.#pinball[index]!),
      })),
    };
  }

  /** 1 − unexplained / the targets' squares about their mean. */
  #explained(unexplained: number): Metric {
    if (this.#weightedRows === 0) return undefinedMetric("no-rows");
    if (this.#weightedRows < 2) return undefinedMetric("too-few-rows");
    if (this.#targets.isConstant) return undefinedMetric("constant-target");
    const { squares } = this.#targets;
    return Number.isFinite(squares) ? metricFrom(1 - unexplained / squares) : undefinedMetric("out-of-range");
  }
}

/**
 * The quality of a regressor over rows given at once.
 * @throws SlipwayError ROWS_INVALID naming the first wrong row; RangeError for an option that can't be
 */
export function regressionQuality(rows: RegressedRows, options: RegressionOptions = {}): RegressionQuality {
  const measure = new RegressionMeasure(options);
  measure.add(rows);
  return measure.quality();
}

/**
 * The loss that a quantile minimises: `quantile` times what the target lies above the prediction, or 1 − `quantile` times what
 * it lies below. Source: R. Koenker and G. Bassett, Econometrica 46 (1978).
 * @param excess target − prediction
 */
export function pinballLoss(excess: number, quantile: number): number {
  return excess >= 0 ? quantile * excess : (quantile - 1) * excess;
}

/** Throws a RangeError unless it lies between 0 and 1. */
export function checkQuantile(quantile: number): void {
  if (!(quantile > 0 && quantile < 1))
    throw new RangeError(`A quantile is ${quantile}; give a number between 0 and 1.`);
}

/** The middle value, half of the weight on either side; the mean of two where the halves meet between them. */
function weightedMedian(values: Float64Array, weights: Float64Array): Metric {
  const order = descendingOrder(values, weights).reverse();
  const half = order.reduce((sum, row) => sum + weights[row]!, 0) / 2;
  let below = 0;
  for (const [place, row] of order.entries()) {
    below += weights[row]!;
    if (below > half) return metricFrom(values[row]!);
    // Halved first: the sum of two large values may be none.
    if (below === half) return metricFrom(values[row]! / 2 + values[order[place + 1] ?? row]! / 2);
  }
  return undefinedMetric("no-rows");
}
