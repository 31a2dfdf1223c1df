// Which columns become which input; labels, weights and slices; descriptions that can't be.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Dimension, DType } from "@slipway/core/tensor";
import { batchesFrom, opened, signatureOf, temporaryFolder } from "./dataset.testing.ts";
import { parseDescription } from "./description.ts";
import { summariseDataset } from "./summary.ts";

let files: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  files = temporaryFolder();
  files.write(
    "r.csv",
    "a,b,c,word,y,w,when\n1,2,3,x,0.5,1,2024-01-01\n4,5,6,y,-2,2,2024-01-02\n,8,9,z,1,0,2024-01-03\n",
  );
});
afterAll(() => files.remove());

async function fit(description: object, inputs: Record<string, readonly [DType, ...Dimension[]]>): Promise<unknown> {
  const dataset = await opened({ files: "r.csv", ...description }, files.folder);
  try {
    return dataset.fit(signatureOf(inputs)).map(({ input, columns }) => [input, ...columns]);
  } catch (error) {
    return `${(error as { code: string }).code} ${(error as Error).message}`;
  } finally {
    await dataset.close();
  }
}

test("by name, by what is left, and as the description says", async () => {
  expect(await fit({}, { a: ["float32", 1], b: ["float32"] })).toEqual([
    ["a", "a"],
    ["b", "b"],
  ]);
  expect(await fit({ label: "y", weight: "w" }, { x: ["float32", 3] })).toEqual([["x", "a", "b", "c"]]);
  expect(await fit({ label: "y", weight: "w" }, { x: ["float32", "features"] })).toEqual([["x", "a", "b", "c"]]);
  expect(await fit({ label: "y", weight: "w" }, { a: ["float32", 1], x: ["float32", 2] })).toEqual([
    ["a", "a"],
    ["x", "b", "c"],
  ]);
  expect(await fit({ inputs: { x: ["c", "a"] } }, { x: ["float32", 2] })).toEqual([["x", "c", "a"]]);
  expect(await fit({}, { x: ["string", 1] })).toEqual([["x", "word"]]);
});

test("what does not fit is said with the columns there are", async () => {
  expect(await fit({ label: "y" }, { x: ["float32", 3] })).toMatch(
    /^INPUT_MISSING The model's input "x" takes 3 values a row, and the rows have 4 numeric columns for it \(a, b, c, w\), beside word, when\. Say under "inputs"/,
  );
  expect(await fit({}, { p: ["float32", 1], q: ["float32", 1] })).toMatch(
    /^INPUT_MISSING The rows have no columns named "p" \(float32\[N, 1\]\), "q"/,
  );
  expect(await fit({ inputs: { z: "a" } }, { x: ["float32", 1] })).toMatch(
    /^INPUT_UNKNOWN The model has no input "z"; it takes "x"/,
  );
  expect(await fit({ inputs: { x: ["a", "b"] } }, { x: ["float32", 3] })).toMatch(
    /^INPUT_SHAPE_MISMATCH .*takes 3 values a row.*a, b have 2/,
  );
  expect(await fit({ inputs: { x: "when" } }, { x: ["float32", 1] })).toMatch(
    /^INPUT_DTYPE_MISMATCH The column "when" is DATE/,
  );
  expect(await fit({}, { x: ["complex64", 1] })).toMatch(/^INPUT_DTYPE_MISMATCH/);
});

test("labels: numbers and classes, by the column or as it is said", async () => {
  const labelled = async (label: unknown, text: string): Promise<unknown> => {
    files.write(
      "l.csv",
      `a,label\n${text
        .split(" ")
        .map((one) => `1,${one}`)
        .join("\n")}\n`,
    );
    const dataset = await opened({ files: "l.csv", label }, files.folder).catch((error: unknown) => error as Error);
    if (dataset instanceof Error) return dataset.message;
    try {
      const [batch] = await batchesFrom(dataset, signatureOf({ a: ["float32"] }));
      return [batch!.labels!.kind, Array.from(batch!.labels!.values), dataset.classes];
    } catch (error) {
      return (error as Error).message;
    } finally {
      await dataset.close();
    }
  };
  expect(await labelled(null, "2 0 1")).toEqual(["class", [2, 0, 1], null]);
  expect(await labelled(null, "0.5 -1 2")).toEqual(["number", [0.5, -1, 2], null]);
  expect(await labelled(null, "b a b")).toEqual(["class", [1, 0, 1], ["a", "b"]]);
  const said = (more: object) => ({ column: "label", ...more });
  expect(await labelled(said({ kind: "number" }), "2 0 1")).toEqual(["number", [2, 0, 1], null]);
  expect(await labelled(said({ classes: ["no", "yes"] }), "1 0")).toEqual(["class", [1, 0], ["no", "yes"]]);
  expect(await labelled(said({ classes: ["b", "a"] }), "b a")).toEqual(["class", [0, 1], ["b", "a"]]);
  expect(await labelled(said({ classes: ["3", "7"] }), "7 3")).toEqual(["class", [1, 0], ["3", "7"]]);
  expect(await labelled(null, "0 -1")).toMatch(
    /l\.csv, row 2, column "label": "-1" can't be used; the label has to be a class index from 0; where it is a number/,
  );
  expect(await labelled(said({ classes: ["no", "yes"] }), "0 2")).toMatch(
    /"2" can't be used; the label has to be a class index from 0 to 1/,
  );
  expect(await labelled(said({ classes: ["b", "a"] }), "b c")).toMatch(
    /"c" can't be used; the label has to be one of b, a/,
  );
  expect(await labelled(said({ kind: "number" }), "1 inf")).toMatch(
    /"inf" can't be used; the label has to be a finite number/,
  );
  expect(await labelled(said({ classes: ["b", "b"] }), "b b")).toMatch(/a class is named twice/);
  expect(await labelled("none", "b")).toMatch(/"label": there is no column "none"/);
});

test("weights and slices stand beside the inputs", async () => {
  const dataset = await opened({ files: "r.csv", label: "y", weight: "w", inputs: { x: "b" } }, files.folder);
  const [batch] = await batchesFrom(dataset, signatureOf({ x: ["float32", 1] }), { slices: ["word", "a"] });
  expect(batch!.weights).toEqual(Float64Array.of(1, 2, 0));
  expect(batch!.slices).toEqual({ word: ["x", "y", "z"], a: ["1", "4", null] });
  await expect(batchesFrom(dataset, signatureOf({ x: ["float32", 1] }), { slices: ["no"] })).rejects.toThrow(
    /no column "no" to slice by/,
  );
  await dataset.close();
  const negative = await opened({ files: "r.csv", weight: "y", inputs: { x: "b" } }, files.folder);
  await expect(batchesFrom(negative, signatureOf({ x: ["float32", 1] }))).rejects.toThrow(
    /row 2, column "y": "-2" can't be used; a weight/,
  );
  await negative.close();
});

test("the hash is of the content and how it is read, not of names", async () => {
  const hash = async (description: object) => {
    const dataset = await opened({ files: "r.csv", ...description }, files.folder);
    await dataset.close();
    return dataset.manifest.hash;
  };
  const plain = await hash({});
  expect(plain).toMatch(/^[0-9a-f]{64}$/);
  files.write(
    "copy/other.csv",
    "a,b,c,word,y,w,when\n1,2,3,x,0.5,1,2024-01-01\n4,5,6,y,-2,2,2024-01-02\n,8,9,z,1,0,2024-01-03\n",
  );
  expect(await hash({ files: "copy/other.csv", name: "other", source: "somewhere", licence: "CC0" })).toBe(plain);
  const others = [
    { label: "y" },
    { weight: "w" },
    { split: "word" },
    { inputs: { x: "a" } },
    { csv: { missing: ["NA"] } },
  ];
  const hashes = await Promise.all(others.map(hash));
  expect(new Set([plain, ...hashes]).size).toBe(others.length + 1);
  await expect(opened({ files: "r.csv" }, files.folder, { hash: "0".repeat(64) })).rejects.toThrow(
    expect.objectContaining({ code: "DATASET_CHANGED" }),
  );
});

test("a summary counts what is missing, ranges, and labels", async () => {
  files.write("s.csv", "a,b,label\n1,x,no\n,y,yes\n3.5,,no\n");
  const dataset = await opened({ files: "s.csv" }, files.folder);
  const { columns, labels, sample } = await summariseDataset(dataset, new AbortController().signal);
  expect(columns).toEqual([
    { name: "a", type: "DOUBLE", missing: 1, unreadable: 0, min: 1, max: 3.5, distinct: null, role: null },
    { name: "b", type: "VARCHAR", missing: 1, unreadable: 0, min: "x", max: "y", distinct: 2, role: null },
    { name: "label", type: "VARCHAR", missing: 0, unreadable: 0, min: "no", max: "yes", distinct: 2, role: "label" },
  ]);
  expect(labels).toEqual([
    { label: "no", rows: 2, splits: {} },
    { label: "yes", rows: 1, splits: {} },
  ]);
  expect(sample[1]).toEqual([null, "y", "yes"]);
  await dataset.close();
});

test("reading stops when it is cancelled", async () => {
  const dataset = await opened({ files: "r.csv", inputs: { x: "b" } }, files.folder);
  const controller = new AbortController();
  controller.abort(new Error("enough"));
  await expect(batchesFrom(dataset, signatureOf({ x: ["float32", 1] }), { signal: controller.signal })).rejects.toThrow(
    "enough",
  );
  await expect(opened({ files: "r.csv" }, files.folder, { signal: controller.signal })).rejects.toThrow("enough");
  await dataset.close();
});

test.each([
  [{}, /"files": /],
  [{ files: [] }, /"files": /],
  [{ files: "a.csv", format: "xlsx" }, /"format": .*"xlsx"/],
  [{ files: "a.csv", lable: "y" }, /lable/],
  [{ files: "a.csv", split: { fractions: { a: 2 } } }, /^DATASET_INVALID the description describes no dataset/],
  [{ files: "a.csv", csv: { delimiter: "ab" } }, /"csv\.delimiter": .*"ab"/],
  ["a.csv", /^DATASET_INVALID/],
])("the description %j is refused", (description, message) => {
  let seen = "none";
  try {
    parseDescription(description, "the description");
  } catch (error) {
    seen = `${(error as { code: string }).code} ${(error as Error).message}`;
  }
  expect(seen).toMatch(message);
});
