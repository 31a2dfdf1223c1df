// A node where parameters meet samples, as its rule sees it when gradients are wanted by sample: what would be summed over the
// samples is not.
import type { Node } from "#graph";
import type { Dimension } from "#tensor";
import type { Emitter } from "../emitter.ts";
import { type CallSite, OperatorCall } from "../operator-gradient.ts";
import type { SampleAxis, Samples } from "./sample-axes.ts";

/** What is known of the samples of a graph. */
export interface SampleSite {
  readonly axes: ReadonlyMap<string, Samples>;
  /** How many samples there are, int64 [1]. */
  readonly count: string;
}

export class SampleCall extends OperatorCall {
  readonly #samples: SampleSite;

  constructor(node: Node, e: Emitter, site: CallSite, samples: SampleSite) {
    super(node, e, site);
    this.#samples = samples;
  }

  /** How many samples there are, int64 [1]. */
  get count(): string {
    return this.#samples.count;
  }

  /** Where samples lie in a value. */
  samplesOf(value: string): SampleAxis | null {
    const found = this.#samples.axes.get(value);
    return found?.kind === "axis" ? found : null;
  }

  /** By a parameter: [samples, …its shape]. */
  override sumToInput(gradient: string, index: number): string {
    if (!this.#isParameter(index)) return super.sumToInput(gradient, index);
    const { e } = this;
    const [shape, own, at] = [e.axesOf(this.y())!, this.axes(index)!, this.samplesOf(this.y())!];
    const first = samplesFirst(e, gradient, shape, at, this.count);
    const summed = summedAxes(shape, at, own);
    if (summed !== null) return this.inShapeOf(e.sum(first, summed, false), index);
    // Which lengths are 1 is seen when it runs; the axes stand as they do in the output, but for that of the samples.
    const extra = shape.length - own.length;
    const lengths = shape.flatMap((_, axis) => {
      if (axis === at.axis) return [...(at.outer === 1 ? [] : [e.ints([1])]), ...(at.inner === 1 ? [] : [e.ints([1])])];
      return [axis < extra ? e.ints([1]) : e.lengthOf(this.x(index), axis - extra)];
    });
    return this.inShapeOf(e.sumToShape(first, e.concat([this.count, ...lengths], 0)), index);
  }

  override sumOverSamples(value: string, axes: readonly number[]): string {
    return this.e.sum(
      value,
      axes.filter((axis) => axis !== 0),
      false,
    );
  }

  override inShapeOf(gradient: string, index = 0): string {
    if (!this.#isParameter(index)) return super.inShapeOf(gradient, index);
    return this.e.reshape(gradient, this.withSamples(this.x(index)));
  }

  #isParameter(index: number): boolean {
    return (this.#samples.axes.get(this.x(index))?.kind ?? "none") === "none";
  }

  /** The shape of a parameter with the samples in front, int64 [1 + rank]. */
  withSamples(parameter: string): string {
    return this.e.concat([this.count, this.e.shapeOf(parameter)], 0);
  }
}

/** Whether by what is known of the axes a parameter's gradient by sample can be told from that by the output. */
export function isSharedBySamples(
  output: readonly Dimension[] | null,
  at: SampleAxis,
  parameter: readonly Dimension[] | null,
): boolean {
  if (output === null || parameter === null || parameter.length > output.length) return false;
  const extra = output.length - parameter.length;
  // A parameter that has a row for each sample is none of all samples.
  if (at.axis >= extra && parameter[at.axis - extra] !== 1) return false;
  return true;
}

/**
 * The axes that a gradient with its samples first is summed over to come to a parameter that was broadcast; null where it is not
 * known whether a length is 1.
 */
function summedAxes(
  output: readonly Dimension[],
  { axis, outer, inner }: SampleAxis,
  parameter: readonly Dimension[],
): readonly number[] | null {
  const extra = output.length - parameter.length;
  const isKnown = parameter.every((length, at) => {
    const made = output[at + extra] ?? null;
    return typeof length === "number" || (length !== null && length === made);
  });
  if (!isKnown) return null;
  const isKept = (at: number): boolean => at >= extra && parameter[at - extra] !== 1;
  const others = otherAxes(output.length, axis, outer, inner);
  return others.flatMap((at, place) => (at !== null && isKept(at) ? [] : [place + 1]));
}

/** What stands behind the samples once they are first: axes of the value, null for what shared the samples' axis. */
function otherAxes(rank: number, axis: number, outer: number, inner: number): readonly (number | null)[] {
  const before = Array.from({ length: axis }, (_, at) => at);
  const after = Array.from({ length: rank - axis - 1 }, (_, at) => axis + 1 + at);
  return [...before, ...(outer === 1 ? [] : [null]), ...(inner === 1 ? [] : [null]), ...after];
}

/**
 * A value with its samples along the first axis: [samples, …], what shared their axis apart.
 * @param shape what is known of the value's axes
 * @param count how many samples there are, int64 [1]
 */
export function samplesFirst(
  e: Emitter,
  value: string,
  shape: readonly Dimension[],
  { axis, outer, inner }: SampleAxis,
  count: string,
): string {
  const isShared = outer !== 1 || inner !== 1;
  let apart = value;
  if (isShared) {
    const lengthAt = (at: number): string => {
      const known = shape[at];
      if (typeof known === "number") return e.ints([known]);
      return e.op("Gather", [e.op("Shape", [value]), e.ints([at])], { axis: 0 });
    };
    const before = Array.from({ length: axis }, () => e.ints([0]));
    const after = Array.from({ length: shape.length - axis - 1 }, (_, at) => lengthAt(axis + 1 + at));
    const own = [...(outer === 1 ? [] : [e.ints([outer])]), count, ...(inner === 1 ? [] : [e.ints([inner])])];
    apart = e.reshape(value, e.concat([...before, ...own, ...after], 0));
  }
  const rank = shape.length + (outer === 1 ? 0 : 1) + (inner === 1 ? 0 : 1);
  const samples = axis + (outer === 1 ? 0 : 1);
  const order = [samples, ...Array.from({ length: rank }, (_, at) => at).filter((at) => at !== samples)];
  return e.transpose(apart, order);
}
