// The table of steps before a model, and the loops that put them one after the other.
import { SlipwayError } from "#base";
import type { BeforeStep } from "./schema.ts";
import { invert, normalise, scale } from "./steps/arithmetic.ts";
import { layout, reshape } from "./steps/arrange.ts";
import { crop } from "./steps/crop.ts";
import { decodeImage } from "./steps/decode-image.ts";
import { fitContent } from "./steps/fit-content.ts";
import { resize } from "./steps/resize.ts";
import type { Flow, Meaning, Refuse, Values } from "./values.ts";

const MEANINGS: { readonly [Name in BeforeStep["step"]]: Meaning<Extract<BeforeStep, { readonly step: Name }>> } = {
  "decode-image": decodeImage,
  invert,
  resize,
  crop,
  "fit-content": fitContent,
  scale,
  normalise,
  layout,
  reshape,
};

function meaningOf(step: BeforeStep): Meaning<BeforeStep> {
  return MEANINGS[step.step] as Meaning<BeforeStep>;
}

/**
 * What is known of the values after all steps.
 * @throws SlipwayError PROCESSING_INVALID naming the step that can't follow what came before it
 */
export function inferSteps(steps: readonly BeforeStep[], start: Flow): Flow {
  return steps.reduce((flow, step, index) => {
    const refuse: Refuse = (problem) => {
      throw new SlipwayError("PROCESSING_INVALID", `Processing before[${index}] (${step.step}) ${problem}.`);
    };
    if (index > 0 && step.step === "decode-image") refuse("has to be the first step");
    return meaningOf(step).infer(step, flow, refuse);
  }, start);
}

/** One record's values after all steps. */
export function applySteps(steps: readonly BeforeStep[], start: Values, refuse: Refuse): Values {
  return steps.reduce(
    (values, step) => meaningOf(step).apply(step, values, (problem) => refuse(`"${step.step}" ${problem}`)),
    start,
  );
}
