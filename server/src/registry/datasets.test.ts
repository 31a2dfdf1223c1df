import { expect, test } from "vitest";
import { BY, errorOf, openTestRegistry } from "../../../test/support/registry.ts";

const iris = {
  name: "iris",
  hash: "a".repeat(64),
  description: { files: ["/data/iris.csv"], name: "iris" },
  manifest: { rows: 150, files: [{ path: "iris.csv" }] },
};

test("a dataset is numbered, comes back as it was, and the same again answers the one there is", async () => {
  const { registry, clock } = await openTestRegistry();
  const first = await registry.addDataset(iris, BY);
  expect(first).toMatchObject({ isNew: true, dataset: { ...iris, number: 1 } });
  expect(await registry.addDataset({ ...iris, description: { name: "iris", files: ["/data/iris.csv"] } }, BY)).toEqual({
    ...first,
    isNew: false,
  });
  clock.advance(1000);
  const second = await registry.addDataset({ ...iris, hash: "b".repeat(64) }, BY);
  expect(second.dataset.number).toBe(2);
  const moved = await registry.addDataset({ ...iris, description: { files: ["/moved/iris.csv"] } }, BY);
  expect(moved.dataset.number).toBe(3);
  await registry.addDataset({ ...iris, name: "other" }, BY);
  expect((await registry.listDatasets("iris")).map(({ number }) => number)).toEqual([3, 2, 1]);
  expect(await registry.listDatasets()).toHaveLength(4);
  expect(await registry.getDataset("iris", null)).toEqual(moved.dataset);
  expect(await registry.getDataset("iris", 1)).toEqual(first.dataset);
  const [latest] = await registry.listDecisions({ limit: 1, subject: "iris" });
  expect(latest).toMatchObject({ kind: "dataset-added", text: "The dataset iris:3 was registered" });
});

test("what is not there is said, with what is near", async () => {
  const { registry } = await openTestRegistry();
  expect((await errorOf(registry.getDataset("iris", null))).message).toMatch(/There are none yet/);
  await registry.addDataset(iris, BY);
  const near = await errorOf(registry.getDataset("irsi", null));
  expect(near).toMatchObject({ code: "DATASET_NOT_FOUND", details: { suggestions: ["iris"] } });
  expect(near.message).toMatch(/Did you mean "iris"\?/);
  expect((await errorOf(registry.getDataset("iris", 7))).message).toMatch(/no number 7; it has only 1/);
  expect((await errorOf(registry.addDataset({ ...iris, name: "a b" }, BY))).code).toBe("NAME_INVALID");
  const large = { ...iris, manifest: { files: ["x".repeat(5 * 2 ** 20)] } };
  expect(await errorOf(registry.addDataset(large, BY))).toMatchObject({ code: "DATASET_INVALID" });
});
