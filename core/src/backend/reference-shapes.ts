// Operators of the reference back end that move elements without changing them.
import { intOf, intsOf, type Node } from "#graph";
import { elementCount, type Tensor } from "#tensor";
import { type Element, elementsOf, indicesBySteps, stridesOf, tensorOf } from "./elements.ts";
import { axesOf, axisOf, need, type Operator, refuse } from "./reference-operator.ts";

/** A tensor with its axes in another order. */
export function permuted(x: Tensor, order: readonly number[]): Tensor {
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

export const transpose: Operator = (node, inputs) => {
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

export const reshape: Operator = (node, inputs) => {
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

export const flatten: Operator = (node, inputs) => {
  const x = need(node, inputs, 0);
  const axis = intOf(node, "axis", 1);
  const split = axis < 0 ? axis + x.shape.length : axis;
  const size = (lengths: readonly number[]) => lengths.reduce((count, length) => count * length, 1);
  return withShape(node, x, [size(x.shape.slice(0, split)), size(x.shape.slice(split))]);
};

export const squeeze: Operator = (node, inputs) => {
  const x = need(node, inputs, 0);
  const axes = axesOf(node, inputs)?.map((axis) => axisOf(node, axis, x.shape.length));
  return withShape(
    node,
    x,
    x.shape.filter((length, axis) => (axes === undefined ? length !== 1 : !axes.includes(axis))),
  );
};

export const unsqueeze: Operator = (node, inputs) => {
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

export const concat: Operator = (node, inputs) => {
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
    for (const { elements: from, width } of parts) {
      for (let i = row * width; i < (row + 1) * width; i++) elements.push(from[i]!);
    }
  }
  const length = tensors.reduce((sum, tensor) => sum + tensor.shape[axis]!, 0);
  return [tensorOf(first.dtype, first.shape.with(axis, length), elements)];
};

export const gather: Operator = (node, inputs) => {
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

export const shapeOf: Operator = (node, inputs) => {
  const { shape } = need(node, inputs, 0);
  return [tensorOf("int64", [shape.length], shape)];
};
