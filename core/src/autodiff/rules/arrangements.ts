// Gradients of operators that only rearrange elements: shapes, axes, parts and copies.
import { type InputGradients, type OperatorCall, type OperatorGradient, rule } from "../operator-gradient.ts";
import { placeBack } from "./indexing.ts";

/** The elements stay in order, whatever the shape. */
const reshaped = rule("dX = G in the shape of X", (call) => [() => call.inShapeOf(call.g), null]);

const concat = rule("dXᵢ = the part of G that came from Xᵢ", (call) => {
  const { e } = call;
  const axis = call.axis(call.int("axis", 0));
  // Where each part begins; a number as long as the lengths before it are known.
  const starts: (number | string)[] = [0];
  for (const [index] of call.node.inputs.entries()) {
    const length = call.axes(index)?.[axis];
    const before = starts[index]!;
    const isKnown = typeof before === "number" && typeof length === "number";
    starts.push(
      isKnown
        ? before + length
        : e.add(typeof before === "number" ? e.ints([before]) : before, e.lengthOf(call.x(index), axis)),
    );
  }
  return call.each((index) => e.slice(call.g, axis, starts[index]!, starts[index + 1]!));
});

const split = rule("dX = the gradients of all parts, one after the other", (call) => {
  const parts = (): readonly string[] =>
    call.node.outputs.map((name, index) => call.upstream(index) ?? call.e.zerosLike(call.demandOutput(index) || name));
  return [() => call.e.concat(parts(), call.axis(call.int("axis", 0))), null];
});

const slice = rule("dX = G in its place, 0 elsewhere", (call): InputGradients => {
  const { e } = call;
  return [
    () => {
      const pads = padsOfSlice(call);
      if (pads !== null) return e.op("Pad", [call.g, e.ints(pads), 0]);
      return placeBack(call, (positions) =>
        e.op("Slice", [positions, ...call.node.inputs.slice(1).map((_, index) => call.x(index + 1))]),
      );
    },
    null,
    null,
    null,
    null,
  ];
});

/** What stands before and after a slice along each axis; null where it has steps or the lengths are not known. */
export function padsOfSlice(call: OperatorCall): readonly number[] | null {
  const axes = call.axes();
  const [starts, ends] = [call.storedInts(1), call.storedInts(2)];
  if (axes === null || starts === null || ends === null) return null;
  const sliced = call.hasInput(3) ? call.storedInts(3) : starts.map((_, index) => index);
  const steps = call.hasInput(4) ? call.storedInts(4) : starts.map(() => 1);
  if (sliced === null || steps === null || steps.some((step) => step !== 1)) return null;
  const [before, after] = [axes.map(() => 0), axes.map(() => 0)];
  for (const [index, given] of sliced.entries()) {
    const axis = call.axis(given, axes.length);
    const length = axes[axis];
    if (typeof length !== "number") return null;
    const bound = (at: number): number => Math.min(Math.max(at < 0 ? at + length : at, 0), length);
    const start = bound(starts[index]!);
    const end = bound(ends[index]!);
    if (end <= start) return null;
    before[axis] = start;
    after[axis] = length - end;
  }
  return [...before, ...after];
}

const pad = rule(
  "dX = the part of G that is not padding, and what was copied into the padding back to where it came from; dvalue = Σ G of the padding",
  (call) => {
    const { e } = call;
    const isConstant = call.string("mode", "constant") === "constant";
    const cut = (): string =>
      e.op("Pad", [call.g, e.of("int64").neg(call.x(1)), ...(call.hasInput(3) ? [0, call.x(3)] : [])]);
    const total = (x: string): string => e.op("ReduceSum", [x], { keepdims: 0 });
    return [
      () =>
        isConstant
          ? cut()
          : placeBack(
              call,
              (positions) =>
                e.op("Pad", [positions, call.x(1), ...(call.hasInput(3) ? ["", call.x(3)] : [])], {
                  mode: call.string("mode", "constant"),
                }),
              true,
            ),
      null,
      () => (isConstant ? call.inShapeOf(e.sub(total(call.g), total(cut())), 2) : null),
      null,
    ];
  },
);

const tile = rule("dX = Σ G over the copies", (call) => {
  const { e } = call;
  return [
    () => {
      // [r₀, d₀, r₁, d₁, …]: each axis is taken apart into its copies and its elements.
      const column = (list: string): string => e.op("Unsqueeze", [list, e.ints([1])]);
      const pairs = e.concat([column(call.x(1)), column(e.shapeOf(call.x()))], 1);
      const apart = e.reshape(call.g, e.reshape(pairs, e.ints([-1])));
      const copies = Array.from({ length: call.rank() }, (_, axis) => 2 * axis);
      return e.sum(apart, copies, false);
    },
    null,
  ];
});

const depthToSpace = rule("dX = G, blocks back into channels", (call) => [
  () => {
    const { e } = call;
    const size = call.int("blocksize", 1);
    if (call.string("mode", "DCR") === "DCR") return e.op("SpaceToDepth", [call.g], { blocksize: size });
    const length = (axis: number): string => e.lengthOf(call.x(), axis);
    const block = e.ints([size]);
    const apart = e.concat([length(0), e.ints([-1]), length(2), block, length(3), block], 0);
    return call.inShapeOf(e.transpose(e.reshape(call.g, apart), [0, 1, 3, 5, 2, 4]));
  },
]);

/** A rotation's transpose is the rotation by the opposite angle. */
const rotary = rule("dX = RotaryEmbedding of G by the opposite angles: −sin", (call) => [
  () => {
    const attributes = Object.fromEntries(
      ["interleaved", "num_heads", "rotary_embedding_dim"].map((name) => [name, call.int(name, 0)] as const),
    );
    const positions = call.hasInput(3) ? [call.x(3)] : [];
    return call.e.op("RotaryEmbedding", [call.g, call.x(1), call.e.neg(call.x(2)), ...positions], attributes);
  },
  null,
  null,
  null,
]);

export const ARRANGEMENTS: Readonly<Record<string, OperatorGradient>> = {
  Reshape: reshaped,
  Flatten: reshaped,
  Squeeze: reshaped,
  Unsqueeze: reshaped,
  Transpose: rule("dX = G with its axes put back", (call) => [
    () => {
      const rank = call.rank();
      const permutation = call.ints("perm") ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
      const inverse = Array.from({ length: rank }, (_, axis) => permutation.indexOf(axis));
      return call.e.transpose(call.g, inverse);
    },
  ]),
  Concat: concat,
  Split: split,
  Slice: slice,
  Pad: pad,
  Expand: rule("dX = Σ G", (call) => [() => call.sumToInput(call.g, 0), null]),
  Tile: tile,
  Trilu: rule("dX = the same triangle of G", (call) => [
    () => call.e.op("Trilu", call.hasInput(1) ? [call.g, call.x(1)] : [call.g], { upper: call.int("upper", 1) }),
    null,
  ]),
  DepthToSpace: depthToSpace,
  RotaryEmbedding: rotary,
  SpaceToDepth: rule("dX = G, channels back into blocks", (call) => [
    () => call.e.op("DepthToSpace", [call.g], { blocksize: call.int("blocksize", 1) }),
  ]),
};
