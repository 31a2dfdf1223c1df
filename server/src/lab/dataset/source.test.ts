// What every source of rows does alike, whatever its files.
import { npyFromTensor } from "@slipway/core/tensor";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openArrays } from "./array-source.ts";
import { never, sql, temporaryFolder } from "./dataset.testing.ts";
import { filesIn } from "./files.ts";
import { openImages } from "./image-source.ts";
import { type Block, fileOfRow, placeText, type RowSource, type Wanted } from "./source.ts";
import { openTables, type TableFormat } from "./table-source.ts";

const ROWS = 5000;
let files: ReturnType<typeof temporaryFolder>;
const at = (name: string) => ({ path: `${files.folder}/${name}`, shown: name });
const csv = { delimiter: null, header: true, missing: [] };
const tables = async (of: readonly ReturnType<typeof at>[], format: TableFormat) =>
  (await openTables(of, format, csv, "error", never)).source;
beforeAll(async () => {
  files = temporaryFolder();
  const line = (row: number) => `${row},t${row}`;
  const rows = Array.from({ length: ROWS }, (_, row) => row);
  files.write("1.csv", `n,t\n${rows.slice(0, 3000).map(line).join("\n")}\n`);
  files.write("2.csv", `n,t\n${rows.slice(3000).map(line).join("\n")}\n`);
  files.write("rows.jsonl", rows.map((n) => JSON.stringify({ n, t: `t${n}` })).join("\n"));
  await sql(
    `COPY (SELECT i AS n, 't' || i AS t FROM range(${ROWS}) r(i)) TO '${at("rows.parquet").path}' (FORMAT parquet)`,
  );
  files.write("n.npy", npyFromTensor({ dtype: "int64", shape: [ROWS], data: BigInt64Array.from(rows, BigInt) }));
  files.write("t.npy", npyFromTensor({ dtype: "string", shape: [ROWS], data: rows.map((n) => `t${n}`) }));
  for (const row of rows.slice(0, 60)) files.write(`images/t${row % 7}/${String(row).padStart(4, "0")}.png`, "");
});
afterAll(() => files.remove());

const SOURCES: Record<string, { open: () => Promise<RowSource>; wanted: readonly Wanted[] }> = {
  csv: { open: () => tables([at("1.csv"), at("2.csv")], "csv"), wanted: numberAndText() },
  parquet: { open: () => tables([at("rows.parquet")], "parquet"), wanted: numberAndText() },
  jsonl: { open: () => tables([at("rows.jsonl")], "jsonl"), wanted: numberAndText() },
  arrays: { open: () => openArrays([at("n.npy"), at("t.npy")]), wanted: numberAndText() },
  images: {
    open: async () =>
      openImages([{ path: at("images").path, images: (await filesIn(at("images").path, "images")).files }]),
    wanted: [
      { column: "image", form: "text" },
      { column: "label", form: "text" },
    ],
  },
};

function numberAndText(): readonly Wanted[] {
  return [
    { column: "n", form: "integer" },
    { column: "t", form: "text" },
  ];
}

/** Rows as texts, and whether blocks came in order and held what they say. */
async function read(source: RowSource, wanted: readonly Wanted[], firstRow: number): Promise<string[][]> {
  const rows: string[][] = [];
  for await (const block of source.read(wanted, firstRow, never)) {
    expect(block.firstRow).toBe(firstRow + rows.length);
    expect(block.columns).toHaveLength(wanted.length);
    for (let row = 0; row < block.rows; row++) rows.push(block.columns.map((column) => textAt(column, row)));
  }
  return rows;
}

function textAt(column: Block["columns"][number], row: number): string {
  if (column.kind === "lists") throw new Error("There are no lists here.");
  expect(column.shape).toEqual([]);
  return String(column.values[row]);
}

describe.each(Object.keys(SOURCES))("%s", (name) => {
  const { open, wanted } = SOURCES[name]!;

  test("reads its rows in one order, from any row on, and says what a value was", async () => {
    const source = await open();
    const all = await read(source, wanted, 0);
    expect(all).toHaveLength(source.rows);
    if (name !== "images") expect(all).toEqual(Array.from({ length: ROWS }, (_, row) => [String(row), `t${row}`]));
    expect(await read(source, wanted, 0)).toEqual(all);
    for (const row of [1, Math.floor(source.rows / 2), source.rows - 1, source.rows]) {
      expect(await read(source, wanted, row)).toEqual(all.slice(row));
    }
    for (const row of [0, source.rows - 1]) {
      for (const [index, { column }] of wanted.entries())
        expect(await source.valueAt(row, column)).toBe(all[row]![index]);
    }
    await source.close();
  });

  test("reads a column in two forms, and no column at all", async () => {
    const source = await open();
    const [first] = wanted;
    const both = [first!, { column: first!.column, form: "text" as const }];
    for (const [one, other] of await read(source, both, 0)) expect(one).toBe(other);
    expect(await read(source, [], 7)).toHaveLength(source.rows - 7);
    await source.close();
  });

  test("stops when it is told, and can be left in the middle and read again", async () => {
    const source = await open();
    const controller = new AbortController();
    const reading = async () => {
      for await (const block of source.read(wanted, 0, controller.signal)) {
        expect(block.rows).toBeGreaterThan(0);
        controller.abort(new Error("enough"));
      }
    };
    if (name === "images") await reading();
    else await expect(reading()).rejects.toThrow("enough");
    for await (const block of source.read(wanted, 0, never)) {
      expect(block.firstRow).toBe(0);
      break;
    }
    expect(await read(source, wanted, source.rows - 1)).toHaveLength(1);
    await source.close();
  });
});

test("a row is said by its file and its place there", async () => {
  const source = await SOURCES["csv"]!.open();
  expect([0, 2999, 3000, ROWS - 1].map((row) => placeText(source, row))).toEqual([
    "1.csv, row 1",
    "1.csv, row 3000",
    "2.csv, row 1",
    "2.csv, row 2000",
  ]);
  await source.close();
  expect(fileOfRow([0, 2, 0, 1], 2)).toEqual({ file: 3, row: 0 });
});
