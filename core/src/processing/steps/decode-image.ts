// From what a decoder gives (1 to 4 channels of 8 bits) to the channels a version declares. Decoding itself is a port:
// it differs between servers and browsers, and runs outside the server's front process.
import type { DecodeImageStep } from "../schema.ts";
import { imageShape, type Meaning, type Values } from "../values.ts";

const CHANNELS = { grey: 1, rgb: 3, rgba: 4 } as const;

export const decodeImage: Meaning<DecodeImageStep> = {
  infer: (step, flow, refuse) => {
    if (flow.shape.length !== 0) refuse("has to be the first step");
    return { stage: "pixels", shape: [null, null, CHANNELS[step.channels]] };
  },
  apply: (step, values) => withChannels(values, step),
};

/** Pixels of 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGB, alpha) channels as those the step asks for. */
function withChannels(values: Values, { channels, background }: DecodeImageStep): Values {
  const [height, width, from] = imageShape(values.shape);
  const to = CHANNELS[channels];
  if (from === to) return values;
  const hasAlpha = from === 2 || from === 4;
  const hasColour = from >= 3;
  const { data } = values;
  const result = new Uint8Array(height * width * to);
  for (let pixel = 0; pixel < height * width; pixel++) {
    const at = pixel * from;
    let red = data[at]!;
    let green = hasColour ? data[at + 1]! : red;
    let blue = hasColour ? data[at + 2]! : red;
    const alpha = hasAlpha ? data[at + from - 1]! : 255;
    if (to !== 4 && alpha !== 255) {
      red = over(red, alpha, background);
      green = over(green, alpha, background);
      blue = over(blue, alpha, background);
    }
    const out = pixel * to;
    if (to === 1) {
      result[out] = hasColour ? luma(red, green, blue) : red;
      continue;
    }
    result[out] = red;
    result[out + 1] = green;
    result[out + 2] = blue;
    if (to === 4) result[out + 3] = alpha;
  }
  return { shape: [height, width, to], data: result };
}

function over(value: number, alpha: number, background: number): number {
  return Math.round((value * alpha + background * (255 - alpha)) / 255);
}

/** ITU-R BT.601 luma in 16-bit fixed point, the rounding Pillow's convert("L") has. */
function luma(red: number, green: number, blue: number): number {
  return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >>> 16;
}
