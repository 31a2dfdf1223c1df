// Uses of operators whose gradients are checked: over images and sequences, those that move elements, and losses.
import { float, type GraphBuilder } from "@slipway/core/graph";
import type { OperatorCase } from "./gradient-check.ts";

type Attributes = NonNullable<Parameters<GraphBuilder["op"]>[2]>;

const convolution = (
  says: string,
  x: readonly number[],
  w: readonly number[],
  attributes: Attributes = {},
  more: Partial<OperatorCase> = {},
): OperatorCase => ({
  says: `Conv ${says}`,
  shapes: { x, w },
  single: true,
  build: (g, inputs) => g.op("Conv", [inputs["x"]!, inputs["w"]!], { kernel_shape: w.slice(2), ...attributes }),
  ...more,
});

const transposed = (
  says: string,
  x: readonly number[],
  w: readonly number[],
  attributes: Attributes = {},
): OperatorCase => ({
  says: `ConvTranspose ${says}`,
  shapes: { x, w },
  single: true,
  build: (g, inputs) =>
    g.op("ConvTranspose", [inputs["x"]!, inputs["w"]!], { kernel_shape: w.slice(2), ...attributes }),
});

// Values far enough apart that a step of the differences changes no maximum.
const distinct = (_value: number, _name: string, index: number): number => ((index * 7919) % 101) / 20 - 2.5;

const pool = (
  opType: string,
  x: readonly number[],
  attributes: Attributes,
  more: Partial<OperatorCase> = {},
): OperatorCase => ({
  says: `${opType} ${JSON.stringify(attributes)}`,
  shapes: { x },
  single: true,
  needsShapes: true,
  values: distinct,
  build: (g, inputs) => g.op(opType, [inputs["x"]!], attributes),
  ...more,
});

const normalization = (
  opType: string,
  x: readonly number[],
  parameters: Readonly<Record<string, readonly number[]>>,
  attributes: Attributes = {},
  more: Partial<OperatorCase> = {},
): OperatorCase => ({
  says: `${opType} ${JSON.stringify(attributes)}`,
  shapes: { x, ...parameters },
  single: true,
  values: (value, name) => (name === "variance" ? Math.abs(value) + 0.5 : value * 2),
  build: (g, inputs) => g.op(opType, Object.values(inputs), attributes),
  ...more,
});

const resize = (
  says: string,
  x: readonly number[],
  scales: readonly number[],
  attributes: Attributes,
  more: Partial<OperatorCase> = {},
): OperatorCase => ({
  says: `Resize ${says}`,
  shapes: { x },
  single: true,
  needsShapes: true,
  build: (g, inputs) => g.op("Resize", [inputs["x"]!, "", g.values("float32", scales)], attributes),
  ...more,
});

/** Attention of opset 23 from inputs of these shapes, of which those named `mask` are added to the scores. */
const attention = (
  says: string,
  shapes: Readonly<Record<string, readonly number[]>>,
  attributes: Attributes = {},
  more: Partial<OperatorCase> = {},
): OperatorCase => ({
  says: `Attention ${says}`,
  shapes,
  single: true,
  // Of heads and widths that are open the engine tells 0 as the result's.
  openAxes: shapes["q"]!.length === 4 ? [0, 2] : [0, 1],
  opset: 23,
  build: (g, { q, k, v, mask = "", pastK = "", pastV = "" }) => {
    const inputs = [q!, k!, v!, mask, pastK, pastV];
    while (inputs.at(-1) === "") inputs.pop();
    return pastK === "" ? g.op("Attention", inputs, attributes) : g.opOutputs("Attention", inputs, 3, attributes);
  },
  ...more,
});

export const SPATIAL_CASES: Readonly<Record<string, readonly OperatorCase[]>> = {
  attention: [
    attention("of heads", { q: [2, 3, 4, 2], k: [2, 3, 5, 2], v: [2, 3, 5, 3] }),
    attention(
      "of heads in one axis",
      { q: [2, 4, 6], k: [2, 3, 6], v: [2, 3, 4] },
      { q_num_heads: 2, kv_num_heads: 2 },
    ),
    attention(
      "of heads in one axis, all as wide",
      { q: [2, 3, 4], k: [2, 3, 4], v: [2, 3, 4] },
      { q_num_heads: 2, kv_num_heads: 2, is_causal: 1 },
    ),
    attention("that looks back only", { q: [1, 2, 4, 2], k: [1, 2, 4, 2], v: [1, 2, 4, 2] }, { is_causal: 1 }),
    attention(
      "that looks back only, over fewer",
      { q: [1, 2, 2, 2], k: [1, 2, 4, 2], v: [1, 2, 4, 2] },
      { is_causal: 1 },
    ),
    attention(
      "with a mask that is added, scale and soft cap",
      { q: [2, 2, 3, 2], k: [2, 2, 4, 2], v: [2, 2, 4, 2], mask: [2, 1, 3, 4] },
      { scale: float(0.9), softcap: float(1.5) },
    ),
    attention("with a mask for all", { q: [2, 2, 3, 2], k: [2, 2, 4, 2], v: [2, 2, 4, 2], mask: [3, 4] }),
    attention(
      "with a mask of truth values",
      { q: [2, 2, 3, 2], k: [2, 2, 4, 2], v: [2, 2, 4, 2] },
      {},
      {
        build: (g, { q, k, v }) => {
          const kept = [true, false, true, true, true, true, false, true, true, true, true, false];
          return g.op("Attention", [q!, k!, v!, g.values("bool", kept, [3, 4])]);
        },
      },
    ),
    attention(
      "of several heads to each key",
      { q: [2, 3, 8], k: [2, 4, 4], v: [2, 4, 4] },
      { q_num_heads: 4, kv_num_heads: 2 },
    ),
    attention(
      "after what is past, of which all is handed on",
      { q: [1, 2, 2, 3], k: [1, 2, 2, 3], v: [1, 2, 2, 2], pastK: [1, 2, 3, 3], pastV: [1, 2, 3, 2] },
      { is_causal: 1 },
    ),
  ],
  convolutions: [
    convolution("of a sequence", [2, 3, 7], [4, 3, 3], { pads: [1, 1] }),
    convolution("of an image", [2, 2, 5, 5], [3, 2, 3, 3]),
    convolution(
      "with a bias",
      [2, 2, 4, 4],
      [3, 2, 2, 2],
      {},
      {
        shapes: { x: [2, 2, 4, 4], w: [3, 2, 2, 2], b: [3] },
        build: (g, { x, w, b }) => g.op("Conv", [x!, w!, b!], { kernel_shape: [2, 2] }),
      },
    ),
    convolution("1 × 1", [2, 3, 3, 3], [4, 3, 1, 1]),
    convolution("with strides that leave elements over", [1, 2, 6, 7], [2, 2, 3, 3], {
      strides: [2, 3],
      pads: [1, 0, 0, 1],
    }),
    convolution("dilated", [1, 2, 7, 7], [2, 2, 3, 2], { dilations: [2, 3], pads: [2, 1, 1, 2] }),
    convolution("in groups", [2, 4, 5, 4], [6, 2, 3, 3], { group: 2, pads: [1, 1, 1, 1], strides: [2, 1] }),
    convolution("channel by channel", [2, 3, 5, 5], [3, 1, 3, 3], { group: 3, pads: [1, 1, 1, 1] }),
    convolution("channel by channel, two kernels each", [1, 3, 5, 5], [6, 1, 3, 3], { group: 3, pads: [1, 1, 1, 1] }),
    convolution("with a large kernel", [1, 2, 8, 8], [2, 2, 5, 4], { pads: [2, 1, 2, 2], strides: [2, 2] }),
    convolution("with a large kernel, dilated", [1, 1, 12, 5], [2, 1, 5, 2], {
      pads: [1, 0, 2, 0],
      dilations: [2, 1],
      strides: [1, 2],
    }),
    convolution(
      "auto_pad SAME_UPPER",
      [1, 2, 5, 6],
      [2, 2, 3, 2],
      { auto_pad: "SAME_UPPER", strides: [2, 2] },
      { needsShapes: true },
    ),
    // Gradients are made otherwise by the number of windows: up to 16 a sample, up to 200, and beyond.
    convolution("over few windows, dilated", [2, 2, 4, 4], [3, 2, 2, 2], { dilations: [2, 2], pads: [1, 1, 1, 1] }),
    convolution("over few windows, padded beyond its kernel", [1, 2, 2, 3], [2, 2, 2, 2], { pads: [2, 0, 0, 1] }),
    convolution("of a volume, over few windows", [1, 2, 3, 2, 3], [2, 2, 2, 1, 2], { pads: [0, 0, 1, 0, 0, 0] }),
    convolution("over some windows", [2, 2, 6, 5], [3, 2, 3, 3], { pads: [1, 1, 1, 1] }),
    convolution("over some windows, with strides", [2, 1, 9, 9], [2, 1, 3, 2], { pads: [1, 0, 1, 1], strides: [2, 2] }),
    convolution("along a long last axis", [2, 3, 3, 14], [2, 3, 2, 3], { pads: [1, 1, 0, 1] }),
    convolution("along a long last axis, dilated", [1, 2, 4, 16], [2, 2, 2, 2], {
      dilations: [2, 3],
      pads: [0, 2, 1, 0],
    }),
    convolution("of a long sequence", [2, 2, 17], [2, 2, 3], { pads: [0, 1] }),
    convolution("of a volume, over some windows, dilated", [2, 3, 4, 5, 4], [2, 3, 2, 2, 2], {
      dilations: [1, 2, 1],
      pads: [1, 0, 0, 0, 1, 1],
    }),
    convolution("over some windows, padded beyond its kernel", [1, 2, 5, 4], [2, 2, 2, 2], { pads: [2, 0, 0, 3] }),
    convolution("over some windows, along the first axis alone", [1, 2, 6, 4], [2, 2, 3, 1], { pads: [1, 0, 1, 0] }),
    convolution("over many windows", [2, 2, 203], [3, 2, 2]),
    convolution("over many windows, with many kernels", [1, 1, 203], [17, 1, 2]),
    convolution("with a large kernel, over some windows", [1, 2, 9, 9], [2, 2, 5, 4], {
      pads: [2, 1, 2, 2],
      strides: [2, 1],
    }),
    convolution("auto_pad SAME_LOWER", [1, 2, 5, 6], [2, 2, 2, 2], { auto_pad: "SAME_LOWER" }),
    convolution("auto_pad VALID", [1, 2, 5, 6], [2, 2, 2, 2], { auto_pad: "VALID", strides: [2, 2] }),
    transposed("of an image", [2, 3, 3, 3], [3, 2, 2, 2]),
    transposed("of a sequence", [1, 2, 4], [2, 3, 3], { strides: [2] }),
    transposed("with strides and pads", [1, 2, 3, 4], [2, 2, 3, 3], { strides: [2, 3], pads: [1, 0, 1, 2] }),
    transposed("with output_padding", [1, 2, 3, 3], [2, 2, 3, 3], {
      strides: [2, 2],
      pads: [1, 1, 1, 1],
      output_padding: [1, 1],
    }),
    transposed("in groups", [1, 4, 3, 3], [4, 2, 2, 2], { group: 2, strides: [2, 2] }),
    transposed("dilated", [1, 2, 3, 3], [2, 1, 2, 2], { dilations: [2, 1] }),
    transposed("with a large kernel", [1, 2, 3, 3], [2, 1, 4, 4], { strides: [2, 2], pads: [1, 1, 1, 1] }),
  ],
  pools: [
    pool("MaxPool", [2, 2, 4, 4], { kernel_shape: [2, 2], strides: [2, 2] }, { needsShapes: false }),
    pool(
      "MaxPool",
      [1, 2, 5, 5],
      { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
      { needsShapes: false },
    ),
    pool("MaxPool", [1, 2, 5, 5], { kernel_shape: [2, 2], dilations: [2, 2] }),
    pool("MaxPool", [1, 1, 6, 5], { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 }),
    pool("MaxPool", [2, 2, 9], { kernel_shape: [3], auto_pad: "SAME_UPPER", strides: [2] }),
    pool("AveragePool", [2, 2, 4, 4], { kernel_shape: [2, 2], strides: [2, 2] }),
    pool("AveragePool", [1, 2, 5, 5], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
    pool("AveragePool", [1, 2, 5, 5], { kernel_shape: [3, 3], pads: [1, 0, 1, 2], count_include_pad: 1 }),
    pool("AveragePool", [1, 2, 6, 5], { kernel_shape: [3, 2], strides: [2, 2], ceil_mode: 1 }),
    pool("AveragePool", [1, 2, 7], { kernel_shape: [3], auto_pad: "SAME_LOWER" }),
    pool(
      "AveragePool",
      [1, 1, 6, 6],
      { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 0, 0], ceil_mode: 1, count_include_pad: 1 },
      { opset: 19 },
    ),
    pool("LpPool", [1, 2, 5, 5], { kernel_shape: [2, 2], strides: [2, 2] }),
    pool("LpPool", [1, 2, 5, 5], { kernel_shape: [3, 3], p: 3, pads: [1, 1, 1, 1] }),
    pool("LpPool", [1, 2, 5], { kernel_shape: [2], p: 1 }),
    pool("GlobalAveragePool", [2, 3, 2, 4], {}, { needsShapes: false }),
    pool("GlobalMaxPool", [2, 3, 2, 4], {}, { needsShapes: false }),
    pool("GlobalLpPool", [2, 3, 2, 3], { p: 2 }, { needsShapes: false }),
  ],
  normalizations: [
    normalization("LayerNormalization", [2, 3, 4], { scale: [4], bias: [4] }),
    normalization("LayerNormalization", [2, 3, 4], { scale: [3, 4], bias: [3, 4] }, { axis: 1, epsilon: float(0.01) }),
    normalization("LayerNormalization", [2, 5], { scale: [5] }),
    normalization("RMSNormalization", [2, 3, 4], { scale: [4] }, {}, { opset: 23 }),
    normalization("BatchNormalization", [3, 2, 2, 2], { scale: [2], bias: [2], mean: [2], variance: [2] }),
    normalization("BatchNormalization", [4, 3], { scale: [3], bias: [3], mean: [3], variance: [3] }),
    ...[
      [4, 2, 3],
      [2, 2, 16, 16],
    ].map(
      (x): OperatorCase => ({
        says: `BatchNormalization [${x.join()}] by the batch's statistics`,
        shapes: { x, scale: [2], bias: [2] },
        single: true,
        values: (value) => value * 2,
        build: (g, { x, scale, bias }) => {
          const stored = [g.values("float32", [0, 0]), g.values("float32", [1, 1])];
          return g.opOutputs("BatchNormalization", [x!, scale!, bias!, ...stored], 3, { training_mode: 1 })[0]!;
        },
      }),
    ),
    normalization("LRN", [2, 5, 2, 1], {}, { size: 3, alpha: float(0.5), beta: float(0.6), bias: float(1.5) }),
    normalization("LRN", [1, 4, 2, 2], {}, { size: 5, alpha: float(0.9) }),
    normalization("InstanceNormalization", [2, 3, 4, 2], { scale: [3], bias: [3] }),
    normalization("GroupNormalization", [2, 4, 3, 2], { scale: [4], bias: [4] }, { num_groups: 2 }, { opset: 21 }),
    ...[1, 2].flatMap((p) => [-1, 1].map((axis) => normalization("LpNormalization", [2, 3, 2], {}, { p, axis }))),
  ],
  arrangements: [
    {
      says: "Reshape",
      shapes: { x: [2, 6] },
      build: (g, { x }) =>
        g.op("Mul", [
          g.op("Reshape", [x!, g.values("int64", [3, -1])]),
          g.op("Reshape", [x!, g.values("int64", [3, 4])]),
        ]),
    },
    { says: "Flatten", shapes: { x: [2, 3, 2] }, build: (g, { x }) => g.op("Flatten", [x!], { axis: 2 }) },
    {
      says: "Squeeze and Unsqueeze",
      shapes: { x: [2, 1, 3] },
      build: (g, { x }) => [
        g.op("Squeeze", [x!, g.values("int64", [1])]),
        g.op("Unsqueeze", [x!, g.values("int64", [0, -1])]),
      ],
    },
    {
      says: "Transpose",
      shapes: { x: [2, 3, 4] },
      build: (g, { x }) => [g.op("Transpose", [x!], { perm: [2, 0, 1] }), g.op("Transpose", [x!])],
    },
    {
      says: "Concat",
      shapes: { a: [2, 1], b: [2, 3], c: [2, 2] },
      build: (g, { a, b, c }) => g.op("Concat", [a!, b!, c!, a!], { axis: -1 }),
    },
    {
      says: "Split",
      shapes: { x: [2, 5] },
      build: (g, { x }) => g.opOutputs("Split", [x!, g.values("int64", [2, 3])], 2, { axis: 1 }),
    },
    {
      says: "Split of which a part is not read",
      shapes: { x: [6] },
      build: (g, { x }) => g.opOutputs("Split", [x!], 3).slice(1, 2),
    },
    ...(
      [
        [[0, 1], [2, 3], [0, 1], null],
        [[-3], [-1], [1], null],
        [
          [3, 1],
          [-100, 100],
          [1, 0],
          [-1, 2],
        ],
        [[1], [1000], [0], [2]],
      ] as const
    ).map(
      ([starts, ends, axes, steps]): OperatorCase => ({
        says: `Slice ${JSON.stringify([starts, ends, axes, steps])}`,
        shapes: { x: [4, 4] },
        build: (g, { x }) =>
          g.op("Slice", [
            x!,
            ...[starts, ends, axes, ...(steps === null ? [] : [steps])].map((list) => g.values("int64", list)),
          ]),
      }),
    ),
    ...(["constant", "edge", "reflect"] as const).map(
      (mode): OperatorCase => ({
        says: `Pad ${mode}`,
        shapes: { x: [3, 4] },
        build: (g, { x }) => g.op("Pad", [x!, g.values("int64", [1, 0, 2, 3])], { mode }),
      }),
    ),
    {
      says: "Pad with a value, cutting",
      shapes: { x: [3, 4], value: [] },
      build: (g, { x, value }) => g.op("Pad", [x!, g.values("int64", [1, -1, 0, 2]), value!]),
    },
    {
      says: "Pad of named axes",
      shapes: { x: [3, 4] },
      opset: 18,
      build: (g, { x }, dtype) =>
        g.op("Pad", [x!, g.values("int64", [1, 2]), g.values(dtype, [0], []), g.values("int64", [-1])]),
    },
    { says: "Expand", shapes: { x: [3, 1] }, build: (g, { x }) => g.op("Expand", [x!, g.values("int64", [2, 1, 4])]) },
    { says: "Tile", shapes: { x: [2, 3] }, build: (g, { x }) => g.op("Tile", [x!, g.values("int64", [2, 3])]) },
    {
      says: "Trilu",
      shapes: { x: [3, 3] },
      build: (g, { x }) => [g.op("Trilu", [x!], { upper: 0 }), g.op("Trilu", [x!, g.values("int64", [1], [])])],
    },
    ...["DCR", "CRD"].map(
      (mode): OperatorCase => ({
        says: `DepthToSpace ${mode}`,
        shapes: { x: [1, 8, 2, 3] },
        build: (g, { x }) => g.op("DepthToSpace", [x!], { blocksize: 2, mode }),
      }),
    ),
    ...[0, 1].map(
      (interleaved): OperatorCase => ({
        says: `RotaryEmbedding interleaved ${interleaved}`,
        shapes: { x: [1, 2, 3, 4] },
        opset: 23,
        single: true,
        build: (g, { x }) => {
          const angles = Array.from({ length: 6 }, (_, at) => at * 0.7);
          const table = (of: (angle: number) => number): string => g.values("float32", angles.map(of), [1, 3, 2]);
          return g.op("RotaryEmbedding", [x!, table(Math.cos), table(Math.sin)], { interleaved });
        },
      }),
    ),
    {
      says: "SpaceToDepth",
      shapes: { x: [1, 2, 4, 4] },
      build: (g, { x }) => g.op("SpaceToDepth", [x!], { blocksize: 2 }),
    },
  ],
  indexing: [
    ...[0, 1, -1].map(
      (axis): OperatorCase => ({
        says: `Gather along ${axis}`,
        shapes: { x: [3, 4, 2] },
        build: (g, { x }) => g.op("Gather", [x!, g.values("int64", [1, 0, 1, -1], [2, 2])], { axis }),
      }),
    ),
    {
      says: "Gather of one place",
      shapes: { x: [3, 4] },
      build: (g, { x }) => g.op("Gather", [x!, g.values("int64", [2], [])], { axis: 1 }),
    },
    {
      says: "GatherElements",
      shapes: { x: [3, 2] },
      build: (g, { x }) => g.op("GatherElements", [x!, g.values("int64", [0, 0, 2, -1], [2, 2])], { axis: 0 }),
    },
    {
      says: "GatherND in stacks",
      shapes: { x: [2, 3, 2] },
      build: (g, { x }) => g.op("GatherND", [x!, g.values("int64", [2, 0, 2, 1, 1, 0], [2, 3, 1])], { batch_dims: 1 }),
    },
    {
      says: "GatherND in stacks of stacks",
      shapes: { x: [2, 2, 3] },
      build: (g, { x }) => g.op("GatherND", [x!, g.values("int64", [2, 0, 0, 1], [2, 2, 1])], { batch_dims: 2 }),
    },
    {
      says: "GatherND",
      shapes: { x: [3, 2, 2] },
      build: (g, { x }) => g.op("GatherND", [x!, g.values("int64", [0, 1, 2, 0, 0, 1], [3, 2])]),
    },
    ...["none", "add"].flatMap((reduction): OperatorCase[] => [
      {
        says: `ScatterElements ${reduction}`,
        shapes: { data: [3, 3], updates: [1, 2] },
        build: (g, { data, updates }) =>
          g.op("ScatterElements", [data!, g.values("int64", [2, 0], [1, 2]), updates!], { axis: 1, reduction }),
      },
      {
        says: `ScatterND ${reduction}`,
        shapes: { data: [4, 2], updates: [2, 2] },
        build: (g, { data, updates }) =>
          g.op("ScatterND", [data!, g.values("int64", [3, 1], [2, 1]), updates!], { reduction }),
      },
    ]),
    {
      says: "TopK",
      shapes: { x: [2, 5] },
      values: distinct,
      build: (g, { x }) => g.opOutputs("TopK", [x!, g.values("int64", [2])], 2)[0]!,
    },
  ],
  resizing: [
    resize("nearest, twice", [1, 2, 2, 3], [1, 1, 2, 2], {
      mode: "nearest",
      coordinate_transformation_mode: "asymmetric",
      nearest_mode: "floor",
    }),
    resize(
      "nearest, three times, of open axes",
      [1, 2, 2, 3],
      [1, 1, 3, 2],
      { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" },
      { needsShapes: false },
    ),
    resize("nearest, half a pixel", [1, 1, 4, 3], [1, 1, 0.5, 1.7], { mode: "nearest" }),
    resize("nearest, aligned, up", [1, 1, 3, 3], [1, 1, 1.5, 2], {
      mode: "nearest",
      coordinate_transformation_mode: "align_corners",
      nearest_mode: "ceil",
    }),
    resize("linear", [1, 1, 3, 4], [1, 1, 2, 1.5], { mode: "linear" }),
    resize("linear, aligned", [1, 2, 3, 4], [1, 1, 2, 2], {
      mode: "linear",
      coordinate_transformation_mode: "align_corners",
    }),
    resize("linear, as PyTorch", [1, 1, 4, 4], [1, 1, 0.5, 2], {
      mode: "linear",
      coordinate_transformation_mode: "pytorch_half_pixel",
    }),
    resize("cubic", [1, 1, 4, 4], [1, 1, 2, 1.5], { mode: "cubic", cubic_coeff_a: float(-0.5) }),
    {
      says: "Resize to sizes, along other axes",
      shapes: { x: [2, 3, 1] },
      single: true,
      needsShapes: true,
      build: (g, { x }) =>
        g.op("Resize", [x!, "", "", g.values("int64", [3, 6, 1])], {
          mode: "linear",
          coordinate_transformation_mode: "asymmetric",
        }),
    },
    ...["not_larger", "not_smaller"].flatMap((policy) =>
      ["nearest", "linear"].map((mode): OperatorCase => {
        return {
          says: `Resize that keeps the ratio of the sides, ${policy}, ${mode}`,
          shapes: { x: [1, 1, 3, 5] },
          opset: 18,
          single: true,
          needsShapes: true,
          build: (g, { x }) =>
            g.op("Resize", [x!, "", "", g.values("int64", [7, 7])], {
              axes: [2, 3],
              mode,
              keep_aspect_ratio_policy: policy,
            }),
        };
      }),
    ),
  ],
  losses: [
    ...(["mean", "sum", "none"] as const).flatMap((reduction) =>
      [[], [0.5, 2, 1]].flatMap((weights) =>
        [{}, { ignore_index: -7 }, { ignore_index: 1 }].flatMap((ignore): OperatorCase[] => {
          const labels = "ignore_index" in ignore ? [2, ignore.ignore_index, 0, 2] : [2, 1, 0, 2];
          const rest = (g: GraphBuilder): string[] => [
            g.values("int64", labels),
            ...(weights.length === 0 ? [] : [g.values("float32", weights)]),
          ];
          return [
            {
              says: `SoftmaxCrossEntropyLoss ${reduction} ${JSON.stringify(ignore)} weights ${weights.length}`,
              shapes: { x: [4, 3] },
              single: true,
              build: (g, { x }) => g.op("SoftmaxCrossEntropyLoss", [x!, ...rest(g)], { reduction, ...ignore }),
            },
            {
              says: `NegativeLogLikelihoodLoss ${reduction} ${JSON.stringify(ignore)} weights ${weights.length}`,
              shapes: { x: [4, 3] },
              single: true,
              build: (g, { x }) => g.op("NegativeLogLikelihoodLoss", [x!, ...rest(g)], { reduction, ...ignore }),
            },
          ];
        }),
      ),
    ),
    ...(["with its loss", "alone"] as const).map((how): OperatorCase => {
      return {
        says: `SoftmaxCrossEntropyLoss by its log-probabilities ${how}`,
        shapes: { x: [4, 3] },
        single: true,
        build: (g, { x }) => {
          const inputs = [x!, g.values("int64", [2, 1, 0, 2])];
          const [loss, logarithms] = g.opOutputs("SoftmaxCrossEntropyLoss", inputs, 2, { reduction: "none" });
          if (how === "alone") return g.op("Sin", [logarithms!]);
          return g.op("Mul", [logarithms!, g.op("Unsqueeze", [loss!, g.values("int64", [1])])]);
        },
      };
    }),
    {
      says: "SoftmaxCrossEntropyLoss of every pixel",
      shapes: { x: [2, 3, 2, 2] },
      single: true,
      build: (g, { x }) =>
        g.op("SoftmaxCrossEntropyLoss", [x!, g.values("int64", [0, 1, 2, 0, 2, 1, 1, 0], [2, 2, 2])]),
    },
  ],
  training: [
    { says: "Dropout that does nothing", shapes: { x: [4] }, build: (g, { x }) => g.op("Dropout", [x!]) },
    {
      says: "Dropout that keeps all",
      shapes: { x: [4] },
      build: (g, { x }, dtype) => g.op("Dropout", [x!, g.values(dtype, [0], []), g.values("bool", [true], [])]),
    },
  ],
};
