// Which uses of an operator keep the rows of a batch apart: what it makes of a row then depends on that row alone. Where an
// operator would lose or stretch the axis of the batch, its shape tells; here is what shapes do not tell.
import type { Node } from "#graph";
import type { ShapeCall } from "../shapes/index.ts";

/** A node, and the axis of the batch in each of its inputs; null for an input that has none. */
export interface RowsCall {
  readonly call: ShapeCall;
  readonly axes: readonly (number | null)[];
}

/** Why rows would depend on each other, to complete "The node …"; null where they stay apart. */
export type RowsRule = (rows: RowsCall) => string | null;

const always: RowsRule = () => null;

/** Operators that read their first input with the batch in front, and others that have none. */
const batchInFront: RowsRule = ({ axes: [first, ...others] }) => {
  if (others.some((axis) => axis !== null)) return "reads parameters that differ by row";
  return first === 0 || first === null ? null : `has the batch on axis ${first}, where it has channels or places`;
};

/** The batch is on none of the axes an operator works along. */
function along(axesOf: (call: ShapeCall, rank: number) => readonly number[] | null): RowsRule {
  return ({ call, axes: [batch] }) => {
    const rank = call.shape()?.length;
    if (batch === null || batch === undefined || rank === undefined) return null;
    const worked = axesOf(call, rank)?.map((axis) => (axis < 0 ? axis + rank : axis));
    if (worked === undefined) return "works along axes that are not known";
    return worked.includes(batch) ? `works along axis ${batch}, which is that of the batch` : null;
  };
}

const fromAxis = (axis: number, rank: number): readonly number[] => {
  const first = axis < 0 ? axis + rank : axis;
  return Array.from({ length: rank - first }, (_, index) => first + index);
};
/** Softmax works along one axis; before operator set 13 along all from one on. */
const softmax = along((call, rank) => (call.opset < 13 ? fromAxis(call.int("axis", 1), rank) : [call.int("axis", -1)]));
const oneAxis = (fallback: number): RowsRule => along((call) => [call.int("axis", fallback)]);

/** One scale for all, or one for each place of an axis that is not the batch's. */
const quantized: RowsRule = ({ call, axes: [batch] }) => {
  const rank = call.shape()?.length ?? 0;
  const isByAxis = call.shape(1)?.length === 1 && !call.shape(1)![0]!.is(1);
  const axis = call.int("axis", 1);
  return isByAxis && (axis < 0 ? axis + rank : axis) === batch ? "has a scale for each row" : null;
};

const gather: RowsRule = ({ call, axes: [data, indices] }) => {
  if (data === null || data === undefined) return null;
  if (indices !== null) return "picks from rows by numbers that differ by row";
  const rank = call.shape()?.length ?? 0;
  const axis = call.int("axis", 0);
  return (axis < 0 ? axis + rank : axis) === data ? "picks rows of the batch" : null;
};

const sliced: RowsRule = ({ call, axes: [batch] }) => {
  if (batch === null || batch === undefined) return null;
  const rank = call.shape()?.length ?? 0;
  const given = call.numbers("axes", 3);
  if (given === null) return "cuts along axes that are not known";
  const axes =
    given ?? Array.from({ length: call.ints("starts")?.length ?? call.lengthOfInput(1) ?? rank }, (_, axis) => axis);
  const at = axes.findIndex((axis) => (axis < 0 ? axis + rank : axis) === batch);
  if (at < 0) return null;
  const start = call.ints("starts")?.[at] ?? call.elements(1)?.[at]?.number;
  const end = call.ints("ends")?.[at] ?? call.elements(2)?.[at]?.number;
  const step = call.hasInput(4) ? call.elements(4)?.[at]?.number : 1;
  return start === 0 && step === 1 && end !== undefined && end !== null && end >= 2 ** 31 - 1
    ? null
    : "cuts rows out of the batch";
};

const recurrent: RowsRule = ({ call, axes: [x, ...others] }) => {
  const batch = call.int("layout", 0) === 0 ? 1 : 0;
  if (x !== batch) return `has the batch on axis ${x ?? "?"} instead of ${batch}`;
  if (others.slice(0, 3).some((axis) => axis !== null)) return "has weights that differ by row";
  if (call.hasInput(4)) return "has lengths of sequences by row";
  const states = others.slice(4, 6).filter((_, index) => call.hasInput(index + 5));
  return states.every((axis) => axis === batch) ? null : "begins with states whose batch is on another axis";
};

/** Queries, keys and values of each row apart, under a mask that is for all rows or has their axis. */
const attention: RowsRule = ({ call, axes: [q, k, v, mask = null, ...others] }) => {
  if (q !== 0 || k !== 0 || v !== 0) return "attends to what has no batch on axis 0";
  const shape = call.shape(3);
  const isByRow = mask === 0 && shape?.length === 4;
  const isForAll = mask === null && shape !== null && (shape.length < 4 || shape[0]!.is(1));
  if (call.hasInput(3) && !isByRow && !isForAll) return "has a mask whose rows are not those of the batch";
  // Keys and values of before, and how many of each row count.
  return others.every((axis, index) => axis === 0 || !call.hasInput(index + 4))
    ? null
    : "goes on from what has no batch on axis 0";
};

const ELEMENTWISE = words(`
  Abs Acos Acosh Asin Asinh Atan Atanh BitwiseNot Cast CastLike Ceil Celu Clip Cos Cosh Elu Erf Exp Floor Gelu HardSigmoid
  HardSwish Identity IsInf IsNaN LeakyRelu Log Mish Neg Not Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh
  Softplus Softsign Sqrt Swish Tan Tanh ThresholdedRelu PRelu Dropout Bernoulli RandomNormalLike RandomUniformLike
  Add Sub Mul Div Mod Pow Max Min Sum Mean Where Equal Greater GreaterOrEqual Less LessOrEqual And Or Xor BitShift
  BitwiseAnd BitwiseOr BitwiseXor`);
/** What shapes tell: a batch that is summed over is lost, one that is joined with itself is there twice. */
const TOLD_BY_SHAPES = words(`
  MatMul Einsum Transpose Squeeze Unsqueeze Expand Reshape Flatten OneHot Shape Size ConstantOfShape Constant
  ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare`);
const BATCH_IN_FRONT = words(`
  Conv ConvTranspose ConvInteger AveragePool MaxPool LpPool GlobalAveragePool GlobalMaxPool GlobalLpPool InstanceNormalization
  GroupNormalization LRN DepthToSpace SpaceToDepth`);

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}

function named(names: readonly string[], rule: RowsRule): Readonly<Record<string, RowsRule>> {
  return Object.fromEntries(names.map((name) => [name, rule]));
}

const RULES: Readonly<Record<string, Readonly<Record<string, RowsRule>>>> = {
  "": {
    ...named(ELEMENTWISE, always),
    ...named(TOLD_BY_SHAPES, always),
    ...named(BATCH_IN_FRONT, batchInFront),
    ...named(words("Softmax LogSoftmax Hardmax"), softmax),
    ...named(words("LpNormalization TopK"), oneAxis(-1)),
    ...named(words("Split ArgMax ArgMin"), oneAxis(0)),
    ...named(words("GatherElements ScatterElements"), (rows) =>
      rows.axes.every((axis) => axis === rows.axes[0])
        ? oneAxis(0)(rows)
        : "picks by places of which only some are told by row",
    ),
    Concat: ({ call, axes }) => {
      const axis = call.int("axis", 0);
      const joined = axis < 0 ? axis + (call.shape()?.length ?? 0) : axis;
      return axes.includes(joined) ? "joins rows of the batch with others" : null;
    },
    Gemm: ({ call, axes: [, , c] }) => {
      const shape = call.shape(2);
      const isOfRows = c === null && shape?.length === 2 && !shape[0]!.is(1);
      return isOfRows ? "adds something else to each row" : null;
    },
    ...named(
      words("LayerNormalization RMSNormalization"),
      along((call, rank) => fromAxis(call.int("axis", -1), rank)),
    ),
    ...named(words("LSTM GRU RNN"), recurrent),
    ...named(words("QuantizeLinear DequantizeLinear"), quantized),
    MeanVarianceNormalization: along((call) => call.ints("axes") ?? [0, 2, 3]),
    BatchNormalization: (rows) =>
      rows.call.int("training_mode", 0) === 0 && rows.call.outputCount === 1
        ? batchInFront(rows)
        : "normalises by the mean of the batch",
    CumSum: along((call) => call.inputNumbers(1)),
    Trilu: along(() => [-1, -2]),
    Tile: ({ call, axes: [batch] }) => {
      if (batch === null || batch === undefined) return null;
      return call.elements(1)?.[batch]?.is(1) === true ? null : "repeats the batch";
    },
    Pad: ({ call, axes: [batch] }) => {
      if (batch === null || batch === undefined) return null;
      const rank = call.shape()?.length ?? 0;
      const pads = call.ints("pads")?.map(String) ?? call.elements(1)?.map((one) => one?.text ?? "?");
      const isKept = !call.hasInput(3) && pads?.[batch] === "0" && pads[batch + rank] === "0";
      return isKept ? null : "pads the batch with rows, or along axes that are not known";
    },
    Resize: (rows) => resized(rows),
    Upsample: (rows) => resized(rows),
    Attention: attention,
    GridSample: ({ axes }) =>
      axes.every((axis) => axis === 0) ? null : "has images or places that are no batch in front",
    Gather: gather,
    Slice: sliced,
    RotaryEmbedding: ({ axes: [batch] }) =>
      batch === 0 || batch === null ? null : "has the batch on another axis than 0",
  },
  "com.microsoft": named(words("Gelu QuickGelu FastGelu BiasGelu FusedMatMul"), always),
};

function resized(rows: RowsCall): string | null {
  const { call } = rows;
  const scales = call.inputNumbers(call.inputCount === 2 ? 1 : 2) ?? call.inputNumbers(3);
  const attribute = call.node.attributes.find(({ name }) => name === "scales");
  const first = attribute?.kind === "floats" ? attribute.value[0] : scales?.[0];
  if (call.hasAttribute("axes")) return batchInFront({ ...rows, axes: rows.axes.slice(0, 1) });
  if (call.hasInput(3))
    return call.elements(3)?.[0]?.number === null ? null : "has a size that holds the length of the batch";
  if (first !== 1) return "changes how many rows there are, or scales by what is not known";
  return batchInFront({ ...rows, axes: rows.axes.slice(0, 1) });
}

/** The rule of a node's operator; undefined for operators of which it is not known that they keep rows apart. */
export function rowsRuleOf({ domain, opType }: Node): RowsRule | undefined {
  const rules = Object.hasOwn(RULES, domain) ? RULES[domain]! : {};
  return Object.hasOwn(rules, opType) ? rules[opType] : undefined;
}

/** Whether a node computes element by element, from inputs that are broadcast to each other. */
export function isElementwise({ domain, opType }: Node): boolean {
  return domain === "" && ELEMENTWISE.includes(opType);
}

/** Inputs by which an operator is told shapes, places or lengths, which may depend on how many rows there are. */
const SHAPE_INPUTS: Readonly<Record<string, readonly number[]>> = {
  Reshape: [1],
  Expand: [1],
  Tile: [1],
  Pad: [1],
  Split: [1],
  ConstantOfShape: [0],
  Slice: [1, 2, 3, 4],
  Resize: [3],
};

export function isShapeInput({ domain, opType }: Node, index: number): boolean {
  return domain === "" && Object.hasOwn(SHAPE_INPUTS, opType) && SHAPE_INPUTS[opType]!.includes(index);
}
