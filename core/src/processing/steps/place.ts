// Puts an image on a canvas, or cuts a canvas out of it: what "crop", "contain" and "fit-content" have in common.
import { imageShape, type Values } from "../values.ts";

export interface Placement {
  readonly height: number;
  readonly width: number;
  /** Where the image's first row and column come to lie on the canvas; may be negative. */
  readonly top: number;
  readonly left: number;
  /** Value of what the image does not cover. */
  readonly background: number;
}

/** The image on a canvas; what lies beyond is cut off. */
export function place(values: Values, { height, width, top, left, background }: Placement): Values {
  const [inputHeight, inputWidth, channels] = imageShape(values.shape);
  const data = new (values.data.constructor as Float32ArrayConstructor)(height * width * channels).fill(background);
  const firstColumn = Math.max(0, -left);
  const endColumn = Math.min(inputWidth, width - left);
  if (endColumn <= firstColumn) return { shape: [height, width, channels], data };
  for (let row = Math.max(0, -top); row < Math.min(inputHeight, height - top); row++) {
    const from = (row * inputWidth + firstColumn) * channels;
    const part = values.data.subarray(from, from + (endColumn - firstColumn) * channels);
    data.set(part, ((row + top) * width + left + firstColumn) * channels);
  }
  return { shape: [height, width, channels], data };
}
