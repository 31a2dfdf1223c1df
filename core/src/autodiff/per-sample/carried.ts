// Operators on parameters alone, before these meet samples: how gradients by sample are carried back through them. What is done is
// what the operator's gradient does, once for each sample along an axis in front.
import type { Node } from "#graph";
import { padsOfSlice } from "../rules/arrangements.ts";
import { adding } from "../rules/indexing.ts";
import type { MeetingFacts } from "./meetings.ts";
import type { SampleCall } from "./sample-call.ts";

interface Carried {
  /** Whether it can be for the input that is meant; always unless said. */
  readonly covers?: (facts: MeetingFacts) => boolean;
  /**
   * The gradient by an input, [samples, …its shape].
   * @param by emits that by an output, [samples, …its shape]; null where it is zero
   */
  readonly rows: (call: SampleCall, by: (output: number) => string | null, index: number) => string;
  /** Whether it only moves elements or changes their signs, so that norms stay. */
  readonly keepsNorms: boolean;
}

const reshaped: Carried = {
  covers: ({ index }) => index === 0,
  rows: (call, by) => call.e.reshape(by(0)!, call.withSamples(call.x())),
  keepsNorms: true,
};

const casted: Carried = {
  covers: ({ index }) => index === 0,
  rows: (call, by) => {
    const dtype = call.e.dtypeOf(call.x()) ?? call.e.dtype;
    return call.e.dtypeOf(call.y()) === dtype ? by(0)! : call.e.cast(by(0)!, dtype);
  },
  keepsNorms: false,
};

/** Whether an input has the output's shape, so that nothing was broadcast to it. */
function hasOutputShape({ node, index, types }: MeetingFacts): boolean {
  const [own, output] = [node.inputs[index]!, node.outputs[0]!].map((name) => types.get(name)?.shape ?? null);
  if (own === null || output === null || own!.length !== output!.length) return false;
  return own!.every((length, axis) => length !== null && length === output![axis]);
}

/** Of two parameters, or of one and a constant, of one shape. */
function binary(rows: Carried["rows"], keepsNorms = false): Carried {
  return { covers: hasOutputShape, rows, keepsNorms };
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, at) => from + at);

/** Picked along one axis by numbers that are the same for all samples. */
const gathered: Carried = {
  covers: ({ node, index, types }) =>
    index === 0 && [0, 1].every((at) => (types.get(node.inputs[at] ?? "")?.shape ?? null) !== null),
  rows: (call, by) => {
    const { e } = call;
    const [rank, picked] = [call.rank(0), call.rank(1)];
    const axis = call.axis(call.int("axis", 0), rank);
    // The picked places to the front, before the samples; then along the axis they came from, and back behind the samples.
    const places = range(1 + axis, 1 + axis + picked);
    const others = range(0, 1 + rank - 1 + picked).filter((at) => !places.includes(at));
    const lengths = e.concat(
      [
        e.lengthOf(call.x(), axis),
        call.count,
        ...range(0, rank)
          .filter((at) => at !== axis)
          .map((at) => e.lengthOf(call.x(), at)),
      ],
      0,
    );
    const updates = e.transpose(by(0)!, [...places, ...others]);
    const indices = e.op("Unsqueeze", [call.x(1), e.ints([-1])]);
    const scattered = e.op("ScatterND", [e.filled(lengths, 0), indices, updates], adding(call));
    return e.transpose(scattered, [...range(1, 2 + axis), 0, ...range(2 + axis, rank + 1)]);
  },
  keepsNorms: false,
};

/** A part cut out along axes with known bounds. */
const sliced: Carried = {
  covers: ({ node, index, types }) =>
    index === 0 &&
    (node.inputs.length < 5 || node.inputs[4] === "") &&
    types.get(node.inputs[0]!)?.shape?.every((length) => typeof length === "number") === true,
  rows: (call, by) => {
    const pads = padsOfSlice(call);
    if (pads === null)
      throw call.unavailable("cuts where it is not known before it runs, which has no gradient by sample");
    const half = pads.length / 2;
    return call.e.op("Pad", [by(0)!, call.e.ints([0, ...pads.slice(0, half), 0, ...pads.slice(half)]), 0]);
  },
  keepsNorms: true,
};

const CARRIED: Readonly<Record<string, Carried>> = {
  Identity: { rows: (_call, by) => by(0)!, keepsNorms: true },
  Neg: { rows: (call, by) => call.e.neg(by(0)!), keepsNorms: true },
  Reshape: reshaped,
  Flatten: reshaped,
  Squeeze: reshaped,
  Unsqueeze: reshaped,
  Cast: casted,
  CastLike: casted,
  Transpose: {
    rows: (call, by) => {
      const rank = call.rank();
      const permutation = call.ints("perm") ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
      return call.e.transpose(by(0)!, [0, ...permutation.map((_, axis) => permutation.indexOf(axis) + 1)]);
    },
    keepsNorms: true,
  },
  Add: binary((_call, by) => by(0)!, true),
  Sub: binary((call, by, index) => (index === 0 ? by(0)! : call.e.neg(by(0)!)), true),
  Mul: binary((call, by, index) => call.e.mul(by(0)!, call.x(1 - index))),
  Div: {
    covers: (facts) => facts.index === 0 && hasOutputShape(facts),
    rows: (call, by) => call.e.div(by(0)!, call.x(1)),
    keepsNorms: false,
  },
  Expand: {
    covers: ({ node, index, types }) => {
      const shapes = [node.inputs[0]!, node.outputs[0]!].map((name) => types.get(name)?.shape ?? [null]);
      return index === 0 && shapes.every((shape) => shape.every((length) => typeof length === "number"));
    },
    rows: (call, by) => {
      const [own, made] = [call.axes()!, call.e.axesOf(call.y())!];
      const extra = made.length - own.length;
      const stretched = range(0, made.length).filter((axis) => axis < extra || own[axis - extra] === 1);
      const summed = call.e.sum(
        by(0)!,
        stretched.map((axis) => axis + 1),
        false,
      );
      return call.inShapeOf(summed);
    },
    keepsNorms: false,
  },
  Gather: gathered,
  Slice: sliced,
  Split: {
    covers: ({ index }) => index === 0,
    rows: (call, by) => {
      const { e } = call;
      const zeros = (output: string): string => e.filled(e.concat([call.count, e.shapeOf(output)], 0), 0);
      const parts = call.node.outputs.map((output, at) => by(at) ?? zeros(output));
      return e.concat(parts, 1 + call.axis(call.int("axis", 0)));
    },
    keepsNorms: false,
  },
  Concat: {
    covers: ({ node, types }) =>
      node.inputs.every((name) => types.get(name)?.shape?.every((length) => typeof length === "number") === true),
    rows: (call, by, index) => {
      const axis = call.axis(call.int("axis", 0));
      const lengths = call.node.inputs.map((_, at) => call.axes(at)![axis] as number);
      const start = lengths.slice(0, index).reduce((sum, length) => sum + length, 0);
      return call.e.slice(by(0)!, axis + 1, start, start + lengths[index]!);
    },
    keepsNorms: false,
  },
};

/** How gradients by sample are carried through a node's operator; null for operators they are not. */
export function carriedThrough({ domain, opType }: Node): Carried | null {
  return domain === "" && Object.hasOwn(CARRIED, opType) ? CARRIED[opType]! : null;
}

/** Whether gradients by sample are carried through a node that no sample comes to. */
export function isCarriedThrough(facts: MeetingFacts): boolean {
  const carried = carriedThrough(facts.node);
  return carried !== null && (carried.covers?.(facts) ?? true);
}
