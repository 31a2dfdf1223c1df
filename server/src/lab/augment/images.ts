// Pictures shifted, turned, mirrored, cropped and partly covered. What moves pixels is one affine map, so that a picture is
// interpolated once. Sources: bilinear interpolation as scipy.ndimage's order 1 with mode "grid-constant"; random crops after
// C. Szegedy and others, CVPR 2015; cutout: T. DeVries, G. Taylor, arXiv 1708.04552.
import { assert } from "@slipway/core/base";
import { drawUniform, type Random } from "@slipway/core/stats";

/** Pictures of one size, channels first: [pictures, channels, height, width]. */
export interface ImageShape {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** How different a picture may become; what is left out stays as it is. */
export interface ImageAugmentation {
  /** Pixels to any side at most; fractions of pixels are drawn too. */
  readonly shift?: number;
  /** Degrees at most, either way round. */
  readonly rotate?: number;
  /** Mirrored, each way for half of the pictures. */
  readonly flip?: "horizontal" | "vertical" | "both";
  /** The smallest share of height and width that is cropped and enlarged again, above 0 and at most 1. */
  readonly crop?: number;
  /** Side of a square in pixels that is covered with `fill`, wherever its middle falls in the picture. */
  readonly cutout?: number;
  /** What is beyond the edges, in the picture's own units; 0 unless said. */
  readonly fill?: number;
}

/**
 * New pictures; the given ones stay as they are.
 * @param randomOf the randomness of each picture, by its place: `rowRandom`
 * @throws RangeError for amounts that make no sense
 */
export function augmentImages(
  images: Float32Array,
  shape: ImageShape,
  augmentation: ImageAugmentation,
  randomOf: (image: number) => Random,
): Float32Array {
  check(augmentation);
  const { channels, height, width } = shape;
  const size = channels * height * width;
  assert(images.length % size === 0, `${images.length} values are no pictures of ${size}.`);
  const made = new Float32Array(images.length);
  for (let start = 0, image = 0; start < images.length; start += size, image++) {
    const random = randomOf(image);
    const from = images.subarray(start, start + size);
    const to = made.subarray(start, start + size);
    move(from, to, shape, mapOf(augmentation, shape, random), augmentation.fill ?? 0);
    if (augmentation.cutout !== undefined) cover(to, shape, augmentation, random);
  }
  return made;
}

/** From a place in the new picture to one in the old: y = a·y' + b·x' + c, x = d·y' + e·x' + f, in pixels. */
type AffineMap = readonly [number, number, number, number, number, number];

function mapOf(augmentation: ImageAugmentation, { height, width }: ImageShape, random: Random): AffineMap {
  const { shift = 0, rotate = 0, flip, crop = 1 } = augmentation;
  // All are drawn, wanted or not, so that adding one does not change the others.
  const [turn, down, right] = [0, 0, 0].map(() => 2 * drawUniform(random) - 1) as [number, number, number];
  const [isUpsideDown, isMirrored] = [drawUniform(random) < 0.5, drawUniform(random) < 0.5];
  const [zoom, cropDown, cropRight] = [0, 0, 0].map(() => drawUniform(random)) as [number, number, number];
  const angle = (turn * rotate * Math.PI) / 180;
  const share = crop + (1 - crop) * zoom;
  const flipY = isUpsideDown && (flip === "vertical" || flip === "both") ? -1 : 1;
  const flipX = isMirrored && (flip === "horizontal" || flip === "both") ? -1 : 1;
  const [middleY, middleX] = [(height - 1) / 2, (width - 1) / 2];
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const [a, b] = [share * cosine * flipY, -share * sine * flipX];
  const [d, e] = [share * sine * flipY, share * cosine * flipX];
  // A crop lies anywhere within the picture.
  const moveY = down * shift + (2 * cropDown - 1) * ((1 - share) * middleY);
  const moveX = right * shift + (2 * cropRight - 1) * ((1 - share) * middleX);
  return [a, b, middleY + moveY - a * middleY - b * middleX, d, e, middleX + moveX - d * middleY - e * middleX];
}

function move(from: Float32Array, to: Float32Array, shape: ImageShape, map: AffineMap, fill: number): void {
  const { channels, height, width } = shape;
  const [a, b, c, d, e, f] = map;
  const plane = height * width;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const y = settled(a * row + b * column + c);
      const x = settled(d * row + e * column + f);
      const [top, left] = [Math.floor(y), Math.floor(x)];
      const [below, beside] = [y - top, x - left];
      for (let channel = 0; channel < channels; channel++) {
        const pixel = (atRow: number, atColumn: number): number =>
          atRow >= 0 && atRow < height && atColumn >= 0 && atColumn < width
            ? from[channel * plane + atRow * width + atColumn]!
            : fill;
        // Where a neighbour counts nothing it is not looked at, so that infinities stay where they are.
        const across = (atRow: number) =>
          beside === 0 ? pixel(atRow, left) : (1 - beside) * pixel(atRow, left) + beside * pixel(atRow, left + 1);
        to[channel * plane + row * width + column] =
          below === 0 ? across(top) : (1 - below) * across(top) + below * across(top + 1);
      }
    }
  }
}

/** Rounding errors of the map must not make fractions of whole pixels. */
function settled(place: number): number {
  const whole = Math.round(place);
  return Math.abs(place - whole) < 1e-9 ? whole : place;
}

function cover(image: Float32Array, shape: ImageShape, { cutout, fill = 0 }: ImageAugmentation, random: Random): void {
  const { channels, height, width } = shape;
  const edges = (length: number): readonly [number, number] => {
    const start = Math.floor(drawUniform(random) * length) - Math.floor(cutout! / 2);
    return [Math.max(0, start), Math.min(length, start + cutout!)];
  };
  const [top, bottom] = edges(height);
  const [left, right] = edges(width);
  for (let channel = 0; channel < channels; channel++) {
    for (let row = top; row < bottom; row++) {
      const start = (channel * height + row) * width;
      image.fill(fill, start + left, start + right);
    }
  }
}

function check({ shift = 0, rotate = 0, crop = 1, cutout = 0, fill = 0 }: ImageAugmentation): void {
  const refuse = (what: string, value: number, takes: string) => {
    throw new RangeError(`The ${what} of an augmentation is ${value}; it takes ${takes}.`);
  };
  if (!(shift >= 0 && shift < 1e6)) refuse("shift", shift, "pixels of at least 0");
  if (!(rotate >= 0 && rotate <= 180)) refuse("rotation", rotate, "degrees from 0 to 180");
  if (!(crop > 0 && crop <= 1)) refuse("crop", crop, "a share above 0 and at most 1");
  if (!Number.isInteger(cutout) || cutout < 0) refuse("cutout", cutout, "whole pixels of at least 0");
  if (!Number.isFinite(fill)) refuse("fill", fill, "a finite number");
}
