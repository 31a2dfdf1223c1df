// Small plausible inputs for a signature: what a first request to a model may send.
import type { PortView, SignatureView } from "../api.ts";

export interface SampleInput {
  readonly name: string;
  /** Open Inference Protocol datatype. */
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly count: number;
  /** The element that fills it. */
  readonly value: number | boolean | string;
}

/** Free axes get this length, so that a request stays short. */
const FREE = 4;

const VALUES: Readonly<Record<string, SampleInput["value"]>> = {
  BOOL: true,
  BYTES: "text",
  FP16: 0.5,
  BF16: 0.5,
  FP32: 0.5,
  FP64: 0.5,
};

/** Bytes of an element, for the datatypes that JSON can't carry. */
export const BINARY_BYTES: Readonly<Record<string, number>> = { FP16: 2, BF16: 2 };

function lengthOf(axis: number | string | null, index: number): number {
  if (typeof axis === "number" && axis >= 0) return axis;
  return index === 0 ? 1 : FREE;
}

/** A port's sample, or null where the protocol has no tensor for its type. */
function sampleOf({ name, datatype, shape }: PortView): SampleInput | null {
  if (datatype === null) return null;
  const lengths = (shape ?? [null]).map(lengthOf);
  return {
    name,
    datatype,
    shape: lengths,
    count: lengths.reduce((product, length) => product * length, 1),
    value: VALUES[datatype] ?? 1,
  };
}

/** A sample of each input that must be given; null where one of them can't be sent as a tensor. */
export function sampleInputs(signature: SignatureView): readonly SampleInput[] | null {
  const samples = signature.inputs.filter(({ isOptional }) => !isOptional).map(sampleOf);
  return samples.some((sample) => sample === null) ? null : (samples as readonly SampleInput[]);
}
