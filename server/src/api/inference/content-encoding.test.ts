import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { acceptedCoding, codingOf, Inflater } from "./content-encoding.ts";

describe("codingOf", () => {
  it.each([
    [undefined, null],
    ["identity", null],
    [" GZIP ", "gzip"],
    ["x-gzip", "gzip"],
    ["deflate", "deflate"],
  ])("of %s is %s", (header, coding) => {
    expect(codingOf(header)).toBe(coding);
  });

  it.each(["br", "zstd", "gzip, gzip", "gzip,deflate"])("refuses %s", (header) => {
    expect(() => codingOf(header)).toThrow(expect.objectContaining({ code: "CONTENT_ENCODING_UNSUPPORTED" }));
  });
});

describe("acceptedCoding", () => {
  it.each([
    ["gzip", "gzip"],
    ["gzip, deflate, br", "gzip"],
    ["deflate, gzip", "deflate"],
    ["deflate;q=0.2, gzip;q=0.9", "gzip"],
    ["gzip;q=0, deflate", "deflate"],
    ["gzip;q=0", null],
    ["*", "gzip"],
    ["br, zstd", null],
    ["identity", null],
    ["", null],
    [";;,,=q", null],
    ["gzip;q=nonsense", null],
  ])("of %j is %s", (header, coding) => {
    expect(acceptedCoding(header)).toBe(coding);
  });
});

describe("Inflater", () => {
  it("inflates all, a few at once and in order, and leaves out what nobody wants any more", async () => {
    const inflater = new Inflater(2 ** 20);
    const started: number[] = [];
    const ended: number[] = [];
    const bodies = Array.from({ length: 12 }, (_, i) => gzipSync(Buffer.alloc(100_000, i)));
    await new Promise<void>((resolve) => {
      bodies.forEach((body, i) => {
        const isWanted = () => {
          started.push(i);
          expect(started.length - ended.length).toBeLessThanOrEqual(4 + 1); // those running, and number 5
          return i !== 5;
        };
        inflater.inflate(body, "gzip", isWanted, (error, bytes) => {
          expect(error).toBeNull();
          expect([bytes.length, bytes[0]]).toEqual([100_000, i]);
          ended.push(i);
          if (ended.length === 11) resolve();
        });
      });
    });
    expect(started).toEqual(Array.from({ length: 12 }, (_, i) => i));
    expect(ended.toSorted((a, b) => a - b)).toEqual(started.filter((i) => i !== 5));
  });
});
