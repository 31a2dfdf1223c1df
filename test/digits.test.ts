// The bundled digits model with its processing: held-out digits, the same as image files of every kind, and digits drawn
// as with a mouse, prepared in the image preparer's process as the server does.
import { readFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import sharp, { type Sharp } from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DEFAULT_SESSION_SETTINGS, type Session } from "@slipway/core/backend";
import {
  type CompiledProcessing,
  compileProcessing,
  type InputRecord,
  type LabelScore,
  parseProcessing,
} from "@slipway/core/processing";
import type { NamedTensor } from "@slipway/core/tensor";
import { createOnnxRuntimeBackend, systemClock } from "../server/src/runtime/index.ts";
import { ImagePreparer } from "../server/src/runtime/images/preparer.ts";

const folder = path.resolve(import.meta.dirname, "../examples/digits");
const read = (name: string) => readFileSync(path.join(folder, name));
const processing = parseProcessing(JSON.parse(read("processing.json").toString()));
// IDX, the format of MNIST's own files: four bytes of type and rank, four for each axis, then the values.
const images = gunzipSync(read("held-out-images.idx3-ubyte.gz")).subarray(16);
const labels = [...gunzipSync(read("held-out-labels.idx1-ubyte.gz")).subarray(8)].map(String);
const DIGITS = Array.from({ length: 10 }, (_none, digit) => String(digit));

const preparer = new ImagePreparer({ clock: systemClock });
const patient = () => ({ deadline: systemClock.now() + 60_000, signal: new AbortController().signal });
let session: Session;
let compiled: CompiledProcessing;
beforeAll(async () => {
  const model = { model: read("model.onnx"), externalData: new Map<string, Uint8Array>() };
  session = await createOnnxRuntimeBackend().load(model, DEFAULT_SESSION_SETTINGS);
  compiled = compileProcessing(processing, session.signature);
});
afterAll(async () => {
  preparer.close();
  await session.unload();
});

async function answers(inputs: readonly NamedTensor[]): Promise<readonly (readonly LabelScore[])[]> {
  const outputs = await session.run(inputs, compiled.outputs);
  return compiled.answer(outputs, inputs[0]!.shape[0]!).map((answer) => {
    if (answer.kind !== "labels") throw new Error("The digits answer without labels.");
    return answer.labels;
  });
}

const digitImage = (index: number) => images.subarray(index * 784, (index + 1) * 784);

/** Held-out digits through a change of the image, as pixels. */
async function rightOf(
  change: (digit: Uint8Array, index: number) => { side: number; data: Uint8Array },
): Promise<number> {
  const records = labels.map((_label, index): InputRecord => {
    const { side, data } = change(digitImage(index), index);
    return { kind: "image", pixels: { dtype: "uint8", shape: [side, side, 1], data } };
  });
  const answered = await answers(compiled.prepare(records));
  return answered.filter((scores, index) => scores[0]!.label === labels[index]).length;
}

/** A digit enlarged `times` times without smoothing, somewhere on a canvas of 280. */
function onCanvas(digit: Uint8Array, index: number, times: number): { side: number; data: Uint8Array } {
  const side = 280;
  const room = side - 28 * times;
  const [top, left] = [(index * 37) % (room + 1), (index * 53) % (room + 1)];
  const data = new Uint8Array(side * side);
  for (let row = 0; row < 28 * times; row++) {
    for (let column = 0; column < 28 * times; column++) {
      const pixel = digit[Math.floor(row / times) * 28 + Math.floor(column / times)]!;
      data[(row + top) * side + column + left] = pixel;
    }
  }
  return { side, data };
}

describe("500 held-out digits", () => {
  test("of the model's own form, without processing", async () => {
    const data = Float32Array.from(images, (pixel) => pixel / 255);
    const [logits] = await session.run(
      [{ name: "image", dtype: "float32", shape: [500, 1, 28, 28], data }],
      ["logits"],
    );
    const scores = logits!.data as Float32Array;
    const best = labels.map((_label, row) => {
      const ten = scores.subarray(row * 10, row * 10 + 10);
      return String(ten.indexOf(Math.max(...ten)));
    });
    expect(best.filter((label, row) => label === labels[row]).length).toBeGreaterThanOrEqual(494);
  });

  test("as images", async () => {
    expect(await rightOf((data) => ({ side: 28, data }))).toBeGreaterThanOrEqual(493);
  });
  test("as dark on light", async () => {
    expect(await rightOf((digit) => ({ side: 28, data: digit.map((pixel) => 255 - pixel) }))).toBeGreaterThanOrEqual(
      493,
    );
  });
  test.each([2, 5, 9])("enlarged %i times, anywhere on a canvas", async (times) => {
    expect(await rightOf((digit, index) => onCanvas(digit, index, times))).toBeGreaterThanOrEqual(492);
  });
});

describe("image files", () => {
  const preparation = () => ({ ...processing, signature: session.signature });

  test.each([
    ["PNG", (image: Sharp) => image.png()],
    ["JPEG", (image: Sharp) => image.jpeg({ quality: 80 })],
    ["WebP", (image: Sharp) => image.webp()],
    ["coloured PNG with transparency", (image: Sharp) => image.toColourspace("srgb").ensureAlpha().png()],
  ])("twenty digits as %s", async (_name, encode) => {
    const files = await Promise.all(
      labels.slice(0, 20).map((_label, index) => {
        const { side, data } = onCanvas(digitImage(index), index, 6);
        return encode(sharp(data, { raw: { width: side, height: side, channels: 1 } })).toBuffer();
      }),
    );
    const answered = await answers(await preparer.prepare(preparation(), files, patient()));
    const wrong = answered.filter((scores, index) => scores[0]!.label !== labels[index]);
    expect(wrong.length).toBeLessThanOrEqual(1);
  });

  test("digits drawn as with a mouse, light on dark and dark on light", async () => {
    const drawn = DIGITS.map((digit) => read(`drawn/${digit}.png`));
    const negated = await Promise.all(drawn.map((file) => sharp(file).negate().png().toBuffer()));
    for (const files of [drawn, negated]) {
      const answered = await answers(await preparer.prepare(preparation(), files, patient()));
      expect(answered.map((scores) => scores[0]!.label)).toEqual(DIGITS);
      for (const scores of answered) expect(scores.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 5);
    }
  });

  test("an empty canvas is refused", async () => {
    const empty = await sharp({ create: { width: 280, height: 280, channels: 3, background: "black" } })
      .png()
      .toBuffer();
    await expect(preparer.prepare(preparation(), [read("seven.png"), empty], patient())).rejects.toMatchObject({
      code: "RECORD_INVALID",
      message: expect.stringContaining('Record 1: "fit-content" finds nothing in the image') as string,
    });
  });

  test("seven.png and the request of seven.json are the same seven", async () => {
    const [fromImage] = await answers(await preparer.prepare(preparation(), [read("seven.png")], patient()));
    const request = JSON.parse(read("seven.json").toString()) as {
      readonly inputs: readonly [{ readonly name: string; readonly shape: number[]; readonly data: number[] }];
    };
    const [{ name, shape, data }] = request.inputs;
    const [fromRequest] = await answers([{ name, dtype: "float32", shape, data: Float32Array.from(data) }]);
    expect([fromImage![0]!.label, fromRequest![0]!.label]).toEqual(["7", "7"]);
  });
});
