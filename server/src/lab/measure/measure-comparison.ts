// Which of two versions answers labelled rows better. Both answer the same rows, so that what is hard about a row is hard for
// both and cancels out. What is found is evidence of the subject, the candidate.
import { SlipwayError } from "@slipway/core/base";
import { z } from "zod";
import type { JobRun } from "#jobs";
import type { Answers } from "./answers/index.ts";
import { prepare, QUALITY_OPTIONS } from "./assess/index.ts";
import { compareAnswers } from "./compare/index.ts";
import { measurement, type Rival } from "./measurement.ts";
import { answersOf, datasetOf, rowsFor, settingsOf } from "./measure-quality.ts";

const SCHEMA = 1;

export const comparison = measurement({
  about:
    "Whether a version answers labelled rows better than another does, the baseline: each figure of both, their difference with interval and p value, by class and slice.",
  needsRows: true,
  needsRival: true,
  isTimed: false,
  options: QUALITY_OPTIONS.extend({
    baselineOutput: z
      .string()
      .nullable()
      .default(null)
      .describe("the baseline's output to take, where it is called otherwise"),
  }),
  run: async ({ model, rows, rival }, options, { load, code, clock }, run) => {
    const on = rowsFor("comparison", rows);
    if (rival === null) {
      throw new SlipwayError("PARAMETER_INVALID", "A comparison needs a second version, and none was named.");
    }
    const name = `${rival.name}@${rival.number}`;
    const { first, second } = stages(run);
    const forBaseline = { ...options, output: options.baselineOutput ?? options.output };
    const others = await answersOf(rival, on, forBaseline, `running rows through ${name}`, clock, first);
    const own = await answersOf({ model, load }, on, options, "running rows through the candidate", clock, second);
    const pair = { baseline: prepare(others, on.dataset, options), candidate: prepare(own, on.dataset, options) };
    checkSameRows(own, others);
    const { values, details, method } = await compareAnswers(pair, name, own.slices, options, clock, run);
    const against = againstOf(rival);
    return {
      kind: "comparison",
      schema: SCHEMA,
      values,
      details: { ...details, against },
      dataset: datasetOf(on),
      machine: null,
      settings: { ...settingsOf(options, own), baselineOutput: others.output, against },
      method,
      code,
    };
  },
});

/** What it was compared with, by name and content. */
function againstOf({ name, number, model, processingHash }: Rival) {
  return { name, number, modelHash: model.hash, processingHash };
}

/** Two parts of one task: what the first saved is kept while the second saves. */
function stages(run: JobRun): { readonly first: JobRun; readonly second: JobRun } {
  const saved = run.saved as { readonly first?: unknown; readonly second?: unknown } | null;
  let first: unknown = saved?.first ?? null;
  const shared = { signal: run.signal, report: run.report };
  return {
    first: {
      ...shared,
      saved: first,
      save: async (state) => {
        first = state;
        await run.save({ first });
      },
    },
    second: {
      ...shared,
      saved: saved?.second ?? null,
      save: async (state) => await run.save({ first, second: state }),
    },
  };
}

/** Both read the dataset by themselves; were it not the same rows each time, every figure would be wrong. */
function checkSameRows(own: Answers, others: Answers): void {
  const row = own.labels.values.findIndex((label, place) => label !== others.labels.values[place]);
  const heavier = own.weights?.findIndex((weight, place) => weight !== others.weights?.[place]) ?? -1;
  if (own.rows === others.rows && row < 0 && heavier < 0) return;
  throw new SlipwayError(
    "ROWS_INVALID",
    `Row ${Math.max(row, heavier, 0)} was another when it was read a second time; the dataset changed meanwhile.`,
  );
}
