// Operators of the reference back end that bring elements together: matrix products, and reductions along axes.
import { floatOf, intOf, type Node } from "#graph";
import type { DType, Tensor } from "#tensor";
import {
  broadcastIndices,
  broadcastShape,
  type Element,
  elementsOf,
  indicesBySteps,
  stridesOf,
  tensorOf,
} from "./elements.ts";
import { binary, unary } from "./reference-elementwise.ts";
import { axesOf, axisOf, need, type Operator, refuse } from "./reference-operator.ts";
import { permuted } from "./reference-shapes.ts";

function matrixShape(node: Node, a: Tensor, b: Tensor): { left: number[]; right: number[] } {
  if (a.shape.length === 0 || b.shape.length === 0) throw refuse(node, "multiplies a scalar");
  const left = a.shape.length === 1 ? [1, ...a.shape] : [...a.shape];
  const right = b.shape.length === 1 ? [...b.shape, 1] : [...b.shape];
  if (left.at(-1) !== right.at(-2)) {
    throw refuse(node, `multiplies [${a.shape.join(", ")}] by [${b.shape.join(", ")}]`);
  }
  return { left, right };
}

export const matMul: Operator = (node, inputs) => {
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

export const gemm: Operator = (node, inputs) => {
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

export function reduce(compute: (values: readonly number[]) => number, result?: DType): Operator {
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

export const greatest = (values: readonly number[]): number =>
  values.reduce((best, value) => Math.max(best, value), Number.NEGATIVE_INFINITY);
export const least = (values: readonly number[]): number =>
  values.reduce((best, value) => Math.min(best, value), Number.POSITIVE_INFINITY);
export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

export function argument(isBetter: (value: number, best: number) => boolean): Operator {
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

export const softmax: Operator = (node, inputs) => {
  const x = need(node, inputs, 0);
  const axis = axisOf(node, intOf(node, "axis", -1), x.shape.length);
  const elements = elementsOf(x).map(Number);
  const answers = elements.slice();
  for (const group of reduction(x, [axis]).groups) {
    const largest = greatest(group.map((index) => elements[index]!));
    const powers = group.map((index) => Math.exp(elements[index]! - largest));
    const total = sum(powers);
    for (const [i, index] of group.entries()) answers[index] = powers[i]! / total;
  }
  return [tensorOf(x.dtype, x.shape, answers)];
};
