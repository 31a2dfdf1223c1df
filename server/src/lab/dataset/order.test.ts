// What a person names, as something that can be opened in another process.
import { SlipwayError } from "@slipway/core/base";
import { afterAll, beforeAll, expect, test } from "vitest";
import { opened, temporaryFolder } from "./dataset.testing.ts";
import { DatasetOrder, datasetOrder } from "./order.ts";

let files: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  files = temporaryFolder();
  files.write("rows.csv", "a,label\n1,x\n2,y\n");
  files.write("odd@name.csv", "a\n1\n");
  files.write("iris", "a file that is called as a dataset is");
  files.write("sub/described.yaml", "name: two\nfiles: ../rows.csv\nsplit: label\nlicence: CC0-1.0\n");
  files.write("broken.yaml", "files: [\n");
});
afterAll(() => files.remove());

const registered = {
  name: "iris",
  hash: "a".repeat(64),
  description: { name: "iris", files: ["/data/iris.csv"], split: { fractions: { train: 0.5, test: 0.5 } } },
};
const asked: unknown[] = [];
async function order(text: string): Promise<DatasetOrder> {
  return await datasetOrder(text, {
    workingDirectory: files.folder,
    find: async (name, number) => {
      asked.push([name, number]);
      if (name !== "iris") throw new SlipwayError("DATASET_NOT_FOUND", `No dataset is called "${name}".`);
      return registered;
    },
  });
}

test("a path is a dataset by itself, and may name a split", async () => {
  expect(await order("rows.csv")).toMatchObject({
    description: { name: "rows", files: [`${files.folder}/rows.csv`].at(0), label: null },
    split: null,
    hash: null,
  });
  expect(await order("./rows.csv@test")).toMatchObject({ description: { name: "rows" }, split: "test" });
  expect(await order("odd@name.csv")).toMatchObject({ description: { name: "odd@name" }, split: null });
});

test("a description's paths are relative to its own folder", async () => {
  const found = await order("sub/described.yaml@x");
  expect(found).toMatchObject({
    description: { name: "two", files: [`${files.folder}/rows.csv`], licence: "CC0-1.0" },
    split: "x",
    hash: null,
  });
  // It travels as JSON, and opens to the same where it arrives.
  const arrived = DatasetOrder.parse(JSON.parse(JSON.stringify(found)));
  expect(arrived).toEqual(found);
  const dataset = await opened(arrived.description, "/");
  expect(dataset.manifest).toMatchObject({ name: "two", splits: { x: 1, y: 1 } });
  await dataset.close();
});

test.each([
  ["sub/missing.yaml", 'The file "none.csv" does not exist.'],
  ["sub/twice.yaml", '"files" names ../rows.csv twice;'],
  ["sub/pattern.yaml", 'No file matches "q*.csv".'],
  ["sub/split.yaml", '"split.files": ../rows.csv is in no split;'],
  ["./empty", "Nothing says what empty is:"],
])("errors about %s tell paths as they were given", async (named, message) => {
  files.write("sub/missing.yaml", "files: [../rows.csv, none.csv]\n");
  files.write("sub/twice.yaml", "files: [../rows.csv, ../rows.csv]\n");
  files.write("sub/pattern.yaml", "files: q*.csv\n");
  files.write("sub/other.csv", "a,label\n1,x\n");
  files.write("sub/split.yaml", "files: [../rows.csv, other.csv]\nsplit: { files: { test: other.csv } }\n");
  files.write("empty/nothing.txt", "");
  const { description, folder } = await order(named);
  await expect(opened(description, "/", { folder })).rejects.toThrow(message);
});

test("a registered name is asked for with its number, and has its hash", async () => {
  asked.length = 0;
  expect(await order("iris@test")).toMatchObject({ split: "test", hash: registered.hash });
  expect((await order("iris:2")).description.split).toMatchObject({ seed: 0, by: "rows" });
  expect(asked).toEqual([
    ["iris", null],
    ["iris", 2],
  ]);
});

test.each([
  ["missing.csv", /^FILE_UNREADABLE There is no file or folder "missing\.csv"/],
  ["broken.yaml", /^DATASET_INVALID .*neither YAML nor JSON/],
  ["nobody", /^DATASET_NOT_FOUND/],
  ["iris@", /^USAGE "iris@" names no rows/],
  ["iris:0", /^USAGE/],
  ["a b", /^USAGE/],
  ["missing.csv@test", /^USAGE|^FILE_UNREADABLE/],
])("%s is refused", async (text, message) => {
  const seen = await order(text).then(
    () => "none",
    (error: SlipwayError) => `${error.code} ${error.message}`,
  );
  expect(seen).toMatch(message);
});
