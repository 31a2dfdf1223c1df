import * as fc from "fast-check";
import { expect, test } from "vitest";
import { nearestWords } from "#base";

test("the nearest come first, each once, and none where nothing is near", () => {
  expect(nearestWords("resnet", ["resnet50", "resnet18", "bert", "resnt", "resnt"], 3)).toEqual([
    "resnt",
    "resnet18",
    "resnet50",
  ]);
  expect(nearestWords("resnet", ["resnet50", "resnt"], 1)).toEqual(["resnt"]);
  expect(nearestWords("zebra", ["digits", "bert"], 3)).toEqual([]);
  expect(nearestWords("DIGTS", ["digits"], 3)).toEqual(["digits"]);
});

test("distances are those of the textbook", () => {
  // kitten → sitting takes 3 changes, which is as far as a word of nine letters reaches, and not one of six.
  expect(nearestWords("kitten", ["sitting"], 1)).toEqual([]);
  expect(nearestWords("kitten000", ["sitting000"], 1)).toEqual(["sitting000"]);
});

test("the end of a dotted word stands for all of it", () => {
  expect(nearestWords("maxBatchRows", ["runtime.instances", "runtime.maxBatchRows"], 1)).toEqual([
    "runtime.maxBatchRows",
  ]);
});

test("a word with one letter changed, dropped or doubled is found", () => {
  const word = fc.stringMatching(/^[a-z]{4,20}$/);
  fc.assert(
    fc.property(word, fc.nat(), fc.constantFrom("", "#", "##"), (known, place, put) => {
      const at = place % known.length;
      expect(nearestWords(known.slice(0, at) + put + known.slice(at + 1), [known], 1)).toEqual([known]);
    }),
  );
});

test("a word of any length costs no more than looking at it", () => {
  expect(nearestWords("x".repeat(1_000_000), ["digits"], 3)).toEqual([]);
});
