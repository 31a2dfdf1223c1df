// A composite operator at a node, as the one that writes it in primitives sees it: what it reads, and arithmetic to write with.
import { AttributeReader, type AttributeInput, type GraphBuilder, type Node } from "#graph";
import { type DType, DTYPES, type Dimension, type TensorType } from "#tensor";

/**
 * Writes a composite operator in primitives.
 * @returns the value of each output, null for those that nobody reads; null where this use of it can't be written so, which then
 *   stays
 */
export type Decomposition = (call: CompositeCall) => readonly (string | null)[] | null;

/** A value, or a number that becomes a stored scalar of the operator's type. */
export type Operand = string | number;

export class CompositeCall extends AttributeReader {
  readonly g: GraphBuilder;
  readonly opset: number;
  /** Of the first input, and of what is computed. */
  readonly dtype: DType;
  readonly #types: ReadonlyMap<string, TensorType>;

  constructor(g: GraphBuilder, node: Node, opset: number, types: ReadonlyMap<string, TensorType>, dtype: DType) {
    super(node);
    this.g = g;
    this.opset = opset;
    this.dtype = dtype;
    this.#types = types;
  }

  /** An input that must be there. */
  x(index = 0): string {
    return this.node.inputs[index] ?? "";
  }

  hasInput(index: number): boolean {
    return this.x(index) !== "";
  }

  hasOutput(index: number): boolean {
    return (this.node.outputs[index] ?? "") !== "";
  }

  dtypeOf(value: string): DType | undefined {
    return this.#types.get(value)?.dtype ?? this.g.dtypeOf(value);
  }

  /** The axes of an input; null where not even their number is known. */
  shape(index = 0): readonly Dimension[] | null {
    return this.#types.get(this.x(index))?.shape ?? null;
  }

  op(opType: string, inputs: readonly Operand[], attributes: Readonly<Record<string, AttributeInput>> = {}): string {
    return this.g.op(
      opType,
      inputs.map((input) => this.#value(input)),
      attributes,
    );
  }

  add(a: Operand, b: Operand): string {
    return this.op("Add", [a, b]);
  }

  sub(a: Operand, b: Operand): string {
    return this.op("Sub", [a, b]);
  }

  mul(a: Operand, b: Operand): string {
    return this.op("Mul", [a, b]);
  }

  div(a: Operand, b: Operand): string {
    return this.op("Div", [a, b]);
  }

  /** A scalar of the operator's type. */
  number(value: number, dtype: DType = this.dtype): string {
    return this.g.values(dtype, [value], []);
  }

  integers(values: readonly number[]): string {
    return this.g.values("int64", values);
  }

  cast(x: string, to: DType): string {
    return this.dtypeOf(x) === to ? x : this.op("Cast", [x], { to: DTYPES[to].onnx });
  }

  /** The mean over axes, which stay with the length 1. They became an input in operator set 18. */
  mean(x: string, axes: readonly number[]): string {
    return this.opset < 18 ? this.op("ReduceMean", [x], { axes }) : this.op("ReduceMean", [x, this.integers(axes)]);
  }

  /** The largest along the last axis, which stays with the length 1. */
  largest(x: string): string {
    return this.opset < 18 ? this.op("ReduceMax", [x], { axes: [-1] }) : this.op("ReduceMax", [x, this.integers([-1])]);
  }

  /** The axes from one on, counted from the end; null where that needs a rank that is not known. */
  axesFrom(axis: number): readonly number[] | null {
    const rank = this.shape()?.length;
    const behind = axis < 0 ? -axis : rank === undefined ? null : rank - axis;
    return behind === null || behind < 1 ? null : Array.from({ length: behind }, (_, index) => index - behind);
  }

  #value(operand: Operand): string {
    return typeof operand === "number" ? this.number(operand) : operand;
  }
}
