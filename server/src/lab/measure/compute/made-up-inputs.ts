// Inputs made up at given shapes, for runs whose answers don't matter.
import { tensorOfValues } from "@slipway/core/graph";
import type { NamedTensor, Signature } from "@slipway/core/tensor";
import { sampleInputs } from "#runtime";
import { boundSignature, type InputShapes } from "./input-shapes.ts";

/**
 * Every required input at its shape, of small numbers from a seed, or of the number `shapes.fills` gives.
 * @throws SlipwayError as `boundSignature`
 */
export function madeUpInputs(signature: Signature, shapes: InputShapes): NamedTensor[] {
  const bound = boundSignature(signature, shapes);
  const inputs = signature.inputs.flatMap((port) => {
    const shape = bound.get(port.name);
    return shape === undefined || port.type.kind !== "tensor" ? [] : [{ ...port, type: { ...port.type, shape } }];
  });
  const made = sampleInputs({ ...signature, inputs }, { rows: 1, freeLength: 1, scale: 1, seed: 1 });
  return made.map((tensor) => filled(tensor, shapes.fills ?? {}));
}

/** The tensor, all its elements the number of its name where there is one. */
export function filled(tensor: NamedTensor, fills: Readonly<Record<string, number>>): NamedTensor {
  if (!Object.hasOwn(fills, tensor.name)) return tensor;
  const one = tensorOfValues(tensor.dtype, [fills[tensor.name]!]).data;
  const data = tensor.data.slice();
  (data as unknown[]).fill(one[0]);
  return { ...tensor, data };
}
