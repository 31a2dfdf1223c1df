// Shapes of products: of matrices, and of tensors by their letters.
import type { Length } from "../length.ts";
import { made, type Shape, type ShapeCall, type ShapeRule } from "../rule.ts";

export const PRODUCTS: Readonly<Record<string, ShapeRule>> = {
  MatMul: (call) => made(matrixProduct(call, call.shape(0), call.shape(1))),
  MatMulInteger: (call) => made(matrixProduct(call, call.shape(0), call.shape(1))),
  QLinearMatMul: (call) => made(matrixProduct(call, call.shape(0), call.shape(3))),
  Gemm: (call) => {
    const [a, b] = [call.shape(0), call.shape(1)];
    if (a?.length !== 2 || b?.length !== 2) return null;
    return made([a[call.int("transA", 0) === 0 ? 0 : 1]!, b[call.int("transB", 0) === 0 ? 1 : 0]!]);
  },
  Einsum: einsum,
};

export const CONTRIBUTED_PRODUCTS: Readonly<Record<string, ShapeRule>> = {
  FusedMatMul: (call) => {
    if (call.int("transBatchA", 0) !== 0 || call.int("transBatchB", 0) !== 0) return null;
    const turned = (shape: Shape | null, attribute: string): Shape | null =>
      shape === null || shape.length < 2 || call.int(attribute, 0) === 0
        ? shape
        : [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!];
    return made(matrixProduct(call, turned(call.shape(0), "transA"), turned(call.shape(1), "transB")));
  },
};

/** As numpy.matmul has it: vectors are a row or a column that is taken away again. */
function matrixProduct(call: ShapeCall, a: Shape | null, b: Shape | null): Shape | null {
  if (a === null || b === null || a.length === 0 || b.length === 0) return null;
  const rows = a.length === 1 ? [] : [a.at(-2)!];
  const columns = b.length === 1 ? [] : [b.at(-1)!];
  const batch = call.broadcast([a.slice(0, -2), b.slice(0, -2)]);
  return batch === null ? null : [...batch, ...rows, ...columns];
}

function einsum(call: ShapeCall): ReturnType<ShapeRule> {
  const equation = call.string("equation", "").replaceAll(/\s/g, "");
  const [left = "", right] = equation.split("->");
  const operands = left.split(",");
  if (equation.includes(".") || operands.length !== call.inputCount) return null;
  const lengths = new Map<string, Length>();
  for (const [index, letters] of operands.entries()) {
    const shape = call.shape(index);
    if (shape?.length !== letters.length) return null;
    for (const [axis, letter] of Array.from(letters).entries()) {
      const before = lengths.get(letter);
      const [joined] = call.broadcast([[shape[axis]!], before === undefined ? [] : [before]]) ?? [];
      lengths.set(letter, joined!);
    }
  }
  const output = right ?? onceOnly(left.replaceAll(",", ""));
  const shape = Array.from(output, (letter) => lengths.get(letter));
  return shape.every((length) => length !== undefined) ? made(shape) : null;
}

/** The letters that appear once, in the alphabet's order: what is left where an equation does not say. */
function onceOnly(letters: string): string {
  const all = Array.from(letters);
  return all
    .filter((letter) => all.indexOf(letter) === all.lastIndexOf(letter))
    .sort()
    .join("");
}
