// Where the samples of a batch lie in the values of a graph, told from operators and shapes: what a gradient by sample sums over
// is everything but that. What is not told is not guessed.
import { AttributeReader, type Graph, type Initializer, type Node, tensorFromInitializer } from "#graph";
import { storedTensors, type ValueTypes } from "#passes";
import type { Dimension } from "#tensor";
import { einsumLetters } from "../rules/products.ts";

/**
 * Samples lie along an axis, of the length outer · samples · inner: sample n has the places o · samples · inner + n · inner + i.
 * Reshaping [N, T, C] to [N·T, C] makes the inner T; [T, N, C] to [T·N, C] the outer.
 */
export interface SampleAxis {
  readonly kind: "axis";
  readonly axis: number;
  readonly outer: number;
  readonly inner: number;
}

export type Samples =
  | SampleAxis
  /** No sample comes to it. */
  | { readonly kind: "none" }
  /** Samples come to it in a way that is not told. */
  | { readonly kind: "unknown" }
  /** Samples are mixed in it, by this node or before. */
  | { readonly kind: "mixed"; readonly by: Node };

const NONE: Samples = { kind: "none" };
const UNKNOWN: Samples = { kind: "unknown" };
const FIRST_AXIS: SampleAxis = { kind: "axis", axis: 0, outer: 1, inner: 1 };

/** What is known so far of a graph's values. */
interface Known {
  readonly types: ValueTypes;
  readonly found: ReadonlyMap<string, Samples>;
  readonly reached: ReadonlySet<string>;
  readonly count: string | null;
  readonly stored: ReadonlyMap<string, Initializer>;
}

/**
 * Where samples lie in each value.
 * @param count the name of an axis as long as there are samples; null where types tell a number instead
 * @param inputs that hold one thing per sample, along their first axis
 * @param reached values that depend on what is differentiated by; of others it does not matter how samples come to them
 */
export function sampleAxesOf(
  graph: Graph,
  types: ValueTypes,
  count: string | null,
  inputs: readonly string[],
  reached: ReadonlySet<string>,
): ReadonlyMap<string, Samples> {
  const found = new Map<string, Samples>();
  for (const name of inputs) found.set(name, FIRST_AXIS);
  const known = { types, count, found, reached, stored: storedTensors(graph) };
  for (const node of graph.nodes) {
    const site = new NodeSite(node, known);
    for (const [index, name] of node.outputs.entries()) if (name !== "") found.set(name, site.output(index));
  }
  return found;
}

/** Elementwise operators, of one input or of several that broadcast. */
const ELEMENTWISE: ReadonlySet<string> = new Set(
  (
    "Abs Acos Acosh Add And Asin Asinh Atan Atanh BiasGelu BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Cast CastLike Ceil Celu " +
    "Clip Cos Cosh DequantizeLinear Div Dropout Elu Equal Erf Exp FastGelu Floor Gelu Greater GreaterOrEqual HardSigmoid " +
    "HardSwish Identity IsInf IsNaN LeakyRelu Less LessOrEqual Log Max Mean Min Mish Mod Mul Neg Not Or PRelu Pow QuickGelu " +
    "QuantizeLinear Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Sub Sum Swish Tan Tanh " +
    "ThresholdedRelu Where Xor"
  ).split(" "),
);

/** Operators that treat what lies along the first axis one by one. */
const BY_FIRST_AXIS: ReadonlySet<string> = new Set(
  (
    "Attention AveragePool Conv ConvTranspose DepthToSpace GlobalAveragePool GlobalLpPool GlobalMaxPool GroupNormalization " +
    "InstanceNormalization LRN LpPool MaxPool NegativeLogLikelihoodLoss Resize RotaryEmbedding SoftmaxCrossEntropyLoss " +
    "SpaceToDepth"
  ).split(" "),
);

/** Operators that work along one axis, or from one axis on, with where that begins when not said. */
const ALONG_AXIS: Readonly<Record<string, { readonly fallback: number; readonly toEnd?: boolean }>> = {
  Softmax: { fallback: -1 },
  LogSoftmax: { fallback: -1 },
  Hardmax: { fallback: -1 },
  TopK: { fallback: -1 },
  ArgMax: { fallback: 0 },
  ArgMin: { fallback: 0 },
  LpNormalization: { fallback: -1 },
  LayerNormalization: { fallback: -1, toEnd: true },
  RMSNormalization: { fallback: -1, toEnd: true },
};

class NodeSite extends AttributeReader {
  readonly #known: Known;

  constructor(node: Node, known: Known) {
    super(node);
    this.#known = known;
  }

  output(index: number): Samples {
    const { opType, inputs } = this.node;
    // Lengths are not what samples hold; a value's type is not either.
    if (opType === "Shape" || opType === "Size") return NONE;
    const told = (opType === "CastLike" ? inputs.slice(0, 1) : inputs).map((name) => this.#samplesOf(name));
    const mixed = told.find((one, at) => one.kind === "mixed" && this.#known.reached.has(inputs[at]!));
    if (mixed !== undefined) return mixed;
    if (told.every((one) => one.kind === "none")) return this.#repeated();
    // What parameters have no part in, such as a mask, is a constant to their gradients wherever its samples lie.
    const isSettled = ELEMENTWISE.has(opType) && told.some((one) => one.kind === "axis");
    const of = told.map((one, at) => {
      if (one.kind === "axis" || one.kind === "none") return one;
      return isSettled && !this.#known.reached.has(inputs[at]!) ? NONE : UNKNOWN;
    });
    if (of.some((one) => one.kind === "unknown")) return UNKNOWN;
    return this.#rule(index, of as readonly (SampleAxis | { readonly kind: "none" })[]);
  }

  #rule(index: number, of: readonly (SampleAxis | { readonly kind: "none" })[]): Samples {
    const { opType } = this.node;
    const first = of[0]!;
    if (ELEMENTWISE.has(opType)) return this.#broadcast(of);
    if (opType === "BatchNormalization") {
      if (this.int("training_mode", 0) !== 0) return this.#mixed();
      return first.kind === "axis" && first.axis === 0 ? first : UNKNOWN;
    }
    if (BY_FIRST_AXIS.has(opType)) return this.#byFirstAxis(index, of);
    const along = ALONG_AXIS[opType];
    if (along !== undefined) return this.#along(along, first);
    if (opType === "MatMul") return this.#product(of);
    if (opType === "Gather") return this.#gathered(of);
    if (opType === "Concat") return this.#concatenated(of);
    if (opType === "Einsum") return this.#contracted(of);
    // Of the others only the first input may hold samples.
    if (first.kind !== "axis" || of.slice(1).some((one) => one.kind === "axis")) return UNKNOWN;
    switch (opType) {
      case "Gemm":
        return this.#gemm(first);
      case "Transpose":
        return this.#transposed(first);
      case "Flatten":
        return first.axis === 0 && this.int("axis", 1) === 1 ? first : this.#reshaped(first, index);
      case "Squeeze":
      case "Unsqueeze":
        return this.#squeezed(first) ?? this.#reshaped(first, index);
      case "Reshape":
        return this.#reshaped(first, index);
      case "Split":
        return this.#axisOf(this.int("axis", 0)) === first.axis ? UNKNOWN : first;
      case "Slice":
        return this.#sliced(first);
      case "Pad":
        return this.#lengthStays(first, index);
      case "Expand":
      case "Tile":
        return this.#stretched(first, index);
      case "CumSum": {
        const axis = this.#ints(1);
        return axis === null ? UNKNOWN : this.#axisOf(axis[0]!) === first.axis ? this.#mixed() : first;
      }
      default:
        return opType.startsWith("Reduce") ? this.#reduced(first) : UNKNOWN;
    }
  }

  #samplesOf(name: string): Samples {
    return this.#known.found.get(name) ?? NONE;
  }

  #mixed(): Samples {
    return { kind: "mixed", by: this.node };
  }

  #shape(index: number): readonly Dimension[] | null {
    return this.#known.types.get(this.node.inputs[index] ?? "")?.shape ?? null;
  }

  #outputShape(index: number): readonly Dimension[] | null {
    return this.#known.types.get(this.node.outputs[index] ?? "")?.shape ?? null;
  }

  /** An axis of the first input counted from the front; −1 where its rank is not known. */
  #axisOf(axis: number): number {
    const rank = this.#shape(0)?.length;
    if (rank === undefined) return -1;
    return axis < 0 ? axis + rank : axis;
  }

  #ints(index: number): readonly number[] | null {
    const stored = this.#known.stored.get(this.node.inputs[index] ?? "");
    if (stored === undefined || stored.data.kind === "external") return null;
    return Array.from(tensorFromInitializer(stored).data as ArrayLike<bigint | number>, Number);
  }

  /** Inputs meet at their last axes; samples of all must lie alike. */
  #broadcast(of: readonly Samples[]): Samples {
    const ranks = this.node.inputs.map((_, index) => this.#shape(index)?.length ?? null);
    const rank = this.#outputShape(0)?.length ?? Math.max(...ranks.map((one) => one ?? 0));
    let met: SampleAxis | null = null;
    for (const [index, one] of of.entries()) {
      const own = ranks[index];
      if (one.kind !== "axis") continue;
      if (own === null || own === undefined) return UNKNOWN;
      const axis = one.axis + rank - own;
      if (axis < 0) return UNKNOWN;
      if (met === null) met = { ...one, axis };
      else if (met.axis !== axis || met.outer !== one.outer || met.inner !== one.inner) return UNKNOWN;
    }
    return met ?? NONE;
  }

  #byFirstAxis(index: number, of: readonly Samples[]): Samples {
    const [first] = of;
    // What MaxPool tells of places counts through the whole batch.
    if (this.node.opType === "MaxPool" && index > 0) return UNKNOWN;
    const isLoss = this.node.opType.endsWith("Loss");
    if (isLoss && this.string("reduction", "mean") !== "none") return this.#mixed();
    for (const one of of) {
      if (one.kind !== "axis") continue;
      if (one.axis !== 0 || first!.kind !== "axis" || one.outer !== first!.outer || one.inner !== first!.inner)
        return UNKNOWN;
    }
    return first!;
  }

  #along({ fallback, toEnd = false }: NonNullable<(typeof ALONG_AXIS)[string]>, first: Samples): Samples {
    if (first.kind !== "axis") return UNKNOWN;
    const axis = this.#axisOf(this.int("axis", fallback));
    if (axis < 0) return UNKNOWN;
    if (first.axis === axis || (toEnd && first.axis > axis)) return this.#mixed();
    const isDropped = this.node.opType.startsWith("Arg") && this.int("keepdims", 1) === 0 && axis < first.axis;
    return isDropped ? { ...first, axis: first.axis - 1 } : first;
  }

  #product([a, b]: readonly Samples[]): Samples {
    const [rankA, rankB] = [this.#shape(0)?.length, this.#shape(1)?.length];
    if (rankA === undefined || rankB === undefined || rankA < 2 || rankB < 2) return UNKNOWN;
    const rank = Math.max(rankA, rankB);
    const inA = a!.kind === "axis" ? { ...a!, axis: a!.axis + rank - rankA } : null;
    const inB = b!.kind === "axis" ? { ...b!, axis: b!.axis + rank - rankB } : null;
    // Summed over samples.
    if (inA?.axis === rank - 1 || inB?.axis === rank - 2) return this.#mixed();
    if (inA === null || inB === null) return inA ?? inB ?? NONE;
    const isAlike = inA.axis === inB.axis && inA.outer === inB.outer && inA.inner === inB.inner;
    // Rows of one against columns of the other: every sample with every other.
    if (!isAlike) return inA.axis === rank - 2 && inB.axis === rank - 1 ? this.#mixed() : UNKNOWN;
    return inA;
  }

  #gemm(first: SampleAxis): Samples {
    const summed = this.int("transA", 0) === 0 ? 1 : 0;
    return first.axis === summed ? this.#mixed() : { ...first, axis: 0 };
  }

  #gathered([data, indices]: readonly Samples[]): Samples {
    const axis = this.#axisOf(this.int("axis", 0));
    const picked = this.#shape(1)?.length;
    if (axis < 0 || picked === undefined) return UNKNOWN;
    if (data!.kind === "none") return indices!.kind === "axis" ? { ...indices!, axis: indices!.axis + axis } : UNKNOWN;
    if (data!.kind !== "axis" || indices!.kind !== "none" || data!.axis === axis) return UNKNOWN;
    return data!.axis < axis ? data! : { ...data!, axis: data!.axis + picked - 1 };
  }

  #concatenated(of: readonly Samples[]): Samples {
    const axis = this.#axisOf(this.int("axis", 0));
    const [first] = of.filter((one) => one.kind === "axis");
    if (first === undefined || first.kind !== "axis" || axis < 0 || first.axis === axis) return UNKNOWN;
    for (const one of of) {
      // What no sample comes to has a row for each all the same, such as a state to begin with.
      if (one.kind !== "axis") continue;
      if (one.axis !== first.axis || one.outer !== first.outer || one.inner !== first.inner) return UNKNOWN;
    }
    return first;
  }

  #transposed(first: SampleAxis): Samples {
    const rank = this.#shape(0)?.length;
    if (rank === undefined) return UNKNOWN;
    const permutation = this.ints("perm") ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
    return { ...first, axis: permutation.indexOf(first.axis) };
  }

  /** The elements stay in order; which axis has whole samples then is told by how many elements lie before and behind. */
  #reshaped(first: SampleAxis, index: number): Samples {
    const from = this.#shape(0);
    const { axis, outer, inner } = first;
    const to = this.#outputShape(index);
    // As many rows as samples, in order: each is a sample.
    if (axis === 0 && outer === 1 && to?.[0] === this.#known.count && to[0] !== null) return FIRST_AXIS;
    if (from === null || to === null) return UNKNOWN;
    const before = product(from.slice(0, axis));
    const behind = product(from.slice(axis + 1));
    const length = from[axis]!;
    for (const [at, made] of to.entries()) {
      const own = { before: product(to.slice(0, at)), behind: product(to.slice(at + 1)) };
      const [outerNow, innerNow] = [ratio(before, own.before, outer), ratio(behind, own.behind, inner)];
      if (outerNow === null || innerNow === null) continue;
      const isLength =
        typeof length === "number" && typeof made === "number"
          ? made * outer * inner === length * outerNow * innerNow
          : typeof length !== "number" && typeof made !== "number";
      if (isLength) return { kind: "axis", axis: at, outer: outerNow, inner: innerNow };
    }
    return UNKNOWN;
  }

  /** Axes of length 1 gone or put in before that of the samples; null where it is not told which. */
  #squeezed(first: SampleAxis): SampleAxis | null {
    const [given, rank] = [this.#ints(1), this.#shape(0)?.length];
    if (given === null || rank === undefined) return null;
    const isLess = this.node.opType === "Squeeze";
    const made = isLess ? rank : rank + given.length;
    const axes = new Set(given.map((axis) => (axis < 0 ? axis + made : axis)));
    if (isLess) {
      if (axes.has(first.axis)) return null;
      return { ...first, axis: first.axis - [...axes].filter((axis) => axis < first.axis).length };
    }
    const places = Array.from({ length: made }, (_, axis) => axis).filter((axis) => !axes.has(axis));
    return { ...first, axis: places[first.axis]! };
  }

  /** Samples lie along the axis of a letter, which has to be the same in all operands and in the result. */
  #contracted(of: readonly Samples[]): Samples {
    const letters = einsumLetters(this.string("equation", ""));
    if (letters === null) return UNKNOWN;
    let found: { readonly letter: string; readonly at: SampleAxis } | null = null;
    for (const [index, one] of of.entries()) {
      if (one.kind !== "axis") continue;
      const letter = letters.operands[index]?.[one.axis];
      if (letter === undefined) return UNKNOWN;
      if (found === null) found = { letter, at: one };
      else if (found.letter !== letter || found.at.outer !== one.outer || found.at.inner !== one.inner) return UNKNOWN;
    }
    if (found === null) return UNKNOWN;
    const axis = letters.result.indexOf(found.letter);
    return axis < 0 ? this.#mixed() : { ...found.at, axis };
  }

  #sliced(first: SampleAxis): Samples {
    const starts = this.#ints(1);
    const axes = (this.node.inputs[3] ?? "") === "" ? starts?.map((_, axis) => axis) : this.#ints(3);
    if (axes === null || axes === undefined) return UNKNOWN;
    return axes.some((axis) => this.#axisOf(axis) === first.axis) ? UNKNOWN : first;
  }

  /** Samples stay where they are as long as their axis is as long as before. */
  #lengthStays(first: SampleAxis, index: number): Samples {
    const [length, made] = [this.#shape(0)?.[first.axis], this.#outputShape(index)?.[first.axis]];
    return length !== undefined && length !== null && length === made ? first : UNKNOWN;
  }

  #stretched(first: SampleAxis, index: number): Samples {
    const [from, to] = [this.#shape(0), this.#outputShape(index)];
    if (from === null || to === null) return UNKNOWN;
    const axis = first.axis + to.length - from.length;
    const [length, made] = [from[first.axis]!, to[axis]!];
    return length !== null && length === made ? { ...first, axis } : UNKNOWN;
  }

  /** What is made or repeated as often as there are samples, such as a token that begins every sequence, has samples from there on. */
  #repeated(): Samples {
    const { opType } = this.node;
    if (opType !== "Expand" && opType !== "ConstantOfShape") return NONE;
    const [to, { count }] = [this.#outputShape(0), this.#known];
    const axis = count === null ? -1 : (to?.indexOf(count) ?? -1);
    if (to === null || axis < 0 || to.lastIndexOf(count) !== axis) return NONE;
    const samples: SampleAxis = { ...FIRST_AXIS, axis };
    if (opType === "ConstantOfShape") return samples;
    const from = this.#shape(0);
    const own = from === null ? null : axis - (to.length - from.length);
    return own !== null && (own < 0 || from![own] === 1) ? samples : NONE;
  }

  #reduced(first: SampleAxis): Samples {
    const rank = this.#shape(0)?.length;
    const given = this.ints("axes") ?? ((this.node.inputs[1] ?? "") === "" ? [] : this.#ints(1));
    if (rank === undefined || given === null) return UNKNOWN;
    if (given.length === 0) return this.int("noop_with_empty_axes", 0) === 0 ? this.#mixed() : first;
    const axes = new Set(given.map((axis) => this.#axisOf(axis)));
    if (axes.has(first.axis)) return this.#mixed();
    if (this.int("keepdims", 1) !== 0) return first;
    return { ...first, axis: first.axis - [...axes].filter((axis) => axis < first.axis).length };
  }
}

/** A product of lengths: a number, and the names of those that are open; null where one has no name. */
interface Product {
  readonly factor: number;
  readonly names: readonly string[];
}

function product(lengths: readonly Dimension[]): Product | null {
  let factor = 1;
  const names: string[] = [];
  for (const length of lengths) {
    if (length === null) return null;
    if (typeof length === "number") factor *= length;
    else names.push(length);
  }
  return { factor, names: names.toSorted() };
}

/** `one` · times / `other`, where that is a whole number; null where it is not, or not told. */
function ratio(one: Product | null, other: Product | null, times: number): number | null {
  if (one === null || other === null || one.names.join() !== other.names.join()) return null;
  const quotient = (one.factor * times) / other.factor;
  return Number.isInteger(quotient) && quotient > 0 ? quotient : null;
}
