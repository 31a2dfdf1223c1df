// Stored tensors and tensors: the elements are decoded when asked for, and put into a model without copying.
import { LIMITS, SlipwayError } from "#base";
import {
  byteLength,
  type DType,
  dataFromBytes,
  type NumericDType,
  storedLength,
  type Tensor,
  type TensorData,
} from "#tensor";
import type { ByteSource } from "./byte-source.ts";
import { createInitializer, type ExternalReference, type Initializer, type StoredData } from "./model.ts";

/** Finds the bytes of external data. */
export type ExternalLookup = (reference: ExternalReference) => ByteSource;

/** A stored tensor over the data of a tensor; nothing is copied. */
export function initializerFromTensor(name: string, tensor: Tensor): Initializer {
  return createInitializer({
    name,
    dtype: tensor.dtype,
    shape: tensor.shape,
    data: { kind: "values", values: tensor.data },
  });
}

/**
 * The number of elements a stored tensor's shape asks for.
 * @throws SlipwayError MODEL_INVALID for a shape no tensor can have
 */
export function initializerElementCount(initializer: Initializer): number {
  const { shape } = initializer;
  if (shape.length > LIMITS.tensorRank) {
    throw invalid(initializer, `has ${shape.length} axes; at most ${LIMITS.tensorRank} are supported`);
  }
  let count = 1;
  for (const length of shape) {
    if (!Number.isSafeInteger(length) || length < 0) throw invalid(initializer, `has the axis length ${length}`);
    count *= length;
  }
  if (shape.includes(0)) return 0;
  if (count > LIMITS.tensorElements) {
    throw invalid(initializer, `has the shape [${shape.join(", ")}], over ${LIMITS.tensorElements} elements`);
  }
  return count;
}

/** Bytes a stored tensor's elements take when packed; null for strings, whose size their shape does not tell. */
export function initializerSizeBytes(initializer: Initializer): number | null {
  const count = initializerElementCount(initializer);
  return initializer.dtype === "string" ? null : byteLength(initializer.dtype, count);
}

/**
 * Refuses a stored tensor that holds more or less than its shape asks for, as far as that shows without decoding; of
 * external data only who opens the file can tell.
 * @throws SlipwayError MODEL_INVALID
 */
export function requireFilled(initializer: Initializer): void {
  const { dtype, data, shape } = initializer;
  const count = initializerElementCount(initializer);
  const mismatch = (expected: string, held: number) =>
    invalid(initializer, `has the shape [${shape.join(", ")}] of ${dtype}, which takes ${expected}, but holds ${held}`);
  switch (data.kind) {
    case "external":
      return;
    case "bytes": {
      if (dtype === "string") throw invalid(initializer, "holds strings as raw bytes, which ONNX does not allow");
      const expected = byteLength(dtype, count);
      if (data.bytes.sizeBytes !== expected) throw mismatch(`${expected} bytes`, data.bytes.sizeBytes);
      return;
    }
    case "values":
    case "deferred": {
      const held = data.kind === "values" ? data.values.length : data.length;
      const expected = storedLength(dtype, count);
      if (held !== expected) throw mismatch(`${expected} values`, held);
    }
  }
}

/**
 * The tensor an initializer stores: a view on its bytes where their alignment allows one.
 * @param external finds external data; without it such an initializer is refused
 * @throws SlipwayError MODEL_INVALID when data and shape disagree, MODEL_UNSAFE for external data that can't be looked up
 */
export function tensorFromInitializer(initializer: Initializer, external?: ExternalLookup): Tensor {
  const { name, dtype, shape } = initializer;
  let { data } = initializer;
  if (data.kind === "external") {
    const { reference } = data;
    if (external === undefined) {
      throw new SlipwayError(
        "MODEL_UNSAFE",
        `Tensor '${name}' lies in the external file '${reference.location}', which is not at hand.`,
      );
    }
    data = { kind: "bytes", bytes: external(reference) };
  }
  requireFilled({ ...initializer, data });
  return { dtype, shape, data: decoded(dtype, data) };
}

function decoded(dtype: DType, data: Exclude<StoredData, { readonly kind: "external" }>): TensorData {
  switch (data.kind) {
    case "values":
      return data.values;
    case "deferred":
      return data.decode();
    case "bytes":
      // Strings are never bytes: `requireFilled` has refused them.
      return dataFromBytes(dtype as NumericDType, data.bytes.read(0, data.bytes.sizeBytes));
  }
}

function invalid(initializer: Initializer, what: string): SlipwayError {
  return new SlipwayError("MODEL_INVALID", `Tensor '${initializer.name}' ${what}.`);
}
