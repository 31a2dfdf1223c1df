// Core in a real browser: it loads without Node, a tensor goes through its file format unchanged, and an image is
// prepared to the very numbers the server prepares.
import path from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect } from "vitest";
import { build, type Rollup } from "vite";
import { browserTest as test, launchBrowser } from "../../test/support/browser.ts";
import * as edge from "./index.ts";

let browser: Browser | undefined;
let page: Page;

beforeAll(async () => {
  const [{ output }] = (await build({
    configFile: false,
    logLevel: "error",
    resolve: { conditions: ["source", "browser", "import", "default"] },
    build: {
      write: false,
      target: "es2022",
      lib: { entry: path.join(import.meta.dirname, "index.ts"), formats: ["iife"], name: "edge" },
    },
  })) as Rollup.RollupOutput[] as [Rollup.RollupOutput];
  const launched = await launchBrowser();
  if (launched === null) return;
  browser = launched;
  page = await browser.newPage();
  await page.addScriptTag({ content: output[0].code });
});
afterAll(() => browser?.close());

test("a tensor of every kind of storage round-trips", async () => {
  const answer = await page.evaluate(() => {
    const { edge: there } = window as unknown as { edge: typeof edge };
    const tensors = [
      { dtype: "float32", shape: [2, 2], data: Float32Array.of(1.5, -0, Number.NaN, Number.POSITIVE_INFINITY) },
      { dtype: "int64", shape: [2], data: BigInt64Array.of(2n ** 62n, -1n) },
      { dtype: "float16", shape: [2], data: Uint16Array.of(0x3c00, 0xfbff) },
      { dtype: "bool", shape: [3], data: Uint8Array.of(1, 0, 1) },
      { dtype: "string", shape: [2], data: ["π", "digits"] },
    ] as const;
    return tensors.map((tensor) => {
      const back = there.tensorFromNpy(there.npyFromTensor(tensor));
      const same = back.dtype === tensor.dtype && back.shape.join() === tensor.shape.join();
      return same && Array.from<unknown>(back.data).every((value, i) => Object.is(value, tensor.data[i]));
    });
  });
  expect(answer).toEqual([true, true, true, true, true]);
});

test("an image becomes the same input as on the server", async () => {
  const processing = {
    schemaVersion: 1,
    before: [
      { step: "decode-image", channels: "grey" },
      { step: "fit-content", box: 20, height: 28, width: 28 },
      { step: "scale", by: 1 / 255 },
      { step: "layout", to: "CHW" },
    ],
  };
  const signature = {
    inputs: [{ name: "image", type: { kind: "tensor", dtype: "float32", shape: ["N", 1, 28, 28] } }],
    outputs: [{ name: "logits", type: { kind: "tensor", dtype: "float32", shape: ["N", 10] } }],
  } as const;
  const pixels = Uint8Array.from({ length: 60 * 50 }, (_, i) =>
    i % 50 > 15 && i % 50 < 30 && i > 600 && i < 2200 ? (i * 37) % 256 : 0,
  );
  const inBrowser = await page.evaluate(
    ({ processing, signature, pixels }) => {
      const { edge: there } = window as unknown as { edge: typeof edge };
      const image = { dtype: "uint8" as const, shape: [60, 50, 1], data: Uint8Array.from(pixels) };
      const [input] = there
        .compileProcessing(there.parseProcessing(processing), signature)
        .prepare([{ kind: "image", pixels: image }]);
      return Array.from(input!.data as Float32Array);
    },
    { processing, signature, pixels: [...pixels] },
  );
  const image = { dtype: "uint8" as const, shape: [60, 50, 1], data: pixels };
  const [here] = edge
    .compileProcessing(edge.parseProcessing(processing), signature)
    .prepare([{ kind: "image", pixels: image }]);
  expect(inBrowser).toEqual([...(here!.data as Float32Array)]);
  expect(Math.max(...inBrowser)).toBeGreaterThan(0.5);
});

test("errors keep their code across the bundle", async () => {
  const code = await page.evaluate(() => {
    const { edge: there } = window as unknown as { edge: typeof edge };
    try {
      there.tensorFromNpy(new Uint8Array(3));
      return "none";
    } catch (error) {
      return error instanceof there.SlipwayError ? error.code : "other";
    }
  });
  expect(code).toBe("REQUEST_MALFORMED");
});
