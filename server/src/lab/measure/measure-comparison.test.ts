// Two models on the same rows, from rows to evidence: the differences and p values are those of the paired methods worked out by
// hand, and what differs is found where it was planted.
import { FakeClock } from "@slipway/core/base";
import {
  adjustPValues,
  compareAucs,
  createRandom,
  drawNormal,
  drawUniform,
  mcnemarTest,
  pairedProportionDifferenceInterval,
  pairedTTest,
} from "@slipway/core/stats";
import { describe, expect, test } from "vitest";
import type { NewEvidence } from "#registry";
import { measure, type MeasurementOptions } from "./measurements.ts";
import type { MeasurePorts, Subject } from "./measurement.ts";
import { fakeDataset, FakeExecutor, type FakeRows, FakeRun } from "./measure.testing.ts";
import { numbersOf } from "./quality/alike.testing.ts";

type Rows = Omit<FakeRows, "inputs">;
/** [rows, width]: what a model answers. */
type Answers = readonly (readonly number[])[];

/** Rows hold both models' answers side by side; each model gives its half. */
async function compared(
  rows: Rows,
  baseline: Answers,
  candidate: Answers,
  options: MeasurementOptions["comparison"] = {},
  run = new FakeRun(),
): Promise<NewEvidence> {
  const width = baseline[0]!.length;
  const half = (isSecond: boolean) =>
    new FakeExecutor(({ data, shape }) => {
      const [count, both] = shape as [number, number];
      const numbers = Array.from(data as Float64Array);
      const from = isSecond ? width : 0;
      const to = isSecond ? both : width;
      const kept = Array.from({ length: count }, (_none, row) =>
        numbers.slice(row * both + from, row * both + to),
      ).flat();
      return { dtype: "float64", shape: [count, to - from], data: Float64Array.from(kept) };
    }, 50);
  const dataset = fakeDataset({ ...rows, inputs: baseline.map((row, index) => [...row, ...candidate[index]!]) });
  const load = async () => half(true);
  const rival = { name: "old", number: 3, model: { hash: "a" }, processingHash: "none", load: async () => half(false) };
  const subject = { model: { hash: "b" }, rows: { dataset, split: null }, rival };
  const found = await measure(
    "comparison",
    subject as unknown as Subject,
    { comparison: { resamples: 400, ...options } },
    { clock: new FakeClock(), load, code: {} } as unknown as MeasurePorts,
    run,
  );
  expect(numbersOf(found.values).filter((number) => !Number.isFinite(number))).toEqual([]);
  for (const { value, reason } of Object.values(found.values)) expect(value === null).toBe(reason !== null);
  return found;
}

const ROWS = 400;
const random = createRandom(9);
const labels = Int32Array.from({ length: ROWS }, () => Number(drawUniform(random) < 0.4));
/** Probabilities of class 1 that both models share the difficulty of. */
const hardness = Array.from({ length: ROWS }, () => drawNormal(random));
const scoresOf = (signal: number, noise: number): Answers =>
  Array.from(labels, (label, row) => {
    const logit = signal * (2 * label - 1) + hardness[row]! + noise * drawNormal(random);
    return [1 / (1 + Math.exp(-logit))];
  });
const [old, better] = [scoresOf(0.6, 0.6), scoresOf(1.3, 0.3)];
const rows: Rows = { labels: { kind: "class", values: labels }, classes: ["no", "yes"] };

/** By hand: who is right where. */
function outcomes(a: Answers, b: Answers, isIn: (row: number) => boolean = () => true) {
  const isRight = (answers: Answers, row: number) => Number(answers[row]![0]! >= 0.5) === labels[row];
  const members = Array.from(labels.keys()).filter(isIn);
  const count = (first: boolean, second: boolean) =>
    members.filter((row) => isRight(a, row) === first && isRight(b, row) === second).length;
  return {
    both: count(true, true),
    onlyFirst: count(true, false),
    onlySecond: count(false, true),
    neither: count(false, false),
  };
}

describe("two classifiers", () => {
  test("accuracy by Newcombe and McNemar, the area by DeLong, the rest by the paired bootstrap", async () => {
    const { values, details, settings } = await compared(rows, old, better);
    const counts = outcomes(better, old);
    const wanted = pairedProportionDifferenceInterval(counts, 0.95);
    expect(values["accuracy.difference"]).toMatchObject({
      value: expect.closeTo(wanted.estimate, 12),
      interval: { lower: wanted.lower, upper: wanted.upper, level: 0.95 },
    });
    expect(values["accuracy.p"]!.value).toBe(mcnemarTest(counts.onlyFirst, counts.onlySecond).pValue);
    const [first, second] = [better, old].map((answers) => answers.map(([score]) => score!));
    const areas = compareAucs(first!, second!, labels, 0.95);
    expect(values["auc.difference"]!.value).toBeCloseTo(areas.difference.estimate, 12);
    expect(values["auc.difference"]!.interval!.lower).toBeCloseTo(areas.difference.lower, 12);
    expect(values["auc.p"]).toMatchObject({ value: expect.closeTo(areas.pValue, 12), method: "DeLong" });
    const loss = values["log-loss.difference"]!;
    expect(loss.method).toContain("paired BCa bootstrap, 400 resamples");
    expect(loss.interval!.upper).toBeLessThan(0);
    // All 400 resamples on one side of 0: as small a p value as so many can tell.
    expect(values["log-loss.p"]!.value).toBeCloseTo(2 / 401, 12);
    expect(details).toMatchObject({
      verdict: "better",
      headline: "accuracy",
      against: { name: "old", number: 3, modelHash: "a" },
      outcomes: { bothRight: counts.both, onlyCandidate: counts.onlyFirst, onlyBaseline: counts.onlySecond },
    });
    expect(settings).toMatchObject({ against: { name: "old", number: 3, modelHash: "a", processingHash: "none" } });
  });

  test("pairing tells what two intervals side by side do not", async () => {
    const { values } = await compared(rows, old, better);
    const [a, b] = [values["accuracy.baseline"]!.interval!, values["accuracy.candidate"]!.interval!];
    const { lower, upper } = values["accuracy.difference"]!.interval!;
    expect(upper - lower).toBeLessThan(Math.hypot(a.upper - a.lower, b.upper - b.lower));
  });

  test("of which one is the other differ in nothing, which is no proof and is not called one", async () => {
    const { values, details } = await compared(rows, old, old);
    for (const name of ["accuracy", "auc", "f1", "log-loss", "calibration-error"]) {
      expect(values[`${name}.difference`]!.value).toBe(0);
      expect(values[`${name}.p`]!.value).toBe(1);
    }
    const { verdict, summary } = details as { verdict: string; summary: string[] };
    expect(verdict).toBe("no difference shown");
    expect(summary[0]).toMatch(/^No difference from old@3 is shown.*What these rows leave open/);
  });

  test("calibration differs where one is sure of what it does not know, and not where noise alone could", async () => {
    const surer = old.map(([score]) => {
      const logit = 20 * Math.log(score! / (1 - score!));
      return [1 / (1 + Math.exp(-logit))];
    });
    const { values } = await compared(rows, old, surer);
    expect(values["calibration-error.difference"]!.interval!.lower).toBeGreaterThan(0);
    expect(values["calibration-error.p"]!.value).toBeLessThan(0.001);
    const { values: alike } = await compared(rows, old, scoresOf(0.6, 0.6));
    expect(alike["calibration-error.p"]!.value).toBeGreaterThan(0.05);
    const { lower, upper } = alike["calibration-error.difference"]!.interval!;
    expect(lower < 0 && upper > 0).toBe(true);
  });

  test("a difference of a few rows is left to the exact test", async () => {
    const almost = better.map((answer, row) => (row < 3 ? [1 - answer[0]!] : answer));
    const { values } = await compared(rows, better, almost);
    const { onlyFirst, onlySecond } = outcomes(almost, better);
    expect(onlyFirst + onlySecond).toBe(3);
    expect(values["accuracy.p"]!.value).toBe(mcnemarTest(onlyFirst, onlySecond).pValue);
    expect(values["f1.p"]).toMatchObject({
      value: null,
      reason: expect.stringMatching(/rests on about \d rows, too few/),
    });
    expect(values["f1.difference"]!.value).not.toBe(0);
  });

  test("without resamples every difference has a normal interval and p value all the same", async () => {
    const [{ values: none }, { values: drawn }] = [
      await compared(rows, old, better, { resamples: 0 }),
      await compared(rows, old, better, { resamples: 1000 }),
    ];
    for (const name of ["f1", "matthews", "log-loss", "brier", "auc-pr", "calibration-error"]) {
      const [a, b] = [none[`${name}.difference`]!, drawn[`${name}.difference`]!];
      expect(a.method, name).toMatch(/normal/);
      const width = ({ interval }: typeof a) => interval!.upper - interval!.lower;
      expect(Math.abs(Math.log(width(a) / width(b))), name).toBeLessThan(0.25);
      expect(none[`${name}.p`]!.value, name).not.toBeNull();
    }
  });

  test("classes and slices: Holm over all of them, worse where it was planted", async () => {
    const region: string[] = Array.from({ length: ROWS }, (_none, row) => (row % 4 === 0 ? "north" : "south"));
    region[1] = "few";
    const planted = better.map((answer, row) => (region[row] === "north" ? [1 - answer[0]!] : answer));
    const { values, details } = await compared({ ...rows, columns: { region } }, better, planted, {
      slices: ["region"],
    });
    const parts = [
      ["accuracy[region=north]", (row: number) => region[row] === "north"],
      ["accuracy[region=south]", (row: number) => region[row] === "south"],
      ["recall[no]", (row: number) => labels[row] === 0],
      ["recall[yes]", (row: number) => labels[row] === 1],
    ] as const;
    const tables = parts.map(([, isIn]) => outcomes(planted, better, isIn));
    const adjusted = adjustPValues(
      tables.map(({ onlyFirst, onlySecond }) => mcnemarTest(onlyFirst, onlySecond).pValue),
      "holm",
    );
    parts.forEach(([name], index) => {
      expect(values[`${name}.p`]!.value, name).toBeCloseTo(adjusted[index]!, 12);
      const wanted = pairedProportionDifferenceInterval(tables[index]!, 0.95);
      expect(values[`${name}.difference`]!.interval!.lower).toBeCloseTo(wanted.lower, 12);
    });
    expect(values["accuracy[region=few].difference"]).toMatchObject({
      value: null,
      reason: expect.stringContaining("Only 1"),
    });
    const { summary } = details as { summary: string[] };
    expect(summary.find((line) => line.startsWith("By region"))).toMatch(
      /^By region, after correction for 4 comparisons \(Holm\): worse for north \(−0\.\d+\)\. 1 of 3 have too few rows/,
    );
  });

  test("weighted hits are compared by Student's t over the rows' differences", async () => {
    const weights = Float64Array.from({ length: ROWS }, (_none, row) => 1 + (row % 3));
    const { values } = await compared({ ...rows, weights }, old, better);
    expect(values["accuracy.p"]!.method).toContain("bootstrap");
    expect(values["recall[yes].p"]!.method).toContain("Student's t, paired");
    expect(values["auc.p"]!.method).toContain("bootstrap");
  });
});

describe("two regressors", () => {
  const targets = Float64Array.from({ length: ROWS }, () => 5 + drawNormal(random));
  const predictions = (noise: number): Answers =>
    Array.from(targets, (target) => [target + noise * drawNormal(random)]);
  const [wide, narrow] = [predictions(1), predictions(0.6)];
  const kinds = Array.from({ length: ROWS }, (_none, row) => `k${row % 2}`);
  const regressed: Rows = { labels: { kind: "number", values: targets }, columns: { kind: kinds } };

  test("less error is better, and by slice it is a paired t test", async () => {
    const { values, details } = await compared(regressed, wide, narrow, { slices: ["kind"], quantiles: [0.9] });
    expect(details).toMatchObject({ verdict: "better", headline: "mae" });
    expect(values["mae.difference"]!.interval!.upper).toBeLessThan(0);
    expect(values["quantile-loss[0.9].difference"]!.value).toBeLessThan(0);
    const errors = (answers: Answers, kind: string) =>
      answers.flatMap(([prediction], row) => (kinds[row] === kind ? [Math.abs(prediction! - targets[row]!)] : []));
    const pValues = ["k0", "k1"].map((kind) => pairedTTest(errors(narrow, kind), errors(wide, kind)).pValue);
    const adjusted = adjustPValues(pValues, "holm");
    for (const [index, kind] of ["k0", "k1"].entries()) {
      expect(values[`mae[kind=${kind}].p`]!.value! / adjusted[index]!).toBeCloseTo(1, 7);
    }
    expect((await compared(regressed, narrow, wide)).details).toMatchObject({ verdict: "worse" });
  });
});

test("an interrupted comparison goes on: what the first model answered is not asked again", async () => {
  const run = new FakeRun();
  const whole = await compared(rows, old, better, {}, run);
  expect(run.states.map((state) => Object.keys(state as object))).toEqual([["first"], ["first", "second"]]);
  const again = new FakeRun(run.states[0]);
  expect(await compared(rows, old, better, {}, again)).toEqual(whole);
  expect(again.reports.find(({ text }) => text === "running rows through old@3")).toMatchObject({ done: ROWS });
  const second = again.reports.find(({ text }) => text === "running rows through the candidate");
  expect(second).toMatchObject({ done: 0 });
});

test("models of other classes, and rows that change between the models, are refused", async () => {
  const three = labels.map(() => 0);
  const wider = old.map(() => [0.2, 0.3, 0.5]);
  const flat: Rows = { labels: { kind: "class", values: three } };
  await expect(compared(flat, old, wider)).rejects.toThrow("tells 3 classes apart and old@3 2");
  const changing = Int32Array.from(labels);
  const executor = (isSecond: boolean) =>
    new FakeExecutor(({ shape }) => {
      if (!isSecond) changing[7] = 1 - labels[7]!;
      return { dtype: "float64", shape: [shape[0]!, 1], data: new Float64Array(shape[0]!).fill(0.5) };
    }, 50);
  const dataset = fakeDataset({ ...rows, labels: { kind: "class", values: changing }, inputs: old });
  const rival = { name: "old", number: 3, model: { hash: "a" }, processingHash: "", load: async () => executor(false) };
  const subject = { model: { hash: "b" }, rows: { dataset, split: null }, rival } as unknown as Subject;
  const ports = { clock: new FakeClock(), load: async () => executor(true), code: {} } as unknown as MeasurePorts;
  await expect(measure("comparison", subject, {}, ports, new FakeRun())).rejects.toThrow(
    "Row 7 was another when it was read a second time",
  );
  const alone = { ...subject, rival: null };
  await expect(measure("comparison", alone, {}, ports, new FakeRun())).rejects.toThrow("needs a second version");
});
