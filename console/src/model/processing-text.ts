// Processing in words: what each declared step does, for people.
import type { AfterStep, BeforeStep, Processing } from "@slipway/core/processing";

type Words<Steps extends { readonly step: string }> = {
  readonly [Name in Steps["step"]]: (step: Extract<Steps, { readonly step: Name }>) => string;
};

const CHANNELS = { grey: "grey", rgb: "red, green and blue", rgba: "red, green, blue and alpha" } as const;
const FITS = {
  fill: "stretched to fit",
  cover: "cut to the aspect ratio",
  contain: "with background added to keep the aspect ratio",
} as const;

const BEFORE: Words<BeforeStep> = {
  "decode-image": ({ channels }) => `Decode the image as ${CHANNELS[channels]}`,
  invert: ({ when }) => (when === "always" ? "Invert it" : "Invert it if its background is light"),
  resize: ({ height, width, fit, filter }) => `Resize it to ${width} × ${height} pixels (${filter}), ${FITS[fit]}`,
  crop: ({ height, width, at }) =>
    `Crop it to ${width} × ${height} pixels ${at === "centre" ? "around its centre" : `from row ${at.top}, column ${at.left}`}`,
  "fit-content": ({ box, height, width, centre }) =>
    `Scale what is drawn to ${box} pixels and centre it by ${centre === "mass" ? "mass" : "its box"} on ${width} × ${height}`,
  scale: ({ by }) => `Multiply by ${scaleText(by)}`,
  normalise: ({ mean, std }) => `Subtract the mean ${listText(mean)}, divide by the deviation ${listText(std)}`,
  layout: ({ to }) => (to === "CHW" ? "Put channels before rows and columns" : "Put channels after rows and columns"),
  reshape: ({ shape }) => `Give it the shape ${shape.join(" × ")}`,
};

const AFTER: Words<AfterStep> = {
  softmax: ({ output }) => `Turn ${output ?? "the output"} into probabilities (softmax)`,
  labels: ({ labels, top }) =>
    `Answer ${top === null || top >= labels.length ? `all ${labels.length} labels` : `the best ${top} of ${labels.length} labels`} with their scores: ${labelText(labels)}`,
};

/** 1/255 is written so where it is meant. */
function scaleText(by: number): string {
  const inverse = 1 / by;
  const isInverse = Math.abs(by) < 1 && Math.abs(inverse - Math.round(inverse)) < 1e-6;
  return isInverse ? `1/${Math.round(inverse)}` : String(by);
}

function listText(values: readonly number[]): string {
  return values.length === 1 ? String(values[0]) : `(${values.join(", ")})`;
}

function labelText(labels: readonly string[]): string {
  const shown = labels.slice(0, 12).join(", ");
  return labels.length > 12 ? `${shown}, …` : shown;
}

function stepText(table: Readonly<Record<string, (step: never) => string>>, step: { readonly step: string }): string {
  const words = table[step.step];
  // A newer server may declare steps this console does not know; its name says more than nothing.
  return words === undefined ? step.step : words(step as never);
}

/** Each step as a sentence, in order. */
export function processingText(processing: Processing): { readonly before: string[]; readonly after: string[] } {
  return {
    before: processing.before.map((step) => stepText(BEFORE, step)),
    after: processing.after.map((step) => stepText(AFTER, step)),
  };
}
