// Datasets as a person meets them, against the real platform with the server stopped.
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { npyFromTensor } from "@slipway/core/tensor";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DatasetInspectionView } from "../api/admin/inspection-view.ts";
import { createPlatform } from "../platform.ts";
import { cli } from "./cli.testing.ts";
import { EXITS } from "./exit-codes.ts";

const digits = path.resolve(import.meta.dirname, "../../../examples/digits");
const loadPlatform = async () =>
  createPlatform({ environment: process.env, logTo: { write: () => {}, isTerminal: false } });

let directory: string;
const call = (...arguments_: string[]) =>
  cli([...arguments_, "--data-dir", path.join(directory, "data")], { loadPlatform, workingDirectory: directory });
async function json<Answer>(...arguments_: string[]): Promise<Answer> {
  const { code, out, err } = await call(...arguments_, "--json");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return JSON.parse(out) as Answer;
}
const file = (name: string, data: string | Uint8Array) => writeFileSync(path.join(directory, name), data);

beforeAll(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), "slipway-dataset-cli-"));
  file(
    "flowers.csv",
    "length,width,label,when\n5.1,3.5,setosa,2024-01-01\n,3.0,virginica,2024-01-02\n4.7,3.2,setosa,2024-01-03\n",
  );
  file(
    "flowers.yaml",
    "name: flowers\nfiles: flowers.csv\nlabel: label\nsplit: {fractions: {train: 0.67, test: 0.33}, by: {time: when}}\nlicence: CC0-1.0\n",
  );
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test("inspect says what is in a file", async () => {
  const { code, out } = await call("dataset", "inspect", "flowers.csv");
  expect(code).toBe(0);
  expect(out).toContain("flowers: 3 rows in 1 CSV file");
  expect(out).toMatch(/length +DOUBLE +1 +4\.7 +5\.1/);
  expect(out).toMatch(/label +VARCHAR +0 +setosa +virginica +2 +label/);
  expect(out).toMatch(/setosa +2 +66\.7 %/);
  const found = await json<Record<string, unknown>>("dataset", "inspect", "flowers.yaml");
  expect(found).toMatchObject({
    rows: 3,
    splits: { train: 2, test: 1 },
    licence: "CC0-1.0",
    labels: [
      { label: "setosa", rows: 2, splits: { train: 1, test: 1 } },
      { label: "virginica", rows: 1, splits: { train: 1, test: 0 } },
    ],
    fit: null,
  });
});

test("inspect says what columns are, what gives the target away and what to do, as text, data and a page", async () => {
  const rows = Array.from({ length: 60 }, (_, row) => {
    const isLate = row % 3 === 0;
    return `${row + 100},${(row * 37) % 50},<b>${"abc"[row % 4] ?? ""}</b>,${isLate ? "fee" : "none"},${isLate}`;
  });
  file("bills.csv", `bill_id,amount,kind,charge,late\n${rows.join("\n")}\n1,2\n`);
  const ragged = await call("dataset", "inspect", "bills.csv", "--target", "late");
  expect(ragged.err).toMatch(/ROWS_INVALID bills\.csv: .*Line: 62/);
  const inspect = ["dataset", "inspect", "bills.csv", "--on-bad-row", "skip", "--role", "kind=categorical"];
  const { code, out } = await call(...inspect, "--target", "late", "--html", "bills.html");
  expect(code).toBe(0);
  expect(out).toMatch(/amount +BIGINT +0 +0 +49 +\d+ +numeric +[▁-█ ]+/);
  expect(out).toMatch(/bill_id +id +its name and its values, one for each row/);
  expect(out).toMatch(/charge +Cramér's V +1\.000 +98\.7 % +█{12}/);
  expect(out).toMatch(
    /GRAVE +charge alone tells late: Cramér's V 1\.000\.\n +If it is only known after late is, leave it out: --role charge=ignored\./,
  );
  expect(out).toMatch(/SERIOUS +1 row can't be read and was left out, the first: bills\.csv, line 62: "1,2" is no row/);
  const page = readFileSync(path.join(directory, "bills.html"), "utf8");
  expect(page).toContain("&lt;b&gt;a&lt;/b&gt;");
  expect(page).not.toContain("<b>a");
  expect(page).toContain("charge alone tells late");
  const found = await json<{ inspection: { findings: unknown[]; columns: unknown[] } }>(...inspect, "--target", "late");
  expect(found.inspection.findings[0]).toMatchObject({
    gravity: "grave",
    kind: "gives-away-label",
    columns: ["charge"],
  });
  expect((await call(...inspect, "--target", "lat")).err).toMatch(
    /DATASET_INVALID "label": there is no column "lat"; did you mean "late"\?/,
  );
  for (const role of ["kind=word", "kind"]) {
    expect((await call("dataset", "inspect", "bills.csv", "--role", role)).code).toBe(EXITS.usage.code);
  }
  expect((await call(...inspect, "--html", "none/bills.html")).err).toMatch(
    /FILE_UNREADABLE none\/bills\.html can't be/,
  );
});

test("inspect says which column goes to which input, or why none does", async () => {
  await json("import", digits, "--name", "digits");
  file("images.npy", npyFromTensor({ dtype: "float32", shape: [3, 1, 28, 28], data: new Float32Array(3 * 784) }));
  file("labels.npy", npyFromTensor({ dtype: "uint8", shape: [3], data: Uint8Array.of(1, 2, 3) }));
  file("rows.yaml", "files: [images.npy, labels.npy]\n");
  for (const model of ["digits", digits]) {
    const { fit } = await json<{ fit: unknown }>("dataset", "inspect", "rows.yaml", "--model", model);
    expect(fit).toEqual({
      fits: true,
      reason: null,
      inputs: [{ input: "image", kind: "columns", columns: ["images"], dtype: "float32", shape: [1, 28, 28] }],
    });
  }
  const { out } = await call("dataset", "inspect", "flowers.csv", "--model", "digits");
  expect(out.replace(/\s+/g, " ")).toContain(
    'Does not fit digits: INPUT_MISSING The model\'s input "image" takes 784 values a row, and the rows have 2 numeric columns for it (length, width)',
  );
});

test("a dataset is registered once for the same content, and shown; a change is noticed", async () => {
  const added = await json<{ dataset: { number: number }; isNew: boolean }>("dataset", "add", "flowers.yaml");
  expect(added).toMatchObject({ isNew: true, dataset: { name: "flowers", number: 1 } });
  expect(await json("dataset", "add", "flowers.yaml")).toMatchObject({ isNew: false, dataset: { number: 1 } });
  expect(await json("dataset", "list")).toMatchObject([{ name: "flowers", manifest: { rows: 3 } }]);
  expect((await call("dataset", "list")).out).toMatch(/flowers:1 +csv +3 +train, test +CC0-1\.0/);
  const shown = await call("dataset", "show", "flowers");
  expect(shown.out).toMatch(/flowers\.csv +\d+ B +[0-9a-f]{12}/);
  expect(shown.out).toMatch(/when +ignored +it decides the split/);
  const kept = await json<{ manifest: { inspection: unknown } }>("dataset", "show", "flowers");
  expect(kept.manifest.inspection).toMatchObject({ rows: 3, target: { kind: "classes", column: "label" } });
  expect(DatasetInspectionView.safeParse(kept.manifest.inspection).error).toBeUndefined();
  expect(await json("dataset", "list")).toMatchObject([{ manifest: { inspection: null } }]);
  expect(await json("dataset", "inspect", "flowers:1@test")).toMatchObject({ rows: 3 });
  appendFileSync(path.join(directory, "flowers.csv"), "5.0,3.4,setosa,2024-01-04\n");
  const changed = await call("dataset", "inspect", "flowers");
  expect(changed.err).toMatch(/DATASET_CHANGED The dataset "flowers" is not what was registered/);
  expect(changed.code).not.toBe(0);
  expect(await json("dataset", "add", "flowers.yaml")).toMatchObject({ isNew: true, dataset: { number: 2 } });
  expect(await json("dataset", "inspect", "flowers")).toMatchObject({ rows: 4 });
});

test("it ends in good order when it is interrupted", async () => {
  const controller = new AbortController();
  const { code, out, err } = await cli(["dataset", "inspect", "flowers.csv"], {
    loadPlatform,
    workingDirectory: directory,
    signal: controller.signal,
    onErr: (text) => {
      if (text.includes("Reading")) controller.abort();
    },
  });
  expect({ code, out }).toEqual({ code: EXITS.interrupted.code, out: "" });
  expect(err).toContain("INTERRUPTED");
});

test("what can't be done is said", async () => {
  expect((await call("dataset", "eat", "flowers.csv")).code).toBe(EXITS.usage.code);
  expect((await call("dataset", "inspect")).code).toBe(EXITS.usage.code);
  expect((await call("dataset", "add", "flowers")).err).toMatch(/"flowers" is no path/);
  expect((await call("dataset", "show", "flower")).err).toMatch(/DATASET_NOT_FOUND .*Did you mean "flowers"/);
  file("ill.yaml", "files: flowers.csv\nlabels: label\n");
  expect((await call("dataset", "inspect", "ill.yaml")).err).toMatch(
    /DATASET_INVALID .*ill\.yaml describes no dataset: .*labels/,
  );
});
