// Whether a value that does not depend on the batch is the same for all of its rows.
import { type Initializer, intOf, type Node, tensorFromInitializer } from "#graph";
import { isRandom } from "../nondeterministic.ts";
import type { Length } from "../shapes/index.ts";
import { isElementwise } from "./rows-apart.ts";

export class Alikeness {
  readonly #stored: ReadonlyMap<string, Initializer>;
  readonly #makerOf: (name: string) => Node | undefined;
  readonly #shapeOf: (name: string) => readonly Length[] | null;
  readonly #known = new Map<string, boolean>();

  constructor(
    stored: ReadonlyMap<string, Initializer>,
    makerOf: (name: string) => Node | undefined,
    shapeOf: (name: string) => readonly Length[] | null,
  ) {
    this.#stored = stored;
    this.#makerOf = makerOf;
    this.#shapeOf = shapeOf;
  }

  /** Whether all that lies along an axis of a value is alike. */
  isAlike(name: string, axis: number): boolean {
    const key = `${axis} ${name}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const found = this.#isMadeAlike(name, axis);
    this.#known.set(key, found);
    return found;
  }

  #isMadeAlike(name: string, axis: number): boolean {
    const stored = this.#stored.get(name);
    if (stored !== undefined) return isStoredAlike(stored, axis);
    const shape = this.#shapeOf(name);
    const maker = this.#makerOf(name);
    if (shape === null || maker === undefined || isRandom(maker)) return false;
    const inputAxis = (input: string): number => axis - shape.length + (this.#shapeOf(input)?.length ?? Number.NaN);
    const isStretched = (input: string): boolean => {
      const at = inputAxis(input);
      return at < 0 || this.#shapeOf(input)?.[at]?.is(1) === true;
    };
    switch (maker.opType) {
      case "ConstantOfShape":
        return true;
      case "Expand":
        return isStretched(maker.inputs[0]!) || this.isAlike(maker.inputs[0]!, inputAxis(maker.inputs[0]!));
      case "Gather": {
        const rank = this.#shapeOf(maker.inputs[1]!)?.length ?? 0;
        const at = axis - axisFromFront(maker, this.#shapeOf(maker.inputs[0]!)?.length ?? 0, 0);
        return at >= 0 && at < rank && this.isAlike(maker.inputs[1]!, at);
      }
      default:
        return (
          isElementwise(maker) &&
          maker.inputs.every((one) => one === "" || isStretched(one) || this.isAlike(one, inputAxis(one)))
        );
    }
  }
}

function isStoredAlike(stored: Initializer, axis: number): boolean {
  const { data: held, shape } = stored;
  if (held.kind === "external") return false;
  const { data } = tensorFromInitializer(stored);
  const inside = shape.slice(axis + 1).reduce((product, length) => product * length, 1);
  const block = inside * shape[axis]!;
  return Array.prototype.every.call(data, (value: unknown, at: number) => {
    return value === data[at - (at % block) + (at % inside)];
  });
}

/** An axis a node works along, counted from the front. */
export function axisFromFront(node: Node, rank: number, fallback = 1): number {
  const axis = intOf(node, "axis", fallback);
  return axis < 0 ? axis + rank : axis;
}
