import { ERRORS, type ErrorCode, SlipwayError } from "@slipway/core/base";
import { describe, expect, it } from "vitest";
import { errorBody, retryAfterSeconds, STATUS_OF_CODE, statusOf } from "./status.ts";

const codes = Object.keys(ERRORS) as ErrorCode[];

describe("statusOf", () => {
  it.each(codes)("gives %s an error status", (code) => {
    expect(statusOf(code)).toBeGreaterThanOrEqual(400);
    expect(statusOf(code)).toBeLessThan(600);
  });

  it("blames the server for what failed on our side, and only for that", () => {
    for (const code of codes) {
      const isOurs = ["failed", "overloaded", "unavailable", "timeout", "unsupported"].includes(ERRORS[code].kind);
      if (!isOurs) expect([code, statusOf(code) < 500]).toEqual([code, true]);
      if (ERRORS[code].kind === "failed") expect([code, statusOf(code) >= 500]).toEqual([code, true]);
    }
  });

  it.each<[ErrorCode, number]>([
    ["REQUEST_MALFORMED", 400],
    ["ENDPOINT_NOT_FOUND", 404],
    ["METHOD_NOT_ALLOWED", 405],
    ["REQUEST_TIMEOUT", 408],
    ["REQUEST_TOO_LARGE", 413],
    ["QUOTA_EXCEEDED", 429],
    ["INTERNAL", 500],
    ["EXTENSION_UNSUPPORTED", 501],
    ["QUEUE_FULL", 503],
    ["ENDPOINT_NOT_READY", 503],
    ["DEADLINE_EXCEEDED", 504],
    ["RUN_TIMEOUT", 504],
  ])("is %s %i", (code, status) => {
    expect(statusOf(code)).toBe(status);
  });

  it("overrides no code with what its kind has anyway", () => {
    for (const code of Object.keys(STATUS_OF_CODE) as ErrorCode[]) {
      const alike = codes.filter(
        (other) => ERRORS[other].kind === ERRORS[code].kind && STATUS_OF_CODE[other] === undefined,
      );
      for (const other of alike) expect(statusOf(other)).not.toBe(statusOf(code));
    }
  });
});

describe("retryAfterSeconds", () => {
  it.each<[ErrorCode, number | undefined, number | null]>([
    ["QUEUE_FULL", undefined, 1],
    ["QUEUE_FULL", 1, 1],
    ["QUEUE_FULL", 2500, 3],
    ["QUOTA_EXCEEDED", 60_000, 60],
    ["SHUTTING_DOWN", undefined, 1],
    ["REQUEST_MALFORMED", undefined, null],
    ["INTERNAL", undefined, null],
  ])("of %s after %s ms is %s", (code, retryAfterMs, seconds) => {
    const error = new SlipwayError(code, "It failed.", retryAfterMs === undefined ? {} : { retryAfterMs });
    expect(retryAfterSeconds(error)).toBe(seconds);
  });
});

describe("errorBody", () => {
  it("has the protocol's error, the code, the id and the details", () => {
    const error = new SlipwayError("QUEUE_FULL", 'Full of "x".', {
      details: { queued: 3 },
      cause: new Error("secret"),
    });
    expect(errorBody(error, "id1")).toBe(
      String.raw`{"error":"Full of \"x\".","code":"QUEUE_FULL","inference_id":"id1","details":{"queued":3}}`,
    );
    expect(JSON.parse(errorBody(error, null))).not.toHaveProperty("inference_id");
  });
});
