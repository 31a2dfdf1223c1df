// The figures that resampling evaluates are those that are reported, for any weights; and their influences are what moving a
// row's weight does to them.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { expectNumber } from "./alike.testing.ts";
import {
  averagePrecision,
  checkClassified,
  checkRegressed,
  classificationFigures,
  classificationQuality,
  type ClassificationQuality,
  type Metric,
  operatingPoints,
  type RankingQuality,
  regressionFigures,
  regressionQuality,
  type WeightedFigures,
} from "./index.ts";

interface Weighed {
  readonly title: string;
  readonly denominator: number;
  readonly weights?: readonly number[];
  readonly weightDenominator?: number;
}
interface ClassificationCase extends Weighed {
  readonly classes: number;
  readonly scale: "probability" | "any";
  readonly topK: readonly number[];
  readonly labels: readonly number[];
  readonly scores: readonly number[];
}
interface RegressionCase extends Weighed {
  readonly targets: readonly number[];
  readonly predictions: readonly number[];
}
// scikit-learn's cases (tools/goldens/quality.py), to whose numbers the reported figures are held elsewhere.
const goldens = JSON.parse(
  readFileSync(new URL("../../../../../test/goldens/quality.json", import.meta.url), "utf8"),
) as {
  readonly quantiles: readonly number[];
  readonly classification: readonly ClassificationCase[];
  readonly regression: readonly RegressionCase[];
};

const BINS = 10;
const weightsOf = ({ weights, weightDenominator }: Weighed, rows: number) =>
  Float64Array.from(weights?.map((weight) => weight / weightDenominator!) ?? new Float64Array(rows).fill(1));

function evaluated(figures: WeightedFigures, weights: Float64Array): Record<string, number> {
  const into = new Float64Array(figures.names.length).fill(-99);
  figures.evaluate(weights, into);
  return Object.fromEntries(figures.names.map((name, index) => [name, into[index]!]));
}

function expectFigure(seen: number | undefined, wanted: Metric, name: string): void {
  if (wanted.value === null) expect([name, seen]).toEqual([name, Number.NaN]);
  else expectNumber(seen, wanted.value);
}

function rankingOf(ranking: RankingQuality): readonly [Metric, Metric] {
  if (ranking.kind === "binary") return [ranking.rocAuc, ranking.averagePrecision];
  if (ranking.kind === "multiclass") return [ranking.rocAuc.macro, ranking.averagePrecision.macro];
  throw new Error("Scores were kept, so there is a ranking.");
}

function classifierOf(golden: ClassificationCase) {
  const { classes, scale, topK, labels, denominator } = golden;
  const scores = Float64Array.from(golden.scores, (score) => score / denominator);
  const checked = checkClassified({ labels, scores }, { classes, scale });
  const options = {
    scale,
    topK,
    bins: BINS,
    threshold: scale === "probability" ? 0.5 : 0,
    calibrationOf: classes === 2 ? "positive" : "top-label",
    positive: 1,
  } as const;
  return { labels, scores, checked, options, figures: classificationFigures(checked, options) };
}

function reported({ f1, ...quality }: ClassificationQuality): Record<string, Metric> {
  const { equalWidth } = quality.calibration;
  const ofClass = f1.perClass.map((metric, label) => [`f1[${label}]`, metric] as const);
  return {
    accuracy: quality.accuracy,
    "balanced-accuracy": quality.balancedAccuracy,
    precision: quality.precision.macro,
    "precision-weighted": quality.precision.weighted,
    f1: f1.macro,
    "f1-weighted": f1.weighted,
    matthews: quality.matthews,
    ...Object.fromEntries(ofClass),
    ...Object.fromEntries(quality.topK.map(({ k, accuracy }) => [`top-${k}`, accuracy])),
    ...(equalWidth.bins === null
      ? {}
      : { "log-loss": quality.logLoss, brier: quality.brier, "calibration-error": equalWidth.expectedError }),
  };
}

describe("a classifier's figures", () => {
  test.each(goldens.classification)("$title", (golden) => {
    const { labels, scores, options, figures } = classifierOf(golden);
    const weights = weightsOf(golden, labels.length);
    const seen = evaluated(figures, weights);
    const quality = classificationQuality({ labels, scores, weights }, { classes: golden.classes, ...options });
    for (const [name, metric] of Object.entries(reported(quality))) expectFigure(seen[name], metric, name);
    const [area, precision] = rankingOf(quality.ranking);
    const defined = quality.counts.labelled.every((weight) => weight > 0);
    // A class without rows makes the mean over classes undefined on a resample, as it does in the report.
    if (defined) {
      expectFigure(seen["auc"], area, "auc");
      expectFigure(seen["auc-pr"], precision, "auc-pr");
    } else expect(seen["auc"]).toBeNaN();
  });

  test("of class 0 rank by its own scores, also where one score a row is that of class 1", () => {
    const labels = [0, 1, 1, 0, 1, 0, 0];
    const scores = Float64Array.of(0.1, 0.9, 0.4, 0.6, 0.7, 0.4, 0.2);
    const checked = checkClassified({ labels, scores }, { classes: 2, scale: "probability" });
    const options = { scale: "probability", topK: [], bins: 5, threshold: 0.5, calibrationOf: "positive" } as const;
    const seen = evaluated(classificationFigures(checked, { ...options, positive: 0 }), new Float64Array(7).fill(1));
    const points = operatingPoints({
      scores: scores.map((score) => -score),
      positives: Uint8Array.from(labels, (label) => 1 - label),
      weights: new Float64Array(7).fill(1),
    });
    expectFigure(seen["auc-pr"], averagePrecision(points), "auc-pr");
    const other = evaluated(classificationFigures(checked, { ...options, positive: 1 }), new Float64Array(7).fill(1));
    expectNumber(seen["auc"], other["auc"]!);
    expect(seen["auc-pr"]).not.toBeCloseTo(other["auc-pr"]!, 3);
  });
});

const QUANTILES = goldens.quantiles;

function regressorOf(golden: RegressionCase) {
  const targets = Float64Array.from(golden.targets, (target) => target / golden.denominator);
  const predictions = Float64Array.from(golden.predictions, (prediction) => prediction / golden.denominator);
  const weights = weightsOf(golden, targets.length);
  return {
    targets,
    predictions,
    weights,
    figures: regressionFigures(checkRegressed({ targets, predictions, weights }), QUANTILES),
  };
}

describe("a regressor's figures", () => {
  test.each(goldens.regression)("$title", (golden) => {
    const { targets, predictions, weights, figures } = regressorOf(golden);
    const seen = evaluated(figures, weights);
    const quality = regressionQuality({ targets, predictions, weights }, { quantiles: QUANTILES });
    for (const [name, metric] of [
      ["mae", quality.meanAbsoluteError],
      ["rmse", quality.rootMeanSquaredError],
      ["mean-error", quality.meanError],
      ["mape", quality.meanAbsolutePercentageError],
      ["median-error", quality.medianAbsoluteError],
      ["r2", quality.r2],
      ...quality.quantileLosses.map(({ quantile, loss }) => [`quantile-loss[${quantile}]`, loss] as const),
    ] as const) {
      expectFigure(seen[name], metric, name);
    }
  });
});

test("influences are what a little more weight of a row does", () => {
  const classifier = classifierOf(
    goldens.classification.find(({ classes, labels }) => classes > 2 && labels.length > 30)!,
  );
  const binary = classifierOf(
    goldens.classification.find(({ classes, labels: { length } }) => classes === 2 && length > 30)!,
  );
  const regressor = regressorOf(goldens.regression.find(({ targets }) => targets.length > 30)!);
  for (const [figures, rows] of [
    [classifier.figures, classifier.labels.length],
    [binary.figures, binary.labels.length],
    [regressor.figures, regressor.targets.length],
  ] as const) {
    const weights = new Float64Array(rows).fill(1);
    const before = evaluated(figures, weights);
    const step = 1e-5;
    const moved = [0, 7, rows - 1].map((row) => {
      const heavier = weights.slice();
      heavier[row]! += step;
      return [row, evaluated(figures, heavier)] as const;
    });
    figures.names.forEach((name, index) => {
      const influences = figures.influences(index, weights);
      expect(influences === null).toBe(name === "median-error");
      if (influences === null) return;
      for (const [row, after] of moved) {
        if (Number.isNaN(before[name]!)) continue;
        const derivative = (after[name]! - before[name]!) / step;
        expect(Math.abs(derivative - influences[row]!), `${name}, row ${row}`).toBeLessThan(1e-4);
      }
    });
  }
});
