import { randomBytes } from "node:crypto";
import { FakeClock } from "@slipway/core/base";
import { describe, expect, test } from "vitest";
import { createIdentifiers } from "./identifiers.ts";

describe("identifiers", () => {
  test("sort by when they were made, whatever the clock does", () => {
    const clock = new FakeClock();
    let offset = 0;
    const newId = createIdentifiers({ wall: () => clock.wall() + offset }, (sizeBytes) => randomBytes(sizeBytes));
    const ids: string[] = [];
    for (let step = 0; step < 2000; step++) {
      if (step % 100 === 0) clock.advance(1);
      offset = step % 7 === 0 ? -5000 : 0;
      ids.push(newId());
    }
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
  });

  test("have the time of the ULID specification", () => {
    // https://github.com/ulid/spec: 01ARZ3NDEK is the time 1469922850259.
    const newId = createIdentifiers({ wall: () => 1469922850259 }, () => new Uint8Array(10));
    expect(newId()).toBe("01ARZ3NDEK0000000000000000");
    expect(newId()).toBe("01ARZ3NDEK0000000000000001");
  });
});
