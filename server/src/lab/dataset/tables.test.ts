// CSV, Parquet and JSON Lines as people have them, well and ill.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { batchesFrom, opened, signatureOf, sql, temporaryFolder } from "./dataset.testing.ts";

let files: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  files = temporaryFolder();
});
afterAll(() => files.remove());

const x = signatureOf({ x: ["float32", 2] });
const values = (data: unknown) => Array.from(data as ArrayLike<number>);

/** The rows of a file's columns a and b, as the input x; or the error's message. */
async function read(description: unknown, signature = x) {
  const dataset = await opened(description, files.folder);
  try {
    return { dataset, batches: await batchesFrom(dataset, signature) };
  } finally {
    await dataset.close();
  }
}
async function problem(description: unknown, signature = x): Promise<string> {
  const error: unknown = await read(description, signature).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return error === null ? "none" : `${(error as { code: string }).code} ${(error as Error).message}`;
}

test("a CSV file of numbers and a class fills the only input, and names its classes", async () => {
  files.write("a.csv", 'a,b,label\n1,2.5,cat\n-3,1e3,"dog, wet"\n+4,.5,cat\n');
  const { dataset, batches } = await read({ files: "a.csv" });
  expect(dataset.manifest).toMatchObject({ format: "csv", rows: 3, files: [{ path: "a.csv" }], splits: {} });
  expect(dataset.manifest.columns).toEqual([
    { name: "a", type: "BIGINT" },
    { name: "b", type: "DOUBLE" },
    { name: "label", type: "VARCHAR" },
  ]);
  expect(dataset.classes).toEqual(["cat", "dog, wet"]);
  expect(batches).toHaveLength(1);
  expect(batches[0]!.inputs["x"]).toEqual({
    dtype: "float32",
    shape: [3, 2],
    data: Float32Array.of(1, 2.5, -3, 1000, 4, 0.5),
  });
  expect(batches[0]!.labels).toEqual({ kind: "class", values: Int32Array.of(0, 1, 0) });
});

test.each([
  ["a byte order mark and carriage returns", "\ufeffa,b\r\n1,2\r\n3,4\r\n"],
  ["quotes around numbers, and line breaks and quotes in a name", '"a\n""x""",b\n"1","2"\n3,4\n'],
  ["semicolons", "a;b\n1;2\n3;4\n"],
  ["tabs", "a\tb\n1\t2\n3\t4\n"],
  ["no line break at the end, and blanks around numbers", "a,b\n 1,2 \n3,4"],
])("CSV with %s", async (_, text) => {
  files.write("form.csv", text);
  const { batches } = await read({ files: "form.csv" });
  expect(values(batches[0]!.inputs["x"]!.data)).toEqual([1, 2, 3, 4]);
});

test("compressed CSV, and a header that is none", async () => {
  files.write("packed.csv.gz", gzipSync("1,2\n3,4\n"));
  const { dataset, batches } = await read({ files: "packed.csv.gz", csv: { header: false } });
  expect(dataset.manifest.columns.map(({ name }) => name)).toEqual(["column0", "column1"]);
  expect(values(batches[0]!.inputs["x"]!.data)).toEqual([1, 2, 3, 4]);
});

test.each([
  ["an empty file", "", /^ROWS_INVALID bad\.csv is empty/],
  [
    "a quote in its first line that does not end",
    'a,"b\n1,2\n',
    /^ROWS_INVALID bad\.csv has a first line with a quote that does not end/,
  ],
  ["one name twice", "a,b,a\n1,2,3\n", /^ROWS_INVALID bad\.csv names its columns 1 and 3 "a"/],
  ["names that differ in case", "a,A\n1,2\n", /columns 1 and 2 "a" and "A", which differ in case only/],
  ["a row with a field too few", "a,b\n1,2\n3\n", /^ROWS_INVALID bad\.csv: .*Line: 3/],
  ["a row with a field too many", "a,b\n1,2\n3,4,5\n", /^ROWS_INVALID bad\.csv: .*Line: 3/],
  ["a quote that does not end", 'a,b\n1,"2\n3,4\n', /^ROWS_INVALID bad\.csv: /],
  [
    "text for a number",
    "a,b\n1,2\n3,four\n",
    /^ROWS_INVALID bad\.csv, row 2, column "b": "four" can't be used; the input "x" takes numbers up to 3\.4e38 \(float32\)/,
  ],
  ["a decimal comma", "a;b\n1;2,5\n3;4\n", /row 1, column "b": "2,5" can't be used/],
  ["a missing number", "a,b\n1,2\n,4\n", /^ROWS_INVALID bad\.csv, row 2, column "a": the value is missing/],
  ["NaN", "a,b\n1,2\nNaN,4\n", /row 2, column "a": "NaN" can't be used/],
  ["a number beyond float32", "a,b\n1,1e39\n", /row 1, column "b": "1e39" can't be used/],
])("CSV with %s is refused by file, row, column and value", async (_, text, message) => {
  files.write("bad.csv", text);
  expect(
    await problem({
      files: "bad.csv",
      inputs: text.startsWith("a,b\n") || text.startsWith("a;b") ? { x: ["a", "b"] } : {},
    }),
  ).toMatch(message);
});

test("what stands for a missing value can be said, and becomes NaN where that is said", async () => {
  files.write("gaps.csv", "a,b\n1,NA\n,4\n5,-\n");
  const said = { files: "gaps.csv", csv: { missing: ["NA", "-"] } };
  expect(await problem(said)).toMatch(/row 2, column "a": the value is missing.*missing: nan/);
  const { batches } = await read({ ...said, inputs: { x: { columns: ["a", "b"], missing: "nan" } } });
  expect(values(batches[0]!.inputs["x"]!.data)).toEqual([1, NaN, NaN, 4, 5, NaN]);
  // A word that is no number is an error still.
  const strict = {
    files: "gaps.csv",
    csv: { missing: ["NA"] },
    inputs: { x: { columns: ["a", "b"], missing: "nan" } },
  };
  expect(await problem(strict)).toMatch(/row 3, column "b": "-" can't be used/);
  const integers = { files: "gaps.csv", inputs: { x: { columns: ["a", "b"], missing: "nan" } } };
  expect(await problem(integers, signatureOf({ x: ["int64", 2] }))).toMatch(
    /^DATASET_INVALID .*int64, which has no NaN/,
  );
});

test("whole numbers pass through no floating point, and fractions are no whole numbers", async () => {
  files.write("long.csv", "a,b\n9007199254740993,-9223372036854775808\n");
  const { batches } = await read({ files: "long.csv" }, signatureOf({ x: ["int64", 2] }));
  expect(batches[0]!.inputs["x"]!.data).toEqual(BigInt64Array.of(9007199254740993n, -9223372036854775808n));
  files.write("half.csv", "a,b\n1,2.5\n");
  expect(await problem({ files: "half.csv" }, signatureOf({ x: ["int64", 2] }))).toMatch(
    /row 1, column "b": "2\.5" can't be used; the input "x" takes whole numbers from -9223372036854775808/,
  );
  expect(await problem({ files: "half.csv" }, signatureOf({ x: ["uint8", 2] }))).toMatch(/whole numbers from 0 to 255/);
  files.write("whole.csv", "a,b\n1.0,2e2\n");
  expect((await read({ files: "whole.csv" }, signatureOf({ x: ["uint8", 2] }))).batches[0]!.inputs["x"]!.data).toEqual(
    Uint8Array.of(1, 200),
  );
});

test("truth values are 1 and 0", async () => {
  files.write("truth.csv", "a,b,label\ntrue,2,true\nFALSE,4,false\n");
  const { dataset, batches } = await read({ files: "truth.csv" });
  expect(values(batches[0]!.inputs["x"]!.data)).toEqual([1, 2, 0, 4]);
  expect(dataset.classes).toEqual(["false", "true"]);
  expect(batches[0]!.labels).toEqual({ kind: "class", values: Int32Array.of(1, 0) });
});

test("text columns fill inputs of strings", async () => {
  files.write("text.csv", 'words,label\n"hello, you",1\nzwölf,0\n');
  const signature = signatureOf({ words: ["string", 1] });
  const { batches } = await read({ files: "text.csv" }, signature);
  expect(batches[0]!.inputs["words"]).toEqual({ dtype: "string", shape: [2, 1], data: ["hello, you", "zwölf"] });
  expect(batches[0]!.labels).toEqual({ kind: "class", values: Int32Array.of(1, 0) });
});

test("Parquet: every type of number, lists, lists of lists, and what no input is made of", async () => {
  const file = files.write("types.parquet", "");
  await sql(`COPY (SELECT * FROM (VALUES
    (1::UTINYINT, true, 3::BIGINT, 1.5::FLOAT, 2.25::DECIMAL(9,2), [1.0::FLOAT, 2], [[1, 2], [3, 4]], {'x': 1}, DATE '2020-01-02', 'b'::ENUM('a', 'b'), [1, 2]::INTEGER[2]),
    (255::UTINYINT, false, -3::BIGINT, -1.5::FLOAT, -2.25::DECIMAL(9,2), [3.0::FLOAT, 4], [[5, 6], [7, 8]], {'x': 1}, DATE '2020-01-03', 'a'::ENUM('a', 'b'), [3, 4]::INTEGER[2])
  ) t(u, t, i, f, d, l, m, s, day, e, fixed)) TO '${file}' (FORMAT parquet)`);
  const as = async (columns: unknown, ...shape: [number, ...number[]]) => {
    const { batches } = await read(
      { files: "types.parquet", inputs: { x: columns } },
      signatureOf({ x: ["float32", ...shape] }),
    );
    const { data, shape: made } = batches[0]!.inputs["x"]!;
    return [made, values(data)];
  };
  expect(await as(["u", "t", "i", "f", "d"], 5)).toEqual([
    [2, 5],
    [1, 1, 3, 1.5, 2.25, 255, 0, -3, -1.5, -2.25],
  ]);
  expect(await as("l", 2)).toEqual([
    [2, 2],
    [1, 2, 3, 4],
  ]);
  expect(await as("m", 2, 2)).toEqual([
    [2, 2, 2],
    [1, 2, 3, 4, 5, 6, 7, 8],
  ]);
  expect(await as("m", 4)).toEqual([
    [2, 4],
    [1, 2, 3, 4, 5, 6, 7, 8],
  ]);
  expect(await as(["u", "fixed", "f"], 4)).toEqual([
    [2, 4],
    [1, 1, 2, 1.5, 255, 3, 4, -1.5],
  ]);
  const of = (columns: unknown) => problem({ files: "types.parquet", inputs: { x: columns } });
  expect(await of("s")).toMatch(/^INPUT_DTYPE_MISMATCH The column "s" is STRUCT/);
  expect(await of("day")).toMatch(/^INPUT_DTYPE_MISMATCH The column "day" is DATE/);
  expect(await of("m")).toMatch(
    /^INPUT_SHAPE_MISMATCH types\.parquet, row 1: .*the shape \[2, 2\], and the model takes \[2\]/,
  );
  expect(await of(["u", "i", "f"])).toMatch(/^INPUT_SHAPE_MISMATCH .*takes 2 values a row.*have 3/);
  expect(await of("e")).toMatch(/row 1, column "e": "b" can't be used/);
  expect(await of("none")).toMatch(/^DATASET_INVALID "inputs\.x": there is no column "none"; there is u, t, i/);
});

test("Parquet: nulls, NaN and lists that differ are told by their row", async () => {
  const file = files.write("holes.parquet", "");
  await sql(`COPY (SELECT * FROM (VALUES
    (1.0, 1.0::FLOAT, [1.0, 2.0], [[1], [2]]), (NULL, 'nan'::FLOAT, [3.0, NULL], [[1], [2, 3]]), (3.0, 3.0::FLOAT, [1.0], NULL)
  ) t(a, b, l, m)) TO '${file}' (FORMAT parquet)`);
  const of = (columns: unknown, ...shape: (number | string)[]) =>
    problem({ files: "holes.parquet", inputs: { x: columns } }, signatureOf({ x: ["float32", ...shape] }));
  expect(await of("a", 1)).toMatch(/row 2, column "a": the value is missing/);
  expect(await of("b", 1)).toMatch(/row 2, column "b": "nan" can't be used/);
  expect(await of("l", 2)).toMatch(/row 2, column "l": "\[3\.0, NULL\]" can't be used/);
  expect(await of("m", 2, 1)).toMatch(/holes\.parquet, row 2: .*lists of different lengths inside one row/);
  const { batches } = await read(
    { files: "holes.parquet", inputs: { x: { columns: ["a", "b"], missing: "nan" } } },
    signatureOf({ x: ["float16", 2] }),
  );
  expect(values(batches[0]!.inputs["x"]!.data)).toEqual([0x3c00, 0x3c00, 0x7e00, expect.any(Number), 0x4200, 0x4200]);
  files.write("lengths.jsonl", '{"l":[1,2]}\n{"l":[1,2,3]}\n');
  const open = signatureOf({ x: ["float32", "tokens"] });
  expect(await problem({ files: "lengths.jsonl", inputs: { x: "l" } }, open)).toMatch(
    /lengths\.jsonl, row 2: .*3 values.*rows of one batch have one shape/,
  );
  const dataset = await opened({ files: "lengths.jsonl", inputs: { x: "l" } }, files.folder);
  const single = await batchesFrom(dataset, open, { batchRows: 1 });
  expect(single.map((batch) => batch.inputs["x"]!.shape)).toEqual([
    [1, 2],
    [1, 3],
  ]);
  await dataset.close();
});

test("JSON Lines: rows with different keys, nested values, and a line that is none", async () => {
  files.write("rows.jsonl", '{"a":1,"b":2,"label":"y"}\n\n{"b":4,"a":3,"label":"n","more":{"deep":[1]}}\n');
  const { dataset, batches } = await read({ files: "rows.jsonl", inputs: { x: ["a", "b"] } });
  expect(values(batches[0]!.inputs["x"]!.data)).toEqual([1, 2, 3, 4]);
  expect(dataset.classes).toEqual(["n", "y"]);
  files.write("broken.jsonl", '{"a":1,"b":2}\n{"a":1,\n');
  expect(await problem({ files: "broken.jsonl" })).toMatch(
    /^ROWS_INVALID broken\.jsonl: Line 2 is no JSON object: "\{\\"a\\":1,"/,
  );
});

test("several files are one dataset, in their order, where they have the same columns", async () => {
  files.write("parts/2.csv", "b,a\n4,3\n");
  files.write("parts/10.csv", "a,b\n1,2\n");
  const { dataset, batches } = await read({ files: "parts/*.csv", inputs: { x: ["a", "b"] } });
  expect(dataset.manifest.files.map(({ path }) => path)).toEqual(["10.csv", "2.csv"]);
  expect(values(batches[0]!.inputs["x"]!.data)).toEqual([1, 2, 3, 4]);
  files.write("parts/3.csv", "a,c\n1,2\n");
  expect(await problem({ files: "parts/*.csv" })).toMatch(/^ROWS_INVALID 3\.csv has no column "b", and 10\.csv has/);
  expect(await problem({ files: ["parts/2.csv", "parts/*.csv"] })).toMatch(
    /^DATASET_INVALID "files" names .*2\.csv twice/,
  );
  files.write("wrong/1.csv", "a,b\n1,2\n");
  files.write("wrong/2.csv", "a,b\n1,2\n3,x\n");
  expect(await problem({ files: ["wrong/1.csv", "wrong/2.csv"], inputs: { x: ["a", "b"] } })).toMatch(
    /2\.csv, row 2, column "b": "x"/,
  );
  expect(await problem({ files: "nothing/*.csv" })).toMatch(/^FILE_UNREADABLE No file matches/);
});

test("a file is read by its name, whatever characters that has, and its path is no data", async () => {
  files.write("d1.csv", "a,b\n7,7\n");
  for (const name of ["d[1].csv", "d*.csv", "d?.csv", "{d,e}.csv", "year=2024/d.csv"]) {
    files.write(name, "a,b\n1,2\n");
    const { dataset, batches } = await read({ files: [name] });
    expect(dataset.manifest.columns.map((column) => column.name)).toEqual(["a", "b"]);
    expect(values(batches[0]!.inputs["x"]!.data)).toEqual([1, 2]);
  }
});

test("columns that are numbers in one file and texts in another are read as texts", async () => {
  const [numbers, texts] = [files.write("mixed/1.parquet", ""), files.write("mixed/2.parquet", "")];
  await sql(`COPY (SELECT 1 AS a, 2.5::FLOAT AS b, 7 AS label) TO '${numbers}' (FORMAT parquet)`);
  await sql(`COPY (SELECT '3' AS a, 4 AS b, 'seven' AS label) TO '${texts}' (FORMAT parquet)`);
  const { dataset, batches } = await read({ files: "mixed", inputs: { x: ["a", "b"] } });
  expect(dataset.manifest.columns.map(({ type }) => type)).toEqual(["VARCHAR", "DOUBLE", "VARCHAR"]);
  expect(values(batches[0]!.inputs["x"]!.data)).toEqual([1, 2.5, 3, 4]);
  expect(dataset.classes).toEqual(["7", "seven"]);
});

test("a Parquet file that does not begin or end as one is refused, by its name", async () => {
  const file = files.write("whole.parquet", "");
  await sql(`COPY (SELECT i AS a, i AS b FROM range(50) t(i)) TO '${file}' (FORMAT parquet)`);
  const bytes = readFileSync(file);
  files.write("tail.parquet", Buffer.concat([Buffer.from("RIFF"), bytes.subarray(4)]));
  files.write("cut.parquet", bytes.subarray(0, 200));
  expect(await problem({ files: "tail.parquet" })).toMatch(
    /^ROWS_INVALID tail\.parquet begins with "RIFF" rather than "PAR1": it is damaged, or no Parquet file\./,
  );
  const cut = await problem({ files: "cut.parquet" });
  expect(cut).toMatch(/^ROWS_INVALID cut\.parquet: The rows can't be read: .*'cut\.parquet'/);
  expect(cut).not.toContain(files.folder);
});

test("a file's content is data: it opens nothing else", async () => {
  // A name that would end a literal, and a path in the data that is only text.
  files.write("it's'); --.csv", "a,b\n1,2\n");
  const { batches } = await read({ files: "it's'); --.csv" });
  expect(values(batches[0]!.inputs["x"]!.data)).toEqual([1, 2]);
  files.write("quoted.csv", 'a,"b""); DROP"\n1,2\n');
  expect(values((await read({ files: "quoted.csv" })).batches[0]!.inputs["x"]!.data)).toEqual([1, 2]);
});

test("any table of numbers and texts reads back as it was written", async () => {
  const text = fc.string({
    unit: fc.constantFrom("a", " ", ",", ";", '"', "\n", "\r\n", "\t", "é", "🚢", "0", "'", "#", "\\"),
    maxLength: 8,
  });
  const row = fc.record({ number: fc.double({ noNaN: true, noDefaultInfinity: true }), text });
  const quoted = (value: string) => `"${value.replaceAll('"', '""')}"`;
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 20 }), fc.boolean(), async (rows, isDos) => {
      const end = isDos ? "\r\n" : "\n";
      const lines = rows.map((one) => `${one.number},${quoted(`.${one.text}`)}`);
      files.write("any.csv", `${["number", "text"].join(",")}${end}${lines.join(end)}${end}`);
      const signature = signatureOf({ number: ["float64"], text: ["string"] });
      const { batches } = await read({ files: "any.csv" }, signature);
      const [batch] = batches;
      // -0 is written as 0.
      expect(Array.from(batch!.inputs["number"]!.data as Float64Array)).toEqual(rows.map((one) => one.number + 0));
      expect(batch!.inputs["text"]!.data).toEqual(rows.map((one) => `.${one.text}`));
    }),
    { numRuns: 25 },
  );
});

test("no bytes crash it: they are read, or refused with a code", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom("csv", "parquet", "jsonl"),
      async (bytes, ending) => {
        files.write(`fuzz.${ending}`, bytes);
        const found = await problem({ files: `fuzz.${ending}` });
        expect(found).toMatch(/^(none|ROWS_INVALID|INPUT_MISSING|INPUT_SHAPE_MISMATCH) ?/);
      },
    ),
    { numRuns: 60 },
  );
});
