// A regressor's figures for any weights of its rows: what resampling evaluates thousands of times. The same numbers as
// `regressionQuality`, which a test holds them to.
import { descendingOrder } from "./order.ts";
import { pinballLoss } from "./regression.ts";
import { type Bounds, influencesOfMean, type WeightedFigures } from "./resampling.ts";
import type { CheckedTargets } from "./rows.ts";

/** What is left of the sum of squares of equal targets by rounding. */
const NO_SPREAD = 1e-13;

/** All others are from 0 up. */
const BOUNDS: Readonly<Record<string, Bounds>> = {
  "mean-error": [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
  r2: [Number.NEGATIVE_INFINITY, 1],
};

/** The figures by the names that evidence has them by. */
export function regressionFigures(
  { rows, targets, predictions, weights: ownWeights }: CheckedTargets,
  quantiles: readonly number[],
): WeightedFigures {
  const column = (cost: (error: number, target: number) => number) =>
    Float64Array.from({ length: rows }, (_none, row) => cost(predictions[row]! - targets[row]!, targets[row]!));
  // In the order of `means`.
  const costs = [
    column((error) => Math.abs(error)),
    column((error) => error * error),
    column((error) => error),
    column((error, target) => (target === 0 && error === 0 ? 0 : Math.abs(error / target))),
    ...quantiles.map((quantile) => column((error) => pinballLoss(-error, quantile))),
  ];
  const means = ["mae", "rmse", "mean-error", "mape", ...quantiles.map((quantile) => `quantile-loss[${quantile}]`)];
  const names = [...means, "median-error", "r2"];
  const isZero = column((_error, target) => Number(target === 0));
  const hasZero = isZero.some((zero, row) => zero === 1 && ownWeights[row]! > 0);
  const [absolute, squared] = [costs[0]!, costs[1]!];
  const order = descendingOrder(absolute, ownWeights).reverse();
  // Less the first, so that a large common offset costs no precision.
  const offset = targets[0] ?? 0;
  const centred = Float64Array.from({ length: rows }, (_none, row) => targets[row]! - offset);

  const evaluate = (weights: Float64Array, into: Float64Array): void => {
    const sums = new Float64Array(costs.length);
    let [all, sum, squares] = [0, 0, 0];
    for (let row = 0; row < rows; row++) {
      const weight = weights[row]!;
      if (weight === 0) continue;
      all += weight;
      for (let cost = 0; cost < costs.length; cost++) sums[cost]! += weight * costs[cost]![row]!;
      sum += weight * centred[row]!;
      squares += weight * centred[row]! ** 2;
    }
    sums.forEach((total, index) => {
      into[index] = total / all;
    });
    into[1] = Math.sqrt(into[1]!);
    if (hasZero) into[3] = Number.NaN;
    into[means.length] = medianOf(absolute, order, weights, all);
    const spread = squares - (sum * sum) / all;
    into[means.length + 1] = spread > NO_SPREAD * squares ? 1 - sums[1]! / spread : Number.NaN;
  };

  const influences = (index: number, weights: Float64Array): Float64Array | null => {
    if (names[index] === "rmse") {
      const [ofMean, rmse] = [influencesOfMean(squared, weights), rootMean(squared, weights)];
      return ofMean.map((influence) => influence / (2 * rmse));
    }
    if (index < means.length) return influencesOfMean(costs[index]!, weights);
    if (names[index] !== "r2") return null;
    const sum = (of: (row: number) => number) => weights.reduce((total, weight, row) => total + weight * of(row), 0);
    const all = sum(() => 1);
    const mean = sum((row) => centred[row]!) / all;
    const spread = sum((row) => (centred[row]! - mean) ** 2);
    const left = sum((row) => squared[row]!);
    return weights.map(
      (weight, row) => (weight / spread) * ((left / spread) * (centred[row]! - mean) ** 2 - squared[row]!),
    );
  };

  const boundsOf = (index: number): Bounds => BOUNDS[names[index]!] ?? [0, Number.POSITIVE_INFINITY];

  return { names, visits: 4 + costs.length, evaluate, influences, boundsOf };
}

function rootMean(values: Float64Array, weights: Float64Array): number {
  let [sum, all] = [0, 0];
  for (let row = 0; row < values.length; row++) {
    if (weights[row] === 0) continue;
    sum += weights[row]! * values[row]!;
    all += weights[row]!;
  }
  return Math.sqrt(sum / all);
}

/** The middle value, half of the weight on either side; the mean of two where the halves meet between them. */
function medianOf(values: Float64Array, order: Uint32Array, weights: Float64Array, all: number): number {
  let below = 0;
  for (let place = 0; place < order.length; place++) {
    const weight = weights[order[place]!]!;
    if (weight === 0) continue;
    below += weight;
    if (below > all / 2) return values[order[place]!]!;
    if (below === all / 2) {
      let next = place + 1;
      while (next < order.length && weights[order[next]!] === 0) next++;
      return values[order[place]!]! / 2 + values[order[Math.min(next, order.length - 1)]!]! / 2;
    }
  }
  return Number.NaN;
}
