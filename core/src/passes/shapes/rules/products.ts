// Shapes of products: of matrices, of tensors by their letters, and of attention.
import { type Length, lengthFrom } from "../length.ts";
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
  Attention: attention,
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
  if (operands.length !== call.inputCount) return null;
  const lengths = new Map<string, Length>();
  // What an ellipsis stands for is broadcast from the last axis on, and comes first where the result is not said.
  let stacks: Shape | null = [];
  for (const [index, operand] of operands.entries()) {
    const shape = call.shape(index);
    const letters = Array.from(operand.replace("...", ""));
    const at = operand.indexOf("...");
    const count = (shape?.length ?? 0) - letters.length;
    if (shape === null || count < 0 || (at < 0 && count > 0)) return null;
    const stack = at < 0 ? [] : shape.slice(at, at + count);
    stacks = call.broadcast([stacks, stack]);
    const own = at < 0 ? shape : [...shape.slice(0, at), ...shape.slice(at + count)];
    for (const [axis, letter] of letters.entries()) {
      const before = lengths.get(letter);
      const [joined] = call.broadcast([[own[axis]!], before === undefined ? [] : [before]]) ?? [];
      lengths.set(letter, joined!);
    }
  }
  const [before = "", after] = (right ?? `...${onceOnly(left.replaceAll(/[,.]/g, ""))}`).split("...");
  const named = (letters: string) => Array.from(letters, (letter) => lengths.get(letter));
  const shape = [...named(before), ...(after === undefined ? [] : stacks!), ...named(after ?? "")];
  return shape.every((length) => length !== undefined) ? made(shape) : null;
}

/** Scaled dot-product attention, of heads on an axis of their own or side by side in the last. Source: ONNX, Attention. */
function attention(call: ShapeCall): ReturnType<ShapeRule> {
  const [queries, keys, values] = [
    headsOf(call, 0, "q_num_heads"),
    headsOf(call, 1, "kv_num_heads"),
    headsOf(call, 2, "kv_num_heads"),
  ];
  if (queries === null || keys === null || values === null) return null;
  const [batch, heads, places] = queries;
  const [, keyHeads, keyPlaces, keyWidth] = keys;
  const [, valueHeads, , valueWidth] = values;
  const past = call.hasInput(4) ? (call.shape(4)?.[2] ?? call.unknown()) : 0;
  const all = keyPlaces.plus(past);
  const isStacked = call.shape(0)!.length === 3;
  const answer = isStacked ? [batch, places, heads.times(valueWidth)] : [batch, heads, places, valueWidth];
  return [
    { shape: answer },
    { shape: [batch, keyHeads, all, keyWidth] },
    { shape: [batch, valueHeads, all, valueWidth] },
    { shape: [batch, heads, places, all] },
  ];
}

/** An input as batch, heads, places and the width of a head. */
function headsOf(call: ShapeCall, index: number, attribute: string): readonly [Length, Length, Length, Length] | null {
  const shape = call.shape(index);
  if (shape?.length === 4) return [shape[0]!, shape[1]!, shape[2]!, shape[3]!];
  const count = call.int(attribute, 0);
  if (shape?.length !== 3 || count === 0) return null;
  const heads = lengthFrom(count);
  return [shape[0]!, heads, shape[1]!, shape[2]!.dividedBy(heads) ?? call.unknown()];
}

/** The letters that appear once, in the alphabet's order: what is left where an equation does not say. */
function onceOnly(letters: string): string {
  const all = Array.from(letters);
  return all
    .filter((letter) => all.indexOf(letter) === all.lastIndexOf(letter))
    .sort()
    .join("");
}
