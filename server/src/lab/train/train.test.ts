import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { SlipwayError } from "@slipway/core/base";
import { type Model, tensorFromInitializer } from "@slipway/core/graph";
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
      'The column "z" has no value',
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
});

describe("pictures and signals", () => {
  const images = path.join(place.path, "images");
  const draw = async (name: string, isTall: boolean, at: number): Promise<void> => {
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
