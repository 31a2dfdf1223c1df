// TensorProto to a stored tensor. Which of its fields holds the elements depends on the element type.
import { SlipwayError } from "#base";
import type { Initializer, Metadata, StoredData } from "#graph";
import { createData, type DType, dtypeFromOnnx, type NumericDType } from "#tensor";
import {
  bytesOf,
  countOf,
  type Decoded,
  type Decoding,
  fillIntegers,
  fillNumbers,
  packedBytesOf,
  type Repeated,
  sizeBytesOf,
} from "./decode.ts";
import { externalReference } from "./external-data.ts";
import { DATA_LOCATION_EXTERNAL } from "./schema.ts";

type DataField = "float_data" | "int32_data" | "int64_data" | "uint64_data" | "double_data" | "string_data";

const DATA_FIELDS: readonly DataField[] = [
  "float_data",
  "int32_data",
  "string_data",
  "int64_data",
  "double_data",
  "uint64_data",
];

/** The typed field that holds an element type; int32_data holds everything small. Source: onnx.proto, TensorProto. */
function dataField(dtype: DType): DataField {
  if (dtype === "float32" || dtype === "complex64") return "float_data";
  if (dtype === "float64" || dtype === "complex128") return "double_data";
  if (dtype === "int64") return "int64_data";
  if (dtype === "uint32" || dtype === "uint64") return "uint64_data";
  return dtype === "string" ? "string_data" : "int32_data";
}

/** The lengths of a stored tensor's axes. */
export function tensorShape(decoding: Decoding, dims: Repeated<"int64">, what: string): readonly number[] {
  return Array.from(
    fillIntegers(decoding, dims, (count) => new BigInt64Array(count)),
    (length) => {
      const number = Number(length);
      if (number < 0 || !Number.isSafeInteger(number)) {
        throw new SlipwayError("MODEL_INVALID", `${what} has an axis of length ${length}.`);
      }
      return number;
    },
  );
}

/**
 * A stored tensor; its elements are not decoded.
 * @throws SlipwayError MODEL_INVALID for data in two places or in a field of another type, MODEL_UNSUPPORTED for an
 *   element type ONNX has not assigned
 */
export function initializerOf(
  decoding: Decoding,
  fields: Decoded<"Tensor">,
  metadata: Metadata,
  external: Metadata,
): Initializer {
  const name = fields.name ?? "";
  const dtype = dtypeFromOnnx(fields.data_type ?? 0);
  if (dtype === undefined) {
    throw new SlipwayError(
      "MODEL_UNSUPPORTED",
      `Tensor '${name}' has element type ${fields.data_type ?? 0}, which is not one of ONNX up to IR 13.`,
    );
  }
  return {
    kind: "initializer",
    name,
    dtype,
    shape: tensorShape(decoding, fields.dims, `Tensor '${name}'`),
    data: dataOf(decoding, name, dtype, fields, external),
    docString: fields.doc_string ?? "",
    metadata,
    extra: fields.unknown,
  };
}

function dataOf(
  decoding: Decoding,
  name: string,
  dtype: DType,
  fields: Decoded<"Tensor">,
  external: Metadata,
): StoredData {
  const filled = DATA_FIELDS.filter((field) => fields[field].runs.length > 0);
  const isExternal = fields.data_location === DATA_LOCATION_EXTERNAL;
  const isRaw = fields.raw_data !== undefined;
  const places = filled.length + (isExternal ? 1 : 0) + (isRaw ? 1 : 0);
  if (places > 1) throw new SlipwayError("MODEL_INVALID", `Tensor '${name}' holds its data in ${places} places.`);
  if (isExternal) return { kind: "external", reference: externalReference(name, external) };
  if (external.size > 0) {
    throw new SlipwayError("MODEL_INVALID", `Tensor '${name}' names an external file, but is not marked as external.`);
  }
  if (fields.raw_data !== undefined) return { kind: "bytes", bytes: fields.raw_data };
  const field = dataField(dtype);
  if (filled[0] !== undefined && filled[0] !== field) {
    throw new SlipwayError(
      "MODEL_INVALID",
      `Tensor '${name}' of ${dtype} holds its data in ${filled[0]}, not ${field}.`,
    );
  }
  return typedData(decoding, dtype, fields, field);
}

function typedData(decoding: Decoding, dtype: DType, fields: Decoded<"Tensor">, field: DataField): StoredData {
  if (dtype === "string") {
    const { string_data } = fields;
    return {
      kind: "deferred",
      length: countOf(decoding, string_data),
      sizeBytes: sizeBytesOf(string_data),
      decode: () => bytesOf(decoding, string_data).map((bytes) => utf8.decode(bytes)),
    };
  }
  if (field === "float_data" || field === "double_data") {
    const bytes = packedBytesOf(decoding, fields[field]);
    if (bytes !== undefined) return { kind: "bytes", bytes };
  }
  if (field === "int64_data" || field === "uint64_data") {
    const repeated: Repeated<"int64" | "uint64"> = fields[field];
    return {
      kind: "deferred",
      length: countOf(decoding, repeated),
      sizeBytes: sizeBytesOf(repeated),
      decode: () => {
        if (dtype === "uint32") {
          return Uint32Array.from(
            fillIntegers(decoding, repeated, (count) => new BigUint64Array(count)),
            Number,
          );
        }
        return fillIntegers(decoding, repeated, (count) =>
          dtype === "int64" ? new BigInt64Array(count) : new BigUint64Array(count),
        );
      },
    };
  }
  const repeated: Repeated<"float" | "double" | "int32"> = fields[field as "float_data" | "double_data" | "int32_data"];
  return {
    kind: "deferred",
    length: countOf(decoding, repeated),
    sizeBytes: sizeBytesOf(repeated),
    decode: () => fillNumbers(decoding, repeated, (length) => emptyArray(dtype, length)),
  };
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** An array of `length` array elements, however many tensor elements they stand for. */
function emptyArray(dtype: NumericDType, length: number): Float32Array {
  const { constructor } = createData(dtype, 0);
  return new (constructor as Float32ArrayConstructor)(length);
}
