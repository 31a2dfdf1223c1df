// Lengths that a graph computes for itself, as exporters have it reshape: from the shapes of values, by picking and joining.
import { AttributeReader, attributeOf, type Initializer, type Node, tensorFromInitializer } from "#graph";
import type { ValueTypes } from "#passes";
import type { Samples } from "./sample-axes.ts";

/** A number, the number of samples, or something that is not told. */
export type Length = number | "count" | null;

export class ComputedLengths {
  readonly #types: ValueTypes;
  readonly #samples: ReadonlyMap<string, Samples>;
  readonly #stored: ReadonlyMap<string, Initializer>;
  readonly #found = new Map<string, readonly Length[]>();

  /** @param samples where samples lie in values, as far as it has been told */
  constructor(types: ValueTypes, samples: ReadonlyMap<string, Samples>, stored: ReadonlyMap<string, Initializer>) {
    this.#types = types;
    this.#samples = samples;
    this.#stored = stored;
  }

  /** What a list of integers holds, or a single one; null where that is not told. */
  of(value: string): readonly Length[] | null {
    const found = this.#found.get(value);
    if (found !== undefined) return found;
    const stored = this.#stored.get(value);
    if (stored === undefined || stored.data.kind === "external") return null;
    if (stored.shape.length > 1 || (stored.dtype !== "int64" && stored.dtype !== "int32")) return null;
    return Array.from(tensorFromInitializer(stored).data as ArrayLike<bigint | number>, Number);
  }

  /** The same where all are numbers. */
  numbers(value: string): readonly number[] | null {
    const lengths = this.of(value);
    return lengths !== null && lengths.every((length) => typeof length === "number") ? lengths : null;
  }

  /** Takes in a node, after those before it. */
  add(node: Node): void {
    const made = this.#made(node);
    if (made !== null) this.#found.set(node.outputs[0]!, made);
  }

  #made(node: Node): readonly Length[] | null {
    const reader = new AttributeReader(node);
    const [first = "", second = "", third = "", fourth = ""] = node.inputs;
    switch (node.opType) {
      case "Shape": {
        const lengths = this.#shapeOf(first);
        return lengths?.slice(reader.int("start", 0), reader.int("end", lengths.length)) ?? null;
      }
      case "Identity":
      case "Cast":
      case "Squeeze":
      case "Unsqueeze":
      case "Reshape":
        return this.of(first);
      case "Gather": {
        const [from, places] = [this.of(first), this.numbers(second)];
        return from === null || places === null ? null : places.map((place) => from.at(place) ?? null);
      }
      case "Slice": {
        const [from, start, end] = [this.of(first), this.numbers(second)?.[0], this.numbers(third)?.[0]];
        const isWhole = fourth === "" || this.numbers(fourth)?.[0] === 0;
        const steps = node.inputs[4] ?? "";
        if (from === null || start === undefined || end === undefined || !isWhole) return null;
        return steps === "" || this.numbers(steps)?.[0] === 1 ? from.slice(start, end) : null;
      }
      case "Concat": {
        const parts = node.inputs.map((name) => this.of(name));
        return parts.every((part) => part !== null) ? parts.flat() : unevenly(parts, node, this.#types);
      }
      case "ConstantOfShape": {
        const [count] = this.numbers(first) ?? [];
        const value = numberOf(node);
        return count === undefined || value === null ? null : Array.from({ length: count }, () => value);
      }
      case "Mul":
        return this.#each(first, second, (a, b) => {
          if (a === 1 || b === 1) return a === 1 ? b : a;
          return typeof a === "number" && typeof b === "number" ? a * b : null;
        });
      case "Equal":
        // There are never 0 samples or fewer.
        return this.#each(first, second, (a, b) => {
          if (typeof a === "number" && typeof b === "number") return Number(a === b);
          const [count, other] = a === "count" ? [a, b] : [b, a];
          return count === "count" && typeof other === "number" && other <= 0 ? 0 : null;
        });
      case "Where": {
        const [chosen, from, otherwise] = [this.of(first), this.of(second), this.of(third)];
        if (chosen === null || from?.length !== chosen.length || otherwise?.length !== chosen.length) return null;
        return chosen.map((one, at) => (one === 1 ? from[at]! : one === 0 ? otherwise[at]! : null));
      }
      default:
        return null;
    }
  }

  /** Two lists taken together; a single number goes with each of the other list. */
  #each(one: string, other: string, make: (a: Length, b: Length) => Length): readonly Length[] | null {
    const [a, b] = [this.of(one), this.of(other)];
    if (a === null || b === null) return null;
    const length = Math.max(a.length, b.length);
    if ((a.length !== length && a.length !== 1) || (b.length !== length && b.length !== 1)) return null;
    return Array.from({ length }, (_, at) => make(a[a.length === 1 ? 0 : at]!, b[b.length === 1 ? 0 : at]!));
  }

  #shapeOf(value: string): readonly Length[] | null {
    const shape = this.#types.get(value)?.shape ?? null;
    if (shape === null) return null;
    const at = this.#samples.get(value);
    return shape.map((length, axis) => {
      if (at?.kind === "axis" && at.axis === axis && at.outer === 1 && at.inner === 1) return "count";
      return typeof length === "number" ? length : null;
    });
  }
}

/** The whole number a ConstantOfShape is filled with; null where it is none. */
function numberOf(node: Node): number | null {
  const value = attributeOf(node, "value");
  if (value === undefined) return 0;
  if (value.kind !== "tensor" || !/^u?int/.test(value.value.dtype)) return null;
  return Number(tensorFromInitializer(value.value).data[0]);
}

/** Lists joined of which some are not told, but how long they are. */
function unevenly(
  parts: readonly (readonly Length[] | null)[],
  node: Node,
  types: ValueTypes,
): readonly Length[] | null {
  const joined: Length[] = [];
  for (const [index, part] of parts.entries()) {
    const length = types.get(node.inputs[index]!)?.shape?.[0];
    if (part === null && typeof length !== "number") return null;
    joined.push(...(part ?? Array.from({ length: length as number }, () => null)));
  }
  return joined;
}
