// What a version's manifest may declare to happen before and after its model: data, never code. The types are the
// documentation of the form; the tables under them are its checks.
import { SlipwayError } from "#base";
import {
  anyOf,
  boolean,
  type Fields,
  filled,
  finiteNumber,
  list,
  literal,
  nonZero,
  object,
  oneOf,
  optional,
  readFields,
  show,
  text,
  wholeNumber,
} from "./fields.ts";

/**
 * Turns an encoded image into pixels, row by row from the top: values from 0 to 255, shape [height, width, channels].
 * Always the first step where it is used. Grey from colour is the luma of ITU-R BT.601, (299 R + 587 G + 114 B) / 1000.
 */
export interface DecodeImageStep {
  readonly step: "decode-image";
  readonly channels: "grey" | "rgb" | "rgba";
  /** Grey level (0 to 255) that shows through transparent pixels, unless the channels are "rgba". Default 0. */
  readonly background: number;
}

/** Replaces each pixel value v by 255 - v, except alpha. */
export interface InvertStep {
  readonly step: "invert";
  /** "light-background": only images whose border is on average brighter than half. Default "always". */
  readonly when: "always" | "light-background";
}

/**
 * Resizes an image. Pixel centres lie at halves (the convention of Pillow, torchvision, OpenCV and ONNX Resize's
 * `half_pixel`); results are not rounded.
 */
export interface ResizeStep {
  readonly step: "resize";
  readonly height: number;
  readonly width: number;
  /**
   * "fill" stretches; "cover" keeps the aspect ratio and cuts off what is too much, equally on both sides; "contain"
   * keeps it and adds background, equally on both sides. Default "fill".
   */
  readonly fit: "fill" | "cover" | "contain";
  /**
   * "bilinear" weighs by distance; "area" averages what each pixel covers (OpenCV's INTER_AREA when shrinking);
   * "nearest" takes one pixel. Default "bilinear".
   */
  readonly filter: "bilinear" | "area" | "nearest";
  /**
   * Whether "bilinear" averages over all it covers when shrinking, as Pillow and torchvision do, rather than over four
   * pixels, as OpenCV and ONNX Resize do. Default true.
   */
  readonly antialias: boolean;
  /** Grey level of what "contain" adds. Default 0. */
  readonly background: number;
}

/** Cuts a part out of an image. An image that is smaller is refused. */
export interface CropStep {
  readonly step: "crop";
  readonly height: number;
  readonly width: number;
  /** "centre", or the first row and column kept. Default "centre". */
  readonly at: "centre" | { readonly top: number; readonly left: number };
}

/**
 * Cuts out what is brighter than the threshold, scales its longer side to `box`, and puts it on a black canvas, as the
 * digits of MNIST were made: box 20, canvas 28 by 28, centred by mass.
 *
 * Source: LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", Proc. IEEE 86(11),
 * 1998, section III.A. For grey images of light content on a dark background; see "invert".
 */
export interface FitContentStep {
  readonly step: "fit-content";
  /** Longer side of the content afterwards, in pixels. */
  readonly box: number;
  readonly height: number;
  readonly width: number;
  /** Pixels above this value (0 to 254) are content. An image without any is refused. Default 32. */
  readonly threshold: number;
  /** What comes to the canvas's centre: the centre of "mass" (of brightness), or of the "box" around it. Default "mass". */
  readonly centre: "mass" | "box";
}

/** Multiplies every value: 1 / 255 brings pixels to 0 to 1. */
export interface ScaleStep {
  readonly step: "scale";
  readonly by: number;
}

/** (value - mean) / std, for each channel (the last axis), or with one number each for all. */
export interface NormaliseStep {
  readonly step: "normalise";
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Orders the axes of an image: channels first ("CHW", as PyTorch) or last ("HWC", as decoded). */
export interface LayoutStep {
  readonly step: "layout";
  readonly to: "CHW" | "HWC";
}

/** Gives one record's values another shape, in the same order. */
export interface ReshapeStep {
  readonly step: "reshape";
  readonly shape: readonly number[];
}

export type BeforeStep =
  | DecodeImageStep
  | InvertStep
  | ResizeStep
  | CropStep
  | FitContentStep
  | ScaleStep
  | NormaliseStep
  | LayoutStep
  | ReshapeStep;

/** Probabilities from logits: exp(x) over their sum along an axis. */
export interface SoftmaxStep {
  readonly step: "softmax";
  /** The model output it changes; null for its only one. */
  readonly output: string | null;
  /** Negative counts from the last; the batch axis is refused. Default -1. */
  readonly axis: number;
}

/** Answers labels with their scores, best first, instead of numbers. The last step where it is used. */
export interface LabelsStep {
  readonly step: "labels";
  /** The model output that scores the labels; null for its only one. */
  readonly output: string | null;
  /** A label for each score, in the output's order. */
  readonly labels: readonly string[];
  /** How many are answered; null for all. */
  readonly top: number | null;
}

export type AfterStep = SoftmaxStep | LabelsStep;

/**
 * What happens before and after a model. Putting records together to a batch and converting to the input's datatype are
 * not steps: the signature already says both.
 *
 * A record is an image where the first step is "decode-image", and otherwise an instance: a JSON value for the only
 * input, or an object of input names to values.
 */
export interface Processing {
  readonly schemaVersion: 1;
  /** Steps from a record to the model's input, in order. */
  readonly before: readonly BeforeStep[];
  /** The model input those steps fill; null for its only one. An instance's other inputs are taken as they are. */
  readonly input: string | null;
  /** Steps from the model's outputs to the answer, in order. */
  readonly after: readonly AfterStep[];
  /**
   * How an instance's values are taken. "values": each as the input's datatype has it, and none may be missing. "rows": as the
   * columns of a table's row. What is left out or null is a missing value, NaN or the empty text, which the model answers
   * for; truth values are the numbers 1 and 0, and numbers of an input of texts their text. Default "values".
   */
  readonly instances: "values" | "rows";
  /**
   * Inputs that take seconds since the Unix epoch, for which an instance may also give a time as text: ISO 8601, in UTC where it
   * has no offset. Default none.
   */
  readonly times: readonly string[];
}

/** What holds for a version that declares nothing: instances in, all outputs out. */
export const NO_PROCESSING: Processing = {
  schemaVersion: 1,
  before: [],
  input: null,
  after: [],
  instances: "values",
  times: [],
};

/** Longest side of an image a step may make, in pixels. */
const SIDE = 8192;
const STEPS = 32;
const LABELS = 200_000;
const COLUMNS = 10_000;

type StepFields<Steps extends { readonly step: string }> = {
  readonly [Name in Steps["step"]]: Fields<Omit<Extract<Steps, { readonly step: Name }>, "step">>;
};

const side = wholeNumber(1, SIDE);
const greyLevel = filled(finiteNumber(0, 255), 0);
const portName = filled<string | null>(optional(text), null);

const BEFORE: StepFields<BeforeStep> = {
  "decode-image": { channels: oneOf("grey", "rgb", "rgba"), background: greyLevel },
  invert: { when: filled(oneOf("always", "light-background"), "always") },
  resize: {
    height: side,
    width: side,
    fit: filled(oneOf("fill", "cover", "contain"), "fill"),
    filter: filled(oneOf("bilinear", "area", "nearest"), "bilinear"),
    antialias: filled(boolean, true),
    background: greyLevel,
  },
  crop: {
    height: side,
    width: side,
    at: filled(
      anyOf<CropStep["at"]>(
        literal("centre"),
        object<{ top: number; left: number }>({ top: wholeNumber(0, SIDE), left: wholeNumber(0, SIDE) }),
      ),
      "centre",
    ),
  },
  "fit-content": {
    box: side,
    height: side,
    width: side,
    threshold: filled(finiteNumber(0, 254), 32),
    centre: filled(oneOf("mass", "box"), "mass"),
  },
  scale: { by: nonZero },
  normalise: { mean: list(finiteNumber(), 1, 4096), std: list(nonZero, 1, 4096) },
  layout: { to: oneOf("CHW", "HWC") },
  reshape: { shape: list(wholeNumber(1, 2 ** 31), 1, 16) },
};

const AFTER: StepFields<AfterStep> = {
  softmax: { output: portName, axis: filled(wholeNumber(-64, 63), -1) },
  labels: {
    output: portName,
    labels: list(text, 1, LABELS),
    top: filled<number | null>(optional(wholeNumber(1, LABELS)), null),
  },
};

interface Top extends Omit<Processing, "before" | "after"> {
  readonly before: readonly unknown[];
  readonly after: readonly unknown[];
}

const TOP: Fields<Top> = {
  schemaVersion: literal(1),
  before: filled(list({ takes: "a step", read: (value) => value }, 0, STEPS), []),
  input: portName,
  after: filled(list({ takes: "a step", read: (value) => value }, 0, STEPS), []),
  instances: filled(oneOf("values", "rows"), "values"),
  times: filled(list(text, 0, COLUMNS), []),
};

/**
 * Reads a declared processing and fills in defaults. Whether it suits a model is `compileProcessing`'s to say.
 * @param value parsed JSON
 * @throws SlipwayError PROCESSING_INVALID naming the step, the key, the value seen and what it takes
 * @example
 * parseProcessing({ schemaVersion: 1, before: [{ step: "decode-image", channels: "grey" }] }).after; // []
 */
export function parseProcessing(value: unknown): Processing {
  const read = readFields(value, "Processing", TOP, "PROCESSING_INVALID");
  const { schemaVersion, before, input, after, instances, times } = read;
  return {
    schemaVersion,
    before: before.map((step, index) => readStep<BeforeStep>(step, `before[${index}]`, BEFORE)),
    input,
    after: after.map((step, index) => readStep<AfterStep>(step, `after[${index}]`, AFTER)),
    instances,
    times,
  };
}

function readStep<Step extends { readonly step: string }>(
  value: unknown,
  where: string,
  table: StepFields<Step>,
): Step {
  const name = typeof value === "object" && value !== null && "step" in value ? value.step : undefined;
  const names = Object.keys(table);
  if (typeof name !== "string" || !names.includes(name)) {
    const seen = name === undefined ? `${show(value)} names no step` : `the step ${show(name)} is not known`;
    throw new SlipwayError("PROCESSING_INVALID", `Processing ${where}: ${seen}; "step" is one of ${names.join(", ")}.`);
  }
  const { step, ...rest } = value as { step: Step["step"] };
  const fields: Fields<object> = table[step];
  return { ...readFields<object>(rest, `Processing ${where} (${name})`, fields, "PROCESSING_INVALID"), step } as Step;
}
