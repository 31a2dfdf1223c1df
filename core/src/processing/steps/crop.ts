// Cuts a part out of an image, at its centre or at a place.
import type { CropStep } from "../schema.ts";
import { imageShape, type Meaning, requirePixels } from "../values.ts";
import { place } from "./place.ts";

export const crop: Meaning<CropStep> = {
  infer: (step, flow, refuse) => {
    requirePixels(flow, refuse);
    const [height, width, channels] = imageShape(flow.shape);
    const problem = problemOf(step, height ?? Infinity, width ?? Infinity);
    if (problem !== null) refuse(problem);
    return { stage: "pixels", shape: [step.height, step.width, channels] };
  },
  apply: (step, values, refuse) => {
    const [height, width] = imageShape(values.shape);
    const problem = problemOf(step, height, width);
    if (problem !== null) refuse(problem);
    const top = step.at === "centre" ? Math.floor((height - step.height) / 2) : step.at.top;
    const left = step.at === "centre" ? Math.floor((width - step.width) / 2) : step.at.left;
    return place(values, { height: step.height, width: step.width, top: -top, left: -left, background: 0 });
  },
};

function problemOf(step: CropStep, height: number, width: number): string | null {
  const { top, left } = step.at === "centre" ? { top: 0, left: 0 } : step.at;
  if (top + step.height <= height && left + step.width <= width) return null;
  const from = step.at === "centre" ? "" : ` from row ${top} and column ${left}`;
  return `cuts ${step.height} by ${step.width} pixels${from} out of an image of ${height} by ${width}`;
}
