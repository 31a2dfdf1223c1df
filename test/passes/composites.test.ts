// Composite operators in primitives answer what ONNX Runtime's own kernels do, and each primitive has a gradient rule.
import { GRADIENT_RULES } from "@slipway/core/autodiff";
import { type AttributeInput, float, type GraphBuilder, graphBuilder, type Model } from "@slipway/core/graph";
import { decomposeComposites, DECOMPOSITIONS } from "@slipway/core/passes";
import type { DType } from "@slipway/core/tensor";
import { Tensor } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { checkGradients } from "../autodiff/gradient-check.ts";
import { randomFrom } from "../support/random.ts";
import { expectSameAnswers, type Feeds, operatorsOf, randomFeeds } from "./answers-check.ts";
import { exportedModel } from "./sample-models.ts";

/** Operators of lengths, masks and types, which no derivative goes through. */
const OF_NO_DERIVATIVE = new Set(["And", "ConstantOfShape", "Equal", "Greater", "Less", "Shape"]);

interface Case {
  readonly says: string;
  readonly opType: string;
  /** Axes of the inputs; "" leaves one out. */
  readonly inputs: readonly (Input | "")[];
  readonly attributes?: Readonly<Record<string, AttributeInput>>;
  readonly domain?: string;
  readonly opset?: number;
  /** How many outputs are asked for. */
  readonly outputs?: readonly number[];
  readonly tolerance?: number;
}

type Input = readonly number[] | { readonly shape: readonly number[]; readonly dtype: DType; readonly below: number };

const whole = (shape: readonly number[], below: number, dtype: DType = "int32"): Input => ({ shape, dtype, below });
const masked = (shape: readonly number[]): Input => whole(shape, 2, "bool");

function modelOf({ opType, inputs, attributes = {}, domain = "", opset = 17, outputs = [0] }: Case): Model {
  const g = graphBuilder({ opset, ...(domain === "" ? {} : { opsets: { [domain]: 1 } }) });
  const names = inputs.map((input, index) => {
    if (input === "") return "";
    const { shape, dtype } = "shape" in input ? input : { shape: input, dtype: "float32" as const };
    return g.input(`x${index}`, dtype, shape);
  });
  const most = Math.max(...outputs) + 1;
  const asked = Array.from({ length: most }, (_, index) => (outputs.includes(index) ? `made${index}` : ""));
  const made = g.opOutputs(opType, names, most, attributes, { domain, outputs: asked, name: "composite" });
  for (const index of outputs) g.output(`y${index}`, made[index]!, outputType(opType, index), null);
  return g.model();
}

const outputType = (opType: string, index: number): DType =>
  opType === "EmbedLayerNormalization" && index === 1 ? "int32" : "float32";

function feedsOf({ inputs }: Case): Feeds {
  const random = randomFrom(5);
  const feeds = inputs.flatMap((input, index) => {
    if (input === "") return [];
    const { shape, dtype, below } = "shape" in input ? input : { shape: input, dtype: "float32" as const, below: 0 };
    const size = shape.reduce((product, length) => product * length, 1);
    const drawn = Array.from({ length: size }, () => (below === 0 ? 4 * random() - 2 : Math.floor(random() * below)));
    const data =
      dtype === "float32"
        ? Float32Array.from(drawn)
        : dtype === "bool"
          ? Uint8Array.from(drawn)
          : Int32Array.from(drawn);
    return [[`x${index}`, new Tensor(dtype as "float32", data as Float32Array, [...shape])] as const];
  });
  return Object.fromEntries(feeds);
}

const X = [2, 3, 8] as const;
const contributed = { domain: "com.microsoft" } as const;
const NORMALIZATIONS: readonly Case[] = [
  { says: "over the last axis", opType: "LayerNormalization", inputs: [X, [8], [8]] },
  {
    says: "without a shift, over two axes",
    opType: "LayerNormalization",
    inputs: [X, [3, 8]],
    attributes: { axis: 1 },
  },
  {
    says: "with what it is normalised by",
    opType: "LayerNormalization",
    inputs: [X, [3, 8], [3, 8]],
    attributes: { axis: -2, epsilon: 0.01 },
    outputs: [0, 1, 2],
  },
  { says: "in operator set 18", opType: "LayerNormalization", inputs: [X, [8], [8]], opset: 18 },
  { says: "over the last axis", opType: "RMSNormalization", inputs: [X, [8]], opset: 23 },
  {
    says: "over all axes",
    opType: "RMSNormalization",
    inputs: [X, [2, 3, 8]],
    attributes: { axis: 0, epsilon: 0.1 },
    opset: 23,
  },
  { says: "as it was before", opType: "SimplifiedLayerNormalization", inputs: [X, [8]], outputs: [0, 1] },
  { says: "with a shift", opType: "SkipLayerNormalization", inputs: [X, X, [8], [8]], ...contributed },
  {
    says: "with a bias, and the sum handed out",
    opType: "SkipLayerNormalization",
    inputs: [X, X, [8], [8], [8]],
    attributes: { epsilon: 0.001 },
    outputs: [0, 3],
    ...contributed,
  },
  { says: "without a shift", opType: "SkipLayerNormalization", inputs: [X, [3, 8], [8]], ...contributed },
  {
    says: "with a bias, and the sum handed out",
    opType: "SkipSimplifiedLayerNormalization",
    inputs: [X, X, [8], [8]],
    outputs: [0, 3],
    ...contributed,
  },
  {
    says: "of words and places, and words counted",
    opType: "EmbedLayerNormalization",
    inputs: [whole([2, 3], 9), "", [9, 8], [5, 8], "", [8], [8], whole([2, 3], 2)],
    outputs: [0, 1],
    ...contributed,
  },
  {
    says: "of words, places that are given, and segments, with the sum",
    opType: "EmbedLayerNormalization",
    inputs: [whole([2, 3], 9), whole([2, 3], 2), [9, 8], [5, 8], [2, 8], [8], [8], "", whole([2, 3], 5)],
    attributes: { epsilon: 0.001 },
    outputs: [0, 1, 2],
    ...contributed,
  },
];

const ACTIVATIONS: readonly Case[] = [
  { says: "by the error function", opType: "Gelu", inputs: [X], opset: 20 },
  { says: "approximated", opType: "Gelu", inputs: [X], attributes: { approximate: "tanh" }, opset: 20 },
  { says: "as it is", opType: "HardSigmoid", inputs: [X] },
  { says: "with a slope and a height", opType: "HardSigmoid", inputs: [X], attributes: { alpha: 0.7, beta: 0.1 } },
  { says: "as it is", opType: "HardSwish", inputs: [X] },
  { says: "as it is", opType: "Mish", inputs: [X], opset: 18 },
  { says: "by the error function", opType: "Gelu", inputs: [X], ...contributed },
  { says: "with its bias", opType: "BiasGelu", inputs: [X, [8]], ...contributed },
  { says: "without a bias", opType: "FastGelu", inputs: [X], ...contributed },
  { says: "with a bias", opType: "FastGelu", inputs: [X, [8]], ...contributed },
  { says: "as it is", opType: "QuickGelu", inputs: [X], ...contributed },
  { says: "with a slope", opType: "QuickGelu", inputs: [X], attributes: { alpha: 0.5 }, ...contributed },
];

const attention = (
  says: string,
  inputs: Case["inputs"],
  attributes: NonNullable<Case["attributes"]> = {},
  outputs: readonly number[] = [0],
): Case => ({ says, opType: "Attention", inputs, attributes, outputs, opset: 23 });
const [Q, K] = [
  [2, 4, 3, 5],
  [2, 4, 6, 5],
];
const ATTENTIONS: readonly Case[] = [
  attention("with heads apart", [Q, K, [2, 4, 6, 7]]),
  attention(
    "with heads joined",
    [
      [2, 3, 8],
      [2, 6, 8],
      [2, 6, 12],
    ],
    { q_num_heads: 4, kv_num_heads: 4 },
  ),
  attention("with several heads of queries to one of keys", [Q, [2, 2, 6, 5], [2, 2, 6, 5]]),
  attention(
    "the same with heads joined",
    [
      [2, 3, 12],
      [2, 6, 4],
      [2, 6, 4],
    ],
    { q_num_heads: 6, kv_num_heads: 2 },
  ),
  attention("that looks only back", [Q, [2, 4, 3, 5], [2, 4, 3, 5]], { is_causal: 1 }),
  attention("with a scale and a soft cap", [Q, K, K], { scale: 0.3, softcap: float(2) }),
  attention("with a mask that is added", [Q, K, K, [3, 6]]),
  attention("with a mask of what counts, where some count for nothing", [Q, K, K, masked([2, 1, 3, 6])]),
  attention("with a mask of single keys, that looks only back", [Q, K, K, masked([3, 6])], {
    is_causal: 1,
    softcap: float(3),
  }),
  attention("with keys that are past", [Q, [2, 4, 3, 5], [2, 4, 3, 5], "", K, K], { is_causal: 1 }, [0, 1, 2]),
  attention("with its products shown", [Q, K, K, [3, 6]], { softcap: float(2), qk_matmul_output_mode: 0 }, [0, 3]),
  attention("with its shares shown", [Q, K, K, masked([3, 6])], { qk_matmul_output_mode: 3 }, [0, 3]),
];

const CASES = [...NORMALIZATIONS, ...ACTIVATIONS, ...ATTENTIONS];

describe("decompose-composites", () => {
  test.each(CASES)("$opType $says", async (one) => {
    const model = modelOf(one);
    const written = decomposeComposites(model);
    const known = new Set([...Object.keys(GRADIENT_RULES[""]!), ...OF_NO_DERIVATIVE]);
    for (const { domain, opType, name } of written.graph.nodes) {
      expect(domain).toBe("");
      expect(known, opType).toContain(opType);
      expect(name).toMatch(new RegExp(`^composite/${opType}(_\\d+)?$`));
      expect(Object.keys(DECOMPOSITIONS[""]!)).not.toContain(opType);
    }
    await expectSameAnswers(model, written, feedsOf(one), one.tolerance ?? 5e-6);
  });
  test("has a case for each operator it knows", () => {
    const tried = new Set([...CASES.map(({ domain = "", opType }) => `${domain}.${opType}`), ".CastLike"]);
    const known = Object.entries(DECOMPOSITIONS).flatMap(([domain, table]) =>
      Object.keys(table).map((opType) => `${domain}.${opType}`),
    );
    expect(tried).toEqual(new Set(known));
  });
  test("makes a type that is known from another value one that is stated", async () => {
    const g = graphBuilder({ opset: 17 });
    const [x, like] = [g.input("x", "float32", ["N"]), g.input("like", "float64", ["M"])];
    g.output("y", g.op("CastLike", [x, like]), "float64", ["N"]);
    const model = g.model();
    const written = decomposeComposites(model);
    expect(operatorsOf(written)).toEqual({ Cast: 1 });
    await expectSameAnswers(model, written, randomFeeds(model));
  });
  test("leaves what differentiates by all that a composite reads", async () => {
    const g = graphBuilder({ opset: 23, opsets: { "com.microsoft": 1 } });
    const [q, k, mask] = [
      g.input("q", "float64", [1, 4, 2, 3]),
      g.input("k", "float64", [1, 2, 3, 3]),
      g.input("mask", "float64", [2, 3]),
    ];
    const [skip, scale] = [g.input("skip", "float64", [3]), g.input("scale", "float64", [3])];
    const y = g.op("Attention", [q, k, k, mask], { softcap: float(2) });
    g.output("y", g.op("SkipLayerNormalization", [y, skip, scale], {}, { domain: "com.microsoft" }), "float64", null);
    const random = randomFrom(4);
    const feeds = g.graph().inputs.map(({ name, type }) => {
      const shape = type?.kind === "tensor" ? (type.shape as number[]) : [];
      const size = shape.reduce((product, length) => product * length, 1);
      return [
        name,
        new Tensor(
          "float64",
          Float64Array.from({ length: size }, () => 2 * random() - 1),
          shape,
        ),
      ] as const;
    });
    // ONNX Runtime has neither in float64: only what they are written as can be differentiated so exactly.
    await checkGradients(decomposeComposites(g.model()), Object.fromEntries(feeds), [
      "q",
      "k",
      "mask",
      "skip",
      "scale",
    ]);
  });
  test("lets those be differentiated that have no rule of their own", async () => {
    const one: Case = {
      says: "",
      opType: "SkipLayerNormalization",
      inputs: [X, X, [8], [8], [8]],
      outputs: [0, 3],
      ...contributed,
    };
    await checkGradients(modelOf(one), feedsOf(one), ["x0", "x1", "x2", "x3", "x4"]);
  });
  test("normalises half-precision numbers in single precision, as is asked for", () => {
    const g = graphBuilder({ opset: 17 });
    const x = g.input("x", "float16", ["N", 4]);
    const scale = g.input("scale", "float16", [4]);
    g.output("y", g.op("LayerNormalization", [x, scale]), "float16", ["N", 4]);
    const { graph } = decomposeComposites(g.model());
    const casts = graph.nodes.filter(({ opType }) => opType === "Cast");
    expect(casts.map(({ attributes }) => attributes[0]!.kind === "int" && attributes[0].value)).toEqual([1n, 10n]);
    expect(graph.nodes.findIndex((node) => node === casts[0])).toBe(0);
  });
  test.each<readonly [string, (g: GraphBuilder) => void]>([
    [
      "a number of axes that is not known",
      (g) => {
        const x = g.input("x", "float32", null);
        g.output("y", g.op("LayerNormalization", [x, g.input("scale", "float32", [4])], { axis: 1 }), "float32", null);
      },
    ],
    [
      "a number of heads that is not known",
      (g) => {
        const x = g.input("x", "float32", ["N", "H", "T", 4]);
        g.output("y", g.op("Attention", [x, x, x]), "float32", null);
      },
    ],
    [
      "operators of names that objects have",
      (g) => {
        const x = g.input("x", "float32", [2]);
        g.output("y", g.op("name", [g.op("constructor", [x])], {}, { domain: "constructor" }), "float32", [2]);
      },
    ],
    [
      "operators that are primitives",
      (g) => g.output("y", g.op("Exp", [g.input("x", "float32", [2])]), "float32", [2]),
    ],
  ])("leaves %s", (_, build) => {
    const g = graphBuilder({ opset: 23 });
    build(g);
    const model = g.model();
    expect(decomposeComposites(model)).toBe(model);
  });
  test.each(["bert-dynamo", "gpt-dynamo", "vit-legacy", "mobilenet-v3-legacy"])(
    "writes %s in primitives",
    async (name) => {
      const { model, feeds } = exportedModel(name);
      const written = decomposeComposites(model);
      expect(written.graph.nodes.length).toBeGreaterThan(model.graph.nodes.length);
      const left = Object.keys(operatorsOf(written)).filter((opType) => opType in DECOMPOSITIONS[""]!);
      expect(left).toEqual([]);
      await expectSameAnswers(model, written, feeds, 1e-5);
    },
  );
});
