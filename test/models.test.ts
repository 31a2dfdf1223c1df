// The recipes of the bundled models: the same bytes each time, and people whose labels are as likely as they are said to be.
import { readFileSync } from "node:fs";
import path from "node:path";
import { createRandom, drawUniform } from "@slipway/core/stats";
import { describe, expect, test } from "vitest";
import { judged } from "../examples/loans/judged.ts";
import { madeLoans } from "../examples/loans/make.ts";
import {
  type Applicant,
  genderBlindProbability,
  type Loan,
  loans,
  MISRECORDED,
  recordedProbability,
  repaidProbability,
} from "../examples/loans/population.ts";
import { createOnnxRuntimeBackend } from "../server/src/runtime/index.ts";

const kitchen = { backend: createOnnxRuntimeBackend(), now: () => performance.now(), log: () => undefined };
const packaged = (name: string) => readFileSync(path.resolve(import.meta.dirname, "../examples/loans", name));

test("loans made twice are the same, byte by byte, and their people those of the file", async () => {
  const few = { epochs: 1, patienceEpochs: 1 };
  const [one, other] = [await madeLoans(kitchen, few, 500), await madeLoans(kitchen, few, 500)];
  expect([...one.files.keys()]).toEqual(["model.onnx", "processing.json", "loans.csv", "loans.yaml"]);
  for (const [name, bytes] of one.files) {
    expect(Buffer.compare(bytes, other.files.get(name)!), name).toBe(0);
    if (name !== "model.onnx") expect(Buffer.compare(bytes, packaged(name)), name).toBe(0);
  }
  expect(other.record).toEqual(one.record);
  const { model, madeOn, data } = JSON.parse(packaged("run.json").toString()) as Record<string, unknown>;
  expect(Object.keys(madeOn as object)).toEqual(Object.keys(one.record["madeOn"] as object));
  expect(data).toEqual(JSON.parse(JSON.stringify(one.record["data"])));
  expect(model).toMatch(/^[0-9a-f]{64}$/);
});

describe("people", () => {
  const people = loans(20_000, 11);
  const mean = (rows: readonly Loan[], of: (row: Loan) => number) =>
    rows.reduce((sum, row) => sum + of(row), 0) / rows.length;
  /** How many standard errors the labels are from their probabilities. */
  const off = (rows: readonly Loan[], probability: (one: Applicant) => number) => {
    const spread = Math.sqrt(mean(rows, ({ applicant }) => probability(applicant) * (1 - probability(applicant))));
    const gap = mean(rows, ({ applicant, repaid }) => (repaid ? 1 : 0) - probability(applicant));
    return Math.abs(gap) / (spread / Math.sqrt(rows.length));
  };
  const wherever: readonly [string, (one: Applicant) => boolean][] = [
    ["women", ({ gender }) => gender === "woman"],
    ["men", ({ gender }) => gender === "man"],
    ["who says nothing of work", ({ employment }) => employment === null],
    ["who says nothing of income", ({ income }) => income === null],
    ["businesses of one's own", ({ employment, purpose }) => employment === "self-employed" && purpose === "business"],
    ["who is likely to repay", (one) => repaidProbability(one) > 0.75],
    ["who is not", (one) => repaidProbability(one) < 0.25],
  ];
  test.each(wherever)("%s repay as often as is said", (_who, isWanted) => {
    const rows = people.filter(({ applicant }) => isWanted(applicant));
    expect(rows.length).toBeGreaterThan(200);
    expect(off(rows, recordedProbability)).toBeLessThan(4);
  });
  const unseen = wherever.filter(([who]) => who !== "women" && who !== "men");
  test.each(unseen)("%s do so, whatever they are, as the blind probability says", (_who, isWanted) => {
    const rows = people.filter(({ applicant }) => isWanted(applicant));
    expect(off(rows, genderBlindProbability)).toBeLessThan(4);
  });
  test("of women's loans that were repaid, so many are recorded otherwise", () => {
    const [woman] = people.filter(({ applicant }) => applicant.gender === "woman");
    expect(recordedProbability(woman!.applicant)).toBeCloseTo((1 - MISRECORDED) * repaidProbability(woman!.applicant));
  });
  test("knowing more ranks better", () => {
    const recorded = people.map(({ applicant }) => recordedProbability(applicant));
    const auc = (of: (one: Applicant) => number) =>
      judged(
        people.map((row) => of(row.applicant)),
        recorded,
      ).auc;
    expect(auc(recordedProbability)).toBeGreaterThan(auc(genderBlindProbability));
    expect(auc(genderBlindProbability)).toBeGreaterThan(auc(({ age }) => age));
  });
});

test("what scores are worth is counted over all pairs", () => {
  const random = createRandom(3);
  const probabilities = Array.from({ length: 60 }, () => drawUniform(random));
  // With many ties.
  const scores = probabilities.map((one) => Math.round(4 * (one + drawUniform(random))) / 8);
  let [won, pairs] = [0, 0];
  for (const [a, first] of probabilities.entries()) {
    for (const [b, second] of probabilities.entries()) {
      const weight = first * (1 - second);
      pairs += weight;
      won += weight * (scores[a]! > scores[b]! ? 1 : scores[a] === scores[b] ? 0.5 : 0);
    }
  }
  const right = probabilities.reduce((sum, one, row) => sum + (scores[row]! > 0.5 ? one : 1 - one), 0);
  const found = judged(scores, probabilities);
  expect(found.auc).toBeCloseTo(won / pairs, 12);
  expect(found.accuracy).toBeCloseTo(right / 60, 12);
});
