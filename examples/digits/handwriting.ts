// Digits as another hand, another pen and another screen would have made them: moved, turned, slanted, bent, thickened, thinned and
// brightened at random. MNIST's digits are thinner and more regular than those that are drawn with a mouse.
import { drawUniform, type Random } from "@slipway/core/stats";
import { PIXELS, SIDE } from "./digits.ts";

const MIDDLE = (SIDE - 1) / 2;
/** Pixels that a digit moves, and that parts of it do, at most. */
const [MOVE, BEND] = [2.4, 1];
/** Places in a row, and in a column, that parts of a digit move with. */
const KNOTS = 5;
/** Shares of digits that a broader pen, and a finer one, has drawn. */
const [BROADER, FINER] = [0.35, 0.15];

/** What each knot counts at each place of a row or column, [28, 5]: by Catmull and Rom's spline through the knots. */
const SPLINE: Float64Array = splineShares();

function splineShares(): Float64Array {
  const shares = new Float64Array(SIDE * KNOTS);
  for (let place = 0; place < SIDE; place++) {
    const at = (place / (SIDE - 1)) * (KNOTS - 1);
    const first = Math.min(Math.floor(at), KNOTS - 2);
    const t = at - first;
    const spline = [
      -t + 2 * t ** 2 - t ** 3,
      2 - 5 * t ** 2 + 3 * t ** 3,
      t + 4 * t ** 2 - 3 * t ** 3,
      t ** 3 - t ** 2,
    ];
    // Beyond the ends, the last knot counts on.
    for (const [index, share] of spline.entries())
      shares[place * KNOTS + Math.min(Math.max(first + index - 1, 0), KNOTS - 1)]! += share / 2;
  }
  return shares;
}

/**
 * Variations of digits.
 * @param ink [digits, 28, 28], from 0 to 1
 * @param randomOf the randomness of each digit, by its place
 */
export function varied(ink: Float32Array, randomOf: (digit: number) => Random): Float32Array {
  const made = new Float32Array(ink.length);
  for (let start = 0, digit = 0; start < ink.length; start += PIXELS, digit++) {
    made.set(variedDigit(ink.subarray(start, start + PIXELS), randomOf(digit)), start);
  }
  return made;
}

function variedDigit(ink: Float32Array, random: Random): Float32Array {
  const between = (low: number, high: number): number => low + (high - low) * drawUniform(random);
  const moved = movedDigit(ink, between);
  const pen = drawUniform(random);
  const share = between(0.2, 1);
  const brightness = between(0.75, 1.8);
  const other =
    pen < BROADER ? windows(moved, -1, 1, Math.max) : pen > 1 - FINER ? windows(moved, 0, 1, Math.min) : moved;
  return moved.map((value, at) => Math.min((value + share * (other[at]! - value)) * brightness, 1));
}

function movedDigit(ink: Float32Array, between: (low: number, high: number) => number): Float32Array {
  const angle = (between(-15, 15) * Math.PI) / 180;
  const slant = between(-0.2, 0.2);
  const [across, down] = [1 / between(0.8, 1.15), 1 / between(0.8, 1.15)];
  const [right, below] = [between(-MOVE, MOVE), between(-MOVE, MOVE)];
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const bendX = bends(between);
  const bendY = bends(between);
  const made = new Float32Array(PIXELS);
  for (let row = 0; row < SIDE; row++) {
    for (let column = 0; column < SIDE; column++) {
      const at = row * SIDE + column;
      const [x, y] = [column - MIDDLE, row - MIDDLE];
      const fromX = MIDDLE + across * (cosine * x + (slant - sine) * y) + right + bendX[at]!;
      const fromY = MIDDLE + down * (sine * x + cosine * y) + below + bendY[at]!;
      made[at] = inkAt(ink, fromX, fromY);
    }
  }
  return made;
}

/** How far each pixel is moved in one direction, smoothly, as an unsteady hand does. */
function bends(between: (low: number, high: number) => number): Float64Array {
  const knots = Float64Array.from({ length: KNOTS * KNOTS }, () => between(-BEND, BEND));
  const made = new Float64Array(PIXELS);
  const line = new Float64Array(KNOTS);
  for (let row = 0; row < SIDE; row++) {
    for (let knot = 0; knot < KNOTS; knot++) line[knot] = dot(SPLINE, row * KNOTS, knots, knot, KNOTS);
    for (let column = 0; column < SIDE; column++) made[row * SIDE + column] = dot(SPLINE, column * KNOTS, line, 0, 1);
  }
  return made;
}

/** The sum over the knots of a share times what lies at the knot. */
function dot(shares: Float64Array, from: number, values: Float64Array, first: number, stride: number): number {
  let sum = 0;
  for (let knot = 0; knot < KNOTS; knot++) sum += shares[from + knot]! * values[first + knot * stride]!;
  return sum;
}

/** Between four pixels; nothing beyond the edges. */
function inkAt(ink: Float32Array, x: number, y: number): number {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [right, below] = [x - left, y - top];
  const pixel = (column: number, row: number): number =>
    column >= 0 && column < SIDE && row >= 0 && row < SIDE ? ink[row * SIDE + column]! : 0;
  const upper = (1 - right) * pixel(left, top) + right * pixel(left + 1, top);
  const lower = (1 - right) * pixel(left, top + 1) + right * pixel(left + 1, top + 1);
  return (1 - below) * upper + below * lower;
}

/** The most, or the least, ink in a window around each pixel, from `first` to `last` in both directions. */
function windows(ink: Float32Array, first: number, last: number, of: (a: number, b: number) => number): Float32Array {
  const across = new Float32Array(PIXELS);
  const made = new Float32Array(PIXELS);
  for (const [from, to, stride] of [
    [ink, across, 1],
    [across, made, SIDE],
  ] as const) {
    for (let at = 0; at < PIXELS; at++) {
      const place = Math.floor(at / stride) % SIDE;
      let found = from[at]!;
      for (let step = Math.max(first, -place); step <= Math.min(last, SIDE - 1 - place); step++)
        found = of(found, from[at + step * stride]!);
      to[at] = found;
    }
  }
  return made;
}
