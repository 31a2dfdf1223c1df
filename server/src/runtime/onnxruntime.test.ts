import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CONFORMANCE_CASES,
  type ConformanceSkips,
  DEFAULT_SESSION_SETTINGS,
  type Session,
  type SessionSettings,
} from "@slipway/core/backend";
import {
  createGraph,
  createModel,
  createNode,
  createValueInfo,
  type GraphBuilder,
  graphBuilder,
  type Initializer,
} from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import { type DType, typeText } from "@slipway/core/tensor";
import { describe, expect, it } from "vitest";
import { cleanEngineText } from "./engine-errors.ts";
import { createOnnxRuntimeBackend } from "./onnxruntime.ts";

const backend = createOnnxRuntimeBackend();

const SKIPS: ConformanceSkips = {
  "uses an optional input's default, and takes a value for it":
    "onnxruntime-node ignores values for inputs that have a default, so such inputs are left out of the signature",
};

describe("ONNX Runtime conforms", () => {
  for (const { name, run } of CONFORMANCE_CASES) {
    const reason = SKIPS[name];
    if (reason === undefined) it(name, () => run({ backend, write: bytesFromModel }));
    else it.skip(`${name} (${reason})`, () => undefined);
  }
});

async function load(
  build: (graph: GraphBuilder) => void,
  settings: Partial<SessionSettings> = {},
  externalData: ReadonlyMap<string, Uint8Array> = new Map(),
): Promise<Session> {
  const graph = graphBuilder({ opset: 21 });
  build(graph);
  return backend.load(
    { model: bytesFromModel(graph.model()), externalData },
    { ...DEFAULT_SESSION_SETTINGS, ...settings },
  );
}

const identity =
  (dtype: DType) =>
  (graph: GraphBuilder): void =>
    graph.output("y", graph.op("Identity", [graph.input("x", dtype, ["N"])]), dtype, ["N"]);

function externalTensor(name: string, location: string, offset = 0): Initializer {
  const data = {
    kind: "external" as const,
    reference: { location, offset, length: 8, checksum: null, others: new Map() },
  };
  return {
    kind: "initializer",
    name,
    dtype: "float32",
    shape: [2],
    data,
    docString: "",
    metadata: new Map(),
    extra: [],
  };
}

describe("what ONNX Runtime on Node can't pass is refused with its name", () => {
  for (const dtype of ["bfloat16", "float8e4m3fn", "complex64"] as const) {
    it(dtype, async () => {
      await expect(load(identity(dtype))).rejects.toMatchObject({
        code: "MODEL_UNSUPPORTED",
        message: expect.stringContaining(`The input "x" is ${dtype}[N]`),
      });
    });
  }

  it("sequences", async () => {
    const graph = createGraph({
      name: "g",
      inputs: [createValueInfo("x", { kind: "tensor", dtype: "float32", shape: ["N"] })],
      outputs: [
        createValueInfo("y", {
          kind: "sequence",
          element: { kind: "map", key: "int64", value: { kind: "tensor", dtype: "float32", shape: [] } },
        }),
      ],
      nodes: [createNode({ opType: "ZipMap", domain: "ai.onnx.ml", inputs: ["x"], outputs: ["y"] })],
    });
    const model = createModel({ irVersion: 8, opsets: new Map([["", 17]]), graph });
    const loading = backend.load({ model: bytesFromModel(model), externalData: new Map() }, DEFAULT_SESSION_SETTINGS);
    await expect(loading).rejects.toMatchObject({
      code: "MODEL_UNSUPPORTED",
      message: expect.stringMatching(/output "y" is sequence\(map\(int64, .*zipmap=False/),
    });
  });

  it("strings with NUL characters, which would be cut short in silence", async () => {
    const session = await load(identity("string"));
    const run = session.run([{ name: "x", dtype: "string", shape: [2], data: ["ok", "a\0b"] }], ["y"]);
    await expect(run).rejects.toMatchObject({ code: "RUN_FAILED", message: expect.stringContaining("NUL") });
  });
});

describe("what ONNX Runtime does not load is told in our words", () => {
  const graph = createGraph({
    name: "g",
    inputs: [createValueInfo("x", { kind: "tensor", dtype: "float32", shape: ["N"] })],
    outputs: [createValueInfo("y", { kind: "tensor", dtype: "float32", shape: ["N"] })],
    nodes: [createNode({ opType: "Relu", inputs: ["x"], outputs: ["y"] })],
  });
  const of = (version: number, domain = "") => new Map([["", 17]]).set(domain, version);

  it.each([
    [
      "an operator set too late",
      createModel({ irVersion: 8, opsets: of(99), graph }),
      /^ONNX Runtime could not load the model: it uses version 99 of the operator set ai\.onnx, and versions up to \d+ are supported\.$/,
    ],
    [
      "another operator set too late",
      createModel({ irVersion: 8, opsets: of(98, "ai.onnx.ml"), graph }),
      /it uses version 98 of the operator set ai\.onnx\.ml, and versions up to \d+ are supported\.$/,
    ],
    [
      "a later IR",
      createModel({ irVersion: 99, opsets: of(17), graph }),
      /: its file is of IR version 99, and versions up to \d+ are supported\.$/,
    ],
    [
      "nothing",
      createModel({ irVersion: 8, opsets: of(17), graph: createGraph({ name: "g" }) }),
      /^ONNX Runtime could not load the model: its graph has no nodes and no outputs\. Export it with/,
    ],
  ])("%s", async (says, model, message) => {
    const loading = backend.load({ model: bytesFromModel(model), externalData: new Map() }, DEFAULT_SESSION_SETTINGS);
    await expect(loading).rejects.toMatchObject({
      code: says === "nothing" ? "MODEL_LOAD_FAILED" : "MODEL_UNSUPPORTED",
      message: expect.stringMatching(message) as string,
    });
  });
});

describe("the signature", () => {
  it("leaves out inputs that have a default", async () => {
    const session = await load((graph) => {
      const x = graph.input("x", "float32", ["N"]);
      graph.input("bias", "float32", [1]);
      graph.values("float32", [1], [1], "bias");
      graph.output("y", graph.op("Add", [x, "bias"]), "float32", ["N"]);
    });
    expect(session.signature.inputs.map(({ name }) => name)).toEqual(["x"]);
  });

  it("takes shapes the engine infers where the file states none", async () => {
    const session = await load((graph) => {
      const x = graph.input("x", "float32", ["N", 2]);
      graph.output("y", graph.op("MatMul", [x, graph.values("float32", [1, 2, 3, 4, 5, 6], [2, 3])]), "float32");
    });
    expect(typeText(session.signature.outputs[0]!.type)).toBe("float32[N, 3]");
  });
});

describe("external data", () => {
  const add =
    (location: string, offset = 0) =>
    (graph: GraphBuilder) => {
      const weights = graph.initializer(externalTensor("w", location, offset));
      graph.output("y", graph.op("Add", [graph.input("x", "float32", [2]), weights]), "float32", [2]);
    };
  const bytes = new Uint8Array(new Float32Array([9, 1, 2]).buffer);

  it("is read from the bytes given", async () => {
    const session = await load(add("w.bin", 4), {}, new Map([["w.bin", bytes]]));
    const x = { name: "x", dtype: "float32" as const, shape: [2], data: new Float32Array([10, 20]) };
    const [answer] = await session.run([x], ["y"]);
    expect(answer!.data).toEqual(new Float32Array([11, 22]));
  });

  it("is refused where the file was not given", async () => {
    await expect(load(add("package.json"))).rejects.toMatchObject({ code: "MODEL_UNSAFE" });
    await expect(load(add("other.bin"), {}, new Map([["w.bin", bytes]]))).rejects.toMatchObject({
      code: "MODEL_UNSAFE",
    });
  });

  it("is refused where it reaches past the file's end", async () => {
    const loading = load(add("w.bin", 8), {}, new Map([["w.bin", bytes]]));
    await expect(loading).rejects.toMatchObject({ code: "MODEL_INVALID", message: expect.stringContaining("has 12") });
  });

  it("is refused in sparse tensors, which the engine would read from the working directory", async () => {
    const values = externalTensor("w", "package.json");
    const indices: Initializer = { ...externalTensor("w_indices", "package.json"), dtype: "int64" };
    const sparse = { kind: "sparse-initializer" as const, values, indices, shape: [4], extra: [] };
    const graph = createGraph({
      name: "g",
      inputs: [createValueInfo("x", { kind: "tensor", dtype: "float32", shape: [4] })],
      outputs: [createValueInfo("y", { kind: "tensor", dtype: "float32", shape: [4] })],
      sparseInitializers: [sparse],
      nodes: [createNode({ opType: "Add", inputs: ["x", "w"], outputs: ["y"] })],
    });
    const model = createModel({ irVersion: 8, opsets: new Map([["", 17]]), graph });
    const given = new Map([["package.json", bytes]]);
    for (const externalData of [new Map<string, Uint8Array>(), given]) {
      const loading = backend.load({ model: bytesFromModel(model), externalData }, DEFAULT_SESSION_SETTINGS);
      await expect(loading).rejects.toMatchObject({ code: "MODEL_UNSAFE" });
    }
  });
});

describe("settings", () => {
  it("are refused with a suggestion when a key is unknown, and when a value can't be", async () => {
    const configEntries = { "session.disable_prepackin": "1" };
    await expect(load(identity("float32"), { configEntries })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("Did you mean session.disable_prepacking?"),
    });
    const wrongValue = { "session.disable_prepacking": "yes" };
    await expect(load(identity("float32"), { configEntries: wrongValue })).rejects.toMatchObject({
      message: expect.stringContaining('takes "0" or "1"'),
    });
  });

  it("are refused when a key would read or write files", async () => {
    for (const key of [
      "session.optimized_model_filepath",
      "session.model_external_initializers_file_folder_path",
      "ep.context_file_path",
    ]) {
      await expect(load(identity("float32"), { configEntries: { [key]: "/x" } })).rejects.toMatchObject({
        code: "CONFIG_INVALID",
      });
    }
  });

  it("reach the engine: constant folding stops at its cap", async () => {
    const bomb = (graph: GraphBuilder): void => {
      const shape = graph.values("int64", [3000, 3000]);
      const folded = graph.op("Neg", [graph.op("ConstantOfShape", [shape])]);
      graph.output("y", graph.op("Mul", [graph.input("x", "float32", [1]), folded]), "float32", [3000, 3000]);
    };
    const before = process.memoryUsage.rss();
    const configEntries = { "optimization.constant_folding_max_output_size_in_bytes": "1048576" };
    const session = await load(bomb, { configEntries });
    expect(process.memoryUsage.rss() - before).toBeLessThan(30 * 2 ** 20);
    await session.unload();
  });
});

it("the engine's telemetry never starts", async () => {
  const session = await load(identity("float32"));
  await session.unload();
  expect(existsSync(join(tmpdir(), `mat-debug-${process.pid}.log`))).toBe(false);
});

describe("texts of the engine", () => {
  it("lose source files and directories, and keep node names", () => {
    const text = cleanEngineText(
      "/onnxruntime_src/onnxruntime/core/framework/op.cc:12 void f() Conv '/encoder/layer.0/Conv' in /home/me/model.onnx\n failed",
    );
    expect(text).toBe("void f() Conv '/encoder/layer.0/Conv' in … failed.");
  });

  it("stay short", () => {
    expect(cleanEngineText("x".repeat(10_000)).length).toBeLessThan(700);
  });
});
