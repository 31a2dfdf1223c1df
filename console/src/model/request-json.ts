// What the three languages share: the JSON around a request's tensors, and when data is written out.
import { BINARY_BYTES, type SampleInput } from "./sample.ts";

/** Tensors of more elements are made by a loop instead of being written out. */
export const WRITTEN_OUT = 16;

/** The data of an input, element by element. */
export function dataText({ count, value }: SampleInput): string {
  return `[${Array.from({ length: count }, () => JSON.stringify(value)).join(", ")}]`;
}

export interface BinaryForm {
  /** The JSON before the bytes. */
  readonly header: string;
  /** Bytes of all inputs together; zeros do. */
  readonly sizeBytes: number;
}

/**
 * The request in the binary tensor extension, for datatypes JSON can't carry: a JSON header, then the bytes of every
 * input in order. All outputs are asked for in binary too.
 */
export function binaryForm(inputs: readonly SampleInput[]): BinaryForm {
  let total = 0;
  const described = inputs.map(({ name, shape, datatype, count }) => {
    const sizeBytes = count * bytesOf(datatype);
    total += sizeBytes;
    return { name, shape, datatype, parameters: { binary_data_size: sizeBytes } };
  });
  return { header: JSON.stringify({ inputs: described, parameters: { binary_data_output: true } }), sizeBytes: total };
}

const WIDTHS: Readonly<Record<string, number>> = {
  ...BINARY_BYTES,
  BOOL: 1,
  INT8: 1,
  UINT8: 1,
  INT16: 2,
  UINT16: 2,
  INT32: 4,
  UINT32: 4,
  FP32: 4,
  INT64: 8,
  UINT64: 8,
  FP64: 8,
  // A text is its length in four bytes and its bytes; four zeros are an empty one.
  BYTES: 4,
};

function bytesOf(datatype: string): number {
  return WIDTHS[datatype] ?? 1;
}
