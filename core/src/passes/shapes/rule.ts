// What a rule for shapes is, and what it may ask of the node whose outputs it describes.
import { AttributeReader, attributeOf, type Node } from "#graph";
import { type Elements, type Fact, MOST_ELEMENTS, type OutputShape } from "./fact.ts";
import { Length, lengthFrom } from "./length.ts";

/** What a node makes, output by output; null, or an output left out, where that can't be told. */
export type ShapeRule = (call: ShapeCall) => readonly (OutputShape | null)[] | null;

export type Shape = readonly Length[];

/** One output of a shape. */
export function made(shape: Shape | null, elements: Elements | null = null): readonly OutputShape[] {
  return [{ shape, elements }];
}

/** A node as the rule of its operator sees it. */
export class ShapeCall extends AttributeReader {
  readonly opset: number;
  readonly #fact: (value: string) => Fact | undefined;
  readonly #unknown: () => Length;

  constructor(node: Node, opset: number, fact: (value: string) => Fact | undefined, unknown: () => Length) {
    super(node);
    this.opset = opset;
    this.#fact = fact;
    this.#unknown = unknown;
  }

  get inputCount(): number {
    return this.node.inputs.length;
  }

  get outputCount(): number {
    return this.node.outputs.length;
  }

  hasInput(index: number): boolean {
    return (this.node.inputs[index] ?? "") !== "";
  }

  hasAttribute(name: string): boolean {
    return attributeOf(this.node, name) !== undefined;
  }

  fact(index: number): Fact | undefined {
    return this.#fact(this.node.inputs[index] ?? "");
  }

  /** The axes of an input; null where not even their number is known. */
  shape(index = 0): Shape | null {
    return this.fact(index)?.shape ?? null;
  }

  /** The elements of an input; null where they are not followed. */
  elements(index: number): Elements | null {
    return this.fact(index)?.elements ?? null;
  }

  /** Whole numbers given by an attribute or, in later operator sets, by an input; undefined where neither is there. */
  numbers(attribute: string, input: number): readonly number[] | null | undefined {
    const given = this.ints(attribute);
    if (given !== undefined) return given;
    return this.hasInput(input) ? this.wholeNumbers(input) : undefined;
  }

  /** Lengths, bounds or counts an input holds; null for an element that is not known, or no whole number. */
  lengths(index: number): Elements | null {
    return this.elements(index)?.map((one) => (one?.isWhole === true ? one : null)) ?? null;
  }

  /** Whole numbers an input holds; null where one of them is not known. */
  wholeNumbers(index: number): readonly number[] | null {
    return this.inputNumbers(index)?.every((one) => Number.isSafeInteger(one)) === true
      ? this.inputNumbers(index)
      : null;
  }

  /** Numbers an input holds; null where one of them is not known. */
  inputNumbers(index: number): readonly number[] | null {
    const elements = this.elements(index)?.map((one) => one?.number ?? null) ?? null;
    return elements?.every((one) => one !== null) === true ? elements : null;
  }

  /** A length that nothing is known of. */
  unknown(): Length {
    return this.#unknown();
  }

  /** As many axes that nothing is known of. */
  unknowns(rank: number): Shape {
    return Array.from({ length: rank }, () => this.#unknown());
  }

  /** How many axes a value has whose shape is the elements of an input; null where that is not known. */
  lengthOfInput(index: number): number | null {
    const [length, ...others] = this.shape(index) ?? [];
    const rank = others.length > 0 ? null : (length?.number ?? null);
    return rank !== null && Number.isInteger(rank) && rank >= 0 && rank <= MOST_ELEMENTS ? rank : null;
  }

  /** Lengths an input holds as a shape: what is not known is open. */
  shapeIn(index: number): Shape | null {
    const lengths = this.lengths(index);
    if (lengths !== null) return lengths.map((one) => one ?? this.#unknown());
    const rank = this.lengthOfInput(index);
    return rank === null ? null : this.unknowns(rank);
  }

  /** The shape of what is computed element by element from values of these shapes. */
  broadcast(shapes: readonly (Shape | null)[]): Shape | null {
    if (shapes.some((shape) => shape === null)) return null;
    const known = shapes as readonly Shape[];
    const rank = Math.max(0, ...known.map((shape) => shape.length));
    return Array.from({ length: rank }, (_, axis) =>
      this.#stretched(known.flatMap((shape) => shape[axis - rank + shape.length] ?? [])),
    );
  }

  /** The length of an axis that values share by broadcasting. */
  #stretched(lengths: readonly Length[]): Length {
    const wide = lengths.filter((length) => !length.is(1));
    const [first, ...others] = wide;
    if (first === undefined) return Length.of(1);
    // One that is a number other than 1 decides: whatever is beside it is the same or 1.
    const fixed = wide.find(({ number }) => number !== null);
    if (fixed !== undefined) return fixed;
    return others.every((other) => other.equals(first)) ? first : this.#unknown();
  }

  /** An axis counted from the front; null where it lies outside. */
  axis(axis: number, rank: number): number | null {
    const fromFront = axis < 0 ? axis + rank : axis;
    return fromFront >= 0 && fromFront < rank ? fromFront : null;
  }
}

/** A shape with one axis of another length. */
export function withAxis(shape: Shape, axis: number, length: Length | number): Shape {
  return shape.map((one, at) => (at === axis ? lengthFrom(length) : one));
}

/** Elements small enough to be followed. */
export function followed(elements: Elements): Elements | null {
  return elements.length <= MOST_ELEMENTS ? elements : null;
}

/** A rule for an output that has the shape of an input, and for others that have it too. */
export function sameShape(index = 0): ShapeRule {
  return (call) => {
    const shape = call.shape(index);
    return shape === null ? null : Array.from({ length: call.outputCount }, () => ({ shape }));
  };
}

/** The same rule for many operators. */
export function alike(names: string, rule: ShapeRule): Readonly<Record<string, ShapeRule>> {
  return Object.fromEntries(
    names
      .trim()
      .split(/\s+/)
      .map((name) => [name, rule]),
  );
}
