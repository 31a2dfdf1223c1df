// Where parameters meet samples: their gradients by sample, [samples, …], and, where that is cheaper, the norms of these without
// the gradients themselves. For a product X·W of a sample with T rows, ‖Xᵀ·G‖² = Σ (X·Xᵀ) ∘ (G·Gᵀ), which is T × T.
// Sources: Goodfellow, arXiv 1510.01799 (T = 1); Li et al., arXiv 2110.05679, section 4 (any T); Bu et al., arXiv 2205.10683 (which
// of both is smaller).
import { AttributeReader, type Node } from "#graph";
import type { Dimension } from "#tensor";
import { kernelProduct, slideOf } from "../rules/convolutions.ts";
import { adding } from "../rules/indexing.ts";
import { einsumLetters } from "../rules/products.ts";
import { tapsOf } from "../rules/window.ts";
import type { ValueTypes } from "#passes";
import { once } from "../once.ts";
import type { SampleAxis, Samples } from "./sample-axes.ts";
import { isSharedBySamples, type SampleCall, samplesFirst } from "./sample-call.ts";

/** The gradient by one parameter, sample by sample. */
export interface SampleGradient {
  /** Emits it, [samples, …the parameter's shape]. */
  readonly rows: () => string;
  /** Emits its squared norms, [samples], in a shorter way; null where they are those of `rows`. */
  readonly squaredNorms: (() => string) | null;
}

/** What can be told of a meeting before anything is emitted. */
export interface MeetingFacts {
  readonly node: Node;
  /** Of the parameter among the inputs. */
  readonly index: number;
  readonly types: ValueTypes;
  readonly axes: ReadonlyMap<string, Samples>;
}

export interface Meeting {
  /** Whether the gradient by sample can be told. */
  readonly covers: (facts: MeetingFacts) => boolean;
  /** @param own emits the gradient by the operator's own rule, whose sums leave the samples */
  readonly gradient: (call: SampleCall, index: number, own: () => string | null) => SampleGradient;
}

/** The meeting at a node by its operator; undefined where there is none but the general one of broadcasting. */
export function meetingAt(facts: MeetingFacts): Meeting | null {
  const { node, index } = facts;
  if (node.domain !== "" && node.domain !== "com.microsoft") return null;
  const own = MEETINGS[node.opType]?.[index];
  if (own !== undefined) return own.covers(facts) ? own : null;
  return BROADCASTING.has(node.opType) && broadcast.covers(facts) ? broadcast : null;
}

function samplesAt(facts: MeetingFacts, value: string | undefined): SampleAxis | null {
  const found = facts.axes.get(value ?? "");
  return found?.kind === "axis" ? found : null;
}

function shapeAt(facts: MeetingFacts, value: string | undefined): readonly Dimension[] | null {
  return facts.types.get(value ?? "")?.shape ?? null;
}

/** Operators whose rule sums over what was broadcast, and over nothing else. */
const BROADCASTING: ReadonlySet<string> = new Set(
  "Add BiasGelu Clip Div Expand FastGelu LayerNormalization Max Mean Min Mod Mul PRelu Pow RMSNormalization Sub Sum Where".split(
    " ",
  ),
);

/** By the operator's own rule, whose sums leave the samples where the call is one by sample. */
const byOwnRule: Meeting["gradient"] = (call, index, own) => ({
  rows: () => own() ?? call.e.filled(call.withSamples(call.x(index)), 0),
  squaredNorms: null,
});

const broadcast: Meeting = {
  covers: (facts) => {
    const [output] = facts.node.outputs;
    const at = samplesAt(facts, output);
    return at !== null && isSharedBySamples(shapeAt(facts, output), at, shapeAt(facts, facts.node.inputs[facts.index]));
  },
  gradient: byOwnRule,
};

/** Parameters by channel, of operators that treat what lies along the first axis one by one. */
const perChannel: Meeting = {
  covers: (facts) => liesFirst(facts, facts.node.inputs[0]) && liesFirst(facts, facts.node.outputs[0]),
  gradient: byOwnRule,
};

/** Whether samples, and nothing else, lie along the first axis. */
function liesFirst(facts: MeetingFacts, value: string | undefined): boolean {
  const at = samplesAt(facts, value);
  return at !== null && at.axis === 0 && isAlone(at);
}

/** Whether nothing else lies along the samples' axis. */
function isAlone({ outer, inner }: SampleAxis): boolean {
  return outer === 1 && inner === 1;
}

/** The two sides of a product whose gradient by sample is left-transposed times right. */
interface Sides {
  /** [samples, T, columns of the gradient's rows] */
  readonly left: string;
  /** [samples, T, columns of the gradient] */
  readonly right: string;
  /** T; null where it is open. */
  readonly rows: number | null;
  /** How many numbers the gradient by one sample has; null where it is open. */
  readonly size: number | null;
  readonly factor: number;
}

function ofProduct(call: SampleCall, sides: () => Sides): SampleGradient {
  const { e } = call;
  const made = once(sides);
  const times = (x: string, factor: number): string => (factor === 1 ? x : e.mul(factor, x));
  return {
    rows: () => {
      const { left, right, factor } = made();
      return times(e.matMul(e.transpose(left, [0, 2, 1]), right), factor);
    },
    squaredNorms: () => {
      const { left, right, rows, size, factor } = made();
      const squares = (x: string): string => e.sum(e.square(x), [1, 2], false);
      if (rows === 1) return times(e.mul(squares(left), squares(right)), factor ** 2);
      // Of the products T × T and of the gradient itself, the smaller.
      if (rows !== null && size !== null && 2 * rows ** 2 > size)
        return times(squares(e.matMul(e.transpose(left, [0, 2, 1]), right)), factor ** 2);
      const gram = (x: string): string => e.matMul(x, e.transpose(x, [0, 2, 1]));
      return times(e.sum(e.mul(gram(left), gram(right)), [1, 2], false), factor ** 2);
    },
  };
}

/** A value as rows by sample, [samples, T, length of the last axis], along which no samples lie. */
function rowsBySample(call: SampleCall, value: string, like: string): string {
  const { e } = call;
  const [shape, at] = [e.axesOf(like)!, call.samplesOf(like)!];
  const first = samplesFirst(e, value, shape, at, call.count);
  if (shape.length === 3 && at.outer === 1 && at.inner === 1) return first;
  return e.reshape(first, e.concat([call.count, e.ints([-1]), e.lengthOf(like, -1)], 0));
}

/** How many rows a sample has of a value whose last axis is the columns; null where that is open. */
function rowCount(shape: readonly Dimension[], { axis, outer, inner }: SampleAxis): number | null {
  return shape.reduce<number | null>(
    (count, length, at) =>
      at === axis || at === shape.length - 1
        ? count
        : count === null || typeof length !== "number"
          ? null
          : count * length,
    outer * inner,
  );
}

function sizeOf(shape: readonly Dimension[]): number | null {
  return shape.reduce<number | null>(
    (size, length) => (size === null || typeof length !== "number" ? null : size * length),
    1,
  );
}

/** Samples' rows times a matrix, X·W or, turned, X·Wᵀ. */
function rowsTimesMatrix(call: SampleCall, isTurned: boolean, factor: number): SampleGradient {
  return ofProduct(call, () => {
    const { e } = call;
    const x = call.x(0);
    const [left, right] = [rowsBySample(call, x, x), rowsBySample(call, call.g, call.y())];
    const rows = rowCount(e.axesOf(x)!, call.samplesOf(x)!);
    const size = sizeOf(e.axesOf(call.x(1))!);
    return isTurned ? { left: right, right: left, rows, size, factor } : { left, right, rows, size, factor };
  });
}

const isMatrix = (facts: MeetingFacts, index: number): boolean =>
  shapeAt(facts, facts.node.inputs[index])?.length === 2;

const matMulRight: Meeting = {
  covers: (facts) => {
    const [x] = facts.node.inputs;
    const [at, rank] = [samplesAt(facts, x), shapeAt(facts, x)?.length ?? 0];
    return isMatrix(facts, 1) && at !== null && at.axis < rank - 1 && samplesAt(facts, facts.node.outputs[0]) !== null;
  },
  gradient: (call) => rowsTimesMatrix(call, false, 1),
};

/** A matrix times a sample's matrix, W·X: G·Xᵀ by sample. */
const matMulLeft: Meeting = {
  covers: (facts) =>
    isMatrix(facts, 0) && shapeAt(facts, facts.node.inputs[1])?.length === 3 && liesFirst(facts, facts.node.inputs[1]),
  gradient: (call) =>
    ofProduct(call, () => {
      const { e } = call;
      const turned = (x: string): string => e.transpose(x, [0, 2, 1]);
      const columns = e.axesOf(call.x(1))![2]!;
      const rows = typeof columns === "number" ? columns : null;
      return { left: turned(call.g), right: turned(call.x(1)), rows, size: sizeOf(e.axesOf(call.x(0))!), factor: 1 };
    }),
};

const gemmRight: Meeting = {
  covers: (facts) => {
    const reader = new AttributeReader(facts.node);
    return reader.int("transA", 0) === 0 && samplesAt(facts, facts.node.inputs[0])?.axis === 0;
  },
  gradient: (call) => rowsTimesMatrix(call, call.int("transB", 0) !== 0, call.float("alpha", 1)),
};

/** A kernel slid over samples: for each group of channels a product, whose rows are the windows. */
const kernel: Meeting = {
  covers: perChannel.covers,
  gradient: (call) => {
    const { e } = call;
    const { slide, window, groups } = slideOf(call);
    const sides = once(() => kernelProduct(call, slide, window, groups));
    const byGroup = (): string => {
      const { columns, windows } = sides();
      return e.matMul(windows, e.transpose(columns, [0, 1, 3, 2]));
    };
    const squares = (x: string): string => e.sum(e.square(x), [1, 2, 3], false);
    return {
      rows: () => {
        // [samples, groups, K/groups, places · C/groups]
        const places = tapsOf(window.kernel).length;
        const apart = e.reshape(byGroup(), e.ints([0, 0, 0, places, -1]));
        return call.inShapeOf(e.transpose(apart, [0, 1, 2, 4, 3]), 1);
      },
      squaredNorms: () => {
        const size = sizeOf(e.axesOf(call.x(1))!);
        const counts = e.axesOf(slide.counted)!.slice(2);
        const count = sizeOf(counts);
        if (size === null || count === null || 2 * count ** 2 > size / groups) return squares(byGroup());
        const { columns, windows } = sides();
        const gram = (x: string): string => e.matMul(e.transpose(x, [0, 1, 3, 2]), x);
        return e.sum(e.mul(gram(columns), gram(windows)), [1, 2, 3], false);
      },
    };
  },
};

/** Rows of a table picked by number, as embeddings are: those that a sample picks twice count together. */
const table: Meeting = {
  covers: (facts) => {
    const shape = shapeAt(facts, facts.node.inputs[0]);
    const axis = new AttributeReader(facts.node).int("axis", 0);
    return axis === 0 && shape !== null && sizeOf(shape) !== null && samplesAt(facts, facts.node.inputs[1]) !== null;
  },
  gradient: (call) => {
    const { e } = call;
    const int = e.of("int64");
    const [length, ...rest] = e.axesOf(call.x(0))! as readonly number[];
    const width = rest.reduce((product, one) => product * one, 1);
    const picked = once(() => {
      const numbers = call.x(1);
      const first = samplesFirst(int, int.cast(numbers), e.axesOf(numbers)!, call.samplesOf(numbers)!, call.count);
      const flat = int.reshape(first, int.concat([call.count, int.ints([-1])], 0));
      // A negative number counts from the end.
      return int.where(int.less(flat, 0), int.add(flat, length!), flat);
    });
    const gradients = once(() => {
      const first = samplesFirst(e, call.g, e.axesOf(call.y())!, call.samplesOf(call.y())!, call.count);
      return e.reshape(first, e.concat([call.count, e.ints([-1, width])], 0));
    });
    return {
      rows: () => {
        const scalar = int.reshape(call.count, int.ints([]));
        const all = int.mul(scalar, length!);
        const starts = int.unsqueeze(int.op("Range", [0, all, length!]), [1]);
        const places = int.reshape(int.add(picked(), starts), int.ints([-1, 1]));
        const zeros = e.filled(int.concat([int.unsqueeze(all, [0]), int.ints([width])], 0), 0);
        const updates = e.reshape(gradients(), e.ints([-1, width]));
        return call.inShapeOf(e.op("ScatterND", [zeros, places, updates], adding(call)), 0);
      },
      squaredNorms: () => {
        const isSame = e.indicator(e.equal(int.unsqueeze(picked(), [2]), int.unsqueeze(picked(), [1])));
        const products = e.matMul(gradients(), e.transpose(gradients(), [0, 2, 1]));
        return e.sum(e.mul(isSame, products), [1, 2], false);
      },
    };
  },
};

/** By letters: the samples' letter stays in front of the parameter's own. */
const contraction: Meeting = {
  covers: (facts) => {
    const letters = einsumLetters(new AttributeReader(facts.node).string("equation", ""));
    const isPlain = facts.node.inputs.every(
      (name) => samplesAt(facts, name) === null || isAlone(samplesAt(facts, name)!),
    );
    const isOnce = letters?.operands.every((operand) => new Set(operand).size === operand.length) === true;
    // A letter that the parameter alone has was summed over, and would be stretched again.
    const own = letters?.operands[facts.index] ?? "";
    const others = letters?.operands.filter((_, at) => at !== facts.index).join("") + (letters?.result ?? "");
    return isPlain && isOnce && Array.from(own).every((letter) => others.includes(letter));
  },
  gradient: (call, index) => ({
    rows: () => {
      const { operands, result } = einsumLetters(call.string("equation", ""))!;
      const samples = result[call.samplesOf(call.y())!.axis]!;
      const others = operands.flatMap((letters, at) => (at === index ? [] : [{ letters, value: call.x(at) }]));
      const terms = [result, ...others.map(({ letters }) => letters)].join();
      return call.e.op("Einsum", [call.g, ...others.map(({ value }) => value)], {
        equation: `${terms}->${samples}${operands[index]!}`,
      });
    },
    squaredNorms: null,
  }),
};

/** Meetings of their own, by operator and by the parameter's place among the inputs. */
const MEETINGS: Readonly<Record<string, Readonly<Record<number, Meeting>>>> = {
  MatMul: { 0: matMulLeft, 1: matMulRight },
  Gemm: { 1: gemmRight, 2: broadcast },
  Conv: { 1: kernel, 2: perChannel },
  ConvTranspose: { 1: kernel, 2: perChannel },
  Gather: { 0: table },
  Einsum: { 0: contraction, 1: contraction },
  BatchNormalization: { 1: perChannel, 2: perChannel, 3: perChannel, 4: perChannel },
  InstanceNormalization: { 1: perChannel, 2: perChannel },
  GroupNormalization: { 1: perChannel, 2: perChannel },
};
