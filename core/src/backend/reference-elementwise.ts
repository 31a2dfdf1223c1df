// Operators of the reference back end that work on each element by itself.
import { floatOf, intOf } from "#graph";
import { type DType, dtypeFromOnnx } from "#tensor";
import { broadcastIndices, broadcastShape, type Element, elementsOf, tensorOf } from "./elements.ts";
import { need, type Operator, refuse } from "./reference-operator.ts";

/** An operator on each element. */
export function unary(compute: (value: number) => number): Operator {
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
export function binary(
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

export const div: Operator = (node, inputs) => {
  const { dtype } = need(node, inputs, 0);
  const isWhole = !dtype.startsWith("float") && dtype !== "bfloat16";
  const divisor = need(node, inputs, 1);
  if (isWhole && elementsOf(divisor).some((value) => Number(value) === 0)) throw refuse(node, "divides by zero");
  return binary(
    (a, b) => (isWhole ? Math.trunc(a / b) : a / b),
    (a, b) => a / b,
  )(node, inputs);
};

export const where: Operator = (node, inputs) => {
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

export const clip: Operator = (node, inputs) => {
  const x = need(node, inputs, 0);
  const low =
    inputs[1] === undefined ? floatOf(node, "min", Number.NEGATIVE_INFINITY) : Number(elementsOf(inputs[1])[0]);
  const high =
    inputs[2] === undefined ? floatOf(node, "max", Number.POSITIVE_INFINITY) : Number(elementsOf(inputs[2])[0]);
  return unary((value) => Math.min(high, Math.max(low, value)))(node, [x]);
};

export const cast: Operator = (node, inputs) => {
  const x = need(node, inputs, 0);
  const dtype = dtypeFromOnnx(intOf(node, "to", 0));
  if (dtype === undefined) throw refuse(node, "names no element type");
  return [tensorOf(dtype, x.shape, elementsOf(x))];
};
