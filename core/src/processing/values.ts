// What flows through the steps before a model: one record's values, and what is known of them before any record is seen.

/** One record's values, row-major. Pixels are [height, width, channels], 0 to 255. */
export interface Values {
  readonly shape: readonly number[];
  readonly data: Uint8Array | Float32Array | Float64Array;
}

/**
 * How far the values have come. Steps on "pixels" need an image that is still an image; "numbers" have left 0 to 255;
 * "arranged" values have their final axes.
 */
type Stage = "pixels" | "numbers" | "arranged";

/** What is known of the values when a processing is compiled: null axes differ from record to record. */
export interface Flow {
  readonly stage: Stage;
  readonly shape: readonly (number | null)[];
}

/** Refuses what a step was given, saying why; the caller's message says where. */
export type Refuse = (problem: string) => never;

/** A step's meaning: which values it takes and gives, and how it gets from one to the other. */
export interface Meaning<Step> {
  /** What leaves the step, given what is known to enter it. */
  readonly infer: (step: Step, flow: Flow, refuse: Refuse) => Flow;
  /** One record's values through the step. Leaves what it was given unchanged. */
  readonly apply: (step: Step, values: Values, refuse: Refuse) => Values;
}

/** Height, width and channels of an image's shape. */
export function imageShape<Length>(
  shape: readonly Length[],
): readonly [height: Length, width: Length, channels: Length] {
  return shape as unknown as readonly [Length, Length, Length];
}

/** Refuses values that are no image any more. */
export function requirePixels(flow: Flow, refuse: Refuse): void {
  if (flow.stage !== "pixels") {
    refuse(
      `needs an image's pixels: it has to follow "decode-image", before "scale", "normalise", "layout" and "reshape"`,
    );
  }
}

export function shapeText(shape: readonly (number | string | null)[]): string {
  return `[${shape.map((length) => length ?? "?").join(", ")}]`;
}
