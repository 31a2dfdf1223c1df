// What a rule of the operator tables is, and what it may ask of the node it counts.
import { AttributeReader, describeNode, intOf, type Node } from "#graph";
import type { ShapeScope, ValueShape } from "./shapes.ts";
import { volume } from "./shapes.ts";

/**
 * The arithmetic of running a node once. One multiply-accumulate is two floating-point operations; `others` are those that
 * belong to none: comparisons, additions of a bias, exponentials and so on.
 */
export interface Work {
  readonly macs: number;
  readonly others: number;
}

/** Counts one node. @throws Uncountable where it can't be told from shapes and attributes */
export type OperatorRule = (call: OperatorCall) => Work;

/** Why a node's work can't be told; thrown by rules and caught where nodes are counted. */
export class Uncountable extends Error {}

export const NO_WORK: Work = { macs: 0, others: 0 };
export const macs = (count: number, others = 0): Work => ({ macs: count, others });
export const flops = (count: number): Work => ({ macs: 0, others: count });

/** A node with the shapes of what it reads and makes. */
export class OperatorCall extends AttributeReader {
  readonly #shapes: ShapeScope;

  constructor(node: Node, shapes: ShapeScope) {
    super(node);
    this.#shapes = shapes;
  }

  get inputCount(): number {
    return this.node.inputs.length;
  }

  hasInput(index: number): boolean {
    return (this.node.inputs[index] ?? "") !== "";
  }

  hasOutput(index: number): boolean {
    return (this.node.outputs[index] ?? "") !== "";
  }

  /** Axis lengths of an input. */
  input(index: number): readonly number[] {
    return this.#known(this.node.inputs[index] ?? "", `input ${index}`).dims;
  }

  /** Axis lengths of an output. */
  output(index = 0): readonly number[] {
    return this.#known(this.node.outputs[index] ?? "", `output ${index}`).dims;
  }

  /** Elements of an input. */
  elementsIn(index = 0): number {
    return volume(this.input(index));
  }

  /** Elements of an output. */
  elementsOut(index = 0): number {
    return volume(this.output(index));
  }

  /** @throws Uncountable where the attribute is not there */
  neededInt(name: string): number {
    const value = intOf(this.node, name, undefined);
    if (value === undefined) throw this.uncountable(`has no attribute '${name}'`);
    return value;
  }

  uncountable(why: string): Uncountable {
    const node = describeNode(this.node);
    return new Uncountable(`${node.charAt(0).toUpperCase()}${node.slice(1)} ${why}.`);
  }

  #known(name: string, what: string): ValueShape {
    if (name === "") throw this.uncountable(`has no ${what}`);
    const shape = this.#shapes.get(name);
    if (shape === undefined)
      throw this.uncountable(`can't be counted: the shape of its ${what}, '${name}', is unknown`);
    return shape;
  }
}
