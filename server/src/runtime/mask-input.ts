// The input of a model that marks a request's own positions with 1, so that padded ones do not count. Padding fills it
// with 0 whatever else is configured; where `runtime.maskInput` names it, requests may leave it out.
import {
  createData,
  type Dimension,
  elementCount,
  type NumericDType,
  type Signature,
  type Tensor,
} from "@slipway/core/tensor";

/** Names under which exporters write it. Not `key_padding_mask` and its like, where 1 marks the padding. */
const WELL_KNOWN: ReadonlySet<string> = new Set(["attention_mask", "input_mask"]);
const DTYPES_OF_MASKS: ReadonlySet<string> = new Set([
  "bool",
  "float32",
  "float64",
  "int8",
  "int16",
  "int32",
  "int64",
  "uint8",
  "uint16",
  "uint32",
  "uint64",
]);

export interface MaskInput {
  /** By the signature's order of inputs. */
  readonly port: number;
  readonly dtype: NumericDType;
  /** For each of its axes, an axis of another input that is as long. */
  readonly sources: readonly { readonly port: number; readonly axis: number }[];
}

/**
 * The mask among the inputs: the one named, or else one of a well-known name; null where there is none.
 * @returns text, for people, where the one named can't be it
 */
export function maskInputOf(signature: Signature, named: string | null): MaskInput | null | string {
  const { inputs } = signature;
  const port = inputs.findIndex(({ name }) => (named === null ? WELL_KNOWN.has(name) : name === named));
  if (port === -1)
    return named === null ? null : `The model has no input ${JSON.stringify(named)} (runtime.maskInput).`;
  const found = maskAt(signature, port);
  return typeof found === "string" && named === null ? null : found;
}

function maskAt({ inputs }: Signature, port: number): MaskInput | string {
  const { name, type } = inputs[port]!;
  const cannot = (why: string): string => `Input ${JSON.stringify(name)} can't be a mask: ${why} (runtime.maskInput).`;
  if (type.kind !== "tensor" || !DTYPES_OF_MASKS.has(type.dtype)) return cannot("it is no tensor of numbers");
  if (type.shape?.length !== 2) return cannot("its shape is not [rows, length]");
  const sources: { port: number; axis: number }[] = [];
  for (const length of type.shape) {
    const source = sourceOf(inputs, port, length);
    if (source === null) return cannot(`no other input has an axis named ${JSON.stringify(length)}`);
    sources.push(source);
  }
  return { port, dtype: type.dtype as NumericDType, sources };
}

function sourceOf(
  inputs: Signature["inputs"],
  except: number,
  length: Dimension,
): { port: number; axis: number } | null {
  if (typeof length !== "string") return null;
  for (const [port, { type, isOptional }] of inputs.entries()) {
    if (port === except || isOptional === true || type.kind !== "tensor" || type.shape === null) continue;
    const axis = type.shape.indexOf(length);
    if (axis !== -1) return { port, axis };
  }
  return null;
}

/** A mask of nothing but ones, as large as the request's other inputs are. */
export function maskOfOnes(mask: MaskInput, inputs: readonly (Pick<Tensor, "shape"> | undefined)[]): Tensor {
  const shape = mask.sources.map(({ port, axis }) => inputs[port]?.shape[axis] ?? 0);
  const data = createData(mask.dtype, elementCount(shape));
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) data.fill(1n);
  else data.fill(1);
  return { dtype: mask.dtype, shape, data };
}

/** The signature as callers see it where the mask is made for them. */
export function withOptionalInput(signature: Signature, port: number): Signature {
  const inputs = signature.inputs.map((input, index) => (index === port ? { ...input, isOptional: true } : input));
  return { ...signature, inputs };
}
