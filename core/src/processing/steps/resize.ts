// Brings images to one size, in three ways of dealing with an aspect ratio that differs.
import type { ResizeStep } from "../schema.ts";
import { imageShape, type Meaning, requirePixels, type Values } from "../values.ts";
import { place } from "./place.ts";
import { resample, type Span } from "./resample.ts";

export const resize: Meaning<ResizeStep> = {
  infer: (step, flow, refuse) => {
    requirePixels(flow, refuse);
    return { stage: "pixels", shape: [step.height, step.width, flow.shape[2] ?? null] };
  },
  apply: (step, values) => {
    switch (step.fit) {
      case "fill":
        return fill(step, values);
      case "cover":
        return cover(step, values);
      case "contain":
        return contain(step, values);
    }
  },
};

function fill(step: ResizeStep, values: Values): Values {
  const [height, width] = imageShape(values.shape);
  return resample(values, { start: 0, end: height }, { start: 0, end: width }, step.height, step.width, step);
}

/** Resamples only the middle part that has the wanted aspect ratio: a very long image never grows on the way. */
function cover(step: ResizeStep, values: Values): Values {
  const [height, width] = imageShape(values.shape);
  const scale = Math.min(height / step.height, width / step.width);
  const rows = middle(height, step.height * scale);
  const columns = middle(width, step.width * scale);
  return resample(values, rows, columns, step.height, step.width, step);
}

function contain(step: ResizeStep, values: Values): Values {
  const [height, width] = imageShape(values.shape);
  const scale = Math.min(step.height / height, step.width / width);
  const innerHeight = Math.max(1, Math.min(step.height, Math.round(height * scale)));
  const innerWidth = Math.max(1, Math.min(step.width, Math.round(width * scale)));
  const rows = { start: 0, end: height };
  const inner = resample(values, rows, { start: 0, end: width }, innerHeight, innerWidth, step);
  const top = Math.floor((step.height - innerHeight) / 2);
  const left = Math.floor((step.width - innerWidth) / 2);
  return place(inner, { height: step.height, width: step.width, top, left, background: step.background });
}

function middle(length: number, part: number): Span {
  const start = Math.max(0, (length - part) / 2);
  return { start, end: Math.min(length, start + part) };
}
