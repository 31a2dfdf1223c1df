// What an operator of the reference back end is, and what reading its node and inputs has in common.
import { SlipwayError } from "#base";
import { intsOf, type Node } from "#graph";
import type { Tensor } from "#tensor";
import { elementsOf } from "./elements.ts";

/** One operator: a node and its input tensors (undefined where left out) to its output tensors. */
export type Operator = (node: Node, inputs: readonly (Tensor | undefined)[]) => readonly Tensor[];

export function refuse(node: Node, what: string): SlipwayError {
  return new SlipwayError("RUN_FAILED", `${node.opType} ${JSON.stringify(node.name)} ${what}.`);
}

export function need(node: Node, inputs: readonly (Tensor | undefined)[], index: number): Tensor {
  const tensor = inputs[index];
  if (tensor === undefined) throw refuse(node, `lacks its input ${index}`);
  return tensor;
}

export function axisOf(node: Node, axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (positive < 0 || positive >= rank) throw refuse(node, `names axis ${axis} of a tensor with ${rank}`);
  return positive;
}

/** The axes an operator works along, given as an input or as an attribute; null where it names none. */
export function axesOf(node: Node, inputs: readonly (Tensor | undefined)[]): readonly number[] | null {
  if (inputs[1] !== undefined) return elementsOf(inputs[1]).map(Number);
  return intsOf(node, "axes", undefined) ?? null;
}
