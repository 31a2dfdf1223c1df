import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { SlipwayError } from "@slipway/core/base";
import { attributeFrom, createNode, graphBuilder, type Model, tensorFromInitializer } from "@slipway/core/graph";
import { bytesFromModel, modelFromBytes } from "@slipway/core/onnx";
import { createRandom, drawNormal } from "@slipway/core/stats";
import { npyFromTensor } from "@slipway/core/tensor";
import sharp from "sharp";
import { afterAll, describe, expect, it } from "vitest";
import { smallNetwork } from "./fit.testing.ts";
import { table, trainNow, workplace } from "./train.testing.ts";

const place = workplace();
afterAll(() => place.remove());

const FAST = { epochs: 8, threads: 1 };
const random = createRandom(3);
const noise = Array.from({ length: 400 }, () => drawNormal(random));
const flowers = place.write(
  "flowers.csv",
  table(
    120,
    (row) => [(row % 3) + 0.3 * noise[row]!, 2 * (row % 3) + noise[row + 120]!, ["rose", "lily", "iris"][row % 3]!],
    "length,width,kind",
  ),
);

function weightsOf({ graph }: Model): Record<string, number[]> {
  return Object.fromEntries(
    graph.initializers
      .filter(({ dtype }) => dtype === "float32")
      .map((one) => [one.name, Array.from(tensorFromInitializer(one).data as Float32Array)]),
  );
}

describe("a table", () => {
  it("becomes one file from columns to labels, the same each time", async () => {
    const order = { data: { description: { files: flowers } }, target: "kind", settings: FAST };
    const { model, processing, record } = await trainNow(order);
    expect(
      createHash("sha256")
        .update((await trainNow(order)).model)
        .digest("hex"),
    ).toBe(createHash("sha256").update(model).digest("hex"));
    const { graph, metadata } = modelFromBytes(model);
    expect(graph.inputs.map(({ name }) => name)).toEqual(["length", "width"]);
    expect(graph.outputs.map(({ name }) => name)).toEqual(["kind", "probabilities"]);
    expect(JSON.parse(metadata.get("slipway.labels")!)).toEqual(["iris", "lily", "rose"]);
    expect(JSON.parse(metadata.get("slipway.examples")!)).toHaveLength(3);
    expect(processing).toMatchObject({
      instances: "rows",
      after: [{ step: "labels", labels: ["iris", "lily", "rose"] }],
    });
    expect(record.result!.figures.validation).toMatchObject({ kind: "classification", rows: 24 });
    expect(record.data).toMatchObject({ trainingRows: 96, validationRows: 24 });
  });

  it("may call its target as something inside is called, or a column as an output", async () => {
    const file = place.write(
      "names.csv",
      table(60, (row) => [row % 2, noise[row]!.toFixed(3), row % 2 === 0 ? "a" : "b"], "probabilities,features,input"),
    );
    const { model } = await trainNow({ data: { description: { files: file } }, target: "input", settings: FAST });
    const { graph } = modelFromBytes(model);
    expect(graph.inputs.map(({ name }) => name)).toEqual(["probabilities", "features"]);
    expect(graph.outputs.map(({ name }) => name)).toEqual(["input", "probabilities_answer"]);
  });

  it.each([
    ["one class only", "x,y\n1,a\n2,a\n3,a\n4,a\n", "DATASET_INVALID", 'is "a" in all training rows'],
    [
      "a column without values",
      "x,z,y\n1,,a\n2,,b\n3,,a\n4,,b\n5,,a\n6,,b\n",
      "DATASET_INVALID",
      'The column "z" has no value in any of the 4 training rows; leave it out: --role z=ignored.',
    ],
    ["a ragged line", "x,y\n1,a\n2,b,3\n3,a\n4,b\n", "ROWS_INVALID", "ragged"],
  ])("with %s is an error that says so", async (what, text, code, message) => {
    const file = place.write(`${what.replaceAll(" ", "-")}.csv`, text);
    const told = trainNow({ data: { description: { files: file } }, target: "y", settings: FAST });
    const error = await told.then(
      () => null,
      (caught: SlipwayError) => caught,
    );
    expect(error?.code).toBe(code);
    expect(error?.message).toContain(message === "ragged" ? "a-ragged-line.csv" : message);
  });

  it.each([
    ["so few rows that none is held out", "x,y\n1,a\n2,b\n", "Of 2 rows a share of 0.2, class by class"],
    ["no rows", "x,y\n", "has no rows"],
    ["numbers beyond float32", "x,y\n1,1e300\n2,-1e300\n3,2e300\n4,5.5\n5,7e299\n", "float32 answers can't hold"],
    ["numbers too close", "x,y\n1,1000000000.5\n2,1000000001.5\n3,1e9\n4,1e9\n5,1000000002\n", "can't tell apart"],
    ["UTF-16", Buffer.from("x,y\n1,a\n", "utf16le"), "Save it as UTF-8"],
    ["Latin-1", Buffer.from("x,y\n1,gr\u00fcn\n2,rot\n", "latin1"), "is not in UTF-8 (line 2). Save it as UTF-8."],
    [
      "text among numbers",
      "x,y\n1,a\n2,b\nthree,a\n4,b\n5,a\n6,b\n7,a\n8,b\n9,a\n10,b\n11,a\n12,b\n",
      "--on-bad-row skip",
    ],
  ])("of %s is refused with what to do", async (what, content, message) => {
    const file = place.write(`${what.replaceAll(" ", "-")}.csv`, content);
    const told = { data: { description: { files: file } }, target: "y", settings: FAST };
    await expect(trainNow(told)).rejects.toThrow(message);
  });

  it("draws rows class by class, also where classes are written 1.0, and says where it can't", async () => {
    const written = ["0.0", "1.0", "0", "1"];
    const few = place.write(
      "floats.csv",
      table(60, (row) => [noise[row]!.toFixed(3), written[row % 4]!], "x,y"),
    );
    const floats = { data: { description: { files: few } }, target: "y", settings: { ...FAST, epochs: 1 } };
    const { record, processing } = await trainNow(floats);
    expect(record.task).toEqual({ kind: "classification", target: "y", labels: ["0", "1"] });
    expect(processing).toMatchObject({ after: [{ step: "labels", labels: ["0", "1"] }] });
    expect(record.data.unstratified).toBeNull();
    expect(record.baselines[0]!.figures).toMatchObject({ rows: 12, accuracy: 0.5 });
    const skipping = await trainNow({ ...floats, badRows: "skip" });
    expect(skipping.record.data.unstratified).toBe("rows without a class may be left out");
    const many = place.write(
      "many.csv",
      table(8008, (row) => [row, `class ${row % 1001}`], "x,y"),
    );
    const order = { ...floats, data: { description: { files: many } }, roles: { x: "numeric" } };
    await expect(trainNow(order).then((one) => one.record.data.unstratified)).resolves.toBe(
      "there are more than 1000 classes",
    );
  });

  it("takes no text with a NUL character, in a column or as a class, or leaves its row out", async () => {
    const column = (row: number) => (row === 4 ? "a\0b" : ["a", "b"][row % 2]!);
    const label = (row: number) => (row === 7 ? "on\0" : ["on", "off"][row % 2]!);
    const file = place.write(
      "nul.csv",
      table(60, (row) => [noise[row]!.toFixed(3), column(row), label(row)], "x,kind,y"),
    );
    const order = { data: { description: { files: file } }, target: "y", settings: FAST };
    await expect(trainNow(order)).rejects.toThrow(
      /nul\.csv, row [58], column "(kind|y)": "(a\\u0000b|on\\u0000)" can't be used/,
    );
    const { record } = await trainNow({ ...order, badRows: "skip" });
    expect(record.data.skippedRows).toBe(2);
    expect(record.task).toMatchObject({ labels: ["off", "on"] });
  });

  it("leaves lines out that make no row, and tells of them; a file in another encoding it does not", async () => {
    const rows = table(40, (row) => [noise[row]!, row % 2 === 0 ? "a" : "b"], "x,y");
    const order = { target: "y", badRows: "skip", settings: FAST };
    const file = place.write("ragged.csv", `${rows}1,a,3\n2\n`);
    const { record } = await trainNow({ ...order, data: { description: { files: file } } });
    expect(record.data).toMatchObject({
      skippedRows: 2,
      skippedFirst: [expect.stringContaining("line 42"), expect.any(String)],
    });
    const latin = place.write("latin.csv", Buffer.from(`${rows}1,gr\u00fcn\n`, "latin1"));
    await expect(trainNow({ ...order, data: { description: { files: latin } } })).rejects.toThrow("is not in UTF-8");
  });

  it("tells rows as callers send them, whatever a column is called", async () => {
    const file = place.write(
      "proto.csv",
      table(40, (row) => [row % 2, row % 5, row % 2 === 0 ? "a" : "b"], "__proto__,constructor,y"),
    );
    const { record } = await trainNow({ data: { description: { files: file } }, target: "y", settings: FAST });
    expect(JSON.stringify(record.result!.examples[1])).toBe('{"__proto__":1,"constructor":1}');
  });

  it("may call its target as every object has something", async () => {
    const file = place.write(
      "odd.csv",
      table(40, (row) => [noise[row]!, row % 2 === 0 ? "a" : "b"], "x,toString"),
    );
    const { model } = await trainNow({ data: { description: { files: file } }, target: "toString", settings: FAST });
    expect(modelFromBytes(model).graph.outputs[0]!.name).toBe("toString_answer");
  });

  it("takes a column of lists that is called labels for no label", async () => {
    const rows = Array.from({ length: 60 }, (_, row) => {
      return JSON.stringify({
        x: noise[row]! + 3 * (row % 2),
        labels: ["a", "b"],
        kind: row % 2 === 0 ? "even" : "odd",
      });
    });
    const file = place.write("lists.jsonl", `${rows.join("\n")}\n`);
    const { record } = await trainNow({ data: { description: { files: file } }, target: "kind", settings: FAST });
    expect(record.data.columns).toMatchObject([{ name: "x" }, { name: "labels", role: "ignored" }, { name: "kind" }]);
  });

  it("is not learnt from as pictures are", async () => {
    const order = { data: { description: { files: flowers } }, target: "kind" };
    await expect(trainNow({ ...order, settings: { ...FAST, augment: { shift: 1 } } })).rejects.toThrow(
      "How pictures differ from epoch to epoch is said for a network of pictures, and the rows are csv.",
    );
    await expect(trainNow({ ...order, settings: { ...FAST, imagePixels: 16 } })).rejects.toThrow(
      "The size of pictures",
    );
  });

  it("of numbers is compared with the linear model by the errors of the same rows", async () => {
    const gainOf = async (name: string, answer: (x: number, row: number) => number) => {
      const x = (row: number) => ((row * 37) % 100) / 25 - 2;
      const file = place.write(
        `${name}.csv`,
        table(200, (row) => [x(row).toFixed(3), answer(x(row), row).toFixed(4)], "x,y"),
      );
      const order = { data: { description: { files: file } }, target: "y", task: "regression" };
      const { record } = await trainNow({ ...order, settings: { threads: 1, epochs: 60 } });
      const { figures, gain } = record.result!;
      const [own, linear] = [figures.validation!, record.baselines.at(-1)!.figures];
      if (own.kind !== "regression" || linear.kind !== "regression") throw new Error("These are no numbers.");
      // The interval is around the difference of the mean squared errors.
      expect((gain![0] + gain![1]) / 2).toBeCloseTo(linear.rmse ** 2 - own.rmse ** 2, 4);
      return gain!;
    };
    const [low, high] = await gainOf("straight", (x, row) => x + noise[row]!);
    expect(low).toBeLessThan(0);
    expect(high).toBeGreaterThan(0);
    expect((await gainOf("bent", (x, row) => x ** 2 + 0.1 * noise[row]!))[0]).toBeGreaterThan(0);
  });

  it("keeps for the end what is called test", async () => {
    const file = place.write(
      "parts.csv",
      table(90, (row) => [row % 2, noise[row]!.toFixed(3), row % 2, row < 60 ? "train" : "test"], "x,z,y,part"),
    );
    const description = { files: file, split: "part" };
    const { record } = await trainNow({ data: { description }, target: "y", settings: FAST });
    expect(record.data).toMatchObject({ trainingRows: 48, validationRows: 12 });
    expect(record.result!.figures.test).toMatchObject({ rows: 30 });
  });

  it("counts what it leaves out of each split, and is told of a bad row of the test before it trains", async () => {
    const splits = ["train", "train", "validation", "test"];
    const bad = [4, 6, 7, 11, 15];
    const file = place.write(
      "bad-parts.csv",
      table(120, (row) => [bad.includes(row) ? "oops" : noise[row]!.toFixed(3), row % 3, splits[row % 4]!], "x,y,part"),
    );
    const order = { data: { description: { files: file, split: "part" } }, target: "y", settings: FAST };
    const { record } = await trainNow({ ...order, roles: { x: "numeric" }, badRows: "skip" });
    expect(record.data).toMatchObject({ trainingRows: 59, validationRows: 29, skippedRows: 5 });
    expect(record.result!.figures.test).toMatchObject({ rows: 27 });
    const only = place.write(
      "bad-test.csv",
      table(120, (row) => [row === 7 ? "oops" : noise[row]!.toFixed(3), row % 3, splits[row % 4]!], "x,y,part"),
    );
    let epochs = 0;
    const told = trainNow(
      { ...order, data: { description: { files: only, split: "part" } } },
      {},
      { onCurve: async () => void (epochs += 1) },
    );
    await expect(told).rejects.toThrow(/bad-test\.csv, row 8, column "x": "oops" can't be used/);
    expect(epochs).toBe(0);
  });
});

describe("pictures and signals", () => {
  const images = path.join(place.path, "images");
  const draw = (name: string, isTall: boolean, at: number) => drawIn(images, name, isTall, at);
  const drawIn = async (images: string, name: string, isTall: boolean, at: number): Promise<void> => {
    const pixels = Buffer.alloc(64, 20);
    for (let step = 0; step < 8; step++) pixels[isTall ? step * 8 + (at % 8) : (at % 8) * 8 + step] = 200;
    const folder = path.join(images, isTall ? "tall" : "wide");
    mkdirSync(folder, { recursive: true });
    await sharp(pixels, { raw: { width: 8, height: 8, channels: 1 } })
      .png()
      .toFile(path.join(folder, name));
  };

  it("are prepared by steps that are declared, and a corrupt one is left out where it is said", async () => {
    for (let at = 0; at < 16; at++) for (const isTall of [true, false]) await draw(`${at}.png`, isTall, at);
    const order = { data: { description: { files: images } }, settings: { ...FAST, epochs: 2 } };
    writeFileSync(path.join(images, "tall", "99.png"), "no picture");
    await expect(trainNow(order)).rejects.toThrow("99.png");
    const { model, processing, record } = await trainNow({ ...order, badRows: "skip" });
    expect(record.data).toMatchObject({ skippedRows: 1 });
    expect(modelFromBytes(model).graph.inputs[0]).toMatchObject({ name: "image", type: { shape: ["N", 1, 8, 8] } });
    expect(processing).toMatchObject({
      input: "image",
      before: [
        { step: "decode-image", channels: "grey" },
        { step: "resize", height: 8, width: 8 },
        { step: "scale" },
        { step: "layout", to: "CHW" },
      ],
    });
    expect(record.task).toMatchObject({ target: "label", labels: ["tall", "wide"] });
  });

  it("are as large as is said, differ as is said, and may have dropout without a network being named", async () => {
    const tidy = path.join(place.path, "tidy");
    for (let at = 0; at < 12; at++) for (const isTall of [true, false]) await drawIn(tidy, `${at}.png`, isTall, at);
    const order = { data: { description: { files: tidy } }, network: { kind: "default", dropout: 0.2 } };
    const settings = { ...FAST, epochs: 1, imagePixels: 4, augment: { flip: "horizontal" } };
    const { model, record } = await trainNow({ ...order, settings });
    expect(modelFromBytes(model).graph.inputs[0]).toMatchObject({ type: { shape: ["N", 1, 4, 4] } });
    expect(record.network.kind).toBe("cnn");
    expect((await trainNow({ ...order, settings: { ...settings, augment: {} } })).record.curve).not.toEqual(
      record.curve,
    );
  });

  it("keep their colours where the first ones have none", async () => {
    const mixed = path.join(place.path, "mixed");
    for (let at = 0; at < 40; at++) {
      await drawIn(mixed, `${at}.png`, true, at);
      const red = Buffer.from(Array.from({ length: 64 * 3 }, (_, byte) => (byte % 3 === 0 ? 200 : at)));
      mkdirSync(path.join(mixed, "wide"), { recursive: true });
      await sharp(red, { raw: { width: 8, height: 8, channels: 3 } })
        .png()
        .toFile(path.join(mixed, "wide", `${at}.png`));
    }
    const { model } = await trainNow({ data: { description: { files: mixed } }, settings: { ...FAST, epochs: 1 } });
    expect(modelFromBytes(model).graph.inputs[0]).toMatchObject({ type: { shape: ["N", 3, 8, 8] } });
  });

  it("may be named by a table, prepared as is told or as is found", async () => {
    const tidy = path.join(place.path, "named");
    for (let at = 0; at < 12; at++) for (const isTall of [true, false]) await drawIn(tidy, `${at}.png`, isTall, at);
    const file = place.write(
      "named.csv",
      table(
        24,
        (row) => [`named/${row % 2 === 0 ? "tall" : "wide"}/${Math.floor(row / 2)}.png`, row % 2, row],
        "file,wide,size",
      ),
    );
    const order = (picture: object, size: string | null = null) => ({
      data: { description: { files: file, inputs: { picture, ...(size === null ? {} : { size }) } } },
      target: "wide",
      settings: { ...FAST, epochs: 1 },
    });
    const found = await trainNow(order({ image: "file" }));
    expect(modelFromBytes(found.model).graph.inputs).toMatchObject([
      { name: "picture", type: { shape: ["N", 1, 8, 8] } },
    ]);
    expect(found.processing).toMatchObject({ input: "picture" });
    const before = [
      { step: "decode-image", channels: "rgb" },
      { step: "resize", height: 6, width: 5 },
      { step: "layout", to: "CHW" },
    ];
    const told = await trainNow(order({ image: "file", before }));
    expect(modelFromBytes(told.model).graph.inputs[0]).toMatchObject({ type: { shape: ["N", 3, 6, 5] } });
    await expect(trainNow(order({ image: "file", before: before.slice(0, 2) }))).rejects.toThrow("channels first");
    await expect(trainNow(order({ image: "file" }, "size"))).rejects.toThrow("from pictures or from columns");
  });

  it("of arrays are learnt from by convolutions over time", async () => {
    const rows = 40;
    const data = Float32Array.from({ length: rows * 32 }, (_, at) => {
      const row = Math.floor(at / 32);
      return Math.sin(((at % 32) + row) * (row % 2 === 0 ? 0.3 : 0.9));
    });
    place.write("signals.npy", npyFromTensor({ dtype: "float32", shape: [rows, 32], data }));
    const labels = BigInt64Array.from({ length: rows }, (_, row) => BigInt(row % 2));
    place.write("label.npy", npyFromTensor({ dtype: "int64", shape: [rows], data: labels }));
    const files = ["signals.npy", "label.npy"].map((name) => path.join(place.path, name));
    const { model, record } = await trainNow({
      data: { description: { files } },
      target: "label",
      settings: { ...FAST, epochs: 12, batchRows: 8 },
    });
    expect(modelFromBytes(model).graph.inputs[0]).toMatchObject({ name: "signals", type: { shape: ["N", 32] } });
    expect(record.network).toMatchObject({ kind: "cnn", text: "of signals 1 × 32" });
    expect(record.result!.figures.validation).toMatchObject({ accuracy: 1 });
  });
});

describe("rows that count differently", () => {
  it("by class, do so for the linear model too", async () => {
    // One in ten is rare, and lies where others do too: a model of all rows alike never says so.
    const file = place.write(
      "rare.csv",
      table(
        400,
        (row) => [
          (row % 10 === 0 ? 0.7 + 0.3 * ((row % 70) / 70) : ((row * 37) % 101) / 101).toFixed(4),
          row % 10 === 0 ? "rare" : "often",
        ],
        "x,y",
      ),
    );
    const order = { data: { description: { files: file } }, target: "y" };
    const linear = async (classWeights: "none" | "balanced") => {
      const { record } = await trainNow({ ...order, settings: { ...FAST, classWeights } });
      const { figures } = record.baselines.at(-1)!;
      return figures.kind === "classification" ? figures.balancedAccuracy : 0;
    };
    expect(await linear("none")).toBe(0.5);
    expect(await linear("balanced")).toBeGreaterThan(0.7);
  });

  const [rows, width] = [60, 16];
  const labels = Array.from({ length: rows }, (_, row) => row % 2);
  const array = (name: string, values: readonly number[], shape: readonly number[]) =>
    place.write(name, npyFromTensor({ dtype: "float32", shape, data: Float32Array.from(values) }));
  const files = [
    array(
      "wave.npy",
      Array.from({ length: rows * width }, (_, at) => noise[at % 400]! + (Math.floor(at / width) % 2)),
      [rows, width],
    ),
    place.write("side.npy", npyFromTensor({ dtype: "int64", shape: [rows], data: BigInt64Array.from(labels, BigInt) })),
    array(
      "counts.npy",
      labels.map((label) => 0.5 + label),
      [rows],
    ),
  ];
  const settings = { ...FAST, batchRows: 16 };

  it("do so for signals and for a model that is there", async () => {
    const base = bytesFromModel(smallNetwork(width, 4, 2));
    const hash = createHash("sha256").update(base).digest("hex");
    for (const more of [{}, { base: { hash, of: "small" } }]) {
      const of = (weight: string | null) => ({
        data: { description: { files, label: "side", weight } },
        settings,
        ...more,
      });
      const [weighted, alike] = [
        await trainNow(of("counts"), { [hash]: base }),
        await trainNow(
          { ...of(null), data: { description: { files: files.slice(0, 2), label: "side" } } },
          { [hash]: base },
        ),
      ];
      expect(weighted.record.curve[0]!.trainingLoss).not.toBe(alike.record.curve[0]!.trainingLoss);
    }
  });
});

describe("a model that is there", () => {
  const base = bytesFromModel(smallNetwork(2, 8, 3));
  const hash = createHash("sha256").update(base).digest("hex");
  const rows = { data: { description: { files: flowers } }, target: "kind", settings: FAST };
  const from = (more: object) => ({ ...rows, base: { hash, of: "small", ...more } });

  it("learns more, all of it", async () => {
    const { model, record } = await trainNow(from({}), { [hash]: base });
    expect(record.network).toEqual({ kind: "model", text: "from small", learned: 2 * 8 + 8 + 8 * 3 + 3 });
    const [before, after] = [weightsOf(modelFromBytes(base)), weightsOf(modelFromBytes(model))];
    for (const name of ["first.weight", "last.weight"]) expect(after[name]).not.toEqual(before[name]);
  });

  it("gets a new last layer, and leaves what is frozen as it is", async () => {
    const file = place.write(
      "two.csv",
      table(80, (row) => [row % 2, noise[row]!.toFixed(3), row % 2 === 0 ? "no" : "yes"], "a,b,answer"),
    );
    const two = { data: { description: { files: file } }, target: "answer", settings: FAST };
    const order = { ...two, base: { hash, of: "small", isHeadNew: true, freeze: ["*"] } };
    const { model, record } = await trainNow(order, { [hash]: base });
    expect(record.network.learned).toBe(8 * 2 + 2);
    const [before, after] = [weightsOf(modelFromBytes(base)), weightsOf(modelFromBytes(model))];
    expect(after["first.weight"]).toEqual(before["first.weight"]);
    expect(after["last.weight"]).toBeUndefined();
    expect(after["head.weight"]).toHaveLength(16);
    const told = trainNow({ ...two, base: { hash, of: "small" } }, { [hash]: base });
    await expect(told).rejects.toThrow("The model has 3 scores");
  });

  it("may keep its weights in Constant nodes, as some exporters do", async () => {
    const made = smallNetwork(2, 8, 3);
    const constants = made.graph.initializers.map((one) =>
      createNode({
        opType: "Constant",
        inputs: [],
        outputs: [one.name],
        attributes: [attributeFrom("value", tensorFromInitializer(one))],
      }),
    );
    const graph = { ...made.graph, initializers: [], nodes: [...constants, ...made.graph.nodes] };
    const foreign = bytesFromModel({ ...made, graph });
    const stored = createHash("sha256").update(foreign).digest("hex");
    const order = { ...rows, base: { hash: stored, of: "foreign", isHeadNew: true, freeze: ["*"] } };
    const { model, record } = await trainNow(order, { [stored]: foreign });
    expect(record.network.learned).toBe(8 * 3 + 3);
    expect(weightsOf(modelFromBytes(model))["first.weight"]).toEqual(weightsOf(made)["first.weight"]);
  });

  it("is told of names that no parameter has, and may say anything of itself", async () => {
    const told = trainNow(from({ freeze: ["first.*", "layer4.*"] }), { [hash]: base });
    await expect(told).rejects.toThrow(
      '"layer4.*" is to stay as it is, and no parameter of the model is called so; there is first.weight, first.bias',
    );
    const says = Object.entries({ "slipway.examples": "none, sorry", "slipway.network": "" });
    const odd = bytesFromModel({ ...smallNetwork(2, 8, 3), metadata: new Map(says) });
    const its = createHash("sha256").update(odd).digest("hex");
    const { record } = await trainNow({ ...rows, base: { hash: its, of: "odd" } }, { [its]: odd });
    expect(record.result!.examples).toEqual([]);
  });

  describe("in a form that does not learn as it is", () => {
    const drawn = createRandom(9);
    const numbers = (count: number) => Array.from({ length: count }, () => 0.5 * drawNormal(drawn));
    /** x·W + b of two inputs, and what comes behind it. */
    function made(
      outputs: number,
      rows: number | "N",
      behind: (g: ReturnType<typeof graphBuilder>, scores: string) => readonly [string, readonly (number | string)[]],
      isQuantised = false,
    ): { readonly hash: string; readonly blobs: Record<string, Uint8Array> } {
      const g = graphBuilder({ opset: 17 });
      const x = g.input("x", "float32", [rows, 2]);
      const weight = isQuantised
        ? g.op("DequantizeLinear", [
            g.values(
              "int8",
              Array.from({ length: 16 }, (_, at) => ((at * 37) % 100) - 50),
              [2, 8],
              "stored",
            ),
            g.values(
              "float32",
              Array.from({ length: 8 }, () => 0.02),
              [8],
              "scales",
            ),
          ])
        : g.values("float32", numbers(16), [2, 8], "first.weight");
      const hidden = g.op("Relu", [g.op("MatMul", [x, weight])]);
      const scores = g.op("Gemm", [hidden, g.values("float32", numbers(8 * outputs), [8, outputs], "last.weight")]);
      const [value, shape] = behind(g, scores);
      g.output("answer", value, "float32", shape);
      const bytes = bytesFromModel(g.model());
      const of = createHash("sha256").update(bytes).digest("hex");
      return { hash: of, blobs: { [of]: bytes } };
    }
    const tuned = async ({ hash: of, blobs }: ReturnType<typeof made>, more: object = {}, order: object = rows) =>
      await trainNow({ ...order, base: { hash: of, of: "made", ...more } }, blobs);

    it("learns for any number of rows where it took one", async () => {
      const { model, record } = await tuned(made(3, 1, (_, scores) => [scores, [1, 3]]));
      const { inputs, outputs } = modelFromBytes(model).graph;
      expect(inputs[0]!.type).toMatchObject({ shape: [expect.any(String), 2] });
      expect(outputs[1]!.type).toMatchObject({ shape: [expect.any(String), 3] });
      expect(record.result!.figures.validation).toMatchObject({ rows: 24 });
      const along = made(3, 1, (g, scores) => [g.op("Mul", [scores, g.op("Softmax", [scores], { axis: 0 })]), [1, 3]]);
      await expect(tuned(along)).rejects.toThrow(
        /takes 1 row at a time, and what learns has to take any number: .*Softmax.* Export it with an open batch\./,
      );
    });

    it("does not learn where its weights are integers, but for a new last layer", async () => {
      const quantised = made(3, "N", (_, scores) => [scores, ["N", 3]], true);
      await expect(tuned(quantised)).rejects.toThrow(
        "The model is quantised: it stores 'stored' as int8, which can't learn.",
      );
      await expect(tuned(quantised, { isHeadNew: true })).rejects.toThrow("--head --freeze '*'");
      const { record, model } = await tuned(quantised, { isHeadNew: true, freeze: ["*"] });
      expect(record.network.learned).toBe(8 * 3 + 3);
      expect(modelFromBytes(model).graph.nodes.map(({ opType }) => opType)).toContain("DequantizeLinear");
    });

    it("learns a number a row, and takes a new last layer, where it answers [N]", async () => {
      const squeezed = made(1, "N", (g, scores) => [g.op("Squeeze", [scores, g.values("int64", [1], [1])]), ["N"]]);
      const sums = place.write(
        "sums.csv",
        table(
          200,
          (row) => [noise[row]!.toFixed(4), noise[row + 200]!.toFixed(4), (noise[row]! + noise[row + 200]!).toFixed(4)],
          "a,b,sum",
        ),
      );
      const numbersOrder = {
        data: { description: { files: sums, inputs: { x: ["a", "b"] } } },
        target: "sum",
        settings: { ...FAST, epochs: 60, learningRate: 0.02 },
      };
      const { record, model } = await tuned(squeezed, {}, numbersOrder);
      expect(record.result!.figures.validation).toMatchObject({ kind: "regression" });
      expect((record.result!.figures.validation as { r2: number }).r2).toBeGreaterThan(0.9);
      expect(modelFromBytes(model).graph.outputs[0]!.type).toMatchObject({ shape: ["N"] });
      const likely = made(1, "N", (g, scores) => {
        const flat = g.op("Squeeze", [g.op("Sigmoid", [scores]), g.values("int64", [1], [1])]);
        return [flat, ["N"]];
      });
      await expect(tuned(likely)).rejects.toThrow("The model has 1 scores");
      expect((await tuned(likely, { isHeadNew: true })).record.network.learned).toBe(2 * 8 + 8 * 3 + 3);
    });
  });

  it("that was trained here keeps its encoder", async () => {
    const first = await trainNow(rows);
    const own = createHash("sha256").update(first.model).digest("hex");
    const order = { ...rows, base: { hash: own, of: "flowers@1", processing: first.processing } };
    const { model, record } = await trainNow(order, { [own]: first.model });
    expect(record.network.learned).toBe(first.record.network.learned);
    const [before, after] = [weightsOf(modelFromBytes(first.model)), weightsOf(modelFromBytes(model))];
    for (const [name, values] of Object.entries(before)) {
      if (!name.startsWith("network.")) expect(after[name]).toEqual(values);
    }
  });
});
