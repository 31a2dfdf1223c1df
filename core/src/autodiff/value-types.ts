// What differentiation makes of the types of a graph's values: what can be differentiated, and what was broadcast.
import { type Node, valuesReadBy } from "#graph";
import type { Dimension, DType, TensorType } from "#tensor";

const DIFFERENTIABLE: ReadonlySet<DType> = new Set(["float32", "float64", "float16", "bfloat16"]);

/** Whether derivatives flow through values of this type: integers and truth values have none. */
export function isDifferentiable(type: TensorType): boolean {
  return DIFFERENTIABLE.has(type.dtype);
}

/** The values a node reads of whose numbers its outputs are made; an example of a type is none. */
export function numbersReadBy(node: Node): ReadonlySet<string> {
  return node.opType === "CastLike" && node.domain === "" ? new Set(node.inputs.slice(0, 1)) : valuesReadBy(node);
}

/** A shape of numbers only; null where any axis is open. */
export function fixedShape(shape: readonly Dimension[] | null): readonly number[] | null {
  return shape !== null && shape.every((axis) => typeof axis === "number") ? shape : null;
}

/** How a value of one shape is summed to undo that it was broadcast from another. */
export type Reduction =
  /** The shapes are the same. */
  | { readonly kind: "none" }
  | {
      readonly kind: "axes";
      /** Axes in front that the other shape does not have. */
      readonly leading: readonly number[];
      /** Axes that have the length 1 in the other shape. */
      readonly stretched: readonly number[];
    }
  /** What is known does not tell. */
  | { readonly kind: "unknown" };

/** Which axes of `from` are summed to come back to `to`, from which it was broadcast. */
export function reductionBetween(from: readonly Dimension[] | null, to: readonly Dimension[] | null): Reduction {
  if (from === null || to === null) return { kind: "unknown" };
  const extra = from.length - to.length;
  const stretched: number[] = [];
  for (const [index, length] of to.entries()) {
    const axis = index + extra;
    const broadcast = from[axis] ?? null;
    if (length === broadcast && length !== null) continue;
    if (length === 1) stretched.push(axis);
    // A named or unknown length may turn out to be 1 beside another; a fixed one that is not 1 can't have been stretched.
    else if (typeof length !== "number") return { kind: "unknown" };
  }
  if (extra === 0 && stretched.length === 0) return { kind: "none" };
  return { kind: "axes", leading: Array.from({ length: extra }, (_, axis) => axis), stretched };
}
