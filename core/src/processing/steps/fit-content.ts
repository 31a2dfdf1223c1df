// Fits what is drawn into a box, as MNIST's digits were: where and how large it was drawn then no longer matters.
import type { FitContentStep } from "../schema.ts";
import { imageShape, type Meaning, requirePixels, type Values } from "../values.ts";
import { place } from "./place.ts";
import { resample } from "./resample.ts";

export const fitContent: Meaning<FitContentStep> = {
  infer: (step, flow, refuse) => {
    requirePixels(flow, refuse);
    if (flow.shape[2] !== 1) refuse(`needs an image of one channel; decode it to "grey"`);
    if (step.box > Math.min(step.height, step.width)) {
      refuse(`has a box of ${step.box}, more than its canvas of ${step.height} by ${step.width}`);
    }
    return { stage: "pixels", shape: [step.height, step.width, 1] };
  },
  apply: (step, values, refuse) => {
    const bounds = contentBounds(values, step.threshold);
    if (bounds === null)
      return refuse(`finds nothing in the image: no pixel is brighter than ${step.threshold} of 255`);
    const { top, left, height, width } = bounds;
    const scale = step.box / Math.max(height, width);
    const innerHeight = Math.max(1, Math.round(height * scale));
    const innerWidth = Math.max(1, Math.round(width * scale));
    // Cut out first: what lies around the content must not bleed into its edges.
    const cut = place(values, { height, width, top: -top, left: -left, background: 0 });
    const rows = { start: 0, end: height };
    const columns = { start: 0, end: width };
    const content = resample(cut, rows, columns, innerHeight, innerWidth, { filter: "bilinear", antialias: true });
    const [row, column] = step.centre === "mass" ? centreOfMass(content) : [innerHeight / 2, innerWidth / 2];
    return place(content, {
      height: step.height,
      width: step.width,
      // Content of one heavy side would leave the canvas if its mass were centred whatever it takes.
      top: clamp(Math.round(step.height / 2 - row), 0, step.height - innerHeight),
      left: clamp(Math.round(step.width / 2 - column), 0, step.width - innerWidth),
      background: 0,
    });
  },
};

interface Bounds {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** The smallest box around all pixels above the threshold, or null where there is none. */
function contentBounds({ shape, data }: Values, threshold: number): Bounds | null {
  const [height, width] = imageShape(shape);
  let top = height;
  let bottom = -1;
  let left = width;
  let right = -1;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      if (data[row * width + column]! <= threshold) continue;
      if (row < top) top = row;
      bottom = row;
      if (column < left) left = column;
      if (column > right) right = column;
    }
  }
  return bottom < 0 ? null : { top, left, height: bottom - top + 1, width: right - left + 1 };
}

/** Row and column, from the first pixel's corner, weighted by brightness. The content has some. */
function centreOfMass({ shape, data }: Values): [row: number, column: number] {
  const [height, width] = imageShape(shape);
  let mass = 0;
  let rows = 0;
  let columns = 0;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const value = data[row * width + column]!;
      mass += value;
      rows += value * (row + 0.5);
      columns += value * (column + 0.5);
    }
  }
  return [rows / mass, columns / mass];
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, value));
}
