// What a manifest may declare, and how each mistake is named.
import { readFileSync } from "node:fs";
import { SlipwayError } from "#base";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NO_PROCESSING, parseProcessing } from "./schema.ts";

const messageOf = (value: unknown): string => {
  try {
    parseProcessing(value);
  } catch (error) {
    expect(error).toBeInstanceOf(SlipwayError);
    expect((error as SlipwayError).code).toBe("PROCESSING_INVALID");
    return (error as SlipwayError).message;
  }
  throw new Error("It was accepted.");
};
const before = (...steps: unknown[]) => messageOf({ schemaVersion: 1, before: steps });
const after = (...steps: unknown[]) => messageOf({ schemaVersion: 1, after: steps });

describe("parseProcessing", () => {
  test("fills in defaults", () => {
    expect(parseProcessing({ schemaVersion: 1 })).toEqual(NO_PROCESSING);
    const { before, after } = parseProcessing({
      schemaVersion: 1,
      before: [
        { step: "decode-image", channels: "rgb" },
        { step: "resize", height: 8, width: 9 },
        { step: "crop", height: 4, width: 5 },
        { step: "invert" },
        { step: "fit-content", box: 3, height: 4, width: 5 },
      ],
      after: [{ step: "softmax" }, { step: "labels", labels: ["a"] }],
    });
    expect(before).toEqual([
      { step: "decode-image", channels: "rgb", background: 0 },
      { step: "resize", height: 8, width: 9, fit: "fill", filter: "bilinear", antialias: true, background: 0 },
      { step: "crop", height: 4, width: 5, at: "centre" },
      { step: "invert", when: "always" },
      { step: "fit-content", box: 3, height: 4, width: 5, threshold: 32, centre: "mass" },
    ]);
    expect(after).toEqual([
      { step: "softmax", output: null, axis: -1 },
      { step: "labels", output: null, labels: ["a"], top: null },
    ]);
  });

  test("reads what it gave once more to the same", () => {
    const parsed = parseProcessing({
      schemaVersion: 1,
      before: [
        { step: "decode-image", channels: "grey" },
        { step: "crop", height: 1, width: 2, at: { top: 0, left: 3 } },
        { step: "scale", by: 2 },
        { step: "normalise", mean: [0], std: [1] },
        { step: "layout", to: "CHW" },
        { step: "reshape", shape: [2] },
      ],
      input: "x",
      after: [{ step: "labels", output: "y", labels: ["a", "b"], top: 1 }],
    });
    expect(parseProcessing(JSON.parse(JSON.stringify(parsed)))).toEqual(parsed);
  });

  test("names the step, the key, the value seen and what it takes", () => {
    const resize = { step: "resize", height: 28, width: 28 };
    expect(before({ step: "decode-image", channels: "grey" }, { ...resize, height: "28" })).toBe(
      'Processing before[1] (resize): "height" is "28"; it takes a whole number from 1 to 8192.',
    );
    expect(before({ ...resize, width: undefined })).toBe(
      'Processing before[0] (resize): "width" is missing; it takes a whole number from 1 to 8192.',
    );
    expect(before({ ...resize, heigth: 3 })).toBe(
      'Processing before[0] (resize) has no key "heigth"; its keys are height, width, fit, filter, antialias, background.',
    );
    expect(before({ ...resize, fit: "squash" })).toContain(
      '"fit" is "squash"; it takes one of "fill", "cover", "contain"',
    );
    expect(before({ ...resize, antialias: 1 })).toContain('"antialias" is 1; it takes true or false');
    expect(before({ step: "crop", height: 1, width: 1, at: { top: 1 } })).toContain(
      '"at" is {"top":1}; it takes "centre"',
    );
    expect(before({ step: "scale", by: 0 })).toContain('"by" is 0; it takes a finite number other than 0');
    expect(before({ step: "normalise", mean: [0], std: [1, 0] })).toContain('"std" is [1,0]');
    expect(before({ step: "normalise", mean: [], std: [1] })).toContain('"mean" is []');
    expect(before({ step: "reshape", shape: [1, -1] })).toContain('"shape" is [1,-1]');
    expect(before({ step: "blur" })).toContain(
      'before[0]: the step "blur" is not known; "step" is one of decode-image,',
    );
    expect(before("scale")).toContain('before[0]: "scale" names no step');
    expect(before(null)).toContain("before[0]: null names no step");
    expect(before({ step: "__proto__" })).toContain('the step "__proto__" is not known');
    expect(before({ step: "toString" })).toContain("is not known");
    expect(after({ step: "labels", labels: [1] })).toContain('"labels" is [1]; it takes a list of 1 to');
    expect(after({ step: "labels", labels: ["a"], top: 0 })).toContain('"top" is 0');
    expect(after({ step: "softmax", axis: 1.5 })).toContain('after[0] (softmax): "axis" is 1.5');
    expect(messageOf([])).toBe("Processing is []; it takes an object.");
    expect(messageOf({})).toBe('Processing: "schemaVersion" is missing; it takes 1.');
    expect(messageOf({ schemaVersion: 2 })).toBe('Processing: "schemaVersion" is 2; it takes 1.');
    expect(messageOf({ schemaVersion: 1, input: 3 })).toContain('"input" is 3; it takes a text, or null');
    expect(messageOf({ schemaVersion: 1, before: {} })).toContain('"before" is {}; it takes a list of 0 to 32');
  });

  test("is what docs/processing.md says: every step with its keys", () => {
    const page = readFileSync(new URL("../../../docs/processing.md", import.meta.url), "utf8");
    const rows = new Map([...page.matchAll(/^\| `([\w-]+)` \| ([^|]+) \|/gm)].map((row) => [row[1]!, row[2]!]));
    const known = (message: string) => message.split('"step" is one of ')[1]!.replace(/\.$/, "").split(", ");
    const stepsBefore = known(before({ step: "?" }));
    expect([...rows.keys()].sort()).toEqual([...stepsBefore, ...known(after({ step: "?" }))].sort());
    for (const [step, keys] of rows) {
      const message = (stepsBefore.includes(step) ? before : after)({ step, "?": 0 });
      const documented = [...keys.matchAll(/`(\w+)`/g)].map((key) => key[1]!);
      expect(documented, step).toEqual(message.split("its keys are ")[1]!.replace(/\.$/, "").split(", "));
    }
    const example = readFileSync(new URL("../../../examples/digits/processing.json", import.meta.url), "utf8");
    expect(page).toContain(example.trim());
  });

  test("cuts what it shows of long values", () => {
    expect(after({ step: "labels", labels: Array.from({ length: 5000 }, () => 7) }).length).toBeLessThan(250);
  });

  test("answers anything with a processing or a coded error", () => {
    const steps = fc.oneof(
      fc.anything(),
      fc.record({
        step: fc.constantFrom("resize", "crop", "scale", "layout", "labels", "decode-image", "fit-content"),
        height: fc.anything(),
        width: fc.anything(),
        at: fc.anything(),
        channels: fc.anything(),
        labels: fc.anything(),
      }),
    );
    const value = fc.record({ schemaVersion: fc.constantFrom(1, 2), before: fc.array(steps), after: fc.array(steps) });
    fc.assert(
      fc.property(fc.oneof(value, fc.anything()), (declared) => {
        try {
          parseProcessing(declared);
        } catch (error) {
          expect((error as SlipwayError).code).toBe("PROCESSING_INVALID");
        }
      }),
    );
  });
});
