// Resampled intervals against the bootstrap of core, which draws the same rows from the same seed, and the cases in which there
// is none.
import { bcaInterval, createRandom, drawNormal, mean, statisticOf, variance } from "@slipway/core/stats";
import { expect, test } from "vitest";
import { expectNumber } from "./alike.testing.ts";
import { checkRegressed, pairedFigures, plannedResamples, regressionFigures, Resampling } from "./index.ts";

const ROWS = 80;
const random = createRandom(5);
const targets = Float64Array.from({ length: ROWS }, () => drawNormal(random));
const predictionsOf = (noise: number) => targets.map((target) => target + noise * Math.abs(drawNormal(random)));
const [good, bad] = [predictionsOf(0.5), predictionsOf(0.9)];
const ones = new Float64Array(ROWS).fill(1);
const figuresOf = (predictions: Float64Array, weights = ones) =>
  regressionFigures(checkRegressed({ targets, predictions, weights }), []);

function resampled(figures: ReturnType<typeof figuresOf>, weights = ones, resamples = 1000): Resampling {
  const resampling = new Resampling({ figures, weights, random: createRandom(7), resamples });
  while (!resampling.isDone) resampling.step();
  return resampling;
}

test("a mean's interval is core's, up to how the acceleration is found", () => {
  const errors = good.map((prediction, row) => Math.abs(prediction - targets[row]!));
  const wanted = bcaInterval({ ...statisticOf(errors, mean), random: createRandom(7), resamples: 1000 }, 0.9);
  const { interval, method } = resampled(figuresOf(good)).interval("mae", 0.9);
  expect(method).toBe("BCa bootstrap, 1000 resamples, resting on about 20 rows");
  expectNumber(interval!.estimate, wanted.estimate);
  expectNumber(interval!.lower, wanted.lower, 1e-3);
  expectNumber(interval!.upper, wanted.upper, 1e-3);
});

test("a paired difference is the second less the first, with a p value that agrees with its interval", () => {
  const differences = resampled(pairedFigures(figuresOf(good), figuresOf(bad)));
  const { interval } = differences.interval("difference/mae", 0.95);
  const errorOf = (predictions: Float64Array) =>
    mean(predictions.map((prediction, row) => Math.abs(prediction - targets[row]!)));
  expectNumber(interval!.estimate, errorOf(bad) - errorOf(good));
  expect(interval!.lower).toBeGreaterThan(0);
  expect(differences.interval("first/r2", 0.9)).toEqual(resampled(figuresOf(good)).interval("r2", 0.9));
  expect(differences.interval("second/rmse", 0.9)).toEqual(resampled(figuresOf(bad)).interval("rmse", 0.9));
  expect(differences.pValue("difference/mae", 0)).toBeLessThan(0.05);
  expect(differences.pValue("difference/mae", interval!.estimate)).toBeGreaterThan(0.5);
  // At an end of the interval the p value is what the interval leaves out.
  expect(Math.abs(differences.pValue("difference/mae", interval!.lower)! - 0.05)).toBeLessThan(0.01);
});

test("a row of weight 0 is as good as not there", () => {
  const half = ones.map((_one, row) => row % 2);
  const kept = Array.from(half.keys()).filter((row) => half[row] === 1);
  const pick = (values: Float64Array) => Float64Array.from(kept, (row) => values[row]!);
  const fewer = regressionFigures(checkRegressed({ targets: pick(targets), predictions: pick(good) }), []);
  const [whole, part] = [
    resampled(figuresOf(good, half), half),
    resampled(fewer, new Float64Array(kept.length).fill(1)),
  ];
  for (const name of ["mae", "rmse", "r2", "median-error"]) {
    const [a, b] = [whole.interval(name, 0.95).interval!, part.interval(name, 0.95).interval!];
    for (const end of ["estimate", "lower", "upper"] as const) expectNumber(a[end], b[end]);
  }
});

test("where there can be no interval it is said why", () => {
  const zero = targets.slice();
  zero[0] = 0;
  const undefinedMape = regressionFigures(checkRegressed({ targets: zero, predictions: good }), []);
  expect(resampled(undefinedMape).interval("mape", 0.95)).toEqual({
    interval: null,
    method: "no interval: the figure is undefined",
  });
  const exact = resampled(figuresOf(targets));
  expect(exact.interval("mae", 0.95).method).toBe("no interval: the same on every resample");
  expect(exact.pValue("mae", 0)).toBeNull();
  const none = new Resampling({ figures: figuresOf(good), weights: ones, random: createRandom(1), resamples: 0 });
  expect(none.isDone).toBe(true);
  expect(none.interval("median-error", 0.95).method).toBe("no interval: it takes resamples");
  expect(none.interval("auc", 0.95).method).toBe("no interval: not worked out for so many classes or scores");
  // Two targets that differ among many that don't: a third of the resamples have neither, and no variance to explain.
  const rare = Float64Array.from({ length: ROWS }, (_none, row) => Number(row === 3));
  const flat = regressionFigures(checkRegressed({ targets: rare, predictions: good }), []);
  expect(resampled(flat).interval("r2", 0.95).method).toMatch(/no interval: undefined on 3\d % of the resamples/);
});

test("on how many rows a figure rests is said: few where few make it", () => {
  const some = targets.map((target, row) => target + (row < 5 ? 1 : 0));
  const few = resampled(figuresOf(some));
  // Five rows err, all alike: of the mean error's influences five are large.
  expect(few.carriers("mae")).toBeGreaterThan(4);
  expect(few.carriers("mae")).toBeLessThan(6);
  expect(few.interval("mae", 0.95).method).toMatch(/resting on about [56] rows$/);
  expect(few.carriers("median-error")).toBe(Number.POSITIVE_INFINITY);
  const errors = targets.map((target, row) => target + (row % 2 === 0 ? 1 : -1));
  // Influences of two values in equal share: every row carries.
  expectNumber(resampled(figuresOf(errors)).carriers("mean-error"), ROWS);
});

test("resamples that all but pass by the estimate make no interval", () => {
  // A figure that is 0 for equal weights and above it for all others, as distances are.
  const figures = {
    names: ["distance"],
    visits: 1,
    evaluate: (weights: Float64Array, into: Float64Array) => {
      into[0] = weights.reduce((sum, weight) => sum + Math.abs(weight - 1), 0);
    },
    influences: () => null,
    boundsOf: () => [0, Number.POSITIVE_INFINITY] as const,
  };
  const resampling = new Resampling({ figures, weights: ones, random: createRandom(1), resamples: 200 });
  while (!resampling.isDone) resampling.step();
  expect(resampling.interval("distance", 0.95).method).toBe(
    "no interval: 100 % of the resamples lie on one side of it",
  );
  expect(resampling.standardDeviation("distance")).toBeGreaterThan(0);
});

test("without resamples intervals are normal, as wide as those of resamples where rows are many", () => {
  const many = createRandom(3);
  const wanted = Float64Array.from({ length: 4000 }, () => drawNormal(many));
  const [one, other] = [0.5, 0.6].map((noise) => wanted.map((target) => target + noise * drawNormal(many)));
  const weights = Float64Array.from({ length: 4000 }, (_none, row) => 1 + (row % 3));
  const of = (predictions: Float64Array) =>
    regressionFigures(checkRegressed({ targets: wanted, predictions, weights }), [0.9]);
  const figures = pairedFigures(of(one!), of(other!));
  const [drawn, none] = [
    resampled(figures, weights, 2000),
    new Resampling({ figures, weights, random: createRandom(1), resamples: 0 }),
  ];
  for (const part of ["first", "difference"]) {
    for (const name of ["mae", "rmse", "r2", "mean-error", "quantile-loss[0.9]"]) {
      const paired = `${part}/${name}`;
      expect(none.interval(paired, 0.95).method).toBe("normal, infinitesimal jackknife");
      expect(none.standardDeviation(paired)! / drawn.standardDeviation(paired)!, paired).toBeCloseTo(1, 1);
      const { estimate, lower, upper } = none.interval(paired, 0.95).interval!;
      expectNumber(upper - lower, 2 * 1.959963984540054 * none.standardDeviation(paired)!);
      // Two-sided: half a standard deviation away, it is Φ(-0.5) twice.
      expectNumber(none.pValue(paired, estimate + none.standardDeviation(paired)! / 2)!, 0.6170750774519738);
    }
  }
  // The standard error of a mean, weighted or not, is the textbook's.
  const even = new Float64Array(4000).fill(1);
  const plain = new Resampling({
    figures: regressionFigures(checkRegressed({ targets: wanted, predictions: one! }), []),
    weights: even,
    random: createRandom(1),
    resamples: 0,
  });
  const errors = one!.map((prediction, row) => Math.abs(prediction - wanted[row]!));
  expectNumber(plain.standardDeviation("mae")!, Math.sqrt(variance(errors) / 4000));
});

test("fewer resamples are taken where rows are many, and none where an interval would need more", () => {
  expect(plannedResamples(2000, 10_000, 10)).toBe(2000);
  expect(plannedResamples(2000, 100_000, 10)).toBe(1000);
  expect(plannedResamples(2000, 1_000_000, 10)).toBe(0);
  expect(plannedResamples(50, 1_000_000, 10)).toBe(50);
  expect(plannedResamples(0, 10, 10)).toBe(0);
});
