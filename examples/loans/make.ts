// How the loans model is made: people from a seed into a CSV file, and `slipway train`'s own run over it, with its defaults.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { type Backend, DEFAULT_SESSION_SETTINGS } from "@slipway/core/backend";
import type { NamedTensor } from "@slipway/core/tensor";
import { datasetOrder } from "../../server/src/lab/dataset/index.ts";
import { type RunRecord, train, type Trained, TrainOrder } from "../../server/src/lab/train/index.ts";
import { systemClock } from "../../server/src/runtime/index.ts";
import { type Kitchen, type Made, madeOn, type Recipe, sha256 } from "../recipe.ts";
import { judged, judgedGroup } from "./judged.ts";
import {
  type Applicant,
  csvOf,
  genderBlindProbability,
  type Loan,
  loans as drawnLoans,
  recordedProbability,
} from "./population.ts";

/** Of the people. */
const SEED = 20261126;
/** People of another seed, whom nothing was fitted to, for figures without the luck of few rows. */
const [FRESH_SEED, FRESH_ROWS] = [SEED + 1, 50_000];
const [TRAINING, VALIDATION, TEST] = [3000, 800, 1200] as const;
/** Of the fit. */
const FIT_SEED = 1;
const ROLES = { id: "id", gender: "protected" } as const;
const DESCRIPTION = `# People who ask for a loan, drawn by population.ts; README.md says how.
name: loans
files: loans.csv
label: repaid
split: split
`;

export const loans: Recipe = {
  make: async (kitchen) => await madeLoans(kitchen, {}, FRESH_ROWS),
};

/**
 * @param settings of the fit, where they are not the defaults: fewer epochs show that all goes well
 * @param freshRows people for the figures
 */
export async function madeLoans(
  { backend, log }: Kitchen,
  settings: Partial<TrainOrder["settings"]>,
  freshRows: number,
): Promise<Made> {
  const drawn = drawnLoans(TRAINING + VALIDATION + TEST, SEED);
  const csv = csvOf(drawn, (row) => (row < TRAINING ? "train" : row < TRAINING + VALIDATION ? "validation" : "test"));
  const folder = await mkdtemp(path.join(os.tmpdir(), "slipway-loans-"));
  try {
    await writeFile(path.join(folder, "loans.csv"), csv);
    await writeFile(path.join(folder, "loans.yaml"), DESCRIPTION);
    const order = TrainOrder.parse({
      name: "loans",
      data: await datasetOrder(path.join(folder, "loans.yaml"), { workingDirectory: folder, find: notNeeded }),
      roles: ROLES,
      settings: { seed: FIT_SEED, ...settings },
    });
    const { model, processing, record } = await trained(order, backend);
    // The same without hidden layers: what a logistic regression of the same features comes to.
    const linear = await trained({ ...order, network: { kind: "mlp", hidden: [], dropout: 0 } }, backend);
    const people = drawn.slice(TRAINING + VALIDATION);
    const figures = {
      ...(await figuresOf(model, linear.model, backend, freshRows)),
      test: await testFigures(model, people, backend),
    };
    log(
      `loans: AUC ${figures.model.auc.toFixed(4)}; at best ${figures.bestBlind.auc.toFixed(4)}, told the gender ${figures.best.auc.toFixed(4)}`,
    );
    const text = (value: unknown) =>
      Buffer.from(typeof value === "string" ? value : `${JSON.stringify(value, null, 2)}\n`);
    return {
      files: new Map([
        ["model.onnx", model],
        ["processing.json", text(processing)],
        ["loans.csv", text(csv)],
        ["loans.yaml", text(DESCRIPTION)],
      ]),
      record: {
        model: sha256(model),
        madeOn: madeOn(),
        seeds: { people: SEED, fit: FIT_SEED, fresh: FRESH_SEED },
        ...timeless(record),
        fresh: figures,
      },
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function trained(order: TrainOrder, backend: Backend): Promise<Trained> {
  const run = {
    signal: new AbortController().signal,
    report: () => undefined,
    saved: null,
    save: async () => undefined,
    onCurve: async () => undefined,
  };
  return await train(order, { backend, clock: systemClock, environment: {}, readBlob: notNeeded }, run);
}

/** Nothing stored is read: data and network are made here. */
async function notNeeded(name: string): Promise<never> {
  throw new Error(`The recipe asked for ${name}. This is a bug.`);
}

/** The run without what is another each time. */
function timeless({ curve, result, ...record }: RunRecord): Record<string, unknown> {
  const points = curve.map(({ seconds: _, ...point }) => point);
  const { seconds: _, ...end } = result!;
  return { ...record, curve: points, result: end };
}

/** By the labels that the file has. */
async function testFigures(model: Uint8Array, rows: readonly Loan[], backend: Backend) {
  const people = rows.map(({ applicant }) => applicant);
  const labels = rows.map(({ repaid }) => (repaid ? 1 : 0));
  return {
    rows: rows.length,
    model: judged(await scoresOf(model, people, backend), labels),
    bestBlind: judged(people.map(genderBlindProbability), labels),
  };
}

async function figuresOf(model: Uint8Array, linear: Uint8Array, backend: Backend, rows: number) {
  const people = drawnLoans(rows, FRESH_SEED).map(({ applicant }) => applicant);
  const recorded = people.map(recordedProbability);
  const scores = await scoresOf(model, people, backend);
  const group = (gender: Applicant["gender"]) => judgedGroup(gender, people, scores, recorded);
  return {
    rows,
    linear: judged(await scoresOf(linear, people, backend), recorded),
    model: judged(scores, recorded),
    bestBlind: judged(people.map(genderBlindProbability), recorded),
    best: judged(recorded, recorded),
    groups: { woman: group("woman"), man: group("man") },
  };
}

/** The model's probability that a loan is recorded as repaid. */
async function scoresOf(model: Uint8Array, people: readonly Applicant[], backend: Backend): Promise<readonly number[]> {
  const session = await backend.load({ model, externalData: new Map() }, DEFAULT_SESSION_SETTINGS);
  const shape = [people.length];
  const numbers = (name: string, of: (one: Applicant) => number | null): NamedTensor => {
    return { name, dtype: "float32", shape, data: Float32Array.from(people, (one) => of(one) ?? Number.NaN) };
  };
  const texts = (name: string, of: (one: Applicant) => string | null): NamedTensor => {
    return { name, dtype: "string", shape, data: people.map((one) => of(one) ?? "") };
  };
  try {
    const [probabilities] = await session.run(
      [
        numbers("age", ({ age }) => age),
        texts("employment", ({ employment }) => employment),
        texts("housing", ({ housing }) => housing),
        numbers("income", ({ income }) => income),
        numbers("amount", ({ amount }) => amount),
        numbers("term", ({ term }) => term),
        texts("purpose", ({ purpose }) => purpose),
        numbers("late_payments", ({ latePayments }) => latePayments),
      ],
      ["probabilities"],
    );
    const { data } = probabilities as { data: Float32Array };
    // Of the labels "no" and "yes".
    return people.map((_, row) => data[row * 2 + 1]!);
  } finally {
    await session.unload();
  }
}
