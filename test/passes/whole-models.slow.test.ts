// All passes over all models at hand, in a row and each alone, and before and after differentiating; and batches opened.
import { describe, it } from "vitest";
import { answersOf } from "../autodiff/gradient-check.ts";
import { checkPassesAndGradients } from "../autodiff/passes-check.ts";
import { checkOpenedExport } from "./batch-check.ts";
import { checkPasses, PASSES_BY_THEMSELVES, PASSES_IN_ORDER } from "./pass-check.ts";
import { EXPORTED_NAMES, exportedModel, type SampleModel, THIRD_PARTY } from "./sample-models.ts";

const ALL: readonly (readonly [string, () => SampleModel])[] = [
  ...EXPORTED_NAMES.map((name) => [name, () => exportedModel(name)] as const),
  ...Object.entries(THIRD_PARTY),
];

describe.each(ALL)("%s", (_name, make) => {
  it("all passes in a row", async () => {
    const sample = make();
    await checkPasses(sample, PASSES_IN_ORDER, await answersOf(sample.model, sample.feeds));
  }, 120_000);

  it("each pass alone", async () => {
    const sample = make();
    const before = await answersOf(sample.model, sample.feeds);
    for (const pass of PASSES_BY_THEMSELVES) await checkPasses(sample, [pass], before);
  }, 120_000);
});

it.each(EXPORTED_NAMES)(
  "%s, differentiated after passes and before",
  async (name) => await checkPassesAndGradients(exportedModel(name)),
  120_000,
);

/** Of BERT's export, where attention's mask is picked by the numbers of the rows, it can't be told that rows stay apart. */
const OPENED = EXPORTED_NAMES.filter((name) => !name.startsWith("bert"));
it.each(OPENED.flatMap((name) => (name.endsWith("-dynamo") ? [2] : [1, 2]).map((size) => [name, size] as const)))(
  "%s, its batch of %d opened",
  async (name, size) => await checkOpenedExport(name, size),
  120_000,
);
