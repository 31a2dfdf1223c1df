// Writing gradients the way one writes formulas: each method emits a node, and a plain number is a constant of the element
// type at hand. Only operators of the standard set since version 13 are emitted, so that every ONNX Runtime runs them.
import { SlipwayError } from "#base";
import { type AttributeInput, type GraphBuilder, type OperatorOptions, tensorOfValues } from "#graph";
import { type Dimension, type DType, DTYPES } from "#tensor";
import type { ValueTypes } from "#passes";
import { fixedShape, reductionBetween } from "./value-types.ts";

/** The name of a value, or a number. */
export type Operand = string | number;

/** The least version of the operator set that gradients are emitted for: axes of Squeeze, Unsqueeze and ReduceSum are inputs. */
export const LEAST_OPSET = 13;

/** Since this version scatters can add to what is there, as the gradients of all that picks elements do. */
export const ADDING_OPSET = 16;

/** Whether ONNX Runtime's own operators may be emitted, where they are faster, or those of the standard alone. */
export type Emission = "fast" | "portable";

/** ONNX Runtime's own operators. */
export const CONTRIBUTED_DOMAIN = "com.microsoft";

/** What emitters of all element types share. */
interface Shared {
  readonly g: GraphBuilder;
  readonly opset: number;
  readonly emission: Emission;
  readonly types: ValueTypes;
  readonly constants: Map<string, string>;
  readonly shapes: Map<string, string>;
}

export class Emitter {
  readonly dtype: DType;
  readonly #shared: Shared;

  private constructor(shared: Shared, dtype: DType) {
    this.#shared = shared;
    this.dtype = dtype;
  }

  /** An emitter for the nodes of one gradient graph. */
  static over(g: GraphBuilder, opset: number, types: ValueTypes, emission: Emission = "portable"): Emitter {
    return new Emitter({ g, opset, emission, types, constants: new Map(), shapes: new Map() }, "float32");
  }

  /** The same, whose numbers have another element type. */
  of(dtype: DType): Emitter {
    return dtype === this.dtype ? this : new Emitter(this.#shared, dtype);
  }

  get opset(): number {
    return this.#shared.opset;
  }

  /** Whether ONNX Runtime's own operators may be emitted. */
  get isFast(): boolean {
    return this.#shared.emission === "fast";
  }

  /** A node with one output. */
  op(
    opType: string,
    inputs: readonly Operand[],
    attributes: Readonly<Record<string, AttributeInput>> = {},
    options?: OperatorOptions,
  ): string {
    return this.#shared.g.op(opType, this.#names(inputs), attributes, options);
  }

  /** A node of ONNX Runtime's own, with one output. */
  contributed(
    opType: string,
    inputs: readonly Operand[],
    attributes: Readonly<Record<string, AttributeInput>> = {},
  ): string {
    return this.op(opType, inputs, attributes, { domain: CONTRIBUTED_DOMAIN });
  }

  /** A node with several outputs. */
  opOutputs(
    opType: string,
    inputs: readonly Operand[],
    count: number,
    attributes: Readonly<Record<string, AttributeInput>> = {},
  ): readonly string[] {
    return this.#shared.g.opOutputs(opType, this.#names(inputs), count, attributes);
  }

  add = (a: Operand, b: Operand): string => this.op("Add", [a, b]);
  sub = (a: Operand, b: Operand): string => this.op("Sub", [a, b]);
  mul = (a: Operand, b: Operand): string => this.op("Mul", [a, b]);
  div = (a: Operand, b: Operand): string => this.op("Div", [a, b]);
  neg = (x: Operand): string => this.op("Neg", [x]);
  square = (x: string): string => this.op("Mul", [x, x]);
  exp = (x: Operand): string => this.op("Exp", [x]);
  log = (x: Operand): string => this.op("Log", [x]);
  sqrt = (x: Operand): string => this.op("Sqrt", [x]);
  sigmoid = (x: Operand): string => this.op("Sigmoid", [x]);
  tanh = (x: Operand): string => this.op("Tanh", [x]);
  sign = (x: Operand): string => this.op("Sign", [x]);
  where = (condition: string, a: Operand, b: Operand): string => this.op("Where", [condition, a, b]);
  equal = (a: Operand, b: Operand): string => this.op("Equal", [a, b]);
  greater = (a: Operand, b: Operand): string => this.op("Greater", [a, b]);
  atLeast = (a: Operand, b: Operand): string => this.op("GreaterOrEqual", [a, b]);
  less = (a: Operand, b: Operand): string => this.op("Less", [a, b]);
  atMost = (a: Operand, b: Operand): string => this.op("LessOrEqual", [a, b]);
  and = (a: string, b: string): string => this.op("And", [a, b]);
  matMul = (a: string, b: string): string => this.op("MatMul", [a, b]);
  transpose = (x: string, permutation: readonly number[]): string =>
    permutation.every((axis, index) => axis === index) ? x : this.op("Transpose", [x], { perm: [...permutation] });
  reshape = (x: string, shape: string): string => this.op("Reshape", [x, shape]);

  /** The value in this element type. */
  cast(x: string, to: DType = this.dtype): string {
    return this.op("Cast", [x], { to: DTYPES[to].onnx });
  }

  /** A truth value as 0 or 1. */
  indicator(condition: string): string {
    return this.cast(condition);
  }

  /** A stored scalar of this element type; one for each value. */
  number(value: number): string {
    return this.#constant(this.dtype, [value], []);
  }

  /** A stored list of integers, int64. */
  ints(values: readonly number[]): string {
    return this.#constant("int64", values, [values.length]);
  }

  /** A stored tensor of this element type. */
  values(values: readonly number[], shape: readonly number[]): string {
    return this.#constant(this.dtype, values, shape);
  }

  /** A tensor of one value in a shape that is known at run time, int64 [rank]. */
  filled(shape: string, value: number): string {
    return this.op("ConstantOfShape", [shape], { value: tensorOfValues(this.dtype, [value], [1]) });
  }

  /** Zeros in the shape of a value of the graph. */
  zerosLike(value: string): string {
    return this.filled(this.shapeOf(value), 0);
  }

  /** The sum over axes. */
  sum(x: string, axes: readonly number[], keep = true): string {
    if (axes.length === 0) return x;
    return this.op("ReduceSum", [x, this.ints(axes)], { keepdims: keep ? 1 : 0 });
  }

  /** The mean over axes, which stay with length 1. */
  mean(x: string, axes: readonly number[]): string {
    if (this.opset >= 18) return this.op("ReduceMean", [x, this.ints(axes)], { keepdims: 1 });
    return this.op("ReduceMean", [x], { axes: [...axes], keepdims: 1 });
  }

  /** Axes of length 1 put in. */
  unsqueeze(x: string, axes: readonly number[]): string {
    return axes.length === 0 ? x : this.op("Unsqueeze", [x, this.ints(axes)]);
  }

  /** A part along one axis, from `start` to before `end`. */
  slice(x: string, axis: number, start: Operand, end: Operand, step = 1): string {
    const bound = (at: Operand): string => (typeof at === "number" ? this.ints([at]) : at);
    return this.op("Slice", [x, bound(start), bound(end), this.ints([axis]), this.ints([step])]);
  }

  concat(parts: readonly string[], axis: number): string {
    return parts.length === 1 ? parts[0]! : this.op("Concat", parts, { axis });
  }

  /** What is known of the axes of a value of the graph; null where not even their number is. */
  axesOf(value: string): readonly Dimension[] | null {
    return this.#shared.types.get(value)?.shape ?? null;
  }

  /** The element type of a value of the graph; null where it is not known. */
  dtypeOf(value: string): DType | null {
    return this.#shared.types.get(value)?.dtype ?? null;
  }

  /** The shape of a value of the graph as a value, int64 [rank]: stored where it is known, found at run time where not. */
  shapeOf(value: string): string {
    const known = fixedShape(this.axesOf(value));
    if (known !== null) return this.ints(known);
    const { shapes } = this.#shared;
    const found = shapes.get(value) ?? this.op("Shape", [value]);
    shapes.set(value, found);
    return found;
  }

  /** The length of one axis of a value of the graph, int64 [1]. */
  lengthOf(value: string, axis: number): string {
    const axes = this.axesOf(value);
    const known = axes?.at(axis);
    if (typeof known === "number") return this.ints([known]);
    return this.op("Gather", [this.shapeOf(value), this.ints([axis])], { axis: 0 });
  }

  /**
   * Sums a gradient over the axes along which a value was broadcast: the adjoint of broadcasting.
   * @param axes what is known of the axes of `x`
   * @param to the value of the graph whose gradient is wanted
   */
  sumTo(x: string, axes: readonly Dimension[] | null, to: string): string {
    const reduction = reductionBetween(axes, this.axesOf(to));
    switch (reduction.kind) {
      case "none":
        return x;
      case "axes": {
        const { leading, stretched } = reduction;
        return this.sum(this.sum(x, stretched), leading, false);
      }
      case "unknown":
        return this.sumToShape(x, this.shapeOf(to));
    }
  }

  /** The same for a shape that is known at run time, int64 [rank], of at most as many axes. */
  sumToShape(x: string, to: string): string {
    const int = this.of("int64");
    const from = this.op("Shape", [x]);
    const extra = int.sub(int.op("Size", [from]), int.op("Size", [to]));
    const ones = int.filled(int.op("Unsqueeze", [extra, int.ints([0])]), 1);
    const aligned = int.concat([ones, to], 0);
    const differing = int.op("Not", [int.equal(aligned, from)]);
    const axes = int.reshape(int.op("NonZero", [differing]), int.ints([-1]));
    return this.reshape(this.op("ReduceSum", [x, axes], { keepdims: 1, noop_with_empty_axes: 1 }), to);
  }

  #names(inputs: readonly Operand[]): string[] {
    return inputs.map((input) => (typeof input === "number" ? this.number(input) : input));
  }

  #constant(dtype: DType, values: readonly number[], shape: readonly number[]): string {
    const { constants, g } = this.#shared;
    const key = `${dtype}[${shape.join()}]${values.map((value) => (Object.is(value, -0) ? "-0" : value)).join()}`;
    const known = constants.get(key);
    if (known !== undefined) return known;
    const made = g.values(dtype, values, shape);
    constants.set(key, made);
    return made;
  }
}

/** @throws SlipwayError MODEL_UNSUPPORTED for operator sets whose operators take their axes otherwise */
export function requireOpset(opset: number): void {
  if (opset >= LEAST_OPSET) return;
  throw new SlipwayError(
    "MODEL_UNSUPPORTED",
    `The model uses version ${opset} of the ONNX operator set; gradients need ${LEAST_OPSET} or later. Export it for a later version.`,
  );
}
