import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createInferenceIds } from "./inference-ids.ts";

describe("inference ids", () => {
  it("are distinct, of one length, and sort as they were made", () => {
    const next = createInferenceIds(randomBytes(8));
    const ids = Array.from({ length: 5000 }, next);
    expect(new Set(ids).size).toBe(ids.length);
    expect(new Set(ids.map((id) => id.length))).toEqual(new Set([23]));
    expect([...ids].sort()).toEqual(ids);
    for (const id of ids) expect(id).toMatch(/^[0-9a-hjkmnp-tv-z]+$/);
  });

  it("carry all of the random bits, so that two processes differ", () => {
    const zero = createInferenceIds(new Uint8Array(8))();
    for (let bit = 0; bit < 64; bit++) {
      const random = new Uint8Array(8);
      random[bit >> 3] = 1 << (bit & 7);
      expect(createInferenceIds(random)()).not.toBe(zero);
    }
  });
});
