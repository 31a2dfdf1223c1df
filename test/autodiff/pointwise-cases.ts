// Uses of operators whose gradients are checked: arithmetic, activations, products and reductions.
import { float } from "@slipway/core/graph";
import type { OperatorCase } from "./gradient-check.ts";

const away = (value: number): number => value + Math.sign(value) * 0.05;
const positive = (value: number): number => Math.abs(value) + 0.3;

/** An operator of one input. */
const unary = (
  opType: string,
  values: (random: number) => number = away,
  more: Partial<OperatorCase> & { attributes?: Parameters<Parameters<OperatorCase["build"]>[0]["op"]>[2] } = {},
): OperatorCase => ({
  says: `${opType} ${JSON.stringify(more.attributes ?? {})}`,
  shapes: { x: [2, 3] },
  values,
  build: (g, { x }) => g.op(opType, [x!], more.attributes ?? {}),
  ...more,
});

const binary = (
  opType: string,
  a: readonly number[],
  b: readonly number[],
  more: Partial<OperatorCase> = {},
): OperatorCase => ({
  says: `${opType} [${a.join()}] [${b.join()}]`,
  shapes: { a, b },
  values: positive,
  build: (g, inputs) => g.op(opType, [inputs["a"]!, inputs["b"]!]),
  ...more,
});

export const POINTWISE_CASES: Readonly<Record<string, readonly OperatorCase[]>> = {
  arithmetic: [
    ...["Add", "Sub", "Mul", "Div", "Pow"].flatMap((opType) => [
      binary(opType, [2, 3], [2, 3]),
      binary(opType, [2, 3], [3]),
      binary(opType, [2, 1, 3], [4, 1]),
      binary(opType, [], [2, 2]),
    ]),
    binary("Mod", [2, 3], [3], {
      values: (value, name) => (name === "a" ? value * 5 + 0.013 : 1.7),
      build: (g, { a, b }) => g.op("Mod", [a!, b!], { fmod: 1 }),
    }),
    {
      says: "Pow with stored exponents",
      shapes: { x: [3] },
      build: (g, { x }, dtype) => [
        g.op("Pow", [x!, g.values(dtype, [2], [])]),
        g.op("Pow", [x!, g.values(dtype, [3], [])]),
      ],
    },
    {
      says: "one value read three times",
      shapes: { x: [2, 2] },
      build: (g, { x }) => g.op("Mul", [g.op("Mul", [x!, x!]), x!]),
    },
    ...["Sum", "Mean", "Max", "Min"].map(
      (opType): OperatorCase => ({
        says: `${opType} of three`,
        shapes: { a: [2, 3], b: [3], c: [2, 1] },
        single: opType === "Mean",
        build: (g, { a, b, c }) => g.op(opType, [a!, b!, c!]),
      }),
    ),
    {
      says: "Where",
      shapes: { a: [2, 3], b: [3] },
      build: (g, { a, b }) => g.op("Where", [g.values("bool", [true, false, true], [3]), a!, b!]),
    },
    {
      says: "Clip with bounds that are differentiated",
      shapes: { x: [8], low: [], high: [] },
      values: (value, name) => (name === "x" ? value : name === "low" ? -0.4 : 0.3),
      build: (g, { x, low, high }) => g.op("Clip", [x!, low!, high!]),
    },
    {
      says: "Clip from below",
      shapes: { x: [6] },
      build: (g, { x }, dtype) => g.op("Clip", [x!, g.values(dtype, [0.1], [])]),
    },
    {
      says: "Cast there and back",
      shapes: { x: [3] },
      build: (g, { x }, dtype) =>
        g.op("Mul", [g.op("Cast", [g.op("Cast", [x!], { to: 1 })], { to: dtype === "float64" ? 11 : 1 }), x!]),
      tolerance: 2e-2,
    },
  ],
  functions: [
    ...["Neg", "Identity", "Abs", "Exp", "Erf", "Sin", "Cos", "Tan", "Atan", "Sinh", "Cosh", "Asinh"].map((opType) =>
      unary(opType, away, ["Erf", "Tan", "Atan", "Sinh", "Cosh", "Asinh"].includes(opType) ? { single: true } : {}),
    ),
    ...["Log", "Sqrt", "Reciprocal"].map((opType) => unary(opType, positive)),
    ...["Asin", "Acos", "Atanh"].map((opType) => unary(opType, (value) => value * 0.8, { single: true })),
    unary("Acosh", (value) => Math.abs(value) + 1.3, { single: true }),
    ...["Sign", "Floor", "Ceil", "Round"].map((opType) =>
      unary(opType, (value) => value * 0.3 + 0.25 * Math.sign(value) * 0.4 + 0.02),
    ),
  ],
  activations: [
    unary("Relu"),
    unary("Sigmoid"),
    unary("Tanh"),
    ...["Softplus", "Softsign", "HardSigmoid", "Selu", "Celu", "Elu", "LeakyRelu", "ThresholdedRelu", "Shrink"].map(
      (opType) => unary(opType, (value) => away(value) * 3, { single: true }),
    ),
    unary("Elu", away, { single: true, attributes: { alpha: float(0.7) } }),
    unary("Selu", away, { single: true, attributes: { alpha: float(1.2), gamma: float(0.9) } }),
    unary("Celu", away, { single: true, attributes: { alpha: float(1.7) } }),
    unary("LeakyRelu", away, { single: true, attributes: { alpha: float(0.3) } }),
    unary("HardSigmoid", (value) => value * 4, { single: true, attributes: { alpha: float(0.3), beta: float(0.4) } }),
    unary("HardSwish", (value) => value * 4.7, { single: true }),
    unary("Mish", (value) => value * 3, { single: true, opset: 18 }),
    unary("Gelu", (value) => value * 3, { single: true, opset: 20 }),
    unary("Gelu", (value) => value * 3, { single: true, opset: 20, attributes: { approximate: "tanh" } }),
    unary("Swish", (value) => value * 3, { single: true, opset: 24, attributes: { alpha: float(1.3) } }),
    {
      says: "PRelu",
      shapes: { x: [2, 3, 4], slope: [3, 1] },
      values: away,
      single: true,
      build: (g, { x, slope }) => g.op("PRelu", [x!, slope!]),
    },
    ...["Gelu", "QuickGelu", "FastGelu"].map(
      (opType): OperatorCase => ({
        says: `com.microsoft.${opType}`,
        shapes: { x: [2, 4] },
        opsets: { "com.microsoft": 1 },
        single: true,
        build: (g, { x }) => g.op(opType, [x!], {}, { domain: "com.microsoft" }),
      }),
    ),
    ...["BiasGelu", "FastGelu"].map(
      (opType): OperatorCase => ({
        says: `com.microsoft.${opType} with a bias`,
        shapes: { x: [2, 4], b: [4] },
        opsets: { "com.microsoft": 1 },
        single: true,
        build: (g, { x, b }) => g.op(opType, [x!, b!], {}, { domain: "com.microsoft" }),
      }),
    ),
  ],
  products: [
    ...(
      [
        [
          [2, 3],
          [3, 4],
        ],
        [
          [5, 2, 3],
          [3, 4],
        ],
        [
          [5, 2, 3],
          [5, 3, 4],
        ],
        [
          [2, 1, 2, 3],
          [4, 3, 2],
        ],
        [
          [2, 3],
          [4, 3, 2],
        ],
        [[3], [3]],
        [[3], [3, 2]],
        [[2, 3], [3]],
        [[3], [2, 3, 4]],
        [[2, 4, 3], [3]],
      ] as const
    ).map(([a, b]) => binary("MatMul", a, b)),
    ...[0, 1].flatMap((transA) =>
      [0, 1].flatMap((transB) =>
        [[4], [2, 4], [2, 1], []].map(
          (c): OperatorCase => ({
            says: `Gemm transA ${transA} transB ${transB} C [${c.join()}]`,
            shapes: { a: transA === 1 ? [3, 2] : [2, 3], b: transB === 1 ? [4, 3] : [3, 4], c },
            build: (g, { a, b, c: bias }) =>
              g.op("Gemm", [a!, b!, bias!], { transA, transB, alpha: float(1.5), beta: float(0.5) }),
          }),
        ),
      ),
    ),
    ...["ij,jk->ik", "bij,bjk->bki", "ij,kj->ki", "i,j->ij", "ij,ij->", "ij,jk", "bhid,bhjd->bhij"].map(
      (equation): OperatorCase => {
        const lengths: Readonly<Record<string, number>> = { i: 2, j: 3, k: 4, b: 2, h: 2, d: 3 };
        const [a, b] = equation
          .split("->")[0]!
          .split(",")
          .map((letters) => Array.from(letters, (letter) => lengths[letter]!));
        return binary("Einsum", a!, b!, {
          says: equation,
          build: (g, inputs) => g.op("Einsum", [inputs["a"]!, inputs["b"]!], { equation }),
        });
      },
    ),
    {
      says: "Einsum that sums a letter of one operand",
      shapes: { a: [2, 3], b: [2] },
      build: (g, { a, b }) => g.op("Einsum", [a!, b!], { equation: "ij,i->i" }),
    },
    {
      says: "Einsum of stacks",
      shapes: { a: [2, 3, 4], b: [2, 4, 2] },
      needsShapes: true,
      build: (g, { a, b }) => g.op("Einsum", [a!, b!], { equation: "...ij,...jk->...ki" }),
    },
    {
      says: "Einsum of stacks of one operand, by a matrix",
      shapes: { a: [2, 3, 4], b: [4, 2] },
      needsShapes: true,
      build: (g, { a, b }) => g.op("Einsum", [a!, b!], { equation: "...j,jk->...k" }),
    },
    {
      says: "Einsum of one operand",
      shapes: { a: [2, 3, 2] },
      build: (g, { a }) => g.op("Einsum", [a!], { equation: "ijk->ki" }),
    },
    ...[0, 1].flatMap((transA) =>
      [0, 1].map(
        (transB): OperatorCase => ({
          says: `FusedMatMul transA ${transA} transB ${transB}`,
          shapes: { a: transA === 1 ? [2, 3, 2] : [2, 2, 3], b: transB === 1 ? [4, 3] : [3, 4] },
          opsets: { "com.microsoft": 1 },
          single: true,
          build: (g, { a, b }) =>
            g.op("FusedMatMul", [a!, b!], { transA, transB, alpha: float(0.5) }, { domain: "com.microsoft" }),
        }),
      ),
    ),
  ],
  reductions: [
    ...[
      "ReduceSum",
      "ReduceMean",
      "ReduceMax",
      "ReduceMin",
      "ReduceL1",
      "ReduceL2",
      "ReduceSumSquare",
      "ReduceProd",
      "ReduceLogSum",
      "ReduceLogSumExp",
    ].flatMap((opType) =>
      [17, 18].flatMap((opset) =>
        [
          { axes: [1], keepdims: 1 },
          { axes: [-1, 0], keepdims: 0 },
          { axes: null, keepdims: 0 },
          { axes: null, keepdims: 1 },
        ].map(({ axes, keepdims }): OperatorCase => {
          const asInput = opset === 18 || opType === "ReduceSum";
          return {
            says: `${opType} ${opset} axes ${JSON.stringify(axes)} keepdims ${keepdims}`,
            shapes: { x: [2, 3, 2] },
            opset,
            values: opType === "ReduceLogSum" ? positive : away,
            build: (g, { x }) =>
              axes === null
                ? g.op(opType, [x!], { keepdims })
                : asInput
                  ? g.op(opType, [x!, g.values("int64", axes)], { keepdims })
                  : g.op(opType, [x!], { keepdims, axes }),
          };
        }),
      ),
    ),
    {
      says: "ReduceProd with one zero",
      shapes: { x: [2, 3] },
      values: (value, _name, index) => (index === 1 ? 0 : away(value)),
      build: (g, { x }) => g.op("ReduceProd", [x!], { axes: [1] }),
    },
    ...[-1, 0, 1].flatMap((axis) =>
      ["Softmax", "LogSoftmax"].map((opType) =>
        unary(opType, away, { shapes: { x: [2, 3, 2] }, attributes: { axis } }),
      ),
    ),
    ...[0, 1].flatMap((exclusive) =>
      [0, 1].map(
        (reverse): OperatorCase => ({
          says: `CumSum exclusive ${exclusive} reverse ${reverse}`,
          shapes: { x: [3, 2] },
          build: (g, { x }) => g.op("CumSum", [x!, g.values("int64", [0], [])], { exclusive, reverse }),
        }),
      ),
    ),
  ],
};
