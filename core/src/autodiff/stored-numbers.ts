// What stored tensors hold, looked at before a model is differentiated by them.
import { type Initializer, tensorFromInitializer } from "#graph";
import { numberFromBfloat16, numberFromFloat16 } from "#tensor";
import { isDifferentiable } from "./value-types.ts";

/** An element of a stored tensor that is no number one can compute with. */
export interface OddElement {
  readonly value: number;
  readonly at: number;
  /** How many elements there are. */
  readonly of: number;
}

/** The first element of a floating-point tensor of which something holds; null where it holds of none, or they lie in a file. */
export function firstElement(stored: Initializer, holds: (value: number) => boolean): OddElement | null {
  const { dtype, shape, data: held } = stored;
  if (held.kind === "external" || !isDifferentiable({ kind: "tensor", dtype, shape })) return null;
  const { data } = tensorFromInitializer(stored);
  const decode = dtype === "float16" ? numberFromFloat16 : dtype === "bfloat16" ? numberFromBfloat16 : Number;
  for (let at = 0; at < data.length; at++) {
    const value = decode(data[at] as number);
    if (holds(value)) return { value, at, of: data.length };
  }
  return null;
}

/** Whether a tensor is added to scores to leave some out: all it holds is 0 or −∞, and −∞ somewhere. */
export function isAddedMask(stored: Initializer): boolean {
  const isOther = (value: number): boolean => value !== 0 && value !== Number.NEGATIVE_INFINITY;
  if (stored.data.kind === "external" || firstElement(stored, isOther) !== null) return false;
  return firstElement(stored, (value) => value === Number.NEGATIVE_INFINITY) !== null;
}
