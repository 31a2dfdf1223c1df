// ONNX bytes to a Model. Weights stay ranges of the source; what the graph has no word for is kept as bytes.
import { LIMITS, SlipwayError } from "#base";
import {
  type Attribute,
  type AttributeKind,
  type ByteSource,
  byteSourceFromBytes,
  createAttribute,
  type Graph,
  type Initializer,
  type Metadata,
  type Model,
  type ModelFunction,
  type Node,
  type OpsetImports,
  type SparseInitializer,
  type TrainingInfo,
  type ValueInfo,
} from "#graph";
import {
  bytesOf,
  type Decoded,
  Decoding,
  decodeMessage,
  type Embedded,
  fillIntegers,
  fillNumbers,
  messagesOf,
  type Repeated,
  rootMessage,
  stringsOf,
} from "./decode.ts";
import { withOrigin } from "./origin.ts";
import { initializerOf, tensorShape } from "./read-tensor.ts";
import { typeOf } from "./read-type.ts";
import { ATTRIBUTE_TYPES, type MessageName } from "./schema.ts";

export interface ReadOptions {
  /** Messages and texts a file may hold, since even an empty one costs memory; 4 million unless said. */
  readonly maxItems?: number;
}

const MAX_ITEMS = 4_000_000;

/**
 * The model an ONNX file holds. Weights are not copied: they stay views on `bytes`, which must not be written to.
 *
 * A file over 2 GiB comes as a source: Node reads at most 2 GiB in one call, though one array may be longer; see
 * `byteSourceFromChunks`, or make a source that reads an open file.
 * @throws SlipwayError MODEL_MALFORMED, MODEL_INVALID, MODEL_UNSUPPORTED (unknown types) or MODEL_TOO_LARGE
 */
export function modelFromBytes(bytes: Uint8Array | ByteSource, options: ReadOptions = {}): Model {
  const inMemory = bytes instanceof Uint8Array;
  const source = inMemory ? byteSourceFromBytes(bytes) : bytes;
  if (source.sizeBytes === 0) throw new SlipwayError("MODEL_MALFORMED", "The model is empty: it has no bytes.");
  const reader = new ModelReader(
    new Decoding(source, options.maxItems ?? MAX_ITEMS, inMemory ? source.sizeBytes : undefined),
  );
  return reader.model(rootMessage("Model", source));
}

/** "ai.onnx" is another name of the ONNX domain "". */
function domainOf(domain: string | undefined): string {
  return domain === undefined || domain === "ai.onnx" ? "" : domain;
}

function presentOf<T>(value: T | undefined, what: string): T {
  if (value === undefined)
    throw new SlipwayError("MODEL_MALFORMED", `${what} is missing; the file is not a whole model.`);
  return value;
}

function safeInteger(value: bigint, what: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number))
    throw new SlipwayError("MODEL_INVALID", `${what} is ${value}, which is out of range.`);
  return number;
}

const KINDS = new Map<number, AttributeKind>(
  (Object.entries(ATTRIBUTE_TYPES) as [AttributeKind, number][]).map(([kind, number]) => [number, kind]),
);

// Shared, because most objects have none and a file may hold millions.
const NO_METADATA: Metadata = new Map();

class ModelReader {
  readonly #decoding: Decoding;
  #nodes = 0;

  constructor(decoding: Decoding) {
    this.#decoding = decoding;
  }

  #decode<N extends MessageName>(embedded: Embedded<N>): Decoded<N> {
    return decodeMessage(this.#decoding, embedded);
  }

  #each<N extends MessageName, T>(repeated: Repeated<N>, read: (embedded: Embedded<N>) => T): readonly T[] {
    const messages: readonly never[] | readonly Embedded<N>[] = messagesOf(this.#decoding, repeated);
    return messages.length === 0 ? (messages as readonly never[]) : messages.map(read);
  }

  model(embedded: Embedded<"Model">): Model {
    const fields = this.#decode(embedded);
    const irVersion = safeInteger(presentOf(fields.ir_version, "The IR version"), "The IR version");
    const graph = this.graph(presentOf(fields.graph, "The graph"));
    const opsets = this.#opsets(fields.opset_import);
    const model: Model = {
      kind: "model",
      irVersion,
      // Models before IR 3 import nothing, and mean version 1.
      opsets: opsets.size === 0 && irVersion < 3 ? new Map([["", 1]]) : opsets,
      producerName: fields.producer_name ?? "",
      producerVersion: fields.producer_version ?? "",
      domain: fields.domain ?? "",
      modelVersion: fields.model_version ?? 0n,
      docString: fields.doc_string ?? "",
      graph,
      functions: this.#each(fields.functions, (item) => this.#function(item)),
      training: this.#each(fields.training_info, (item) => this.#training(item)),
      metadata: this.#metadata(fields.metadata_props),
      extra: fields.unknown,
    };
    return withOrigin(model, fields.origin);
  }

  #opsets(repeated: Repeated<"OperatorSetId">): OpsetImports {
    const opsets = new Map<string, number>();
    for (const embedded of messagesOf(this.#decoding, repeated)) {
      const fields = this.#decode(embedded);
      const domain = domainOf(fields.domain);
      const version = safeInteger(fields.version ?? 0n, `The version of operator set '${domain}'`);
      if (opsets.has(domain) && opsets.get(domain) !== version) {
        throw new SlipwayError("MODEL_INVALID", `The operator set '${domain}' is imported in two versions.`);
      }
      opsets.set(domain, version);
    }
    return opsets;
  }

  #metadata(repeated: Repeated<"StringStringEntry">): Metadata {
    if (repeated.runs.length === 0) return NO_METADATA;
    const metadata = new Map<string, string>();
    for (const embedded of messagesOf(this.#decoding, repeated)) {
      const { key = "", value = "" } = this.#decode(embedded);
      metadata.set(key, value);
    }
    return metadata;
  }

  #training(embedded: Embedded<"TrainingInfo">): TrainingInfo {
    const fields = this.#decode(embedded);
    const training: TrainingInfo = {
      kind: "training-info",
      initialization: fields.initialization === undefined ? null : this.graph(fields.initialization),
      algorithm: fields.algorithm === undefined ? null : this.graph(fields.algorithm),
      initializationBinding: this.#metadata(fields.initialization_binding),
      updateBinding: this.#metadata(fields.update_binding),
      extra: fields.unknown,
    };
    return withOrigin(training, fields.origin);
  }

  #function(embedded: Embedded<"Function">): ModelFunction {
    const fields = this.#decode(embedded);
    const made: ModelFunction = {
      kind: "function",
      name: fields.name ?? "",
      domain: domainOf(fields.domain),
      overload: fields.overload ?? "",
      inputs: stringsOf(this.#decoding, fields.input),
      outputs: stringsOf(this.#decoding, fields.output),
      attributes: stringsOf(this.#decoding, fields.attribute),
      attributeDefaults: this.#each(fields.attribute_proto, (item) => this.#attribute(item)),
      nodes: this.#each(fields.node, (item) => this.#node(item)),
      opsets: this.#opsets(fields.opset_import),
      valueInfo: this.#each(fields.value_info, (item) => this.#valueInfo(item)),
      docString: fields.doc_string ?? "",
      metadata: this.#metadata(fields.metadata_props),
      extra: fields.unknown,
    };
    return withOrigin(made, fields.origin);
  }

  graph(embedded: Embedded<"Graph">): Graph {
    const fields = this.#decode(embedded);
    const graph: Graph = {
      kind: "graph",
      name: fields.name ?? "",
      inputs: this.#each(fields.input, (item) => this.#valueInfo(item)),
      outputs: this.#each(fields.output, (item) => this.#valueInfo(item)),
      initializers: this.#each(fields.initializer, (item) => this.#initializer(item)),
      sparseInitializers: this.#each(fields.sparse_initializer, (item) => this.#sparse(item)),
      nodes: this.#each(fields.node, (item) => this.#node(item)),
      valueInfo: this.#each(fields.value_info, (item) => this.#valueInfo(item)),
      quantization: this.#each(fields.quantization_annotation, (item) => {
        const { tensor_name, quant_parameter_tensor_names, unknown } = this.#decode(item);
        const parameters = this.#metadata(quant_parameter_tensor_names);
        return { kind: "quantization-annotation", tensorName: tensor_name ?? "", parameters, extra: unknown } as const;
      }),
      docString: fields.doc_string ?? "",
      metadata: this.#metadata(fields.metadata_props),
      extra: fields.unknown,
    };
    return withOrigin(graph, fields.origin);
  }

  #valueInfo(embedded: Embedded<"ValueInfo">): ValueInfo {
    const fields = this.#decode(embedded);
    const info: ValueInfo = {
      kind: "value-info",
      name: fields.name ?? "",
      type: fields.type === undefined ? null : typeOf(this.#decoding, fields.type),
      docString: fields.doc_string ?? "",
      metadata: this.#metadata(fields.metadata_props),
      extra: fields.unknown,
    };
    return withOrigin(info, fields.origin);
  }

  #node(embedded: Embedded<"Node">): Node {
    if (++this.#nodes > LIMITS.modelNodes) {
      throw new SlipwayError("MODEL_TOO_LARGE", `The model has more than ${LIMITS.modelNodes} nodes.`);
    }
    const fields = this.#decode(embedded);
    const node: Node = {
      kind: "node",
      name: fields.name ?? "",
      domain: domainOf(fields.domain),
      opType: fields.op_type ?? "",
      overload: fields.overload ?? "",
      inputs: stringsOf(this.#decoding, fields.input),
      outputs: stringsOf(this.#decoding, fields.output),
      attributes: this.#each(fields.attribute, (item) => this.#attribute(item)),
      docString: fields.doc_string ?? "",
      metadata: this.#metadata(fields.metadata_props),
      extra: fields.unknown,
    };
    return withOrigin(node, fields.origin);
  }

  #initializer(embedded: Embedded<"Tensor">): Initializer {
    const fields = this.#decode(embedded);
    const metadata = this.#metadata(fields.metadata_props);
    const external = this.#metadata(fields.external_data);
    return withOrigin(initializerOf(this.#decoding, fields, metadata, external), fields.origin);
  }

  #sparse(embedded: Embedded<"SparseTensor">): SparseInitializer {
    const fields = this.#decode(embedded);
    const sparse: SparseInitializer = {
      kind: "sparse-initializer",
      values: this.#initializer(presentOf(fields.values, "The values of a sparse tensor")),
      indices: this.#initializer(presentOf(fields.indices, "The indices of a sparse tensor")),
      shape: tensorShape(this.#decoding, fields.dims, "A sparse tensor"),
      extra: fields.unknown,
    };
    return withOrigin(sparse, fields.origin);
  }

  #attribute(embedded: Embedded<"Attribute">): Attribute {
    const fields = this.#decode(embedded);
    const name = fields.name ?? "";
    const kind = attributeKind(fields);
    const docString = fields.doc_string ?? "";
    const extra = fields.unknown;
    if (fields.ref_attr_name !== undefined && fields.ref_attr_name !== "") {
      return { kind: "reference", name, value: fields.ref_attr_name, of: kind, docString, extra };
    }
    const attribute = this.#attributeValue(name, kind, fields);
    return docString === "" && extra.length === 0 ? attribute : { ...attribute, docString, extra };
  }

  #attributeValue(name: string, kind: AttributeKind, fields: Decoded<"Attribute">): Attribute {
    const decoding = this.#decoding;
    const what = `The value of attribute '${name}'`;
    switch (kind) {
      case "float":
        return createAttribute(kind, name, fields.f ?? 0);
      case "int":
        return createAttribute(kind, name, fields.i ?? 0n);
      case "string":
        return createAttribute(kind, name, fields.s?.read(0, fields.s.sizeBytes) ?? new Uint8Array(0));
      case "tensor":
        return createAttribute(kind, name, this.#initializer(presentOf(fields.t, what)));
      case "graph":
        return createAttribute(kind, name, this.graph(presentOf(fields.g, what)));
      case "type":
        return createAttribute(kind, name, presentOf(typeOf(decoding, presentOf(fields.tp, what)) ?? undefined, what));
      case "sparse-tensor":
        return createAttribute(kind, name, this.#sparse(presentOf(fields.sparse_tensor, what)));
      case "floats":
        return createAttribute(
          kind,
          name,
          fillNumbers(decoding, fields.floats, (count) => new Float32Array(count)),
        );
      case "ints":
        return createAttribute(
          kind,
          name,
          fillIntegers(decoding, fields.ints, (count) => new BigInt64Array(count)),
        );
      case "strings":
        return createAttribute(kind, name, bytesOf(decoding, fields.strings));
      case "tensors":
        return createAttribute(
          kind,
          name,
          this.#each(fields.tensors, (item) => this.#initializer(item)),
        );
      case "graphs":
        return createAttribute(
          kind,
          name,
          this.#each(fields.graphs, (item) => this.graph(item)),
        );
      case "types":
        return createAttribute(
          kind,
          name,
          this.#each(fields.type_protos, (item) => presentOf(typeOf(decoding, item) ?? undefined, what)),
        );
      case "sparse-tensors":
        return createAttribute(
          kind,
          name,
          this.#each(fields.sparse_tensors, (item) => this.#sparse(item)),
        );
    }
  }
}

/** Fields that hold a value, by kind. */
const VALUE_FIELDS = {
  float: "f",
  int: "i",
  string: "s",
  tensor: "t",
  graph: "g",
  type: "tp",
  "sparse-tensor": "sparse_tensor",
  floats: "floats",
  ints: "ints",
  strings: "strings",
  tensors: "tensors",
  graphs: "graphs",
  types: "type_protos",
  "sparse-tensors": "sparse_tensors",
} as const satisfies Record<AttributeKind, keyof Decoded<"Attribute">>;

/**
 * The kind an attribute says it has; before IR 2 it said none, and the field that is there tells. A value of a kind other
 * than the one said could hide from us what another reader sees, and is refused.
 */
function attributeKind(fields: Decoded<"Attribute">): AttributeKind {
  const present = (Object.entries(VALUE_FIELDS) as [AttributeKind, keyof Decoded<"Attribute">][])
    .filter(([, field]) => Object.hasOwn(fields, field))
    .map(([kind]) => kind);
  const name = fields.name ?? "";
  const said = fields.type === undefined || fields.type === 0 ? present[0] : KINDS.get(fields.type);
  if (said === undefined) {
    throw new SlipwayError("MODEL_INVALID", `Attribute '${name}' has the unknown type ${fields.type ?? "none"}.`);
  }
  const other = present.find((kind) => kind !== said);
  if (other !== undefined) {
    throw new SlipwayError(
      "MODEL_INVALID",
      `Attribute '${name}' is of kind ${said}, but also holds a value of ${other}.`,
    );
  }
  return said;
}
