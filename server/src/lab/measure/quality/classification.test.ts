// What must hold for any classifier's rows: order does not matter, weights are repetitions, batches are one; and what happens
// to rows that can't be used and to metrics that can't be worked out.
import { SlipwayError } from "@slipway/core/base";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { expectAlike, expectMetric, numbersOf } from "./alike.testing.ts";
import {
  CLASSIFICATION_NEEDS,
  ClassificationMeasure,
  type ClassificationOptions,
  type ClassifiedRows,
  classificationQuality,
  MAX_CONFUSION_CLASSES,
  MAX_PAIRED_CLASSES,
} from "./index.ts";

interface Rows {
  readonly options: ClassificationOptions;
  readonly columns: number;
  readonly rows: readonly { readonly label: number; readonly scores: readonly number[]; readonly weight: number }[];
}

/** Rows with many ties, absent classes and weights whose sums are exact in any order. */
const anyRows: fc.Arbitrary<Rows> = fc
  .record({
    shape: fc.constantFrom([2, 1], [2, 2], [3, 3], [4, 4]),
    scale: fc.constantFrom("probability" as const, "any" as const),
    calibrationOf: fc.constantFrom("positive" as const, "top-label" as const),
  })
  .chain(({ shape: [classes = 2, columns = 1], scale, calibrationOf }) =>
    fc.record({
      options: fc.constant({
        classes,
        scale,
        topK: [1, 2],
        bins: 5,
        curvePoints: 1000,
        calibrationOf: classes === 2 ? calibrationOf : ("top-label" as const),
      }),
      columns: fc.constant(columns),
      rows: fc.array(
        fc.record({
          label: fc.nat(classes - 1),
          scores: fc
            .array(fc.nat(6), { minLength: columns, maxLength: columns })
            .map((parts) => (scale === "any" ? parts.map((part) => part - 3) : probabilities(parts))),
          weight: fc.constantFrom(0, 0.5, 1, 2),
        }),
        { maxLength: 25 },
      ),
    }),
  );

function probabilities(parts: readonly number[]): number[] {
  if (parts.length === 1) return [parts[0]! / 6];
  const sum = parts.reduce((total, part) => total + part, 0);
  return parts.map((part) => (sum === 0 ? 1 / parts.length : part / sum));
}

function batch(rows: Rows["rows"]): ClassifiedRows {
  return {
    labels: rows.map(({ label }) => label),
    scores: Float64Array.from(rows.flatMap(({ scores }) => scores)),
    weights: rows.map(({ weight }) => weight),
  };
}
const qualityOf = ({ options }: Rows, rows: Rows["rows"]) => classificationQuality(batch(rows), options);
const COUNTS = ["rows", "weightedRows", "hitRows", "impossibleRows", "effectiveRows"];

describe("for any rows", () => {
  test("their order does not matter", () => {
    const shuffled = anyRows.chain((any) =>
      fc.tuple(fc.constant(any), fc.shuffledSubarray([...any.rows], { minLength: any.rows.length })),
    );
    fc.assert(fc.property(shuffled, ([any, rows]) => expectAlike(qualityOf(any, rows), qualityOf(any, any.rows))));
  });

  test("a weight of 2 is the row twice", () => {
    fc.assert(
      fc.property(anyRows, (any) => {
        const doubled = any.rows.map((row) => ({ ...row, weight: row.weight * 2 }));
        expectAlike(qualityOf(any, doubled), qualityOf(any, [...any.rows, ...any.rows]), COUNTS);
      }),
    );
  });

  test("a row of weight 0 is not there", () => {
    fc.assert(
      fc.property(anyRows, (any) => {
        const there = any.rows.filter(({ weight }) => weight > 0);
        expectAlike(qualityOf(any, any.rows), qualityOf(any, there), ["rows"]);
      }),
    );
  });

  test("batches and merged measures are as all at once", () => {
    const split = fc.tuple(anyRows, fc.array(fc.nat(25), { maxLength: 4 }), fc.boolean());
    fc.assert(
      fc.property(split, ([any, ends, keepScores]) => {
        const options = { ...any.options, keepScores };
        const cuts = [0, ...ends.map((end) => Math.min(end, any.rows.length)).sort((a, b) => a - b), any.rows.length];
        const pieces = cuts.slice(1).map((end, index) => batch(any.rows.slice(cuts[index], end)));
        const whole = classificationQuality(batch(any.rows), options);
        const streamed = new ClassificationMeasure(options);
        const merged = new ClassificationMeasure(options);
        for (const piece of pieces) {
          streamed.add(piece);
          const part = new ClassificationMeasure(options);
          part.add(piece);
          merged.merge(part);
        }
        expectAlike(streamed.quality(), whole);
        expectAlike(merged.quality(), whole);
      }),
    );
  });

  test("no number is NaN or infinite, and shares lie between 0 and 1", () => {
    fc.assert(
      fc.property(anyRows, (any) => {
        const quality = qualityOf(any, any.rows);
        expect(numbersOf(quality).filter((value) => !Number.isFinite(value))).toEqual([]);
        const { accuracy, precision, recall, f1, kappa, matthews } = quality;
        for (const { value } of [accuracy, precision.macro, recall.macro, f1.macro, f1.micro]) {
          if (value !== null) expect(value >= 0 && value <= 1).toBe(true);
        }
        for (const { value } of [kappa, matthews]) if (value !== null) expect(Math.abs(value)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test("the area is the share of pairs in the right order", () => {
    fc.assert(
      fc.property(
        anyRows.filter(({ options }) => options.classes === 2),
        (any) => {
          const { ranking } = qualityOf(any, any.rows);
          let [right, pairs] = [0, 0];
          for (const positive of any.rows.filter(({ label }) => label === 1)) {
            for (const negative of any.rows.filter(({ label }) => label === 0)) {
              const weight = positive.weight * negative.weight;
              const difference = positive.scores.at(-1)! - negative.scores.at(-1)!;
              pairs += weight;
              right += weight * (difference > 0 ? 1 : difference === 0 ? 0.5 : 0);
            }
          }
          if (ranking.kind !== "binary") throw new Error(`The ranking is ${ranking.kind}.`);
          expectMetric(ranking.rocAuc, pairs === 0 ? null : right / pairs);
        },
      ),
    );
  });
});

test("thousands of rows in batches are kept as they came", () => {
  const rows = Array.from({ length: 5000 }, (_, row) => ({
    label: (row * 7919) % 101 > 60 ? 1 : 0,
    scores: [((row * 104729) % 9973) / 9973],
    weight: row % 3,
  }));
  const measure = new ClassificationMeasure({ classes: 2 });
  for (let start = 0; start < rows.length; start += 700) measure.add(batch(rows.slice(start, start + 700)));
  expectAlike(measure.quality(), classificationQuality(batch(rows), { classes: 2 }));
});

describe("curves", () => {
  const rows = 5000;
  const labels = Array.from({ length: rows }, (_, row) => (((row * 7919) % 101) + row / 50 > 100 ? 1 : 0));
  const scores = Float64Array.from({ length: rows }, (_, row) => ((row * 104729) % 9973) / 19946 + row / 10_000);
  const curve = (curvePoints: number) => {
    const { ranking } = classificationQuality({ labels, scores }, { classes: 2, scale: "any", curvePoints });
    if (ranking.kind !== "binary") throw new Error(`The ranking is ${ranking.kind}.`);
    return ranking;
  };

  test.each([2, 3, 10, 200])("have at most %d points, and both ends", (most) => {
    const [whole, few] = [curve(1_000_000), curve(most)];
    for (const name of ["roc", "precisionRecall"] as const) {
      const [all, kept] = [whole[name].points!, few[name].points!];
      expect(all.length).toBeGreaterThan(1000);
      expect(kept.length).toBeLessThanOrEqual(most);
      expect(kept.length).toBeGreaterThan(most / 2);
      expect([kept[0], kept.at(-1)]).toEqual([all[0], all.at(-1)]);
      for (const point of kept) expect(all).toContainEqual(point);
    }
  });

  test("of few points pass near all of a ROC curve's", () => {
    const kept = curve(50).roc.points!;
    const distances = curve(1_000_000).roc.points!.map((point) =>
      Math.min(
        ...kept.map(
          (other) =>
            Math.abs(other.falsePositiveRate - point.falsePositiveRate) +
            Math.abs(other.truePositiveRate - point.truePositiveRate),
        ),
      ),
    );
    expect(Math.max(...distances)).toBeLessThanOrEqual(2 / 49);
  });
});

describe("rows that can't be used", () => {
  const good = { labels: [0, 1], scores: Float64Array.of(0.2, 0.8) };
  const three = (...scores: number[]) => Float64Array.from(scores);
  test.each<[string, ClassificationOptions, ClassifiedRows, RegExp]>([
    ["a NaN score", { classes: 2 }, { ...good, scores: three(0.2, Number.NaN) }, /score of row 1 is NaN/],
    [
      "a NaN logit",
      { classes: 3, scale: "any" },
      { labels: [0, 1], scores: three(1, 2, 3, 1, Number.NaN, 2) },
      /row 1 for class 1 is NaN/,
    ],
    ["a label too high", { classes: 2 }, { ...good, labels: [0, 2] }, /label of row 1 is 2; .* 0 to 1/],
    ["a label below 0", { classes: 2 }, { ...good, labels: [-1, 1] }, /label of row 0 is -1/],
    ["a label that is no whole number", { classes: 2 }, { ...good, labels: [0, 0.5] }, /label of row 1 is 0.5/],
    ["a NaN label", { classes: 2 }, { ...good, labels: [0, Number.NaN] }, /label of row 1 is NaN/],
    ["a probability above 1", { classes: 2 }, { ...good, scores: three(0.2, 1.5) }, /score of row 1 is 1.5/],
    [
      "probabilities that don't sum to 1",
      { classes: 3 },
      { labels: [2], scores: three(0.5, 0.1, 0.1) },
      /row 0 sum to 0.7/,
    ],
    ["a negative weight", { classes: 2 }, { ...good, weights: [1, -1] }, /weight of row 1 is -1/],
    ["a NaN weight", { classes: 2 }, { ...good, weights: [Number.NaN, 1] }, /weight of row 0 is NaN/],
    [
      "an infinite weight",
      { classes: 2 },
      { ...good, weights: [1, Number.POSITIVE_INFINITY] },
      /weight of row 1 is Infinity/,
    ],
    ["too few weights", { classes: 2 }, { ...good, weights: [1] }, /1 weights for 2 rows/],
    ["too few scores", { classes: 3 }, good, /2 scores for 2 rows of 3 classes; give 6/],
  ])("%s", (_, options, rows, message) => {
    const measure = new ClassificationMeasure(options);
    const first = { labels: [1], scores: options.classes === 2 ? three(0.7) : three(0.25, 0.5, 0.25) };
    const refuses = () => classificationQuality(rows, options);
    expect(refuses).toThrow(message);
    expect(refuses).toThrow(SlipwayError);
    // In a later batch rows are counted through, and nothing of the wrong batch is kept.
    measure.add(first);
    const before = measure.quality();
    expect(() => measure.add(rows)).toThrow(/row (1|2)\b|for 2 rows/);
    expect(measure.quality()).toEqual(before);
  });

  test("batches of another form, and more scores than may be kept", () => {
    const measure = new ClassificationMeasure({ classes: 2, maxKeptScores: 3 });
    measure.add(good);
    expect(() => measure.add({ labels: [0], scores: Float64Array.of(0.5, 0.5) })).toThrow(/2 scores a row/);
    expect(() => measure.add({ labels: [0], scores: Float32Array.of(0.5) })).toThrow(/Float32Array/);
    expect(() => measure.add(good)).toThrow(/4 scores are more than the 3/);
    expect(measure.quality().rows).toBe(2);
  });

  test.each<[object, RegExp]>([
    [{ classes: 1 }, /1 classes/],
    [{ classes: 2.5 }, /2.5 classes/],
    [{ classes: 3, topK: [4] }, /k of top-k is 4/],
    [{ classes: 2, bins: 0 }, /bins is 0/],
    [{ classes: 2, curvePoints: 1 }, /points of a curve is 1/],
    [{ classes: 2, threshold: Number.NaN }, /threshold is NaN/],
    [{ classes: 2, maxKeptScores: 0 }, /scores to keep is 0/],
    [{ classes: 3, calibrationOf: "positive" }, /for two classes/],
  ])("options %j are refused", (options, message) => {
    expect(() => new ClassificationMeasure(options as ClassificationOptions)).toThrow(message);
  });

  test("measures merge with others of their options alone", () => {
    const measure = new ClassificationMeasure({ classes: 2 });
    expect(() => measure.merge(new ClassificationMeasure({ classes: 3 }))).toThrow(/different options/);
    expect(() => measure.merge(measure)).toThrow(/into itself/);
  });
});

describe("what is undefined says why", () => {
  const undefinedFor = (reason: string) => ({ value: null, reason });

  test("without rows, everything", () => {
    for (const classes of [2, 3]) {
      const quality = classificationQuality({ labels: [], scores: new Float32Array(0) }, { classes });
      const { accuracy, balancedAccuracy, matthews, kappa, logLoss, brier, precision, recall, f1 } = quality;
      for (const metric of [accuracy, balancedAccuracy, matthews, kappa, logLoss, brier]) {
        expect(metric).toEqual(undefinedFor("no-rows"));
      }
      for (const { macro, micro, weighted } of [precision, recall, f1]) {
        expect([macro, micro, weighted]).toEqual([1, 2, 3].map(() => undefinedFor("no-rows")));
      }
      expect(quality.calibration.equalMass).toEqual({
        bins: [],
        expectedError: undefinedFor("no-rows"),
        maximumError: undefinedFor("no-rows"),
      });
      expect(JSON.stringify(quality.ranking)).toContain('"reason":"no-rows"');
      expect(numbersOf(quality).filter((value) => !Number.isFinite(value))).toEqual([]);
    }
  });

  test("of one class alone: correlation and area", () => {
    const quality = classificationQuality(
      { labels: [1, 1, 1], scores: Float64Array.of(0.9, 0.4, 0.7) },
      { classes: 2 },
    );
    expect(quality.matthews).toEqual(undefinedFor("one-class"));
    expect(quality.recall.perClass[0]).toEqual(undefinedFor("class-absent"));
    expect(quality.ranking).toMatchObject({ rocAuc: undefinedFor("one-class"), averagePrecision: { value: 1 } });
    expect(quality.kappa).toEqual({ value: 0 });
  });

  test("where scores are no probabilities: losses and calibration", () => {
    const quality = classificationQuality(
      { labels: [0, 1], scores: Float64Array.of(-2, 3) },
      { classes: 2, scale: "any" },
    );
    expect(quality.accuracy).toEqual({ value: 1 });
    expect(quality.logLoss).toEqual(undefinedFor("not-probabilities"));
    expect(quality.calibration.equalWidth).toEqual({ bins: null, reason: "not-probabilities" });
  });

  test("where scores are not kept: what the table says needs them, and nothing else", () => {
    const rows = { labels: [0, 1, 1, 0], scores: Float64Array.of(0.1, 0.8, 0.4, 0.6) };
    const kept = classificationQuality(rows, { classes: 2 });
    const { calibration, ranking, ...others } = classificationQuality(rows, { classes: 2, keepScores: false });
    const needy = Object.entries(CLASSIFICATION_NEEDS).filter(([, need]) => need === "scores");
    expect(needy.map(([name]) => name)).toEqual(["equalMass", "ranking"]);
    expect(calibration.equalMass).toEqual({ bins: null, reason: "scores-not-kept" });
    expect(ranking).toEqual({ kind: "undefined", reason: "scores-not-kept" });
    expect(calibration.equalWidth).toEqual(kept.calibration.equalWidth);
    expectAlike(others, kept, ["calibration", "ranking"]);
  });

  test("of very many classes: the confusion matrix and pairs", () => {
    const classes = MAX_CONFUSION_CLASSES + 1;
    const scores = new Float32Array(2 * classes);
    scores[5] = 1;
    scores[classes + 1000] = 1;
    const quality = classificationQuality({ labels: [5, 1000], scores }, { classes, keepScores: false });
    expect(quality.counts.confusion).toBeNull();
    for (const metric of [quality.accuracy, quality.f1.macro, quality.matthews]) expectMetric(metric, 1);
    const many = MAX_PAIRED_CLASSES + 1;
    const { ranking } = classificationQuality(
      { labels: [0, 1], scores: new Float64Array(2 * many).fill(1 / many) },
      { classes: many },
    );
    expect(ranking).toMatchObject({ rocAucOneVersusOne: { macro: undefinedFor("too-many-classes") } });
  });
});

describe("by hand", () => {
  test("a label given probability 0 costs the precision of the scores' type, and is counted", () => {
    for (const [scores, epsilon] of [
      [Float64Array.of(0, 1), 2 ** -52],
      [Float32Array.of(0, 1), 2 ** -23],
    ] as const) {
      const quality = classificationQuality({ labels: [1, 1], scores }, { classes: 2 });
      expectMetric(quality.logLoss, (-Math.log(epsilon) - Math.log(1 - epsilon)) / 2);
      expect(quality.impossibleRows).toBe(1);
    }
  });

  test("the lowest class wins a tie, for top-k too, so that top-1 is the accuracy", () => {
    const rows = { labels: [0, 1, 2], scores: new Float64Array(9).fill(1 / 3) };
    const quality = classificationQuality(rows, { classes: 3, topK: [1, 2, 3] });
    expectMetric(quality.accuracy, 1 / 3);
    quality.topK.forEach(({ accuracy }, index) => expectMetric(accuracy, (index + 1) / 3));
  });

  test("with one score a row class 1 begins at the threshold", () => {
    const rows = { labels: [0, 1, 1], scores: Float64Array.of(0.29, 0.3, 0.31) };
    expect(classificationQuality(rows, { classes: 2, threshold: 0.3 }).accuracy).toEqual({ value: 1 });
    expect(classificationQuality(rows, { classes: 2 }).hitRows).toBe(1);
  });

  test("a class of tiny weight still counts in a correlation", () => {
    const rows = { labels: [0, 1], scores: Float64Array.of(0.1, 0.9), weights: [1, 1e-30] };
    const { matthews, kappa } = classificationQuality(rows, { classes: 2 });
    expectMetric(matthews, 1);
    expectMetric(kappa, 1);
  });

  test("weights at either end of their range change nothing when all are alike", () => {
    const rows = { labels: [0, 1, 1, 0], scores: Float64Array.of(0.1, 0.8, 0.4, 0.6) };
    const plain = classificationQuality(rows, { classes: 2 });
    for (const weight of [1e-100, 1e100]) {
      const seen = classificationQuality({ ...rows, weights: [weight, weight, weight, weight] }, { classes: 2 });
      expectAlike(seen, plain, ["weight", "counts"]);
    }
  });

  test("infinite scores rank, where scores are no probabilities", () => {
    const scores = Float64Array.of(Number.NEGATIVE_INFINITY, 0, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
    const { ranking } = classificationQuality({ labels: [0, 1, 0, 1], scores }, { classes: 2, scale: "any" });
    expect(ranking).toMatchObject({ rocAuc: { value: 0.625 } });
  });

  test("confidences on an edge belong to the lower bin, for any number of bins", () => {
    for (let bins = 1; bins <= 120; bins++) {
      const scores = Float64Array.from({ length: bins }, (_, edge) => (edge + 1) / bins);
      const { calibration } = classificationQuality({ labels: scores.map(() => 1), scores }, { classes: 2, bins });
      expect(calibration.equalWidth.bins!.map(({ rows }) => rows)).toEqual(Array.from({ length: bins }, () => 1));
      const above = Float64Array.from({ length: bins - 1 }, (_, edge) => nextAbove((edge + 1) / bins));
      const shifted = classificationQuality({ labels: above.map(() => 1), scores: above }, { classes: 2, bins });
      const rows = shifted.calibration.equalWidth.bins!.map((bin) => bin.rows);
      expect(rows).toEqual(Array.from({ length: bins }, (_, bin) => (bin === 0 ? 0 : 1)));
    }
  });

  test("confidence 0 belongs to the first bin", () => {
    const scores = Float64Array.from({ length: 11 }, (_, tenth) => tenth / 10);
    const { calibration } = classificationQuality({ labels: scores.map(() => 1), scores }, { classes: 2, bins: 10 });
    expect(calibration.equalWidth.bins!.map(({ rows }) => rows)).toEqual([2, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
  });

  test("equal confidences are in one bin of equal mass", () => {
    const scores = Float64Array.of(0.1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.9);
    const { calibration } = classificationQuality(
      { labels: [0, 1, 0, 1, 0, 1, 0, 1], scores },
      { classes: 2, bins: 4 },
    );
    expect(calibration.equalMass.bins!.map(({ rows, upper }) => [rows, upper])).toEqual([
      [7, 0.5],
      [1, 0.9],
    ]);
  });
});

/** The smallest number above a positive one. */
function nextAbove(value: number): number {
  const bits = new BigUint64Array(Float64Array.of(value).buffer);
  bits[0]! += 1n;
  return new Float64Array(bits.buffer)[0]!;
}
