// Passes over whole models, as PyTorch exports them and as other people publish them: what they answer stays what it was. Every
// pass alone on some, and all in their usual order on all; the rest is in whole-models.slow.test.ts.
import { PASSES } from "@slipway/core/passes";
import { expect, it } from "vitest";
import { answersOf } from "../autodiff/gradient-check.ts";
import { checkPasses, PASSES_BY_THEMSELVES, PASSES_IN_ORDER } from "./pass-check.ts";
import { EXPORTED_NAMES, exportedModel, THIRD_PARTY } from "./sample-models.ts";

it("tries every pass, alone or in a row", () => {
  const settled = new Set(["pin-shapes", "symbolise-batch"]);
  const tried = new Set([...PASSES_BY_THEMSELVES, ...PASSES_IN_ORDER]);
  expect(Object.keys(PASSES).filter((name) => !tried.has(name) && !settled.has(name))).toEqual([]);
});

it.each(EXPORTED_NAMES)("%s, all passes in a row", async (name) => {
  const sample = exportedModel(name);
  await checkPasses(sample, PASSES_IN_ORDER, await answersOf(sample.model, sample.feeds));
});

it.each(["ocr-direction", "silero-vad"])("%s, all passes in a row", async (name) => {
  const sample = THIRD_PARTY[name]!();
  await checkPasses(sample, PASSES_IN_ORDER, await answersOf(sample.model, sample.feeds));
});

it.each(["bert-legacy", "gpt-dynamo", "unet-dynamo"])("%s, each pass alone", async (name) => {
  const sample = exportedModel(name);
  const before = await answersOf(sample.model, sample.feeds);
  for (const pass of PASSES_BY_THEMSELVES) await checkPasses(sample, [pass], before);
});
