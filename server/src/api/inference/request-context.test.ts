import type { IncomingHttpHeaders } from "node:http";
import type { ParameterValue } from "@slipway/core/wire";
import { describe, expect, it } from "vitest";
import { requestContext } from "./request-context.ts";

const defaults = { defaultTimeoutMs: 30_000, maxTimeoutMs: 60_000 };

function context(headers: IncomingHttpHeaders, parameters: Readonly<Record<string, ParameterValue>> = {}) {
  return requestContext(headers, new Map(Object.entries(parameters)), "id", 1000, defaults);
}

describe("requestContext", () => {
  it("has defaults for a request that says nothing", () => {
    expect(context({})).toEqual({
      inferenceId: "id",
      tenant: "default",
      principal: null,
      purpose: null,
      priority: 0,
      arrivedAt: 1000,
      deadline: 31_000,
      traceparent: null,
    });
  });

  it.each<[string, IncomingHttpHeaders, Record<string, ParameterValue>, number]>([
    ["Triton's microseconds", {}, { timeout: 2_500_000 }, 2500],
    ["Triton's 0 as none", {}, { timeout: 0 }, 30_000],
    ["the header's milliseconds", { "slipway-timeout-ms": "0.5" }, {}, 0.5],
    ["the shorter of both", { "slipway-timeout-ms": "10" }, { timeout: 20_000 }, 10],
    ["the shorter of both, the other way", { "slipway-timeout-ms": "30" }, { timeout: 20_000 }, 20],
    ["no more than the most", { "slipway-timeout-ms": "1e9" }, {}, 60_000],
  ])("takes %s as the deadline", (_, headers, parameters, timeoutMs) => {
    expect(context(headers, parameters).deadline).toBe(1000 + timeoutMs);
  });

  it.each<[IncomingHttpHeaders, Record<string, ParameterValue>]>([
    [{ "slipway-timeout-ms": "" }, {}],
    [{ "slipway-timeout-ms": "-1" }, {}],
    [{ "slipway-timeout-ms": "NaN" }, {}],
    [{ "slipway-timeout-ms": "Infinity" }, {}],
    [{}, { timeout: 1.5 }],
    [{}, { timeout: "1000" }],
    [{}, { priority: -1 }],
    [{}, { priority: true }],
    [{}, { priority: Number.NaN }],
    [{ "slipway-purpose": "" }, {}],
    [{ "slipway-purpose": "x".repeat(65) }, {}],
    [{ "slipway-purpose": "<script>" }, {}],
  ])("refuses %j with %j", (headers, parameters) => {
    expect(() => context(headers, parameters)).toThrow(expect.objectContaining({ code: "PARAMETER_INVALID" }));
  });

  it("takes priority and purpose", () => {
    expect(context({ "slipway-purpose": "fraud:check-2" }, { priority: 3 })).toMatchObject({
      priority: 3,
      purpose: "fraud:check-2",
    });
  });

  const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
  const PARENT = "00f067aa0ba902b7";
  it.each<[string, boolean]>([
    [`00-${TRACE}-${PARENT}-01`, true],
    [`cc-${TRACE}-${PARENT}-01-what-the-future-adds`, true],
    [`00-${TRACE}-${PARENT}-01-more`, false],
    [`ff-${TRACE}-${PARENT}-01`, false],
    [`00-${"0".repeat(32)}-${PARENT}-01`, false],
    [`00-${TRACE}-${"0".repeat(16)}-01`, false],
    [`00-${TRACE.toUpperCase()}-${PARENT}-01`, false],
    [`00-${TRACE}-${PARENT}`, false],
    [`cc-${TRACE}-${PARENT}-01x`, false],
    ["", false],
  ])("of the trace parent %s: taken %s", (traceparent, isTaken) => {
    expect(context({ traceparent }).traceparent).toBe(isTaken ? traceparent : null);
  });
});
