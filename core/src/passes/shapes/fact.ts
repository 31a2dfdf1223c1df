// What is known of a value before the model runs.
import { type Initializer, initializerElementCount, tensorFromInitializer } from "#graph";
import type { DType } from "#tensor";
import { Length } from "./length.ts";

/** The elements of a value that holds lengths, such as the shape of another; null for an element that is not known. */
export type Elements = readonly (Length | null)[];

export interface Fact {
  readonly dtype: DType;
  /** null where not even the number of axes is known. */
  readonly shape: readonly Length[] | null;
  /** Elements of a small tensor of at most one axis: 1 for true and 0 for false; null where none are followed. */
  readonly elements: Elements | null;
}

/** What a rule says of an output. */
export interface OutputShape {
  readonly shape: readonly Length[] | null;
  readonly elements?: Elements | null;
}

/** More elements are no shape, and are not followed. */
export const MOST_ELEMENTS = 64;

/** Types whose elements are followed. */
const FOLLOWED: ReadonlySet<DType> = new Set(["int32", "int64", "bool", "float32", "float64"]);

/** The elements of a small stored tensor of at most one axis; null for others. */
export function elementsOf(stored: Initializer): Elements | null {
  const { dtype, shape, data } = stored;
  if (!FOLLOWED.has(dtype) || shape.length > 1 || data.kind === "external") return null;
  if (initializerElementCount(stored) > MOST_ELEMENTS) return null;
  const values = Array.from(tensorFromInitializer(stored).data as ArrayLike<number | bigint>, Number);
  return values.map((value) => (Number.isFinite(value) ? Length.of(value) : null));
}
