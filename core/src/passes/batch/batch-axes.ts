// Which axis of which input is the batch's, and how many rows it has.
import { SlipwayError } from "#base";
import type { Graph, ValueInfo } from "#graph";
import type { Dimension } from "#tensor";

export interface BatchOptions {
  /** What the axis is called; `N` unless said. */
  readonly name?: string;
  /** The axis of the batch by input; the first of every input that has one unless said. */
  readonly axes?: Readonly<Record<string, number>>;
}

/** The axis of the batch of each input that has one. */
export function batchAxes(
  { inputs }: Graph,
  given: Readonly<Record<string, number>> | undefined,
): ReadonlyMap<string, number> {
  const axes = new Map<string, number>();
  for (const { name, type } of inputs) {
    if (type?.kind !== "tensor") continue;
    const axis = given === undefined ? 0 : given[name];
    if (axis === undefined || type.shape === null || (given === undefined && type.shape.length === 0)) continue;
    if (axis < 0 || axis >= type.shape.length)
      throw new SlipwayError(
        "PARAMETER_INVALID",
        `Input '${name}' has no axis ${axis}; it has ${type.shape.length}, counted from 0.`,
      );
    axes.set(name, axis);
  }
  for (const name of Object.keys(given ?? {}))
    if (!axes.has(name)) throw new SlipwayError("PARAMETER_INVALID", `The model has no input '${name}' with axes.`);
  return axes;
}

/** How many rows the batch has; null where it is open already. */
export function batchSize({ inputs }: Graph, axes: ReadonlyMap<string, number>): number | null {
  const sizes = new Map<string, Dimension>();
  for (const { name, type } of inputs) {
    const axis = axes.get(name);
    if (axis !== undefined && type?.kind === "tensor") sizes.set(name, type.shape![axis]!);
  }
  const fixed = new Set(Array.from(sizes.values()).filter((size) => typeof size === "number"));
  if (fixed.size === 0) return null;
  const [size] = fixed;
  if (fixed.size === 1 && Array.from(sizes.values()).every((one) => one === size)) return size!;
  const listed = Array.from(sizes, ([name, one]) => `'${name}' has ${one ?? "an open one"} on axis ${axes.get(name)}`);
  throw new SlipwayError(
    "PASS_REFUSED",
    `The inputs have no batch in common: ${listed.join(", ")}. Say which axis of which input is the batch's.`,
  );
}

/** The name, or one with a number behind it where the model's axes have it already. */
export function freshAxisName({ inputs, outputs, valueInfo }: Graph, wanted: string): string {
  const taken = new Set<Dimension>();
  for (const { type } of [...inputs, ...outputs, ...valueInfo])
    if (type?.kind === "tensor") for (const axis of type.shape ?? []) taken.add(axis);
  if (!taken.has(wanted)) return wanted;
  for (let count = 1; ; count++) if (!taken.has(`${wanted}_${count}`)) return `${wanted}_${count}`;
}

export function opened(info: ValueInfo, axis: number | undefined, name: string): ValueInfo {
  const { type } = info;
  if (axis === undefined || type?.kind !== "tensor") return info;
  return { ...info, type: { ...type, shape: type.shape!.map((length, at) => (at === axis ? name : length)) } };
}
