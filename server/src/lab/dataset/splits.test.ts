// Splits: sizes, seeds, classes in proportion, groups and moments whole, and going on in the middle.
import { cpSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DatasetDescriptionInput } from "./description.ts";
import { batchesFrom, opened, signatureOf, temporaryFolder } from "./dataset.testing.ts";

const ROWS = 20_000;
const random = mulberry(7);
/** id, a class of uneven shares, a group of uneven sizes, a day. */
const rows = Array.from({ length: ROWS }, (_, id) => {
  const u = random();
  const group = `g${Math.floor(random() ** 2 * 300)}`;
  const day = Math.floor(random() * 365);
  return { id, label: u < 0.02 ? "rare" : u < 0.3 ? "some" : "most", group, day };
});
const date = (day: number) => new Date(Date.UTC(2024, 0, 1 + day)).toISOString().slice(0, 10);
let files: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  files = temporaryFolder();
  const lines = rows.map(
    ({ id, label, group, day }) => `${id},${label},${group},${date(day)},${id % 3 === 0 ? "test" : "train"}`,
  );
  files.write("rows.csv", `id,label,group,day,part\n${lines.join("\n")}\n`);
});
afterAll(() => files.remove());

const signature = signatureOf({ id: ["float64"] });

/** The ids of each split. */
async function split(rule: DatasetDescriptionInput["split"], file = "rows.csv"): Promise<Record<string, number[]>> {
  const dataset = await opened({ files: file, split: rule }, files.folder);
  const found: Record<string, number[]> = {};
  for (const [name, size] of Object.entries(dataset.manifest.splits)) {
    const batches = await batchesFrom(dataset, signature, { split: name, batchRows: 997 });
    found[name] = batches.flatMap(({ inputs }) => Array.from(inputs["id"]!.data as Float64Array));
    expect(found[name]).toHaveLength(size);
    expect(dataset.rowsOf(name)).toBe(size);
  }
  await dataset.close();
  return found;
}

const fractions = { train: 0.7, validation: 0.1, test: 0.2 };

test("rows: sizes are exact, each row is in one split, in the order of the file; the seed decides", async () => {
  const found = await split({ fractions, seed: 1 });
  expect(Object.values(found).map(({ length }) => length)).toEqual([14_000, 2000, 4000]);
  const all = Object.values(found).flat();
  expect(new Set(all).size).toBe(ROWS);
  for (const ids of Object.values(found)) expect(ids).toEqual(ids.toSorted((a, b) => a - b));
  expect(await split({ fractions, seed: 1 })).toEqual(found);
  const other = await split({ fractions, seed: 2 });
  const before = new Set(found["test"]);
  const shared = other["test"]!.filter((id) => before.has(id)).length;
  // Independent choices of 4000 share 800 of 20 000; the standard deviation is 23 (hypergeometric).
  expect(Math.abs(shared - 800)).toBeLessThan(5 * 23);
});

test("rows: a split is no function of the place alone", async () => {
  const { test: ids } = await split({ fractions: { train: 0.5, test: 0.5 }, seed: 3 });
  // Runs of neighbours in one split: a fair coin changes half of the time; the standard deviation is 71.
  const isIn = new Set(ids);
  const changes = rows.filter(({ id }) => id > 0 && isIn.has(id) !== isIn.has(id - 1)).length;
  expect(Math.abs(changes - ROWS / 2)).toBeLessThan(5 * 71);
});

test("stratified: every class has its share in every split, to the row", async () => {
  const found = await split({ fractions, seed: 5, by: { stratified: "label" } });
  for (const label of ["rare", "some", "most"]) {
    const size = rows.filter((row) => row.label === label).length;
    const shares = Object.values(found).map((ids) => ids.filter((id) => rows[id]!.label === label).length);
    expect(shares).toEqual([
      Math.round(0.7 * size),
      Math.round(0.8 * size) - Math.round(0.7 * size),
      size - Math.round(0.8 * size),
    ]);
  }
});

test("grouped: no group is in two splits, and sizes are near as groups allow", async () => {
  const found = await split({ fractions, seed: 5, by: { group: "group" } });
  const of = new Map<string, string>();
  for (const [name, ids] of Object.entries(found)) {
    for (const id of ids) {
      const { group } = rows[id]!;
      expect(of.get(group) ?? name).toBe(name);
      of.set(group, name);
    }
  }
  const largest = Math.max(...[...of.keys()].map((group) => rows.filter((row) => row.group === group).length));
  expect(Math.abs(found["train"]!.length - 0.7 * ROWS)).toBeLessThanOrEqual(largest);
  expect(Math.abs(found["train"]!.length + found["validation"]!.length - 0.8 * ROWS)).toBeLessThanOrEqual(largest);
});

test("by time: what is later is in a later split, and a day is whole", async () => {
  const found = await split({ fractions, by: { time: "day" } });
  const days = Object.values(found).map((ids) => ids.map((id) => rows[id]!.day));
  const [train, validation, held] = days.map((all) => [Math.min(...all), Math.max(...all)] as const);
  expect(train![1]).toBeLessThan(validation![0]);
  expect(validation![1]).toBeLessThan(held![0]);
  // A day has about 55 rows; the cut is at most that far from 70 %.
  expect(Math.abs(found["train"]!.length - 14_000)).toBeLessThan(100);
});

test("by time: where all rows have one moment, none is torn from the others", async () => {
  files.write("once.csv", "id,day\n0,2024-01-01\n1,2024-01-01\n2,2024-01-01\n");
  expect(await split({ fractions: { a: 0.5, b: 0.5 }, by: { time: "day" } }, "once.csv")).toEqual({
    a: [],
    b: [0, 1, 2],
  });
});

test("by time: clocks of several forms are one order", async () => {
  files.write(
    "forms.csv",
    "id,at\n0,2024-03-01T00:00:00Z\n1,2024-03-01 01:00:00+02\n2,2024-02-29\n3,2024-03-01T00:00:00.5Z\n",
  );
  expect(await split({ fractions: { a: 0.5, b: 0.25, c: 0.25 }, by: { time: "at" } }, "forms.csv")).toEqual({
    a: [1, 2],
    b: [0],
    c: [3],
  });
});

test("a column may name the split", async () => {
  const found = await split("part");
  expect(Object.keys(found)).toEqual(["test", "train"]);
  expect(found["test"]).toEqual(rows.filter(({ id }) => id % 3 === 0).map(({ id }) => id));
});

test("files may be the splits, by name, pattern or folder", async () => {
  files.write("parts/train-1.csv", "id\n1\n2\n");
  files.write("parts/train-2.csv", "id\n3\n");
  files.write("parts/held/test.csv", "id\n4\n");
  const of = async (splits: Record<string, string | string[]>) => {
    const dataset = await opened({ files: "parts", format: "csv", split: { files: splits } }, files.folder);
    const found = Object.entries(dataset.manifest.splits).map(async ([name]) => {
      const batches = await batchesFrom(dataset, signature, { split: name });
      return [name, batches.flatMap(({ inputs }) => Array.from(inputs["id"]!.data as Float64Array))];
    });
    const all = Object.fromEntries(await Promise.all(found)) as unknown;
    await dataset.close();
    return all;
  };
  expect(await of({ train: "parts/train-*.csv", test: "parts/held" })).toEqual({ train: [1, 2, 3], test: [4] });
  expect(await of({ a: ["parts/train-2.csv", "parts/held"], b: "parts/train-1.csv" })).toEqual({
    a: [4, 3],
    b: [1, 2],
  });
  const hashIn = async (folder: string) => {
    const split = { files: { a: `${folder}/train-*.csv`, b: `${folder}/held` } };
    const dataset = await opened({ files: folder, format: "csv", split }, files.folder);
    await dataset.close();
    return dataset.manifest.hash;
  };
  cpSync(path.join(files.folder, "parts"), path.join(files.folder, "elsewhere"), { recursive: true });
  expect(await hashIn("elsewhere")).toBe(await hashIn("parts"));
  await expect(of({ train: "parts/train-*.csv" })).rejects.toThrow(/"split\.files": .*test\.csv is in no split/);
  await expect(of({ a: "parts", b: "parts/held" })).rejects.toThrow(
    /test\.csv is in the splits a and b; each file is in one/,
  );
  await expect(of({ a: "parts", b: "parts/none.csv" })).rejects.toThrow(/"\/.*none\.csv" does not exist/);
});

test("going on in the middle gives the same rows as going through", async () => {
  const dataset = await opened({ files: "rows.csv", split: { fractions, by: { stratified: "label" } } }, files.folder);
  const ids = async (firstRow: number) => {
    const batches = await batchesFrom(dataset, signature, { split: "train", batchRows: 512, firstRow });
    expect(batches[0]?.firstRow ?? firstRow).toBe(firstRow);
    return batches.flatMap(({ inputs }) => Array.from(inputs["id"]!.data as Float64Array));
  };
  const all = await ids(0);
  for (const firstRow of [1, 511, 512, 10_000, all.length - 1])
    expect(await ids(firstRow)).toEqual(all.slice(firstRow));
  expect(await ids(all.length)).toEqual([]);
  const whole = await batchesFrom(dataset, signature, { firstRow: ROWS - 3 });
  expect(whole.map(({ firstRow, rows: count }) => [firstRow, count])).toEqual([[ROWS - 3, 3]]);
  await dataset.close();
});

test("what can't split rows is refused", async () => {
  const refused = async (rule: unknown, file = "rows.csv") =>
    await opened({ files: file, split: rule }, files.folder).then(
      async (dataset) => {
        await dataset.close();
        return "none";
      },
      (error: { code: string; message: string }) => `${error.code} ${error.message}`,
    );
  expect(await refused({ fractions: { a: 0.5, b: 0.4 } })).toMatch(/^DATASET_INVALID .*sum to 1/);
  expect(await refused("nothing")).toMatch(/^DATASET_INVALID "split": there is no column "nothing"/);
  expect(await refused("id")).toMatch(/^DATASET_INVALID "split": .*more than 100 values/);
  expect(await refused({ fractions, by: { stratified: "id" } })).toMatch(/more than 1000 values/);
  expect(await refused({ fractions, by: { time: "group" } })).toMatch(
    /rows\.csv, row 1, column "group": "g\d+" can't be used; it has to be a date/,
  );
  files.write("gap.csv", "id,group\n0,a\n1,\n");
  expect(await refused({ fractions, by: { group: "group" } }, "gap.csv")).toMatch(
    /gap\.csv, row 2, column "group": the value is missing; rows are split by it/,
  );
  const dataset = await opened({ files: "rows.csv", split: "part" }, files.folder);
  expect(() => dataset.rowsOf("validation")).toThrow(/no split "validation"; there is test, train/);
  await dataset.close();
});

/** Random numbers from a seed; source: Tommy Ettinger, mulberry32, public domain. */
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
