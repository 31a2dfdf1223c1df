// Images in folders and images that tables name: decoded in the contained process, as the steps say.
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { batchesFrom, opened, signatureOf, temporaryFolder } from "./dataset.testing.ts";

let files: ReturnType<typeof temporaryFolder>;
beforeAll(async () => {
  files = temporaryFolder();
  const image = async (name: string, grey: number, side = 4) =>
    files.write(
      name,
      await sharp({ create: { width: side, height: side, channels: 3, background: { r: grey, g: grey, b: grey } } })
        .png()
        .toBuffer(),
    );
  await image("pets/train/cat/1.png", 0);
  await image("pets/train/dog/1.png", 51);
  await image("pets/train/dog/2.PNG", 102, 8);
  await image("pets/test/cat/3.png", 255);
  files.write("pets/readme.txt", "nothing");
  await image("listed/a.png", 51);
  await image("listed/sub/b.png", 102);
});
afterAll(() => files.remove());

const before = [
  { step: "decode-image", channels: "rgb" },
  { step: "resize", height: 2, width: 2 },
  { step: "scale", by: 1 / 255 },
  { step: "normalise", mean: [0.2, 0.2, 0.2], std: [0.5, 0.5, 0.5] },
  { step: "layout", to: "CHW" },
];
const signature = signatureOf({ image: ["float32", 3, 2, 2] });
const message = async (description: unknown, given = signature): Promise<string> => {
  const dataset = await opened(description, files.folder).catch((error: unknown) => error as Error & { code: string });
  if (dataset instanceof Error) return `${dataset.code} ${dataset.message}`;
  const found = await batchesFrom(dataset, given).then(
    () => "none",
    (error: { code: string; message: string }) => `${error.code} ${error.message}`,
  );
  await dataset.close();
  return found;
};

test("a folder for each class, under a folder for each split, with the version's processing", async () => {
  const processing = { schemaVersion: 1, before, after: [{ step: "labels", labels: ["dog", "cat"] }] };
  const dataset = await opened({ files: "pets", split: "folder" }, files.folder, { processing });
  expect(dataset.manifest).toMatchObject({ format: "images", rows: 4, splits: { test: 1, train: 3 } });
  expect(dataset.manifest.files.map(({ path: file }) => file)).toEqual([
    "test/cat/3.png",
    "train/cat/1.png",
    "train/dog/1.png",
    "train/dog/2.PNG",
  ]);
  const [train] = await batchesFrom(dataset, signature, { split: "train", slices: ["image"] });
  expect(train!.inputs["image"]!.shape).toEqual([3, 3, 2, 2]);
  const data = Array.from(train!.inputs["image"]!.data as Float32Array);
  // (0 / 255 - 0.2) / 0.5, then 0.2 and 0.4.
  for (const [row, value] of [-0.4, 0, 0.4].entries()) {
    for (const one of data.slice(12 * row, 12 * row + 12)) expect(one).toBeCloseTo(value, 6);
  }
  // The version's labels name the classes, in the order of its scores.
  expect(dataset.classes).toEqual(["dog", "cat"]);
  expect(Array.from(train!.labels!.values)).toEqual([1, 0, 0]);
  expect(train!.slices["image"]).toEqual(["train/cat/1.png", "train/dog/1.png", "train/dog/2.PNG"]);
  const other = await opened({ files: "pets", split: "folder" }, files.folder);
  expect(other.classes).toEqual(["cat", "dog"]);
  expect(other.manifest.hash).toBe(dataset.manifest.hash);
  await dataset.close();
  await other.close();
});

test("pictures of formats that are not read are counted and told, and are no other data", async () => {
  const create = { width: 2, height: 2, channels: 3, background: "black" } as const;
  const png = await sharp({ create }).png().toBuffer();
  for (const name of ["moving/cat/1.png", "moving/dog/2.png"]) files.write(name, png);
  const before = await opened({ files: "moving" }, files.folder);
  await before.close();
  for (const name of ["cat/3.gif", "dog/4.BMP", "notes.txt"]) files.write(`moving/${name}`, "GIF89a");
  const dataset = await opened({ files: "moving" }, files.folder);
  expect(dataset.skipped).toEqual({
    rows: 2,
    columns: [{ column: "image", rows: 2 }],
    first: [
      "cat/3.gif is of a format that is not read; PNG, JPEG and WebP are. Save it as one of these.",
      expect.stringContaining("dog/4.BMP"),
    ],
  });
  expect(dataset.manifest).toMatchObject({ rows: 2, hash: before.manifest.hash });
  await dataset.close();
});

test("a table names images, relative to itself, with steps of its own", async () => {
  files.write("listed/rows.csv", "file,label,weight\na.png,3,1\nsub/b.png,0,0.5\na.png,1,2\n");
  const dataset = await opened(
    { files: "listed/rows.csv", inputs: { image: { image: "file", before } }, weight: "weight" },
    files.folder,
  );
  expect(dataset.manifest.files.map(({ path: file }) => file)).toEqual(["rows.csv", "a.png", "sub/b.png"]);
  const [batch] = await batchesFrom(dataset, signature);
  expect(batch!.inputs["image"]!.shape).toEqual([3, 3, 2, 2]);
  expect((batch!.inputs["image"]!.data as Float32Array)[12]).toBeCloseTo(0.4, 6);
  expect(Array.from(batch!.labels!.values)).toEqual([3, 0, 1]);
  expect(batch!.weights).toEqual(Float64Array.of(1, 0.5, 2));
  await dataset.close();
});

test("images named from outside the table's folder are refused", async () => {
  const of = async (name: string) => {
    files.write("listed/bad.csv", `file,label\n${name},0\n`);
    return await message({ files: "listed/bad.csv", inputs: { image: { image: "file", before } } });
  };
  expect(await of("../pets/test/cat/3.png")).toMatch(/^FILE_UNREADABLE "\.\.\/pets.* is not in the folder/);
  expect(await of("/etc/hostname")).toMatch(/^FILE_UNREADABLE .*not in the folder/);
  expect(await of("missing.png")).toMatch(/^FILE_UNREADABLE The file "missing\.png" does not exist/);
  expect(await of("")).toMatch(/row 1, column "file": the value is missing; it has to name an image/);
  symlinkSync("/etc/hostname", path.join(files.folder, "listed/link.png"));
  expect(await of("link.png")).toMatch(/^FILE_UNREADABLE "link\.png" is a link to something outside/);
});

test("what is no image is told by its name, and what the steps make has to fit", async () => {
  const folder = path.join(files.folder, "ill/a");
  mkdirSync(folder, { recursive: true });
  const fine = await sharp({ create: { width: 4, height: 4, channels: 3, background: "red" } })
    .png()
    .toBuffer();
  writeFileSync(path.join(folder, "1.png"), fine);
  const of = async (bytes: Uint8Array, given = signature, steps: unknown = before) => {
    writeFileSync(path.join(folder, "2.png"), bytes);
    return await message({ files: "ill", inputs: { image: { image: "image", before: steps } } }, given);
  };
  expect(await of(fine)).toBe("none");
  const large = await sharp({ create: { width: 8, height: 8, channels: 3, background: "red" } })
    .png()
    .toBuffer();
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>');
  for (const bytes of [
    Buffer.alloc(0),
    Buffer.from("no image"),
    fine.subarray(0, 40),
    svg,
    await sharp(fine).tiff().toBuffer(),
  ]) {
    expect(await of(bytes)).toMatch(/^ROWS_INVALID a\/2\.png: the image can't be decoded/);
  }
  expect(await of(fine, signatureOf({ image: ["float32", 1, 2, 2] }))).toMatch(/^DATASET_INVALID .*\[3, 2, 2\]/);
  const open = signatureOf({ image: ["float32", "H", "W", 3] });
  expect(await of(large, open, [{ step: "decode-image", channels: "rgb" }])).toMatch(
    /^(ROWS_INVALID|INPUT_SHAPE_MISMATCH) .*\[8, 8, 3\]/,
  );
  expect(await message({ files: "ill" })).toMatch(/^DATASET_INVALID Nothing says how images become the input "image"/);
  rmSync(path.join(files.folder, "ill"), { recursive: true });
});

test("steps that are none are told when it is opened", async () => {
  const of = async (steps: unknown) =>
    await message({ files: "pets", inputs: { image: { image: "image", before: steps } } });
  expect(await of([{ step: "decode-image", channels: "red" }])).toMatch(
    /^DATASET_INVALID "inputs\.image": Processing before\[0\] \(decode-image\).*"red"/,
  );
  expect(await of([{ step: "sharpen" }])).toMatch(/^DATASET_INVALID .*the step "sharpen" is not known/);
  expect(await of([{ step: "scale", by: 2 }])).toMatch(/^DATASET_INVALID Nothing says how images become/);
});

test("a folder without images, and one of several formats", async () => {
  mkdirSync(path.join(files.folder, "bare"));
  expect(await message({ files: "bare" })).toMatch(/^DATASET_INVALID Nothing says what .*bare is/);
  expect(await message({ files: "bare", format: "images" })).toMatch(/^DATASET_INVALID .*holds no images files/);
  files.write("mixed/1.png", "");
  files.write("mixed/rows.csv", "a\n1\n");
  expect(await message({ files: "mixed" })).toMatch(/holds files of several formats: images, csv/);
});
