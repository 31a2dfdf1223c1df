// Gradients of matrix products.
import { float } from "#graph";
import { type InputGradients, type OperatorCall, type OperatorGradient, rule } from "../operator-gradient.ts";

/** The last two axes swapped. */
function transposed(call: OperatorCall, x: string, rank: number): string {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  return call.e.transpose(x, [...axes.slice(0, -2), rank - 1, rank - 2]);
}

/**
 * A gradient of a product of stacks, summed over the axes along which an operand was stacked by broadcasting.
 * @param index of the operand, which has at least two axes
 */
function sumStacks(call: OperatorCall, gradient: string, index: number): string {
  const stacks = call.e.axesOf(call.y())?.slice(0, -2) ?? null;
  const matrix = call.axes(index)?.slice(-2) ?? null;
  return call.e.sumTo(gradient, stacks === null || matrix === null ? null : [...stacks, ...matrix], call.x(index));
}

const matMul = rule("dA = Σ G · Bᵀ; dB = Σ Aᵀ · G", (call) => {
  const { e } = call;
  const [rankA, rankB] = [call.rank(0), call.rank(1)];
  if (rankA === 1 || rankB === 1) return vectorProduct(call, rankA, rankB);
  if (rankB === 2) {
    // A stack times one matrix is one tall matrix times it, whose gradients are one product each and not many.
    const tall = (x: string, rank: number, columns: string): string =>
      rank === 2 ? x : e.reshape(x, e.concat([e.ints([-1]), columns], 0));
    const g = (): string => tall(call.g, rankA, e.lengthOf(call.x(1), 1));
    return [
      () => {
        const gradient = e.op("Gemm", [g(), call.x(1)], { transB: 1 });
        return rankA === 2 ? gradient : call.inShapeOf(gradient, 0);
      },
      () => e.op("Gemm", [tall(call.x(0), rankA, e.lengthOf(call.x(1), 0)), g()], { transA: 1 }),
    ];
  }
  return [
    () => sumStacks(call, byTransposed(call, call.g, call.x(1), rankB), 0),
    () => sumStacks(call, transposedBy(call, call.x(0), rankA, call.g), 1),
  ];
});

/** a · bᵀ of stacks: in one operator of ONNX Runtime's own, where that may be. */
function byTransposed(call: OperatorCall, a: string, b: string, rankB: number): string {
  const { e } = call;
  return e.isFast ? e.contributed("FusedMatMul", [a, b], { transB: 1 }) : e.matMul(a, transposed(call, b, rankB));
}

/** aᵀ · b; see `byTransposed`. */
function transposedBy(call: OperatorCall, a: string, rankA: number, b: string): string {
  const { e } = call;
  return e.isFast ? e.contributed("FusedMatMul", [a, b], { transA: 1 }) : e.matMul(transposed(call, a, rankA), b);
}

/** A vector takes part as a matrix of one row, or, behind, of one column; the gradient's shape is undone likewise. */
function vectorProduct(call: OperatorCall, rankA: number, rankB: number): InputGradients {
  const { e } = call;
  const rank = Math.max(rankA, rankB, 2);
  const a = rankA === 1 ? e.unsqueeze(call.x(0), [0]) : call.x(0);
  const b = rankB === 1 ? e.unsqueeze(call.x(1), [1]) : call.x(1);
  const g = e.unsqueeze(call.g, [...(rankA === 1 ? [rank - 2] : []), ...(rankB === 1 ? [rank - 1] : [])]);
  const stacks = Array.from({ length: rank - 2 }, (_, axis) => axis);
  return [
    () => {
      const gradient = e.matMul(g, transposed(call, b, Math.max(rankB, 2)));
      return rankA === 1 ? call.inShapeOf(e.sum(gradient, stacks), 0) : gradient;
    },
    () => {
      const gradient = e.matMul(transposed(call, a, Math.max(rankA, 2)), g);
      return rankB === 1 ? call.inShapeOf(e.sum(gradient, stacks), 1) : gradient;
    },
  ];
}

const gemm = rule("dA = α · G · Bᵀ; dB = α · Aᵀ · G; dC = β · Σ G; A and B as they are transposed", (call) => {
  const { e } = call;
  const [transA, transB] = [call.int("transA", 0) !== 0, call.int("transB", 0) !== 0];
  const [alpha, beta] = [call.float("alpha", 1), call.float("beta", 1)];
  const product = (a: string, b: string, ofA: boolean, ofB: boolean): string =>
    e.op("Gemm", [a, b], { alpha: float(alpha), transA: ofA, transB: ofB });
  return [
    () => (transA ? product(call.x(1), call.g, transB, true) : product(call.g, call.x(1), false, !transB)),
    () => (transB ? product(call.g, call.x(0), true, transA) : product(call.x(0), call.g, !transA, false)),
    () => call.sumToInput(beta === 1 ? call.g : e.mul(beta, call.g), 2),
  ];
});

/** ONNX Runtime's product with transposed operands and a factor. */
const fusedMatMul = rule(
  "as MatMul, of operands as they are transposed, times α",
  (call) => {
    const { e } = call;
    const [transA, transB] = [call.int("transA", 0) !== 0, call.int("transB", 0) !== 0];
    if (call.int("transBatchA", 0) !== 0 || call.int("transBatchB", 0) !== 0)
      throw call.unavailable("moves its stacks by transBatchA or transBatchB, which has no gradient here");
    const [rankA, rankB] = [call.rank(0), call.rank(1)];
    if (rankA < 2 || rankB < 2) throw call.unavailable("multiplies a vector, which has no gradient here");
    const alpha = call.float("alpha", 1);
    const g = (): string => (alpha === 1 ? call.g : e.mul(alpha, call.g));
    const turned = (x: string, rank: number, isTurned: boolean): string => (isTurned ? transposed(call, x, rank) : x);
    const rankG = Math.max(rankA, rankB);
    return [
      () => {
        const gradient = transA
          ? e.matMul(turned(call.x(1), rankB, transB), transposed(call, g(), rankG))
          : e.matMul(g(), turned(call.x(1), rankB, !transB));
        return sumStacks(call, gradient, 0);
      },
      () => {
        const gradient = transB
          ? e.matMul(transposed(call, g(), rankG), turned(call.x(0), rankA, transA))
          : e.matMul(turned(call.x(0), rankA, !transA), g());
        return sumStacks(call, gradient, 1);
      },
    ];
  },
  "not with transBatchA, transBatchB or vectors",
);

/**
 * Sums of products by index letters: the gradient by one operand is the sum of products of G and the other operands, with the
 * operand's letters as the result's. A letter that only the operand has was summed over, and is stretched again.
 */
const einsum = rule(
  "dXᵢ = Einsum of G and the other operands, to the letters of Xᵢ",
  (call) => {
    const { e } = call;
    const { operands, result } = lettersOf(call);
    return call.each((index) => {
      const own = operands[index]!;
      const others = operands.flatMap((letters, other) => (other === index ? [] : [{ letters, other }]));
      const known = new Set(Array.from(result + others.map(({ letters }) => letters).join("")));
      const kept = Array.from(own)
        .filter((letter) => known.has(letter))
        .join("");
      const terms = [result, ...others.map(({ letters }) => letters)].join();
      const gradient = e.op("Einsum", [call.g, ...others.map(({ other }) => call.x(other))], {
        equation: `${terms}->${kept}`,
      });
      const missing = Array.from(own).flatMap((letter, axis) => (known.has(letter) ? [] : [axis]));
      if (missing.length === 0) return gradient;
      return e.op("Expand", [e.unsqueeze(gradient, missing), e.shapeOf(call.x(index))]);
    });
  },
  "not with a letter twice in one operand, or an ellipsis of axes that are stretched",
);

/**
 * The letters of a call, those of axes that an ellipsis stands for among them.
 * @throws SlipwayError GRADIENT_UNAVAILABLE where an operand has a letter twice, or the ellipsis can't be told
 */
function lettersOf(call: OperatorCall): { readonly operands: readonly string[]; readonly result: string } {
  const equation = call.string("equation", "").replaceAll(" ", "");
  const spelled = equation.includes(".") ? spelledOut(call, equation) : equation;
  const letters = einsumLetters(spelled)!;
  for (const operand of letters.operands) {
    if (new Set(operand).size !== operand.length)
      throw call.unavailable(`reads a diagonal by "${equation}", which has no gradient here`);
  }
  return letters;
}

const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** An equation with letters in place of an ellipsis: as many as the operand with the most such axes has, aligned at the last. */
function spelledOut(call: OperatorCall, equation: string): string {
  const [left = "", right] = equation.split("->");
  const operands = left.split(",");
  const counts = operands.map((operand, index) =>
    operand.includes(".") ? call.rank(index) - operand.replace("...", "").length : 0,
  );
  const most = Math.max(...counts);
  const free = Array.from(LETTERS).filter((letter) => !equation.includes(letter));
  const stacks = free.slice(0, most).join("");
  for (const [index, count] of counts.entries()) {
    const lengths = call.axes(index)!.slice(operands[index]!.indexOf("."), operands[index]!.indexOf(".") + count);
    if (count > 0 && (count !== most || lengths.some((length) => length === 1 || length === null)))
      throw call.unavailable(
        `stacks by an ellipsis in "${equation}" what has not the same axes everywhere, or may be stretched; write the letters out`,
      );
  }
  const result = right ?? `...${once(operands.join("").replaceAll(".", ""))}`;
  return `${operands.join(",")}->${result}`.replaceAll("...", stacks);
}

function once(letters: string): string {
  const all = Array.from(letters);
  return all
    .filter((letter) => all.indexOf(letter) === all.lastIndexOf(letter))
    .toSorted()
    .join("");
}

/** The letters of each operand and of the result; null where an ellipsis stands for axes. */
export function einsumLetters(
  equation: string,
): { readonly operands: readonly string[]; readonly result: string } | null {
  if (equation.includes(".")) return null;
  const [left = "", right] = equation.replaceAll(" ", "").split("->");
  const operands = left.split(",");
  // Without a result, it is the letters that occur once, in the order of the alphabet.
  return { operands, result: right ?? once(operands.join("")) };
}

export const PRODUCTS: Readonly<Record<string, OperatorGradient>> = { MatMul: matMul, Gemm: gemm, Einsum: einsum };

/** Those of ONNX Runtime's own domain. */
export const CONTRIBUTED_PRODUCTS: Readonly<Record<string, OperatorGradient>> = { FusedMatMul: fusedMatMul };
