// Every metric against scikit-learn, over the seeded cases of tools/goldens/quality.py: ties, absent classes, one class alone,
// weights, weights of 0, constant scores, probabilities of exactly 0 and 1.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { expectMetric, expectNumber } from "./alike.testing.ts";
import { classificationQuality, regressionQuality, type Calibration, type Scale } from "./index.ts";

type Wanted = number | null;
/** Precision, recall, F1. */
type Three = readonly [Wanted, Wanted, Wanted];
interface WantedCalibration {
  /** Rows, weight, mean confidence and accuracy of each bin that has rows. */
  readonly bins: readonly (readonly [number, number, number, number])[];
  readonly expected: number;
  readonly maximum: number;
}
interface WantedMeans {
  readonly perClass: readonly Wanted[];
  readonly macro: Wanted;
  readonly weighted: Wanted;
}
interface Weighed {
  readonly title: string;
  readonly denominator: number;
  readonly weights?: readonly number[];
  readonly weightDenominator?: number;
}
interface ClassificationCase extends Weighed {
  readonly classes: number;
  readonly columns: number;
  readonly scale: Scale;
  readonly topK: readonly number[];
  readonly labels: readonly number[];
  readonly scores: readonly number[];
  readonly expected: {
    readonly accuracy: Wanted;
    readonly balancedAccuracy: Wanted;
    readonly matthews: Wanted;
    readonly kappa: Wanted;
    readonly confusion: readonly number[];
    readonly perClass: readonly [readonly Wanted[], readonly Wanted[], readonly Wanted[]];
    readonly macro: Three;
    readonly micro: Three;
    readonly weighted: Three;
    readonly logLoss?: number;
    readonly brier?: number;
    readonly topK?: readonly number[];
    readonly calibration?: { readonly equalWidth: WantedCalibration; readonly equalMass: WantedCalibration };
    readonly rocAuc: Wanted | WantedMeans;
    readonly pairs?: { readonly macro?: Wanted; readonly weighted?: Wanted };
    readonly averagePrecision: Wanted | WantedMeans;
    /** False positive rates, true positive rates; thresholds but for the first, infinite one. */
    readonly roc?: readonly [readonly number[], readonly number[], readonly number[]];
    readonly precisionRecall?: readonly [readonly number[], readonly number[]];
  };
}
interface RegressionCase extends Weighed {
  readonly targets: readonly number[];
  readonly predictions: readonly number[];
  readonly expected: Readonly<Record<(typeof REGRESSION)[number], Wanted>> & {
    readonly quantileLosses: readonly number[];
  };
}
const REGRESSION = [
  "meanAbsoluteError",
  "rootMeanSquaredError",
  "medianAbsoluteError",
  "r2",
  "explainedVariance",
  "meanAbsolutePercentageError",
] as const;

const goldens = JSON.parse(
  readFileSync(new URL("../../../../../test/goldens/quality.json", import.meta.url), "utf8"),
) as {
  readonly bins: number;
  readonly quantiles: readonly number[];
  readonly classification: readonly ClassificationCase[];
  readonly regression: readonly RegressionCase[];
};

const weightsOf = ({ weights, weightDenominator }: Weighed) => weights?.map((weight) => weight / weightDenominator!);

function qualityOf(golden: ClassificationCase) {
  const { classes, columns, scale, topK, labels, scores, denominator } = golden;
  expect(scores.length).toBe(labels.length * columns);
  return classificationQuality(
    { labels, scores: Float64Array.from(scores, (score) => score / denominator), weights: weightsOf(golden) },
    { classes, scale, topK, bins: goldens.bins, curvePoints: 10_000 },
  );
}

function expectCalibration(seen: Calibration, wanted: WantedCalibration): void {
  expectMetric(seen.expectedError, wanted.expected);
  expectMetric(seen.maximumError, wanted.maximum);
  const filled = seen.bins.filter((bin) => bin.weight > 0);
  expect(filled.map((bin) => bin.rows)).toEqual(wanted.bins.map(([rows]) => rows));
  filled.forEach((bin, index) => {
    const [, weight, confidence, accuracy] = wanted.bins[index]!;
    expectNumber(bin.weight, weight);
    expectMetric(bin.confidence, confidence);
    expectMetric(bin.accuracy, accuracy);
  });
}

test("there are several dozen cases, and each kind of trouble is among them", () => {
  expect(goldens.classification.length).toBeGreaterThan(50);
  const titles = goldens.classification.map(({ title }) => title).join("\n");
  for (const trouble of ["ties", "constant", "absent", "only class", "exactly 0 and 1", "weight 0", "weights zeros"]) {
    expect(titles).toContain(trouble);
  }
});

describe("classification as scikit-learn", () => {
  const cases = goldens.classification;

  test.each(cases)("$title: counts", (golden) => {
    const { expected } = golden;
    const quality = qualityOf(golden);
    for (const name of ["accuracy", "balancedAccuracy", "matthews", "kappa"] as const) {
      expectMetric(quality[name], expected[name]);
    }
    expect([...quality.counts.confusion!]).toEqual(expected.confusion);
    (["precision", "recall", "f1"] as const).forEach((name, index) => {
      const seen = quality[name];
      expect(seen.perClass.length).toBe(golden.classes);
      seen.perClass.forEach((metric, label) => expectMetric(metric, expected.perClass[index]![label]!));
      for (const mean of ["macro", "micro", "weighted"] as const) expectMetric(seen[mean], expected[mean][index]!);
    });
    expected.topK?.forEach((wanted, index) => expectMetric(quality.topK[index]!.accuracy, wanted));
  });

  test.each(cases.filter(({ scale }) => scale === "probability"))("$title: probabilities", (golden) => {
    const { calibration, ...quality } = qualityOf(golden);
    expectMetric(quality.logLoss, golden.expected.logLoss!);
    expectMetric(quality.brier, golden.expected.brier!);
    const wanted = golden.expected.calibration!;
    expectCalibration(calibration.equalWidth as Calibration, wanted.equalWidth);
    expectCalibration(calibration.equalMass as Calibration, wanted.equalMass);
  });

  test.each(cases.filter(({ classes }) => classes === 2))("$title: ranking", (golden) => {
    const { ranking } = qualityOf(golden);
    if (ranking.kind !== "binary") throw new Error(`The ranking is ${ranking.kind}.`);
    const { expected } = golden;
    expectMetric(ranking.rocAuc, expected.rocAuc as Wanted);
    expectMetric(ranking.averagePrecision, expected.averagePrecision as Wanted);
  });

  test.each(cases.filter(({ classes }) => classes > 2))("$title: ranking", (golden) => {
    const { ranking } = qualityOf(golden);
    if (ranking.kind !== "multiclass") throw new Error(`The ranking is ${ranking.kind}.`);
    for (const name of ["rocAuc", "averagePrecision"] as const) {
      const wanted = golden.expected[name] as WantedMeans;
      expect(ranking[name].perClass.length).toBe(golden.classes);
      ranking[name].perClass.forEach((metric, label) => expectMetric(metric, wanted.perClass[label]!));
      expectMetric(ranking[name].macro, wanted.macro);
      expectMetric(ranking[name].weighted, wanted.weighted);
    }
    for (const [mean, wanted] of Object.entries(golden.expected.pairs!)) {
      expectMetric(ranking.rocAucOneVersusOne[mean as "macro" | "weighted"], wanted);
    }
  });

  test.each(cases.filter(({ expected }) => expected.roc !== undefined))("$title: curves", (golden) => {
    const { ranking } = qualityOf(golden);
    if (ranking.kind !== "binary") throw new Error(`The ranking is ${ranking.kind}.`);
    const [falseRates, trueRates, thresholds] = golden.expected.roc!;
    const roc = ranking.roc.points!;
    expect(roc.map((point) => point.threshold)).toEqual([null, ...thresholds]);
    roc.forEach((point, index) => {
      expectNumber(point.falsePositiveRate, falseRates[index]!);
      expectNumber(point.truePositiveRate, trueRates[index]!);
    });
    const [recalls, precisions] = golden.expected.precisionRecall!;
    const precisionRecall = ranking.precisionRecall.points!;
    expect(precisionRecall.length).toBe(recalls.length);
    precisionRecall.forEach((point, index) => {
      expectNumber(point.recall, recalls[index]!);
      expectNumber(point.precision, precisions[index]!);
    });
  });
});

test.each(goldens.regression)("regression as scikit-learn: $title", (golden) => {
  const { targets, predictions, denominator, expected } = golden;
  const quality = regressionQuality(
    {
      targets: targets.map((target) => target / denominator),
      predictions: predictions.map((prediction) => prediction / denominator),
      weights: weightsOf(golden),
    },
    { quantiles: goldens.quantiles },
  );
  for (const name of REGRESSION) expectMetric(quality[name], expected[name]);
  quality.quantileLosses.forEach(({ loss }, index) => expectMetric(loss, expected.quantileLosses[index]!));
});
