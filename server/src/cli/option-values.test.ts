// Options that count take whole numbers, whichever command reads them.
import { expect, test } from "vitest";
import { qualityOptionsFrom } from "./measure-flags.ts";
import { wholeOption } from "./option-values.ts";
import { settingsFrom } from "./train-flags.ts";

const refused = (message: string) =>
  expect.objectContaining({ code: "USAGE", message: expect.stringContaining(message) as string });

test("a whole number is one within its range", () => {
  expect(wholeOption({ rows: "12" }, "rows", 1, 20)).toBe(12);
  expect(wholeOption({}, "rows", 1, 20)).toBeUndefined();
  expect(() => wholeOption({ rows: "1.5" }, "rows", 1, 20)).toThrow(
    refused('--rows is "1.5"; it must be a whole number from 1 to 20.'),
  );
  for (const text of ["21", "", "many"]) expect(() => wholeOption({ rows: text }, "rows", 1, 20)).toThrow("--rows is");
});

test.each(["epochs", "steps", "batch", "part", "patience", "seed", "threads", "pixels"])("train --%s", (flag) => {
  expect(() => settingsFrom({ [flag]: "8.5" })).toThrow(refused(`--${flag} is "8.5"; it must be a whole number from`));
});

test("train takes fractions of what is measured and not counted", () => {
  expect(settingsFrom({ rate: "0.1", clip: "0.5", epochs: "2", augment: ["shift=0.5"] })).toEqual({
    learningRate: 0.1,
    maxNorm: 0.5,
    epochs: 2,
    augment: { shift: 0.5 },
  });
  expect(() => settingsFrom({ augment: ["cutout=0.5"] })).toThrow(refused("write it as --augment cutout=2"));
});

test.each(["resamples", "seed"])("measure --%s", (flag) => {
  expect(() => qualityOptionsFrom({ [flag]: "1.5" })).toThrow(refused(`--${flag} is "1.5"; it must be a whole number`));
});

test("measure --top", () => {
  expect(qualityOptionsFrom({ top: ["3"], threshold: "0.5" })).toEqual({ topK: [3], threshold: 0.5 });
  expect(() => qualityOptionsFrom({ top: ["2.5"] })).toThrow(
    refused('--top is "2.5"; it takes whole numbers, such as 5.'),
  );
});
