// The steps before a model against golden numbers of independent implementations, and properties that hold for any image.
import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type GoldenInput, tensorFromGolden } from "../../../test/goldens/inputs.ts";
import { type BeforeStep, parseProcessing } from "./schema.ts";
import { softmax } from "./steps/softmax.ts";
import { applySteps } from "./steps.ts";
import type { Refuse, Values } from "./values.ts";

interface Golden {
  readonly source: string;
  readonly values: readonly number[];
}
interface Goldens {
  readonly resize: readonly (Golden & { readonly image: GoldenInput; readonly step: BeforeStep })[];
  readonly grey: readonly (Golden & { readonly image: GoldenInput })[];
  readonly softmax: readonly (Golden & { readonly logits: GoldenInput; readonly axis: number })[];
  readonly fitContent: readonly (Golden & {
    readonly content: GoldenInput;
    readonly canvas: { readonly height: number; readonly width: number; readonly top: number; readonly left: number };
  })[];
}
const goldens = JSON.parse(
  readFileSync(new URL("../../../test/goldens/processing.json", import.meta.url), "utf8"),
) as Goldens;

const refuse: Refuse = (problem) => {
  throw new Error(problem);
};

/** One step written as in a manifest, applied to an image. */
function apply(step: object, image: Values): Values {
  return applySteps(parseProcessing({ schemaVersion: 1, before: [step] }).before, image, refuse);
}

function imageFrom(golden: GoldenInput): Values {
  const { shape, data } = tensorFromGolden(golden);
  return { shape, data: data as Uint8Array };
}

function expectClose(seen: ArrayLike<number>, wanted: readonly number[], tolerance: number): void {
  expect(seen.length).toBe(wanted.length);
  const worst = wanted.reduce((most, value, index) => Math.max(most, Math.abs(value - seen[index]!)), 0);
  expect(worst).toBeLessThanOrEqual(tolerance);
}

describe("golden numbers", () => {
  // Values go to 255 in float32: 1e-4 is a few units in the last place after two passes of sums.
  test.each(goldens.resize.map((golden) => ({ ...golden, title: JSON.stringify(golden.step) })))(
    "$title as $source",
    ({ image, step, values }) => expectClose(apply(step, imageFrom(image)).data, values, 1e-4),
  );

  test.each(goldens.grey)("grey as $source", ({ image, values }) => {
    expectClose(apply({ step: "decode-image", channels: "grey" }, imageFrom(image)).data, values, 0);
  });

  test.each(goldens.fitContent)("content of $canvas fitted as $source", ({ content, canvas, values }) => {
    const { shape, data } = imageFrom(content);
    const [tall = 0, wide = 0] = shape;
    const pixels = new Uint8Array(canvas.height * canvas.width);
    for (let row = 0; row < tall; row++) {
      pixels.set(data.subarray(row * wide, (row + 1) * wide), (row + canvas.top) * canvas.width + canvas.left);
    }
    const fitted = apply(
      { step: "fit-content", box: 20, height: 28, width: 28 },
      { shape: [canvas.height, canvas.width, 1], data: pixels },
    );
    expect(fitted.shape).toEqual([28, 28, 1]);
    expectClose(fitted.data, values, 1e-4);
  });

  test.each(goldens.softmax)("softmax on axis $axis as $source", ({ logits, axis, values }) => {
    const tensor = tensorFromGolden(logits);
    const { shape } = tensor;
    expectClose(softmax(tensor, (axis + shape.length) % shape.length).data as Float32Array, values, 1e-7);
  });
});

const image = fc
  .record({
    height: fc.integer({ min: 1, max: 24 }),
    width: fc.integer({ min: 1, max: 24 }),
    channels: fc.integer({ min: 1, max: 4 }),
  })
  .chain(({ height, width, channels }) => {
    const size = height * width * channels;
    return fc
      .uint8Array({ minLength: size, maxLength: size })
      .map((data): Values => ({ shape: [height, width, channels], data }));
  });
const resizeStep = fc.record({
  step: fc.constant("resize" as const),
  height: fc.integer({ min: 1, max: 40 }),
  width: fc.integer({ min: 1, max: 40 }),
  fit: fc.constantFrom("fill", "cover", "contain"),
  filter: fc.constantFrom("bilinear", "area", "nearest"),
  antialias: fc.boolean(),
});

describe("resize", () => {
  test("gives the size asked for, within the range of what went in", () => {
    fc.assert(
      fc.property(image, resizeStep, (pixels, step) => {
        const { shape, data } = apply(step, pixels);
        expect(shape).toEqual([step.height, step.width, pixels.shape[2]]);
        expect(data.length).toBe(step.height * step.width * pixels.shape[2]!);
        const least = step.fit === "contain" ? 0 : Math.min(...pixels.data);
        const most = Math.max(...pixels.data);
        for (const value of data) {
          expect(value).toBeGreaterThanOrEqual(least - 1e-3);
          expect(value).toBeLessThanOrEqual(most + 1e-3);
        }
      }),
    );
  });

  test("leaves an image of the wanted size as it is", () => {
    fc.assert(
      fc.property(image, resizeStep, (pixels, step) => {
        const [height, width] = pixels.shape;
        const { data } = apply({ ...step, height, width }, pixels);
        expect([...data]).toEqual([...pixels.data]);
      }),
    );
  });

  test("keeps what it was given unchanged", () => {
    fc.assert(
      fc.property(image, resizeStep, (pixels, step) => {
        const before = [...pixels.data];
        apply(step, pixels);
        expect([...pixels.data]).toEqual(before);
      }),
    );
  });

  test("covers with the middle of an image of extreme proportions, without growing it on the way", () => {
    const width = 100_000;
    const data = new Uint8Array(width).fill(7);
    data.fill(200, width / 2 - 4, width / 2 + 4);
    const { shape, data: made } = apply(
      { step: "resize", height: 64, width: 64, fit: "cover" },
      { shape: [1, width, 1], data },
    );
    expect(shape).toEqual([64, 64, 1]);
    expect(made.every((value) => value === 200)).toBe(true);
  });

  test("contains with background equally on both sides", () => {
    const white = { shape: [2, 4, 1], data: new Uint8Array(8).fill(255) };
    const { data } = apply({ step: "resize", height: 4, width: 4, fit: "contain", background: 9 }, white);
    expect([...data]).toEqual([9, 9, 9, 9, 255, 255, 255, 255, 255, 255, 255, 255, 9, 9, 9, 9]);
  });
});

describe("decode-image", () => {
  const convert = (channels: string, shape: number[], data: number[], more = {}) => [
    ...apply({ step: "decode-image", channels, ...more }, { shape, data: Uint8Array.from(data) }).data,
  ];

  test("spreads grey and drops alpha", () => {
    expect(convert("rgb", [1, 2, 1], [5, 6])).toEqual([5, 5, 5, 6, 6, 6]);
    expect(convert("rgba", [1, 1, 1], [5])).toEqual([5, 5, 5, 255]);
    expect(convert("rgb", [1, 1, 4], [1, 2, 3, 255])).toEqual([1, 2, 3]);
    expect(convert("grey", [1, 1, 2], [77, 255])).toEqual([77]);
  });
  test("lets the background show through", () => {
    expect(convert("rgb", [1, 1, 4], [200, 100, 0, 51])).toEqual([40, 20, 0]);
    expect(convert("grey", [1, 1, 4], [0, 0, 0, 0], { background: 255 })).toEqual([255]);
    expect(convert("rgba", [1, 1, 4], [9, 8, 7, 3])).toEqual([9, 8, 7, 3]);
  });
});

describe("crop", () => {
  const counted = { shape: [3, 4, 1], data: Uint8Array.from({ length: 12 }, (_none, index) => index) };

  test("cuts the middle, or from a place", () => {
    expect([...apply({ step: "crop", height: 1, width: 2 }, counted).data]).toEqual([5, 6]);
    expect([...apply({ step: "crop", height: 2, width: 2, at: { top: 1, left: 2 } }, counted).data]).toEqual([
      6, 7, 10, 11,
    ]);
  });
  test("refuses an image that is smaller", () => {
    expect(() => apply({ step: "crop", height: 4, width: 2 }, counted)).toThrow(
      '"crop" cuts 4 by 2 pixels out of an image of 3 by 4',
    );
    expect(() => apply({ step: "crop", height: 3, width: 2, at: { top: 1, left: 0 } }, counted)).toThrow("from row 1");
  });
});

describe("fit-content", () => {
  const step = { step: "fit-content", box: 20, height: 28, width: 28 };

  test("refuses an image with nothing on it", () => {
    const faint = { shape: [50, 50, 1], data: new Uint8Array(2500).fill(32) };
    expect(() => apply(step, faint)).toThrow("finds nothing in the image: no pixel is brighter than 32 of 255");
  });

  test("does not care where and how large something was drawn", () => {
    const draw = (side: number, top: number, left: number, size: number): Values => {
      const data = new Uint8Array(side * side);
      for (let row = 0; row < size; row++)
        data.fill(255, (top + row) * side + left, (top + row) * side + left + size / 2);
      return { shape: [side, side, 1], data };
    };
    const reference = [...apply(step, draw(28, 4, 9, 20)).data];
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.nat(80), fc.nat(80), (times, top, left) => {
        const fitted = apply(step, draw(280, top, left, 20 * times));
        expectClose(fitted.data, reference, 1e-3);
      }),
    );
  });

  test("keeps everything on the canvas, whatever its mass", () => {
    fc.assert(
      fc.property(image, (pixels) => {
        const grey = apply({ step: "decode-image", channels: "grey" }, pixels);
        if (!grey.data.some((value) => value > 32)) return;
        const { data } = apply(step, grey);
        const [rows, columns] = [new Set<number>(), new Set<number>()];
        data.forEach((value, index) => {
          if (value === 0) return;
          rows.add(Math.floor(index / 28));
          columns.add(index % 28);
        });
        expect(Math.max(...rows) - Math.min(...rows)).toBeLessThan(20);
        expect(Math.max(...columns) - Math.min(...columns)).toBeLessThan(20);
      }),
    );
  });
});

describe("arithmetic and order", () => {
  const pixels = { shape: [1, 2, 3], data: Uint8Array.from([0, 51, 102, 153, 204, 255]) };

  test("invert, always or where the border is light", () => {
    expect([...apply({ step: "invert" }, pixels).data]).toEqual([255, 204, 153, 102, 51, 0]);
    const dark = { shape: [1, 2, 1], data: Uint8Array.from([0, 255]) };
    expect([...apply({ step: "invert", when: "light-background" }, dark).data]).toEqual([0, 255]);
    const light = { shape: [1, 2, 1], data: Uint8Array.from([254, 255]) };
    expect([...apply({ step: "invert", when: "light-background" }, light).data]).toEqual([1, 0]);
  });
  test("invert leaves alpha alone", () => {
    const clear = { shape: [1, 1, 4], data: Uint8Array.from([10, 20, 30, 40]) };
    expect([...apply({ step: "invert" }, clear).data]).toEqual([245, 235, 225, 40]);
  });
  test("scale and normalise", () => {
    expectClose(apply({ step: "scale", by: 1 / 255 }, pixels).data, [0, 0.2, 0.4, 0.6, 0.8, 1], 1e-7);
    const normalised = apply({ step: "normalise", mean: [51, 0, 2], std: [51, 1, 10] }, pixels);
    expectClose(normalised.data, [-1, 51, 10, 2, 204, 25.3], 1e-5);
    expectClose(apply({ step: "normalise", mean: [51], std: [51] }, pixels).data, [-1, 0, 1, 2, 3, 4], 1e-6);
  });
  test("layout moves channels to the front, from a subclass of Uint8Array too", () => {
    expect([...apply({ step: "layout", to: "CHW" }, pixels).data]).toEqual([0, 153, 51, 204, 102, 255]);
    expect(apply({ step: "layout", to: "CHW" }, pixels).shape).toEqual([3, 1, 2]);
    expect(apply({ step: "layout", to: "HWC" }, pixels)).toEqual(pixels);
  });
});
