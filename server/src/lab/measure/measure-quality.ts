// How good a model's answers are on labelled rows: it runs them, contained as when it is served, and computes what they are
// worth.
import { SlipwayError } from "@slipway/core/base";
import { assess, prepare, QUALITY_OPTIONS, type QualityOptions } from "./assess/index.ts";
import { type Answers, gatherAnswers, type SubjectRows } from "./answers/index.ts";
import type { JobRun } from "#jobs";
import type { EvidenceDataset, JsonObject, Model } from "#registry";
import { measurement, type MeasurePorts } from "./measurement.ts";

/** 2: a pair of details by task, slices, reliability with intervals. */
const SCHEMA = 2;

/**
 * Runs a classifier or regressor over labelled rows in batches, and computes figures from its answers, each with an interval:
 * Wilson's for shares, DeLong's for the area of two classes, BCa bootstrap for the others. Goes on where it was interrupted,
 * as long as what it has fits a checkpoint.
 */
export const quality = measurement({
  about:
    "What a model's answers are worth on labelled rows: accuracy, F1, AUC, calibration and more of a classifier, errors of a regressor, by slice where asked.",
  needsRows: true,
  needsRival: false,
  isTimed: false,
  options: QUALITY_OPTIONS,
  run: async ({ model, rows }, options, { load, code, clock }, run) => {
    const on = rowsFor("quality", rows);
    const answers = await answersOf({ model, load }, on, options, "running rows", clock, run);
    const prepared = prepare(answers, on.dataset, options);
    const { values, details, method } = await assess(prepared, answers.slices, options, clock, run);
    return {
      kind: "quality",
      schema: SCHEMA,
      values,
      details,
      dataset: datasetOf(on),
      machine: null,
      settings: settingsOf(options, answers),
      method,
      code,
    };
  },
});

/** @throws SlipwayError PARAMETER_INVALID where there are none */
export function rowsFor(what: string, rows: SubjectRows | null): SubjectRows {
  if (rows !== null) return rows;
  throw new SlipwayError("PARAMETER_INVALID", `The ${what} is measured on labelled rows, and none were given.`);
}

/** What a model answers to the rows; it is loaded for no longer. */
export async function answersOf(
  { model, load }: { readonly model: Model; readonly load: MeasurePorts["load"] },
  rows: SubjectRows,
  { output, slices }: QualityOptions,
  text: string,
  clock: MeasurePorts["clock"],
  run: JobRun,
): Promise<Answers> {
  const executor = await load({}, run.signal);
  try {
    return await gatherAnswers(executor, rows, { model: model.hash, output, slices, text }, clock, run);
  } finally {
    await executor.close();
  }
}

export function datasetOf({ dataset: { manifest }, split }: SubjectRows): EvidenceDataset {
  return { name: manifest.name, split, hash: manifest.hash };
}

/** What was chosen, with the output that was taken. */
export function settingsOf(options: QualityOptions, { output }: Pick<Answers, "output">): JsonObject {
  return { ...options, topK: options.topK === null ? null : [...options.topK], output };
}
