import { describe, expect, it } from "vitest";
import { graphBuilder, tensorOfValues } from "#graph";
import { bytesFromModel, modelFromBytes } from "#onnx";
import { DEFAULT_SESSION_SETTINGS } from "./backend.ts";
import { CONFORMANCE_CASES } from "./conformance.ts";
import { createReferenceBackend } from "./reference.ts";

const backend = createReferenceBackend(modelFromBytes);

describe("the reference back end conforms", () => {
  for (const { name, run } of CONFORMANCE_CASES) it(name, () => run({ backend, write: bytesFromModel }));
});

/** Runs one node on tensors. Expected values are worked out by hand from the operator's definition. */
async function runNode(
  opType: string,
  inputs: readonly ReturnType<typeof tensorOfValues>[],
  attributes: Parameters<ReturnType<typeof graphBuilder>["op"]>[2] = {},
): Promise<{ shape: readonly number[]; values: unknown[] }> {
  const graph = graphBuilder({ opset: 17 });
  const names = inputs.map((tensor, i) => graph.input(`x${i}`, tensor.dtype, null));
  graph.output("y", graph.op(opType, names, attributes), "float32");
  const session = await backend.load(
    { model: bytesFromModel(graph.model()), externalData: new Map() },
    DEFAULT_SESSION_SETTINGS,
  );
  const [answer] = await session.run(
    inputs.map((tensor, i) => ({ name: names[i]!, ...tensor })),
    ["y"],
  );
  return { shape: answer!.shape, values: Array.from(answer!.data as Iterable<unknown>) };
}

const f32 = (values: readonly number[], shape?: readonly number[]) => tensorOfValues("float32", values, shape);
const i64 = (values: readonly number[], shape?: readonly number[]) => tensorOfValues("int64", values, shape);

describe("operators", () => {
  it("broadcasts both ways", async () => {
    const answer = await runNode("Add", [f32([1, 2], [2, 1]), f32([10, 20, 30], [3])]);
    expect(answer).toEqual({ shape: [2, 3], values: [11, 21, 31, 12, 22, 32] });
  });

  it("takes more elements than a call has room for arguments", async () => {
    const many = f32(Array.from({ length: 300_000 }, (_, i) => i % 1000));
    expect((await runNode("ReduceMax", [many])).values).toEqual([999]);
    expect((await runNode("ReduceMin", [many])).values).toEqual([0]);
    expect((await runNode("Concat", [many, many], { axis: 0 })).shape).toEqual([600_000]);
  });

  it("refuses shapes that can't be broadcast", async () => {
    await expect(runNode("Mul", [f32([1, 2, 3]), f32([1, 2])])).rejects.toMatchObject({ code: "RUN_FAILED" });
  });

  it("divides whole numbers towards zero, and not by zero", async () => {
    expect((await runNode("Div", [i64([-7, 7]), i64([2, -2])])).values).toEqual([-3n, -3n]);
    await expect(runNode("Div", [i64([1]), i64([0])])).rejects.toMatchObject({ code: "RUN_FAILED" });
  });

  it("multiplies stacks of matrices", async () => {
    const answer = await runNode("MatMul", [f32([1, 2, 3, 4], [2, 1, 2]), f32([5, 6], [2, 1])]);
    expect(answer).toEqual({ shape: [2, 1, 1], values: [17, 39] });
  });

  it("multiplies vectors", async () => {
    expect(await runNode("MatMul", [f32([1, 2]), f32([3, 4])])).toEqual({ shape: [], values: [11] });
  });

  it("computes Gemm with both turned", async () => {
    const inputs = [f32([1, 3, 2, 4], [2, 2]), f32([5, 7, 6, 8], [2, 2]), f32([1, 1])];
    const answer = await runNode("Gemm", inputs, { transA: 1, transB: 1, alpha: 0.5, beta: 2.5 });
    // A = [[1, 2], [3, 4]], B = [[5, 6], [7, 8]] after turning.
    expect(answer.values).toEqual([12, 13.5, 24, 27.5]);
  });

  it("reduces several axes, keeping them", async () => {
    const answer = await runNode("ReduceMax", [f32([1, 5, 3, 4, 2, 6, 0, 7], [2, 2, 2])], { axes: [0, 2] });
    expect(answer).toEqual({ shape: [1, 2, 1], values: [6, 7] });
  });

  it("takes the first or the last of equals", async () => {
    const x = f32([1, 3, 3], [3]);
    expect((await runNode("ArgMax", [x], { axis: 0 })).values).toEqual([1n]);
    expect((await runNode("ArgMax", [x], { axis: 0, select_last_index: 1 })).values).toEqual([2n]);
  });

  it("squeezes and unsqueezes", async () => {
    expect((await runNode("Unsqueeze", [f32([1, 2]), i64([0, -1])])).shape).toEqual([1, 2, 1]);
    expect((await runNode("Squeeze", [f32([1, 2], [1, 2, 1]), i64([0])])).shape).toEqual([2, 1]);
    expect((await runNode("Squeeze", [f32([1, 2], [1, 2, 1])])).shape).toEqual([2]);
  });

  it("gathers along an axis, counting negative indices from the end", async () => {
    const answer = await runNode("Gather", [f32([1, 2, 3, 4, 5, 6], [2, 3]), i64([-1, 0], [2])], { axis: 1 });
    expect(answer).toEqual({ shape: [2, 2], values: [3, 1, 6, 4] });
  });

  it("clips with the bounds there are", async () => {
    expect((await runNode("Clip", [f32([-5, 0, 5]), f32([-1], [])])).values).toEqual([-1, 0, 5]);
    expect((await runNode("Clip", [f32([-5, 0, 5]), f32([-1], []), f32([1], [])])).values).toEqual([-1, 0, 1]);
  });

  it("reads external data that it was given, and no other", async () => {
    const graph = graphBuilder();
    const weights = graph.initializer({
      kind: "initializer",
      name: "w",
      dtype: "float32",
      shape: [2],
      data: {
        kind: "external",
        reference: { location: "w.bin", offset: 4, length: 8, checksum: null, others: new Map() },
      },
      docString: "",
      metadata: new Map(),
      extra: [],
    });
    graph.output("y", graph.op("Add", [graph.input("x", "float32", [2]), weights]), "float32", [2]);
    const model = bytesFromModel(graph.model());
    const file = new Uint8Array(new Float32Array([9, 1, 2]).buffer);
    const session = await backend.load({ model, externalData: new Map([["w.bin", file]]) }, DEFAULT_SESSION_SETTINGS);
    const [answer] = await session.run([{ name: "x", ...f32([10, 20]) }], ["y"]);
    expect(Array.from(answer!.data as Float32Array)).toEqual([11, 22]);
    const load = backend.load({ model, externalData: new Map() }, DEFAULT_SESSION_SETTINGS);
    await expect(load).rejects.toMatchObject({ code: "MODEL_UNSAFE" });
  });
});
