// Who asks, until when and what for, from a request's headers and parameters.
import type { IncomingHttpHeaders } from "node:http";
import { SlipwayError } from "@slipway/core/base";
import type { ParameterMap } from "@slipway/core/wire";
import type { RequestContext } from "#serve";

export interface ContextDefaults {
  /** From arrival, for a request that names no time. */
  readonly defaultTimeoutMs: number;
  /** A request that asks for more gets this. */
  readonly maxTimeoutMs: number;
}

/** What the answer is for, in the caller's words. */
export const PURPOSE_HEADER = "slipway-purpose";
/** Milliseconds the caller waits; beside it the parameter `timeout` in microseconds, as Triton's clients send. */
export const TIMEOUT_HEADER = "slipway-timeout-ms";
/** The server's own id, on every answer. */
export const INFERENCE_ID_HEADER = "slipway-inference-id";
export const REQUEST_ID_HEADER = "x-request-id";

const TENANT = "default";

/**
 * The context of a request.
 * @param arrivedAt in `Clock.now()` milliseconds
 * @throws SlipwayError PARAMETER_INVALID
 */
export function requestContext(
  headers: IncomingHttpHeaders,
  parameters: ParameterMap | null,
  inferenceId: string,
  arrivedAt: number,
  defaults: ContextDefaults,
): RequestContext {
  let timeoutMs = defaults.defaultTimeoutMs;
  let priority = 0;
  const asked = headers[TIMEOUT_HEADER];
  if (asked !== undefined) timeoutMs = headerTimeoutMs(asked);
  if (parameters !== null && parameters.size > 0) {
    const timeoutUs = wholeParameter(parameters, "timeout");
    // 0 is Triton's "none of its own".
    if (timeoutUs > 0) timeoutMs = asked === undefined ? timeoutUs / 1000 : Math.min(timeoutMs, timeoutUs / 1000);
    priority = wholeParameter(parameters, "priority");
  }
  return {
    inferenceId,
    tenant: TENANT,
    principal: null,
    purpose: headers[PURPOSE_HEADER] === undefined ? null : purposeOf(headers[PURPOSE_HEADER]),
    priority,
    arrivedAt,
    deadline: arrivedAt + Math.min(timeoutMs, defaults.maxTimeoutMs),
    traceparent: headers["traceparent"] === undefined ? null : traceparentOf(headers["traceparent"]),
  };
}

function headerTimeoutMs(value: string | string[]): number {
  const timeoutMs = Number(value);
  if (timeoutMs > 0 && timeoutMs < Number.MAX_SAFE_INTEGER) return timeoutMs;
  throw new SlipwayError(
    "PARAMETER_INVALID",
    `The header ${TIMEOUT_HEADER} is ${shown(value)}; it is a number of milliseconds above 0.`,
  );
}

function wholeParameter(parameters: ParameterMap, name: string): number {
  const value = parameters.get(name);
  if (value === undefined) return 0;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new SlipwayError("PARAMETER_INVALID", `parameters.${name} is ${shown(value)}; it is a whole number from 0.`);
}

function purposeOf(value: string | string[]): string {
  if (typeof value === "string" && value.length <= 64 && /^[A-Za-z0-9][A-Za-z0-9._:-]*$/.test(value)) return value;
  throw new SlipwayError(
    "PARAMETER_INVALID",
    `The header ${PURPOSE_HEADER} is ${shown(value)}; it is at most 64 letters, digits, '.', '_', ':' and '-'.`,
  );
}

/** The W3C trace context; a malformed one is ignored, as its recommendation asks. */
function traceparentOf(value: string | string[]): string | null {
  if (typeof value !== "string" || !/^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-|$)/.test(value)) return null;
  const [version, traceId, parentId] = value.split("-") as [string, string, string];
  const isZero = /^0+$/.test(traceId) || /^0+$/.test(parentId);
  const hasMore = value.length > 55;
  return version === "ff" || isZero || (version === "00" && hasMore) || value.length > 512 ? null : value;
}

function shown(value: unknown): string {
  return JSON.stringify(value).slice(0, 80);
}
