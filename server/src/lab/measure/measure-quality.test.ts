// Quality as it is measured, from rows to evidence, with models that are functions: what is said of classifiers and regressors,
// by class and slice, and of rows of which nothing can be said.
import { FakeClock } from "@slipway/core/base";
import { createRandom, drawNormal, drawUniform, fisherExactTest, welchTest } from "@slipway/core/stats";
import { describe, expect, test } from "vitest";
import type { NewEvidence } from "#registry";
import { numbersOf } from "./quality/alike.testing.ts";
import { classificationQuality, regressionQuality } from "./quality/index.ts";
import { measure, type MeasurementOptions } from "./measurements.ts";
import type { MeasurePorts, Subject } from "./measurement.ts";
import { fakeDataset, FakeExecutor, type FakeRows, FakeRun } from "./measure.testing.ts";

const RESAMPLES = 200;

async function qualityOf(rows: FakeRows, options: MeasurementOptions["quality"] = {}): Promise<NewEvidence> {
  const executor = new FakeExecutor((x) => x, 64);
  const subject = { model: { hash: "m" }, rows: { dataset: fakeDataset(rows), split: "test" }, rival: null };
  const ports = { clock: new FakeClock(), load: async () => executor, code: { slipway: "test" } };
  const found = await measure(
    "quality",
    subject as unknown as Subject,
    { quality: { resamples: RESAMPLES, ...options } },
    ports as unknown as MeasurePorts,
    new FakeRun(),
  );
  expect(executor.isClosed).toBe(true);
  return found;
}

/** Every number is one, and what is defined has an interval or says why not. */
function expectSound({ values, details }: NewEvidence): void {
  for (const [name, { value, reason, interval, method }] of Object.entries(values)) {
    expect([name, value === null], name).toEqual([name, reason !== null]);
    if (value === null || name === "rows") continue;
    expect(interval !== null || /no interval: /.test(method), `${name}: ${method}`).toBe(true);
    // An estimate lies in its interval, but for the bootstrap's where it is biased.
    if (interval !== null && !/bootstrap/.test(method)) {
      expect(interval.lower <= value + 1e-12 && value <= interval.upper + 1e-12, name).toBe(true);
    }
  }
  expect(numbersOf(values).filter((number) => !Number.isFinite(number))).toEqual([]);
  expect(JSON.parse(JSON.stringify(details))).toEqual(details);
}

const random = createRandom(4);
const ROWS = 240;
/** Probabilities of three classes that are right more often than not, but for rows of the country "X". */
const countries: string[] = Array.from({ length: ROWS }, (_none, row) =>
  row % 4 === 0 ? "X" : row % 4 === 1 ? "Y" : "Z",
);
countries[7] = "few";
const labels = Int32Array.from({ length: ROWS }, () => Math.floor(3 * drawUniform(random)));
const scores = Array.from(labels, (label, row) => {
  const sure = countries[row] === "X" ? 0.1 : 2.5;
  const odds = [0, 1, 2].map((one) => Math.exp(drawNormal(random) + (one === label ? sure : 0)));
  const sum = odds.reduce((total, one) => total + one, 0);
  return odds.map((one) => one / sum);
});
const classified: FakeRows = {
  inputs: scores,
  labels: { kind: "class", values: labels },
  columns: { country: countries },
  classes: ["cat", "dog", "red fox]"],
};

describe("a classifier", () => {
  test("has the figures of its rows, each with an interval, those of classes under their names", async () => {
    const evidence = await qualityOf(classified);
    expectSound(evidence);
    const wanted = classificationQuality(
      { labels, scores: Float64Array.from(scores.flat()) },
      { classes: 3, topK: [] },
    );
    const { values, details, dataset, settings } = evidence;
    expect(values["accuracy"]).toMatchObject({
      value: wanted.accuracy.value,
      method: expect.stringContaining("Wilson"),
    });
    expect(values["f1"]).toMatchObject({ value: wanted.f1.macro.value, method: expect.stringContaining("BCa") });
    expect(values["log-loss"]!.value).toBeCloseTo(wanted.logLoss.value!, 12);
    expect(values["recall[cat]"]!.value).toBe(wanted.recall.perClass[0]!.value);
    expect(values[String.raw`precision[red fox\]]`]!.value).toBe(wanted.precision.perClass[2]!.value);
    expect(values["f1[dog]"]!.value).toBe(wanted.f1.perClass[1]!.value);
    expect(details).toMatchObject({ task: "classification", classNames: classified.classes });
    expect(dataset).toEqual({ name: "fake", split: "test", hash: "f".repeat(64) });
    expect(settings).toMatchObject({ output: "y", seed: 1, resamples: RESAMPLES });
  });

  test("of weights has the weighted figures, and intervals as of the effective rows", async () => {
    const weights = Float64Array.from({ length: ROWS }, (_none, row) => (row % 3) / 2);
    const evidence = await qualityOf({ ...classified, weights });
    expectSound(evidence);
    const wanted = classificationQuality(
      { labels, scores: Float64Array.from(scores.flat()), weights },
      { classes: 3, topK: [] },
    );
    const { values } = evidence;
    expect(values["rows"]!.value).toBe((ROWS * 2) / 3);
    expect(values["accuracy"]!.value).toBeCloseTo(wanted.accuracy.value!, 12);
    expect(values["accuracy"]!.method).toContain("Wilson, effective rows");
    expect(values["auc"]!.value).toBeCloseTo(
      wanted.ranking.kind === "multiclass" ? wanted.ranking.rocAuc.macro.value! : Number.NaN,
      12,
    );
    const even = await qualityOf({ ...classified, weights: new Float64Array(ROWS).fill(2) });
    expect(even.values["accuracy"]).toEqual((await qualityOf(classified)).values["accuracy"]);
  });

  test("of two classes, one score a row: the positive class and the threshold are chosen", async () => {
    const twoLabels = labels.map((label) => Math.min(label, 1));
    const rows: FakeRows = {
      inputs: Array.from(twoLabels, (label) => [1.5 * label - 0.75 + drawNormal(random)]),
      labels: { kind: "class", values: twoLabels },
      classes: ["good", "bad"],
    };
    const evidence = await qualityOf(rows);
    expectSound(evidence);
    expect(evidence.method).toContain("scores taken as logits");
    expect(evidence.values["auc"]!.method).toBe("area under the ROC curve, of class bad; DeLong, on the logit scale");
    const good = await qualityOf(rows, { positive: "good" });
    expect(good.values["auc"]!.value).toBeCloseTo(evidence.values["auc"]!.value!, 12);
    expect(good.values["auc-pr"]!.value).not.toBeCloseTo(evidence.values["auc-pr"]!.value!, 2);
    // At a threshold of 0 everything is positive.
    const all = await qualityOf(rows, { threshold: 0 });
    expect([all.values["recall[bad]"]!.value, all.values["recall[good]"]!.value]).toEqual([1, 0]);
    const none = await qualityOf(rows, { threshold: 0, positive: 0 });
    expect([none.values["recall[bad]"]!.value, none.values["recall[good]"]!.value]).toEqual([0, 1]);
    expect(none.values["precision[bad]"]).toMatchObject({ value: null, reason: expect.stringContaining("predicted") });
  });

  test("the same seed, the same evidence", async () => {
    const [first, again, other] = [
      await qualityOf(classified),
      await qualityOf(classified),
      await qualityOf(classified, { seed: 2 }),
    ];
    expect(again).toEqual(first);
    expect(other.values["f1"]!.interval).not.toEqual(first.values["f1"]!.interval);
  });

  test.each<[string, FakeRows]>([
    [
      "one class alone",
      {
        inputs: [
          [0.2, 0.8],
          [0.6, 0.4],
        ],
        labels: { kind: "class", values: Int32Array.of(1, 1) },
      },
    ],
    ["one row", { inputs: [[0.2, 0.3, 0.5]], labels: { kind: "class", values: Int32Array.of(0) } }],
    [
      "a class nobody has or predicts",
      {
        inputs: [
          [1, 0, 0],
          [0, 1, 0],
        ],
        labels: { kind: "class", values: Int32Array.of(0, 1) },
      },
    ],
    [
      "no row of a weight above 0",
      {
        inputs: [
          [0.2, 0.8],
          [0.6, 0.4],
        ],
        labels: { kind: "class", values: Int32Array.of(1, 0) },
        weights: new Float64Array(2),
      },
    ],
    [
      "ties alone",
      {
        inputs: [
          [0.5, 0.5],
          [0.5, 0.5],
          [0.5, 0.5],
        ],
        labels: { kind: "class", values: Int32Array.of(1, 0, 1) },
      },
    ],
    [
      "infinite logits",
      {
        inputs: [
          [-1e308, 1e308],
          [3, -3],
        ],
        labels: { kind: "class", values: Int32Array.of(1, 0) },
      },
    ],
  ])("%s: what is undefined is null, and says why", async (_what, rows) => {
    expectSound(await qualityOf(rows));
  });
});

const targets = Float64Array.from({ length: ROWS }, () => 10 + 3 * drawNormal(random));
const regressed: FakeRows = {
  inputs: Array.from(targets, (target, row) => [target + (countries[row] === "X" ? 2 : 0.5) * drawNormal(random)]),
  labels: { kind: "number", values: targets },
  columns: { country: countries },
};

describe("a regressor", () => {
  test("has the figures of its rows, each with an interval", async () => {
    const evidence = await qualityOf(regressed, { quantiles: [0.1, 0.9] });
    expectSound(evidence);
    const predictions = regressed.inputs.map(([prediction]) => prediction!);
    const wanted = regressionQuality({ targets, predictions }, { quantiles: [0.1, 0.9] });
    const { values, details } = evidence;
    expect(values["mae"]!.value).toBeCloseTo(wanted.meanAbsoluteError.value!, 12);
    expect(values["rmse"]!.value).toBeCloseTo(wanted.rootMeanSquaredError.value!, 12);
    expect(values["r2"]!.value).toBeCloseTo(wanted.r2.value!, 12);
    expect(values["quantile-loss[0.9]"]!.value).toBeCloseTo(wanted.quantileLosses[1]!.loss.value!, 12);
    const { residuals } = details as { residuals: { counts: number[] } };
    expect(residuals.counts.reduce((sum, count) => sum + count, 0)).toBe(ROWS);
  });

  test("of class indices is one where that is asked for", async () => {
    const rows: FakeRows = { inputs: [[1.5], [0.5]], labels: { kind: "class", values: Int32Array.of(2, 0) } };
    expect((await qualityOf(rows, { task: "regression" })).values["mae"]!.value).toBe(0.5);
  });

  test("a target that never changes has no r2, and a target of 0 no relative error", async () => {
    const rows: FakeRows = { inputs: [[1], [2]], labels: { kind: "number", values: Float64Array.of(0, 0) } };
    const { values } = await qualityOf(rows);
    expect(values["r2"]).toMatchObject({ value: null, reason: expect.stringContaining("equal") });
    expect(values["mape"]).toMatchObject({ value: null, reason: expect.stringContaining("zero") });
  });
});

describe("by slice", () => {
  interface Slice {
    readonly value: string | null;
    readonly rows: number;
    readonly gap: { readonly value: number } | null;
    readonly pValue: number | null;
    readonly adjustedPValue: number | null;
    readonly verdict: string;
  }
  const slicesOf = ({ details }: NewEvidence) =>
    (details as unknown as { slices: { columns: { country: Slice[] } } }).slices.columns.country;

  test("the bad one is called worse after correction, few rows undecided, and the others are what they are", async () => {
    const evidence = await qualityOf(classified, { slices: ["country"] });
    expectSound(evidence);
    const slices = new Map(slicesOf(evidence).map((slice) => [slice.value, slice]));
    expect(slices.get("X")).toMatchObject({ rows: 60, verdict: "worse" });
    expect(slices.get("few")).toMatchObject({ rows: 1, verdict: "undecided", gap: null });
    const { values } = evidence;
    expect(values["accuracy[country=few]"]).toMatchObject({
      value: null,
      reason: expect.stringContaining("Only 1 rows"),
    });
    // By hand: hits within and outside, Fisher's exact test, Holm over three.
    const hits = scores.map((row, index) => row.indexOf(Math.max(...row)) === labels[index]);
    const count = (isIn: boolean, isHit: boolean) =>
      hits.filter((hit, row) => (countries[row] === "X") === isIn && hit === isHit).length;
    const { pValue } = fisherExactTest([
      [count(true, true), count(true, false)],
      [count(false, true), count(false, false)],
    ]);
    expect(slices.get("X")!.pValue).toBeCloseTo(pValue, 12);
    expect(slices.get("X")!.adjustedPValue).toBeCloseTo(Math.min(1, 3 * pValue), 12);
    const gap = count(true, true) / 60 - count(false, true) / (ROWS - 60);
    expect(values["accuracy-gap[country=X]"]!.value).toBeCloseTo(gap, 12);
    const { summary } = evidence.details as { summary: string[] };
    expect(summary[0]).toMatch(/^By country: worse than all others after correction for 3 comparisons \(Holm\) are X/);
    expect(summary[0]).toContain("1 of 4 values have too few rows");
  });

  test("every figure of a slice is that of its rows alone", async () => {
    const { values } = await qualityOf(classified, { slices: ["country"] });
    const members = Array.from(labels.keys()).filter((row) => countries[row] === "Y");
    const alone = await qualityOf({
      ...classified,
      inputs: members.map((row) => scores[row]!),
      labels: { kind: "class", values: Int32Array.from(members, (row) => labels[row]!) },
      columns: {},
    });
    const { value, interval } = alone.values["accuracy"]!;
    expect(values["accuracy[country=Y]"]).toMatchObject({ value, interval });
    for (const name of ["f1", "matthews", "auc", "auc-pr", "log-loss", "calibration-error"]) {
      expect(values[`${name}[country=Y]`], name).toEqual(alone.values[name]);
    }
    expect(values["f1[country=few]"]).toBeUndefined();
    const weights = Float64Array.from({ length: ROWS }, (_none, row) => 1 + (row % 2));
    const evidence = await qualityOf({ ...regressed, weights }, { slices: ["country"] });
    expectSound(evidence);
    expect(evidence.values["rmse[country=X]"]!.value).toBeGreaterThan(evidence.values["rmse[country=Y]"]!.value!);
  });

  test("of many slices only the headline is told, and that is said", async () => {
    const many = { ...classified, columns: { group: Array.from({ length: 1560 }, (_none, row) => `g${row % 52}`) } };
    const rows = { inputs: Array.from({ length: 1560 }, (_none, row) => scores[row % ROWS]!) };
    const values = Int32Array.from({ length: 1560 }, (_none, row) => labels[row % ROWS]!);
    const evidence = await qualityOf({ ...many, ...rows, labels: { kind: "class", values } }, { slices: ["group"] });
    expect(evidence.method).toContain("Of 52 slices only the headline is told");
    expect(evidence.values["accuracy[group=g7]"]!.count).toBe(30);
    expect(evidence.values["f1[group=g7]"]).toBeUndefined();
  });

  test("errors of a regressor are told apart by Welch's test", async () => {
    const evidence = await qualityOf(regressed, { slices: ["country"] });
    expectSound(evidence);
    const errors = regressed.inputs.map(([prediction], row) => Math.abs(prediction! - targets[row]!));
    const of = (isIn: boolean) => errors.filter((_error, row) => (countries[row] === "X") === isIn);
    const slice = slicesOf(evidence).find(({ value }) => value === "X")!;
    expect(slice.pValue! / welchTest(of(true), of(false)).pValue).toBeCloseTo(1, 8);
    expect(slice.verdict).toBe("worse");
  });
});

describe("is refused", () => {
  const message = async (rows: FakeRows, options: MeasurementOptions["quality"] = {}): Promise<string> =>
    await qualityOf(rows, options).then(
      () => "it was taken",
      (error: unknown) => (error as Error).message,
    );
  const nan: FakeRows = {
    ...classified,
    inputs: scores.map((row, index) => (index === 5 ? [0.1, Number.NaN, 0.9] : row)),
  };
  const beyond: FakeRows = { inputs: scores, labels: { kind: "class", values: labels.map((label) => label + 1) } };

  test.each<[string, FakeRows, MeasurementOptions["quality"], RegExp]>([
    ["a score that is NaN", nan, {}, /Output "y" is NaN for row 5/],
    ["a label beyond the classes", beyond, {}, /label of row \d+ is 3; give a whole number from 0 to 2/],
    [
      "more class names than scores",
      { ...classified, classes: ["a", "b", "c", "d"] },
      {},
      /4 classes and output "y" has scores for 3/,
    ],
    ["a positive class among three", classified, { positive: 1 }, /are for two classes, and output "y" has 3/],
    ["more of the top than there are", classified, { topK: [4] }, /Top 4 was asked for, and there are 3 classes/],
    ["numbers as classes", regressed, { task: "classification" }, /labels of "fake" are numbers/],
    ["names as numbers", classified, { task: "regression" }, /are names \(cat, dog, red fox\]/],
    [
      "several predictions a row",
      { ...regressed, inputs: scores },
      {},
      /has 3 numbers a row, and a regression takes one/,
    ],
    ["a share that is none", classified, { confidence: 2 }, /options of quality can't be used/],
    ["an option nobody knows", classified, { bins: 3 } as MeasurementOptions["quality"], /bins/],
  ])("%s", async (_what, rows, options, wanted) => {
    expect(await message(rows, options)).toMatch(wanted);
  });
});
