// Tensors as raw bytes, as the binary tensor data extension carries them: little-endian, row-major, without padding; an
// element of BYTES is its length as 32 bits, then its UTF-8 bytes.
import { SlipwayError } from "#base";
import {
  byteLength,
  bytesFromData,
  DTYPES,
  type DType,
  dataFromBytes,
  elementCount,
  type NumericData,
  type Tensor,
  type TensorData,
} from "#tensor";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * The data of a tensor from its bytes: a view where alignment allows, else a copy.
 * @param place where it stands in the request, for messages
 * @throws SlipwayError INPUT_DATA_MISMATCH where the bytes do not fill the shape
 */
export function dataFromBinary(dtype: DType, shape: readonly number[], bytes: Uint8Array, place: string): TensorData {
  const count = elementCount(shape);
  if (dtype === "string") return stringsFromBinary(count, shape, bytes, place);
  const expected = byteLength(dtype, count);
  if (bytes.length !== expected) {
    throw new SlipwayError(
      "INPUT_DATA_MISMATCH",
      `${place}: unexpected size for input: shape [${shape.join(", ")}] of ${DTYPES[dtype].oip} takes ${expected} bytes; ${bytes.length} were sent.`,
    );
  }
  if (dtype === "bool") checkBooleans(bytes, place);
  return dataFromBytes(dtype, bytes);
}

function checkBooleans(bytes: Uint8Array, place: string): void {
  const index = bytes.findIndex((byte) => byte > 1);
  if (index < 0) return;
  throw new SlipwayError(
    "INPUT_DATA_MISMATCH",
    `${place}: element ${index} is ${bytes[index]}; a BOOL in binary is the byte 0 or 1.`,
  );
}

function stringsFromBinary(count: number, shape: readonly number[], bytes: Uint8Array, place: string): string[] {
  const mismatch = (problem: string) =>
    new SlipwayError(
      "INPUT_DATA_MISMATCH",
      `${place}: ${problem}; shape [${shape.join(", ")}] takes ${count} elements, each its length in 4 bytes and then its bytes.`,
    );
  if (count * 4 > bytes.length) throw mismatch(`${bytes.length} bytes can't hold the elements`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const texts: string[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 4 > bytes.length) throw mismatch(`the bytes end before element ${i}`);
    const end = at + 4 + view.getUint32(at, true);
    if (end > bytes.length) throw mismatch(`element ${i} is longer than what was sent`);
    try {
      texts.push(decoder.decode(bytes.subarray(at + 4, end)));
    } catch {
      throw new SlipwayError(
        "INPUT_DATA_MISMATCH",
        `${place}: element ${i} is not valid UTF-8; strings of a model are.`,
      );
    }
    at = end;
  }
  if (at !== bytes.length) throw mismatch(`${bytes.length - at} bytes are left over`);
  return texts;
}

/** The bytes of a tensor: a view of its data, or for strings new bytes. */
export function binaryFromTensor(tensor: Tensor): Uint8Array {
  if (tensor.dtype !== "string") return bytesFromData(tensor.data as NumericData);
  const parts = (tensor.data as readonly string[]).map((text) => encoder.encode(text));
  const bytes = new Uint8Array(parts.reduce((total, part) => total + 4 + part.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const part of parts) {
    view.setUint32(at, part.length, true);
    bytes.set(part, at + 4);
    at += 4 + part.length;
  }
  return bytes;
}
