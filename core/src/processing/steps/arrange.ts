// Steps that move values without changing them: the order of an image's axes, and shapes.
import type { LayoutStep, ReshapeStep } from "../schema.ts";
import { imageShape, type Meaning, shapeText } from "../values.ts";

export const layout: Meaning<LayoutStep> = {
  infer: (step, flow, refuse) => {
    if (flow.stage === "arranged" || flow.shape.length !== 3) {
      refuse(`needs an image of three axes, and comes once, before "reshape"`);
    }
    const [height, width, channels] = imageShape(flow.shape);
    return { stage: "arranged", shape: step.to === "CHW" ? [channels, height, width] : [height, width, channels] };
  },
  apply: (step, values) => {
    if (step.to === "HWC") return values;
    const [height, width, channels] = imageShape(values.shape);
    const pixels = height * width;
    const shape = [channels, height, width];
    if (channels === 1) return { shape, data: values.data };
    const data = values.data.slice();
    for (let channel = 0; channel < channels; channel++) {
      for (let pixel = 0; pixel < pixels; pixel++) {
        data[channel * pixels + pixel] = values.data[pixel * channels + channel]!;
      }
    }
    return { shape, data };
  },
};

export const reshape: Meaning<ReshapeStep> = {
  infer: (step, flow, refuse) => {
    if (flow.shape.every((length) => length !== null)) {
      const count = product(flow.shape);
      if (count !== product(step.shape)) {
        refuse(`gives the shape ${shapeText(step.shape)} to ${count} values of the shape ${shapeText(flow.shape)}`);
      }
    }
    return { stage: "arranged", shape: step.shape };
  },
  apply: (step, values, refuse) => {
    if (values.data.length !== product(step.shape)) {
      refuse(`gives the shape ${shapeText(step.shape)} to ${values.data.length} values of ${shapeText(values.shape)}`);
    }
    return { shape: step.shape, data: values.data };
  },
};

function product(shape: readonly number[]): number {
  return shape.reduce((total, length) => total * length, 1);
}
