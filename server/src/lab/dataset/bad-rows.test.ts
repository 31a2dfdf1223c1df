// Rows that can't be used: an error that says which, or left out, counted and told, as was chosen.
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BadRows } from "./bad-rows.ts";
import { never, opened, signatureOf, sql, temporaryFolder } from "./dataset.testing.ts";
import type { OpenDataset } from "./open.ts";

let files: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  files = temporaryFolder();
});
afterAll(() => files.remove());

async function rowsOf(dataset: OpenDataset, signature = signatureOf({ x: ["float32", 1] }), batchRows = 4) {
  const badRows = new BadRows("skip");
  const wanted = { inputs: dataset.fit(signature), labels: dataset.labels, weight: dataset.weight, badRows };
  const values: number[] = [];
  const labels: number[] = [];
  const firstRows: number[] = [];
  const batches = dataset.rowsAs({ ...wanted, split: null, batchRows, slices: [], signal: never });
  for await (const { inputs, labels: own, firstRow, rows } of batches) {
    const { data } = Object.values(inputs)[0]!;
    values.push(...Array.from(data as Float32Array).filter((_, at) => at % (data.length / rows) === 0));
    labels.push(...(own?.values ?? []));
    firstRows.push(firstRow);
  }
  return { values, labels, firstRows, skipped: badRows.skipped() };
}
async function drained(batches: AsyncIterable<unknown>): Promise<void> {
  for await (const _batch of batches);
}
const messageOf = async (promise: Promise<unknown>): Promise<string> =>
  await promise.then(
    () => "none",
    (error: unknown) => `${(error as { code: string }).code} ${(error as Error).message}`,
  );

test("lines of a CSV file that make no row end it, or are left out, and the hash knows", async () => {
  files.write("ragged.csv", "x,label\n1,0\n2\n3,1\n4,0,9\n5,1\n");
  expect(await messageOf(opened({ files: "ragged.csv" }, files.folder))).toMatch(
    /^ROWS_INVALID ragged\.csv: .*Line: 3.*Expected Number of Columns: 2 Found: 1/,
  );
  const ragged = await opened({ files: "ragged.csv" }, files.folder, { badRows: "skip" });
  expect(ragged.skipped).toEqual({
    rows: 2,
    columns: [],
    first: [
      'ragged.csv, line 3: "2" is no row: Expected Number of Columns: 2 Found: 1',
      'ragged.csv, line 5: "4,0,9" is no row: Expected Number of Columns: 2 Found: 3',
    ],
  });
  expect(ragged.manifest.rows).toBe(3);
  expect(await rowsOf(ragged)).toMatchObject({ values: [1, 3, 5], labels: [0, 1, 1] });
  await ragged.close();
  files.write("whole.csv", "x,label\n1,0\n3,1\n");
  const hashes: string[] = [];
  for (const badRows of ["error", "skip"] as const) {
    const whole = await opened({ files: "whole.csv" }, files.folder, { badRows });
    expect(whole.skipped.rows).toBe(0);
    hashes.push(whole.manifest.hash);
    await whole.close();
  }
  expect(hashes[0]).toBe(hashes[1]);
});

test("rows with a bad value in any column are left out, wherever they are in a batch", async () => {
  const bad = new Set([0, 5, 6, 11, 12, 13, 29]);
  const lines = Array.from({ length: 30 }, (_, row) => {
    const isBad = bad.has(row);
    // In turn: of the input, of the label, of both.
    const [x, label] = [isBad && row % 3 !== 1 ? "?" : row, isBad && row % 3 !== 0 ? 7.5 : row % 2];
    return `${x},${label}`;
  });
  files.write("bad.csv", `x,label\n${lines.join("\n")}\n`);
  for (const batchRows of [1, 4, 1000]) {
    const dataset = await opened({ files: "bad.csv", label: { column: "label", kind: "class" } }, files.folder);
    const { values, labels, firstRows, skipped } = await rowsOf(dataset, signatureOf({ x: ["float32"] }), batchRows);
    await dataset.close();
    expect(values).toEqual([...Array(30).keys()].filter((row) => !bad.has(row)));
    expect(labels).toEqual(values.map((value) => value % 2));
    expect(firstRows).toEqual([...Array(Math.ceil(23 / batchRows)).keys()].map((batch) => batch * batchRows));
    expect(skipped).toMatchObject({ rows: 7 });
    expect(skipped.columns.reduce((sum, { rows }) => sum + rows, 0)).toBe(7);
    expect(skipped.first).toHaveLength(5);
    expect(skipped.first[0]).toMatch(/^bad\.csv, row 1, column "x": "\?" can't be used/);
  }
});

test("a corrupt image is told by its name, or left out with its label", async () => {
  const pixel = async (value: number) =>
    await sharp({ create: { width: 2, height: 2, channels: 3, background: { r: value, g: value, b: value } } })
      .png()
      .toBuffer();
  for (const value of [10, 20, 30, 40])
    files.write(`pets/${value < 25 ? "cat" : "dog"}/${value}.png`, await pixel(value));
  files.write("pets/cat/15.png", "no image");
  files.write("pets/dog/35.png", (await pixel(35)).subarray(0, 60));
  const processing = {
    schemaVersion: 1,
    before: [
      { step: "decode-image", channels: "grey" },
      { step: "layout", to: "HWC" },
    ],
    after: [],
  };
  const signature = signatureOf({ x: ["float32", 2, 2, 1] });
  for (const batchRows of [1, 4, 6]) {
    const dataset = await opened({ files: "pets" }, files.folder, { processing });
    const read = dataset.batches({ signature, split: null, batchRows, slices: [], firstRow: 0, signal: never });
    expect(await messageOf(drained(read))).toMatch(/^ROWS_INVALID cat\/15\.png: /);
    const { values, labels, skipped } = await rowsOf(dataset, signature, batchRows);
    await dataset.close();
    expect(values).toEqual([10, 20, 30, 40]);
    expect(labels).toEqual([0, 0, 1, 1]);
    expect(skipped).toMatchObject({ rows: 2, columns: [{ column: "image", rows: 2 }] });
    expect(skipped.first.map((text) => text.split(":")[0])).toEqual(["cat/15.png", "dog/35.png"]);
  }
});

test("a truncated Parquet file is an error whatever was chosen", async () => {
  const file = `${files.folder}/whole.parquet`;
  await sql(`COPY (SELECT i AS x, i % 2 AS label FROM range(1000) t(i)) TO '${file}' (FORMAT parquet)`);
  const { readFileSync } = await import("node:fs");
  files.write("cut.parquet", readFileSync(file).subarray(0, 2000));
  for (const badRows of ["error", "skip"] as const) {
    expect(await messageOf(opened({ files: "cut.parquet" }, files.folder, { badRows }))).toMatch(
      /^ROWS_INVALID cut\.parquet: /,
    );
  }
});
