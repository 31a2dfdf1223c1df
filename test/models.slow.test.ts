// The bundled models made anew as `npm run models` makes them: to the byte where the machine is of the kind that made those that are
// kept, and else worth the same.
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { mnistDigits, packagedDigits, PIXELS, splitDigits } from "../examples/digits/digits.ts";
import { digits } from "../examples/digits/make.ts";
import { loans } from "../examples/loans/make.ts";
import { createOnnxRuntimeBackend } from "../server/src/runtime/index.ts";

const kitchen = { backend: createOnnxRuntimeBackend(), now: () => performance.now(), log: () => undefined };

/** Of what a record says, what the model is worth. */
const WORTH = {
  loans: ["fresh", "model", "auc"],
  digits: ["figures", "accuracy"],
} as const;

test.each([
  ["loans", loans],
  ["digits", digits],
] as const)(
  "%s",
  async (name, recipe) => {
    const folder = path.resolve(import.meta.dirname, "../examples", name);
    const worth = (made: unknown): number =>
      Number(WORTH[name].reduce((value: unknown, key) => (value as Record<string, unknown>)[key], made));
    const kept = JSON.parse(readFileSync(path.join(folder, "run.json"), "utf8")) as Record<string, unknown>;
    const { files, record } = await recipe.make(kitchen);
    expect(worth(record)).toBeCloseTo(worth(kept), 2);
    if (JSON.stringify(record["madeOn"]) !== JSON.stringify(kept["madeOn"])) return;
    for (const [file, bytes] of files)
      expect(Buffer.compare(bytes, readFileSync(path.join(folder, file))), file).toBe(0);
  },
  3_600_000,
);

test("no held-out digit is trained by", () => {
  const { training, heldOut } = splitDigits(mnistDigits(), packagedDigits(), 5);
  expect([training.labels.length, heldOut.labels.length]).toEqual([8000, 2000]);
  for (let digit = 0; digit < 10; digit++) expect(heldOut.labels.filter((label) => label === digit)).toHaveLength(200);
  const bytes = ({ pixels }: { readonly pixels: Uint8Array }) =>
    Array.from({ length: pixels.length / PIXELS }, (_, at) =>
      Buffer.from(pixels.subarray(at * PIXELS, (at + 1) * PIXELS)).toString("latin1"),
    );
  const held = new Set(bytes(heldOut));
  expect(bytes(training).filter((one) => held.has(one))).toEqual([]);
});
