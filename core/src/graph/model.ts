// The graph of a model as immutable plain data, free of any file format. To change something, make a new object with
// spread: an object that is still the same one is known to be unchanged, which lets a writer copy its bytes through.
import type { DType, TensorData, ValueType } from "#tensor";
import type { ByteSource } from "./byte-source.ts";

/** What a file held that has no word here (fields of a later format); kept and written back as it was. */
export type Extra = readonly ByteSource[];

/** Free key-value facts, such as a model's `metadata_props`. */
export type Metadata = ReadonlyMap<string, string>;

/** Operator-set versions by domain; the ONNX domain itself is "" (files may also call it "ai.onnx"). */
export type OpsetImports = ReadonlyMap<string, number>;

export interface Model {
  readonly kind: "model";
  readonly irVersion: number;
  readonly opsets: OpsetImports;
  readonly producerName: string;
  readonly producerVersion: string;
  readonly domain: string;
  readonly modelVersion: bigint;
  readonly docString: string;
  readonly graph: Graph;
  readonly functions: readonly ModelFunction[];
  readonly training: readonly TrainingInfo[];
  readonly metadata: Metadata;
  readonly extra: Extra;
}

/** A graph, or the body of a control-flow operator; a body may also read the values of the graphs around it. */
export interface Graph {
  readonly kind: "graph";
  readonly name: string;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly initializers: readonly Initializer[];
  readonly sparseInitializers: readonly SparseInitializer[];
  /** In topological order: a node comes after the nodes whose outputs it reads. */
  readonly nodes: readonly Node[];
  /** Types of values in between, where known. */
  readonly valueInfo: readonly ValueInfo[];
  readonly quantization: readonly QuantizationAnnotation[];
  readonly docString: string;
  readonly metadata: Metadata;
  readonly extra: Extra;
}

/** One operator at work. Values are named; "" stands for an optional input or output that is left out. */
export interface Node {
  readonly kind: "node";
  readonly name: string;
  readonly domain: string;
  readonly opType: string;
  /** Which of several functions of one name, since IR 10. */
  readonly overload: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly Attribute[];
  readonly docString: string;
  readonly metadata: Metadata;
  readonly extra: Extra;
}

/** A named value and its type; null where a file does not say. */
export interface ValueInfo {
  readonly kind: "value-info";
  readonly name: string;
  readonly type: ValueType | null;
  readonly docString: string;
  readonly metadata: Metadata;
  readonly extra: Extra;
}

/** What each kind of attribute holds. Integers are 64-bit; strings are bytes, as ONNX has them. */
export interface AttributeValues {
  float: number;
  int: bigint;
  string: Uint8Array;
  tensor: Initializer;
  graph: Graph;
  type: ValueType;
  "sparse-tensor": SparseInitializer;
  floats: Float32Array;
  ints: BigInt64Array;
  strings: readonly Uint8Array[];
  tensors: readonly Initializer[];
  graphs: readonly Graph[];
  types: readonly ValueType[];
  "sparse-tensors": readonly SparseInitializer[];
}
export type AttributeKind = keyof AttributeValues;

export interface AttributeOf<K extends AttributeKind> {
  readonly kind: K;
  readonly name: string;
  readonly value: AttributeValues[K];
  readonly docString: string;
  readonly extra: Extra;
}
/** Inside a function: the value comes from the attribute `value` of the calling node. */
export interface ReferenceAttribute {
  readonly kind: "reference";
  readonly name: string;
  readonly value: string;
  /** The kind the attribute must have. */
  readonly of: AttributeKind;
  readonly docString: string;
  readonly extra: Extra;
}
export type Attribute = { [K in AttributeKind]: AttributeOf<K> }[AttributeKind] | ReferenceAttribute;

/** Where the elements of a stored tensor are. */
export type StoredData =
  /** Row-major little-endian bytes; types under 8 bits packed low bits first. */
  | { readonly kind: "bytes"; readonly bytes: ByteSource }
  /** Elements in memory; see DTYPES for what holds which type. */
  | { readonly kind: "values"; readonly values: TensorData }
  /** `length` elements in a form that costs work to decode. `decode` may throw MODEL_MALFORMED or MODEL_INVALID. */
  | {
      readonly kind: "deferred";
      readonly length: number;
      readonly sizeBytes: number;
      readonly decode: () => TensorData;
    }
  /** In another file. */
  | { readonly kind: "external"; readonly reference: ExternalReference };

/** Where in which file external data lies; not yet checked to be safe to open. */
export interface ExternalReference {
  readonly location: string;
  /** Bytes before the data. */
  readonly offset: number;
  /** Bytes of data; null for "to the end of the file". */
  readonly length: number | null;
  readonly checksum: string | null;
  /** Other keys a producer wrote. */
  readonly others: Metadata;
}

/** A tensor stored in the model: an initializer of a graph, or the value of an attribute. */
export interface Initializer {
  readonly kind: "initializer";
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: StoredData;
  readonly docString: string;
  readonly metadata: Metadata;
  readonly extra: Extra;
}

/** A sparse tensor: `values` [n] at `indices` [n] (linear) or [n, rank], elsewhere 0. Its name is that of `values`. */
export interface SparseInitializer {
  readonly kind: "sparse-initializer";
  readonly values: Initializer;
  readonly indices: Initializer;
  readonly shape: readonly number[];
  readonly extra: Extra;
}

/** Names of the values that hold a value's quantization parameters, such as SCALE_TENSOR. */
export interface QuantizationAnnotation {
  readonly kind: "quantization-annotation";
  readonly tensorName: string;
  readonly parameters: Metadata;
  readonly extra: Extra;
}

/** An operator defined by a graph, private to the model. */
export interface ModelFunction {
  readonly kind: "function";
  readonly name: string;
  readonly domain: string;
  readonly overload: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Attributes a call must give. */
  readonly attributes: readonly string[];
  /** Attributes a call may give, with their defaults. */
  readonly attributeDefaults: readonly Attribute[];
  readonly nodes: readonly Node[];
  readonly opsets: OpsetImports;
  readonly valueInfo: readonly ValueInfo[];
  readonly docString: string;
  readonly metadata: Metadata;
  readonly extra: Extra;
}

/** How to train the model, by the ONNX training extension. */
export interface TrainingInfo {
  readonly kind: "training-info";
  readonly initialization: Graph | null;
  readonly algorithm: Graph | null;
  readonly initializationBinding: Metadata;
  readonly updateBinding: Metadata;
  readonly extra: Extra;
}

const NOTHING: readonly never[] = Object.freeze([]);
const NO_METADATA: Metadata = new Map();

/** A node; what is left out is empty. */
export function createNode(parts: Partial<Omit<Node, "kind">> & Pick<Node, "opType">): Node {
  const { name = "", domain = "", opType, overload = "", inputs = NOTHING, outputs = NOTHING } = parts;
  const { attributes = NOTHING, docString = "", metadata = NO_METADATA, extra = NOTHING } = parts;
  return { kind: "node", name, domain, opType, overload, inputs, outputs, attributes, docString, metadata, extra };
}

/** A graph; what is left out is empty. */
export function createGraph(parts: Partial<Omit<Graph, "kind">>): Graph {
  const { name = "", inputs = NOTHING, outputs = NOTHING, initializers = NOTHING, nodes = NOTHING } = parts;
  const { sparseInitializers = NOTHING, valueInfo = NOTHING, quantization = NOTHING } = parts;
  const { docString = "", metadata = NO_METADATA, extra = NOTHING } = parts;
  return {
    kind: "graph",
    name,
    inputs,
    outputs,
    initializers,
    sparseInitializers,
    nodes,
    valueInfo,
    quantization,
    docString,
    metadata,
    extra,
  };
}

/** A model; what is left out is empty. */
export function createModel(
  parts: Partial<Omit<Model, "kind">> & Pick<Model, "irVersion" | "opsets" | "graph">,
): Model {
  const { irVersion, opsets, graph, producerName = "", producerVersion = "", domain = "", modelVersion = 0n } = parts;
  const { docString = "", functions = NOTHING, training = NOTHING, metadata = NO_METADATA, extra = NOTHING } = parts;
  return {
    kind: "model",
    irVersion,
    opsets,
    producerName,
    producerVersion,
    domain,
    modelVersion,
    docString,
    graph,
    functions,
    training,
    metadata,
    extra,
  };
}

/** A function; what is left out is empty. */
export function createFunction(
  parts: Partial<Omit<ModelFunction, "kind">> & Pick<ModelFunction, "name" | "domain" | "opsets">,
): ModelFunction {
  const { name, domain, opsets, overload = "", inputs = NOTHING, outputs = NOTHING, attributes = NOTHING } = parts;
  const { attributeDefaults = NOTHING, nodes = NOTHING, valueInfo = NOTHING } = parts;
  const { docString = "", metadata = NO_METADATA, extra = NOTHING } = parts;
  return {
    kind: "function",
    name,
    domain,
    overload,
    inputs,
    outputs,
    attributes,
    attributeDefaults,
    nodes,
    opsets,
    valueInfo,
    docString,
    metadata,
    extra,
  };
}

/** A named value and its type. */
export function createValueInfo(name: string, type: ValueType | null): ValueInfo {
  return { kind: "value-info", name, type, docString: "", metadata: NO_METADATA, extra: NOTHING };
}

/** A stored tensor; what is left out is empty. */
export function createInitializer(
  parts: Partial<Omit<Initializer, "kind">> & Pick<Initializer, "dtype" | "shape" | "data">,
): Initializer {
  const { name = "", dtype, shape, data, docString = "", metadata = NO_METADATA, extra = NOTHING } = parts;
  return { kind: "initializer", name, dtype, shape, data, docString, metadata, extra };
}
