// What a model takes and gives: names, types and shapes, with no tie to how the model is stored or run.
import type { DType } from "./dtypes.ts";

/** An axis: a fixed length, a symbolic length shared by name, or null where nothing is known. */
export type Dimension = number | string | null;

export interface TensorType {
  readonly kind: "tensor";
  readonly dtype: DType;
  /** Axes, or null where not even their number is known. */
  readonly shape: readonly Dimension[] | null;
}
export interface SparseTensorType {
  readonly kind: "sparse-tensor";
  readonly dtype: DType;
  readonly shape: readonly Dimension[] | null;
}
export interface SequenceType {
  readonly kind: "sequence";
  readonly element: ValueType;
}
export interface OptionalType {
  readonly kind: "optional";
  readonly element: ValueType;
}
export interface MapType {
  readonly kind: "map";
  readonly key: DType;
  readonly value: ValueType;
}
/** The type of a value that can flow along an edge of a graph. */
export type ValueType = TensorType | SparseTensorType | SequenceType | OptionalType | MapType;

/** A named input or output. */
export interface Port {
  readonly name: string;
  readonly type: ValueType;
  /** For an input: it has a default (an initializer of the same name), so it may be left out. */
  readonly isOptional?: boolean;
}

/** A model's typed inputs and outputs. */
export interface Signature {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
}

/** A type as people write it: `float32[N, 3, 224, 224]`, `sequence(map(int64, float32[]))`. */
export function typeText(type: ValueType): string {
  switch (type.kind) {
    case "tensor":
      return `${type.dtype}${shapeText(type.shape)}`;
    case "sparse-tensor":
      return `sparse ${type.dtype}${shapeText(type.shape)}`;
    case "sequence":
    case "optional":
      return `${type.kind}(${typeText(type.element)})`;
    case "map":
      return `map(${type.key}, ${typeText(type.value)})`;
  }
}

function shapeText(shape: readonly Dimension[] | null): string {
  return shape === null ? "[…]" : `[${shape.map((length) => length ?? "?").join(", ")}]`;
}
