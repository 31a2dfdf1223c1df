// Gradients by parameters, sample by sample: from where parameters meet samples back to the parameters themselves.
import type { Node } from "#graph";
import type { Emitter } from "../emitter.ts";
import type { CallSite, OperatorCall } from "../operator-gradient.ts";
import type { ParameterSide } from "../reverse-walk.ts";
import type { ValueTypes } from "#passes";
import { carriedThrough } from "./carried.ts";
import { meetingAt, type SampleGradient } from "./meetings.ts";
import { once } from "../once.ts";
import { SampleCall, type SampleSite } from "./sample-call.ts";

export class SampleParameters implements ParameterSide {
  readonly #types: ValueTypes;
  readonly #samples: SampleSite;
  readonly #contributions = new Map<string, SampleGradient[]>();

  constructor(types: ValueTypes, samples: SampleSite) {
    this.#types = types;
    this.#samples = samples;
  }

  has(value: string): boolean {
    return (this.#samples.axes.get(value)?.kind ?? "none") === "none";
  }

  callAt(node: Node, e: Emitter, site: CallSite): SampleCall {
    return new SampleCall(node, e, site, this.#samples);
  }

  receive(call: OperatorCall, index: number, own: () => string | null): void {
    const { node } = call;
    const meeting = meetingAt({ node, index, types: this.#types, axes: this.#samples.axes });
    if (meeting === null || !(call instanceof SampleCall))
      throw call.unavailable("has no gradient by sample, which planning should have told. This is a bug");
    this.#contribute(node.inputs[index]!, meeting.gradient(call, index, own));
  }

  through(node: Node, wanted: ReadonlySet<string>, site: CallSite): void {
    const given = node.outputs.map((name) => this.#contributions.get(name) ?? []);
    if (given.every((one) => one.length === 0)) return;
    const carried = carriedThrough(node)!;
    const call = this.callAt(node, site.emitter.of(this.#types.get(node.outputs[0]!)?.dtype ?? "float32"), site);
    const by = (output: number): string | null => this.gradientBy(node.outputs[output]!, call.e);
    const isAlone = carried.keepsNorms && given.length === 1 && given[0]!.length === 1;
    const norms = (): string => this.squaredNormsBy(node.outputs[0]!, call.e)!;
    for (const [index, input] of node.inputs.entries()) {
      if (!wanted.has(input)) continue;
      const rows = once(() => carried.rows(call, by, index));
      this.#contribute(input, { rows, squaredNorms: isAlone ? norms : null });
    }
  }

  /** The gradient by a parameter, or a value computed from parameters alone, [samples, …]; null where it is zero. */
  gradientBy(parameter: string, e: Emitter): string | null {
    const given = this.#contributions.get(parameter);
    if (given === undefined) return null;
    return given.length === 1
      ? given[0]!.rows()
      : e.op(
          "Sum",
          given.map(({ rows }) => rows()),
        );
  }

  /**
   * The squared norms of the gradient by a parameter, [samples]; null where it is zero. Of one that meets samples at several
   * places the norm is not told by the norms from each, so those gradients are added up.
   */
  squaredNormsBy(parameter: string, e: Emitter): string | null {
    const given = this.#contributions.get(parameter);
    if (given === undefined) return null;
    const [only] = given;
    if (given.length === 1 && only!.squaredNorms !== null) return only!.squaredNorms();
    return squaredNormsOf(e, this.gradientBy(parameter, e)!, this.#samples.count);
  }

  #contribute(value: string, gradient: SampleGradient): void {
    const known = this.#contributions.get(value);
    if (known === undefined) this.#contributions.set(value, [gradient]);
    else known.push(gradient);
  }
}

/** The squared norm of each sample's part, [samples, …] → [samples]. */
export function squaredNormsOf(e: Emitter, rows: string, count: string): string {
  const flat = e.reshape(rows, e.concat([count, e.ints([-1])], 0));
  return e.sum(e.square(flat), [1], false);
}
