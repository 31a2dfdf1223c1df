// Steps that change each value by itself.
import type { InvertStep, NormaliseStep, ScaleStep } from "../schema.ts";
import { imageShape, type Flow, type Meaning, type Refuse, requirePixels, type Values } from "../values.ts";

export const invert: Meaning<InvertStep> = {
  infer: (_step, flow, refuse) => {
    requirePixels(flow, refuse);
    return flow;
  },
  apply: (step, values) => {
    if (step.when === "light-background" && borderMean(values) <= 127.5) return values;
    const channels = values.shape[2]!;
    return mapped(values, (value, index) => (channels === 4 && index % 4 === 3 ? value : 255 - value));
  },
};

export const scale: Meaning<ScaleStep> = {
  infer: (_step, flow, refuse) => asNumbers(flow, refuse),
  apply: (step, values) => mapped(values, (value) => value * step.by),
};

export const normalise: Meaning<NormaliseStep> = {
  infer: (step, flow, refuse) => {
    const channels = flow.shape.at(-1) ?? null;
    for (const key of ["mean", "std"] as const) {
      const { length } = step[key];
      if (length !== 1 && channels !== null && length !== channels) {
        refuse(`has ${length} values of "${key}" for ${channels} channels`);
      }
    }
    return asNumbers(flow, refuse);
  },
  apply: (step, values, refuse) => {
    const channels = values.shape.at(-1) ?? 1;
    const mean = spread(step.mean, channels, "mean", refuse);
    const std = spread(step.std, channels, "std", refuse);
    return mapped(values, (value, index) => (value - mean[index % channels]!) / std[index % channels]!);
  },
};

function asNumbers(flow: Flow, refuse: Refuse): Flow {
  if (flow.stage === "arranged") refuse(`has to come before "layout" and "reshape"`);
  return { ...flow, stage: "numbers" };
}

function spread(list: readonly number[], channels: number, key: string, refuse: Refuse): readonly number[] {
  if (list.length === channels) return list;
  if (list.length !== 1) refuse(`has ${list.length} values of "${key}" for ${channels} channels`);
  return Array.from({ length: channels }, () => list[0]!);
}

function mapped({ shape, data }: Values, change: (value: number, index: number) => number): Values {
  const result = data instanceof Float64Array ? new Float64Array(data.length) : new Float32Array(data.length);
  for (let index = 0; index < data.length; index++) result[index] = change(data[index]!, index);
  return { shape, data: result };
}

/** Mean of the outermost pixels, without alpha. */
function borderMean({ shape, data }: Values): number {
  const [height, width, channels] = imageShape(shape);
  const colours = channels === 4 ? 3 : channels;
  let sum = 0;
  let count = 0;
  for (let row = 0; row < height; row++) {
    const isEdge = row === 0 || row === height - 1;
    for (let column = 0; column < width; column += isEdge ? 1 : Math.max(1, width - 1)) {
      for (let channel = 0; channel < colours; channel++) sum += data[(row * width + column) * channels + channel]!;
      count += colours;
    }
  }
  return sum / count;
}
