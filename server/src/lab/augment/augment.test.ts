// Augmentation against SciPy's maps and against what can be seen: whole shifts, mirrors, quarter turns, squares, noise.
import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { augmentImages, augmentRows, type ImageAugmentation, rowRandom } from "./index.ts";

/** Draws these uniform numbers, in this order; halves of the range after them. */
function drawing(...uniforms: readonly number[]) {
  const words = uniforms.flatMap((uniform) => {
    const all = Math.floor(uniform * 2 ** 53);
    const high = Math.floor(all / 2 ** 26);
    return [(high << 5) >>> 0, ((all - high * 2 ** 26) << 6) >>> 0];
  });
  return () => ({ bits: () => words.shift() ?? 2 ** 31 });
}
/** Of −1 to 1. */
const signed = (value: number) => (value + 1) / 2;
/** No turn, no shift; right way round; no zoom. */
const [STRAIGHT, KEPT] = [signed(0), 0.75];
const one = (height: number, width: number) => ({ channels: 1, height, width });
const run = (image: readonly number[][], augmentation: ImageAugmentation, ...draws: readonly number[]) => {
  const shape = one(image.length, image[0]!.length);
  return rowsOf(augmentImages(Float32Array.from(image.flat()), shape, augmentation, drawing(...draws)), shape.width);
};
const rowsOf = (flat: Float32Array, width: number) =>
  Array.from({ length: flat.length / width }, (_, row) => [...flat.subarray(row * width, (row + 1) * width)]);
const PICTURE = [
  [1, 2, 3],
  [4, 5, 6],
  [7, 8, 9],
];

test("pictures are turned, shifted, cropped and mirrored as SciPy does it", () => {
  const golden = JSON.parse(
    readFileSync(new URL("../../../../test/goldens/augmentation.json", import.meta.url), "utf8"),
  ) as {
    fill: number;
    image: number[][];
    cases: { degrees: number; shift: [number, number]; share: number; isMirrored: boolean; moved: number[][] }[];
  };
  for (const { degrees, shift, share, isMirrored, moved } of golden.cases) {
    const made = run(
      golden.image,
      { rotate: 90, shift: 4, crop: share, flip: "horizontal", fill: golden.fill },
      signed(degrees / 90),
      signed(shift[0] / 4),
      signed(shift[1] / 4),
      KEPT,
      isMirrored ? 0.25 : KEPT,
      0,
    );
    for (const [row, values] of moved.entries()) {
      for (const [column, want] of values.entries()) expect(made[row]![column]).toBeCloseTo(want, 6);
    }
  }
});

test("whole shifts, mirrors and quarter turns are exact, and nothing asked for changes nothing", () => {
  expect(run(PICTURE, {})).toEqual(PICTURE);
  expect(run(PICTURE, { shift: 2, fill: -1 }, STRAIGHT, signed(0.5), signed(-0.5))).toEqual([
    [-1, 4, 5],
    [-1, 7, 8],
    [-1, -1, -1],
  ]);
  expect(run(PICTURE, { flip: "both" }, STRAIGHT, STRAIGHT, STRAIGHT, 0.25, KEPT)).toEqual(PICTURE.toReversed());
  expect(run(PICTURE, { flip: "horizontal" }, STRAIGHT, STRAIGHT, STRAIGHT, 0.25, 0.25)).toEqual(
    PICTURE.map((row) => row.toReversed()),
  );
  expect(run(PICTURE, { rotate: 180 }, signed(0.5))).toEqual([
    [7, 4, 1],
    [8, 5, 2],
    [9, 6, 3],
  ]);
});

test("a cutout covers a square around any pixel, in all channels, as far as it is in the picture", () => {
  const shape = { channels: 2, height: 3, width: 3 };
  const image = Float32Array.from([...PICTURE.flat(), ...PICTURE.flat()]);
  const draws = [STRAIGHT, STRAIGHT, STRAIGHT, KEPT, KEPT, 0.5, 0.5, 0.5];
  const made = augmentImages(image, shape, { cutout: 2, fill: 0 }, drawing(...draws, 0, 0.5));
  // Its middle is the first row's second pixel: rows −1 and 0, columns 0 and 1.
  const covered = [
    [0, 0, 3],
    [4, 5, 6],
    [7, 8, 9],
  ];
  expect(rowsOf(made, 3)).toEqual([...covered, ...covered]);
  expect([...image.subarray(0, 9)]).toEqual(PICTURE.flat());
});

test("crops stay within the picture: nothing of what is beyond is seen", () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.double({ min: 0.3, max: 1, noNaN: true }), (seed, crop) => {
      const image = new Float32Array(8 * 5).fill(1);
      const made = augmentImages(image, one(8, 5), { crop, fill: -100 }, () => rowRandom(seed, 0, 0));
      expect([...made].every((value) => Math.abs(value - 1) < 1e-6)).toBe(true);
    }),
  );
});

test("a picture depends on its seed, epoch and row alone", () => {
  const images = Float32Array.from({ length: 4 * 36 }, (_, at) => Math.sin(at));
  const all = { shift: 2, rotate: 20, flip: "both", crop: 0.7, cutout: 3 } as const;
  const whole = augmentImages(images, one(6, 6), all, (row) => rowRandom(5, 2, row));
  const last = augmentImages(images.subarray(108), one(6, 6), all, () => rowRandom(5, 2, 3));
  expect([...last]).toEqual([...whole.subarray(108)]);
  const seen = [
    rowRandom(5, 2, 3),
    rowRandom(5, 3, 3),
    rowRandom(5, 2, 4),
    rowRandom(6, 2, 3),
    rowRandom(2 ** 32 + 5, 2, 3),
  ];
  expect(new Set(seen.map((random) => random.bits())).size).toBe(5);
});

test("noise has the deviation that was asked for, on the features that take it", () => {
  const rows = 4000;
  const features = new Float32Array(rows * 3).fill(2);
  const made = rowsOf(
    augmentRows(features, 3, { noise: 0.1, numbers: [0, 2] }, (row) => rowRandom(1, 0, row)),
    3,
  );
  for (const feature of [0, 2]) {
    const values = made.map((row) => row[feature]! - 2);
    const mean = values.reduce((sum, value) => sum + value, 0) / rows;
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / rows);
    // Five standard errors; the seed is fixed.
    expect(Math.abs(mean)).toBeLessThan((5 * 0.1) / Math.sqrt(rows));
    expect(Math.abs(deviation - 0.1)).toBeLessThan((5 * 0.1) / Math.sqrt(2 * rows));
  }
  expect(made.every((row) => row[1] === 2)).toBe(true);
});

test("swapped features come from other rows, a group at a time, as often as was asked for", () => {
  const rows = 2000;
  const features = Float32Array.from({ length: rows * 3 }, (_, at) => Math.floor(at / 3) + 1);
  const swap = { swap: 0.25, groups: [[0, 1], [2]] };
  const made = rowsOf(
    augmentRows(features, 3, swap, (row) => rowRandom(9, 0, row)),
    3,
  );
  expect(made.every(([a, b]) => a === b)).toBe(true);
  const swapped = made.filter(([a], row) => a !== row + 1).length;
  expect(Math.abs(swapped / rows - 0.25)).toBeLessThan(5 * Math.sqrt((0.25 * 0.75) / rows));
  expect(made.some(([a, , c], row) => a === row + 1 && c !== row + 1)).toBe(true);
  expect(features[3]).toBe(2);
});

test("amounts that make no sense are refused", () => {
  for (const [augmentation, message] of [
    [{ crop: 0 }, "crop"],
    [{ rotate: 270 }, "rotation"],
    [{ shift: -1 }, "shift"],
    [{ cutout: 1.5 }, "cutout"],
  ] as const) {
    expect(() => run(PICTURE, augmentation)).toThrow(message);
  }
  expect(() => augmentRows(new Float32Array(2), 1, { swap: 2 }, () => rowRandom(0, 0, 0))).toThrow("from 0 to 1");
});
