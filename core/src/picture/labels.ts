// What a picture says of a node: its kind, the attributes that tell one from another, what it stores, and shapes in few letters.
import { type Attribute, type Node, subgraphsOf } from "#graph";
import { dtypeFromOnnx, type TensorType, type ValueType } from "#tensor";
import { cut, dimsText, MOST_LETTERS, numberText, smallValue } from "./words.ts";

/** What operators are told apart by at a glance. */
export const CATEGORIES = {
  product: "products and convolutions",
  normalization: "normalisation",
  activation: "activations",
  reduction: "pooling and reductions",
  arithmetic: "arithmetic and others",
  arrangement: "moving and reshaping",
  control: "graphs inside",
} as const;
export type Category = keyof typeof CATEGORIES;

const CATEGORY_BY_NAME: readonly (readonly [Category, RegExp])[] = [
  ["product", /Conv|MatMul|^Gemm$|^Einsum$|Attention|^(?:LSTM|GRU|RNN)$/],
  ["normalization", /Normalization$|^LRN$/],
  [
    "activation",
    /(?:Relu|Gelu|Elu|Celu|Selu|Sigmoid|Tanh|Swish|Mish|Softmax|Softplus|Softsign|Hardmax|Shrink|Dropout)$|^SoftmaxCross/,
  ],
  ["reduction", /Pool$|^Reduce|^Arg(?:Max|Min)$|^CumSum$|^TopK$|Loss$|^GridSample$|^NonMaxSuppression$/],
  [
    "arrangement",
    /^(?:Reshape|Flatten|Squeeze|Unsqueeze|Transpose|Concat|Split|Slice|Pad|Expand|Tile|Gather|Scatter|Cast|Identity|Shape|Size|DepthToSpace|SpaceToDepth|Resize|Upsample|Constant|Range|OneHot|NonZero|EyeLike|Trilu|Compress|ReverseSequence|Sequence|ConcatFromSequence|Optional)/,
  ],
];

export function categoryOf(node: Node): Category {
  if (subgraphsOf(node).length > 0) return "control";
  return CATEGORY_BY_NAME.find(([, pattern]) => pattern.test(node.opType))?.[0] ?? "arithmetic";
}

/** How attributes are said where their names are long; `{}` is where the value goes. */
const WORDS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    kernel_shape: "kernel {}",
    strides: "stride {}",
    dilations: "dilation {}",
    pads: "pad {}",
    group: "{} groups",
    auto_pad: "pad {}",
    perm: "order {}",
    axis: "axis {}",
    axes: "axes {}",
    hidden_size: "{} units",
    num_heads: "{} heads",
    q_num_heads: "{} heads",
    keepdims: "drops axes",
    to: "to {}",
  }),
);
/** What an attribute is where leaving it out means the same; those are not said. */
const USUAL: ReadonlyMap<string, string> = new Map(
  Object.entries({
    strides: "1",
    dilations: "1",
    pads: "0",
    group: "1",
    auto_pad: "NOTSET",
    alpha: "1",
    beta: "1",
    transA: "0",
    ceil_mode: "0",
    storage_order: "0",
    keepdims: "1",
    count_include_pad: "0",
    training_mode: "0",
    momentum: "0.9",
    spatial: "1",
    noop_with_empty_axes: "0",
    direction: "forward",
    linear_before_reset: "0",
    stash_type: "1",
    saturate: "1",
    start: "0",
    batch_dims: "0",
    sorted: "1",
    largest: "1",
  }),
);
/** Said by their presence alone. */
const FLAGS: ReadonlyMap<string, string> = new Map(Object.entries({ transA: "A transposed", transB: "B transposed" }));
/** Of no interest in a picture. */
const UNSAID = new Set([
  "allowzero",
  "epsilon",
  "cubic_coeff_a",
  "coordinate_transformation_mode",
  "nearest_mode",
  "extrapolation_value",
]);
/** A node's attributes in a few words each, as far as they tell something. */
export function attributeWords(node: Node): readonly string[] {
  return node.attributes.flatMap((attribute) => {
    const { name } = attribute;
    const value = valueWords(attribute);
    if (value === null || UNSAID.has(name) || USUAL.get(name) === value) return [];
    const flag = FLAGS.get(name);
    if (flag !== undefined) return value === "0" ? [] : [flag];
    return [
      cut(
        (WORDS.get(name) ?? `${name} {}`).replace("{}", () => value),
        MOST_LETTERS,
      ),
    ];
  });
}

function valueWords(attribute: Attribute): string | null {
  switch (attribute.kind) {
    case "int": {
      const number = Number(attribute.value);
      const isType = attribute.name === "to" || attribute.name === "dtype";
      return (isType ? dtypeFromOnnx(number) : undefined) ?? numberText(number);
    }
    case "float":
      return numberText(attribute.value);
    case "ints": {
      const all = Array.from(attribute.value, Number);
      const isAlike = all.length > 0 && all.every((one) => one === all[0]);
      if (isAlike && attribute.name !== "perm" && attribute.name !== "axes" && attribute.name !== "kernel_shape")
        return numberText(all[0]!);
      return attribute.name === "kernel_shape" ? all.join("×") : all.map(numberText).join(", ");
    }
    case "floats":
      return Array.from(attribute.value, numberText).join(", ");
    case "string":
      return new TextDecoder().decode(attribute.value);
    case "type":
      return attribute.value.kind;
    case "reference":
      return `as the call's ${attribute.value}`;
    case "tensor":
      return smallValue(attribute.value) ?? dimsText(attribute.value.shape);
    case "strings":
      return attribute.value.map((bytes) => new TextDecoder().decode(bytes)).join(", ");
    case "tensors":
    case "graph":
    case "graphs":
    case "types":
    case "sparse-tensor":
    case "sparse-tensors":
      return null;
  }
}

/** What operators call their inputs, where that says more than a letter. Source: ONNX, Operators.md. */
const FORMAL: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    Conv: ["X", "W", "B"],
    ConvTranspose: ["X", "W", "B"],
    BatchNormalization: ["X", "scale", "B", "mean", "var"],
    LayerNormalization: ["X", "scale", "B"],
    InstanceNormalization: ["X", "scale", "B"],
    GroupNormalization: ["X", "scale", "B"],
    RMSNormalization: ["X", "scale"],
    PRelu: ["X", "slope"],
    Reshape: ["data", "shape"],
    Expand: ["data", "shape"],
    Tile: ["data", "repeats"],
    Slice: ["data", "starts", "ends", "axes", "steps"],
    Split: ["data", "split"],
    Clip: ["X", "min", "max"],
    Pad: ["data", "pads", "value", "axes"],
    Gather: ["data", "indices"],
    GatherND: ["data", "indices"],
    GatherElements: ["data", "indices"],
    ScatterND: ["data", "indices", "updates"],
    ScatterElements: ["data", "indices", "updates"],
    Squeeze: ["data", "axes"],
    Unsqueeze: ["data", "axes"],
    TopK: ["X", "K"],
    Resize: ["X", "roi", "scales", "sizes"],
    Where: ["condition", "X", "Y"],
    CumSum: ["X", "axis"],
    OneHot: ["indices", "depth", "values"],
    Dropout: ["X", "ratio", "training"],
    LSTM: ["X", "W", "R", "B", "lengths", "h", "c", "P"],
    GRU: ["X", "W", "R", "B", "lengths", "h"],
    RNN: ["X", "W", "R", "B", "lengths", "h"],
    QuantizeLinear: ["X", "scale", "zero point"],
    DequantizeLinear: ["X", "scale", "zero point"],
    Attention: ["Q", "K", "V", "mask"],
  }),
);

/** What a node's input is called by its operator. */
export function formalName(node: Node, index: number): string {
  const named = FORMAL.get(node.opType)?.[index];
  if (named !== undefined) return named;
  if (node.opType.startsWith("Reduce")) return index === 1 ? "axes" : "X";
  return String.fromCharCode(65 + (index % 26));
}

/** What a line says of the value it stands for; nothing where nothing is known. */
export function typeWords(type: ValueType | undefined): string {
  if (type === undefined) return "";
  if (type.kind !== "tensor") return type.kind;
  const shape = type.shape === null ? "" : dimsText(type.shape);
  return isUsual(type) ? shape : `${type.dtype} ${shape}`.trim();
}

function isUsual({ dtype }: TensorType): boolean {
  return dtype === "float32";
}

/** A node's name as far as it says more than its operator: the end of its path. */
export function shortName(node: Node): string {
  const parts = node.name
    .split(/[/:]/)
    .map((part) => part.replace(/^node_+(?=.)/, ""))
    .filter((part) => part !== "" && !isPlain(part, node.opType));
  const [last = "", before = ""] = parts.toReversed();
  return cut(before === "" || last.startsWith(before) ? last : `${before}/${last}`, 26, "front");
}

function isPlain(part: string, opType: string): boolean {
  const bare = part.replace(/[_.-]?\d+$/, "").toLowerCase();
  const operator = opType.toLowerCase();
  return bare === "node" || bare.replaceAll("_", "") === operator || bare.endsWith(`.${operator}`);
}

/** Everything of a node, for who asks. */
export function fullWords(node: Node): string {
  const name = node.name === "" ? "" : ` '${node.name}'`;
  const attributes = node.attributes.map((one) => `${one.name} = ${valueWords(one) ?? one.kind}`);
  return [
    `${node.domain === "" ? "" : `${node.domain}.`}${node.opType}${name}`,
    `reads ${node.inputs.map((input) => (input === "" ? "–" : input)).join(", ") || "nothing"}`,
    `makes ${node.outputs.join(", ")}`,
    ...attributes,
  ].join("\n");
}
