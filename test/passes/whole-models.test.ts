// Passes over whole models, as PyTorch exports them and as other people publish them: what they answer stays what it was. The rest is
// in whole-models.slow.test.ts.
import { PASSES } from "@slipway/core/passes";
import { expect, it } from "vitest";
import { answersOf } from "../autodiff/gradient-check.ts";
import { checkPasses, PASSES_BY_THEMSELVES, PASSES_IN_ORDER } from "./pass-check.ts";
import { exportedModel, THIRD_PARTY } from "./sample-models.ts";

it("tries every pass, alone or in a row", () => {
  const elsewhere = new Set(["pin-shapes", "symbolise-batch"]);
  const tried = new Set([...PASSES_BY_THEMSELVES, ...PASSES_IN_ORDER]);
  expect(Object.keys(PASSES).filter((name) => !tried.has(name) && !elsewhere.has(name))).toEqual([]);
});

it.each(["bert-dynamo", "efficientnet-dynamo", "gpt-dynamo", "lstm-dynamo", "vit-dynamo"])(
  "%s, all passes in a row",
  async (name) => {
    const sample = exportedModel(name);
    await checkPasses(sample, PASSES_IN_ORDER, await answersOf(sample.model, sample.feeds));
  },
);

it("PaddleOCR text direction, all passes in a row", async () => {
  const sample = THIRD_PARTY["ocr-direction"]!();
  await checkPasses(sample, PASSES_IN_ORDER, await answersOf(sample.model, sample.feeds));
});

it("bert-legacy, each pass alone", async () => {
  const sample = exportedModel("bert-legacy");
  const before = await answersOf(sample.model, sample.feeds);
  for (const pass of PASSES_BY_THEMSELVES) await checkPasses(sample, [pass], before);
});
