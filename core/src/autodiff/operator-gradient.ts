// What a gradient rule is, and what it may ask of the node whose gradient it writes.
import { SlipwayError } from "#base";
import { AttributeReader, describeNode, type Initializer, type Node, tensorFromInitializer } from "#graph";
import type { Dimension } from "#tensor";
import type { Emitter } from "./emitter.ts";

/**
 * The gradients by input of the node: each a function that emits it when it is wanted, or null for an input that no derivative
 * flows to. What it answers null for is zero.
 */
export type InputGradients = readonly ((() => string | null) | null)[];

/** How derivatives go backwards through an operator. */
export interface OperatorGradient {
  /**
   * The formula, for people: X, W, B are inputs, Y is the output, G the gradient of the loss by Y, and Σ sums over what was
   * broadcast.
   */
  readonly formula: string;
  /** What of the operator it can't do; null where it does all of it. */
  readonly limits: string | null;
  readonly gradients: (call: OperatorCall) => InputGradients;
}

/** A rule; see `OperatorGradient`. */
export function rule(
  formula: string,
  gradients: (call: OperatorCall) => InputGradients,
  limits: string | null = null,
): OperatorGradient {
  return { formula, limits, gradients };
}

/** What the walk knows that a rule may ask. */
export interface CallSite {
  readonly emitter: Emitter;
  /** The gradient of the loss by a value, as far as it has come; null where it has none. */
  readonly upstream: (value: string) => string | null;
  /** The tensor stored under this name, by the model or a Constant node; undefined for values that are computed. */
  readonly stored: (value: string) => Initializer | undefined;
  /** The name of an output the node leaves out so far and will make from now on. */
  readonly demandOutput: (node: Node, index: number) => string;
  /** The node that makes a value; undefined for inputs and stored tensors. */
  readonly makerOf: (value: string) => Node | undefined;
  /** Nodes from the loss to this one, for messages. */
  readonly describePath: (node: Node) => string;
}

/** A node of the forward graph, as its rule sees it. */
export class OperatorCall extends AttributeReader {
  /** Emits nodes whose numbers have the element type of the node's first output that has a gradient. */
  readonly e: Emitter;
  readonly #site: CallSite;

  constructor(node: Node, e: Emitter, site: CallSite) {
    super(node);
    this.e = e;
    this.#site = site;
  }

  /** The name of an input, which must be there. */
  x(index = 0): string {
    const name = this.node.inputs[index] ?? "";
    if (name === "") throw this.unavailable(`has no input ${index}`);
    return name;
  }

  /** The name of an output, which must be there. */
  y(index = 0): string {
    const name = this.node.outputs[index] ?? "";
    if (name === "") throw this.unavailable(`has no output ${index}`);
    return name;
  }

  /** The gradient by the first output, in the output's shape; zeros where only others have one. */
  get g(): string {
    return this.upstream(0) ?? this.e.zerosLike(this.y());
  }

  /** The gradient by an output; null where it has none. */
  upstream(index: number): string | null {
    const name = this.node.outputs[index] ?? "";
    return name === "" ? null : this.#site.upstream(name);
  }

  get inputCount(): number {
    return this.node.inputs.length;
  }

  hasInput(index: number): boolean {
    return (this.node.inputs[index] ?? "") !== "";
  }

  /** The name of an optional output; the node is made to give it where it did not. */
  demandOutput(index: number): string {
    const name = this.node.outputs[index] ?? "";
    return name === "" ? this.#site.demandOutput(this.node, index) : name;
  }

  /** One gradient for every input, each by its index. */
  each(gradient: (index: number) => string | null): InputGradients {
    return this.node.inputs.map((_, index) => () => gradient(index));
  }

  /** A gradient in the output's shape, summed to the shape of an input that was broadcast to it. */
  sumToInput(gradient: string, index: number): string {
    const [input, output] = [this.x(index), this.y()];
    return this.e.sumTo(gradient, this.e.axesOf(output), input);
  }

  /**
   * A value in the shape of the output, summed over axes, which go; the samples' own is among them. What is summed over samples
   * has to be summed by this, so that gradients by sample can leave it.
   */
  sumOverSamples(value: string, axes: readonly number[]): string {
    return this.e.sum(value, axes, false);
  }

  /** A gradient with as many elements as an input, in the input's shape. */
  inShapeOf(gradient: string, index = 0): string {
    return this.e.reshape(gradient, this.e.shapeOf(this.x(index)));
  }

  /** What is known of the axes of an input. */
  axes(index = 0): readonly Dimension[] | null {
    return this.e.axesOf(this.x(index));
  }

  /** How many axes an input has. @throws SlipwayError GRADIENT_UNAVAILABLE where that is not known */
  rank(index = 0): number {
    const axes = this.axes(index);
    if (axes !== null) return axes.length;
    const maker = this.#site.makerOf(this.x(index));
    const made = maker === undefined ? "" : ` that ${describeNode(maker)} makes`;
    throw this.unavailable(`reads '${this.x(index)}'${made}, of which not even the number of axes is known`);
  }

  /** The length of an axis of an input. @throws SlipwayError GRADIENT_UNAVAILABLE where it is open */
  fixed(axis: number, index = 0): number {
    const length = this.axes(index)?.at(axis);
    if (typeof length !== "number") {
      throw this.unavailable(
        `needs to know the length of axis ${axis} of '${this.x(index)}', which is open; give the model fixed shapes there`,
      );
    }
    return length;
  }

  /** An axis counted from the front. */
  axis(axis: number, rank = this.rank()): number {
    return axis < 0 ? axis + rank : axis;
  }

  /** Integers an input holds; null where they are computed. */
  storedInts(index: number): readonly number[] | null {
    const stored = this.#site.stored(this.node.inputs[index] ?? "");
    if (stored === undefined || stored.data.kind === "external") return null;
    return Array.from(tensorFromInitializer(stored).data as ArrayLike<bigint | number>, Number);
  }

  /** The name of the stored tensor that an input is, with its values; null where it is computed or elsewhere. */
  storedNumbers(index: number): readonly number[] | null {
    const stored = this.#site.stored(this.node.inputs[index] ?? "");
    if (stored === undefined || (stored.dtype !== "float32" && stored.dtype !== "float64")) return null;
    if (stored.data.kind === "external") return null;
    return Array.from(tensorFromInitializer(stored).data as ArrayLike<number>);
  }

  hasAttribute(name: string): boolean {
    return this.node.attributes.some((attribute) => attribute.name === name);
  }

  /** An error that names the node and how derivatives came to it. */
  unavailable(why: string): SlipwayError {
    return new SlipwayError(
      "GRADIENT_UNAVAILABLE",
      `${capitalised(describeNode(this.node))} ${why}. ${this.#site.describePath(this.node)}`,
    );
  }
}

export function capitalised(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
