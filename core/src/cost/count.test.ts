import { type GraphBuilder, graphBuilder } from "#graph";
import { OPERATOR_SETS } from "#onnx";
import type { DType } from "#tensor";
import { describe, expect, test } from "vitest";
import { countGraph } from "./count.ts";
import goldens from "./goldens.json" with { type: "json" };
import { bertBase, mobileNetV2, type Network, resNet18, resNet50, vitB16 } from "./networks.testing.ts";
import { COUNTED_OPERATORS } from "./operators.ts";
import { countParameters } from "./parameters.ts";
import { bodyScope, type ValueShape } from "./shapes.ts";

const NETWORKS: Readonly<Record<string, () => Network>> = { resNet18, resNet50, mobileNetV2, bertBase, vitB16 };

describe("published networks", () => {
  test.each(Object.entries(goldens.networks))("%s has the counts others find", (name, golden) => {
    const { model, shapes } = NETWORKS[name]!();
    const cost = countGraph(model.graph, shapes);
    expect(cost.isComplete).toBe(true);
    expect(cost.unknownOperators).toEqual([]);
    // What fvcore and PyTorch's own counter give for the published implementation, to the unit.
    expect(cost.macs).toBe(golden.fvcoreProductMacs);
    expect(2 * cost.macs).toBe(golden.torchFlopCounter);
    if (golden.publishedGMacs !== null)
      expect(Math.abs(cost.macs / 1e9 / golden.publishedGMacs - 1)).toBeLessThan(0.02);
    const { byDType } = countParameters(model);
    const floats = byDType.find(({ dtype }) => dtype === "float32")!.count;
    // Besides parameters there are the running means and variances, and the scalars of Clip, Div and Gelu.
    const scalars = model.graph.initializers.filter(
      ({ dtype, shape }) => dtype === "float32" && shape.length === 0,
    ).length;
    expect(floats - scalars).toBe(golden.parameters + golden.buffers);
  });

  test.each(Object.entries(goldens.onnxTool))("%s: onnx-tool counts the same products", (name, byOperator) => {
    const { model, shapes } = NETWORKS[name]!();
    const own = new Map(countGraph(model.graph, shapes).operators.map((one) => [one.operator, one]));
    for (const [operator, golden] of Object.entries(byOperator)) {
      expect(own.get(operator)!.nodes, operator).toBe(golden.nodes);
      // onnx-tool counts a bias of Gemm as so many multiply-accumulates more.
      const macs =
        own.get(operator)!.macs + (operator === "Gemm" ? own.get(operator)!.flops - 2 * own.get(operator)!.macs : 0);
      expect(macs, operator).toBe(golden.macs);
    }
  });
});

/** Counts a single node with inputs of these shapes. */
function countNode(
  opType: string,
  inputs: readonly (readonly number[] | null)[],
  outputs: readonly (readonly number[])[],
  attributes: Parameters<GraphBuilder["op"]>[2] = {},
  domain = "",
) {
  const graph = graphBuilder({ opset: 20, opsets: { "com.microsoft": 1, "ai.onnx.ml": 3 } });
  const shapes = new Map<string, ValueShape>();
  const names = inputs.map((dims, index) => {
    if (dims === null) return "";
    shapes.set(`x${index}`, { dtype: "float32", dims });
    return graph.input(`x${index}`, "float32", dims);
  });
  const made = graph.opOutputs(opType, names, outputs.length, attributes, { domain });
  for (const [index, dims] of outputs.entries()) {
    shapes.set(`y${index}`, { dtype: "float32", dims });
    graph.output(`y${index}`, made[index]!, "float32", dims);
  }
  const cost = countGraph(graph.graph(), shapes);
  return { macs: cost.macs, others: cost.flops - 2 * cost.macs, cost };
}

/** Multiply-accumulates of a convolution, one by one. */
function convolutionByLoops(
  batch: number,
  outputs: number,
  spatial: number,
  inputs: number,
  kernel: number,
  groups: number,
) {
  let count = 0;
  for (let n = 0; n < batch; n++)
    for (let k = 0; k < outputs; k++)
      for (let at = 0; at < spatial; at++)
        for (let c = 0; c < inputs; c++)
          if (Math.floor(c / (inputs / groups)) === Math.floor(k / (outputs / groups)))
            for (let tap = 0; tap < kernel; tap++) count++;
  return count;
}

describe("operators", () => {
  test.each([
    [1, 8, 4, 3, 1],
    [2, 8, 8, 3, 4],
    [3, 6, 6, 5, 6],
  ])("Conv: batch %d, %d to %d channels, kernel %d, %d groups", (batch, inputs, outputs, kernel, groups) => {
    const weight = [outputs, inputs / groups, kernel, kernel];
    const { macs, others } = countNode("Conv", [[batch, inputs, 9, 9], weight, [outputs]], [[batch, outputs, 4, 4]], {
      group: groups,
    });
    expect(macs).toBe(convolutionByLoops(batch, outputs, 16, inputs, kernel * kernel, groups));
    expect(others).toBe(batch * outputs * 16);
    // A transposed convolution is the same one backwards.
    const back = countNode("ConvTranspose", [[batch, outputs, 4, 4], weight], [[batch, inputs, 9, 9]], {
      group: groups,
    });
    expect(back.macs).toBe(macs);
  });

  const ms = "com.microsoft";
  test.each<
    [
      string,
      readonly (readonly number[] | null)[],
      readonly number[],
      Record<string, number | string>,
      number,
      number,
      string?,
    ]
  >([
    // operator, inputs, output, attributes, multiply-accumulates, other operations
    [
      "Gemm",
      [
        [7, 5],
        [5, 3],
      ],
      [7, 3],
      {},
      105,
      0,
    ],
    ["Gemm", [[5, 7], [3, 5], [3]], [7, 3], { transA: 1, transB: 1 }, 105, 21],
    [
      "MatMul",
      [
        [2, 4, 7, 5],
        [5, 3],
      ],
      [2, 4, 7, 3],
      {},
      840,
      0,
    ],
    ["MatMul", [[5], [5]], [], {}, 5, 0],
    ["MatMul", [[5], [2, 5, 3]], [2, 3], {}, 30, 0],
    [
      "MatMulInteger",
      [
        [7, 5],
        [5, 3],
      ],
      [7, 3],
      {},
      105,
      0,
    ],
    ["QLinearMatMul", [[7, 5], [], [], [5, 3], [], [], [], []], [7, 3], {}, 105, 0],
    [
      "ConvInteger",
      [
        [1, 2, 5, 5],
        [3, 2, 3, 3],
      ],
      [1, 3, 3, 3],
      {},
      486,
      0,
    ],
    ["QLinearConv", [[1, 2, 5, 5], [], [], [3, 2, 3, 3], [3], [3], [], [], [3]], [1, 3, 3, 3], {}, 486, 27],
    [
      "FusedMatMul",
      [
        [2, 5, 7],
        [2, 5, 3],
      ],
      [2, 7, 3],
      { transA: 1 },
      210,
      0,
      ms,
    ],
    [
      "FusedMatMul",
      [
        [5, 2, 7],
        [2, 5, 3],
      ],
      [2, 7, 3],
      { transA: 1, transBatchA: 1 },
      210,
      0,
      ms,
    ],
    ["MatMulNBits", [[4, 64], [16, 2, 16], [32]], [4, 16], { K: 64, N: 16, bits: 4, block_size: 32 }, 4096, 0, ms],
    ["FusedConv", [[1, 2, 5, 5], [3, 2, 3, 3], [3]], [1, 3, 3, 3], {}, 486, 27, ms],
    [
      "Einsum",
      [
        [2, 7, 5],
        [2, 5, 3],
      ],
      [2, 7, 3],
      { equation: "bij,bjk->bik" },
      210,
      0,
    ],
    [
      "Einsum",
      [
        [2, 4, 7, 5],
        [5, 3],
      ],
      [2, 4, 7, 3],
      { equation: "... ij , jk" },
      840,
      0,
    ],
    ["Einsum", [[7], [5]], [7, 5], { equation: "i,j->ij" }, 0, 35],
    ["Einsum", [[7, 5]], [5, 7], { equation: "ij->ji" }, 0, 0],
    ["Einsum", [[7, 5]], [], { equation: "ij->" }, 0, 35],
    // (ij,jk) takes 2·3·4 and leaves ik; (ik,kl) takes 2·4·5.
    [
      "Einsum",
      [
        [2, 3],
        [3, 4],
        [4, 5],
      ],
      [2, 5],
      { equation: "ij,jk,kl->il" },
      64,
      0,
    ],
    // T·B·directions·H·gates·(I + H), and per unit the gates' functions and biases.
    [
      "LSTM",
      [
        [6, 2, 5],
        [2, 16, 5],
        [2, 16, 4],
        [2, 32],
      ],
      [6, 2, 2, 4],
      { hidden_size: 4 },
      6 * 2 * 2 * 4 * 4 * 9,
      96 * (3 * 37 + 2 * 38 + 4 + 4),
    ],
    [
      "GRU",
      [
        [6, 2, 5],
        [1, 12, 5],
        [1, 12, 4],
      ],
      [6, 1, 2, 4],
      { hidden_size: 4 },
      6 * 2 * 4 * 3 * 9,
      48 * (2 * 37 + 38 + 5),
    ],
    [
      "RNN",
      [
        [6, 2, 5],
        [1, 4, 5],
        [1, 4, 4],
      ],
      [6, 1, 2, 4],
      { hidden_size: 4 },
      6 * 2 * 4 * 9,
      48 * 38,
    ],
    // 2·B·h·S²·d, and for each of B·h·S² scores a softmax and the scaling.
    [
      "Attention",
      [
        [2, 3, 6, 8],
        [2, 3, 6, 8],
        [2, 3, 6, 8],
      ],
      [2, 3, 6, 8],
      {},
      2 * 2 * 3 * 36 * 8,
      216 * 40,
    ],
    [
      "Attention",
      [
        [2, 6, 24],
        [2, 9, 8],
        [2, 9, 8],
      ],
      [2, 6, 24],
      { q_num_heads: 3, kv_num_heads: 1 },
      2 * 2 * 3 * 54 * 8,
      324 * 40,
    ],
    [
      "Attention",
      [[2, 6, 10], [10, 72], [72]],
      [2, 6, 24],
      { num_heads: 3 },
      2 * 6 * 72 * 10 + 2 * 2 * 36 * 24,
      2 * 6 * 72 + 216 * 40,
      ms,
    ],
    [
      "MultiHeadAttention",
      [
        [2, 6, 24],
        [2, 9, 24],
        [2, 9, 24],
      ],
      [2, 6, 24],
      { num_heads: 3 },
      2 * 2 * 54 * 24,
      324 * 40,
      ms,
    ],
    [
      "GroupQueryAttention",
      [
        [2, 1, 24],
        [2, 1, 8],
        [2, 1, 8],
        [2, 1, 9, 8],
        [2, 1, 9, 8],
      ],
      [2, 1, 24],
      { num_heads: 3, kv_num_heads: 1 },
      2 * 2 * 10 * 24,
      2 * 3 * 10 * 40,
      ms,
    ],
    ["LayerNormalization", [[2, 3, 8], [8], [8]], [2, 3, 8], {}, 0, 240],
    ["BatchNormalization", [[2, 3, 4, 4], [3], [3], [3], [3]], [2, 3, 4, 4], {}, 0, 192],
    ["SkipLayerNormalization", [[2, 3, 8], [2, 3, 8], [8], [8], [8]], [2, 3, 8], {}, 0, 48 * 7, ms],
    ["Softmax", [[2, 8]], [2, 8], {}, 0, 16 * 39],
    ["GlobalAveragePool", [[2, 3, 4, 4]], [2, 3, 1, 1], {}, 0, 96 + 6 * 4],
    ["ReduceMean", [[2, 3, 4]], [2, 1, 4], {}, 0, 24 + 8 * 4],
    ["ReduceL2", [[2, 3, 4]], [2, 1, 4], {}, 0, 48 + 8 * 24],
    ["Add", [[2, 3], [3]], [2, 3], {}, 0, 6],
    ["Sum", [[2, 3], [3], [2, 3]], [2, 3], {}, 0, 12],
    ["Div", [[2, 3], [3]], [2, 3], {}, 0, 24],
    ["Gelu", [[10]], [10], { approximate: "tanh" }, 0, 460],
    ["Gelu", [[10]], [10], {}, 0, 360],
    ["Resize", [[1, 3, 4, 4], null, [4]], [1, 3, 8, 8], { mode: "linear" }, 0, 192 * 8],
    ["Resize", [[1, 3, 4, 4], null, [4]], [1, 3, 8, 8], { mode: "nearest" }, 0, 0],
    ["Resize", [[1, 3, 4, 4], null, [4]], [1, 3, 4, 8], { mode: "cubic" }, 0, 96 * 8],
    [
      "GridSample",
      [
        [1, 3, 4, 4],
        [1, 5, 5, 2],
      ],
      [1, 3, 5, 5],
      { mode: "linear" },
      0,
      75 * 8,
    ],
    ["TopK", [[2, 100], [1]], [2, 8], {}, 0, 600],
    ["ScatterND", [[9], [2, 1], [2]], [9], { reduction: "add" }, 0, 2],
    ["Reshape", [[2, 3], [1]], [6], {}, 0, 0],
  ])("%s %j", (operator, inputs, output, attributes, macs, others, domain = "") => {
    const counted = countNode(operator, inputs, [output], attributes, domain);
    expect(counted.cost.unknownOperators).toEqual([]);
    expect(counted.cost.nodes.map(({ uncounted }) => uncounted)).toEqual([null]);
    expect([counted.macs, counted.others]).toEqual([macs, others]);
  });

  test("pooling needs its kernel", () => {
    const pool = (attributes: Record<string, number[]>) =>
      countNode("MaxPool", [[1, 3, 8, 8]], [[1, 3, 4, 4]], attributes);
    expect(pool({ kernel_shape: [3, 3] }).others).toBe(48 * 9);
    expect(pool({}).cost.nodes[0]!.uncounted).toContain("no attribute 'kernel_shape'");
  });

  test("a tree ensemble takes a comparison for each level of each tree", () => {
    // Tree 0 has two levels of questions, tree 1 has one.
    const attributes = {
      nodes_treeids: [0, 0, 0, 0, 0, 1, 1, 1],
      nodes_nodeids: [0, 1, 2, 3, 4, 0, 1, 2],
      nodes_truenodeids: [1, 3, 0, 0, 0, 1, 0, 0],
      nodes_falsenodeids: [2, 4, 0, 0, 0, 2, 0, 0],
      nodes_modes: ["BRANCH_LEQ", "BRANCH_LEQ", "LEAF", "LEAF", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF"],
    };
    expect(countNode("TreeEnsembleRegressor", [[10, 4]], [[10, 1]], attributes, "ai.onnx.ml").others).toBe(
      10 * (2 + 1 + 2),
    );
  });

  test("every operator of ONNX is counted, but for those named here", () => {
    const counted = new Set(COUNTED_OPERATORS);
    const missing: string[] = [];
    for (const domain of ["", "ai.onnx.ml"]) {
      for (const names of Object.values(OPERATOR_SETS.get(domain)!.since!)) {
        for (const name of names.split(" "))
          if (!counted.has(domain === "" ? name : `${domain}.${name}`)) missing.push(name);
      }
    }
    expect(missing.toSorted()).toEqual([
      "AffineGrid",
      "Bernoulli", // Random numbers: what one takes is the generator's affair.
      "If", // Control flow is counted by its bodies.
      "ImageDecoder", // Work depends on what is in the data.
      "Loop",
      "MaxRoiPool",
      "MelWeightMatrix",
      "Multinomial",
      "NonMaxSuppression",
      "RandomNormal",
      "RandomNormalLike",
      "RandomUniform",
      "RandomUniformLike",
      "Scan",
      "SequenceMap",
      "TfIdfVectorizer",
      "TreeEnsemble",
    ]);
  });
});

describe("what can't be counted", () => {
  test("an unknown operator is named, with its nodes", () => {
    const { cost } = countNode("Foo", [[2]], [[2]], {}, "example.com");
    expect(cost.unknownOperators).toEqual([{ operator: "example.com.Foo", nodes: 1 }]);
    expect(cost.nodes[0]).toMatchObject({
      macs: null,
      flops: null,
      uncounted: "There is no rule for the operator example.com.Foo.",
    });
    expect(cost.isComplete).toBe(false);
  });

  test("an unknown shape is named, and does not stop the rest", () => {
    const graph = graphBuilder();
    const x = graph.input("x", "float32", ["N", 2]);
    const kept = graph.op("NonZero", [x]);
    graph.output("y", graph.op("Relu", [kept]), "int64");
    graph.output("z", graph.op("Relu", [x]), "float32");
    const cost = countGraph(
      graph.graph(),
      new Map([
        ["x", { dtype: "float32", dims: [3, 2] }],
        ["z", { dtype: "float32", dims: [3, 2] }],
      ]),
    );
    expect(cost.nodes.map(({ flops }) => flops)).toEqual([6, null, 6]);
    expect(cost.nodes[1]!.uncounted).toContain("the shape of its output 0, 'y', is unknown");
    expect(cost.isComplete).toBe(false);
    expect(cost.flops).toBe(12);
  });

  test("shapes that do not fit the operator are said, and make no number", () => {
    const { cost } = countNode(
      "LSTM",
      [
        [6, 2, 5],
        [1, 16, 5],
        [1, 16],
      ],
      [[6, 1, 2, 4]],
    );
    expect(cost.macs).toBe(0);
    const wrong = countNode(
      "Attention",
      [
        [2, 6],
        [2, 6],
        [2, 6],
      ],
      [[2, 6]],
      { q_num_heads: 1, kv_num_heads: 1 },
    );
    expect(wrong.cost.nodes[0]!.uncounted).toContain("do not fit its operator");
  });
});

describe("control flow", () => {
  const shape = (dtype: DType, ...dims: number[]): ValueShape => ({ dtype, dims });

  test("of an If the branch with more work counts; one name may be two values", () => {
    const graph = graphBuilder();
    const condition = graph.input("condition", "bool", []);
    const x = graph.input("x", "float32", [4, 4]);
    const branch = (name: string, operator: string) =>
      graph.subgraph(name, (body) => body.output(`${name}_y`, body.op(operator, [x, x]), "float32"));
    graph.output(
      "y",
      graph.op("If", [condition], { then_branch: branch("then", "MatMul"), else_branch: branch("else", "Add") }),
      "float32",
    );
    const built = graph.graph();
    const node = built.nodes[0]!;
    const shapes = new Map([
      ["condition", shape("bool")],
      ["x", shape("float32", 4, 4)],
      ["y", shape("float32", 4, 4)],
      [`${bodyScope("", node, 0)}then_y`, shape("float32", 4, 4)],
      [`${bodyScope("", node, 1)}else_y`, shape("float32", 4, 4)],
    ]);
    const cost = countGraph(built, shapes);
    expect([cost.macs, cost.flops, cost.isComplete]).toEqual([64, 128, true]);
    expect(cost.nodes.map(({ operator, times }) => [operator, times])).toEqual([
      ["If", 1],
      ["MatMul", 1],
      ["Add", 0],
    ]);
    expect(cost.nodes[1]!.place).toBe(
      "the MatMul node that makes 'then_y', in then_branch of the If node that makes 'y'",
    );
  });

  function loop(trips: number | null, condition: "kept" | "changed") {
    const graph = graphBuilder();
    const x = graph.input("x", "float32", [4, 4]);
    const count = trips === null ? graph.input("trips", "int64", []) : graph.values("int64", [trips], []);
    const body = graph.subgraph("body", (inner) => {
      inner.input("turn", "int64", []);
      const going = inner.input("going", "bool", []);
      const carried = inner.input("carried", "float32", [4, 4]);
      const still = condition === "kept" ? inner.op("Identity", [going]) : inner.op("Not", [going]);
      inner.output("still", still, "bool");
      inner.output("next", inner.op("MatMul", [carried, x]), "float32");
    });
    graph.output("y", graph.op("Loop", [count, graph.values("bool", [true], []), x], { body }), "float32");
    const built = graph.graph();
    const scope = bodyScope("", built.nodes[0]!, 0);
    const shapes = new Map([
      ["x", shape("float32", 4, 4)],
      [`${scope}carried`, shape("float32", 4, 4)],
      [`${scope}next`, shape("float32", 4, 4)],
      [`${scope}still`, shape("bool")],
    ]);
    return countGraph(built, shapes);
  }

  test("a Loop with a stored trip count counts as often", () => {
    const cost = loop(5, "kept");
    expect([cost.macs, cost.iterations.length, cost.isComplete]).toEqual([5 * 64, 0, true]);
  });

  test.each([
    ["trips that are an input", null, "kept"],
    ["a condition that changes", 5, "changed"],
  ] as const)("with %s one iteration counts, and the loop is named", (_, trips, condition) => {
    const cost = loop(trips, condition);
    expect([cost.macs, cost.isComplete]).toEqual([64, false]);
    expect(cost.iterations).toEqual([
      { place: "the Loop node that makes 'y'", macs: 64, flops: 128 + (condition === "changed" ? 1 : 0) },
    ]);
    expect(cost.nodes.map(({ isPerIteration }) => isPerIteration)).toEqual([false, true, true]);
  });

  test("a Scan counts as often as its input is long", () => {
    const graph = graphBuilder();
    const x = graph.input("x", "float32", [7, 4]);
    const state = graph.input("state", "float32", [4]);
    const body = graph.subgraph("body", (inner) => {
      const before = inner.input("before", "float32", [4]);
      const row = inner.input("row", "float32", [4]);
      const sum = inner.op("Add", [before, row]);
      inner.output("after", sum, "float32");
      inner.output("each", inner.op("Identity", [sum]), "float32");
    });
    const [last, all] = graph.opOutputs("Scan", [state, x], 2, { body, num_scan_inputs: 1 });
    graph.output("last", last!, "float32");
    graph.output("all", all!, "float32");
    const built = graph.graph();
    const scope = bodyScope("", built.nodes[0]!, 0);
    const cost = countGraph(
      built,
      new Map([
        ["x", shape("float32", 7, 4)],
        [`${scope}after`, shape("float32", 4)],
        [`${scope}each`, shape("float32", 4)],
      ]),
    );
    expect([cost.flops, cost.isComplete]).toEqual([28, true]);
  });
});

test("arithmetic intensity is operations for each byte read or written", () => {
  const { cost } = countNode(
    "MatMul",
    [
      [8, 16],
      [16, 4],
    ],
    [[8, 4]],
  );
  expect(cost.nodes[0]).toMatchObject({
    readBytes: 4 * (128 + 64),
    writtenBytes: 128,
    flopsPerByte: (2 * 512) / (768 + 128),
  });
});
