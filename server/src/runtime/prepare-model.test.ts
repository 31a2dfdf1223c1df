import { DEFAULT_SESSION_SETTINGS, type Session } from "@slipway/core/backend";
import { FakeClock } from "@slipway/core/base";
import { type GraphBuilder, graphBuilder } from "@slipway/core/graph";
import { bytesFromModel } from "@slipway/core/onnx";
import { describe, expect, it } from "vitest";
import type { BatchingOrder } from "./control.ts";
import { CostModel } from "./cost-model.ts";
import { createOnnxRuntimeBackend } from "./onnxruntime.ts";
import { type PreparedModel, prepareModel } from "./prepare-model.ts";

const backend = createOnnxRuntimeBackend();

async function prepare(
  build: (graph: GraphBuilder) => void,
  order: Partial<BatchingOrder> = {},
): Promise<PreparedModel> {
  const graph = graphBuilder({ opset: 17 });
  build(graph);
  const session = await backend.load(
    { model: bytesFromModel(graph.model()), externalData: new Map() },
    DEFAULT_SESSION_SETTINGS,
  );
  const batching: BatchingOrder = {
    mode: "auto",
    maxRows: 16,
    padAxis: null,
    padValues: {},
    maskInput: null,
    grouping: "cost",
    ...order,
  };
  return prepareModel(session, { batching, warmUpRuns: 2 }, new FakeClock(), new CostModel());
}

const f32 = "float32";

describe("models whose rows are independent are batched", () => {
  const cases: Record<string, (graph: GraphBuilder) => void> = {
    "a linear layer": (g) => {
      const x = g.input("x", f32, ["N", 3]);
      g.output("y", g.op("MatMul", [x, g.values(f32, [1, 2, 3, 4, 5, 6], [3, 2])]), f32, ["N", 2]);
    },
    "an unnamed first axis": (g) => g.output("y", g.op("Neg", [g.input("x", f32, [null, 3])]), f32, [null, 3]),
    "several inputs and outputs, of several types": (g) => {
      const x = g.input("x", f32, ["N", 3]);
      const mask = g.input("mask", "bool", ["N", 3]);
      g.output("y", g.op("Where", [mask, x, g.values(f32, [0])]), f32, ["N", 3]);
      g.output("label", g.op("ArgMax", [x], { axis: 1, keepdims: 0 }), "int64", ["N"]);
    },
    strings: (g) => {
      const x = g.input("x", "string", ["N"]);
      g.output("y", g.op("Identity", [x]), "string", ["N"]);
    },
    "an embedding, whose indices must be in range": (g) => {
      const table = g.values(
        f32,
        Array.from({ length: 20 }, (_, i) => i),
        [10, 2],
      );
      g.output("y", g.op("Gather", [table, g.input("i", "int64", ["N", "L"])]), f32, ["N", "L", 2]);
    },
    "an open axis that must be a multiple of 32": (g) => {
      const x = g.input("x", f32, ["N", "L"]);
      const cut = g.op("Reshape", [x, g.values("int64", [0, -1, 32])]);
      g.output("y", g.op("ReduceSum", [cut, g.values("int64", [1, 2])], { keepdims: 0 }), f32, ["N"]);
    },
  };
  for (const [name, build] of Object.entries(cases)) {
    it(name, async () => {
      expect((await prepare(build)).plan).toEqual({ mode: "dynamic", maxRows: 16, reason: null, padAxis: null });
    });
  }
});

describe("models that can't be batched are not, and say why", () => {
  const cases: Record<string, readonly [RegExp, (graph: GraphBuilder) => void]> = {
    "a fixed first axis": [
      /"x" has a fixed first axis of 4/,
      (g) => g.output("y", g.op("Neg", [g.input("x", f32, [4, 3])]), f32, [4, 3]),
    ],
    "a scalar input": [
      /"s" is a scalar/,
      (g) => g.output("y", g.op("Mul", [g.input("x", f32, ["N"]), g.input("s", f32, [])]), f32, ["N"]),
    ],
    "an input of unknown rank": [
      /"x" does not state its shape/,
      (g) => g.output("y", g.op("Neg", [g.input("x", f32, null)]), f32, null),
    ],
    "first axes of different names": [
      /different names, "N" and "M"/,
      (g) => {
        const both = g.op("Concat", [g.input("a", f32, ["N"]), g.input("b", f32, ["M"])], { axis: 0 });
        g.output("y", both, f32, ["K"]);
      },
    ],
    "an output without an axis for rows": [
      /"y" is a scalar/,
      (g) => g.output("y", g.op("ReduceSum", [g.input("x", f32, ["N"])], { keepdims: 0 }), f32, []),
    ],
    "an output whose rows are not the batch's": [
      /Output "y" has no axis for rows: \d rows gave/,
      (g) => g.output("y", g.op("Reshape", [g.input("x", f32, ["N", 2]), g.values("int64", [-1])]), f32, null),
    ],
    "a softmax over the rows": [
      /Rows are not independent: in a batch, output "y" differs/,
      (g) => g.output("y", g.op("Softmax", [g.input("x", f32, ["N", 3])], { axis: 0 }), f32, ["N", 3]),
    ],
    "a sum that runs on from row to row": [
      /Rows are not independent/,
      (g) => g.output("y", g.op("CumSum", [g.input("x", f32, ["N", 3]), g.values("int64", [0], [])]), f32, ["N", 3]),
    ],
    "rows turned around": [
      /Rows are not independent/,
      (g) => {
        const x = g.input("x", f32, ["N", 3]);
        const [starts, ends, axes, steps] = [[-1], [-1000], [0], [-1]].map((list) => g.values("int64", list));
        g.output("y", g.op("Slice", [x, starts!, ends!, axes!, steps!]), f32, ["N", 3]);
      },
    ],
    "8-bit scales taken over the whole batch": [
      /Rows are not independent/,
      (g) => {
        const x = g.input("x", f32, ["N", 3]);
        const [quantized, scale, zero] = g.opOutputs("DynamicQuantizeLinear", [x], 3);
        g.output("y", g.op("DequantizeLinear", [quantized!, scale!, zero!]), f32, ["N", 3]);
      },
    ],
    "random numbers": [
      /stochastic/,
      (g) => {
        const x = g.input("x", f32, ["N", 3]);
        g.output("y", g.op("Add", [x, g.op("RandomUniformLike", [x])]), f32, ["N", 3]);
      },
    ],
    "inputs that can't be made up": [
      /could not be tried whether rows are independent/,
      (g) => {
        const picked = g.op("Gather", [
          g.values(f32, [1]),
          g.op("Add", [g.input("i", "int64", ["N"]), g.values("int64", [5])]),
        ]);
        g.output("y", picked, f32, ["N"]);
      },
    ],
  };
  for (const [name, [reason, build]] of Object.entries(cases)) {
    it(name, async () => {
      const { plan } = await prepare(build);
      expect(plan).toMatchObject({ mode: "off", maxRows: 1, padAxis: null });
      expect(plan.reason).toMatch(reason);
    });
  }

  it("by configuration", async () => {
    const build = (g: GraphBuilder): void => g.output("y", g.op("Neg", [g.input("x", f32, ["N"])]), f32, ["N"]);
    expect((await prepare(build, { mode: "off" })).plan.reason).toContain("runtime.batching");
    expect((await prepare(build, { maxRows: 1 })).plan.reason).toContain("runtime.maxBatchRows");
  });
});

describe("padding", () => {
  it("is used where a row's answer does not depend on it", async () => {
    const { plan, padding } = await prepare(
      (g) => {
        const ids = g.input("ids", "int64", ["N", "L"]);
        const mask = g.input("mask", "int64", ["N", "L"]);
        const table = g.values(f32, [1, 2, 3, 4, 5, 6], [3, 2]);
        const weight = g.op("Unsqueeze", [g.op("Cast", [mask], { to: 1 }), g.values("int64", [2])]);
        const tokens = g.op("Mul", [g.op("Gather", [table, ids]), weight]);
        g.output("tokens", tokens, f32, ["N", "L", 2]);
        g.output("pooled", g.op("ReduceSum", [tokens, g.values("int64", [1])], { keepdims: 0 }), f32, ["N", 2]);
      },
      { padAxis: 1 },
    );
    expect(plan).toEqual({ mode: "dynamic", maxRows: 16, reason: null, padAxis: 1 });
    expect(padding).toEqual({ axis: 1, ports: [0, 1], values: [0n, 0n], outputAxes: [1, null] });
  });

  /** The mean of an embedding's tokens: those the mask holds, or those that are not the id 0. */
  const meanOfTokens =
    (mask: string | null) =>
    (g: GraphBuilder): void => {
      const ids = g.input("ids", "int64", ["N", "L"]);
      const table = g.values(f32, [0, 9, 1, 2, 3, 4, 5, 6, 7, 8], [5, 2]);
      const zero = g.values("int64", [0], []);
      const keep =
        mask === null
          ? g.op("Cast", [g.op("Not", [g.op("Equal", [ids, g.values("int64", [4], [])])])], { to: 1 })
          : g.op("Cast", [g.op("Greater", [g.input(mask, "int64", ["N", "L"]), zero])], { to: 1 });
      const axis = g.values("int64", [2]);
      const tokens = g.op("Mul", [g.op("Gather", [table, ids]), g.op("Unsqueeze", [keep, axis])]);
      const sum = g.op("ReduceSum", [tokens, g.values("int64", [1])], { keepdims: 0 });
      const count = g.op("ReduceSum", [keep, g.values("int64", [1])], { keepdims: 1 });
      g.output("mean", g.op("Div", [sum, count]), f32, ["N", 2]);
    };

  it("fills the mask with 0, and other inputs with what is asked for", async () => {
    const { plan, padding, mask, signature } = await prepare(meanOfTokens("attention_mask"), {
      padAxis: 1,
      padValues: { ids: 4 },
    });
    expect(plan).toMatchObject({ padAxis: 1, reason: null });
    expect(padding).toMatchObject({ values: [4n, 0n] });
    // Not declared as made by the server, so callers must send it.
    expect(mask).toBeNull();
    expect(signature.inputs.map(({ isOptional }) => isOptional === true)).toEqual([false, false]);
  });

  it("makes the mask that is named, whatever its name, for callers that leave it out", async () => {
    const { plan, mask, signature } = await prepare(meanOfTokens("keep"), { padAxis: 1, maskInput: "keep" });
    expect(plan).toMatchObject({ padAxis: 1, reason: null });
    expect(mask).toEqual({
      port: 1,
      dtype: "int64",
      sources: [
        { port: 0, axis: 0 },
        { port: 0, axis: 1 },
      ],
    });
    expect(signature.inputs.map(({ isOptional }) => isOptional === true)).toEqual([false, true]);
  });

  it("may mark itself, by an id that the model takes for padding", async () => {
    expect((await prepare(meanOfTokens(null), { padAxis: 1, padValues: { ids: 4 } })).plan).toMatchObject({
      padAxis: 1,
    });
    const { plan } = await prepare(meanOfTokens(null), { padAxis: 1 });
    expect(plan.padAxis).toBeNull();
    expect(plan.reason).toMatch(/padding changes answers/);
  });

  it.each<[RegExp, Partial<BatchingOrder>]>([
    [/no input "other"/, { maskInput: "other" }],
    [/names "other", which is no input with the padded axis/, { padValues: { other: 1 } }],
    [/names "attention_mask", which is the mask/, { padValues: { attention_mask: 1 } }],
    [/has 0.5 for "ids", which int64 can't hold/, { padValues: { ids: 0.5 } }],
    [/A trial run of a padded batch failed/, { padValues: { ids: 5 } }],
  ])("is left, with the reason, where the settings can't be: %s", async (reason, order) => {
    const { plan } = await prepare(meanOfTokens("attention_mask"), { padAxis: 1, ...order });
    expect(plan).toMatchObject({ mode: "dynamic", padAxis: null });
    expect(plan.reason).toMatch(reason);
  });

  const refused: Record<string, readonly [RegExp, (graph: GraphBuilder) => void]> = {
    "it changes answers": [
      /padding changes answers/,
      (g) => {
        const mean = g.op("ReduceMean", [g.input("x", f32, ["N", "L"])], { axes: [1], keepdims: 0 });
        g.output("y", mean, f32, ["N"]);
      },
    ],
    "no input has the axis open": [
      /No input has an open axis 1/,
      (g) => g.output("y", g.op("Neg", [g.input("x", f32, ["N", 3])]), f32, ["N", 3]),
    ],
    "the axis has no name": [
      /has no name/,
      (g) => g.output("y", g.op("Neg", [g.input("x", f32, ["N", null])]), f32, ["N", null]),
    ],
  };
  for (const [name, [reason, build]] of Object.entries(refused)) {
    it(`is left, with the reason, where ${name}`, async () => {
      const { plan, padding } = await prepare(build, { padAxis: 1 });
      expect(plan).toMatchObject({ mode: "dynamic", padAxis: null });
      expect(plan.reason).toMatch(reason);
      expect(padding).toBeNull();
    });
  }
});

it("a model that refuses made-up rows is served, and its callers see what it refuses", async () => {
  const { plan } = await prepare((g) => {
    const x = g.input("x", "int32", ["N", 2]);
    g.output("y", g.op("Div", [g.values("int32", [1000]), x]), "int32", ["N", 2]);
  });
  expect(plan).toMatchObject({ mode: "off", reason: expect.stringContaining("division by zero") });
});

it("a bug in a session is not taken for a property of the model", async () => {
  const broken: Session = {
    signature: { inputs: [], outputs: [] },
    run: () => Promise.reject(new TypeError("a bug")),
    unload: () => Promise.resolve(),
  };
  const batching: BatchingOrder = {
    mode: "auto",
    maxRows: 16,
    padAxis: null,
    padValues: {},
    maskInput: null,
    grouping: "cost",
  };
  await expect(prepareModel(broken, { batching, warmUpRuns: 1 }, new FakeClock(), new CostModel())).rejects.toThrow(
    "a bug",
  );
});
