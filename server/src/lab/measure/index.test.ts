// The door opens: what other folders import is there.
import { expect, test } from "vitest";
import { classificationQuality } from "#lab/measure";

test("a folder on a shelf is imported by its door", () => {
  const quality = classificationQuality({ labels: [1], scores: Float32Array.of(0.9) }, { classes: 2 });
  expect(quality.accuracy).toEqual({ value: 1 });
});
