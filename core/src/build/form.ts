// What goes from layer to layer: not only how long its axes are but what they mean, so that a layer that is given the wrong kind of
// thing can say so.
import type { Dimension } from "#tensor";

/** A length that is known, or the name of one that is found out when the model runs. */
export type Length = number | string;

/** A kind of value, and its lengths; the first axis of all is the batch, N. */
export type Form =
  /** Numbers of one row: [N, features]. */
  | { readonly kind: "features"; readonly features: number }
  /** [N, channels, height, width]. */
  | { readonly kind: "image"; readonly channels: number; readonly height: number; readonly width: number }
  /** Channels over time, as convolutions take them: [N, channels, length]. */
  | { readonly kind: "signal"; readonly channels: number; readonly length: number }
  /** A vector for each place of a sequence, as Transformers take them: [N, length, features]. */
  | { readonly kind: "sequence"; readonly length: Length; readonly features: number }
  /** The number of a word for each place of a sequence, int64 [N, length]. */
  | { readonly kind: "tokens"; readonly length: Length; readonly vocabulary: number };

export type FormKind = Form["kind"];

/** The name of the axis of rows. */
export const BATCH = "N";

/** The axes of a form. */
export function shapeOf(form: Form): readonly Dimension[] {
  switch (form.kind) {
    case "features":
      return [BATCH, form.features];
    case "image":
      return [BATCH, form.channels, form.height, form.width];
    case "signal":
      return [BATCH, form.channels, form.length];
    case "sequence":
      return [BATCH, form.length, form.features];
    case "tokens":
      return [BATCH, form.length];
  }
}

const ARTICLES: { readonly [K in FormKind]: string } = {
  features: "features",
  image: "an image",
  signal: "a signal",
  sequence: "a sequence",
  tokens: "tokens",
};

/** As messages say it: `an image [N, 3, 32, 32]`. */
export function describeForm(form: Form): string {
  return `${ARTICLES[form.kind]} [${shapeOf(form).join(", ")}]`;
}

/** `an image or a signal`. */
export function describeKinds(kinds: readonly FormKind[]): string {
  return kinds.map((kind) => ARTICLES[kind]).join(" or ");
}

export function isSameForm(a: Form, b: Form): boolean {
  return a.kind === b.kind && shapeOf(a).join() === shapeOf(b).join();
}

/** A value of the graph. */
export interface Value {
  readonly name: string;
  readonly form: Form;
  /** Which places of a sequence count, bool [N, length]; null where all do. */
  readonly mask: string | null;
}
