// A builder for graphs: tests and training write models the way one writes arithmetic.
import { assert, SlipwayError } from "#base";
import {
  bfloat16FromNumber,
  createData,
  createTensor,
  type Dimension,
  type DType,
  dtypeFromOnnx,
  float16FromNumber,
  type Tensor,
  type ValueType,
} from "#tensor";
import { type AttributeInput, attributeFrom, intOf } from "./attributes.ts";
import { initializerFromTensor } from "./initializer.ts";
import {
  createGraph,
  createModel,
  createNode,
  createValueInfo,
  type Graph,
  type Initializer,
  type Model,
  type ModelFunction,
  type Node,
  type ValueInfo,
} from "./model.ts";
import { NameScope, nameScopeOf, subgraphsOf } from "./names.ts";
import { renameOutputs, renameReads } from "./rename.ts";

export interface ModelOptions {
  /** Version of the ONNX operator set; 17 unless said. */
  readonly opset?: number;
  /** Versions of other operator sets by domain. */
  readonly opsets?: Readonly<Record<string, number>>;
  /** 8 unless the operator set needs a later one. */
  readonly irVersion?: number;
  readonly name?: string;
  readonly functions?: readonly ModelFunction[];
}

export interface OperatorOptions {
  /** Name of the node. */
  readonly name?: string;
  /** Domain of the operator; "" is ONNX itself. */
  readonly domain?: string;
  /** Names of the outputs; fresh ones are made where left out. */
  readonly outputs?: readonly string[];
}

/**
 * A builder for a graph. Values are known by their names, so a body may simply use the values around it.
 *
 * ```ts
 * const g = graphBuilder({ opset: 17 });
 * const x = g.input("x", "float32", ["N", 2]);
 * const weights = g.values("float32", [1, 2, 3, 4], [2, 2]);
 * g.output("y", g.op("MatMul", [x, weights]), "float32", ["N", 2]);
 * const model = g.model();
 * ```
 */
export function graphBuilder(options: ModelOptions = {}): GraphBuilder {
  return new GraphBuilder(options, new NameScope(), new Map());
}

/**
 * The model with more behind its graph: nodes that may read any of its values, further inputs and stored tensors. Its
 * outputs stay, and those the builder is given are added.
 * @param dtypes element types of the model's values, as far as known; those of what is built are told from them
 */
export function extendModel(model: Model, dtypes: ReadonlyMap<string, DType>, build: (g: GraphBuilder) => void): Model {
  const { graph } = model;
  const options = { opset: model.opsets.get("") ?? 1 };
  const g = new GraphBuilder(options, nameScopeOf(graph), new Map(dtypes));
  build(g);
  const added = g.graph();
  return {
    ...model,
    graph: {
      ...graph,
      inputs: [...graph.inputs, ...added.inputs],
      initializers: [...graph.initializers, ...added.initializers],
      nodes: [...graph.nodes, ...added.nodes],
      outputs: [...graph.outputs, ...added.outputs],
    },
  };
}

/** See `graphBuilder`. */
export class GraphBuilder {
  readonly #options: ModelOptions;
  readonly #names: NameScope;
  /** Element types of tensors, as far as known; bodies see those around them. */
  readonly #dtypes: Map<string, DType>;
  readonly #inputs: ValueInfo[] = [];
  readonly #outputs: { readonly name: string; readonly value: string; readonly type: ValueType | null }[] = [];
  readonly #initializers: Initializer[] = [];
  readonly #nodes: Node[] = [];

  constructor(options: ModelOptions, names: NameScope, dtypes: Map<string, DType>) {
    this.#options = options;
    this.#names = names;
    this.#dtypes = dtypes;
  }

  /** A tensor input; axes are lengths, names, or null where nothing is known. */
  input(name: string, dtype: DType, shape: readonly Dimension[] | null): string {
    return this.inputOf(name, { kind: "tensor", dtype, shape });
  }

  /** An input of any type. */
  inputOf(name: string, type: ValueType): string {
    this.#define(name);
    if (type.kind === "tensor") this.#dtypes.set(name, type.dtype);
    this.#inputs.push(createValueInfo(name, type));
    return name;
  }

  /** A stored tensor. Under the name of an input it becomes that input's default. */
  constant(tensor: Tensor, name?: string): string {
    const checked = createTensor(tensor.dtype, tensor.shape, tensor.data);
    return this.initializer(initializerFromTensor(name ?? this.#names.fresh("constant"), checked), name !== undefined);
  }

  /** An initializer as it is, such as one of another model. */
  initializer(initializer: Initializer, isNew = true): string {
    const { name, dtype } = initializer;
    if (isNew && !this.#inputs.some((input) => input.name === name)) this.#define(name);
    this.#dtypes.set(name, dtype);
    this.#initializers.push(initializer);
    return name;
  }

  /** A stored tensor from plain values; `shape` defaults to one axis, `[]` makes a scalar of a single value. */
  values(
    dtype: DType,
    values: readonly (number | bigint | boolean | string)[],
    shape: readonly number[] = [values.length],
    name?: string,
  ): string {
    return this.constant(tensorOfValues(dtype, values, shape), name);
  }

  /** A name nothing has yet, for a value that is made elsewhere. */
  freshName(name: string): string {
    return this.#names.fresh(name);
  }

  /** The name, or the name with a number behind it where something has it: for an input or output that is defined next. */
  freeName(name: string): string {
    return this.#names.free(name);
  }

  /** The element type of a value, as far as it is told. */
  dtypeOf(value: string): DType | undefined {
    return this.#dtypes.get(value);
  }

  /** A node with one output; answers that output's name. */
  op(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeInput>> = {},
    options: OperatorOptions = {},
  ): string {
    return this.opOutputs(opType, inputs, 1, attributes, options)[0]!;
  }

  /** A node with several outputs; answers their names. */
  opOutputs(
    opType: string,
    inputs: readonly string[],
    count: number,
    attributes: Readonly<Record<string, AttributeInput>> = {},
    options: OperatorOptions = {},
  ): string[] {
    const stem = options.name ?? opType.toLowerCase();
    const outputs: string[] = [];
    for (let index = 0; index < count; index++) {
      const given = options.outputs?.[index];
      if (given !== undefined && given !== "") this.#define(given);
      outputs.push(given ?? this.#names.fresh(`${stem}_${index === 0 ? "out" : `out${index}`}`));
    }
    const node = createNode({
      opType,
      name: options.name ?? "",
      domain: options.domain ?? "",
      inputs: [...inputs],
      outputs,
      attributes: Object.entries(attributes).map(([name, value]) => attributeFrom(name, value)),
    });
    this.#nodes.push(node);
    for (const [index, output] of outputs.entries()) {
      const dtype = outputDType(node, index, this.#dtypes);
      if (dtype !== undefined && output !== "") this.#dtypes.set(output, dtype);
    }
    return outputs;
  }

  /** A node as it is, such as one of another graph; answers the names of its outputs. */
  node(node: Node): readonly string[] {
    for (const output of node.outputs) if (output !== "") this.#define(output);
    this.#nodes.push(node);
    for (const [index, output] of node.outputs.entries()) {
      const dtype = outputDType(node, index, this.#dtypes);
      if (dtype !== undefined && output !== "") this.#dtypes.set(output, dtype);
    }
    return node.outputs;
  }

  /**
   * Makes a value an output of the graph. Without a dtype it is worked out where the operator's rule is simple: that of
   * the first input, with a table of exceptions. Without a shape ONNX Runtime works it out; the `onnx` checker wants one.
   */
  output(name: string, value: string, dtype?: DType, shape: readonly Dimension[] | null = null): void {
    const known = dtype ?? this.#dtypes.get(value);
    this.#output(name, value, known === undefined ? null : { kind: "tensor", dtype: known, shape });
  }

  /** As `output`, of any type. */
  outputOf(name: string, value: string, type: ValueType): void {
    this.#output(name, value, type);
  }

  /** The body of a control-flow operator, to be given as an attribute; it may use the values of this graph. */
  subgraph(name: string, build: (body: GraphBuilder) => void): Graph {
    const body = new GraphBuilder({ name }, this.#names, new Map(this.#dtypes));
    build(body);
    return body.graph();
  }

  /** The graph as built so far. */
  graph(): Graph {
    const renamed = new Map<string, string>();
    const identities: Node[] = [];
    const produced = new Set(this.#nodes.flatMap((node) => node.outputs));
    for (const { name, value } of this.#outputs) {
      if (name === value) continue;
      // The producing node writes straight to the output's name, unless the value is an output already or no node's.
      if (produced.has(value) && !renamed.has(value) && !this.#outputs.some((output) => output.name === value)) {
        renamed.set(value, name);
      } else
        identities.push(createNode({ opType: "Identity", inputs: [renamed.get(value) ?? value], outputs: [name] }));
    }
    return createGraph({
      name: this.#options.name ?? "graph",
      inputs: [...this.#inputs],
      outputs: this.#outputs.map(({ name, type }) => createValueInfo(name, type)),
      initializers: [...this.#initializers],
      nodes: [...this.#nodes.map((node) => renameOutputs(renameReads(node, renamed), renamed)), ...identities],
    });
  }

  /** The model as built so far. */
  model(): Model {
    const { opset = 17, opsets = {}, irVersion, functions = [] } = this.#options;
    const imports = new Map([["", opset], ...Object.entries(opsets)]);
    return createModel({
      irVersion: irVersion ?? minimumIrVersion(opset),
      opsets: imports,
      producerName: "slipway",
      graph: this.graph(),
      functions,
    });
  }

  #output(name: string, value: string, type: ValueType | null): void {
    assert(value !== "", `Output '${name}' needs a value.`);
    if (name !== value) this.#define(name);
    if (this.#outputs.some((output) => output.name === name)) throw duplicate(name);
    this.#outputs.push({ name, value, type });
  }

  #define(name: string): void {
    if (name === "") throw new SlipwayError("MODEL_INVALID", "A value needs a name; the empty one means 'left out'.");
    if (!this.#names.take(name)) throw duplicate(name);
  }
}

function duplicate(name: string): SlipwayError {
  return new SlipwayError("MODEL_INVALID", `The graph already has a value named '${name}'; choose another name.`);
}

/** The IR version that came with an operator set. Source: onnx/docs/Versioning.md. */
export function minimumIrVersion(opset: number): number {
  if (opset <= 18) return 8;
  if (opset <= 20) return 9;
  if (opset <= 22) return 10;
  if (opset === 23) return 11;
  return opset === 24 ? 12 : 13;
}

/** How to find an output's element type: a type, the input or attribute that tells, or null where it can't be told. */
type DTypeRule = DType | number | { readonly attribute: string; readonly fallback: DType } | null;

// Outputs whose element type is not that of the first input, by operator.
const BOOL: readonly DTypeRule[] = ["bool"];
const INT64: readonly DTypeRule[] = ["int64"];
const FLOAT_BY_ATTRIBUTE: readonly DTypeRule[] = [{ attribute: "dtype", fallback: "float32" }];
const OUTPUT_DTYPES: Readonly<Record<string, readonly DTypeRule[]>> = {
  And: BOOL,
  Equal: BOOL,
  Greater: BOOL,
  GreaterOrEqual: BOOL,
  IsInf: BOOL,
  IsNaN: BOOL,
  Less: BOOL,
  LessOrEqual: BOOL,
  Not: BOOL,
  Or: BOOL,
  Xor: BOOL,
  ArgMax: INT64,
  ArgMin: INT64,
  NonMaxSuppression: INT64,
  NonZero: INT64,
  SequenceLength: INT64,
  Shape: INT64,
  Size: INT64,
  Cast: [{ attribute: "to", fallback: "float32" }],
  CastLike: [1],
  Where: [1],
  OneHot: [2],
  ConvInteger: ["int32"],
  MatMulInteger: ["int32"],
  DequantizeLinear: [1],
  QuantizeLinear: [2],
  DynamicQuantizeLinear: ["uint8", "float32", "uint8"],
  QLinearConv: [7],
  QLinearMatMul: [7],
  Dropout: [0, "bool"],
  MaxPool: [0, "int64"],
  TopK: [0, "int64"],
  Unique: [0, "int64", "int64", "int64"],
  RandomNormal: FLOAT_BY_ATTRIBUTE,
  RandomUniform: FLOAT_BY_ATTRIBUTE,
  Bernoulli: [0],
  Multinomial: [{ attribute: "dtype", fallback: "int32" }],
  // What these make depends on a tensor, a body or a domain; whoever makes it an output says its type.
  Constant: [null],
  ConstantOfShape: [null],
  If: [null],
  Loop: [null],
  Scan: [null],
};

/**
 * The element type of a node's output, by the rule of its operator; undefined where that is not told by the element types of
 * what it reads, or for operators of other domains.
 */
export function outputDType(node: Node, index: number, dtypes: ReadonlyMap<string, DType>): DType | undefined {
  if (node.domain !== "") return undefined;
  if (node.opType === "Constant" || node.opType === "ConstantOfShape") {
    const value = node.attributes.find(({ name }) => name === "value");
    if (value?.kind === "tensor") return value.value.dtype;
    return node.opType === "ConstantOfShape" ? "float32" : undefined;
  }
  if (node.opType === "If" || node.opType === "Loop" || node.opType === "Scan") return bodyDType(node, index);
  const rules = OUTPUT_DTYPES[node.opType];
  const rule = rules === undefined ? 0 : (rules[index] ?? null);
  if (rule === null || typeof rule === "string") return rule ?? undefined;
  if (typeof rule === "number") return dtypes.get(node.inputs[rule] ?? "");
  const code = intOf(node, rule.attribute, undefined);
  return code === undefined ? rule.fallback : dtypeFromOnnx(code);
}

// Outputs of control flow carry the types of the body's outputs; a Loop's body has its condition before them.
function bodyDType(node: Node, index: number): DType | undefined {
  const type = subgraphsOf(node)[0]?.outputs[node.opType === "Loop" ? index + 1 : index]?.type;
  return type?.kind === "tensor" ? type.dtype : undefined;
}

/** A tensor from plain values, each converted to the element type. Types of less than 8 bits can't be made this way. */
export function tensorOfValues(
  dtype: DType,
  values: readonly (number | bigint | boolean | string)[],
  shape: readonly number[] = [values.length],
): Tensor {
  if (dtype === "string") return createTensor(dtype, shape, values.map(String));
  const data = createData(dtype, values.length);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    for (const [index, value] of values.entries()) data[index] = BigInt(value);
  } else {
    const bits = dtype === "float16" ? float16FromNumber : dtype === "bfloat16" ? bfloat16FromNumber : undefined;
    assert(data.length === values.length, `Values of ${dtype} can't be given one by one.`);
    for (const [index, value] of values.entries())
      data[index] = bits === undefined ? Number(value) : bits(Number(value));
  }
  return createTensor(dtype, shape, data);
}
