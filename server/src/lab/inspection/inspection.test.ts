// Inspections of tables in which something was planted, and the parts they are made of.
import { createRandom, drawBelow, drawNormal, drawUniform } from "@slipway/core/stats";
import { npyFromTensor } from "@slipway/core/tensor";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { never, opened, temporaryFolder } from "../dataset/dataset.testing.ts";
import { DatasetInspectionView } from "../../api/admin/inspection-view.ts";
import { hashDistance, perceptualHash } from "./image-hash.ts";
import { type DatasetInspection, inspectDataset, type InspectOptions } from "./index.ts";
import { similarPairs } from "./similar-sets.ts";
import { binned } from "./values.ts";

let files: ReturnType<typeof temporaryFolder>;
beforeAll(() => {
  files = temporaryFolder();
});
afterAll(() => files.remove());

type Cell = string | number;
const csv = (columns: readonly string[], rows: readonly (readonly Cell[])[]) =>
  [columns, ...rows].map((row) => row.join(",")).join("\n") + "\n";

async function inspected(
  description: unknown,
  options: Partial<InspectOptions> = {},
  changes: Parameters<typeof opened>[2] = {},
): Promise<DatasetInspection> {
  const dataset = await opened(description, files.folder, changes);
  try {
    const plain = { target: null, roles: new Map(), badRows: "error", signal: never } as const;
    const found = await inspectDataset(dataset, { ...plain, ...options });
    // What is found can be kept and sent.
    expect(DatasetInspectionView.safeParse(found).error).toBeUndefined();
    expect(JSON.parse(JSON.stringify(found))).toEqual(found);
    return found;
  } finally {
    await dataset.close();
  }
}
const kindsOf = ({ findings }: DatasetInspection) =>
  findings.map(({ kind, gravity, columns }) => [gravity, kind, ...columns].join(" "));
const findingOf = ({ findings }: DatasetInspection, kind: string) => findings.find((one) => one.kind === kind)!;

/** Loans with an income that says something of the label, and what is planted. */
function loans(rows: number): (readonly Cell[])[] {
  const random = createRandom(11);
  return Array.from({ length: rows }, (_, row) => {
    const income = drawNormal(random);
    const label = income + drawNormal(random) > 0.3 ? "yes" : "no";
    const job = ["clerk", "nurse", "smith"][drawBelow(random, 3)]!;
    return [row + 5000, income.toFixed(4), job, drawUniform(random) < 0.1 ? "" : drawBelow(random, 90), label];
  });
}
const COLUMNS = ["id", "income", "job", "months", "label"];

test("columns have roles, distributions and what they tell of the target", async () => {
  files.write("loans.csv", csv(COLUMNS, loans(400)));
  const found = await inspected({ files: "loans.csv" });
  expect(found.columns.map(({ name, role }) => `${name} ${role}`)).toEqual([
    "id id",
    "income numeric",
    "job categorical",
    "months numeric",
    "label label",
  ]);
  const [, income, job, months] = found.columns;
  expect(job!.distribution).toMatchObject({ kind: "texts", others: { values: 0, rows: 0 } });
  const sums = [income!, months!].map(({ distribution }) =>
    distribution?.kind === "numbers" ? distribution.bins.reduce((sum, bin) => sum + bin, 0) : 0,
  );
  expect(sums).toEqual([400, 400 - months!.missing]);
  expect(found.target).toMatchObject({ kind: "classes", column: "label" });
  const [strongest] = found.associations;
  expect(strongest).toMatchObject({ column: "income", measure: "auc", rows: 400 });
  expect(strongest!.auc!).toBeGreaterThan(0.7);
  expect(found.associations.map(({ column }) => column).toSorted()).toEqual(["id", "income", "job", "months"]);
  expect(kindsOf(found)).toEqual(["note id-column id"]);
});

test("what gives the label away is found: a copy, a code, a number, and that a value is missing", async () => {
  const rows = loans(300).map((row, at) => {
    const isYes = row.at(-1) === "yes";
    return [...row, isYes ? "paid" : "owed", isYes ? 10 + at : -at, isYes ? "" : at % 17, at % 2];
  });
  files.write("leaks.csv", csv([...COLUMNS, "code", "number", "late", "innocent"], rows));
  const found = await inspected({ files: "leaks.csv" });
  expect(kindsOf(found)).toEqual([
    "grave gives-away-label code",
    "grave gives-away-label number",
    "grave missing-tells-label late",
    "note id-column id",
  ]);
  expect(findingOf(found, "gives-away-label")).toMatchObject({
    text: "code alone tells label: Cramér's V 1.000.",
    advice: "If it is only known after label is, leave it out: --role code=ignored.",
  });
});

test("numbers with many texts among them are no categories that anybody meant", async () => {
  const rows = loans(100).map((row, at) => [...row, at % 4 === 0 ? ["NA", "?"][(at / 4) % 2]! : at / 8]);
  files.write("mixed.csv", csv([...COLUMNS, "home town"], rows));
  const found = await inspected({ files: "mixed.csv" });
  expect(found.columns.at(-1)).toMatchObject({
    role: "ignored",
    reason: expect.stringContaining("75.0 % of which are numbers"),
  });
  expect(findingOf(found, "unreadable-values")).toMatchObject({
    gravity: "serious",
    text: 'home town holds numbers in 75.0 % of its rows and text in the others, such as "NA", "?"; it is left out.',
    advice: expect.stringContaining("--role 'home town=numeric' --on-bad-row skip"),
  });
});

test("dates with a few texts among them are dates, and the first text is told", async () => {
  const dates = Array.from({ length: 60 }, (_, at) =>
    new Date(Date.UTC(2024, 0, 1 + 3 * at)).toISOString().slice(0, 10),
  );
  const withText = (texts: number) => dates.map((date, at) => (at >= 36 && at < 36 + texts ? "unknown" : date));
  const rows = (texts: number) => withText(texts).map((date, at) => [date, (at * 7) % 31, at % 2]);
  files.write("dates.csv", csv(["opened", "x", "label"], rows(1)));
  const found = await inspected({ files: "dates.csv" });
  expect(found.columns[0]).toMatchObject({
    role: "timestamp",
    reason: 'dates or times, but for 1.7 % of its values, the first "unknown"',
    distribution: { kind: "numbers" },
  });
  expect(findingOf(found, "unreadable-values").text).toBe(
    "1 row of opened has text where others have dates or times, the first at dates.csv, row 37.",
  );
  const told = await inspected({ files: "dates.csv" }, { roles: new Map([["opened", "ignored"]]) });
  expect(kindsOf(told)).not.toContain("serious unreadable-values opened");
  files.write("half-dates.csv", csv(["opened", "x", "label"], rows(20)));
  expect(findingOf(await inspected({ files: "half-dates.csv" }), "unreadable-values")).toMatchObject({
    text: 'opened holds dates or times in 66.7 % of its rows and text in the others, such as "unknown"; it is left out.',
    advice: expect.stringContaining("--role opened=timestamp --on-bad-row skip"),
  });
});

test("copies across splits, contradicting labels, groups and times across splits", async () => {
  const random = createRandom(3);
  const rows = loans(200).map((row, at): Cell[] => {
    const day = new Date(Date.UTC(2024, 0, 1 + drawBelow(random, 300))).toISOString().slice(0, 10);
    return [...row, `c${drawBelow(random, 40)}`, day, at < 150 ? "train" : "test"];
  });
  // The last two are copies of the first, of which one has the other label.
  for (const at of [198, 199]) rows[at] = [at + 5000, ...rows[0]!.slice(1, 7), "test"];
  rows[199]![4] = rows[0]![4] === "yes" ? "no" : "yes";
  files.write("splits.csv", csv([...COLUMNS, "customer", "day", "fold"], rows));
  const found = await inspected({ files: "splits.csv", split: "fold" });
  expect(kindsOf(found)).toEqual([
    "grave duplicates-across-splits",
    "serious group-across-splits customer",
    "serious contradicting-labels label",
    "note time-across-splits day",
    "note duplicates",
    "note id-column id",
  ]);
  expect(found.duplicates).toMatchObject({ rows: 3, groups: 1, contradicting: 1, acrossSplits: 1, leakedRows: 2 });
  expect(found.duplicates.examples).toEqual([["splits.csv, row 1", "splits.csv, row 199", "splits.csv, row 200"]]);
  const grouped = await inspected({
    files: "splits.csv",
    split: { fractions: { a: 0.5, b: 0.5 }, by: { group: "customer" } },
  });
  expect(kindsOf(grouped)).not.toContain("serious group-across-splits customer");
  const byTime = await inspected({
    files: "splits.csv",
    split: { fractions: { a: 0.5, b: 0.5 }, by: { time: "day" } },
  });
  expect(kindsOf(byTime)).not.toContain("note time-across-splits day");
});

test("classes that are rare, uneven, missing in a split or alone, and labels that are missing", async () => {
  const rows = Array.from({ length: 120 }, (_, row): Cell[] => [
    row * 3.5,
    row < 3 ? "rare" : row === 5 ? "" : row < 16 ? "few" : "many",
    row < 100 ? "train" : "test",
  ]);
  files.write("classes.csv", csv(["x", "label", "fold"], rows));
  const found = await inspected({ files: "classes.csv", split: "fold" });
  expect(kindsOf(found)).toEqual([
    "serious label-missing label",
    "serious class-missing-in-split label",
    "serious class-missing-in-split label",
    "serious rare-class label",
    "note imbalance label",
  ]);
  expect(found.target).toMatchObject({
    classes: [
      { label: "many", rows: 104, splits: { train: 84, test: 20 } },
      { label: "few", rows: 12 },
      { label: "rare", rows: 3, splits: { train: 3, test: 0 } },
    ],
    balance: { ratio: 104 / 3 },
  });
  files.write(
    "alone.csv",
    csv(
      ["x", "label"],
      rows.map(([x]) => [x!, "same"]),
    ),
  );
  expect(kindsOf(await inspected({ files: "alone.csv" }))).toEqual(["grave one-class label"]);
});

test("text among numbers is counted, and the first told; broken lines too, where they are left out", async () => {
  const rows = Array.from({ length: 50 }, (_, row) => `${row === 30 ? "n/a" : row},${row % 2}`);
  files.write("broken.csv", `x,label\n${rows.join("\n")}\n1,2,3\n`);
  const found = await inspected({ files: "broken.csv" }, {}, { badRows: "skip" });
  expect(found.columns[0]).toMatchObject({
    role: "numeric",
    reason: 'numbers, but for 2.0 % of its values, the first "n/a"',
  });
  expect(kindsOf(found)).toEqual(["serious unreadable-values x", "serious broken-rows"]);
  expect(findingOf(found, "unreadable-values").text).toBe(
    "1 row of x has text where others have numbers, the first at broken.csv, row 31.",
  );
  expect(findingOf(found, "broken-rows").text).toMatch(
    /^1 row can't be read and was left out, the first: broken\.csv, line 52/,
  );
});

test("a number as the target: ranks, and what categories tell of it", async () => {
  const random = createRandom(5);
  const rows = Array.from({ length: 200 }, (): Cell[] => {
    const [x, kind] = [drawNormal(random), drawBelow(random, 3)];
    return [x.toFixed(5), "abc"[kind]!, (Math.exp(x) + kind + 0.1 * drawNormal(random)).toFixed(5)];
  });
  files.write("price.csv", csv(["x", "kind", "price"], rows));
  const { target, associations } = await inspected({ files: "price.csv" }, { target: "price" });
  expect(target).toEqual({ kind: "number", column: "price" });
  expect(associations).toMatchObject([
    { column: "x", measure: "spearman" },
    { column: "kind", measure: "correlation-ratio" },
  ]);
  await expect(inspected({ files: "price.csv" }, { target: "prise" })).rejects.toThrow(
    '"target": there is no column "prise"; did you mean "price"?',
  );
});

test("rows and prose that are nearly the same are paired", async () => {
  const random = createRandom(8);
  const words = Array.from({ length: 400 }, (_, at) => `word${at}`);
  const sentence = () => Array.from({ length: 30 }, () => words[drawBelow(random, words.length)]!);
  const texts = Array.from({ length: 60 }, sentence);
  const copy = texts[7]!.slice();
  copy[15] = "other";
  texts.push(copy);
  files.write(
    "prose.csv",
    csv(
      ["text", "label"],
      texts.map((text, row) => [text.join(" "), row % 2]),
    ),
  );
  const prose = await inspected({ files: "prose.csv" });
  expect(prose.duplicates).toMatchObject({ rows: 0, nearWhy: null, near: { pairs: 1 } });
  expect(prose.duplicates.near!.examples[0]!.rows).toEqual(["prose.csv, row 8", "prose.csv, row 61"]);
  const wide = Array.from({ length: 50 }, () => Array.from({ length: 20 }, () => drawNormal(random).toFixed(2)));
  wide.push(wide[3]!.with(4, "77"));
  files.write(
    "wide.csv",
    csv(
      [...Array(20).keys()].map((at) => `c${at}`),
      wide,
    ),
  );
  expect((await inspected({ files: "wide.csv" })).duplicates.near).toMatchObject({ pairs: 1 });
  files.write(
    "thin.csv",
    csv(
      ["a", "b"],
      [
        [1, 2],
        [1, 3],
      ],
    ),
  );
  expect((await inspected({ files: "thin.csv" })).duplicates).toMatchObject({
    near: null,
    nearWhy: "rows of fewer than 9 columns are alike by chance",
  });
});

test("rows of arrays and lists are compared by all that is in them", async () => {
  const data = Float32Array.from({ length: 6 * 4 }, (_, at) => at);
  data.set(data.subarray(4, 8), 20);
  files.write("arrays/pixels.npy", npyFromTensor({ dtype: "float32", shape: [6, 2, 2], data }));
  files.write(
    "arrays/labels.npy",
    npyFromTensor({ dtype: "uint8", shape: [6], data: Uint8Array.of(0, 1, 0, 1, 0, 0) }),
  );
  const arrays = await inspected({ files: "arrays" });
  expect(arrays.duplicates).toMatchObject({
    rows: 2,
    groups: 1,
    contradicting: 1,
    examples: [["labels.npy, pixels.npy, row 2", "labels.npy, pixels.npy, row 6"]],
  });
  expect(arrays.columns.find(({ name }) => name === "pixels")).toMatchObject({ distinct: 5, distribution: null });
  files.write(
    "lists.jsonl",
    [["a", "b"], ["a,b"], null, ["a", "b"]].map((tags) => JSON.stringify({ tags })).join("\n"),
  );
  const lists = await inspected({ files: "lists.jsonl" });
  expect(lists.duplicates).toMatchObject({ rows: 2, groups: 1 });
  expect(lists.columns[0]).toMatchObject({ missing: 1, distinct: 2 });
});

test("pairs of similar sets: all that comparing each with each finds, but for chance", () => {
  const random = createRandom(21);
  const sets = Array.from({ length: 150 }, () => {
    const members = new Set(Array.from({ length: 40 }, () => drawBelow(random, 2 ** 32)));
    return Uint32Array.from(members);
  });
  // Of each of the first thirty a copy in which one to thirty members differ.
  for (let at = 0; at < 30; at++) {
    const copy = sets[at]!.slice();
    for (let place = 0; place <= at; place++) copy[place] = drawBelow(random, 2 ** 32);
    sets.push(copy);
  }
  const wanted = [...Array(30).keys()].filter((at) => (39 - at) / (41 + at) >= 0.8);
  const found = similarPairs(sets, 0.8);
  expect(found.map(({ first, second }) => [first, second])).toEqual(wanted.map((at) => [at, 150 + at]));
  for (const { first, similarity } of found) expect(similarity).toBeCloseTo((39 - first) / (41 + first), 12);
});

test("hashes of pictures are those of ImageHash, and small changes leave them near", () => {
  // By tools/goldens/image_hash.py, with SciPy 1.17.1.
  const golden = [
    "1011001100110000011011001110000111110000111100001011110110101000",
    "1110000111100001111000001110010011111100001110010011101100100001",
    "1110000011100000111000001110000111100111111001111110111100000000",
  ];
  const picture = (k: number) =>
    Float32Array.from({ length: 1024 }, (_, at) => {
      const [row, column] = [Math.floor(at / 32), at % 32];
      return Math.floor(127.5 * (1 + Math.sin(0.7 * row + 0.3 * column) * Math.cos(0.05 * k * row * column)));
    });
  const hashes = golden.map((bits, at) => {
    const hash = perceptualHash(picture(at + 1));
    const own = hash.flatMap((half) => Array.from({ length: 32 }, (_, bit) => (half >>> bit) & 1)).join("");
    expect(own).toBe(bits);
    return hash;
  });
  const differing = (a: string, b: string) => Array.from(a).filter((bit, at) => bit !== b[at]).length;
  expect(hashDistance(hashes[0]!, hashes[1]!)).toBe(differing(golden[0]!, golden[1]!));
  const brighter = perceptualHash(picture(1).map((value) => value * 0.8 + 20));
  expect(hashDistance(hashes[0]!, brighter)).toBeLessThanOrEqual(2);
});

test("images that look alike are paired across splits, and broken ones told", async () => {
  const random = createRandom(2);
  const drawn = (side: number, of: () => number) => {
    const coarse = Array.from({ length: 16 }, () => 255 * of());
    return Uint8Array.from({ length: side * side }, (_, at) => {
      const [row, column] = [Math.floor(at / side), at % side];
      return coarse[4 * Math.floor((4 * row) / side) + Math.floor((4 * column) / side)]!;
    });
  };
  const png = async (pixels: Uint8Array, side: number) =>
    await sharp(pixels, { raw: { width: side, height: side, channels: 1 } })
      .png()
      .toBuffer();
  const pictures = Array.from({ length: 6 }, () => drawn(64, () => drawUniform(random)));
  for (const [at, picture] of pictures.entries()) {
    files.write(`pictures/train/${at % 2 === 0 ? "even" : "odd"}/${at}.png`, await png(picture, 64));
  }
  const copy = await sharp(await png(pictures[2]!, 64))
    .resize(48, 48)
    .jpeg({ quality: 70 })
    .toBuffer();
  files.write("pictures/test/even/copy.jpg", copy);
  files.write("pictures/test/odd/broken.png", "no picture");
  const description = { files: "pictures", split: "folder" };
  await expect(inspected(description)).rejects.toThrow(/broken\.png/);
  const { images, findings } = await inspected(description, { badRows: "skip" });
  expect(images).toMatchObject({ images: 7, pairs: 1, acrossSplits: 1 });
  expect(images!.examples[0]!.rows).toEqual(["test/even/copy.jpg", "train/even/2.png"]);
  expect(findings.map(({ kind }) => kind)).toContain("near-duplicates-across-splits");
  expect(findings.map(({ kind }) => kind)).toContain("broken-rows");
});

test("numbers in bins of as many rows, as far as equal ones allow", () => {
  expect([...binned([5, 1, 4, 2, 3, 6], 3)]).toEqual([2, 0, 1, 0, 1, 2]);
  expect([...binned([0, 0, 0, 0, 0, 1], 3)]).toEqual([0, 0, 0, 0, 0, 0]);
  expect([...binned([0, 0, 1, 1], 10)]).toEqual([0, 0, 1, 1]);
});
