// Numbers, shapes and texts in the few letters a picture has room for.
import { createInitializer, type Initializer, tensorFromInitializer } from "#graph";
import type { Dimension } from "#tensor";

/** A line of a box. */
export const MOST_LETTERS = 34;

/** A text of at most so many letters, cut at its front where its end says more. */
export function cut(text: string, most: number, end: "front" | "back" = "back"): string {
  const letters = Array.from(text);
  if (letters.length <= most) return text;
  return end === "back" ? `${letters.slice(0, most - 1).join("")}…` : `…${letters.slice(1 - most).join("")}`;
}

export function numberText(value: number): string {
  const text = Number.isInteger(value) && Math.abs(value) < 1e6 ? String(value) : String(Number(value.toPrecision(3)));
  return text.replace("-", "−").replace("Infinity", "∞");
}

/** A shape in few letters: `N×64×56×56`. */
export function dimsText(shape: readonly Dimension[]): string {
  return shape.length === 0 ? "scalar" : shape.map(dimensionText).join("×");
}

function dimensionText(length: Dimension): string {
  if (typeof length === "number") return String(length);
  // Longer ones are made up by exporters or by much arithmetic, and say no more than that the length is open.
  return length === null || length.length > 14 ? "?" : length;
}

/** Tensors of more elements are weights, of which the shape is said. */
const MOST_ELEMENTS = 6;
/** Vectors of more floating-point numbers are biases and scales. */
const MOST_NUMBERS = 2;

/** What a small tensor holds; null for others. */
export function smallValue({ data, shape, dtype, ...rest }: Initializer): string | null {
  const count = shape.reduce((product, length) => product * length, 1);
  const isInteger = /^u?int(?:8|16|32|64)$/.test(dtype);
  if (!isInteger && !/^(?:float(?:32|64)|bool)$/.test(dtype)) return null;
  if (data.kind === "external" || shape.length > 1 || count > (isInteger ? MOST_ELEMENTS : MOST_NUMBERS)) return null;
  const tensor = tensorFromInitializer(createInitializer({ ...rest, data, shape, dtype }));
  const values = Array.from(tensor.data as ArrayLike<number | bigint>, Number);
  // Slices say "to the end" by the largest integer there is.
  const isEndless = (value: number): boolean => isInteger && Math.abs(value) >= 2 ** 31 - 1;
  const texts = values.map((value) => numberText(isEndless(value) ? value * Number.POSITIVE_INFINITY : value));
  return shape.length === 0 ? texts[0]! : `[${texts.join(", ")}]`;
}
