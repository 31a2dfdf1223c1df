// A small plausible record for a version whose processing takes JSON instances.
import type { JsonValue, Processing } from "@slipway/core/processing";
import type { SignatureView } from "../api.ts";
import { sampleInputs } from "./sample.ts";

/** Records of more values than this are too long to show. */
const MOST_VALUES = 64;

/**
 * Instances for one request: a value for the only input, or an object of input names to values. Null where the model
 * can't be asked so, or not in a few lines.
 */
export function sampleInstances(signature: SignatureView, processing: Processing): readonly JsonValue[] | null {
  const inputs = sampleInputs(signature);
  if (inputs === null || inputs.reduce((sum, { count }) => sum + count, 0) > MOST_VALUES) return null;
  const required = signature.inputs.filter(({ isOptional }) => !isOptional);
  const firsts = required.map(({ shape }) => shape?.[0] ?? null);
  const [first = null] = firsts;
  const isOpen = firsts.every((axis) => typeof axis !== "number");
  const isFixed = !isOpen && firsts.every((axis) => axis === first);
  const target = processing.input ?? inputs[0]?.name;
  const isReshaped = processing.before.some(({ step }) => step === "reshape");
  const values = inputs.map(({ name, shape, count, value }): [string, JsonValue] => {
    const own = isOpen || isFixed ? shape.slice(1) : shape;
    const size = isOpen || isFixed ? count / (shape[0] ?? 1) : count;
    return [name, nested(isReshaped && name === target ? [size] : own, value)];
  });
  const [only] = values;
  const record = values.length === 1 && only !== undefined ? only[1] : Object.fromEntries(values);
  return Array.from({ length: isFixed ? Number(first) : 1 }, () => record);
}

function nested(shape: readonly number[], value: JsonValue): JsonValue {
  const [length, ...inner] = shape;
  return length === undefined ? value : Array.from({ length }, () => nested(inner, value));
}
