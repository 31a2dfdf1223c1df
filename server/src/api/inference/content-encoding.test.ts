import { describe, expect, it } from "vitest";
import { acceptedCoding, codingOf } from "./content-encoding.ts";

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
