import { OPERATOR_SETS } from "#onnx";
import { describe, expect, test } from "vitest";
import { countNode } from "./count.testing.ts";
import goldens from "./goldens.json" with { type: "json" };
import { COUNTED_OPERATORS } from "./operators.ts";

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

  test.each(goldens.layers)(
    "$operator $inputs: PyTorch counts the same",
    ({ operator, inputs, output, attributes, flops }) => {
      const given = Object.entries(attributes).filter(([, value]) => value !== undefined);
      expect(2 * countNode(operator, inputs, [output], Object.fromEntries(given)).macs).toBe(flops);
    },
  );

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
