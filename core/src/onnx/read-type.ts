// TypeProto to ValueType.
import { SlipwayError } from "#base";
import { type Dimension, type DType, dtypeFromOnnx, type ValueType } from "#tensor";
import { type Decoding, decodeMessage, type Embedded, messagesOf } from "./decode.ts";
import { withOrigin } from "./origin.ts";

const FORMS = [
  "tensor_type",
  "sequence_type",
  "map_type",
  "opaque_type",
  "sparse_tensor_type",
  "optional_type",
] as const;

/**
 * A type, or null where the file leaves it open (exporters write empty types for values they know nothing of).
 * @throws SlipwayError MODEL_UNSUPPORTED for element types ONNX has not assigned, and for opaque types
 */
export function typeOf(decoding: Decoding, embedded: Embedded<"Type">): ValueType | null {
  const fields = decodeMessage(decoding, embedded);
  if (FORMS.filter((form) => fields[form] !== undefined).length > 1) {
    throw new SlipwayError("MODEL_INVALID", "A type is of two forms at once.");
  }
  const type = innerType(decoding, fields);
  return type === null ? null : withOrigin(type, fields.origin);
}

function innerType(decoding: Decoding, fields: ReturnType<typeof decodeMessage<"Type">>): ValueType | null {
  const tensor = fields.tensor_type ?? fields.sparse_tensor_type;
  if (tensor !== undefined) {
    const { elem_type, shape } = decodeMessage(decoding, tensor);
    const dtype = dtypeOf(elem_type);
    if (dtype === null) return null;
    const kind = fields.tensor_type === undefined ? "sparse-tensor" : "tensor";
    return { kind, dtype, shape: shape === undefined ? null : shapeOf(decoding, shape) };
  }
  const element = fields.sequence_type ?? fields.optional_type;
  if (element !== undefined) {
    const { elem_type } = decodeMessage(decoding, element);
    const inner = elem_type === undefined ? null : typeOf(decoding, elem_type);
    if (inner === null) return null;
    return { kind: fields.sequence_type === undefined ? "optional" : "sequence", element: inner };
  }
  if (fields.map_type !== undefined) {
    const { key_type, value_type } = decodeMessage(decoding, fields.map_type);
    const key = dtypeOf(key_type);
    const value = value_type === undefined ? null : typeOf(decoding, value_type);
    return key === null || value === null ? null : { kind: "map", key, value };
  }
  if (fields.opaque_type !== undefined) {
    throw new SlipwayError(
      "MODEL_UNSUPPORTED",
      "The model has a value of an opaque type, which nothing here can hold.",
    );
  }
  return null;
}

function dtypeOf(number: number | undefined): DType | null {
  if (number === undefined || number === 0) return null;
  const dtype = dtypeFromOnnx(number);
  if (dtype === undefined) {
    throw new SlipwayError("MODEL_UNSUPPORTED", `Element type ${number} is not one of ONNX up to IR 13.`);
  }
  return dtype;
}

function shapeOf(decoding: Decoding, embedded: Embedded<"TensorShape">): readonly Dimension[] {
  const { dim } = decodeMessage(decoding, embedded);
  return messagesOf(decoding, dim).map((item) => {
    const { dim_value, dim_param } = decodeMessage(decoding, item);
    if (dim_value !== undefined && dim_param !== undefined) {
      throw new SlipwayError("MODEL_INVALID", `An axis is both ${dim_value} and '${dim_param}'.`);
    }
    if (dim_value === undefined) return dim_param === undefined || dim_param === "" ? null : dim_param;
    const length = Number(dim_value);
    if (!Number.isSafeInteger(length)) {
      throw new SlipwayError("MODEL_INVALID", `An axis has the length ${dim_value}, which is out of range.`);
    }
    return length;
  });
}
