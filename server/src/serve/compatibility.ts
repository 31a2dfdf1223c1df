// Whether callers of one signature are served by another: a new version must take all that the live one took, and give
// what its callers count on. Symbols are names for "any length", so renaming or sharing them breaks nobody here.
import { type Dimension, type Port, type Signature, typeText, type ValueType } from "@slipway/core/tensor";

/** Something callers would trip over. */
export interface SignatureDifference {
  readonly where: "input" | "output";
  readonly name: string;
  readonly kind: "removed" | "required" | "type" | "dtype" | "rank" | "axis";
  /** What the live signature says, and what the new one would; null where it says nothing. */
  readonly live: string | null;
  readonly next: string | null;
  /** One sentence for people. */
  readonly text: string;
}

/** What in `next` would break callers of `live`; empty when nothing would. */
export function breakingDifferences(live: Signature, next: Signature): readonly SignatureDifference[] {
  return [
    ...live.inputs.flatMap((port, index) => comparePort("input", port, index, live.inputs, next.inputs)),
    ...requiredInputs(live, next),
    ...live.outputs.flatMap((port, index) => comparePort("output", port, index, live.outputs, next.outputs)),
  ];
}

type Where = SignatureDifference["where"];

function comparePort(
  where: Where,
  port: Port,
  index: number,
  livePorts: readonly Port[],
  nextPorts: readonly Port[],
): SignatureDifference[] {
  const next = nextPorts.find(({ name }) => name === port.name);
  if (next === undefined) {
    const heir = nextPorts[index];
    const isRenamed = heir !== undefined && !livePorts.some(({ name }) => name === heir.name);
    const text = `${where} "${port.name}" is gone${isRenamed ? `; "${heir.name}" stands in its place` : ""}`;
    return [{ where, name: port.name, kind: "removed", live: typeText(port.type), next: null, text }];
  }
  return compareTypes(where, port.name, port.type, next.type);
}

function requiredInputs(live: Signature, next: Signature): SignatureDifference[] {
  return next.inputs
    .filter((port) => port.isOptional !== true && port.type.kind !== "optional")
    .flatMap((port) => {
      const before = live.inputs.find(({ name }) => name === port.name);
      if (before !== undefined && before.isOptional !== true && before.type.kind !== "optional") return [];
      const type = typeText(port.type);
      const text =
        before === undefined
          ? `input "${port.name}" (${type}) is new and required`
          : `input "${port.name}" could be left out and is now required`;
      const was = before === undefined ? null : typeText(before.type);
      return [{ where: "input", name: port.name, kind: "required", live: was, next: type, text }];
    });
}

function compareTypes(where: Where, name: string, live: ValueType, next: ValueType): SignatureDifference[] {
  // That a tensor may be left out is compared by `requiredInputs`; here only what it is when it comes.
  const liveType = live.kind === "optional" ? live.element : live;
  const nextType = next.kind === "optional" ? next.element : next;
  const differs = (kind: SignatureDifference["kind"], text: string): SignatureDifference[] => [
    { where, name, kind, live: typeText(live), next: typeText(next), text: `${where} "${name}" ${text}` },
  ];
  if (where === "output" && next.kind === "optional" && live.kind !== "optional")
    return differs("type", `was always given and is now ${typeText(next)}`);
  if (liveType.kind !== "tensor" || nextType.kind !== "tensor") {
    return typeText(liveType) === typeText(nextType)
      ? []
      : differs("type", `was ${typeText(live)} and is now ${typeText(next)}`);
  }
  const differences: SignatureDifference[] = [];
  if (liveType.dtype !== nextType.dtype)
    differences.push(...differs("dtype", `was ${liveType.dtype} and is now ${nextType.dtype}`));
  // What narrows an input breaks whoever sends it; what widens an output breaks whoever reads it.
  const [wide, narrow] = where === "input" ? [liveType.shape, nextType.shape] : [nextType.shape, liveType.shape];
  if (narrow === null) return differences;
  if (wide === null || wide.length !== narrow.length) {
    const text = `had ${axesText(liveType.shape)} and has now ${axesText(nextType.shape)}`;
    return [...differences, ...differs("rank", text)];
  }
  for (let axis = 0; axis < narrow.length; axis++) {
    if (typeof narrow[axis] !== "number" || narrow[axis] === wide[axis]) continue;
    const before = lengthText(liveType.shape![axis]!);
    const text = `had ${before} in axis ${axis} and has now ${lengthText(nextType.shape![axis]!)}`;
    differences.push(...differs("axis", text));
  }
  return differences;
}

function axesText(shape: readonly Dimension[] | null): string {
  return shape === null ? "any number of axes" : shape.length === 1 ? "1 axis" : `${shape.length} axes`;
}

function lengthText(length: Dimension): string {
  return typeof length === "number" ? `length ${length}` : "any length";
}
