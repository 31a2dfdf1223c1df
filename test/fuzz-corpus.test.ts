// What fuzzing found (campaigns/fuzz/corpus, a folder for each target), fed again; and a few fresh inputs for each target, so
// that its judge and its generator are seen to work.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Finding, fuzz, minimise } from "../campaigns/fuzz/fuzzer.ts";
import type { FuzzTarget } from "../campaigns/fuzz/target.ts";
import { TARGETS } from "../campaigns/fuzz/targets.ts";

const CORPUS = path.resolve(import.meta.dirname, "../campaigns/fuzz/corpus");
const progress = { begin: () => {} };

describe.each(TARGETS)("$name", (target) => {
  afterAll(() => target.close?.());
  const directory = path.join(CORPUS, target.name);
  for (const name of existsSync(directory) ? readdirSync(directory) : []) {
    test(name, async () => {
      expect(await target.run(Uint8Array.from(readFileSync(path.join(directory, name))))).toBeTypeOf("string");
    });
  }

  test("takes fresh inputs, and they come to more than one end", async () => {
    const { ends } = await fuzz(target, 300, 1, progress);
    expect(ends.size).toBeGreaterThan(3);
  });
});

test("the corpus has no folder without a target", () => {
  expect(readdirSync(CORPUS).filter((name) => !TARGETS.some((target) => target.name === name))).toEqual([]);
});

describe("the fuzzer", () => {
  const target: FuzzTarget = {
    name: "mock",
    share: 1,
    maxBytes: 64,
    tokens: [Uint8Array.of(0x78, 0x79)],
    seeds: () => [new Uint8Array(20)],
    run(input) {
      const at = input.indexOf(0x78);
      if (at >= 0 && input[at + 1] === 0x79) throw new Error("x, and then y");
      return at < 0 ? "none" : "x";
    },
  };

  test("finds what a target does wrong, the same for a seed, and makes it small", async () => {
    const find = () => fuzz(target, 10_000, 7, progress).catch((error: unknown) => error as Finding);
    const [first, second] = [await find(), await find()];
    expect(first).toBeInstanceOf(Finding);
    expect((first as Finding).input).toEqual((second as Finding).input);
    expect(await minimise(target, first as Finding, progress)).toEqual(Uint8Array.of(0x78, 0x79));
  });
});
