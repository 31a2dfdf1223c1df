// The messages of an ONNX file, as data: what reading and writing go by. Source: onnx.proto of ONNX 1.21 (IR 13).

export type ScalarType = "int32" | "int64" | "uint64" | "float" | "double" | "string" | "bytes";

export interface Field<T extends string = string, L extends Label = Label> {
  readonly number: number;
  /** A scalar type, or the name of a message. */
  readonly type: T;
  /** Once at most; any number of times; or any number of times and written packed. Both forms are read. */
  readonly label: L;
}
type Label = "one" | "many" | "packed";

const one = <T extends string>(number: number, type: T): Field<T, "one"> => ({ number, type, label: "one" });
const many = <T extends string>(number: number, type: T): Field<T, "many"> => ({ number, type, label: "many" });
const packed = <T extends string>(number: number, type: T): Field<T, "packed"> => ({ number, type, label: "packed" });

/** Fields by message, in the order of their numbers, which is the order they are written in. */
export const MESSAGES = {
  Model: {
    ir_version: one(1, "int64"),
    producer_name: one(2, "string"),
    producer_version: one(3, "string"),
    domain: one(4, "string"),
    model_version: one(5, "int64"),
    doc_string: one(6, "string"),
    graph: one(7, "Graph"),
    opset_import: many(8, "OperatorSetId"),
    metadata_props: many(14, "StringStringEntry"),
    training_info: many(20, "TrainingInfo"),
    functions: many(25, "Function"),
  },
  OperatorSetId: { domain: one(1, "string"), version: one(2, "int64") },
  StringStringEntry: { key: one(1, "string"), value: one(2, "string") },
  TrainingInfo: {
    initialization: one(1, "Graph"),
    algorithm: one(2, "Graph"),
    initialization_binding: many(3, "StringStringEntry"),
    update_binding: many(4, "StringStringEntry"),
  },
  Function: {
    name: one(1, "string"),
    input: many(4, "string"),
    output: many(5, "string"),
    attribute: many(6, "string"),
    node: many(7, "Node"),
    doc_string: one(8, "string"),
    opset_import: many(9, "OperatorSetId"),
    domain: one(10, "string"),
    attribute_proto: many(11, "Attribute"),
    value_info: many(12, "ValueInfo"),
    overload: one(13, "string"),
    metadata_props: many(14, "StringStringEntry"),
  },
  Graph: {
    node: many(1, "Node"),
    name: one(2, "string"),
    initializer: many(5, "Tensor"),
    doc_string: one(10, "string"),
    input: many(11, "ValueInfo"),
    output: many(12, "ValueInfo"),
    value_info: many(13, "ValueInfo"),
    quantization_annotation: many(14, "TensorAnnotation"),
    sparse_initializer: many(15, "SparseTensor"),
    metadata_props: many(16, "StringStringEntry"),
  },
  TensorAnnotation: {
    tensor_name: one(1, "string"),
    quant_parameter_tensor_names: many(2, "StringStringEntry"),
  },
  Node: {
    input: many(1, "string"),
    output: many(2, "string"),
    name: one(3, "string"),
    op_type: one(4, "string"),
    attribute: many(5, "Attribute"),
    doc_string: one(6, "string"),
    domain: one(7, "string"),
    overload: one(8, "string"),
    metadata_props: many(9, "StringStringEntry"),
  },
  Attribute: {
    name: one(1, "string"),
    f: one(2, "float"),
    i: one(3, "int64"),
    s: one(4, "bytes"),
    t: one(5, "Tensor"),
    g: one(6, "Graph"),
    floats: many(7, "float"),
    ints: many(8, "int64"),
    strings: many(9, "bytes"),
    tensors: many(10, "Tensor"),
    graphs: many(11, "Graph"),
    doc_string: one(13, "string"),
    tp: one(14, "Type"),
    type_protos: many(15, "Type"),
    type: one(20, "int32"),
    ref_attr_name: one(21, "string"),
    sparse_tensor: one(22, "SparseTensor"),
    sparse_tensors: many(23, "SparseTensor"),
  },
  ValueInfo: {
    name: one(1, "string"),
    type: one(2, "Type"),
    doc_string: one(3, "string"),
    metadata_props: many(4, "StringStringEntry"),
  },
  Tensor: {
    dims: many(1, "int64"),
    data_type: one(2, "int32"),
    float_data: packed(4, "float"),
    int32_data: packed(5, "int32"),
    string_data: many(6, "bytes"),
    int64_data: packed(7, "int64"),
    name: one(8, "string"),
    raw_data: one(9, "bytes"),
    double_data: packed(10, "double"),
    uint64_data: packed(11, "uint64"),
    doc_string: one(12, "string"),
    external_data: many(13, "StringStringEntry"),
    data_location: one(14, "int32"),
    metadata_props: many(16, "StringStringEntry"),
  },
  SparseTensor: { values: one(1, "Tensor"), indices: one(2, "Tensor"), dims: many(3, "int64") },
  Type: {
    tensor_type: one(1, "TensorType"),
    sequence_type: one(4, "ElementType"),
    map_type: one(5, "MapType"),
    denotation: one(6, "string"),
    opaque_type: one(7, "OpaqueType"),
    sparse_tensor_type: one(8, "TensorType"),
    optional_type: one(9, "ElementType"),
  },
  TensorType: { elem_type: one(1, "int32"), shape: one(2, "TensorShape") },
  ElementType: { elem_type: one(1, "Type") },
  MapType: { key_type: one(1, "int32"), value_type: one(2, "Type") },
  OpaqueType: { domain: one(1, "string"), name: one(2, "string") },
  TensorShape: { dim: many(1, "Dimension") },
  Dimension: { dim_value: one(1, "int64"), dim_param: one(2, "string"), denotation: one(3, "string") },
} as const satisfies Record<string, Readonly<Record<string, Field>>>;

export type MessageName = keyof typeof MESSAGES;

/** AttributeProto.AttributeType by our kinds. */
export const ATTRIBUTE_TYPES = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
  tensors: 9,
  graphs: 10,
  "sparse-tensor": 11,
  "sparse-tensors": 12,
  type: 13,
  types: 14,
} as const;

/** TensorProto.DataLocation.EXTERNAL */
export const DATA_LOCATION_EXTERNAL = 1;
