// The operators of the reference back end, as a table: each is written the way the standard describes it.
// Source: onnx/docs/Operators.md.
import { SlipwayError } from "#base";
import { attributeValue, floatOf, intOf, intsOf, type Node, tensorFromInitializer } from "#graph";
import { type DType, dtypeFromOnnx, elementCount, type Tensor } from "#tensor";
import {
  broadcastIndices,
  broadcastShape,
  type Element,
  elementsOf,
  indicesBySteps,
  stridesOf,
  tensorOf,
} from "./elements.ts";

/** One operator: a node and its input tensors (undefined where left out) to its output tensors. */
export type Operator = (node: Node, inputs: readonly (Tensor | undefined)[]) => readonly Tensor[];

function refuse(node: Node, what: string): SlipwayError {
  return new SlipwayError("RUN_FAILED", `${node.opType} ${JSON.stringify(node.name)} ${what}.`);
}

function need(node: Node, inputs: readonly (Tensor | undefined)[], index: number): Tensor {
  const tensor = inputs[index];
  if (tensor === undefined) throw refuse(node, `lacks its input ${index}`);
  return tensor;
}

function axisOf(node: Node, axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (positive < 0 || positive >= rank) throw refuse(node, `names axis ${axis} of a tensor with ${rank}`);
  return positive;
}

/** An operator on each element. */
function unary(compute: (value: number) => number): Operator {
  return (node, inputs) => {
    const x = need(node, inputs, 0);
    return [
      tensorOf(
        x.dtype,
        x.shape,
        elementsOf(x).map((value) => compute(Number(value))),
      ),
    ];
  };
}

/** An operator on two elements, broadcast; 64-bit integers keep their precision where `integers` is given. */
function binary(
  compute: (a: number, b: number) => number | boolean,
  integers?: (a: bigint, b: bigint) => bigint | boolean,
  result?: DType,
): Operator {
  return (node, inputs) => {
    const a = need(node, inputs, 0);
    const b = need(node, inputs, 1);
    const shape = broadcastShape([a.shape, b.shape]);
    if (shape === null) throw refuse(node, `can't broadcast [${a.shape.join(", ")}] and [${b.shape.join(", ")}]`);
    const [left, right] = [elementsOf(a), elementsOf(b)];
    const [atLeft, atRight] = [broadcastIndices(a.shape, shape), broadcastIndices(b.shape, shape)];
    const elements: Element[] = [];
    for (let i = 0; i < atLeft.length; i++) {
      const [x, y] = [left[atLeft[i]!]!, right[atRight[i]!]!];
      const isBig = integers !== undefined && typeof x === "bigint" && typeof y === "bigint";
      const value = isBig ? integers(x, y) : compute(Number(x), Number(y));
      elements.push(typeof value === "boolean" ? Number(value) : value);
    }
    return [tensorOf(result ?? a.dtype, shape, elements)];
  };
}

function divide(dtype: DType, a: number, b: number): number {
  return dtype.startsWith("float") || dtype === "bfloat16" ? a / b : Math.trunc(a / b);
}

const div: Operator = (node, inputs) => {
  const { dtype } = need(node, inputs, 0);
  const isWhole = !dtype.startsWith("float") && dtype !== "bfloat16";
  const divisor = need(node, inputs, 1);
  if (isWhole && elementsOf(divisor).some((value) => Number(value) === 0)) throw refuse(node, "divides by zero");
  return binary(
    (a, b) => divide(dtype, a, b),
    (a, b) => a / b,
  )(node, inputs);
};

const where: Operator = (node, inputs) => {
  const tensors = [0, 1, 2].map((index) => need(node, inputs, index));
  const shape = broadcastShape(tensors.map((tensor) => tensor.shape));
  if (shape === null) throw refuse(node, "has shapes that can't be broadcast");
  const [condition, a, b] = tensors.map((tensor) => {
    const elements = elementsOf(tensor);
    return Array.from(broadcastIndices(tensor.shape, shape), (index) => elements[index]!);
  });
  return [
    tensorOf(
      tensors[1]!.dtype,
      shape,
      condition!.map((flag, i) => (Number(flag) === 0 ? b![i]! : a![i]!)),
    ),
  ];
};

const clip: Operator = (node, inputs) => {
  const x = need(node, inputs, 0);
  const low =
    inputs[1] === undefined ? floatOf(node, "min", Number.NEGATIVE_INFINITY) : Number(elementsOf(inputs[1])[0]);
  const high =
    inputs[2] === undefined ? floatOf(node, "max", Number.POSITIVE_INFINITY) : Number(elementsOf(inputs[2])[0]);
  return unary((value) => Math.min(high, Math.max(low, value)))(node, [x]);
};

const cast: Operator = (node, inputs) => {
  const x = need(node, inputs, 0);
  const dtype = dtypeFromOnnx(intOf(node, "to", 0));
  if (dtype === undefined) throw refuse(node, "names no element type");
  return [tensorOf(dtype, x.shape, elementsOf(x))];
};

function matrixShape(node: Node, a: Tensor, b: Tensor): { left: number[]; right: number[] } {
  if (a.shape.length === 0 || b.shape.length === 0) throw refuse(node, "multiplies a scalar");
  const left = a.shape.length === 1 ? [1, ...a.shape] : [...a.shape];
  const right = b.shape.length === 1 ? [...b.shape, 1] : [...b.shape];
  if (left.at(-1) !== right.at(-2)) {
    throw refuse(node, `multiplies [${a.shape.join(", ")}] by [${b.shape.join(", ")}]`);
  }
  return { left, right };
}

const matMul: Operator = (node, inputs) => {
  const a = need(node, inputs, 0);
  const b = need(node, inputs, 1);
  const { left, right } = matrixShape(node, a, b);
  const [rows, inner, columns] = [left.at(-2)!, left.at(-1)!, right.at(-1)!];
  const stack = broadcastShape([left.slice(0, -2), right.slice(0, -2)]);
  if (stack === null) throw refuse(node, `can't broadcast [${a.shape.join(", ")}] and [${b.shape.join(", ")}]`);
  const [x, y] = [elementsOf(a), elementsOf(b)];
  const [atX, atY] = [broadcastIndices(left.slice(0, -2), stack), broadcastIndices(right.slice(0, -2), stack)];
  const elements: Element[] = [];
  for (let matrix = 0; matrix < atX.length; matrix++) {
    const [fromX, fromY] = [atX[matrix]! * rows * inner, atY[matrix]! * inner * columns];
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        let sum = 0;
        for (let k = 0; k < inner; k++) {
          sum += Number(x[fromX + row * inner + k]) * Number(y[fromY + k * columns + column]);
        }
        elements.push(sum);
      }
    }
  }
  const shape = [...stack, ...(a.shape.length === 1 ? [] : [rows]), ...(b.shape.length === 1 ? [] : [columns])];
  return [tensorOf(a.dtype, shape, elements)];
};

const gemm: Operator = (node, inputs) => {
  const turn = (tensor: Tensor, isTurned: boolean): Tensor => (isTurned ? permuted(tensor, [1, 0]) : tensor);
  const a = turn(need(node, inputs, 0), intOf(node, "transA", 0) !== 0);
  const b = turn(need(node, inputs, 1), intOf(node, "transB", 0) !== 0);
  const [product] = matMul(node, [a, b]);
  const alpha = floatOf(node, "alpha", 1);
  const [scaled] = unary((value) => alpha * value)(node, [product]);
  if (inputs[2] === undefined) return [scaled!];
  const beta = floatOf(node, "beta", 1);
  return binary((x, y) => x + beta * y)(node, [scaled, inputs[2]]);
};

function permuted(x: Tensor, order: readonly number[]): Tensor {
  const strides = stridesOf(x.shape);
  const shape = order.map((axis) => x.shape[axis]!);
  const indices = indicesBySteps(
    shape,
    order.map((axis) => strides[axis]!),
  );
  const elements = elementsOf(x);
  return tensorOf(
    x.dtype,
    shape,
    Array.from(indices, (index) => elements[index]!),
  );
}

const transpose: Operator = (node, inputs) => {
  const x = need(node, inputs, 0);
  return [
    permuted(
      x,
      intsOf(
        node,
        "perm",
        x.shape.map((_, axis) => x.shape.length - 1 - axis),
      ),
    ),
  ];
};

function withShape(node: Node, x: Tensor, shape: readonly number[]): readonly Tensor[] {
  if (elementCount(shape) !== elementCount(x.shape)) {
    throw refuse(node, `can't give [${x.shape.join(", ")}] the shape [${shape.join(", ")}]`);
  }
  return [{ dtype: x.dtype, shape, data: x.data }];
}

const reshape: Operator = (node, inputs) => {
  const x = need(node, inputs, 0);
  const keepsZero = intOf(node, "allowzero", 0) === 0;
  const asked = elementsOf(need(node, inputs, 1)).map(Number);
  const shape = asked.map((length, axis) => (length === 0 && keepsZero ? (x.shape[axis] ?? 0) : length));
  const open = shape.indexOf(-1);
  if (open !== -1) {
    const known = shape.reduce((count, length) => (length === -1 ? count : count * length), 1);
    shape[open] = known === 0 ? 0 : elementCount(x.shape) / known;
  }
  if (shape.some((length) => !Number.isInteger(length) || length < 0)) {
    throw refuse(node, `can't give [${x.shape.join(", ")}] the shape [${asked.join(", ")}]`);
  }
  return withShape(node, x, shape);
};

const flatten: Operator = (node, inputs) => {
  const x = need(node, inputs, 0);
  const axis = intOf(node, "axis", 1);
  const split = axis < 0 ? axis + x.shape.length : axis;
  const size = (lengths: readonly number[]) => lengths.reduce((count, length) => count * length, 1);
  return withShape(node, x, [size(x.shape.slice(0, split)), size(x.shape.slice(split))]);
};

function axesOf(node: Node, inputs: readonly (Tensor | undefined)[]): readonly number[] | null {
  if (inputs[1] !== undefined) return elementsOf(inputs[1]).map(Number);
  return intsOf(node, "axes", undefined) ?? null;
}

const squeeze: Operator = (node, inputs) => {
  const x = need(node, inputs, 0);
  const axes = axesOf(node, inputs)?.map((axis) => axisOf(node, axis, x.shape.length));
  return withShape(
    node,
    x,
    x.shape.filter((length, axis) => (axes === undefined ? length !== 1 : !axes.includes(axis))),
  );
};

const unsqueeze: Operator = (node, inputs) => {
  const x = need(node, inputs, 0);
  const axes = axesOf(node, inputs) ?? [];
  const rank = x.shape.length + axes.length;
  const added = axes.map((axis) => axisOf(node, axis, rank));
  const left = [...x.shape];
  return withShape(
    node,
    x,
    Array.from({ length: rank }, (_, axis) => (added.includes(axis) ? 1 : left.shift()!)),
  );
};

const concat: Operator = (node, inputs) => {
  const tensors = inputs.filter((tensor) => tensor !== undefined);
  const first = need(node, tensors, 0);
  const axis = axisOf(node, intOf(node, "axis", 0), first.shape.length);
  const outer = first.shape.slice(0, axis).reduce((count, length) => count * length, 1);
  const parts = tensors.map((tensor) => {
    const isLike =
      tensor.shape.length === first.shape.length &&
      tensor.shape.every((length, at) => at === axis || length === first.shape[at]);
    if (!isLike) throw refuse(node, `can't join [${first.shape.join(", ")}] and [${tensor.shape.join(", ")}]`);
    return { elements: elementsOf(tensor), width: outer === 0 ? 0 : elementCount(tensor.shape) / outer };
  });
  const elements: Element[] = [];
  for (let row = 0; row < outer; row++) {
    for (const part of parts) elements.push(...part.elements.slice(row * part.width, (row + 1) * part.width));
  }
  const length = tensors.reduce((sum, tensor) => sum + tensor.shape[axis]!, 0);
  return [tensorOf(first.dtype, first.shape.with(axis, length), elements)];
};

const gather: Operator = (node, inputs) => {
  const x = need(node, inputs, 0);
  const indices = need(node, inputs, 1);
  const axis = axisOf(node, intOf(node, "axis", 0), x.shape.length);
  const length = x.shape[axis]!;
  const inner = x.shape.slice(axis + 1).reduce((count, size) => count * size, 1);
  const outer = x.shape.slice(0, axis).reduce((count, size) => count * size, 1);
  const source = elementsOf(x);
  const elements: Element[] = [];
  for (let row = 0; row < outer; row++) {
    for (const wanted of elementsOf(indices)) {
      const index = Number(wanted) < 0 ? Number(wanted) + length : Number(wanted);
      if (index < 0 || index >= length) throw refuse(node, `gathers index ${wanted} of ${length}`);
      const from = (row * length + index) * inner;
      for (let i = 0; i < inner; i++) elements.push(source[from + i]!);
    }
  }
  return [tensorOf(x.dtype, [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)], elements)];
};

const shapeOf: Operator = (node, inputs) => {
  const { shape } = need(node, inputs, 0);
  return [tensorOf("int64", [shape.length], shape)];
};

/** The elements along `axes` for each element of what is left, and the shape of what is left. */
function reduction(x: Tensor, axes: readonly number[]): { kept: number[]; groups: number[][] } {
  const strides = stridesOf(x.shape);
  const rest = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const pick = (list: readonly number[], from: readonly number[]) => list.map((axis) => from[axis]!);
  const starts = indicesBySteps(pick(rest, x.shape), pick(rest, strides));
  const offsets = indicesBySteps(pick(axes, x.shape), pick(axes, strides));
  return {
    kept: pick(rest, x.shape),
    groups: Array.from(starts, (start) => Array.from(offsets, (offset) => start + offset)),
  };
}

function reduce(compute: (values: readonly number[]) => number, result?: DType): Operator {
  return (node, inputs) => {
    const x = need(node, inputs, 0);
    const given = axesOf(node, inputs);
    if (given === null && intOf(node, "noop_with_empty_axes", 0) !== 0) return [x];
    const axes = (given ?? x.shape.map((_, axis) => axis)).map((axis) => axisOf(node, axis, x.shape.length));
    const { kept, groups } = reduction(x, axes);
    const elements = elementsOf(x);
    const values = groups.map((group) => compute(group.map((index) => Number(elements[index]))));
    const keepsAxes = intOf(node, "keepdims", 1) !== 0;
    const shape = keepsAxes ? x.shape.map((length, axis) => (axes.includes(axis) ? 1 : length)) : kept;
    return [tensorOf(result ?? x.dtype, shape, values)];
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function argument(isBetter: (value: number, best: number) => boolean): Operator {
  return (node, inputs) => {
    const x = need(node, inputs, 0);
    const axis = axisOf(node, intOf(node, "axis", 0), x.shape.length);
    const takesLast = intOf(node, "select_last_index", 0) !== 0;
    const { kept, groups } = reduction(x, [axis]);
    const elements = elementsOf(x);
    const found = groups.map((group) => {
      let best = 0;
      for (let i = 1; i < group.length; i++) {
        const [value, held] = [Number(elements[group[i]!]), Number(elements[group[best]!])];
        if (isBetter(value, held) || (takesLast && value === held)) best = i;
      }
      return best;
    });
    const keepsAxes = intOf(node, "keepdims", 1) !== 0;
    return [tensorOf("int64", keepsAxes ? x.shape.with(axis, 1) : kept, found)];
  };
}

const softmax: Operator = (node, inputs) => {
  const x = need(node, inputs, 0);
  const axis = axisOf(node, intOf(node, "axis", -1), x.shape.length);
  const elements = elementsOf(x).map(Number);
  const answers = elements.slice();
  for (const group of reduction(x, [axis]).groups) {
    const largest = Math.max(...group.map((index) => elements[index]!));
    const powers = group.map((index) => Math.exp(elements[index]! - largest));
    const total = sum(powers);
    for (const [i, index] of group.entries()) answers[index] = powers[i]! / total;
  }
  return [tensorOf(x.dtype, x.shape, answers)];
};

const constant: Operator = (node) => {
  const tensor = attributeValue(node, "value", "tensor");
  if (tensor !== undefined) return [tensorFromInitializer(tensor)];
  const float = attributeValue(node, "value_float", "float");
  if (float !== undefined) return [tensorOf("float32", [], [float])];
  const int = attributeValue(node, "value_int", "int");
  if (int !== undefined) return [tensorOf("int64", [], [int])];
  const ints = attributeValue(node, "value_ints", "ints");
  if (ints !== undefined) return [tensorOf("int64", [ints.length], Array.from(ints))];
  throw refuse(node, "holds no value this back end reads");
};

/** The operators there are, by their names in the ONNX domain. */
export const OPERATORS: Readonly<Record<string, Operator>> = {
  Abs: unary(Math.abs),
  Add: binary(
    (a, b) => a + b,
    (a, b) => a + b,
  ),
  And: binary((a, b) => a !== 0 && b !== 0, undefined, "bool"),
  ArgMax: argument((value, best) => value > best),
  ArgMin: argument((value, best) => value < best),
  Cast: cast,
  Clip: clip,
  Concat: concat,
  Constant: constant,
  Div: div,
  Equal: binary(
    (a, b) => a === b,
    (a, b) => a === b,
    "bool",
  ),
  Exp: unary(Math.exp),
  Flatten: flatten,
  Gather: gather,
  Gemm: gemm,
  Greater: binary(
    (a, b) => a > b,
    (a, b) => a > b,
    "bool",
  ),
  Identity: (node, inputs) => [need(node, inputs, 0)],
  Less: binary(
    (a, b) => a < b,
    (a, b) => a < b,
    "bool",
  ),
  Log: unary(Math.log),
  MatMul: matMul,
  Mul: binary(
    (a, b) => a * b,
    (a, b) => a * b,
  ),
  Neg: unary((value) => -value),
  Not: unary((value) => (value === 0 ? 1 : 0)),
  Or: binary((a, b) => a !== 0 || b !== 0, undefined, "bool"),
  Pow: binary((a, b) => a ** b),
  ReduceMax: reduce((values) => Math.max(...values)),
  ReduceMean: reduce((values) => sum(values) / values.length),
  ReduceMin: reduce((values) => Math.min(...values)),
  ReduceSum: reduce(sum),
  Relu: unary((value) => Math.max(0, value)),
  Reshape: reshape,
  Shape: shapeOf,
  Sigmoid: unary((value) => 1 / (1 + Math.exp(-value))),
  Softmax: softmax,
  Sqrt: unary(Math.sqrt),
  Squeeze: squeeze,
  Sub: binary(
    (a, b) => a - b,
    (a, b) => a - b,
  ),
  Tanh: unary(Math.tanh),
  Transpose: transpose,
  Unsqueeze: unsqueeze,
  Where: where,
};
