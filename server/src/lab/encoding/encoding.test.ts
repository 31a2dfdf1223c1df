// Encoders against scikit-learn's, against their description computed by hand, and with what tables have in them.
import { readFileSync } from "node:fs";
import { DEFAULT_SESSION_SETTINGS } from "@slipway/core/backend";
import { verifyModel } from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import { createRandom, drawBelow, drawNormal, drawUniform, median } from "@slipway/core/stats";
import { createOnnxRuntimeBackend } from "#runtime";
import { BadRows, type OpenDataset } from "#lab/dataset";
import { afterAll, beforeAll, expect, test } from "vitest";
import { never, opened, sql, temporaryFolder } from "../dataset/dataset.testing.ts";
import {
  encodeRows,
  encoderRows,
  fitEncoder,
  type FitEncoderOptions,
  type FittedEncoder,
  UnusualCount,
} from "./index.ts";
import { NumberFit } from "./column-fits.ts";
import { encodedByHand, type Row } from "./reference.testing.ts";

const backend = createOnnxRuntimeBackend();
let files: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  files = temporaryFolder();
});
afterAll(() => files.remove());

const plain = { split: null, target: null, task: null, badRows: "error", signal: never } as const;

async function fitted(
  description: unknown,
  options: Partial<FitEncoderOptions>,
  use: (encoder: FittedEncoder, dataset: OpenDataset) => Promise<void> = async () => {},
): Promise<FittedEncoder> {
  const dataset = await opened(description, files.folder);
  try {
    const encoder = await fitEncoder(dataset, { ...plain, ...options });
    await use(encoder, dataset);
    return encoder;
  } finally {
    await dataset.close();
  }
}

/** All rows of a split through the model, and what went in. */
async function encoded(
  encoder: FittedEncoder,
  dataset: OpenDataset,
  split: string | null,
  badRows = new BadRows("error"),
) {
  const session = await backend.load(
    { model: bytesFromModel(encoder.model), externalData: new Map() },
    DEFAULT_SESSION_SETTINGS,
  );
  const rows: Row[] = [];
  const features: number[][] = [];
  const targets: number[] = [];
  const weights: number[] = [];
  const unusual = new UnusualCount(encoder);
  for await (const batch of encoderRows(dataset, encoder, {
    split,
    batchRows: 7,
    slices: [],
    badRows,
    signal: never,
  })) {
    const made = await encodeRows(encoder, batch, session);
    unusual.add(batch);
    for (let row = 0; row < batch.rows; row++) {
      features.push([...made.features.subarray(row * encoder.width, (row + 1) * encoder.width)]);
      const values = Object.entries(batch.inputs).map(([name, { data }]) => [name, data[row]] as const);
      rows.push(Object.fromEntries(values) as Row);
    }
    targets.push(...made.targets);
    weights.push(...(made.weights ?? []));
  }
  await session.unload();
  return { rows, features, targets, weights, unusual: unusual.counts() };
}

type Cell = string | number | boolean | null | undefined;
const csv = (columns: readonly string[], rows: readonly (readonly Cell[])[]) =>
  [columns, ...rows].map((row) => row.map((value) => value ?? "").join(",")).join("\n") + "\n";
const roles = (told: Record<string, string>) => new Map(Object.entries(told)) as FitEncoderOptions["roles"] & object;

test("numbers and categories become what scikit-learn makes of them, fitted on the training rows alone", async () => {
  const golden = JSON.parse(
    readFileSync(new URL("../../../../test/goldens/encoders.json", import.meta.url), "utf8"),
  ) as { columns: string[]; train: Cell[][]; test: Cell[][]; features: Record<string, number[]> };
  files.write("train.csv", csv(golden.columns, golden.train));
  files.write("test.csv", csv(golden.columns, golden.test));
  const description = {
    files: ["train.csv", "test.csv"],
    split: { files: { train: "train.csv", test: "test.csv" } },
  };
  await fitted(description, { split: "train", roles: roles({ rooms: "categorical" }) }, async (encoder, dataset) => {
    expect(encoder.features.map(({ name }) => name).toSorted()).toEqual(Object.keys(golden.features).toSorted());
    const { features, unusual } = await encoded(encoder, dataset, "test");
    for (const [place, { name }] of encoder.features.entries()) {
      for (const [row, want] of golden.features[name]!.entries()) {
        expect(features[row]![place], `${name}, row ${row}`).toBeCloseTo(want, 5);
      }
    }
    expect(unusual).toEqual([
      { column: "age", missing: 2, unseen: 0 },
      { column: "income", missing: 0, unseen: 0 },
      { column: "job", missing: 1, unseen: 2 },
      { column: "rooms", missing: 0, unseen: 1 },
    ]);
  });
});

/** A table with everything in it: numbers, heavy tails, truth values, codes, texts, moments; a tenth of it missing. */
function mixedTable(rows: number, seed: number): string {
  const random = createRandom(seed);
  const or = (value: Cell): Cell => (drawUniform(random) < 0.1 ? "" : value);
  const day = (count: number) => new Date(Date.UTC(2023, 0, 1) + count * 86_400_000);
  return csv(
    ["plain", "heavy", "truth", "code", "place", "day", "moment", "late", "label"],
    Array.from({ length: rows }, (_, row) => [
      or(drawNormal(random) * 3 + 1e4),
      or(Math.exp(3 * drawNormal(random))),
      or(drawUniform(random) < 0.7),
      or(drawBelow(random, 6) * 10),
      or(["Rhône", "Ångström", "日本", "a b", "rare"][row % 40 === 0 ? 4 : drawBelow(random, 4)]),
      or(day(drawBelow(random, 900)).toISOString().slice(0, 10)),
      or(new Date(1.7e12 + Math.floor(drawUniform(random) * 4e10)).toISOString()),
      // Missing and new in rows that are not trained on.
      row < rows / 2 ? drawBelow(random, 3) : or(drawBelow(random, 5)),
      drawUniform(random) < 0.4 ? "yes" : "no",
    ]),
  );
}

test("the model answers exactly what its description says, row by row, missing and unseen values too", async () => {
  files.write("mixed.csv", mixedTable(400, 7));
  const split = { fractions: { train: 0.5, test: 0.5 }, by: "rows", seed: 3 };
  const told = roles({ code: "categorical", late: "categorical" });
  await fitted(
    { files: "mixed.csv", split },
    { split: "train", target: "label", roles: told },
    async (encoder, dataset) => {
      verifyModel(encoder.model);
      const kinds = Object.fromEntries(encoder.columns.map(({ name, role }) => [name, role]));
      expect(kinds).toEqual({
        plain: "numeric",
        heavy: "numeric",
        truth: "numeric",
        code: "categorical",
        place: "categorical",
        day: "timestamp",
        moment: "timestamp",
        late: "categorical",
        label: "label",
      });
      const heavy = encoder.columns.find(({ name }) => name === "heavy")!.encoding;
      expect(heavy).toMatchObject({ kind: "number", scaler: "robust" });
      const { rows, features, targets, unusual } = await encoded(encoder, dataset, "test");
      expect(features).toHaveLength(200);
      for (const [at, row] of rows.entries())
        expect(features[at], JSON.stringify(row)).toEqual(encodedByHand(encoder, row));
      expect(unusual.every(({ column, missing }) => missing > 0 || column === "late")).toBe(true);
      expect(new Set(targets)).toEqual(new Set([0, 1]));
      expect(encoder.target).toMatchObject({ kind: "classes", labels: ["no", "yes"] });
    },
  );
});

test("what a column misses in training decides whether a feature says so; a new value without rare ones lights nothing", async () => {
  files.write(
    "late.csv",
    csv(
      ["a", "fold", "c"],
      [...Array(12).keys()].map((row) => [
        row % 3,
        row < 9 ? "train" : "test",
        row < 9 ? "xyz"[row % 3] : ["", "new", "x"][row - 9],
      ]),
    ),
  );
  await fitted({ files: "late.csv", split: "fold" }, { split: "train" }, async (encoder, dataset) => {
    expect(encoder.features.map(({ name }) => name)).toEqual(["a", "c = x", "c = y", "c = z"]);
    const { features } = await encoded(encoder, dataset, "test");
    expect(features.map((row) => row.slice(1))).toEqual([
      [0, 0, 0],
      [0, 0, 0],
      [1, 0, 0],
    ]);
  });
});

test("roles are found with their reasons, and told ones go before", async () => {
  const rows = Array.from({ length: 60 }, (_, row) => [
    row + 1000,
    `k${row * 7919}`,
    row % 2 === 0 ? "f" : "m",
    row % 5,
    "same",
    "",
    `a long sentence about number ${row} of many and none like another`,
    row % 7 === 0 ? "n/a" : (row * 1.5).toFixed(1),
    row % 3,
  ]);
  const columns = ["row_id", "reference", "sex", "rooms", "constant", "empty", "notes", "mostly", "label"];
  files.write("roles.csv", csv(columns, rows));
  const { columns: found } = await fitted(
    { files: "roles.csv" },
    { badRows: "skip", roles: roles({ mostly: "ignored" }) },
  );
  expect(Object.fromEntries(found.map(({ name, role }) => [name, role]))).toEqual({
    row_id: "id",
    reference: "id",
    sex: "protected",
    rooms: "numeric",
    constant: "ignored",
    empty: "ignored",
    notes: "ignored",
    mostly: "ignored",
    label: "label",
  });
  const reasons = Object.fromEntries(found.map(({ name, reason }) => [name, reason]));
  expect(reasons["rooms"]).toBe("whole numbers, 5 different; if they are codes, say categorical");
  expect(reasons["sex"]).toMatch(/law protects/);
  expect(reasons["notes"]).toMatch(/^prose: 60 different texts/);
  expect(reasons["mostly"]).toBe("as told");
  const other = await fitted(
    { files: "roles.csv" },
    { badRows: "skip", roles: roles({ sex: "categorical", empty: "ignored", mostly: "ignored" }) },
  );
  expect(other.features.map(({ name }) => name)).toEqual(["rooms", "sex = f", "sex = m"]);
});

test("Parquet's booleans, dates, whole numbers and decimals are encoded as those of CSV", async () => {
  const file = `${files.folder}/typed.parquet`;
  await sql(
    `COPY (SELECT i % 2 = 0 AS truth, DATE '2024-01-01' + (i * 11)::INTEGER AS day, CASE WHEN i % 9 = 4 THEN NULL ELSE (i % 4)::UTINYINT END AS code, (i * 1.25)::DECIMAL(9, 2) AS price, i % 3 AS label FROM range(60) t(i)) TO '${file}' (FORMAT parquet)`,
  );
  await fitted({ files: "typed.parquet" }, { roles: roles({ code: "categorical" }) }, async (encoder, dataset) => {
    expect(encoder.features.map(({ name }) => name)).toEqual([
      "truth",
      "price",
      "code = 0",
      "code = 1",
      "code = 2",
      "code = 3",
      "code is missing",
      "day",
      "day: week (sine)",
      "day: week (cosine)",
      "day: year (sine)",
      "day: year (cosine)",
    ]);
    const { rows, features } = await encoded(encoder, dataset, null);
    for (const [at, row] of rows.entries()) expect(features[at]).toEqual(encodedByHand(encoder, row));
    // 12 January 2024 was a Friday.
    expect(rows[1]!["day"]).toBe(Date.UTC(2024, 0, 12) / 1000);
    const [sine, cosine] = [8, 9].map((place) => features[1]![place]!);
    expect(Math.atan2(sine!, cosine!)).toBeCloseTo((2 * Math.PI * 4) / 7 - 2 * Math.PI, 6);
  });
});

test("a number is predicted as its distance from the mean in standard deviations, and rows have weights", async () => {
  files.write(
    "target.csv",
    csv(
      ["x", "w", "y"],
      [
        [1, 1, 10.5],
        [2, 0.5, 20.5],
        [3, 2, 30.5],
      ],
    ),
  );
  await fitted({ files: "target.csv", weight: "w" }, { target: "y" }, async (encoder, dataset) => {
    expect(encoder.target).toMatchObject({ kind: "number", column: "y", mean: 20.5 });
    const { targets, weights } = await encoded(encoder, dataset, null);
    expect(targets.map((value) => Math.round(value * 1e4) / 1e4)).toEqual([-1.2247, 0, 1.2247]);
    expect(weights).toEqual([1, 0.5, 2]);
    expect(encoder.features.map(({ name }) => name)).toEqual(["x"]);
  });
});

test("a column may be called as the output is", async () => {
  files.write(
    "called.csv",
    csv(
      ["features", "scale"],
      [
        [1, 2],
        [2, 1],
        [4, 4],
      ],
    ),
  );
  await fitted({ files: "called.csv" }, {}, async (encoder, dataset) => {
    const { rows, features } = await encoded(encoder, dataset, null);
    for (const [at, row] of rows.entries()) expect(features[at]).toEqual(encodedByHand(encoder, row));
  });
});

test("quartiles found in passes are those of values that are kept", () => {
  const random = createRandom(4);
  const fits = [new NumberFit(true), new NumberFit(false)];
  const batches = Array.from({ length: 30 }, () =>
    Float32Array.from({ length: 1000 }, () =>
      drawUniform(random) < 0.1 ? Number.NaN : Math.exp(2 * drawNormal(random)),
    ),
  );
  for (const fit of fits) {
    for (let pass = 0; !fit.isDone; pass++) {
      for (const batch of batches) fit.add(batch);
      fit.endPass();
      expect(pass).toBeLessThan(8);
    }
  }
  const [kept, searched] = fits.map((fit) => fit.encoding());
  expect(searched).toEqual(kept);
  expect(kept).toMatchObject({ scaler: "robust", hasMissing: true });
  const there = batches.flatMap((batch) => [...batch]).filter((value) => !Number.isNaN(value));
  expect(kept!.imputed).toBe(Math.fround(median(there)));
});

const problemOf = async (...arguments_: Parameters<typeof fitted>): Promise<string> =>
  await fitted(...arguments_).then(
    () => "none",
    (error: unknown) => `${(error as { code: string }).code} ${(error as Error).message}`,
  );

test("what can't be learnt from is said", async () => {
  files.write(
    "ill.csv",
    csv(
      ["age", "empty", "kind", "label"],
      [
        [1, "", "a", "x"],
        [2, "", "b", "x"],
        ["old", "", "a", "x"],
        [4, "", "b", "x"],
      ],
    ),
  );
  const ill = { files: "ill.csv" };
  expect(await problemOf(ill, { target: "lable" })).toMatch(
    /^DATASET_INVALID .*no column "lable"; did you mean "label"\?/,
  );
  expect(await problemOf(ill, {})).toMatch(
    /^DATASET_INVALID The column "empty" has no value in any of the 4 training rows/,
  );
  expect(await problemOf(ill, { badRows: "skip" })).toMatch(
    /The target "label" is "x" in all training rows; two classes/,
  );
  expect(await problemOf(ill, { target: "kind", roles: roles({ age: "numeric", empty: "ignored" }) })).toMatch(
    /^ROWS_INVALID ill\.csv, row 3, column "age": "old" can't be used; .*takes numbers/,
  );
  expect(await problemOf(ill, { target: "kind", roles: roles({ age: "id", empty: "id", label: "id" }) })).toMatch(
    /^DATASET_INVALID No column is left to learn from: age is id \(as told\)/,
  );
  expect(await problemOf(ill, { roles: roles({ aeg: "id" }) })).toMatch(
    /column "aeg", which there is not; did you mean "age"\?/,
  );
  expect(
    await problemOf({ files: "ill.csv", split: { fractions: { train: 0.5, test: 0.5 } } }, { split: "trian" }),
  ).toMatch(/^ROWS_INVALID .*no split "trian"; there is train, test/);
});

test("a column whose values are all in rows that are left out is said", async () => {
  const rows = Array.from({ length: 12 }, (_, row) => [
    row % 4 === 0 ? "" : row,
    row % 4 === 0 ? "k" : "",
    row % 4 === 0 ? "" : row % 2,
  ]);
  files.write("left.csv", csv(["x", "kind", "label"], rows));
  expect(await problemOf({ files: "left.csv" }, { badRows: "skip", roles: roles({ kind: "categorical" }) })).toMatch(
    /^DATASET_INVALID The column "kind" has no value in any of the 9 training rows/,
  );
});

test("rows that can't be used are left out, counted once and told, where it is said", async () => {
  const rows = Array.from({ length: 40 }, (_, row) => [
    row === 3 ? "old" : row === 4 ? "1e99" : row,
    row === 7 ? "" : row % 2 ? "a" : "b",
  ]);
  files.write("skip.csv", csv(["x", "label"], rows));
  await fitted({ files: "skip.csv" }, { badRows: "skip", roles: roles({ x: "numeric" }) }, async (encoder, dataset) => {
    expect(encoder.rows).toBe(37);
    expect(encoder.skipped).toMatchObject({
      rows: 3,
      columns: [
        { column: "x", rows: 2 },
        { column: "label", rows: 1 },
      ],
    });
    expect(encoder.skipped.first[0]).toMatch(/^skip\.csv, row 4, column "x": "old" can't be used/);
    const badRows = new BadRows("skip");
    const { features, targets } = await encoded(encoder, dataset, null, badRows);
    expect([features.length, targets.length, badRows.skipped().rows]).toEqual([37, 37, 3]);
    // Each kept row has its own label still.
    const encoding = encoder.columns[0]!.encoding;
    const { centre, scale } = encoding as { centre: number; scale: number };
    for (const [at, [x]] of features.entries()) {
      const isOdd = Math.round(x! * scale + centre) % 2 === 1;
      expect(isOdd).toBe(targets[at] === 0);
    }
  });
});
