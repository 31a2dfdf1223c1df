// A Model to ONNX bytes, in chunks, so that a model of many gigabytes never has to be one array. What is unchanged
// since it was read is copied byte for byte; what changed is encoded as the reference encoder would.
import { SlipwayError } from "#base";
import {
  type Attribute,
  type ByteSource,
  type Graph,
  type Initializer,
  type Metadata,
  type Model,
  type ModelFunction,
  type Node,
  type OpsetImports,
  type QuantizationAnnotation,
  requireFilled,
  type SparseInitializer,
  type TrainingInfo,
  type ValueInfo,
} from "#graph";
import { bytesFromData, DTYPES, type NumericData, type ValueType } from "#tensor";
import { type Encoded, encodeMessage, type Fields } from "./encode.ts";
import { originOf } from "./origin.ts";
import { ATTRIBUTE_TYPES, DATA_LOCATION_EXTERNAL } from "./schema.ts";
import { Encoder } from "./wire.ts";

/** The most bytes given out at a time. */
const CHUNK_BYTES = 16 * 2 ** 20;
/** Parts under this are joined: thousands of chunks would be thousands of writes. */
const SMALL_BYTES = 64 * 1024;
/** The most that is put together as one array; larger models are written in chunks. */
const MAX_WHOLE_BYTES = 2 ** 31;

/**
 * The bytes of a model, as chunks to be written one after the other. Chunks may be views on what the model was read
 * from; the reader's source must still be readable.
 * @throws SlipwayError MODEL_INVALID when a tensor's data does not fit its shape
 */
export function* chunksFromModel(model: Model): Generator<Uint8Array, void, undefined> {
  yield* chunksOf(encodeModel(model));
}

function* chunksOf(encoded: Encoded): Generator<Uint8Array, void, undefined> {
  let small: Uint8Array[] = [];
  let smallBytes = 0;
  for (const part of encoded instanceof Encoder ? encoded.parts : [encoded]) {
    const sizeBytes = "read" in part ? part.sizeBytes : part.byteLength;
    if (sizeBytes < SMALL_BYTES) {
      small.push("read" in part ? part.read(0, sizeBytes) : part);
      smallBytes += sizeBytes;
    }
    if (smallBytes >= SMALL_BYTES || (smallBytes > 0 && sizeBytes >= SMALL_BYTES)) {
      yield joined(small, smallBytes);
      small = [];
      smallBytes = 0;
    }
    if (sizeBytes >= SMALL_BYTES) yield* piecesOf(part, sizeBytes);
  }
  if (smallBytes > 0) yield joined(small, smallBytes);
}

function* piecesOf(part: Uint8Array | ByteSource, sizeBytes: number): Generator<Uint8Array, void, undefined> {
  for (let start = 0; start < sizeBytes; start += CHUNK_BYTES) {
    const end = Math.min(start + CHUNK_BYTES, sizeBytes);
    yield "read" in part ? part.read(start, end) : part.subarray(start, end);
  }
}

function joined(parts: Iterable<Uint8Array>, sizeBytes: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(sizeBytes);
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.byteLength;
  }
  return bytes;
}

/** How many bytes `chunksFromModel` yields. */
export function modelSizeBytes(model: Model): number {
  return encodeModel(model).sizeBytes;
}

/**
 * The bytes of a model as one array.
 * @throws SlipwayError MODEL_INVALID as `chunksFromModel`; MODEL_TOO_LARGE over 2 GiB
 */
export function bytesFromModel(model: Model): Uint8Array<ArrayBuffer> {
  const encoded = encodeModel(model);
  const { sizeBytes } = encoded;
  if (sizeBytes > MAX_WHOLE_BYTES) {
    throw new SlipwayError(
      "MODEL_TOO_LARGE",
      `The model takes ${sizeBytes} bytes; over 2 GiB it must be written in chunks.`,
    );
  }
  return joined(chunksOf(encoded), sizeBytes);
}

function encodeModel(model: Model): Encoded {
  return (
    originOf(model) ??
    encodeMessage(
      "Model",
      {
        ir_version: BigInt(model.irVersion),
        producer_name: text(model.producerName),
        producer_version: text(model.producerVersion),
        domain: text(model.domain),
        model_version: model.modelVersion === 0n ? undefined : model.modelVersion,
        doc_string: text(model.docString),
        graph: encodeGraph(model.graph),
        opset_import: encodeOpsets(model.opsets),
        metadata_props: encodeEntries(model.metadata),
        training_info: model.training.map(encodeTraining),
        functions: model.functions.map(encodeFunction),
      },
      model.extra,
    )
  );
}

/** Most texts mean the same when empty and when absent. */
function text(value: string): string | undefined {
  return value === "" ? undefined : value;
}

function encodeOpsets(opsets: OpsetImports): Encoded[] {
  return Array.from(opsets, ([domain, version]) =>
    encodeMessage("OperatorSetId", { domain, version: BigInt(version) }),
  );
}

function encodeEntries(metadata: Metadata): Encoded[] {
  return Array.from(metadata, ([key, value]) => encodeMessage("StringStringEntry", { key, value }));
}

function encodeTraining(training: TrainingInfo): Encoded {
  const { initialization, algorithm } = training;
  return (
    originOf(training) ??
    encodeMessage(
      "TrainingInfo",
      {
        initialization: initialization === null ? undefined : encodeGraph(initialization),
        algorithm: algorithm === null ? undefined : encodeGraph(algorithm),
        initialization_binding: encodeEntries(training.initializationBinding),
        update_binding: encodeEntries(training.updateBinding),
      },
      training.extra,
    )
  );
}

function encodeFunction(made: ModelFunction): Encoded {
  return (
    originOf(made) ??
    encodeMessage(
      "Function",
      {
        name: made.name,
        input: made.inputs,
        output: made.outputs,
        attribute: made.attributes,
        node: made.nodes.map(encodeNode),
        doc_string: text(made.docString),
        opset_import: encodeOpsets(made.opsets),
        domain: made.domain,
        attribute_proto: made.attributeDefaults.map(encodeAttribute),
        value_info: made.valueInfo.map(encodeValueInfo),
        overload: text(made.overload),
        metadata_props: encodeEntries(made.metadata),
      },
      made.extra,
    )
  );
}

function encodeGraph(graph: Graph): Encoded {
  return (
    originOf(graph) ??
    encodeMessage(
      "Graph",
      {
        node: graph.nodes.map(encodeNode),
        name: graph.name,
        initializer: graph.initializers.map(encodeInitializer),
        doc_string: text(graph.docString),
        input: graph.inputs.map(encodeValueInfo),
        output: graph.outputs.map(encodeValueInfo),
        value_info: graph.valueInfo.map(encodeValueInfo),
        quantization_annotation: graph.quantization.map(encodeAnnotation),
        sparse_initializer: graph.sparseInitializers.map(encodeSparse),
        metadata_props: encodeEntries(graph.metadata),
      },
      graph.extra,
    )
  );
}

function encodeAnnotation(annotation: QuantizationAnnotation): Encoded {
  const quant_parameter_tensor_names = encodeEntries(annotation.parameters);
  const fields = { tensor_name: annotation.tensorName, quant_parameter_tensor_names };
  return encodeMessage("TensorAnnotation", fields, annotation.extra);
}

function encodeNode(node: Node): Encoded {
  return (
    originOf(node) ??
    encodeMessage(
      "Node",
      {
        input: node.inputs,
        output: node.outputs,
        name: text(node.name),
        op_type: node.opType,
        attribute: node.attributes.map(encodeAttribute),
        doc_string: text(node.docString),
        domain: text(node.domain),
        overload: text(node.overload),
        metadata_props: encodeEntries(node.metadata),
      },
      node.extra,
    )
  );
}

function encodeAttribute(attribute: Attribute): Encoded {
  const type = ATTRIBUTE_TYPES[attribute.kind === "reference" ? attribute.of : attribute.kind];
  const doc_string = text(attribute.docString);
  return encodeMessage(
    "Attribute",
    { name: attribute.name, type, doc_string, ...valueFields(attribute) },
    attribute.extra,
  );
}

function valueFields(attribute: Attribute): Fields<"Attribute"> {
  switch (attribute.kind) {
    case "reference":
      return { ref_attr_name: attribute.value };
    case "float":
      return { f: attribute.value };
    case "int":
      return { i: attribute.value };
    case "string":
      return { s: attribute.value };
    case "tensor":
      return { t: encodeInitializer(attribute.value) };
    case "graph":
      return { g: encodeGraph(attribute.value) };
    case "type":
      return { tp: encodeType(attribute.value) };
    case "sparse-tensor":
      return { sparse_tensor: encodeSparse(attribute.value) };
    case "floats":
      return { floats: attribute.value };
    case "ints":
      return { ints: attribute.value };
    case "strings":
      return { strings: attribute.value };
    case "tensors":
      return { tensors: attribute.value.map(encodeInitializer) };
    case "graphs":
      return { graphs: attribute.value.map(encodeGraph) };
    case "types":
      return { type_protos: attribute.value.map(encodeType) };
    case "sparse-tensors":
      return { sparse_tensors: attribute.value.map(encodeSparse) };
  }
}

function encodeValueInfo(info: ValueInfo): Encoded {
  return (
    originOf(info) ??
    encodeMessage(
      "ValueInfo",
      {
        name: info.name,
        type: info.type === null ? undefined : encodeType(info.type),
        doc_string: text(info.docString),
        metadata_props: encodeEntries(info.metadata),
      },
      info.extra,
    )
  );
}

function encodeType(type: ValueType): Encoded {
  const origin = originOf(type);
  if (origin !== undefined) return origin;
  switch (type.kind) {
    case "tensor":
      return encodeMessage("Type", { tensor_type: encodeTensorType(type) });
    case "sparse-tensor":
      return encodeMessage("Type", { sparse_tensor_type: encodeTensorType(type) });
    case "sequence":
      return encodeMessage("Type", {
        sequence_type: encodeMessage("ElementType", { elem_type: encodeType(type.element) }),
      });
    case "optional":
      return encodeMessage("Type", {
        optional_type: encodeMessage("ElementType", { elem_type: encodeType(type.element) }),
      });
    case "map":
      return encodeMessage("Type", {
        map_type: encodeMessage("MapType", {
          key_type: DTYPES[type.key].onnx,
          value_type: encodeType(type.value),
        }),
      });
  }
}

function encodeTensorType(type: ValueType & { readonly kind: "tensor" | "sparse-tensor" }): Encoded {
  const dim = type.shape?.map((length) => {
    if (length === null) return encodeMessage("Dimension", {});
    return encodeMessage(
      "Dimension",
      typeof length === "number" ? { dim_value: BigInt(length) } : { dim_param: length },
    );
  });
  return encodeMessage("TensorType", {
    elem_type: DTYPES[type.dtype].onnx,
    shape: dim === undefined ? undefined : encodeMessage("TensorShape", { dim }),
  });
}

function encodeSparse(sparse: SparseInitializer): Encoded {
  return (
    originOf(sparse) ??
    encodeMessage(
      "SparseTensor",
      {
        values: encodeInitializer(sparse.values),
        indices: encodeInitializer(sparse.indices),
        dims: sparse.shape.map(BigInt),
      },
      sparse.extra,
    )
  );
}

function encodeInitializer(initializer: Initializer): Encoded {
  return (
    originOf(initializer) ??
    encodeMessage(
      "Tensor",
      {
        dims: initializer.shape.map(BigInt),
        data_type: DTYPES[initializer.dtype].onnx,
        name: text(initializer.name),
        doc_string: text(initializer.docString),
        metadata_props: encodeEntries(initializer.metadata),
        ...dataFields(initializer),
      },
      initializer.extra,
    )
  );
}

const utf8 = new TextEncoder();

function dataFields(initializer: Initializer): Fields<"Tensor"> {
  const { data, dtype } = initializer;
  if (data.kind === "external") {
    const { location, offset, length, checksum, others } = data.reference;
    const entries = new Map([["location", location]]);
    if (offset !== 0) entries.set("offset", String(offset));
    if (length !== null) entries.set("length", String(length));
    if (checksum !== null) entries.set("checksum", checksum);
    for (const [key, value] of others) entries.set(key, value);
    return { external_data: encodeEntries(entries), data_location: DATA_LOCATION_EXTERNAL };
  }
  requireFilled(initializer);
  if (data.kind === "bytes") return { raw_data: data.bytes };
  const values = data.kind === "values" ? data.values : data.decode();
  if (dtype === "string") return { string_data: Array.from(values as readonly string[], (item) => utf8.encode(item)) };
  return { raw_data: bytesFromData(values as NumericData) };
}
