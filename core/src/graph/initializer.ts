// Stored tensors and tensors: the elements are decoded when asked for, and put into a model without copying.
import { LIMITS, SlipwayError } from "#base";
import { byteLength, DTYPES, dataFromBytes, storedLength, type Tensor, type TensorData } from "#tensor";
import type { ByteSource } from "./byte-source.ts";
import { createInitializer, type ExternalReference, type Initializer } from "./model.ts";

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
 * The tensor an initializer stores: a view on its bytes where their alignment allows one.
 * @param external finds external data; without it such an initializer is refused
 * @throws SlipwayError MODEL_INVALID when data and shape disagree, MODEL_UNSAFE for external data that can't be looked up
 */
export function tensorFromInitializer(initializer: Initializer, external?: ExternalLookup): Tensor {
  const { dtype, shape } = initializer;
  const expected = storedLength(dtype, initializerElementCount(initializer));
  const data = decodeData(initializer, external);
  if (data.length !== expected) {
    throw invalid(
      initializer,
      `has the shape [${shape.join(", ")}] of ${dtype}, which takes ${expected} values, but holds ${data.length}`,
    );
  }
  return { dtype, shape, data };
}

function decodeData(initializer: Initializer, external: ExternalLookup | undefined): TensorData {
  const { data } = initializer;
  switch (data.kind) {
    case "values":
      return data.values;
    case "deferred":
      return data.decode();
    case "bytes":
      return dataOfBytes(initializer, data.bytes);
    case "external":
      if (external === undefined) {
        throw new SlipwayError(
          "MODEL_UNSAFE",
          `Tensor '${initializer.name}' lies in the external file '${data.reference.location}', which is not at hand.`,
        );
      }
      return dataOfBytes(initializer, external(data.reference));
  }
}

function dataOfBytes(initializer: Initializer, bytes: ByteSource): TensorData {
  const { dtype } = initializer;
  if (dtype === "string") throw invalid(initializer, "holds strings as raw bytes, which ONNX does not allow");
  const expected = byteLength(dtype, initializerElementCount(initializer));
  if (bytes.sizeBytes !== expected) {
    throw invalid(
      initializer,
      `has the shape [${initializer.shape.join(", ")}] of ${dtype}, which takes ${expected} bytes, but holds ${bytes.sizeBytes}`,
    );
  }
  return dataFromBytes(dtype, bytes.read(0, expected));
}

/** Array elements a stored tensor holds, as far as its form tells without decoding; null for external data. */
export function storedElementCount(initializer: Initializer): number | null {
  const { data, dtype } = initializer;
  switch (data.kind) {
    case "values":
      return data.values.length;
    case "deferred":
      return data.length;
    case "bytes": {
      if (dtype === "string") throw invalid(initializer, "holds strings as raw bytes, which ONNX does not allow");
      const { bits, lanes } = DTYPES[dtype];
      return data.bytes.sizeBytes / (Math.max(bits / lanes, 8) / 8);
    }
    case "external":
      return null;
  }
}

function invalid(initializer: Initializer, what: string): SlipwayError {
  return new SlipwayError("MODEL_INVALID", `Tensor '${initializer.name}' ${what}.`);
}
